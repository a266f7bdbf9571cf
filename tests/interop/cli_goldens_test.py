# SPDX-License-Identifier: Apache-2.0
"""Replays recorded stories of ovs-vsctl and ovsdb-client (tests/golden/cli-transcripts.jsonl, recorded from Open vSwitch 4.0.90 with
--enable-dummy=override) with our tools on our daemons: output, messages and exit codes must be the same.  Needs no root.

Masked: uuids, MAC addresses of test devices, times, paths, versions.  Lines have no order, nor have the elements of a set of uuids."""

import json
import os
import re
import subprocess
import sys
import tempfile

BUILD = os.path.abspath(os.environ.get("SLUICE_BUILD") or os.path.join(os.path.dirname(__file__), "..", "..", "build", "release"))
COMPAT = os.path.join(BUILD, "compat")
GOLDEN = os.path.join(os.path.dirname(__file__), "..", "golden", "cli-transcripts.jsonl")

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"

# Where ours is meant to differ, by arguments.
DIFFERENT = {
    # The recording waits for a switch that is never told, until its alarm; ours has nothing to wait for.
    ("--dry-run", "add-br", "dry"): "a dry run ends",
    # Which text a change's number is depends on how often the story's other parts, not in the selection, wrote.
    ("get", "Open_vSwitch", ".", "next_cfg"): "a count of all changes",
    ("-f", "csv", "dump", "@DB", "Open_vSwitch", "Open_vSwitch", "next_cfg", "cur_cfg"): "a count of all changes",
}

# Answers that depend on parts of the switch that are still to come: run, reported, but no failure.
NOT_YET = {
    ("list", "bridge", "br0"): "spanning tree status",
    ("list", "br"): "spanning tree status",
    ("add-port", "br0", "vx", "--", "set", "interface", "vx", "type=vxlan", "options:remote_ip=1.2.3.4", "options:key=flow"): "tunnels",
    ("add-port", "br0", "vy", "--", "set", "interface", "vy", "type=vxlan", "options:nosuch=1"): "tunnels",
    ("get", "interface", "vy", "error"): "tunnels",
}


def mask(text, run_dir):
    text = text.replace(f"unix:{run_dir}/db.sock", "unix:db.sock").replace(run_dir, "<RUN>")
    text = re.sub(UUID, "<UUID>", text)
    text = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z\|\d+\|", "", text)
    text = re.sub(r"\[<UUID>(, <UUID>)*\]", "[<UUID>s]", text)
    text = re.sub(r'"0000[0-9a-f]{12}"', '"<DPID>"', text)
    text = re.sub(r"(\(Open vSwitch\)|DB Schema|ovs_version:) \S+", r"\1 <VERSION>", re.sub(r"^Sluice .*\n", "", text, flags=re.M))
    return text


def comparable(text, run_dir):
    lines = mask(text, run_dir).split("\n")
    out = []
    for line in lines:
        line = line.strip()
        # Rules are as wide as the widest cell; the recorded switch leaves its version to a start script.
        if line.startswith(("-----", "ovs_version:")) or not line:
            continue
        if line.startswith(("{", "[")):
            try:
                line = json.dumps(unordered(json.loads(line)), sort_keys=True)
            except ValueError:
                pass
        out.append(" ".join(line.split()))
    return sorted(out)


def unordered(value):
    """Rows and sets in JSON, in one order."""
    if isinstance(value, list):
        return sorted((unordered(v) for v in value), key=lambda v: json.dumps(v, sort_keys=True))
    if isinstance(value, dict):
        return {k: unordered(v) for k, v in value.items()}
    return value


class Daemons:
    def __enter__(self):
        self.tmp = tempfile.TemporaryDirectory(prefix="sluice-cli-")
        self.dir = self.tmp.name
        self.env = dict(os.environ, OVS_RUNDIR=self.dir, OVS_LOGDIR=self.dir, OVS_DBDIR=self.dir, OVS_SYSCONFDIR=self.dir)
        self.db = f"unix:{self.dir}/db.sock"
        self.schema = os.path.join(COMPAT, "vswitch.ovsschema")
        self.run("ovsdb-tool", "create", f"{self.dir}/conf.db", self.schema)
        self.daemons = []
        self.start("ovsdb-server", f"--remote=punix:{self.dir}/db.sock", f"{self.dir}/conf.db")
        self.run("ovs-vsctl", f"--db={self.db}", "--no-wait", "init")
        self.start("ovs-vswitchd", "--enable-dummy=override", "--disable-system", self.db)
        return self

    def start(self, program, *args):
        usual = ["--detach", "--no-chdir", "--pidfile", "--log-file", "-vconsole:off"]
        self.run(program, *usual, *args)
        with open(f"{self.dir}/{program}.pid") as f:
            self.daemons.append(int(f.read()))

    def run(self, program, *args):
        subprocess.run([os.path.join(COMPAT, program), *args], env=self.env, check=True, timeout=60)

    def __exit__(self, *_):
        for pid in reversed(self.daemons):
            try:
                os.kill(pid, 15)
            except ProcessLookupError:
                pass
        self.tmp.cleanup()


def replay(d, step):
    args = [a.replace("@DB", d.db).replace("@VSWITCH", d.schema) for a in step["args"]]
    if step["tool"] == "ovs-vsctl":
        args.insert(0, f"--db={d.db}")
    if step["rc"] != -14:
        args.insert(0, "--timeout=20")
    p = subprocess.run([os.path.join(COMPAT, step["tool"]), *args], env=d.env, capture_output=True, text=True, timeout=60)
    problems = []
    if p.returncode != step["rc"]:
        problems.append(f"exit status {p.returncode}, recorded {step['rc']}")
    for what, ours, theirs in (("output", p.stdout, step["out"]), ("messages", p.stderr, step["err"])):
        a, b = comparable(ours, d.dir), comparable(theirs, d.dir)
        if a != b:
            problems.append(f"{what}: only ours {[x for x in a if x not in b]}, only recorded {[x for x in b if x not in a]}")
    return problems


def main():
    failed = done = 0
    with open(GOLDEN) as f, Daemons() as d:
        for line in f:
            step = json.loads(line)
            if tuple(step["args"]) in DIFFERENT:
                continue
            done += 1
            problems = replay(d, step)
            reason = NOT_YET.get(tuple(step["args"]))
            if problems and not reason:
                failed += 1
                print(step["tool"], step["args"])
                for p in problems:
                    print("   ", p)
            elif problems:
                print("not yet:", step["args"], f"({reason})")
            elif reason:
                print(step["args"], "agrees now: take it off the list")
    print(f"{done} recorded commands, {failed} answered differently")
    return 1 if failed or not done else 0


if __name__ == "__main__":
    sys.exit(main())
