#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The same JSON-RPC requests to Open vSwitch's database server and to ours: what comes back must be equal, errors with all their details, notifications in
their places.  Requests are random but the same in each run: operations that a schema with every kind of column allows, and others that are wrong somewhere.

    db_peer_test.py [SEED [REQUESTS]]     # default: 3 2000

Made equal before they are compared: uuids that a server chose, row versions, the order of the rows of a select, digits of reals beyond the fifteen of Open vSwitch,
and which of several faults of the same kind is named first (there it is the order of a hash table).  Skipped without Open vSwitch's server."""

import copy
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

from jsonrpc_client import Client

BUILD = os.path.abspath(os.environ.get("SLUICE_BUILD", "build/release"))
PEER = "/usr/sbin/ovsdb-server" if os.path.exists("/usr/sbin/ovsdb-server") else "/usr/bin/ovsdb-server"
SEED = int(sys.argv[1]) if len(sys.argv) > 1 else 3
REQUESTS = int(sys.argv[2]) if len(sys.argv) > 2 else 2000
TIMEOUT = 60
SHOWN = int(os.environ.get("SHOWN", 10))  # differences that are printed

optional = lambda key: {"key": key, "min": 0, "max": 1}
some = lambda key, least=0, most="unlimited": {"key": key, "min": least, "max": most}
mapping = lambda key, value, most="unlimited": {"key": key, "value": value, "min": 0, "max": most}
SCHEMA = {"name": "P", "version": "1.0.0", "tables": {
    "root": {"isRoot": True, "columns": {
        "i": {"type": "integer"}, "r": {"type": "real"}, "b": {"type": "boolean"}, "s": {"type": "string"}, "u": {"type": "uuid"},
        "oi": {"type": optional("integer")}, "os": {"type": optional("string")}, "ob": {"type": optional("boolean")}, "or": {"type": optional("real")},
        "si": {"type": some("integer")}, "ss": {"type": some("string", 0, 3)}, "su": {"type": some("uuid", 0, 2)}, "s1": {"type": some("integer", 1, 3)},
        "mss": {"type": mapping("string", "string")}, "mii": {"type": mapping("integer", "integer", 3)}, "msr": {"type": mapping("string", "real")},
        "om": {"type": mapping("string", "integer", 1)}, "m1": {"type": {"key": "string", "value": "string"}}, "o1": {"type": {"key": "integer"}},
        "kids": {"type": some({"type": "uuid", "refTable": "kid"})}, "friend": {"type": optional({"type": "uuid", "refTable": "root", "refType": "weak"})},
        "byname": {"type": mapping("string", {"type": "uuid", "refTable": "kid", "refType": "weak"})}}},
    "kid": {"columns": {"name": {"type": "string"}, "n": {"type": "integer"}, "next": {"type": optional({"type": "uuid", "refTable": "kid"})}},
            "indexes": [["name"]]},
    "strict": {"isRoot": True, "maxRows": 4, "columns": {
        "e": {"type": {"key": {"type": "string", "enum": ["set", ["red", "green", "blue"]]}}}, "c": {"type": "integer", "mutable": False},
        "range": {"type": {"key": {"type": "integer", "minInteger": 0, "maxInteger": 9}}}, "low": {"type": optional({"type": "integer", "minInteger": 5})},
        "real": {"type": {"key": {"type": "real", "minReal": -1.5, "maxReal": 1.5}}},
        "short": {"type": {"key": {"type": "string", "minLength": 1, "maxLength": 4}}}, "long": {"type": some({"type": "string", "minLength": 2})},
        "eph": {"type": "integer", "ephemeral": True}, "ei": {"type": some({"type": "integer", "enum": ["set", [1, 2, 3]]}, 0, 2)}},
        "indexes": [["e", "range"], ["short"]]}}}
WORDS = ["", "a", "b", "red", "green", "blue", "x\"y", "\u00e9", "line\nbreak", "longer text"]
UUIDS = ["%08x-1111-4222-8333-444444444444" % n for n in range(12)]
# Rows of tables have no uuid in common: Open vSwitch 3.1 takes a reference to a row of another table with the row's own uuid for one to itself, and leaves it dangling.
KIDS, OTHERS = UUIDS[8:], UUIDS[:8]
FUNCTIONS = ["==", "!=", "<", "<=", ">", ">=", "includes", "excludes"]
MUTATORS = ["+=", "-=", "*=", "/=", "%=", "insert", "delete"]


class Ended(Exception):
    """A server closed a connection, or crashed, which is what Open vSwitch 3.1 does to some wrong requests to monitors."""


class Server:
    def __init__(self, program, dbtool, name, schemas):
        self.directory = tempfile.mkdtemp(prefix="sluice-peer-%s-" % name)
        env = dict(os.environ, OVS_RUNDIR=self.directory, OVS_LOGDIR=self.directory, OVS_DBDIR=self.directory)
        files = []
        for schema in schemas:
            files.append("%s/%s.db" % (self.directory, schema["name"]))
            with open(self.directory + "/schema", "w") as f:
                json.dump(schema, f)
            subprocess.run([dbtool, "create", files[-1], self.directory + "/schema"], check=True, env=env)
        self.path = self.directory + "/sock"
        self.process = subprocess.Popen([program, "--remote=punix:" + self.path, "--unixctl=" + self.directory + "/ctl", "-vconsole:off", *files], env=env)
        end = time.monotonic() + TIMEOUT
        while True:
            try:
                self.clients = [Client(self.path, TIMEOUT), Client(self.path, TIMEOUT)]
                break
            except (FileNotFoundError, ConnectionRefusedError):  # not bound, or not listening yet
                assert time.monotonic() < end
                time.sleep(0.02)
        for c in self.clients:
            c.call("set_db_change_aware", [True])

    def ask(self, client, method, params, number):
        """What comes until this request's reply and, on both connections, until everything that it caused has come."""
        out = []
        self.send(client, method, params, number)
        if not self.receive(client, number, out, 3 if '"wait"' in json.dumps(params) else TIMEOUT):
            out.append([client, {"waits": True}])
            self.send(client, "cancel", [number], None)
        for i in range(len(self.clients)):
            self.send(i, "echo", [], "flush")
            self.receive(i, "flush", out)
        return out

    def send(self, client, method, params, number):
        try:
            self.clients[client].send(method, params, number)
        except ConnectionError:
            raise Ended(self)

    def receive(self, client, number, out, seconds=TIMEOUT):
        """Until the answer to this request, which is not kept if it is a flush.  False if it did not come in time."""
        while True:
            self.clients[client].socket.settimeout(seconds)
            try:
                message = self.clients[client].receive()
            except ConnectionError:
                raise Ended(self)
            except TimeoutError:
                if seconds < TIMEOUT:
                    return False
                raise AssertionError("no answer from %s; half of one: %r" % (self.directory, self.clients[client].buffer))
            answer = message.get("id") == number and "method" not in message
            if not (answer and number == "flush"):
                out.append([client, message])
            if answer:
                return True

    def close(self):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.directory)


class Normal:
    """Takes out of a server's messages what servers may choose."""

    def __init__(self):
        self.names = {uuid: uuid for uuid in UUIDS}

    def learn(self, result):
        """New rows are known by the operations that made them.  Other uuids are those of names that no row has: any will do."""
        for one in result if isinstance(result, list) else []:
            if isinstance(one, dict) and "uuid" in one:
                self.names.setdefault(one["uuid"][1], "uuid-%d" % len(self.names))

    def value(self, v):
        if isinstance(v, float):
            return float("%.15g" % v)
        if isinstance(v, dict):
            # A monitor that does not show a column which its condition is about tells of changes to it, without saying anything.
            v = {self.value(k): self.value(x) for k, x in v.items() if k != "_version" and x != {"modify": {}}}
            if isinstance(v.get("rows"), list):
                # A set of them.  Where 0 and -0 are, Open vSwitch has two that look the same.
                v["rows"] = [json.loads(row) for row in sorted({json.dumps(row, sort_keys=True) for row in v["rows"]})]
            return v
        if isinstance(v, str):
            return re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", lambda found: self.names.get(found.group(0), "uuid-?"), v)
        if isinstance(v, list):
            v = [self.value(x) for x in v]
            if "_Server" in v:
                v.sort()  # list_dbs
            if len(v) == 2 and v[0] == "set" and isinstance(v[1], list):
                v[1].sort(key=json.dumps)
        return v

    def text(self, messages, params):
        """A line each.  Of several rows that break the same rule, chance decides which one is named first, and in which order monitors are told."""
        for m in messages:
            self.learn(m[1].get("result"))
        lines = [json.dumps(self.value(m), sort_keys=True) for m in messages if not self.says_nothing(m)]
        lines = [re.sub(r"column \w+ (key|value) refers to undefined table", r"column * refers to undefined table", line) for line in lines]
        lines = [re.sub(r"row [-\w]+ references nonexistent row [-\w]+", "row * references nonexistent row *", re.sub(r"First row, (.*)\.  Second row, (.*?)\.\"", self.both, line)) for line in lines]
        lines = [re.sub(r"no table named \w+( in monitor session)?", "no table named *", re.sub(r"Table \w+ column \w+ row \*", "Table * column * row *", line)) for line in lines]
        if any(isinstance(one, dict) and one.get("count", 0) > 2 for m in messages if isinstance(m[1].get("result"), list) for one in m[1]["result"]):
            lines = [re.sub(r'to have identical values \((?:[^"\\]|\\.)*"', 'to have identical values *"', line) for line in lines]  # which two of them
        if any(isinstance(op, dict) and op.get("op") == "mutate" for op in params):  # of several mutated rows the first one's new value is named
            lines = [re.sub(r'"[-\d.e+]+ is not in the valid range', '"* is not in the valid range', line) for line in lines]
            lines = [re.sub(r"Attempted to store \d+ elements", "Attempted to store * elements", line) for line in lines]
        at = 0
        while at < len(lines):
            end = at
            while end < len(lines) and '"method": "update' in lines[end] and lines[end][:3] == lines[at][:3]:
                end += 1
            lines[at:end] = sorted(lines[at:end])
            at = max(end, at + 1)
        return lines

    def says_nothing(self, message):
        method, rows = message[1].get("method"), [r for t in message[1]["params"][1].values() for r in t.values()] if message[1].get("method") in ("update", "update2") else []
        return method == "update2" and all(r == {"modify": {}} for r in rows) or method == "update" and all(r.get("old") == {} for r in rows)

    def both(self, found):
        return 'Rows, %s.  And %s."' % tuple(sorted(found.groups()))


class Generator:
    def __init__(self, seed):
        self.r = random.Random(seed)
        self.careful = False  # make nothing that is wrong

    def pick(self, *of):
        return self.r.choice(of)

    def uuid(self, table=None):
        named = self.r.random() > 0.9 and not self.careful  # a row has at most one, or two could be the same
        return ["named-uuid", ("kid%d" if table == "kid" else "row%d") % self.r.randrange(3)] if named else ["uuid", self.r.choice(KIDS if table == "kid" else UUIDS)]

    def atom(self, base):
        base = base if isinstance(base, dict) else {"type": base}
        if "enum" in base and self.r.random() < 0.8:
            return self.r.choice(base["enum"][1])
        kind = base["type"]
        if self.careful:
            if "enum" in base:
                return self.r.choice(base["enum"][1])
            if kind == "integer":
                return self.r.choice([5, 6, 7, 9])
            if kind == "real":
                return self.r.choice([-1.5, 0, 0.5, 1])
            if kind == "string":
                return self.r.choice(["ab", "abc", "x\"y", "\u00e9\u00e9"])
        if kind == "integer":
            return self.r.choice([0, 1, 2, 3, 5, 7, -1, 10, 2**31, 2**63 - 1, -2**63]) if self.r.random() < 0.95 else 1.5
        if kind == "real":
            return self.r.choice([0, 1, 0.5, -1.25, 1e10, 3.25, -7])
        if kind == "boolean":
            return self.r.random() < 0.5
        return self.r.choice(WORDS) if kind == "string" else self.uuid(base.get("refTable"))

    def datum(self, type_):
        if isinstance(type_, str):
            return self.atom(type_)
        if "min" not in type_:
            return ["map", [[self.atom(type_["key"]), self.atom(type_["value"])]]] if "value" in type_ else self.atom(type_["key"])
        count = self.r.choice([0, 1, 1, 2, 3, 4])
        if self.careful:
            most = type_["max"] if type_["max"] != "unlimited" else 4
            atoms = {json.dumps(self.atom(type_["key"])) for _ in range(self.r.randrange(type_["min"], most + 1))}
            if "value" in type_:
                return ["map", [[json.loads(a), self.atom(type_["value"])] for a in sorted(atoms)]]
            return ["set", [json.loads(a) for a in sorted(atoms)]]
        if type_.get("max") == 1:
            count = self.r.choice([0, 1, 1, 1, 2]) if self.r.random() < 0.3 else self.r.choice([0, 1])
        if "value" in type_:
            return ["map", [[self.atom(type_["key"]), self.atom(type_["value"])] for _ in range(count)]]
        atoms = [self.atom(type_["key"]) for _ in range(count)]
        return atoms[0] if count == 1 and self.r.random() < 0.7 else ["set", atoms]

    def table(self):
        return self.pick("root", "root", "kid", "strict")

    def columns(self, table):
        return SCHEMA["tables"][table]["columns"]

    def row(self, table):
        columns = self.columns(table)
        chosen = self.r.sample(sorted(columns), self.r.randrange(min(5, len(columns)) + 1))
        # At most one is wrong: of several, it is chance which one a server finds first.
        before, self.careful = self.careful, True
        row = {c: self.datum(columns[c]["type"]) for c in chosen}
        self.careful = before
        if row and not before and self.r.random() < 0.5:
            c = self.r.choice(chosen)
            row[c] = self.datum(columns[c]["type"])
        return row

    def condition(self, table):
        columns = self.columns(table)
        if self.r.random() < 0.3:
            return ["_uuid", self.pick("==", "==", "!=", "includes", "excludes", "==" if self.careful else "<"), self.uuid()]
        c = self.r.choice(sorted(columns))
        return [c, self.r.choice(FUNCTIONS if not self.careful else ["==", "!=", "includes", "excludes"]), self.datum(columns[c]["type"])]

    def where(self, table):
        return [self.condition(table) for _ in range(self.pick(0, 1, 1, 1, 2))]

    def mutation(self, table):
        columns = self.columns(table)
        c = self.r.choice(sorted(columns))
        how = self.r.choice(MUTATORS)
        type_ = columns[c]["type"]
        if how in MUTATORS[:5]:
            return [c, how, self.pick(0, 1, 2, 3, -1, 2**40, 0.5)]
        if how == "delete" and isinstance(type_, dict) and "value" in type_ and self.r.random() < 0.5:
            return [c, how, ["set", [self.atom(type_["key"])]]]
        return [c, how, self.datum(type_)]

    def names(self, table):
        names = sorted(self.columns(table)) + ["_uuid"]
        return self.r.sample(names, self.r.randrange(1, 4))

    def operation(self):
        t = self.table()
        kind = self.pick("insert", "insert", "insert", "insert", "select", "select", "update", "update", "mutate", "mutate", "delete", "wait", "comment", "assert", "commit", "abort")
        if kind == "insert":
            op = {"op": kind, "table": t, "row": self.row(t)}
            if self.r.random() < 0.7:
                op["uuid"] = self.r.choice(KIDS if t == "kid" else OTHERS)
            if self.r.random() < 0.4:
                op["uuid-name"] = ("kid%d" if t == "kid" else "row%d") % self.r.randrange(3)
            return op
        if kind == "select":
            op = {"op": kind, "table": t, "where": self.where(t)}
            return dict(op, columns=self.names(t)) if self.r.random() < 0.5 else op
        if kind == "update":
            return {"op": kind, "table": t, "where": self.where(t), "row": self.row(t)}
        if kind == "mutate":
            return {"op": kind, "table": t, "where": self.where(t), "mutations": [self.mutation(t) for _ in range(self.pick(0, 1, 1, 2))]}
        if kind == "delete":
            return {"op": kind, "table": t, "where": self.where(t) or [self.condition(t)]}
        if kind == "wait":
            return {"op": kind, "table": t, "where": self.where(t), "columns": self.names(t), "until": self.pick("==", "!="), "rows": [self.row(t)], "timeout": 0}
        return {"comment": {"op": "comment", "comment": self.r.choice(WORDS)}, "assert": {"op": "assert", "lock": self.pick("l1", "l2")},
                "commit": {"op": "commit", "durable": False}, "abort": {"op": "abort"}}[kind]

    def spoil(self, value):
        """Something in it becomes something else."""
        value = copy.deepcopy(value)
        places = []

        def walk(v):
            if isinstance(v, (list, dict)):
                for k in (range(len(v)) if isinstance(v, list) else list(v)):
                    places.append((v, k))
                    walk(v[k])
        walk(value)
        if not places:
            return value
        where, key = self.r.choice(places)
        junk = [None, True, 0, -1, 3.5, "", "x", "_uuid", "_version", [], {}, ["set", []], ["set", [1, 1]], ["map", [["a", "b"], ["a", "c"]]], ["map", []], ["uuid", "x"],
                ["uuid", UUIDS[0]], ["named-uuid", "1x"], ["named-uuid", "row0"], [[]], {"a": 1}, "==", 10**20, 2**31, "nothing", ["set"], ["set", 1], ["map", [1]]]
        how = self.r.random()
        if how < 0.65:
            where[key] = self.r.choice(junk)
        elif how < 0.8:
            del where[key]
        elif isinstance(where, list):
            where.insert(key, self.r.choice(junk))
        else:
            where[self.pick("extra", "uuid", "uuid-name", "columns", "where", "row", "table", "op", "timeout")] = self.r.choice(junk)
        return value

    def monitor_request(self, conditions):
        t = self.table()
        one = {"columns": self.names(t)}
        if self.r.random() < 0.4:
            one["select"] = {k: self.r.random() < 0.5 for k in self.r.sample(["initial", "insert", "delete", "modify"], 2)}
        if conditions and self.r.random() < 0.7:
            one["where"] = [self.condition(t) if self.r.random() < 0.8 else self.r.random() < 0.5 for _ in range(self.pick(1, 1, 2))]
        return {t: [one] if self.r.random() < 0.7 else one}

    def monitoring(self):
        kind = self.pick("monitor", "monitor", "monitor_cond", "monitor_cond", "monitor_cond", "monitor_cond_change", "monitor_cond_change", "monitor_cancel", "monitor_cancel")
        name = self.pick("m1", "m2", ["m", 3], None, 4)
        if kind in ("monitor", "monitor_cond"):
            return kind, ["P", name, self.monitor_request(kind != "monitor")]
        if kind == "monitor_cancel":
            return kind, [name]
        t = self.table()
        change = {"where": [self.condition(t)]}
        if self.r.random() < 0.1:
            change["columns"] = self.names(t)
        return kind, [name, name if self.r.random() < 0.8 else "m5", {t: [change]}]

    def request(self):
        """One that is spoiled is right but for that, so that both servers find the same fault first."""
        self.careful = self.r.random() < 0.35
        method, params = self.right_request()
        while self.careful:
            spoiled = self.spoil(params)
            # Open vSwitch 3.1 crashes on a change without condition, and reads what is not there of a monitor without requests.
            if method == "monitor_cond_change" and json.dumps(spoiled).count('"where"') != 1 or method == "monitor" and len(spoiled) < 3:
                continue
            return method, spoiled
        return method, params

    def right_request(self):
        kind = self.r.random()
        if kind < 0.72:
            method, params = "transact", ["P"] + [self.operation() for _ in range(self.pick(1, 1, 2, 3, 4))]
        elif kind < 0.86:
            method, params = self.monitoring()
        elif kind < 0.92:
            method, params = self.pick("lock", "steal", "unlock"), [self.pick("l1", "l2", "l3")]
        elif kind < 0.98:
            # A schema that is wrong somewhere, on a database of its own: one that is not wrong is converted to.
            schema = dict(copy.deepcopy(SCHEMA), name="C")
            return "convert", ["C", schema if self.careful else self.spoil(schema)]
        else:
            method, params = self.pick(("list_dbs", [1]), ("get_schema", ["P"]), ("get_schema", ["nothing"]), ("echo", ["x"]), ("no_such", []), ("set_db_change_aware", [True]))
        return method, params


def start():
    schemas = [SCHEMA, dict(SCHEMA, name="C")]
    return [Normal(), Normal()], [Server(PEER, "ovsdb-tool", "ovs", schemas),
                                  Server(BUILD + "/bin/sluice-dbserver", BUILD + "/bin/sluice-dbtool", "sluice", schemas)]


def show(number, client, method, params, theirs, ours):
    print("%d, client %d: %s %s" % (number, client, method, json.dumps(params)))
    for line in theirs:
        if line not in ours:
            print("  Open vSwitch: " + line)
    for line in ours:
        if line not in theirs:
            print("  ours:         " + line)
    if sorted(theirs) == sorted(ours):
        print("  in another order: %s\n  ours:             %s" % (theirs, ours))


def main():
    if not os.path.exists(PEER):
        print("skipped: needs Open vSwitch's ovsdb-server")
        sys.exit(77)
    normals, servers = start()
    generator, different, ended = Generator(SEED), 0, 0
    try:
        for number in range(1, REQUESTS + 1):
            method, params = generator.request()
            client = generator.r.randrange(2)
            if os.environ.get("TRACE"):
                print(number, client, method, json.dumps(params), flush=True)
            try:
                theirs, ours = [n.text(s.ask(client, method, params, number), params) for s, n in zip(servers, normals)]
            except Ended as e:
                assert e.args[0] == servers[0], "our server ended the connection"
                ended += 1
                for s in servers:
                    s.close()
                normals, servers = start()
                continue
            if theirs != ours:
                different += 1
                if different <= SHOWN:
                    show(number, client, method, params, theirs, ours)
    finally:
        for s in servers:
            s.close()
    print("%d requests, seed %d: %d answered differently; Open vSwitch's server ended the connection %d times" % (REQUESTS, SEED, different, ended))
    sys.exit(1 if different else 0)


main()
