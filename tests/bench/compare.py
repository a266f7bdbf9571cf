#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Side by side with the installed Open vSwitch in one run: rates (median of several), memory, and instructions per operation by callgrind.

    compare.py [--build DIR] [--rounds N] [--no-callgrind] [ovsdb] [flows] [memory]

A figure is printed as `name  ours  peer  ratio`; ratio > 1 means that ours is better."""

import argparse
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Side:
    """One implementation: ours (build/PRESET/compat) or the installed peer."""

    def __init__(self, name, tools, load):
        self.name, self.tools, self.load = name, tools, load
        self.children = []

    def program(self, name):
        if self.tools:
            return os.path.join(self.tools, name)
        return shutil.which(name, path=SYSTEM_PATH)

    def begin(self, callgrind):
        self.dir = tempfile.mkdtemp(prefix="sluice-bench-")
        self.env = dict(os.environ, OVS_RUNDIR=self.dir, OVS_LOGDIR=self.dir, OVS_DBDIR=self.dir, OVS_SYSCONFDIR=self.dir)
        self.callgrind = callgrind

    def run(self, *argv):
        r = subprocess.run([self.program(argv[0]), *argv[1:]], env=self.env, cwd=self.dir, capture_output=True, text=True, timeout=120)
        if r.returncode:
            raise RuntimeError(f"{self.name}: {' '.join(argv)}: {r.stdout}{r.stderr}")
        return r.stdout

    def spawn(self, measured, *argv):
        argv = [os.path.realpath(self.program(argv[0])) if self.callgrind and measured else self.program(argv[0]), *argv[1:]]
        if self.callgrind and measured:
            argv = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={self.dir}/callgrind.out", *argv]
        child = subprocess.Popen(argv, env=self.env, cwd=self.dir, stdout=subprocess.DEVNULL, stderr=open(os.path.join(self.dir, "stderr"), "a"))
        self.children.append(child)
        return child

    def wait_for(self, path, seconds=60):
        end = time.monotonic() + seconds
        while not os.path.exists(os.path.join(self.dir, path)):
            if time.monotonic() > end:
                raise RuntimeError(f"{self.name}: no {path}: " + open(os.path.join(self.dir, "stderr")).read()[-500:])
            time.sleep(0.02)

    def generator(self, *argv):
        r = subprocess.run([os.path.join(self.load, argv[0]), *map(str, argv[1:])], cwd=self.dir, capture_output=True, text=True, timeout=600)
        if r.returncode:
            raise RuntimeError(f"{self.name}: {argv}: {r.stderr}")
        return [float(x) for x in r.stdout.split()]

    def end(self):
        for c in reversed(self.children):
            c.send_signal(signal.SIGTERM)
            try:
                c.wait(60)
            except subprocess.TimeoutExpired:
                c.kill()
                c.wait()
        self.children = []
        instructions = None
        if self.callgrind:
            with open(f"{self.dir}/callgrind.out") as f:
                instructions = sum(int(m.group(1)) for m in re.finditer(r"^(?:totals|summary): (\d+)", f.read(), re.M)) or None
        shutil.rmtree(self.dir, ignore_errors=True)
        return instructions

    # --- set-ups ---
    def start_ovsdb(self):
        self.run("ovsdb-tool", "create", "bench.db", os.path.join(HERE, "bench.ovsschema"))
        child = self.spawn(True, "ovsdb-server", "bench.db", "--remote=punix:db.sock", "--unixctl=none" if not self.callgrind else "--unixctl=c.ctl")
        self.wait_for("db.sock")
        return child

    def start_switch(self):
        schema = os.path.join(self.tools, "vswitch.ovsschema") if self.tools else "/usr/share/openvswitch/vswitch.ovsschema"
        self.run("ovsdb-tool", "create", "conf.db", schema)
        self.spawn(False, "ovsdb-server", "conf.db", "--remote=punix:db.sock")
        self.wait_for("db.sock")
        child = self.spawn(True, "ovs-vswitchd", f"unix:{self.dir}/db.sock", "--enable-dummy=override")
        self.run("ovs-vsctl", "--no-wait", "add-br", "br0", "--", "set", "bridge", "br0", "fail_mode=secure", "--", "add-port", "br0", "p1", "--", "set", "interface", "p1", "type=dummy")
        self.wait_for("br0.mgmt", 120)
        time.sleep(0.5)
        return child


def resident(child):
    with open(f"/proc/{child.pid}/status") as f:
        return int(re.search(r"VmRSS:\s+(\d+)", f.read()).group(1)) * 1024


def rate(side, start, load, rounds):
    """Median of the second number that the generator prints."""
    results = []
    for _ in range(rounds):
        side.begin(False)
        getattr(side, start)()
        results.append(load(side)[1])
        side.end()
    return statistics.median(results)


def instructions(side, start, load, few, many):
    """Per operation, from the difference of two runs."""
    totals = []
    for n in (few, many):
        side.begin(True)
        getattr(side, start)()
        load(side, n)
        totals.append(side.end())
    return (totals[1] - totals[0]) / (many - few)


def memory_per_flow(side, kind, count):
    side.begin(False)
    child = side.start_switch()
    side.generator("flow_load", f"{side.dir}/br0.mgmt", kind, 1000)
    before = resident(child)
    side.generator("flow_load", f"{side.dir}/br0.mgmt", kind, count, 1000)
    time.sleep(0.5)
    after = resident(child)
    side.end()
    return (after - before) / count


def show(name, ours, peer, unit, more_is_better):
    ratio = ours / peer if more_is_better else peer / ours
    print(f"{name:<52} {ours:>12,.0f} {peer:>12,.0f} {unit:<14} {ratio:6.1f} x", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default=os.path.join(HERE, "..", "..", "build", "release"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-callgrind", action="store_true")
    parser.add_argument("what", nargs="*", default=["ovsdb", "flows", "memory"])
    a = parser.parse_args()
    build = os.path.abspath(a.build)
    load = os.path.join(build, "bench")
    ours, peer = Side("ours", os.path.join(build, "compat"), load), Side("peer", None, load)
    if not peer.program("ovs-vswitchd"):
        print("the peer is not installed")
        return 0
    print(f"{'':<52} {'ours':>12} {'peer':>12} {'':<14}  ratio")
    both = lambda fn: (fn(ours), fn(peer))
    callgrind = not a.no_callgrind and shutil.which("valgrind")

    if "ovsdb" in a.what:
        for kind, clients, count, depth in (("insert", 1, 5000, 1), ("insert", 10, 20000, 10), ("update", 10, 20000, 10), ("batch", 1, 20, 2)):
            ops = lambda s: s.generator("ovsdb_load", f"{s.dir}/db.sock", kind, clients, count, depth)
            show(f"OVSDB {kind}, {clients} clients, depth {depth}", *both(lambda s: rate(s, "start_ovsdb", ops, a.rounds)), "transactions/s", True)
        if callgrind:
            for kind, few, many, per in (("insert", 500, 2500, 1), ("update", 500, 2500, 1), ("batch", 2, 6, 1000)):
                ops = lambda s, n: s.generator("ovsdb_load", f"{s.dir}/db.sock", kind, 10, n, 10)
                show(f"OVSDB {kind}, 10 clients{' (per row)' if per > 1 else ''}", *both(lambda s: instructions(s, "start_ovsdb", ops, few, many) / per), "instructions", False)
    if "flows" in a.what:
        for kind, count in (("exact", 10000), ("exact", 100000), ("acl", 10000), ("echo", 20000)):
            ops = lambda s: s.generator("flow_load", f"{s.dir}/br0.mgmt", kind, count)
            show(f"{'flow-mod ' if kind != 'echo' else ''}{kind}, {count:,}", *both(lambda s: rate(s, "start_switch", ops, a.rounds)), "messages/s", True)
        if callgrind:
            for kind, few, many in (("exact", 2000, 10000), ("acl", 2000, 10000), ("echo", 640, 6400)):
                ops = lambda s, n: s.generator("flow_load", f"{s.dir}/br0.mgmt", kind, n)
                show(f"{'flow-mod ' if kind != 'echo' else ''}{kind}", *both(lambda s: instructions(s, "start_switch", ops, few, many)), "instructions", False)
    if "memory" in a.what:
        for count in (10000, 100000):
            show(f"memory per exact flow, {count:,}", *both(lambda s: memory_per_flow(s, "exact", count)), "bytes", False)
    return 0


sys.exit(main())
