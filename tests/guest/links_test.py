#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What the kernel says of devices reaches the Interface rows: carrier and resets, MTU, addresses, renames, deletions, statistics.  And what it can reaches the log, the
column Datapath.capabilities and dpif/show-dp-features, which agree.  REQUIRES: root in a guest (run.sh)."""

import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "interop"))
from harness import Sluice, wait_until  # noqa: E402


def ip(*words):
    subprocess.run(["ip", *words], check=True)


def get(s, name, column):
    return s.vsctl("get", "interface", name, column).strip().strip('"')


def until(s, name, column, wanted):
    wait_until(f"{column} of {name} is {wanted}", lambda: get(s, name, column) == wanted)


def carrier(s, a):
    resets = int(get(s, a.port, "link_resets"))
    a.run("ip", "link", "set", "eth0", "down")
    until(s, a.port, "link_state", "down")
    assert get(s, a.port, "admin_state") == "up"
    a.run("ip", "link", "set", "eth0", "up")
    until(s, a.port, "link_state", "up")
    wait_until("the changes are counted", lambda: int(get(s, a.port, "link_resets")) >= resets + 2)
    ip("link", "set", a.port, "down")
    until(s, a.port, "admin_state", "down")
    ip("link", "set", a.port, "up")
    until(s, a.port, "admin_state", "up")
    print("ok: carrier, state, link_resets")


def mtu_and_address(s, a):
    ip("link", "set", a.port, "mtu", "1400")
    until(s, a.port, "mtu", "1400")
    ip("link", "set", a.port, "address", "02:00:00:00:77:01")
    until(s, a.port, "mac_in_use", "02:00:00:00:77:01")
    ip("link", "set", a.port, "mtu", "1500")
    until(s, a.port, "mtu", "1500")
    # Internal ports have what is asked for.
    s.vsctl("add-port", "br0", "in0", "--", "set", "interface", "in0", "type=internal", 'mac="02:00:00:00:88:01"', "mtu_request=1300")
    with open("/sys/class/net/in0/address", encoding="ascii") as f:
        assert f.read().strip() == "02:00:00:00:88:01"
    with open("/sys/class/net/in0/mtu", encoding="ascii") as f:
        assert f.read().strip() == "1300"
    until(s, "in0", "mac_in_use", "02:00:00:00:88:01")
    until(s, "in0", "mtu", "1300")
    s.vsctl("del-port", "in0")
    print("ok: MTU, addresses, internal ports")


def renamed(s, a):
    index = get(s, a.port, "ifindex")
    ip("link", "set", a.port, "down")
    ip("link", "set", a.port, "name", "elsewhere")
    ip("link", "set", "elsewhere", "up")
    wait_until("there is no device of that name", lambda: get(s, a.port, "error") != "[]" or get(s, a.port, "ifindex") in ("[]", "0"))
    assert not a.ping("10.1.0.2", wait=1)
    ip("link", "set", "elsewhere", "down")
    ip("link", "set", "elsewhere", "name", a.port)
    ip("link", "set", a.port, "up")
    wait_until("ping after it has its name again", lambda: a.ping("10.1.0.2", wait=1))
    until(s, a.port, "ifindex", index)
    print("ok: renames")


def deleted(s):
    ip("link", "add", "brief", "type", "veth", "peer", "name", "brief-peer")
    s.vsctl("add-port", "br0", "brief")
    number = get(s, "brief", "ofport")
    ip("link", "del", "brief")
    wait_until("the interface says that its device is gone", lambda: "brief" in get(s, "brief", "error") or get(s, "brief", "ofport") == "-1")
    assert "brief" not in s.appctl("dpctl/show")
    ip("link", "add", "brief", "type", "veth", "peer", "name", "brief-peer")
    wait_until("it is a port again", lambda: get(s, "brief", "ofport") == number and get(s, "brief", "error") == "[]")
    s.vsctl("del-port", "brief")
    ip("link", "del", "brief")
    print("ok: devices that are deleted and made again")


def statistics(s, a):
    def counters():
        return {k: int(v) for k, v in re.findall(r"(\w+)=(\d+)", get(s, a.port, "statistics"))}

    s.run(["ovs-vsctl", "--no-wait", "set", "open", ".", "other_config:stats-update-interval=1000"])
    before = counters()
    for _ in range(5):
        assert a.ping("10.1.0.2")
    wait_until("the packets are counted", lambda: counters().get("rx_packets", 0) >= before.get("rx_packets", 0) + 5 and counters()["tx_bytes"] >= before.get("tx_bytes", 0) + 5 * 98)
    print("ok: statistics")


def capabilities(s):
    s.vsctl("--id=@d", "create", "Datapath", "datapath_version=0", "--", "set", "open", ".", "datapaths:system=@d")
    listed = dict(line.split(": ") for line in s.appctl("dpif/show-dp-features", "br0").splitlines())
    names = re.findall(r"(\w+) \((.*)\) : \[run time\]:(\w+), \[boot time\]:(\w+)", s.appctl("dpif/set-dp-features", "br0"))
    assert len(names) >= 25 and all(now == boot for _, _, now, boot in names), names
    column = lambda: dict(re.findall(r'(\w+)="?(\w+)"?', s.vsctl("get", "Datapath", s.vsctl("get", "open", ".", "datapaths:system").strip(), "capabilities")))
    wait_until("the column is there", lambda: column().get("ufid") == "true")
    with open(s.path("ovs-vswitchd.log"), encoding="utf-8") as f:
        log = f.read()
    for name, title, now, _ in names:
        assert listed[title] == {"true": "Yes", "false": "No"}.get(now, now), (title, listed[title], now)
        assert column()[name] == ("true" if name == "sample_nesting" else now), (name, column())
        if now in ("true", "false"):
            assert ("Datapath supports" if now == "true" else "Datapath does not support") in log
    # One that is lowered: its flows go through the daemon, packet by packet.
    s.ofctl("add-flow", "br0", "priority=9,icmp,actions=output(port=LOCAL,max_len=64),NORMAL")
    flows = lambda: [line for line in s.appctl("dpctl/dump-flows").splitlines() if "proto=1," in line]
    assert first.ping("10.1.0.2", count=2)
    assert any("trunc(64)" in line for line in flows()), flows()
    s.appctl("dpif/set-dp-features", "br0", "trunc", "false")
    assert first.ping("10.1.0.2", count=2)
    assert flows() and all("slow_path(action)" in line for line in flows()), flows()
    assert "Truncate action: No" in s.appctl("dpif/show-dp-features", "br0")
    wait_until("the column says so", lambda: column()["trunc"] == "false")
    s.appctl("dpif/set-dp-features", "br0", "trunc", "true")
    s.ofctl("--strict", "del-flows", "br0", "priority=9,icmp")
    print("ok: capabilities")


with Sluice() as switch:
    switch.vsctl("add-br", "br0")
    first, second = switch.host("a", "br0", "10.1.0.1/24"), switch.host("b", "br0", "10.1.0.2/24")
    wait_until("ping", lambda: first.ping("10.1.0.2"))
    carrier(switch, first)
    mtu_and_address(switch, first)
    renamed(switch, first)
    deleted(switch)
    statistics(switch, first)
    capabilities(switch)
    switch.appctl("exit", "--cleanup")
    switch.switch.wait(10)
