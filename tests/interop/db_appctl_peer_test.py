#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The database daemon's control commands beside those of Open vSwitch's: the same list, and for each command with none to four arguments, and for a script
of them, the same output, error and exit status.  Made equal before: directories, process ids, times, figures of memory and time.  What differs on purpose stands in
OURS_ALONE and NOT_COMPARED.  Skipped without Open vSwitch's server."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time

BUILD = os.path.abspath(os.environ.get("SLUICE_BUILD", "build/release"))
PEER = {"server": "/usr/sbin/ovsdb-server", "tool": "/usr/bin/ovsdb-tool", "client": "/usr/bin/ovsdb-client"}
OURS = {"server": BUILD + "/compat/ovsdb-server", "tool": BUILD + "/compat/ovsdb-tool", "client": BUILD + "/compat/ovsdb-client"}
SCHEMA = {"name": "C", "version": "1.0.0", "tables": {
    "t": {"isRoot": True, "columns": {"i": {"type": "integer"}, "s": {"type": "string"}, "m": {"type": {"key": "string", "value": "integer", "min": 0, "max": 5}}}},
    "remotes": {"isRoot": True, "columns": {"target": {"type": {"key": "string", "min": 0, "max": "unlimited"}}, "n": {"type": "integer"}}}}}
OTHER = dict(SCHEMA, name="D")
INSERT = '["C",{"op":"insert","table":"t","row":{"i":1,"s":"a b","m":["map",[["x",1]]]}}]'

# Commands of later releases, of ours, and one that the peer does not list.
OURS_ALONE = {"help", "ovsdb-server/reload", "ovsdb-server/set-relay-source-probe-interval", "vlog/message"}
# coverage/show, perf-counters: figures of the program's own inside.  exit: tried at the end.
NOT_COMPARED = {"coverage/show", "memory/show", "ovsdb-server/perf-counters-show", "exit", "vlog/list", "version", "list-commands"}

BY_DESIGN = {"ovsdb-server/set-sync-exclude-tables nonsense"}  # what is no DB:TABLE is refused; the peer takes it for a database
PEER_CRASHES = {("ovsdb-server/set-sync-exclude-tables", 0)}

SCRIPT = """
ovsdb-server/list-dbs
ovsdb-server/list-remotes
ovsdb-server/add-db other
ovsdb-server/add-db other
ovsdb-server/add-db DIR/other
ovsdb-server/add-db none
ovsdb-server/add-db garbage
ovsdb-server/add-db schema
ovsdb-server/list-dbs
ovsdb-server/get-db-storage-status D
ovsdb-server/get-db-storage-status C
ovsdb-server/get-db-storage-status _Server
ovsdb-server/get-db-storage-status none
ovsdb-server/compact
ovsdb-server/compact C
ovsdb-server/compact D
ovsdb-server/compact none
ovsdb-server/compact _Server
ovsdb-server/remove-db D
ovsdb-server/remove-db D
ovsdb-server/remove-db other
ovsdb-server/remove-db _Server
ovsdb-server/list-dbs
ovsdb-server/add-remote punix:more
ovsdb-server/add-remote punix:more
ovsdb-server/add-remote db:C,remotes,target
ovsdb-server/add-remote db:C,remotes,none
ovsdb-server/add-remote db:C,none,target
ovsdb-server/add-remote db:C,remotes,n
ovsdb-server/add-remote db:none,remotes,target
ovsdb-server/add-remote db:C,remotes
ovsdb-server/add-remote db:C
ovsdb-server/add-remote foo
ovsdb-server/list-remotes
ovsdb-server/remove-remote punix:more
ovsdb-server/remove-remote punix:more
ovsdb-server/remove-remote foo
ovsdb-server/remove-remote db:C,remotes,target
ovsdb-server/remove-remote db:C,remotes,n
ovsdb-server/list-remotes
ovsdb-server/reconnect
ovsdb-server/sync-status
ovsdb-server/get-active-ovsdb-server
ovsdb-server/connect-active-ovsdb-server
ovsdb-server/disconnect-active-ovsdb-server
ovsdb-server/set-active-ovsdb-server unix:nobody
ovsdb-server/get-active-ovsdb-server
ovsdb-server/get-sync-exclude-tables
ovsdb-server/set-sync-exclude-tables C:t
ovsdb-server/get-sync-exclude-tables
ovsdb-server/set-sync-exclude-tables nonsense
ovsdb-server/set-sync-exclude-tables C:t,C:remotes
ovsdb-server/set-sync-exclude-tables none:t
ovsdb-server/set-sync-exclude-tables C:none
ovsdb-server/get-sync-exclude-tables
ovsdb-server/set-active-ovsdb-server-probe-interval 5000
ovsdb-server/set-active-ovsdb-server-probe-interval x
ovsdb-server/set-active-ovsdb-server-probe-interval -1
ovsdb-server/set-active-ovsdb-server-probe-interval 0
ovsdb-server/connect-active-ovsdb-server
ovsdb-server/sync-status
ovsdb-server/set-active-ovsdb-server unix:other
ovsdb-server/sync-status
ovsdb-server/get-active-ovsdb-server
ovsdb-server/connect-active-ovsdb-server
ovsdb-server/sync-status
ovsdb-server/disconnect-active-ovsdb-server
ovsdb-server/sync-status
ovsdb-server/memory-trim-on-compaction on
ovsdb-server/memory-trim-on-compaction off
ovsdb-server/memory-trim-on-compaction x
ovsdb-server/disable-monitor-cond
ovsdb-server/perf-counters-clear
ovsdb-server/tlog-list
ovsdb-server/tlog-set C:t on
ovsdb-server/tlog-set C:t ON
ovsdb-server/tlog-set C:none on
ovsdb-server/tlog-set D:t on
ovsdb-server/tlog-set C on
ovsdb-server/tlog-set C:t maybe
ovsdb-server/tlog-list
ovsdb-server/tlog-set C:t Off
ovsdb-server/tlog-list
vlog/set ovsdb_server:dbg
vlog/set nonsense:dbg
vlog/set ovsdb_server:nonsense
vlog/set ANY:file:off
vlog/set PATTERN:file:%m
vlog/set PATTERN:nowhere:%m
vlog/set FACILITY:local3
vlog/set FACILITY:nonsense
vlog/list-pattern
vlog/reopen
vlog/close
vlog/reopen
vlog/disable-rate-limit ovsdb_server
vlog/enable-rate-limit ovsdb_server
vlog/disable-rate-limit nonsense
coverage/read-counter nonsense
backtrace
cluster/status C
cluster/sid C
cluster/cid C
cluster/leave C
cluster/kick C x
cluster/change-election-timer C 5000
cluster/set-backlog-threshold C 1 2
cluster/failure-test nonsense
""".strip().splitlines()


class Side:
    def __init__(self, programs):
        self.directory = tempfile.mkdtemp(prefix="sluice-appctl-")
        self.programs = programs
        self.env = dict(os.environ, OVS_RUNDIR=self.directory, OVS_LOGDIR=self.directory, OVS_DBDIR=self.directory, TZ="UTC")
        for name, text in {"schema": json.dumps(SCHEMA), "schema2": json.dumps(OTHER), "garbage": "garbage\n" * 9}.items():
            with open(os.path.join(self.directory, name), "w") as f:
                f.write(text)
        for db, schema in (("db", "schema"), ("other", "schema2")):
            self.call([programs["tool"], "create", db, schema])
        self.server = subprocess.Popen([programs["server"], "--remote=punix:sock", "--unixctl=ctl", "-vconsole:off", "--log-file=log", "--pidfile", "db"], cwd=self.directory, env=self.env, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 20
        while not (os.path.exists(self.directory + "/sock") and os.path.exists(self.directory + "/ctl")) and time.monotonic() < end:
            time.sleep(0.02)

    def call(self, words):
        r = subprocess.run(words, cwd=self.directory, env=self.env, capture_output=True, text=True, timeout=20)
        return [r.returncode, self.normal(r.stdout), self.normal(r.stderr)]

    def appctl(self, line):
        return self.call(["/usr/bin/ovs-appctl", "-T", "10", "-t", self.directory + "/ctl"] + shlex.split(line.replace("DIR", self.directory)))

    def normal(self, text):
        return text.replace(self.directory, "DIR")

    def commands(self):
        lines = self.appctl("list-commands")[1].splitlines()[1:]
        return {line.split()[0]: line for line in lines}

    def logged(self):
        """The lines of the transaction log, columns sorted: the peer's come in the order of its hash table."""
        with open(self.directory + "/log") as f:
            found = re.findall(r"\|transaction\|INFO\|(.*)", f.read())
        text = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "UUID", "\n".join(found))
        return [sorted(line.split(",")) for line in text.splitlines()]

    def close(self):
        if self.server.poll() is None:
            self.server.terminate()
        self.server.wait()
        shutil.rmtree(self.directory)


different = 0


def compare(what, a, b):
    global different
    if a == b or what in BY_DESIGN:
        return
    different += 1
    print("%s\n    Open vSwitch: %r\n    ours:         %r" % (what, a, b))


def main():
    if not all(os.path.exists(p) for p in PEER.values()):
        print("skipped: needs Open vSwitch's server")
        sys.exit(77)
    theirs, ours = Side(PEER), Side(OURS)
    sides, count = (theirs, ours), 0
    try:
        listed = [s.commands() for s in sides]
        compare("list-commands", listed[0], {name: line for name, line in listed[1].items() if name not in OURS_ALONE})
        for line in SCRIPT:
            compare(line, *(s.appctl(line) for s in sides))
            count += 1
        for name in sorted(set(listed[0]) - NOT_COMPARED):
            for n in range(5):
                line = " ".join([name] + ["nonsense"] * n)
                if (name, n) not in PEER_CRASHES:
                    compare(line, *(s.appctl(line) for s in sides))
                    count += 1
        for s in sides:
            s.appctl("vlog/set ANY:file:info")
            s.appctl("vlog/reopen")
            s.appctl("ovsdb-server/tlog-set C:t on")
            for request in (INSERT, INSERT.replace('"insert"', '"update"').replace('"row"', '"where":[],"row"').replace('"a b"', '"c"'), '["C",{"op":"delete","table":"t","where":[]}]'):
                s.call([s.programs["client"], "transact", "unix:sock", request])
        compare("transaction log", *(s.logged() for s in sides))
        for line in ("exit nonsense", "exit"):
            compare(line, *(s.appctl(line) for s in sides))
        compare("exit status", *(s.server.wait(10) for s in sides))
    finally:
        for s in sides:
            s.close()
    print("%d commands, %d answered differently" % (count, different))
    sys.exit(1 if different else 0)


main()
