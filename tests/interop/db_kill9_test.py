#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""db_kill9_test.py [ROUNDS] (SLUICE_BUILD names the build directory): kills the database daemon with SIGKILL at random points under load by 4 writers, in the middle of compactions too, starts it again on the same file, and
checks that every durable transaction that was acknowledged is there and that no transaction is there by half.  25 rounds; "./dev nightly" has 1,000.
Unprivileged; everything happens in a temporary directory."""
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

from jsonrpc_client import Client

TIMEOUT = 20  # seconds without an answer
BUILD = os.path.abspath(os.environ.get("SLUICE_BUILD", "build/release"))
ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 25
SERVER = os.path.join(BUILD, "bin", "sluice-dbserver")
TOOL = os.path.join(BUILD, "bin", "sluice-dbtool")
SCHEMA = {"name": "K", "tables": {"pair": {"isRoot": True, "columns": {"n": {"type": "integer"}, "half": {"type": "integer"}}}}}


def start(directory):
    env = dict(os.environ, OVS_RUNDIR=directory, OVS_LOGDIR=directory, OVS_DBDIR=directory)
    begun = time.monotonic()
    process = subprocess.Popen([SERVER, "--remote=punix:" + directory + "/db.sock", "--unixctl=" + directory + "/ctl", "-vconsole:off", directory + "/k.db"], env=env)
    while True:
        try:
            return process, Client(directory + "/db.sock", TIMEOUT), time.monotonic() - begun
        except OSError:
            if process.poll() is not None:
                sys.exit("the server does not start again: exit status %d; see %s" % (process.returncode, directory))
            time.sleep(0.005)


def write(directory, first, acknowledged):
    try:
        client = Client(directory + "/db.sock", TIMEOUT)
        n = first
        while True:
            operations = [{"op": "insert", "table": "pair", "row": {"n": n, "half": half}} for half in (0, 1)]
            reply = client.call("transact", ["K"] + operations + [{"op": "commit", "durable": True}])
            if not any("error" in r for r in reply["result"]):
                acknowledged.add(n)
            n += 1
    except (OSError, ConnectionError):
        pass


def check(rows, acknowledged):
    halves = {}
    for row in rows:
        halves.setdefault(row["n"], []).append(row["half"])
    lost = acknowledged - halves.keys()
    torn = [n for n, h in halves.items() if sorted(h) != [0, 1]]
    if lost or torn:
        sys.exit("lost: %s; by half: %s" % (sorted(lost)[:5], torn[:5]))


def main():
    directory = tempfile.mkdtemp(prefix="sluice-kill9-")
    with open(directory + "/k.ovsschema", "w") as f:
        json.dump(SCHEMA, f)
    subprocess.run([TOOL, "create", directory + "/k.db", directory + "/k.ovsschema"], check=True)
    acknowledged, slowest, compactions = set(), 0.0, 0
    for round_number in range(ROUNDS + 1):
        process, client, took = start(directory)
        slowest = max(slowest, took)
        rows = client.call("transact", ["K", {"op": "select", "table": "pair", "where": [], "columns": ["n", "half"]}])["result"][0]["rows"]
        check(rows, acknowledged)
        if round_number == ROUNDS:
            break
        writers = [threading.Thread(target=write, args=(directory, (round_number * 4 + w) * 1000000, acknowledged)) for w in range(4)]
        for w in writers:
            w.start()
        lifetime = random.uniform(0.02, 0.4)
        compacts_at = random.uniform(0, lifetime) if random.random() < 0.5 else lifetime
        time.sleep(compacts_at)
        if compacts_at < lifetime:
            Client(directory + "/ctl", TIMEOUT).send("ovsdb-server/compact", [])
            compactions += 1
            time.sleep(min(lifetime - compacts_at, random.uniform(0, 0.02)))  # it takes some milliseconds
        process.send_signal(signal.SIGKILL)
        process.wait()
        for w in writers:
            w.join()
    process.terminate()
    process.wait()
    print("%d kills, %d of them soon after the beginning of a compaction: %d acknowledged transactions all there, slowest start %.3f s" % (ROUNDS, compactions, len(acknowledged), slowest))
    shutil.rmtree(directory)


main()
