#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One client can't hurt another.  A well-behaved client makes small transactions all the time while others, in turn, compact the database, send heavy
transactions, never read, send half a message of 512 MB each, or open 2,000 connections.  It goes on being answered, the daemon's memory stays bounded, limits
are counted, and who goes beyond one is told why.  Its 99th percentile is printed; with --latency, for a quiet machine, it must stay under 50 ms (where the
client is not slow alone already).  Unprivileged; everything happens in a temporary directory."""
import hashlib
import json
import multiprocessing
import os
import re
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time

from jsonrpc_client import Client

TIMEOUT = 60  # seconds without an answer
BUILD = os.path.abspath(os.environ.get("SLUICE_BUILD", "build/release"))
ROWS = 30000
JUDGE_LATENCY = "--latency" in sys.argv
LIMIT_MS = 50
CALM_MS = 10  # the 99th percentile without an attack, above which the machine is too busy to tell anything
MEMORY_MB = 400
SCHEMA = {"name": "I", "tables": {"t": {"isRoot": True, "columns": {"n": {"type": "integer"}, "text": {"type": "string"}}}}}


class Daemon:
    def __enter__(self):
        self.directory = tempfile.mkdtemp(prefix="sluice-isolation-")
        self.path = self.directory + "/db.sock"
        schema = self.directory + "/i.ovsschema"
        with open(schema, "w") as f:
            json.dump(SCHEMA, f)
        subprocess.run([BUILD + "/bin/sluice-dbtool", "create", self.directory + "/i.db", schema], check=True)
        with open(self.directory + "/i.db", "ab") as f:
            for n in range(ROWS):
                row = {"%08x-0000-4000-8000-000000000000" % n: {"n": n, "text": "some text of row %d that is not too short" % n}}
                data = json.dumps({"_date": 1700000000000, "_is_diff": True, "t": row}).encode() + b"\n"
                f.write(b"OVSDB JSON %d %s\n" % (len(data), hashlib.sha1(data).hexdigest().encode()) + data)
        env = dict(os.environ, OVS_RUNDIR=self.directory, OVS_LOGDIR=self.directory)
        self.process = subprocess.Popen([BUILD + "/bin/sluice-dbserver", "--remote=punix:" + self.path, "--unixctl=" + self.directory + "/ctl",
                                         "-vconsole:off", "--log-file=" + self.directory + "/log", self.directory + "/i.db"], env=env)
        while not os.path.exists(self.path):
            time.sleep(0.02)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.directory)

    def appctl(self, *args):
        return subprocess.run([BUILD + "/bin/sluice-appctl", "-t", self.directory + "/ctl", *args], capture_output=True, text=True, timeout=60).stdout

    def resident_mb(self):
        with open("/proc/%d/status" % self.process.pid) as f:
            return int(re.search(r"VmRSS:\s+(\d+)", f.read()).group(1)) // 1024


class Victim(multiprocessing.Process):
    """Small transactions one after another; how long each took.  A process of its own: the attackers' Python must not hold it up."""

    def __init__(self, daemon):
        super().__init__()
        self.path, self.stopping = daemon.path, multiprocessing.Event()
        self.results, self.sender = multiprocessing.Pipe(False)

    def run(self):
        client, times = Client(self.path, TIMEOUT), []
        row = [["_uuid", "==", ["uuid", "00000000-0000-4000-8000-000000000000"]]]
        while not self.stopping.is_set():
            begun = time.monotonic()
            reply = client.call("transact", ["I", {"op": "insert", "table": "t", "row": {"n": -1}}, {"op": "update", "table": "t", "where": row, "row": {"n": len(times)}}])
            assert "error" not in reply["result"][0], reply
            times.append((time.monotonic() - begun) * 1000)
            time.sleep(0.002)
        self.sender.send(times)

    def finish(self):
        self.stopping.set()
        times = self.results.recv()
        self.join()
        return times


def compactions(daemon):
    for _ in range(5):
        daemon.appctl("ovsdb-server/compact")


def heavy_transactions(daemon):
    clients = [Client(daemon.path, TIMEOUT) for _ in range(2)]
    scan = {"op": "select", "table": "t", "where": [["text", "==", "nobody"]]}
    for c in clients:
        for i in range(300):
            c.send("transact", ["I", scan], i)
    for c in clients:
        for i in range(300):
            c.receive()


def never_reads(daemon):
    c = Client(daemon.path, TIMEOUT)
    c.send("monitor", ["I", "m", {"t": {}}])
    c.socket.settimeout(2)
    try:
        for i in range(200):
            c.send("transact", ["I", {"op": "select", "table": "t", "where": [], "columns": ["text"]}], i)
    except socket.timeout:
        pass
    writer = Client(daemon.path, TIMEOUT)
    for i in range(200):
        writer.call("transact", ["I", {"op": "update", "table": "t", "where": [["n", "<", 50]], "row": {"text": "x" * 200 + str(i)}}])
    c.socket.close()


def half_messages(daemon):
    refused = 0
    for _ in range(4):
        c = Client(daemon.path, TIMEOUT)
        try:
            c.socket.sendall(b'{"method":"echo","params":["')
            for _ in range(512):
                c.socket.sendall(b"x" * (1 << 20))
        except OSError:
            pass
        try:
            if c.receive()["error"]["error"] == "resources exhausted":
                refused += 1
        except (OSError, ConnectionError):
            pass
    print("  %d of 4 were told why" % refused)
    counted = int(daemon.appctl("coverage/read-counter", "ovsdb_message_too_long") or 0)
    assert counted == 4, "counted %d" % counted


def huge_transactions(daemon):
    """Each takes much longer than others may have to wait: what counts is that nearly all of theirs come in between."""
    c = Client(daemon.path, TIMEOUT)
    operations = [{"op": "insert", "table": "t", "row": {"n": -2, "text": "x" * 40}}] * 10000
    for _ in range(3):
        reply = c.call("transact", ["I", *operations, {"op": "delete", "table": "t", "where": [["n", "==", -2]]}])
        assert reply["result"][-1] == {"count": 10000}, str(reply)[:200]


def big_replies(daemon):
    for i in range(5):
        c = Client(daemon.path, TIMEOUT)
        assert len(c.call("transact", ["I", {"op": "select", "table": "t", "where": []}])["result"][0]["rows"]) >= ROWS
        assert len(c.call("monitor", ["I", "m", {"t": {}}])["result"]["t"]) >= ROWS
        c.socket.close()


def many_waits(daemon):
    """Transactions that wait are tried again whenever their table changes: the victim changes it all the time."""
    c = Client(daemon.path, TIMEOUT)
    wait = {"op": "wait", "table": "t", "where": [["text", "==", "nobody"]], "columns": ["n"], "rows": [{"n": 1}], "until": "=="}
    for i in range(1100):
        c.send("transact", ["I", wait], i)
    refused = [c.receive() for _ in range(100)]
    assert all(r["error"]["error"] == "resources exhausted" for r in refused), refused[0]
    c.socket.close()




def many_connections(daemon):
    clients = [Client(daemon.path, TIMEOUT) for _ in range(2000)]
    for c in clients[::100]:
        assert c.call("echo", [1])["result"] == [1]
    for c in clients:
        c.socket.close()


def measure(daemon, attack):
    victim = Victim(daemon)
    victim.start()
    begun = time.monotonic()
    attack(daemon)
    time.sleep(max(0, 0.7 - (time.monotonic() - begun)))
    times = sorted(victim.finish())
    p99 = times[len(times) * 99 // 100]
    print("%-20s %5d transactions, p99 %6.1f ms, slowest %6.1f ms, %4d MB" % (attack.__name__, len(times), p99, times[-1], daemon.resident_mb()), flush=True)
    return p99


def alone(daemon):
    pass


def main():
    os.environ.setdefault("ASAN_OPTIONS", "quarantine_size_mb=16")   # of a sanitized server: what is freed may not count for long
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    failed = False
    with Daemon() as daemon:
        for attack in (compactions, heavy_transactions, huge_transactions, big_replies, many_waits, never_reads, half_messages, many_connections):
            calm = measure(daemon, alone) < CALM_MS
            p99 = measure(daemon, attack)
            calm &= measure(daemon, alone) < CALM_MS
            failed |= daemon.resident_mb() > MEMORY_MB or (JUDGE_LATENCY and calm and p99 >= LIMIT_MS)
        print(daemon.appctl("coverage/show"))
    sys.exit(1 if failed else 0)


main()
