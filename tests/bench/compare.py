#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Side by side with the installed Open vSwitch in one run: rates (median of several), memory, and instructions per operation by callgrind.

    compare.py [--build DIR] [--rounds N] [--no-callgrind] [ovsdb] [watch] [flows] [memory]

A figure is printed as `name  ours  peer  ratio`; ratio > 1 means that ours is better."""

import argparse
import hashlib
import json
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

    all = []

    def __init__(self, name, tools, load):
        Side.all.append(self)
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

    def stop(self):
        for c in reversed(self.children):
            c.send_signal(signal.SIGTERM)
            try:
                c.wait(60)
            except subprocess.TimeoutExpired:
                c.kill()
                c.wait()
        self.children = []

    def end(self):
        self.stop()
        instructions = None
        if self.callgrind:
            with open(f"{self.dir}/callgrind.out") as f:
                instructions = sum(int(m.group(1)) for m in re.finditer(r"^totals: (\d+)", f.read(), re.M)) or None
        shutil.rmtree(self.dir, ignore_errors=True)
        return instructions

    # --- set-ups ---
    def start_ovsdb(self):
        self.run("ovsdb-tool", "create", "bench.db", os.path.join(HERE, "bench.ovsschema"))
        child = self.spawn(True, "ovsdb-server", "bench.db", "--remote=punix:db.sock", "--unixctl=none" if not self.callgrind else "--unixctl=c.ctl")
        self.wait_for("db.sock")
        return child

    def write_journal(self, rows):
        """A database with rows of the shape of OVN's logical flows, one transaction each."""
        self.run("ovsdb-tool", "create", "bench.db", os.path.join(HERE, "bench.ovsschema"))
        with open(os.path.join(self.dir, "bench.db"), "ab") as f:
            for n in range(rows):
                row = {"pipeline": "ingress", "table": n % 32, "priority": n % 65535,
                       "match": f'inport == "lsp-{n}" && eth.src == 02:00:00:00:{n >> 8 & 255:02x}:{n & 255:02x} && ip4.src == 10.0.{n >> 8 & 255}.{n & 255}',
                       "actions": f'reg0[{n % 32}] = 1; outport = "lsp-{n % 1000}"; next;',
                       "datapath": ["uuid", f"11111111-2222-4333-8444-{n % 100:012x}"],
                       "ids": ["map", [["source", f"northd.c:{n % 9000}"], ["stage-name", "ls_in_port_sec_l2"]]]}
                data = json.dumps({"_date": 1700000000000, "_is_diff": True, "flow": {f"{n:08x}-0000-4000-8000-{n:012x}": row}}, separators=(",", ":")).encode() + b"\n"
                f.write(b"OVSDB JSON %d %s\n" % (len(data), hashlib.sha1(data).hexdigest().encode()) + data)

    def serve_journal(self, rows):
        self.write_journal(rows)
        child = self.spawn(True, "ovsdb-server", "bench.db", "--remote=punix:db.sock", "--unixctl=none" if not self.callgrind else "--unixctl=c.ctl")
        self.wait_for("db.sock", 300)
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


def journal_instructions(side, load, few, many):
    """Of serving a journal and putting a load on it, the difference of two runs; each is (rows, argument of the load)."""
    totals = []
    for rows, argument in (few, many):
        side.begin(True)
        side.serve_journal(rows)
        load(side, argument)
        totals.append(side.end())
    return totals[1] - totals[0]


def memory_per_row(side, rows):
    sizes = []
    for n in (0, rows):
        side.begin(False)
        child = side.serve_journal(n)
        sizes.append(resident(child))
        side.end()
    return (sizes[1] - sizes[0]) / rows


def start_seconds(side, rows):
    side.begin(False)
    side.write_journal(rows)
    begun = time.monotonic()
    side.spawn(True, "ovsdb-server", "bench.db", "--remote=punix:db.sock", "--unixctl=none")
    side.wait_for("db.sock")
    took = time.monotonic() - begun
    side.end()
    return took


def memory_per_session(side, count):
    side.begin(False)
    child = side.start_ovsdb()
    before = resident(child)
    watch = subprocess.Popen([os.path.join(side.load, "ovsdb_watch"), f"{side.dir}/db.sock", "idle", str(count), "0"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    watch.stdout.readline()
    time.sleep(0.3)
    after = resident(child)
    watch.communicate()
    side.end()
    return (after - before) / count


def compare_watching(both, callgrind, rounds):
    watch = lambda s, *a: s.generator("ovsdb_watch", f"{s.dir}/db.sock", *a)
    show("OVSDB start on 100,000 rows", *both(lambda s: statistics.median(start_seconds(s, 100000) * 1000 for _ in range(rounds))), "ms", False)
    show("OVSDB memory per flow row", *both(lambda s: memory_per_row(s, 100000)), "bytes", False)
    show("OVSDB memory per idle session", *both(lambda s: memory_per_session(s, 2000)), "bytes", False)
    show("OVSDB fan-out to 1,000 clients", *both(lambda s: rate(s, "start_ovsdb", lambda s: watch(s, "fanout", 1000, 50), rounds)), "deliveries/s", True)
    if not callgrind:
        return
    nothing = lambda s, n: None
    show("OVSDB start, per row", *both(lambda s: journal_instructions(s, nothing, (2000, 0), (12000, 0)) / 10000), "instructions", False)
    show("OVSDB snapshot, per row", *both(lambda s: journal_instructions(s, lambda s, n: watch(s, "snapshot", 1, n), (10000, 1), (10000, 3)) / 20000), "instructions", False)
    fan = lambda s, n: watch(s, "fanout", 1000, n)
    show("OVSDB fan-out, per delivery", *both(lambda s: instructions(s, "start_ovsdb", fan, 5, 25) / 1000), "instructions", False)


def show(name, ours, peer, unit, more_is_better):
    ratio = ours / peer if more_is_better else peer / ours
    print(f"{name:<52} {ours:>12,.0f} {peer:>12,.0f} {unit:<14} {ratio:6.1f} x", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default=os.path.join(HERE, "..", "..", "build", "release"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-callgrind", action="store_true")
    parser.add_argument("what", nargs="*", default=["ovsdb", "watch", "flows", "memory"])
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
        for clients in (1, 64):
            ops = lambda s: s.generator("ovsdb_load", f"{s.dir}/db.sock", "durable", clients, 40 * clients, 1)
            show(f"OVSDB durable, {clients} clients", *both(lambda s: rate(s, "start_ovsdb", ops, a.rounds)), "transactions/s", True)
    if "watch" in a.what:
        compare_watching(both, callgrind, a.rounds)
    if "flows" in a.what:
        for kind, count in (("exact", 10000), ("exact", 100000), ("acl", 10000), ("echo", 20000)):
            ops = lambda s: s.generator("flow_load", f"{s.dir}/br0.mgmt", kind, count)
            show(f"{'flow-mod ' if kind != 'echo' else ''}{kind}, {count:,}", *both(lambda s: rate(s, "start_switch", ops, a.rounds)), "messages/s", True)
        if callgrind:
            for kind, few, many in (("exact", 2000, 10000), ("acl", 2000, 10000), ("bundle", 2000, 10000), ("echo", 640, 6400)):
                ops = lambda s, n: s.generator("flow_load", f"{s.dir}/br0.mgmt", kind, n)
                show(f"{'flow-mod ' if kind != 'echo' else ''}{kind}", *both(lambda s: instructions(s, "start_switch", ops, few, many)), "instructions", False)
            dump = lambda s, n: (s.generator("flow_load", f"{s.dir}/br0.mgmt", "exact", 5000), [s.generator("flow_load", f"{s.dir}/br0.mgmt", "stats", 1) for _ in range(n)])
            show("flow-stats, per flow", *both(lambda s: instructions(s, "start_switch", dump, 1, 3) / 5000), "instructions", False)
    if "memory" in a.what:
        for count in (10000, 100000, 1000000):
            show(f"memory per exact flow, {count:,}", *both(lambda s: memory_per_flow(s, "exact", count)), "bytes", False)
    return 0


try:
    sys.exit(main())
finally:
    for side in Side.all:
        side.stop()
