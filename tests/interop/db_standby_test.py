# SPDX-License-Identifier: Apache-2.0
"""Three database servers: an active one, a standby of it that leaves a table out, and a relay.  What is written to the active server, or through the
relay, is everywhere; the standby refuses to write until it is told to be active; a server is no standby of itself."""

import json
import os
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(__file__))
from harness import COMPAT, wait_until  # noqa: E402

SCHEMA = {"name": "T", "version": "1.0.0", "tables": {
    "kept": {"isRoot": True, "columns": {"n": {"type": "integer"}}},
    "left": {"isRoot": True, "columns": {"n": {"type": "integer"}}}}}


class Daemon:
    def __init__(self, directory, name, *arguments, remote=True):
        self.socket = f"unix:{directory}/{name}.sock"
        self.control = f"{directory}/{name}.ctl"
        self.process = subprocess.Popen([f"{COMPAT}/ovsdb-server", "-vconsole:off", f"--unixctl={self.control}", *arguments]
                                        + ([f"--remote=p{self.socket}"] if remote else []))
        wait_until("the server listens", lambda: os.path.exists(f"{directory}/{name}.sock") and os.path.exists(self.control))

    def transact(self, *operations):
        out = subprocess.run([f"{COMPAT}/ovsdb-client", "-t20", "transact", self.socket, json.dumps(["T", *operations])], capture_output=True, text=True)
        assert out.returncode == 0, out.stderr
        return json.loads(out.stdout)

    def values(self, table):
        return sorted(r["n"] for r in self.transact({"op": "select", "table": table, "where": [], "columns": ["n"]})[0]["rows"])

    def insert(self, table, n):
        return self.transact({"op": "insert", "table": table, "row": {"n": n}})[0]

    def appctl(self, *words):
        return subprocess.run([f"{COMPAT}/ovs-appctl", "-T20", "-t", self.control, *words], capture_output=True, text=True, check=True).stdout

    def listed(self):
        out = subprocess.run([f"{COMPAT}/ovsdb-client", "-t20", "-fjson", "dump", self.socket, "_Server", "Database", "name", "model", "connected"],
                             capture_output=True, text=True, check=True).stdout
        return [row for row in json.loads(out)["data"] if "T" in row]

    def stop(self):
        self.process.terminate()
        self.process.wait(20)


def check(directory):
    with open(f"{directory}/schema", "w") as out:
        json.dump(SCHEMA, out)
    for name in "active", "standby":
        subprocess.run([f"{COMPAT}/ovsdb-tool", "create", f"{directory}/{name}.db", f"{directory}/schema"], check=True)
    active = Daemon(directory, "active", f"{directory}/active.db")
    standby = Daemon(directory, "standby", f"{directory}/standby.db", f"--sync-from={active.socket}", "--sync-exclude-tables=T:left")
    relay = Daemon(directory, "relay", f"relay:T:{active.socket}")
    daemons = [active, standby, relay]
    try:
        active.insert("kept", 1)
        active.insert("left", 1)
        wait_until("the standby follows", lambda: standby.values("kept") == [1])
        assert standby.values("left") == []
        assert standby.appctl("ovsdb-server/sync-status") == f"state: backup\nreplicating: {active.socket}\ndatabase: T\nexclude: T:left\n"
        assert standby.insert("kept", 2)["error"] == "not allowed"

        wait_until("the relay is connected", lambda: relay.listed() == [[True, "relay", "T"]])
        assert "uuid" in relay.insert("kept", 3)  # passed on; the relay shows it as soon as it has answered
        assert relay.values("kept") == active.values("kept") == [1, 3]
        assert relay.transact({"op": "insert", "table": "nope", "row": {}})[0]["error"] == "syntax error"
        wait_until("the standby follows", lambda: standby.values("kept") == [1, 3])

        # The active server goes; the standby takes over, and keeps what it had in its own file.
        active.stop()
        wait_until("the relay sees it", lambda: relay.listed() == [[False, "relay", "T"]])
        assert relay.values("kept") == [1, 3]
        assert standby.appctl("ovsdb-server/sync-status") == f"state: backup\nconnecting: {active.socket}\n"
        standby.appctl("ovsdb-server/disconnect-active-ovsdb-server")
        assert "uuid" in standby.insert("kept", 4)
        standby.stop()
        standby = Daemon(directory, "standby", f"{directory}/standby.db")
        daemons[1] = standby
        assert standby.values("kept") == [1, 3, 4]

        # It follows again: what it had on its own is gone.
        active = daemons[0] = Daemon(directory, "active", f"{directory}/active.db")
        standby.appctl("ovsdb-server/set-active-ovsdb-server", active.socket)
        standby.appctl("ovsdb-server/connect-active-ovsdb-server")
        wait_until("the standby follows", lambda: standby.values("kept") == [1, 3])
        wait_until("the relay is connected", lambda: relay.listed() == [[True, "relay", "T"]])

        active.appctl("ovsdb-server/set-active-ovsdb-server", active.socket)
        active.appctl("ovsdb-server/connect-active-ovsdb-server")
        wait_until("it finds itself", lambda: active.appctl("ovsdb-server/sync-status") == "state: active\n")
        assert "uuid" in active.insert("kept", 5)
    finally:
        for d in daemons:
            if d.process.poll() is None:
                d.stop()


def check_configuration_file(directory):
    """What a server has is what a file says, read again on request; a file with a mistake changes nothing."""
    for name in "one", "two":
        schema = dict(SCHEMA, name=name)
        with open(f"{directory}/{name}.schema", "w") as out:
            json.dump(schema, out)
        subprocess.run([f"{COMPAT}/ovsdb-tool", "create", f"{directory}/{name}.db", f"{directory}/{name}.schema"], check=True)
    path = f"{directory}/config.json"

    def write(configuration):
        with open(path, "w") as out:
            json.dump(configuration, out)

    main = f"punix:{directory}/file.sock"
    write({"remotes": {main: {}}, "databases": {f"{directory}/one.db": {}}})
    server = Daemon(directory, "file", f"--config-file={path}", remote=False)
    try:
        assert server.appctl("ovsdb-server/list-dbs") == "_Server\none\n"
        read_only = f"{directory}/read-only.sock"
        write({"remotes": {main: {}, f"punix:{read_only}": {"read-only": True}},
               "databases": {f"{directory}/two.db": {}, "one": {"service-model": "relay", "source": {"unix:/nowhere": {}}}}})
        server.appctl("ovsdb-server/reload")
        assert server.appctl("ovsdb-server/list-dbs") == "_Server\none\ntwo\n"
        wait_until("the new remote listens", lambda: os.path.exists(read_only))
        insert = json.dumps(["two", {"op": "insert", "table": "kept", "row": {"n": 1}}])
        said = subprocess.run([f"{COMPAT}/ovsdb-client", "-t20", "transact", f"unix:{read_only}", insert], capture_output=True, text=True).stdout
        assert "not allowed" in said, said
        write({"remotes": {main: {"nonsense": 1}}})
        refused = subprocess.run([f"{COMPAT}/ovs-appctl", "-T20", "-t", server.control, "ovsdb-server/reload"], capture_output=True, text=True)
        assert refused.returncode == 2 and "nonsense" in refused.stderr, refused
        assert server.appctl("ovsdb-server/list-dbs") == "_Server\none\ntwo\n"
    finally:
        server.stop()


def check_restart(directory):
    """After a crash, --monitor's new process has the databases and remotes that commands had added, and lets go of the terminal."""
    subprocess.run([f"{COMPAT}/ovsdb-tool", "create", f"{directory}/late.db", f"{directory}/schema"], check=True)
    pidfile, control, late = (f"{directory}/restart.{end}" for end in ("pid", "ctl", "sock"))
    subprocess.run([f"{COMPAT}/ovsdb-server", "--detach", "--monitor", "--no-dbs", f"--pidfile={pidfile}", f"--unixctl={control}", "-vconsole:off"], check=True)

    def appctl(*words):
        return subprocess.run([f"{COMPAT}/ovs-appctl", "-T20", "-t", control, *words], capture_output=True, text=True)

    def pid():
        with open(pidfile) as text:
            return int(text.read())

    try:
        assert appctl("ovsdb-server/add-db", f"{directory}/late.db").returncode == 0
        assert appctl("ovsdb-server/add-remote", f"punix:{late}").returncode == 0
        first = pid()
        os.kill(first, signal.SIGABRT)
        wait_until("another process", lambda: os.path.exists(pidfile) and pid() != first and appctl("version").returncode == 0)
        assert appctl("ovsdb-server/list-dbs").stdout == "T\n_Server\n"
        wait_until("it listens", lambda: subprocess.run([f"{COMPAT}/ovsdb-client", "-t5", "list-dbs", f"unix:{late}"], capture_output=True).returncode == 0)
    finally:
        appctl("exit")


with tempfile.TemporaryDirectory(prefix="sluice-standby") as directory:
    check(directory)
    check_configuration_file(directory)
    check_restart(directory)
