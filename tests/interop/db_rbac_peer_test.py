#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Roles: the same random operations, by TLS clients with a role, to Open vSwitch's server and to ours.  Who is refused, and in which words, must be equal.

    db_rbac_peer_test.py [SEED [OPERATIONS]]     # default: 3 400

Permissions and rows are random too.  Skipped without Open vSwitch's server or openssl."""

import json
import os
import random
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time

BUILD = os.path.abspath(os.environ.get("SLUICE_BUILD", "build/release"))
PEER = "/usr/sbin/ovsdb-server"
R = random.Random(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
OPERATIONS = int(sys.argv[2]) if len(sys.argv) > 2 else 400

some = lambda key, **more: {"type": {"key": key, "min": 0, "max": "unlimited", **more}}
plain = lambda kind: {"type": kind}
TABLES = {
    "a": {"isRoot": True, "columns": {"name": plain("string"), "own": plain("string"), "owns": some("string"), "ids": some("string", value="string"),
                                      "n": plain("integer"), "opt": {"type": {"key": "string", "min": 0}}, "m": some("string", value="string")}},
    "b": {"isRoot": True, "columns": {"n": plain("integer")}},
    "all": {"isRoot": True, "columns": {"remotes": some({"type": "uuid", "refTable": "remote"})}},
    "remote": {"columns": {"target": plain("string"), "role": plain("string")}},
    "RBAC_Role": {"isRoot": True, "columns": {"name": plain("string"), "permissions": some("string", value={"type": "uuid", "refTable": "RBAC_Permission", "refType": "weak"})}},
    "RBAC_Permission": {"isRoot": True, "columns": {"table": plain("string"), "authorization": some("string"), "insert_delete": plain("boolean"), "update": some("string")}}}
ROLES = ["r1", "r2", "r3", "no permissions"]
IDS = ["me", "", "x", "y"]


def row():
    return {"name": R.choice(IDS), "own": R.choice(IDS), "owns": ["set", R.sample(IDS, R.randrange(3))], "n": R.randrange(9),
            "ids": ["map", [[k, "v"] for k in R.sample(IDS, R.randrange(3))]], "opt": R.choice([["set", []], "x", "me", ""]),
            "m": ["map", [[k, R.choice(IDS)] for k in R.sample(["key", "other"] + IDS, R.randrange(3))]]}


def contents():
    operations = []
    for role in ROLES[:3]:
        permissions = []
        for table in "ab":
            if R.random() < 0.25:
                continue
            columns = list(TABLES[table]["columns"])
            whose = [[], ["name"], ["own"], ["owns"], ["own", "name"], ["ids:key"], ["m:key"], [""], ["nope"], ["ids"], ["opt"], ["n"]] if table == "a" else [[], [""], ["n"]]
            update = R.choice([R.sample(columns, R.randrange(len(columns) + 1)), ["m:key"], ["ids:key", "m:other", "n"], ["nope"]])
            operations.append({"op": "insert", "table": "RBAC_Permission", "uuid-name": f"{role}{table}", "row": {
                "table": table, "authorization": ["set", R.choice(whose)], "insert_delete": R.random() < 0.5, "update": ["set", update]}})
            permissions.append([table, ["named-uuid", f"{role}{table}"]])
        operations.append({"op": "insert", "table": "RBAC_Role", "row": {"name": role, "permissions": ["map", permissions]}})
    for n in range(6):
        operations += [{"op": "insert", "table": "a", "row": row()}, {"op": "insert", "table": "b", "row": {"n": n}}]
    return operations


def operation():
    table = R.choice("aaab")
    where = R.choice([[], [["n", "<", 3]], [["n", "==", R.randrange(9)]], [["n", ">", 7]]])
    kind = R.choice(["insert", "update", "update", "update", "mutate", "mutate", "delete", "select"])
    full = row() if table == "a" else {"n": R.randrange(9)}
    given = {c: full[c] for c in R.sample(sorted(full), R.randrange(min(4, len(full) + 1)))}
    mutations = [[["n", "+=", 1]]] + [[["owns", "insert", ["set", ["z"]]]], [["m", "delete", ["set", ["key"]]]], [["m", "insert", ["map", [["key", "q"]]]]],
                                      [["ids", "insert", ["map", [["me", "q"]]]]], [["n", "-=", 1], ["owns", "delete", ["set", ["x"]]]]] * (table == "a")
    return {"op": kind, "table": table, **{"insert": {"row": given}, "update": {"where": where, "row": given}, "mutate": {"where": where, "mutations": R.choice(mutations)},
                                           "delete": {"where": where}, "select": {"where": where, "columns": ["n"]}}[kind]}


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


class Side:
    def __init__(self, directory, name, server, operations):
        self.directory = directory
        self.ports = {role: free_port() for role in ROLES}
        remotes = [{"op": "insert", "table": "remote", "uuid-name": f"c{n}", "row": {"target": f"pssl:{self.ports[role]}:127.0.0.1", "role": role}} for n, role in enumerate(ROLES)]
        remotes.append({"op": "insert", "table": "all", "row": {"remotes": ["set", [["named-uuid", f"c{n}"] for n in range(len(ROLES))]]}})
        file = f"{directory}/{name}.db"
        subprocess.run(["ovsdb-tool", "create", file, f"{directory}/schema"], check=True)
        subprocess.run(["ovsdb-tool", "transact", file, json.dumps(["R", *operations, *remotes])], check=True, stdout=subprocess.DEVNULL)
        keys = [f"--private-key={directory}/server.key", f"--certificate={directory}/server.pem", f"--ca-cert={directory}/ca.pem"]
        self.process = subprocess.Popen([server, "--remote=db:R,all,remotes", *keys, f"--unixctl={directory}/{name}.ctl", "-vconsole:off", file],
                                        env=dict(os.environ, OVS_RUNDIR=directory, OVS_LOGDIR=directory))
        self.clients = {}

    def client(self, role):
        if role not in self.clients:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.load_verify_locations(f"{self.directory}/ca.pem")
            context.load_cert_chain(f"{self.directory}/me.pem", f"{self.directory}/me.key")
            end = time.monotonic() + 20
            while True:
                try:
                    self.clients[role] = context.wrap_socket(socket.create_connection(("127.0.0.1", self.ports[role]), 20))
                    break
                except OSError:
                    assert time.monotonic() < end
                    time.sleep(0.05)
        return self.clients[role]

    def transact(self, role, operations):
        client, text = self.client(role), ""
        client.sendall(json.dumps({"method": "transact", "params": ["R", *operations], "id": 1}).encode())
        while True:
            data = client.recv(1 << 16).decode()
            assert data, "closed"
            text += data
            try:
                message = json.loads(text)
            except ValueError:
                continue
            if message.get("method") == "echo":  # a probe
                text = ""
                continue
            for result in message["result"]:
                if result and "rows" in result:
                    result["rows"].sort(key=str)
            return re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "UUID", json.dumps(message, sort_keys=True))


def make_keys(directory):
    def openssl(*words):
        subprocess.run(["openssl", *words], cwd=directory, check=True, capture_output=True)
    new = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl("req", "-x509", *new, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=ca")
    for name in "server", "me":
        openssl("req", *new, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-out", f"{name}.pem")


def main():
    if not os.path.exists(PEER) or not shutil.which("openssl"):
        print("skipped: needs Open vSwitch's ovsdb-server and openssl")
        sys.exit(77)
    different = 0
    with tempfile.TemporaryDirectory(prefix="sluice-rbac") as directory:
        make_keys(directory)
        with open(f"{directory}/schema", "w") as out:
            json.dump({"name": "R", "tables": TABLES}, out)
        sides, operations = [], contents()
        try:
            for name, server in ("ovs", PEER), ("sluice", f"{BUILD}/bin/sluice-dbserver"):
                sides.append(Side(directory, name, server, operations))
            for _ in range(OPERATIONS):
                role, request = R.choice(ROLES), [operation() for _ in range(R.choice([1, 1, 2, 3]))]
                theirs, ours = [s.transact(role, request) for s in sides]
                if theirs != ours:
                    different += 1
                    if different <= 5:
                        print(f"{role}: {json.dumps(request)}\n  Open vSwitch: {theirs}\n  ours:         {ours}")
        finally:
            for s in sides:
                s.process.terminate()
                s.process.wait(20)
    print(f"{OPERATIONS} transactions, {different} answered differently")
    sys.exit(1 if different else 0)


main()
