# SPDX-License-Identifier: Apache-2.0
"""The daemons on openvswitch.ko: what the interop tests ask of the userspace datapath, and what only a kernel datapath has: it forwards while no daemon runs."""

import os
import re
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "interop"))
from harness import Sluice, wait_until  # noqa: E402

SERVER = """
import socket, sys
s = socket.create_server(("10.1.0.2", 7000)); print("ready", flush=True)
c = s.accept()[0]; n = 0
while (d := c.recv(65536)): n += len(d)
c.sendall(str(n).encode())
"""
CLIENT = """
import socket
c = socket.create_connection(("10.1.0.2", 7000), 10); c.sendall(b"x" * 3000000); c.shutdown(socket.SHUT_WR)
print(c.recv(100).decode())
"""


def has_link(name):
    return os.path.exists(f"/sys/class/net/{name}")


def normal(s):
    s.vsctl("add-br", "br0")
    a, b = s.host("a", "br0", "10.1.0.1/24"), s.host("b", "br0", "10.1.0.2/24")
    wait_until("ping", lambda: a.ping("10.1.0.2"))
    assert has_link("ovs-system") and has_link("br0")
    show = s.appctl("dpctl/show")
    assert show.startswith("system@ovs-system:\n") and "port 0: ovs-system (internal)" in show and "br0 (internal)" in show and f": {a.port}\n" in show, show
    assert s.vsctl("get", "bridge", "br0", "datapath_version").strip() == '"<unknown>"'
    assert s.vsctl("get", "bridge", "br0", "status").strip() == "{}"
    flows = s.run(["ovs-dpctl", "dump-flows"]).stdout
    assert "eth_type(0x0800)" in flows, flows
    print("ok: NORMAL, in the kernel")
    return a, b


def tcp(s, a, b):
    server = b.popen(sys.executable, "-c", SERVER, stdout=subprocess.PIPE, text=True)
    assert server.stdout.readline() == "ready\n"
    assert a.run(sys.executable, "-c", CLIENT).stdout.strip() == "3000000"
    server.wait(10)
    print("ok: TCP")


def openflow(s, a, b):
    s.ofctl("del-flows", "br0")
    s.ofctl("add-flow", "br0", "table=0,priority=10,icmp,actions=resubmit(,1)")
    s.ofctl("add-flow", "br0", "table=0,priority=1,actions=NORMAL")
    s.ofctl("add-flow", "br0", "table=1,icmp,actions=dec_ttl,NORMAL")
    out = a.run("ping", "-c", "6", "-i", "0.2", "10.1.0.2").stdout
    assert "6 received" in out and "ttl=63" in out, out
    table1 = re.search(r"table=1, n_packets=(\d+)", s.ofctl("dump-flows", "br0"))
    assert table1 and table1.group(1) == "12", s.ofctl("dump-flows", "br0")
    # The tool has waited for the reply to a barrier.
    s.ofctl("add-flow", "br0", "table=0,priority=20,icmp,actions=drop")
    assert not a.ping("10.1.0.2", wait=1)
    s.ofctl("del-flows", "br0")
    s.ofctl("add-flow", "br0", "actions=NORMAL")
    assert a.ping("10.1.0.2")
    print("ok: OpenFlow rules, several tables, dec_ttl, exact counters")


def vlans(s, a, b):
    s.vsctl("set", "port", a.port, "tag=7")
    wait_until("no ping between VLANs", lambda: not a.ping("10.1.0.2", wait=1))
    s.vsctl("set", "port", b.port, "tag=7")
    wait_until("ping in the VLAN", lambda: a.ping("10.1.0.2"))
    s.vsctl("remove", "port", a.port, "tag", "7", "--", "remove", "port", b.port, "tag", "7")
    print("ok: VLANs")


def internal(s, a):
    subprocess.run(["ip", "addr", "add", "10.1.0.254/24", "dev", "br0"], check=True)
    subprocess.run(["ip", "link", "set", "br0", "up"], check=True)
    wait_until("ping of the internal port", lambda: a.ping("10.1.0.254"))
    # Its MTU is the smallest of the others', or what is asked for.
    mtu_of = lambda name: open(f"/sys/class/net/{name}/mtu", encoding="ascii").read().strip()
    subprocess.run(["ip", "link", "set", a.port, "mtu", "1300"], check=True)
    wait_until("the internal port has the smallest MTU", lambda: mtu_of("br0") == "1300")
    subprocess.run(["ip", "link", "set", a.port, "mtu", "1500"], check=True)
    wait_until("and grows with it", lambda: mtu_of("br0") == "1500")
    s.vsctl("set", "interface", "br0", "mtu_request=1400")
    assert mtu_of("br0") == "1400"
    s.vsctl("--may-exist", "add-port", "br0", "in0", "--", "set", "interface", "in0", "type=internal")
    assert has_link("in0")
    s.vsctl("del-port", "br0", "in0")
    assert not has_link("in0")
    print("ok: internal ports")


def killed(s, a):
    """Traffic goes on while the daemon is dead, and when it comes back."""
    s.ofctl("del-flows", "br0")
    s.ofctl("add-flow", "br0", "actions=NORMAL")
    assert a.ping("10.1.0.2")
    ping = a.popen("ping", "-q", "-i", "0.1", "-c", "50", "-W", "2", "10.1.0.2", stdout=subprocess.PIPE, text=True)
    time.sleep(1)
    s.switch.send_signal(signal.SIGKILL)
    s.switch.wait(10)
    time.sleep(1)
    s.start_vswitchd()
    out = ping.communicate(timeout=30)[0]
    assert " 0% packet loss" in out, out
    print("ok: kill -9 without a lost packet")


def restarted(s, a):
    s.switch.send_signal(signal.SIGTERM)
    s.switch.wait(10)
    assert has_link("br0") and has_link("ovs-system")
    s.vsctl("--no-wait", "del-port", "br0", s.hosts[1].port)
    s.start_vswitchd()
    wait_until("the port that was removed meanwhile is gone", lambda: f": {s.hosts[1].port}\n" not in s.appctl("dpctl/show"))
    wait_until("ping after the restart", lambda: a.ping("10.1.0.254"))
    s.appctl("exit", "--cleanup")
    s.switch.wait(10)
    assert not has_link("br0") and not has_link("ovs-system")
    print("ok: restart, exit --cleanup")


def fallback():
    with Sluice(vswitchd_options=["--disable-system"]) as s:
        s.vsctl("add-br", "br1")
        status = s.vsctl("get", "bridge", "br1", "status")
        assert "datapath_fallback" in status and "--disable-system" in status, status
        assert s.appctl("dpctl/show").startswith("netdev@ovs-netdev:")
    with Sluice(vswitchd_options=["--disable-system"]) as s:
        s.run(["ovs-vsctl", "set", "open", ".", "other_config:datapath-fallback=false"])
        refused = s.run(["ovs-vsctl", "--timeout=20", "add-br", "br2"], check=False)
        assert refused.returncode == 65, refused.stderr
        assert s.appctl("dpctl/show") == ""
        with open(s.path("ovs-vswitchd.log"), encoding="utf-8") as f:
            assert "failed to create bridge br2: the kernel datapath is disabled" in f.read()
    print("ok: fallback, and none")


with Sluice() as switch:
    first, second = normal(switch)
    tcp(switch, first, second)
    openflow(switch, first, second)
    vlans(switch, first, second)
    internal(switch, first)
    killed(switch, first)
    restarted(switch, first)
fallback()
sys.exit(0)
