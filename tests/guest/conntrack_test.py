# SPDX-License-Identifier: Apache-2.0
"""The kernel's connection tracker and its tunnel devices by ovs-dpctl: connections that this test makes by ctnetlink are shown as Open vSwitch's ovs-dpctl (if it is
there) shows them, and ended by tuple, protocol and altogether."""

import os
import re
import shutil
import socket
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "interop"))
from harness import COMPAT, skip  # noqa: E402

PEER = shutil.which("ovs-dpctl", path="/usr/bin")
V4, V6 = socket.AF_INET, socket.AF_INET6
SEEN, CONFIRMED = 0xe, 0x8   # CTA_STATUS: seen reply, assured, confirmed


def attr(kind, payload):
    return struct.pack("=HH", 4 + len(payload), kind) + payload + b"\0" * (-len(payload) % 4)


def nest(kind, *inside):
    return attr(kind | 0x8000, b"".join(inside))


def be16(kind, value):
    return attr(kind, struct.pack("!H", value))


def be32(kind, value):
    return attr(kind, struct.pack("!I", value))


def addresses(family, source, destination):
    kinds = (1, 2) if family == V4 else (3, 4)
    return nest(1, *(attr(k, socket.inet_pton(family, a)) for k, a in zip(kinds, (source, destination))))


def ports(protocol, source, destination):
    return nest(2, attr(1, bytes([protocol])), be16(2, source), be16(3, destination))


def icmp(protocol, ident, kind):
    first = 4 if protocol == 1 else 7
    return nest(2, attr(1, bytes([protocol])), be16(first, ident), attr(first + 1, bytes([kind])), attr(first + 2, b"\0"))


def tcp(state, scale=0, flags=(0, 0)):
    return nest(4, nest(1, attr(1, bytes([state])), attr(2, b"\7"), attr(3, bytes([scale])), *(attr(4 + i, bytes([f, 0xff])) for i, f in enumerate(flags))))


class Tracker:
    def __init__(self):
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)
        self.socket.bind((0, 0))

    def add(self, source, destination, forth, back, *more):
        """The same addresses both ways; `forth` and `back`: ports or ids."""
        family = V6 if ":" in source else V4
        body = nest(1, addresses(family, source, destination), forth) + nest(2, addresses(family, destination, source), back) + be32(7, 300) + b"".join(more)
        self.socket.send(struct.pack("=IHHIIBBH", 20 + len(body), 0x100, 0x605, 1, 0, family, 0, 0) + body)
        error = struct.unpack("=i", self.socket.recv(65536)[16:20])[0]
        assert not error, f"{source} {destination}: {os.strerror(-error)}"


def run(program, *words):
    r = subprocess.run([program, *words], capture_output=True, text=True, timeout=60, check=False)
    return r.returncode, r.stdout, r.stderr


def ours(*words):
    code, out, error = run(f"{COMPAT}/ovs-dpctl", *words)
    assert code == 0, f"{words}: {out}{error}"
    return sorted(out.splitlines())


def compare(*words):
    have = ours(*words)
    if PEER:
        blur = lambda lines: [re.sub(r"timeout=\d+", "timeout=N", line) for line in lines]
        theirs = sorted(run(PEER, *words)[1].splitlines())
        assert blur(have) == blur(theirs), "\n".join([str(words), *have, "Open vSwitch:", *theirs])
    return have


def connections():
    t = Tracker()
    for state in range(1, 10):
        t.add("10.0.0.1", f"10.0.1.{state}", ports(6, 1000 + state, 80), ports(6, 80, 1000 + state), be32(3, SEEN if state > 2 else CONFIRMED), tcp(state, state, (state, 0x23)))
    t.add("10.0.0.1", "10.0.2.1", ports(6, 1, 80), ports(6, 80, 1), tcp(3, 5, (0xff, 0xff)))
    t.add("fc00::1", "fc00::2", ports(6, 5, 6), ports(6, 6, 5), tcp(3))
    t.add("10.0.0.1", "10.0.0.2", ports(17, 53, 5353), ports(17, 5353, 53), be32(8, 0x1234))
    t.add("10.0.0.1", "10.0.0.3", ports(17, 1, 2), ports(17, 2, 1), be32(3, SEEN), attr(22, bytes(range(16))))
    t.add("10.0.0.1", "10.0.0.4", icmp(1, 77, 8), icmp(1, 77, 0))
    t.add("fc00::1", "fc00::2", icmp(58, 78, 128), icmp(58, 78, 129))
    t.add("10.0.0.1", "10.0.0.5", ports(132, 5, 6), ports(132, 6, 5))
    t.add("10.0.0.1", "10.0.0.7", ports(6, 21000, 21), ports(6, 21, 21000), nest(5, attr(1, b"ftp\0")), tcp(3))
    # One that a helper expected: it names the other.
    t.add("10.0.0.1", "10.0.0.7", ports(6, 21001, 5000), ports(6, 5000, 21001), nest(14, addresses(V4, "10.0.0.1", "10.0.0.7"), ports(6, 21000, 21)), tcp(3))


def shown():
    lines = compare("dump-conntrack")
    assert len(lines) == 18, lines
    assert "udp,orig=(src=10.0.0.1,dst=10.0.0.2,sport=53,dport=5353),reply=(src=10.0.0.2,dst=10.0.0.1,sport=5353,dport=53),mark=4660" in lines, lines
    assert any(x.startswith("tcp,orig=(src=10.0.0.1,dst=10.0.1.4,") and x.endswith(",protoinfo=(state=FIN_WAIT_1)") for x in lines), lines
    assert any(x.endswith("labels=0xf0e0d0c0b0a09080706050403020100") for x in lines), lines
    more = compare("-m", "dump-conntrack")
    assert any("status=SEEN_REPLY|ASSURED|CONFIRMED,protoinfo=(state_orig=CLOSE_WAIT,state_reply=CLOSE_WAIT,wscale_orig=7,wscale_reply=5,flags_orig=WINDOW_SCALE|CLOSE_INIT," in x
               for x in more), more
    compare("-s", "dump-conntrack")
    compare("ct-stats-show", "verbose")
    assert compare("dump-conntrack", "zone=5") == []
    print("ok: connections as Open vSwitch shows them")


def ended():
    def count():
        return len(ours("dump-conntrack"))
    ours("flush-conntrack", "ct_nw_src=10.0.0.1,ct_nw_dst=10.0.0.2,ct_nw_proto=17,ct_tp_src=53,ct_tp_dst=5353")
    assert count() == 17
    code, _, error = run(f"{COMPAT}/ovs-dpctl", "flush-conntrack", "ct_nw_src=10.0.0.1,ct_nw_dst=10.0.0.2,ct_nw_proto=17,ct_tp_src=53,ct_tp_dst=5353")
    assert code == 1 and "failed to flush conntrack (No such file or directory)" in error, error
    ours("flush-conntrack", "ct_nw_proto=6")
    assert count() == 4
    ours("flush-conntrack", "ct_ipv6_src=fc00::1,ct_ipv6_dst=fc00::2,ct_nw_proto=58,icmp_id=78,icmp_type=128,icmp_code=0")
    assert count() == 3
    ours("flush-conntrack", "zone=5")
    assert count() == 3
    ours("flush-conntrack")
    assert count() == 0
    print("ok: connections ended by tuple, protocol, zone, altogether")


def tunnels():
    def links():
        return set(os.listdir("/sys/class/net"))
    ours("add-if", "dp0", "v0,type=vxlan,remote_ip=192.0.2.1", "g0,type=gre,remote_ip=192.0.2.1", "n0,type=geneve,remote_ip=192.0.2.1")
    assert {"vxlan_sys_4789", "gre_sys", "genev_sys_6081"} <= links()
    assert any(x.endswith(": vxlan_sys_4789 (vxlan: packet_type=ptap)") for x in compare("show", "dp0"))
    # A port that can't be had leaves no device behind, and takes none away.
    code, _, _ = run(f"{COMPAT}/ovs-dpctl", "add-if", "dp0", "v1,type=vxlan,remote_ip=192.0.2.1,dst_port=8472,port_no=1")
    assert code == 1 and "vxlan_sys_8472" not in links(), links()
    code, _, _ = run(f"{COMPAT}/ovs-dpctl", "add-if", "dp0", "v2,type=vxlan,remote_ip=192.0.2.1")
    assert code == 1 and "vxlan_sys_4789" in links(), links()
    ours("del-if", "dp0", "vxlan_sys_4789", "gre_sys", "genev_sys_6081")
    assert not {"vxlan_sys_4789", "gre_sys", "genev_sys_6081"} & links()
    print("ok: tunnel ports")


if subprocess.run(["modprobe", "-aq", "nf_conntrack_netlink", "nf_conntrack_ftp"], check=False).returncode:
    skip("this kernel has no ctnetlink")
ours("add-dp", "dp0")
connections()
shown()
ended()
tunnels()
ours("del-dp", "dp0")
