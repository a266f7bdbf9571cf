#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Real packets between network namespaces over the userspace datapath: IPv4, IPv6, TCP with the devices' default offloads, VLANs, patch
ports, an internal port, statistics that add up, restart of the switch daemon, and a barrier that holds."""

import json
import re
import signal
import subprocess
import sys
import time

from harness import Sluice, need_program, need_root, wait_until

need_root()
need_program("iperf3")


def iperf(server, client, address, *options):
    child = server.popen("iperf3", "-s", "-1", stdout=subprocess.DEVNULL)
    wait_until("iperf3 listens", lambda: "5201" in server.run("ss", "-ltn").stdout)
    out = client.run("iperf3", "-c", address, "-t", "1", "-J", *options, timeout=30).stdout
    child.wait(20)
    return json.loads(out)["end"]


def standalone(s):
    s.vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev")
    a = s.host("a", "br0", "10.1.0.1/24", "fd00:1::1/64")
    b = s.host("b", "br0", "10.1.0.2/24", "fd00:1::2/64")
    wait_until("IPv4 ping", lambda: a.ping("10.1.0.2"))
    wait_until("IPv6 ping", lambda: a.ping("fd00:1::2"))
    end = iperf(b, a, "10.1.0.2")
    rate = end["sum_received"]["bits_per_second"]
    assert rate > 50e6, f"TCP through default offloads: {rate / 1e6:.1f} Mbit/s"
    print(f"ok: TCP {rate / 1e9:.2f} Gbit/s with default offloads")
    end = iperf(b, a, "fd00:1::2")
    assert end["sum_received"]["bits_per_second"] > 50e6
    a.run("ethtool", "-K", "eth0", "tx", "off", "tso", "off", "gso", "off")
    assert iperf(b, a, "10.1.0.2")["sum_received"]["bits_per_second"] > 20e6
    macs = s.appctl("fdb/show", "br0")
    assert a.mac in macs and b.mac in macs, macs
    return a, b


def statistics(s, a, b):
    """The flow's counters grow by exactly the packets that were sent."""
    s.ofctl("add-flow", "br0", "priority=100,icmp,nw_dst=10.1.0.2,actions=normal")
    count = lambda: int(re.search(r"n_packets=(\d+)", s.ofctl("dump-flows", "br0", "icmp,nw_dst=10.1.0.2")).group(1))
    before = count()
    assert a.ping("10.1.0.2", count=20)
    wait_until("20 packets are counted", lambda: count() - before >= 20, 3)
    assert count() - before == 20
    print("ok: statistics")


def barrier(s, a, b):
    """After the reply to a barrier (which add-flow awaits) no packet is forwarded by the old flow."""
    for i in range(20):
        assert a.ping("10.1.0.2", wait=1)
        s.ofctl("add-flow", "br0", "priority=200,icmp,actions=drop")
        assert a.run("ping", "-c", "1", "-W", "0.05", "10.1.0.2", check=False).returncode != 0, f"forwarded after the barrier, round {i}"
        s.ofctl("--strict", "del-flows", "br0", "priority=200,icmp")
    print("ok: barrier")


def internal(s, b):
    s.vsctl("add-port", "br0", "slint0", "--", "set", "interface", "slint0", "type=internal")
    subprocess.run(["ip", "addr", "add", "10.1.0.9/24", "dev", "slint0"], check=True)
    subprocess.run(["ip", "link", "set", "slint0", "up"], check=True)
    wait_until("ping to the internal port", lambda: b.ping("10.1.0.9"))
    s.vsctl("del-port", "slint0")
    wait_until("the device is gone", lambda: subprocess.run(["ip", "link", "show", "slint0"], capture_output=True).returncode != 0)
    print("ok: internal port")


def vlans_and_patch(s):
    for br, peer in (("brx", "bry"), ("bry", "brx")):
        s.vsctl("add-br", br, "--", "set", "bridge", br, "datapath_type=netdev")
        s.vsctl("add-port", br, f"to-{peer}", "--", "set", "interface", f"to-{peer}", "type=patch", f"options:peer=to-{br}")
    c, d, e = s.host("c", "brx", "10.2.0.1/24"), s.host("d", "bry", "10.2.0.2/24"), s.host("e", "bry", "10.2.0.3/24")
    s.vsctl("set", "port", c.port, "tag=7", "--", "set", "port", d.port, "tag=7", "--", "set", "port", e.port, "tag=8")
    wait_until("same VLAN over the patch ports", lambda: c.ping("10.2.0.2"))
    assert not c.ping("10.2.0.3", wait=1), "another VLAN's host answered"
    print("ok: VLANs and patch ports")


def restart(s, a):
    s.switch.send_signal(signal.SIGTERM)
    s.switch.wait(10)
    s.start_vswitchd()
    wait_until("ping after a restart of the switch", lambda: a.ping("10.1.0.2"))
    print("ok: restart")


with Sluice() as s:
    a, b = standalone(s)
    statistics(s, a, b)
    barrier(s, a, b)
    internal(s, b)
    vlans_and_patch(s)
    restart(s, a)
sys.exit(0)
