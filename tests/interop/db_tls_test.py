#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The database daemon over TLS, with certificates made here: both sides verified, keys and revocation lists taken without dropping clients, bootstrapping
of the CA, the check of the server's name; and who may do what: roles by certificate, remotes that only read, by the database, by a configuration file."""

import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(__file__))
from harness import COMPAT, wait_until  # noqa: E402
from jsonrpc_client import Client  # noqa: E402

TIMEOUT = 20
# RBAC: clients of role "node" may write the rows of "things" whose owner they are, and there only what is listed.
SCHEMA = {"name": "T", "version": "1.0.0", "tables": {
    "things": {"isRoot": True, "columns": {"owner": {"type": "string"}, "n": {"type": "integer"}, "fixed": {"type": "integer"}}},
    "others": {"isRoot": True, "columns": {"n": {"type": "integer"}}},
    "remotes": {"isRoot": True, "columns": {"target": {"type": "string"}, "read_only": {"type": "boolean"}, "role": {"type": "string"}}},
    "root": {"isRoot": True, "columns": {"remotes": {"type": {"key": {"type": "uuid", "refTable": "remotes"}, "min": 0, "max": "unlimited"}}}},
    "RBAC_Role": {"isRoot": True, "columns": {"name": {"type": "string"}, "permissions": {"type": {"key": "string", "value": {"type": "uuid", "refTable": "RBAC_Permission"}, "min": 0, "max": "unlimited"}}}},
    "RBAC_Permission": {"isRoot": True, "columns": {"table": {"type": "string"}, "authorization": {"type": {"key": "string", "min": 0, "max": "unlimited"}},
                        "insert_delete": {"type": "boolean"}, "update": {"type": {"key": "string", "min": 0, "max": "unlimited"}}}}}}


class TlsClient(Client):
    def __init__(self, directory, port, name, ca="ca"):
        context = ssl.create_default_context(cafile=f"{directory}/{ca}.pem")
        context.check_hostname = False
        context.load_cert_chain(f"{directory}/{name}.pem", f"{directory}/{name}.key")
        self.socket = context.wrap_socket(socket.create_connection(("127.0.0.1", port), TIMEOUT))
        self.buffer = b""

    def serial(self):
        return self.socket.getpeercert()["serialNumber"]

    def transact(self, *operations):
        return self.call("transact", ["T", *operations])["result"]


class World:
    def __init__(self, directory):
        self.directory = directory
        self.sh("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=ca; touch index; echo 01 >crlnumber")
        with open(f"{directory}/conf", "w") as f:
            f.write("[ca]\ndefault_ca=d\n[d]\ndatabase=index\ndefault_md=sha256\ndefault_crl_days=2\ncrlnumber=crlnumber\n")
        for name in "server", "alice", "bob":
            self.certify(name)
        with open(f"{directory}/schema", "w") as f:
            json.dump(SCHEMA, f)
        self.sh(f"{COMPAT}/ovsdb-tool create db schema")

    def sh(self, line):
        done = subprocess.run(line, shell=True, cwd=self.directory, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, (line, done.stderr)
        return done.stdout

    def certify(self, name):
        self.sh(f"openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout new.key -out new.csr -subj /CN={name}; "
                f"openssl x509 -req -in new.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out new.pem; mv new.key {name}.key; mv new.pem {name}.pem")

    def start(self, *arguments, tls=True):
        keys = ["--private-key=server.key", "--certificate=server.pem", "--ca-cert=ca.pem", "--peer-ca-cert=ca.pem"] if tls else []
        for name in "sock", "ctl":
            if os.path.exists(f"{self.directory}/{name}"):
                os.unlink(f"{self.directory}/{name}")
        self.server = subprocess.Popen([f"{COMPAT}/ovsdb-server", "-vconsole:off", "--log-file=log", "--unixctl=ctl", *keys, *arguments], cwd=self.directory,
                                       env=dict(os.environ, OVS_RUNDIR=self.directory, OVS_LOGDIR=self.directory, OVS_DBDIR=self.directory))
        wait_until("the server runs", lambda: os.path.exists(f"{self.directory}/ctl") and os.path.exists(f"{self.directory}/sock"))
        return Client(f"{self.directory}/sock", TIMEOUT)

    def stop(self):
        self.server.terminate()
        self.server.wait(TIMEOUT)

    def client(self, *words):
        return subprocess.run([f"{COMPAT}/ovsdb-client", "-t10", *words], cwd=self.directory, capture_output=True, text=True)


def transact(client, *operations):
    result = client.call("transact", ["T", *operations])["result"]
    assert not any(r and "error" in r for r in result), result
    return result


def error_of(result):
    return next((r["error"] for r in result if r and "error" in r), None)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def check_keys(w):
    port = free_port()
    w.start("--remote=punix:sock", f"--remote=pssl:{port}:127.0.0.1", "db")
    old = TlsClient(w.directory, port, "alice")
    assert old.call("list_dbs", [])["result"] == ["T", "_Server"]
    # New key and certificate: the next client sees them, the one before is not cut off.
    w.certify("server")
    time.sleep(1.5)
    new = TlsClient(w.directory, port, "bob")
    assert new.serial() != old.serial()
    assert old.call("echo", [1])["result"] == [1] and new.call("echo", [2])["result"] == [2]
    # bob is revoked: the list stands behind the CA's certificate.
    w.sh("openssl ca -config conf -keyfile ca.key -cert ca.pem -revoke bob.pem && openssl ca -config conf -keyfile ca.key -cert ca.pem -gencrl -out crl && cat ca.pem crl >both && mv both ca.pem")
    time.sleep(1.5)
    assert new.call("echo", [3])["result"] == [3], "who is connected stays"
    try:
        TlsClient(w.directory, port, "bob").call("echo", [4])
        raise AssertionError("a revoked certificate was accepted")
    except (ConnectionError, OSError):
        pass
    assert TlsClient(w.directory, port, "alice").call("echo", [5])["result"] == [5]
    # Bootstrapping: the first connection fetches the CA's certificate, the next one is verified by it.
    keys = ["--private-key=alice.key", "--certificate=alice.pem"]
    done = w.client(*keys, "--bootstrap-ca-cert=fetched.pem", "list-dbs", f"ssl:127.0.0.1:{port}")
    assert done.returncode == 0 and done.stdout == "T\n_Server\n", done
    assert os.path.exists(f"{w.directory}/fetched.pem")
    w.sh("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout other.key -out other.pem -days 2 -subj /CN=other")
    assert w.client(*keys, "--bootstrap-ca-cert=other.pem", "list-dbs", f"ssl:127.0.0.1:{port}").returncode == 1, "another CA's server was believed"
    # The server's name, if one is asked for.
    for name, status in ("server", 0), ("somebody", 1):
        assert w.client(*keys, "--ca-cert=fetched.pem", f"--ssl-server-name={name}", "list-dbs", f"ssl:127.0.0.1:{port}").returncode == status, name
    w.stop()


def check_roles(w):
    admin = w.start("--remote=punix:sock", "--remote=db:T,root,remotes", "db")
    ports = {"node": free_port(), "reader": free_port()}
    transact(admin, {"op": "insert", "table": "RBAC_Permission", "uuid-name": "p", "row": {"table": "things", "authorization": "owner", "insert_delete": True, "update": "n"}},
             {"op": "insert", "table": "RBAC_Role", "row": {"name": "node", "permissions": ["map", [["things", ["named-uuid", "p"]]]]}},
             {"op": "insert", "table": "remotes", "uuid-name": "a", "row": {"target": f"pssl:{ports['node']}:127.0.0.1", "role": "node"}},
             {"op": "insert", "table": "remotes", "uuid-name": "b", "row": {"target": f"ptcp:{ports['reader']}:127.0.0.1", "read_only": True}},
             {"op": "insert", "table": "root", "row": {"remotes": ["set", [["named-uuid", "a"], ["named-uuid", "b"]]]}})
    wait_until("the remotes are open", lambda: w.client("list-dbs", f"tcp:127.0.0.1:{ports['reader']}").returncode == 0)
    w.certify("bob")  # the old one is revoked
    alice, bob = (TlsClient(w.directory, ports["node"], name, "fetched") for name in ("alice", "bob"))
    mine = {"op": "insert", "table": "things", "row": {"owner": "alice", "n": 1}}
    of_alice = [["owner", "==", "alice"]]
    assert error_of(alice.transact(mine)) is None
    assert error_of(bob.transact(mine)) == "permission error"
    assert error_of(alice.transact({"op": "update", "table": "things", "where": of_alice, "row": {"n": 2}})) is None
    assert error_of(alice.transact({"op": "update", "table": "things", "where": of_alice, "row": {"fixed": 2}})) == "permission error"
    assert error_of(alice.transact({"op": "mutate", "table": "things", "where": of_alice, "mutations": [["n", "+=", 1]]})) is None
    for operation in ({"op": "update", "table": "things", "where": of_alice, "row": {"n": 9}}, {"op": "delete", "table": "things", "where": of_alice},
                      {"op": "mutate", "table": "things", "where": of_alice, "mutations": [["n", "+=", 1]]}, {"op": "insert", "table": "others", "row": {}},
                      {"op": "update", "table": "RBAC_Role", "where": [], "row": {"name": "x"}}):
        assert error_of(bob.transact(operation)) == "permission error", operation
    assert bob.transact({"op": "select", "table": "things", "where": [], "columns": ["n", "fixed"]})[0]["rows"] == [{"n": 3, "fixed": 0}], "everybody may read"
    assert alice.call("convert", ["T", SCHEMA])["error"]["error"] == "permission error"
    assert error_of(alice.transact({"op": "delete", "table": "things", "where": of_alice})) is None
    # What is withdrawn is withdrawn at once.
    transact(admin, {"op": "update", "table": "RBAC_Permission", "where": [], "row": {"insert_delete": False}})
    assert error_of(alice.transact(mine)) == "permission error"
    out = w.client("transact", f"tcp:127.0.0.1:{ports['reader']}", json.dumps(["T", {"op": "insert", "table": "others", "row": {}}]))
    assert "not allowed" in out.stdout, out
    w.stop()


def check_configuration_file(w):
    ports = [free_port(), free_port()]

    def configure(**readers):
        remotes = {"punix:sock": {}, f"pssl:{ports[0]}:127.0.0.1": {"role": "node"}, f"ptcp:{ports[1]}:127.0.0.1": {"read-only": True, "inactivity-probe": 0}}
        with open(f"{w.directory}/config.json", "w") as f:
            json.dump({"remotes": remotes, "databases": {"db": {}}} | readers, f)

    configure()
    admin = w.start("--config-file=config.json")
    alice = TlsClient(w.directory, ports[0], "alice", "fetched")
    assert error_of(alice.transact({"op": "insert", "table": "others", "row": {}})) == "permission error"
    assert error_of(transact(admin, {"op": "insert", "table": "others", "row": {}})) is None
    reader = f"tcp:127.0.0.1:{ports[1]}"
    assert "not allowed" in w.client("transact", reader, json.dumps(["T", {"op": "delete", "table": "others", "where": []}])).stdout
    reload = [f"{COMPAT}/ovs-appctl", "-T10", "-t", f"{w.directory}/ctl", "ovsdb-server/reload"]
    configure(remotes={"punix:sock": {}})
    assert subprocess.run(reload, capture_output=True).returncode == 0
    assert w.client("list-dbs", reader).returncode == 1, "a remote that is not in the file any more"
    configure(nonsense={})
    done = subprocess.run(reload, capture_output=True, text=True)
    assert done.returncode == 2 and "nonsense" in done.stderr, done
    assert admin.call("echo", [])["result"] == [], "a wrong file changes nothing"
    w.stop()


def main():
    if not shutil.which("openssl"):
        print("skipped: needs openssl")
        sys.exit(77)
    directory = tempfile.mkdtemp(prefix="sluice-tls-")
    world = World(directory)
    try:
        for check in (check_keys, check_roles, check_configuration_file):
            check(world)
            print(check.__name__, "ok")
    finally:
        if world.server.poll() is None:
            world.server.kill()
            world.server.wait()
        shutil.rmtree(directory)


main()
