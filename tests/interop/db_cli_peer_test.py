#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""ovsdb-tool, ovsdb-client and the beginning of ovsdb-server, ours and Open vSwitch's: the same command lines on the same files and on a server each.  What they print, where, and their exit
statuses must be equal, those of wrong command lines too.  Made equal before: uuids, dates, times, cksums of files that hold them, process ids, the order of rows,
tables and columns (the peer's is that of its hash tables), and which of two rows an error names first.  Likewise what commands that go on (monitor, lock, wait) print while the database changes.  The text of "help", our own line of -V, and commands that
only we have are not compared; what differs on purpose stands in BY_DESIGN.  Skipped without Open vSwitch's tools."""

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
SCHEMA = {"name": "C", "version": "1.2.3", "cksum": "12345678 999", "tables": {
    "t": {"isRoot": True, "columns": {
        "i": {"type": "integer"}, "r": {"type": "real"}, "b": {"type": "boolean"}, "s": {"type": "string"}, "u": {"type": "uuid"},
        "os": {"type": {"key": "string", "min": 0}}, "si": {"type": {"key": "integer", "min": 0, "max": "unlimited"}},
        "ss": {"type": {"key": "string", "min": 0, "max": "unlimited"}},
        "m": {"type": {"key": "string", "value": "string", "min": 0, "max": "unlimited"}}, "eph": {"type": "integer", "ephemeral": True},
        "e": {"type": {"key": {"type": "string", "enum": ["set", ["", "x", "y"]]}}}}, "indexes": [["i"]]},
    "k": {"columns": {"n": {"type": {"key": {"type": "integer", "minInteger": 0, "maxInteger": 99}}}}}}}
NEWER = dict(SCHEMA, version="2.0.0", cksum="87654321 111", tables=dict(SCHEMA["tables"], more={"columns": {"x": {"type": "integer"}}}))
ROW = {"i": 1, "r": 2.5, "b": True, "s": "a \"b\"\\\n\u00e9", "os": "one", "si": ["set", [3, 1, 2]], "ss": ["set", ["x", "y z", "<&>"]], "m": ["map", [["k", "v,1"], ["a b", ""]]], "e": "x"}
INSERT = json.dumps(["C", {"op": "insert", "table": "t", "row": ROW}, {"op": "comment", "comment": "a\nb"}])
INSERT2 = json.dumps(["C", {"op": "insert", "table": "t", "row": {"i": 2}}, {"op": "insert", "table": "t", "row": {"i": 3, "s": "plain", "e": "y"}}])
SELECT = json.dumps(["C", {"op": "select", "table": "t", "where": [], "columns": ["i", "s", "si", "m"], "sort": ["i"]}])
UPDATE = json.dumps(["C", {"op": "update", "table": "t", "where": [["i", "==", 1]], "row": {"s": "new", "si": ["set", [1, 9]], "os": ["set", []], "m": ["map", [["k", "w"]]]}}])
DELETE = json.dumps(["C", {"op": "delete", "table": "t", "where": [["i", "==", 2]]}])
WRONG = ['', 'x', '[]', '{}', '["C"]', '["D"]', '["C",1]', '["C",{}]', '["C",{"op":"no"}]', '["C",{"op":"insert","table":"none","row":{}}]', '["C",', '"C"', '[1]',
         '["C",{"op":"insert","table":"k","row":{"n":100}}]', '["C",{"op":"abort"}]', '["C",{"op":"select","table":"t","where":[["i","==","x"]]}]']
quote = shlex.quote

# Beginnings of command lines, and why ours may answer otherwise.
BY_DESIGN = {
    "ovsdb-tool query db " + quote(DELETE): "a query that would write is told so; the peer tries to truncate the file, and fails",
    "ovsdb-tool query cut": "a write that was cut off (a crash) is set aside and what is whole is used, as the server does; the peer's server does so, its tool fails",
    "ovsdb-client -t 1 unlock unix:sock l": "an error ends the command; the peer says nothing and waits for ever",
    "ovsdb-client -t 1 lock unix:sock 1x": "likewise",
    "ovsdb-client --force restore unix:sock C <newdb": "tables that the server does not have are left out; with the peer --force does not help",
    "ovsdb-client list-dbs tcp:": "no word on the port number of releases before 2.4",
}

TOOL = ["create", "create new", "create new schema", "create new schema", "create new schema extra", "create new2 none", "create new3 bad1", "create new4 bad2", "create new5 bad3",
        "db-name db", "db-name", "db-name none", "db-name schema", "db-name a b", "schema-name schema", "schema-name none", "schema-name db", "schema-name bad1", "schema-name bad2",
        "db-version db", "db-version none", "schema-version schema", "schema-version bad3", "db-cksum db", "schema-cksum schema", "schema-cksum nover", "schema-version nover",
        "create nv nover", "db-version nv", "db-cksum nv", "needs-conversion db schema", "needs-conversion db newer", "needs-conversion db none", "needs-conversion none schema",
        "needs-conversion db", "db-is-standalone db", "db-is-clustered db", "db-is-standalone none", "db-is-clustered schema",
        "compare-versions 1.2.3 == 1.2.3", "compare-versions 1.2.3 '<' 1.3.0", "compare-versions 1.2.3 '>' 1.3.0", "compare-versions 1.2 == 1.2.0", "compare-versions x == y",
        "compare-versions 1.2.3 = 1.2.3", "compare-versions 1.2.3", "compare-versions 1.2.3 '<=' 1.10.0", "compare-versions 1.2.3 '>=' 1.10.0", "compare-versions 1.2.3 '!=' 1.10.0",
        "query db " + quote(SELECT), "transact db " + quote(INSERT), "transact db " + quote(INSERT2), "query db " + quote(SELECT), "transact db " + quote(UPDATE), "query db " + quote(SELECT),
        "query db " + quote(DELETE), "query db", "transact db", "query none " + quote(SELECT), "transact db " + quote(DELETE), "transact db " + quote(DELETE), "transact db " + quote(INSERT),
        "show-log db", "-m show-log db", "-mm show-log db", "-mmm show-log db", "--more show-log db", "show-log", "show-log none", "show-log schema", "show-log db extra",
        "compact db", "show-log db", "-m show-log db", "compact db compacted", "compact db compacted", "compact none", "compact db none/x", "query compacted " + quote(SELECT),
        "convert db newer", "db-version db", "convert db schema converted", "db-version converted", "convert db schema converted", "convert none schema", "convert db none", "convert db bad2",
        "show-log converted", "nonsense", "", "--nonsense", "-V extra", "db-name --nonsense db", "--rbac-role", "list-commands", "help extra extra", "show-log cut", "query cut " + quote(SELECT), "show-log garbage",
        "db-name garbage", "query empty " + quote(SELECT), "db-name empty", "db-sid none", "db-cid garbage", "db-local-address db", "needs-conversion none none"]
TOOL += ["query db " + quote(w) for w in WRONG] + ["transact db " + quote(w) for w in WRONG]

S = "unix:sock"
CLIENT = ["list-dbs", "list-dbs " + S, "list-dbs unix:none", "list-dbs nonsense:", "list-dbs tcp:127.0.0.1", "list-dbs " + S + " b", "get-schema " + S, "get-schema " + S + " C", "get-schema " + S + " D", "get-schema " + S + " C extra",
          "get-schema-version " + S, "get-schema-version " + S + " C", "get-schema-version " + S + " D", "get-schema-cksum " + S, "get-schema-cksum " + S + " C", "get-schema-cksum " + S + " D",
          "list-tables " + S, "list-tables " + S + " C", "list-tables " + S + " D", "list-columns " + S, "list-columns " + S + " C", "list-columns " + S + " C t", "list-columns " + S + " C none",
          "list-columns " + S + " t", "list-columns " + S + " C t extra", "transact " + S + " " + quote(INSERT), "transact " + S + " " + quote(INSERT2), "query " + S + " " + quote(SELECT), "query " + S + " " + quote(DELETE), "transact " + S + " " + quote(UPDATE),
          "transact " + S, "transact", "query " + S, "transact " + S + " " + quote(INSERT), "dump " + S + " C t i s r b os si ss m e", "dump " + S + " t i", "dump " + S + " C none", "dump " + S + " C t none", "dump " + S + " D",
          "dump " + S + " k", "dump " + S + " C k n", "needs-conversion " + S + " schema", "needs-conversion " + S + " newer", "needs-conversion " + S + " bad2", "needs-conversion " + S + " none", "needs-conversion " + S,
          "backup " + S + " extra extra", "restore " + S + " C <garbage", "restore " + S + " C <empty", "restore " + S + " D <db", "restore " + S + " <db", "restore " + S + " <newdb", "restore " + S + " C <many", "--force restore " + S + " C <newdb", "restore " + S + " C <schemaonly", "restore " + S + " C <many", "dump " + S + " t i",
          "monitor " + S, "monitor " + S + " C", "monitor " + S + " C none", "monitor " + S + " C t none", "monitor " + S + " C t i,i", "monitor " + S + " C t '!nothing'", "monitor " + S + " D t",
          "-t 1 monitor " + S + " C t i", "-t 1 monitor " + S + " C t i '!initial'", "-t 1 monitor " + S + " t s", "-t 1 monitor " + S + " ALL", "-t 1 monitor-cond " + S + " '[[\"i\",\"==\",3]]' t i", "-t 1 monitor-cond " + S + " '[[\"i\",\"==\",\"x\"]]' C t i",
          "-t 1 monitor-cond " + S + " '[]' C t i", "monitor-cond " + S + " x C t i", "monitor-cond " + S + " C t", "monitor-cond-since " + S + " x", "wait " + S + " C connected", "wait " + S + " C removed -t 1", "-t 1 wait " + S + " C removed",
          "-t 1 wait " + S + " D removed", "-t 1 wait " + S + " D added", "-t 1 wait " + S + " C added", "wait " + S + " C nonsense", "wait " + S + " C", "-t 1 lock " + S + " l", "-t 1 steal " + S + " l", "-t 1 unlock " + S + " l", "lock " + S, "-t 1 lock " + S + " 1x",
          "-t 1 query-cluster " + S, "nonsense", "", "--nonsense", "list-dbs --nonsense", "-t x list-dbs " + S, "-t -1 list-dbs " + S, "-t 0 list-dbs " + S, "--timeout=5 list-dbs " + S, "-f nonsense dump " + S, "-d nonsense dump " + S, "-f", "-f table -f csv dump " + S + " t i",
          "convert " + S + " bad2", "convert " + S + " none", "convert " + S, "convert " + S + " newer", "get-schema-version " + S, "convert " + S + " schema", "get-schema-version " + S, "-vnonsense list-dbs " + S, "-voff list-dbs " + S,
          "-t 1 list-dbs punix:px", "dump " + S + " C t _version i"]
for options in ("--format=table", "--format=list", "--format=html", "--format=csv", "--format=json", "--pretty --format=json", "-f list -d bare", "-f list -d json", "-f csv -d string", "-f csv --no-headings", "--no-headings",
                "--bare", "-f html --no-headings", "-d bare", "-d json", "-f list --bare", "--timestamp --format=table", "-f list --no-headings", "--max-column-width=5"):
    for command in ("dump %s t i s r b os si ss m e" % S, "list-tables %s" % S, "list-columns %s C t" % S, "dump %s k" % S):
        CLIENT.append(options + " " + command)
for options in ("", "--pretty ", "-f json ", "-f csv "):
    CLIENT += [options + "query %s %s" % (S, quote(SELECT)), options + "get-schema %s" % S]
CLIENT += ["transact %s %s" % (S, quote(w)) for w in WRONG] + ["query %s %s" % (S, quote(w)) for w in WRONG]


# The server, with options by which it ends: they are wrong, or --run is among them.
SERVER = ["none", "garbage", "empty", "schema", "db newdb", "db ./db", "--nonsense", "db --detach=1", "db -vnonsense", "db --syslog-method=nonsense", "db --syslog-method=libc --run=true",
          "db db --run=true", "db --run=false", "db --run='exit 3'", "db --run='kill -9 $$'", "db --run=nonsense_command", "--no-dbs --run=true",
          *("db --remote=db:" + r for r in ("", "C", "C,t", "C,t,none", "C,none,i", "D,t,i")), "db --remote=db:C,t,s --run=true", "db --remote=db:C,t,i --run=true",
          *("db --private-key=db:" + r for r in ("C,t", "C,t,none", "D,t,s", "C,t,i", "C,t,m")), "db --private-key=db:C,t,s --certificate=db:C,t,os --run=true"]

# Commands that go on, and what happens meanwhile: transactions, a conversion, the end of the database.
LIVE = ["-f %s monitor %s C t i,s,si,m,os" % (f, S) for f in ("table", "list", "csv", "html", "json")]
LIVE += ["--bare monitor %s C t i,s" % S, "--no-headings monitor %s C t i" % S, "--timestamp monitor %s C t i" % S, "monitor %s ALL" % S, "monitor %s C t i k n" % S,
         "monitor %s C t i '!initial'" % S, "monitor %s C t i '!modify,!delete'" % S, "--no-db-change-aware monitor %s C t i" % S,
         "monitor-cond %s C '[[\"i\",\">\",1]]' t i,s" % S, "-f json monitor-cond %s C '[[\"si\",\"includes\",9],[\"i\",\"==\",0]]' t" % S,
         "monitor-cond-since %s C '[]' t i" % S, "-f csv monitor-cond-since %s C 00000000-0000-0000-0000-000000000000 '[[\"i\",\"<\",3]]' t i" % S,
         "wait %s C removed" % S]
OPERATIONS = [{"op": "insert", "table": "t", "row": {"i": 7, "si": 9, "s": "z"}}, {"op": "update", "table": "t", "where": [["i", "==", 7]], "row": {"os": "x", "i": 5}},
              {"op": "mutate", "table": "t", "where": [["i", "==", 5]], "mutations": [["si", "insert", 4], ["m", "insert", ["map", [["j", "q"]]]]]},
              {"op": "update", "table": "t", "where": [["i", "==", 5]], "row": {"i": 0, "os": ["set", []]}},
              {"op": "delete", "table": "t", "where": [["i", "==", 0]]}]


class Side:
    def __init__(self, ours):
        self.directory = tempfile.mkdtemp(prefix="sluice-cli-")
        self.env = dict(os.environ, OVS_RUNDIR=self.directory, OVS_LOGDIR=self.directory, OVS_DBDIR=self.directory, OVS_PKGDATADIR=self.directory, TZ="UTC")
        if ours:
            self.env["PATH"] = BUILD + "/compat:" + self.env["PATH"]
        files = {"schema": json.dumps(SCHEMA), "newer": json.dumps(NEWER), "nover": json.dumps({k: v for k, v in SCHEMA.items() if k not in ("version", "cksum")}),
                 "bad1": "{", "bad2": json.dumps(dict(SCHEMA, tables={"t": {"columns": {"i": {"type": "nonsense"}}}})), "bad3": json.dumps({"name": "C"}), "garbage": "garbage\n" * 10, "empty": ""}
        for name, text in files.items():
            with open(os.path.join(self.directory, name), "w") as f:
                f.write(text)
        for line in ("ovsdb-tool create db schema", "ovsdb-tool create sdb schema", "ovsdb-tool create newdb newer", "ovsdb-tool create schemaonly schema", "ovsdb-tool transact sdb " + quote(INSERT), "cp sdb cut", "truncate -s -20 cut",
                     *("ovsdb-tool transact sdb " + quote(t) for t in (INSERT2, UPDATE, DELETE)), "mv sdb many", "ovsdb-tool create sdb schema"):
            subprocess.run(line, shell=True, cwd=self.directory, env=self.env, check=True, capture_output=True)
        self.server = subprocess.Popen(["ovsdb-server", "--remote=punix:sock", "--unixctl=ctl", "-vconsole:off", "sdb"], cwd=self.directory, env=self.env)
        end = time.monotonic() + 20
        while not os.path.exists(os.path.join(self.directory, "sock")) and time.monotonic() < end:
            time.sleep(0.02)

    def run(self, line):
        unordered = "list-tables" in line or "list-columns" in line  # several formats have them in one line
        r = subprocess.run(line, shell=True, cwd=self.directory, env=self.env, capture_output=True, text=True, timeout=20, stdin=subprocess.DEVNULL)
        out = self.normal(r.stdout)
        errors = self.normal(r.stderr)
        if line.startswith("ovsdb-server"):
            errors = re.sub(r"\n\n$", "\n", errors)
        return [r.returncode, "".join(sorted(out)) if unordered else out, errors]

    def live(self):
        """What each of LIVE prints, and its exit status."""
        shell = lambda line: subprocess.run(line, shell=True, cwd=self.directory, env=self.env, check=True, capture_output=True, timeout=20)
        running = []
        for n, line in enumerate(LIVE):
            out = open(os.path.join(self.directory, "live%d" % n), "w+")
            running.append((out, subprocess.Popen("exec ovsdb-client " + line, shell=True, cwd=self.directory, env=self.env, stdin=subprocess.DEVNULL, stdout=out, stderr=out)))
        begun = time.monotonic()
        while any(not os.path.getsize(out.name) for (out, _), line in zip(running, LIVE) if "!initial" not in line and "wait" not in line) and time.monotonic() - begun < 10:
            time.sleep(0.05)
        time.sleep(0.5)
        for operation in OPERATIONS:
            shell("ovsdb-client transact unix:sock " + quote(json.dumps(["C", operation])))
            time.sleep(0.1)
        shell("ovsdb-client convert unix:sock newer")
        shell("ovsdb-client transact unix:sock " + quote(json.dumps(["C", {"op": "insert", "table": "t", "row": {"i": 77}}])))
        time.sleep(0.2)
        shell("ovs-appctl -t %s/ctl ovsdb-server/remove-db C" % self.directory)
        results = []
        for out, process in running:
            status = process.wait(20)
            out.seek(0)
            text = re.sub(r"(<a href=[^>]*>)[0-9a-f]{8}<", r"\1UUID8<", out.read())
            results.append([status, self.normal(text), ""])
            out.close()
        return results

    def normal(self, text):
        text = text.replace(self.directory, "DIR")
        text = re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UUID", text)
        text = re.sub(r"\b[0-9a-f]{8}\b(?=[ :)])", "UUID8", text)
        text = re.sub(r"\d\d\d\d-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?Z?", "DATE", text)
        text = re.sub(r"\|\d{5}\|", "|N|", text)
        text = re.sub(r'(?<="data":)\[.*\](?=,"headings")', lambda m: json.dumps(sorted(json.loads(m.group(0)), key=json.dumps), separators=(",", ":")), text)
        text = re.sub(r"First row, (.*?)\.  Second row, (.*?)\.\"", lambda m: "Two rows: " + " / ".join(sorted(m.groups())), text)
        lines = [line for line in text.splitlines(keepends=True) if not re.match(r"Sluice \d|  (verify|salvage) ", line)]
        return "".join(sorted(lines) if any("UUID" in line for line in lines) else lines)

    def close(self):
        self.server.terminate()
        self.server.wait()
        shutil.rmtree(self.directory)


def main():
    if not (shutil.which("ovsdb-tool") and os.path.exists("/usr/sbin/ovsdb-server")):
        print("skipped: needs Open vSwitch's tools")
        sys.exit(77)
    lines = ["ovsdb-server --unixctl=none -vconsole:off %s" % line for line in SERVER] + ["ovsdb-tool " + line for line in TOOL] + ["ovsdb-client " + line for line in CLIENT]
    theirs, ours = Side(False), Side(True)
    different = 0
    try:
        pairs = [(line, theirs.run(line), ours.run(line)) for line in lines]
        pairs += zip(["ovsdb-client " + line for line in LIVE], theirs.live(), ours.live())
        for line, a, b in pairs:
            if "help" in line.split():
                a, b = a[:1], b[:1]
            if a == b or any(line.startswith(beginning) for beginning in BY_DESIGN):
                continue
            different += 1
            print(line[:300])
            for name, x, y in zip(("status", "stdout", "stderr"), a, b):
                if x != y:
                    print("  %s\n    Open vSwitch: %r\n    ours:         %r" % (name, x if name == "status" else x[:1200], y if name == "status" else y[:1200]))
    finally:
        theirs.close()
        ours.close()
    print("%d command lines, %d different" % (len(pairs), different))
    sys.exit(1 if different else 0)


main()
