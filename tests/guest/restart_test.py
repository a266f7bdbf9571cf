# SPDX-License-Identifier: Apache-2.0
"""Restarts of the switch daemon on the kernel datapath under traffic: exit and kill -9 lose no packet, also of a bridge whose rules are restored only after the start
(other_config:flow-restore-wait), and devices that came and went meanwhile are found."""

import os
import re
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "interop"))
from harness import Sluice, wait_until  # noqa: E402


class Traffic:
    """Pings in the background, ten a second."""

    def __init__(self, host, address):
        self.process = host.popen("ping", "-q", "-i", "0.1", "-W", "5", address, stdout=subprocess.PIPE, text=True)
        time.sleep(0.5)

    def check(self):
        """None was lost."""
        time.sleep(0.5)
        self.process.send_signal(signal.SIGINT)
        out = self.process.communicate(timeout=30)[0]
        assert " 0% packet loss" in out, out
        return int(re.search(r"(\d+) packets transmitted", out).group(1))


def ufids(s):
    """Of the flows of IPv4 in the kernel, by their keys."""
    out = s.run(["ovs-dpctl", "-m", "dump-flows"]).stdout
    return {line.split(",", 1)[0] for line in out.splitlines() if "eth_type(0x0800)" in line}


def exited(s, a):
    """exit without --cleanup: ports and flows stay, and the next daemon adopts them."""
    traffic = Traffic(a, "10.1.0.2")
    before = ufids(s)
    assert before, "no flows"
    s.appctl("exit")
    s.switch.wait(10)
    time.sleep(1)
    assert ufids(s) >= before
    s.start_vswitchd()
    time.sleep(2)
    assert ufids(s) & before == before, "flows were not adopted"
    traffic.check()
    print("ok: exit and start without a lost packet")


def restored(s, a):
    """Rules come back after the start; until then kernel flows do what the old ones said."""
    s.vsctl("set", "bridge", "br0", "fail_mode=secure")
    s.ofctl("del-flows", "br0")
    rules = ["in_port={},actions=output:{}".format(*x) for x in ((1, 2), (2, 1))]
    for rule in rules:
        s.ofctl("add-flow", "br0", rule)
    assert a.ping("10.1.0.2")
    traffic = Traffic(a, "10.1.0.2")
    s.vsctl("set", "open", ".", "other_config:flow-restore-wait=true")
    s.appctl("revalidator/purge")   # a daemon that is at work goes on: new flows are forwarded
    time.sleep(0.5)
    before = ufids(s)
    assert len(before) >= 2, before
    s.switch.send_signal(signal.SIGKILL)
    s.switch.wait(10)
    s.start_vswitchd()
    time.sleep(1.5)
    assert ufids(s) >= before, "flows have gone before rules came back"
    for rule in rules:
        s.ofctl("add-flow", "br0", rule)
    s.vsctl("remove", "open", ".", "other_config", "flow-restore-wait")
    time.sleep(2)
    assert ufids(s) >= before, "flows were not adopted"
    sent = traffic.check()
    # Packets of adopted flows count for the rules that were restored, from the adoption on.
    counts = [int(n) for n in re.findall(r"n_packets=(\d+)", s.ofctl("dump-flows", "br0"))]
    assert len(counts) == 2 and all(5 <= n <= sent + 10 for n in counts), (counts, sent)
    print("ok: flow-restore-wait without a lost packet")


def devices(s, a, b):
    """A device that was deleted and made again while no daemon ran, and one that vanishes under a daemon."""
    s.vsctl("remove", "bridge", "br0", "fail_mode", "secure")
    s.ofctl("del-flows", "br0")
    s.ofctl("add-flow", "br0", "actions=NORMAL")
    s.switch.send_signal(signal.SIGKILL)
    s.switch.wait(10)
    subprocess.run(["ip", "link", "del", b.port], check=True)
    make = [["link", "add", b.port, "type", "veth", "peer", "name", "eth0", "netns", b.ns], ["link", "set", b.port, "up"]]

    def come_back():
        for words in make:
            subprocess.run(["ip", *words], check=True)
        b.run("ip", "link", "set", "eth0", "address", b.mac, "up")
        b.run("ip", "addr", "add", "10.1.0.2/24", "dev", "eth0")

    come_back()
    s.start_vswitchd()
    wait_until("ping through the new device", lambda: a.ping("10.1.0.2", wait=1))
    subprocess.run(["ip", "link", "del", b.port], check=True)
    wait_until("the interface has an error", lambda: "No such device" in s.vsctl("get", "interface", b.port, "error")
               or s.vsctl("get", "interface", b.port, "ifindex").strip() in ("0", "[]"))
    come_back()
    wait_until("ping through the device that came back", lambda: a.ping("10.1.0.2", wait=1))
    print("ok: devices that go and come back")


with Sluice() as switch:
    switch.vsctl("add-br", "br0")
    first, second = switch.host("a", "br0", "10.1.0.1/24"), switch.host("b", "br0", "10.1.0.2/24")
    wait_until("ping", lambda: first.ping("10.1.0.2"))
    exited(switch, first)
    restored(switch, first)
    devices(switch, first, second)
    switch.appctl("exit", "--cleanup")
    switch.switch.wait(10)
