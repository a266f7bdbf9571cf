# SPDX-License-Identifier: Apache-2.0
"""OVN's central part on our database server: ovn-northd translates a logical network between two databases, ovn-nbctl and ovn-sbctl write and read.
The northbound tools use daemon-less connections, waits (--wait=sb) and every kind of row; northd uses locks, conditions, and thousands of rows."""

import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(__file__))
from harness import COMPAT, need_program, skip, wait_until  # noqa: E402

SCHEMAS = "/usr/share/ovn"


class Central:
    def __init__(self, directory):
        self.directory = directory
        self.environment = dict(os.environ, OVN_RUNDIR=directory, OVS_RUNDIR=directory, OVN_NB_DB=f"unix:{directory}/nb.sock",
                                OVN_SB_DB=f"unix:{directory}/sb.sock")
        self.processes = []

    def start(self, *words, ready):
        self.processes.append(subprocess.Popen(words, env=self.environment))
        wait_until(f"{words[0]} is ready", lambda: os.path.exists(ready), timeout=30)

    def run(self, *words):
        out = subprocess.run(words, env=self.environment, capture_output=True, text=True, timeout=120)
        assert out.returncode == 0, f"{words}: {out.stderr}"
        return out.stdout

    def nbctl(self, *words):
        return self.run("ovn-nbctl", "--timeout=60", *words)

    def sbctl(self, *words):
        return self.run("ovn-sbctl", "--timeout=60", *words)

    def stop(self):
        for p in reversed(self.processes):
            p.terminate()
        for p in self.processes:
            p.wait(20)


def start(c):
    for name in "nb", "sb":
        c.run(f"{COMPAT}/ovsdb-tool", "create", f"{c.directory}/{name}.db", f"{SCHEMAS}/ovn-{name}.ovsschema")
        c.start(f"{COMPAT}/ovsdb-server", "-vconsole:off", f"--unixctl={c.directory}/{name}.ctl", f"--remote=punix:{c.directory}/{name}.sock",
                f"{c.directory}/{name}.db", ready=f"{c.directory}/{name}.sock")
    c.nbctl("init")
    c.sbctl("init")
    c.start("ovn-northd", "-vconsole:off", f"--unixctl={c.directory}/northd.ctl", ready=f"{c.directory}/northd.ctl")


def switch_and_router(c):
    c.nbctl("ls-add", "sw0", "--", "ls-add", "sw1", "--", "lr-add", "r0")
    for number in 0, 1:
        c.nbctl("lrp-add", "r0", f"r0-sw{number}", f"00:00:00:00:ff:0{number}", f"10.0.{number}.254/24", "--", "lsp-add", f"sw{number}", f"sw{number}-r0", "--",
                "set", "logical_switch_port", f"sw{number}-r0", "type=router", f"options:router-port=r0-sw{number}", "addresses=router")
    for n in range(1, 21):
        c.nbctl("lsp-add", "sw0", f"p{n}", "--", "lsp-set-addresses", f"p{n}", f"00:00:00:00:00:{n:02x} 10.0.0.{n}")
    c.nbctl("acl-add", "sw0", "to-lport", "1000", 'ip4.src == 10.0.0.1', "drop")
    c.nbctl("lb-add", "lb0", "10.0.0.100:80", "10.0.0.1:80,10.0.0.2:80", "--", "ls-lb-add", "sw0", "lb0")
    c.nbctl("--wait=sb", "sync")  # until northd has written all of it


def check(c):
    start(c)
    switch_and_router(c)
    assert "switch" in c.nbctl("show") and "router" in c.nbctl("show")
    assert c.nbctl("get", "logical_switch_port", "p7", "addresses").strip() == '["00:00:00:00:00:07 10.0.0.7"]'

    flows = c.sbctl("lflow-list", "sw0")
    assert "10.0.0.20" in flows and "ip4.src == 10.0.0.1" in flows, flows[:2000]
    assert len(c.sbctl("--bare", "--columns=logical_port", "list", "port_binding").split()) == 24
    c.sbctl("chassis-add", "hv1", "geneve", "192.0.2.1", "--", "lsp-bind", "p1", "hv1")
    c.nbctl("--timeout=30", "wait-until", "logical_switch_port", "p1", "up=true")  # northd sees the binding and tells the northbound side

    # What is taken away is gone on the other side; references and garbage collection keep both whole.
    for n in range(1, 11):
        c.nbctl("lsp-del", f"p{n}")
    c.nbctl("--wait=sb", "lr-del", "r0")
    ports = set(c.sbctl("--bare", "--columns=logical_port", "list", "port_binding").split())
    assert ports == {f"p{n}" for n in range(11, 21)} | {"sw0-r0", "sw1-r0"}, ports
    assert "10.0.0.7" not in c.sbctl("lflow-list", "sw0")

    # northd comes back to what it left, and does not write it again.
    before = os.path.getsize(f"{c.directory}/sb.db")
    northd = c.processes.pop()
    northd.terminate()
    northd.wait(20)
    c.start("ovn-northd", "-vconsole:off", f"--unixctl={c.directory}/northd2.ctl", ready=f"{c.directory}/northd2.ctl")
    c.nbctl("--wait=sb", "sync")
    assert os.path.getsize(f"{c.directory}/sb.db") < before + 20_000


for program in "ovn-nbctl", "ovn-sbctl", "ovn-northd":
    need_program(program)
if not os.path.exists(f"{SCHEMAS}/ovn-nb.ovsschema"):
    skip("needs OVN's schemas")
with tempfile.TemporaryDirectory(prefix="sluice-ovn") as directory:
    central = Central(directory)
    try:
        check(central)
    finally:
        central.stop()
