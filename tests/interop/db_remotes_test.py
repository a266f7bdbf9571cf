# SPDX-License-Identifier: Apache-2.0
"""Remotes of the database server: who may open a socket file, their status in the database, one that can't be opened yet, options that change while clients are there,
and a relay of a relay that has nothing yet."""

import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(__file__))
from harness import COMPAT, wait_until  # noqa: E402
from jsonrpc_client import Client  # noqa: E402

SCHEMA = {"name": "R", "tables": {
    "settings": {"isRoot": True, "maxRows": 1, "columns": {"remotes": {"type": {"key": {"type": "uuid", "refTable": "remote"}, "min": 0, "max": "unlimited"}}}},
    "remote": {"columns": {
        "target": {"type": "string"}, "is_connected": {"type": "boolean", "ephemeral": True}, "inactivity_probe": {"type": {"key": "integer", "min": 0}},
        "read_only": {"type": {"key": "boolean", "min": 0}}, "role": {"type": {"key": "string", "min": 0}}, "max_backoff": {"type": {"key": "integer", "min": 0}},
        "other_config": {"type": {"key": "string", "value": "string", "min": 0, "max": "unlimited"}},
        "status": {"type": {"key": "string", "value": "string", "min": 0, "max": "unlimited"}, "ephemeral": True}}}}}


class TcpClient(Client):
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), 20)
        self.buffer = b""


class Daemon:
    def __init__(self, directory, name, *arguments):
        self.path, self.log_file, self.control = (f"{directory}/{name}.{end}" for end in ("sock", "log", "ctl"))
        self.process = subprocess.Popen([f"{COMPAT}/ovsdb-server", "-vconsole:off", f"--log-file={self.log_file}", f"--unixctl={self.control}",
                                         f"--remote=punix:{self.path}", *arguments])
        wait_until("the server listens", lambda: os.path.exists(self.path) and os.path.exists(self.control))

    def transact(self, *operations):
        out = subprocess.run([f"{COMPAT}/ovsdb-client", "-t20", "transact", f"unix:{self.path}", json.dumps(["R", *operations])], capture_output=True, text=True)
        return json.loads(out.stdout) if out.returncode == 0 else out.stderr

    def listen(self, **columns):
        made = self.transact({"op": "insert", "table": "remote", "row": columns, "uuid-name": "x"},
                             {"op": "delete", "table": "settings", "where": []},
                             {"op": "insert", "table": "settings", "row": {"remotes": ["named-uuid", "x"]}})
        assert "uuid" in made[0], made

    def status(self):
        row = self.transact({"op": "select", "table": "remote", "where": [], "columns": ["is_connected", "status"]})[0]["rows"][0]
        return row["is_connected"], dict(row["status"][1])

    def log(self):
        with open(self.log_file) as text:
            return text.read()

    def stop(self):
        self.process.terminate()
        self.process.wait(20)


def check_modes(directory):
    assert [oct(os.stat(f"{directory}/status.{end}").st_mode & 0o777) for end in ("db", "sock")] == ["0o640", "0o660"]


def check_status(d):
    """What Open vSwitch's server writes for a remote that listens: its port, and how many there are if there are several."""
    d.listen(target="ptcp:0:127.0.0.1", inactivity_probe=0)
    wait_until("its port is known", lambda: "bound_port" in d.status()[1])
    alone, status = d.status()
    assert not alone and set(status) == {"bound_port", "sec_since_connect", "sec_since_disconnect"}, status
    clients = [socket.create_connection(("127.0.0.1", int(status["bound_port"])))]
    wait_until("the client is seen", lambda: d.status() == (True, status))
    clients.append(socket.create_connection(("127.0.0.1", int(status["bound_port"]))))
    wait_until("the second is seen", lambda: d.status() == (True, dict(status, n_connections="2")))
    for c in clients:
        c.close()
    wait_until("they are gone", lambda: d.status() == (False, status))


def check_busy_port(d):
    """It listens as soon as whoever has the port lets go of it, and complains once."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        d.listen(target=f"ptcp:{port}:127.0.0.1")
        wait_until("it complains", lambda: f"ptcp:{port}:127.0.0.1: listen failed: Address already in use" in d.log())
    wait_until("it listens", lambda: d.status()[1].get("bound_port") == str(port))
    assert len(re.findall(f"ptcp:{port}:127.0.0.1: listen failed", d.log())) == 1, d.log()


def check_options(d):
    """A remote's new options are those of its sessions too, which stay; only another DSCP needs new sockets.  No probe interval is below a second."""
    d.listen(target="ptcp:0:127.0.0.1", inactivity_probe=0)
    wait_until("its port is known", lambda: "bound_port" in d.status()[1])
    port = int(d.status()[1]["bound_port"])
    client = TcpClient(port)
    insert = ["R", {"op": "insert", "table": "remote", "row": {}}]

    def change(**columns):
        assert d.transact({"op": "update", "table": "remote", "where": [], "row": columns}) == [{"count": 1}]

    for columns in {"inactivity_probe": 60000}, {"max_backoff": 2000}, {"role": "x"}, {"role": ["set", []]}, {"read_only": True}:
        change(**columns)
        assert client.call("echo", [1])["result"] == [1], columns
    assert client.call("transact", insert)["result"][0]["error"] == "not allowed"
    change(read_only=False)
    assert "uuid" in client.call("transact", insert)["result"][0]
    change(inactivity_probe=1)
    for _ in range(3):  # a probe a second, and time to answer it
        begun = time.monotonic()
        probe = client.receive()
        assert probe["method"] == "echo" and time.monotonic() - begun > 0.5, probe
        client.socket.sendall(json.dumps({"id": probe["id"], "result": [], "error": None}).encode())
    assert client.receive()["method"] == "echo"  # and silence
    wait_until("who says nothing is cut off", lambda: re.search(r"reconnect\|ERR\|tcp:127.0.0.1:\d+: no response to inactivity probe after 1(.\d+)? seconds, disconnecting", d.log()))
    client = TcpClient(port)
    change(inactivity_probe=0)
    assert client.call("echo", [1])["result"] == [1]
    change(other_config=["map", [["dscp", "10"]]])
    try:
        client.call("echo", [1])
        raise AssertionError("the old socket is still in use")
    except ConnectionError:
        pass
    d.listen(target="ptcp:99999:127.0.0.1")
    wait_until("the status says what is wrong", lambda: d.status()[1].get("state") == "BACKOFF" and "last_error" in d.status()[1])


def check_no_conditions(d):
    """After disable-monitor-cond clients, who have to come again, find a server of earlier times."""
    client, request = Client(d.path, 20), {"remote": {"columns": ["target"]}}
    assert client.call("monitor_cond", ["R", "m", request])["error"] is None
    subprocess.run([f"{COMPAT}/ovs-appctl", "-T10", "-t", d.control, "ovsdb-server/disable-monitor-cond"], check=True)
    try:
        client.call("echo", [])
        raise AssertionError("the session was not ended")
    except ConnectionError:
        pass
    assert "unix#" in d.log() and ": disconnecting (user ran ovsdb-server/disable-monitor-cond)" in d.log()
    client = Client(d.path, 20)
    for method, more in ("monitor_cond", []), ("monitor_cond_since", ["00000000-0000-0000-0000-000000000000"]):
        assert client.call(method, ["R", "m", request] + more)["error"] == "unknown method"
    assert client.call("monitor", ["R", "m", request])["error"] is None


def check_relays(directory, daemons):
    """The second relay finds a first one that has nothing yet: it waits there instead of coming back again and again."""
    first = Daemon(directory, "first", f"relay:R:unix:{directory}/active.sock")
    daemons.append(first)
    second = Daemon(directory, "second", f"relay:R:unix:{directory}/first.sock")
    daemons.append(second)
    wait_until("it waits", lambda: "waiting" in second.log())
    assert "not yet available" in second.transact({"op": "select", "table": "remote", "where": []})
    active = Daemon(directory, "active", f"{directory}/r.db")
    daemons.append(active)
    wait_until("both have the contents", lambda: isinstance(second.transact({"op": "select", "table": "remote", "where": []}), list))
    assert second.log().count("connecting...") == 1, second.log()
    assert "uuid" in second.transact({"op": "insert", "table": "settings", "row": {}})[0]
    wait_until("the active server has it", lambda: active.transact({"op": "select", "table": "settings", "where": []})[0]["rows"])


with tempfile.TemporaryDirectory(prefix="sluice-remotes") as directory:
    with open(f"{directory}/schema", "w") as out:
        json.dump(SCHEMA, out)
    for name in "status", "r":
        subprocess.run([f"{COMPAT}/ovsdb-tool", "create", f"{directory}/{name}.db", f"{directory}/schema"], check=True)
    daemons = []
    try:
        daemons.append(Daemon(directory, "status", f"{directory}/status.db", "--remote=db:R,settings,remotes"))
        check_modes(directory)
        check_status(daemons[0])
        check_busy_port(daemons[0])
        check_options(daemons[0])
        check_no_conditions(daemons[0])
        check_relays(directory, daemons)
    finally:
        for d in daemons:
            d.stop()
