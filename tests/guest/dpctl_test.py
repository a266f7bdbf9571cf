#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`ovs-dpctl` on the real openvswitch.ko, without a daemon: Open vSwitch's and ours, the same words and the same answers."""

import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "interop"))
from dpctl_transcript import PEER_PATH, differences, have_peer, run  # noqa: E402
from harness import COMPAT, skip  # noqa: E402

if not have_peer("ovs-dpctl"):
    skip("Open vSwitch is not installed")

FLOW = "in_port(1),eth(),eth_type(0x800),ipv4(dst=10.0.0.{})"
FILE = "/tmp/flows"


def commands():
    f = FLOW.format
    for words in ("dump-dps", "show", "dump-flows", "add-dp dp0", "add-dp dp0", "add-dp system@dp1 v0", "dump-dps", "show", "dump-flows", "del-dp dp1", "dump-flows",
                  "add-if dp0 v0 nosuch int0,type=internal v0", "show", "-s show system@dp0", "show dp0 nosuch", "set-if dp0 v0,type=internal", "set-if dp0 v0,port_no=4",
                  "set-if dp0 int0,type=internal", "set-if dp0 foo", "show netdev@x", "show foo@x",
                  f"add-flow {f(1)} 2", f"add-flow {f(1)} 2", "dump-flows", "-m dump-flows", "--names dump-flows", "-m --no-names dump-flows", f"mod-flow {f(1)} 2,3",
                  f"-s mod-flow {f(1)} 2,3", f"--statistics --clear mod-flow {f(1)} 3", f"mod-flow {f(2)} 3", f"--may-create mod-flow {f(2)} 3", "add-flow in_port(1),eth( 2",
                  f"add-flow {f(1)} foo", f"add-flow {f(1)}", "get-flow ufid:1234", "get-flow ufid:12345678-1234-1234-1234-123456789abc", "get-flow foo", f"del-flow {f(9)}",
                  f"-s del-flow {f(2)}", f"del-flow nosuch {f(2)}", f"add-flows {FILE}", "dump-flows", "dump-flows type=all", "dump-flows filter=ip,nw_dst=10.0.0.4",
                  "dump-flows filter=foo", "dump-flows pmd=1", f"del-flows {FILE}", "del-flows nosuch", "--read-only del-flows", "del-flows", "dump-flows",
                  # What the kernel refuses, and what it takes.
                  "add-flow in_port(1),eth(),eth_type(0x800),ipv4(),tcp(dst=80) 2",
                  "add-flow recirc_id(0),in_port(1),eth(),eth_type(0x800),ipv4(proto=6,frag=no),tcp(dst=80),tcp_flags(+syn-ack) "
                  "set(eth(src=00:11:22:33:44:55)),set(ipv4(ttl=5/0xff)),push_vlan(vid=5,pcp=0),sample(sample=50.0%,actions(2)),trunc(100),2",
                  "add-flow ufid:12345678-1234-1234-1234-123456789abc,in_port(1),eth(),eth_type(0x86dd),ipv6(dst=2001:db8::/ffff:ffff::,frag=no) pop_vlan",
                  "add-flow in_port(1),eth(src=02:00:00:00:00:01,dst=02:00:00:00:00:00/fe:00:00:00:00:00),eth_type(0x0806),arp(sip=10.0.0.1) 2",
                  "add-flow in_port(1),eth(),eth_type(0x8100),vlan(vid=5,pcp=0),encap(eth_type(0x800),ipv4(proto=17,frag=no),udp(dst=53)) pop_vlan,2",
                  "add-flow in_port(1),eth(),eth_type(0x8847),mpls(label=100,tc=0,ttl=64,bos=1) 2",
                  "add-flow in_port(1),eth(),eth_type(0x8847),mpls(label=5,tc=0,ttl=64,bos=0,label=6,tc=0,ttl=3,bos=1) 2",
                  "add-flow tunnel(tun_id=0x5,src=1.1.1.1,dst=2.2.2.2,ttl=64,geneve({class=0x1,type=0x2,len=4,0xa}),flags(df|key)),in_port(1),eth(),eth_type(0x800),ipv4(frag=no) 2",
                  "add-flow tunnel(tun_id=0x5,src=1.1.1.1,dst=2.2.2.3,ttl=64,vxlan(gbp(id=10,flags=0x8)),flags(df|key)),in_port(1),eth(),eth_type(0x800),ipv4(frag=no) 2",
                  "add-flow tunnel(tun_id=0x5,src=1.1.1.1,dst=2.2.2.4,ttl=64,erspan(ver=1,idx=0x7),flags(df|key)),in_port(1),eth(),eth_type(0x800),ipv4(frag=no) 2",
                  "add-flow tunnel(tun_id=0x5,ipv6_src=fe80::1,ipv6_dst=fe80::2,ttl=64,flags(key)),in_port(1),eth(),eth_type(0x800),ipv4(frag=no) 2",
                  "add-flow in_port(2),eth(),eth_type(0x88cc) userspace(pid=5,userdata(0102030405060708))",
                  "add-flow in_port(2),eth(),eth_type(0x88cd) check_pkt_len(size=200,gt(1),le(2))",
                  "add-flow in_port(2),eth(),eth_type(0x0800),ipv4(frag=no) ct(commit,mark=0x5/0xff,label=0x5,nat(src=10.0.0.1-10.0.0.9:80-90,random)),1",
                  "add-flow in_port(2),eth(),eth_type(0x88ce) set(tunnel(tun_id=0x1,dst=2.2.2.2,ttl=64,vxlan(gbp(id=10,flags=0x8)),flags(df|key))),2",
                  "add-flow in_port(2),eth(),eth_type(0x88cf) set(tunnel(tun_id=0x1,dst=2.2.2.2,ttl=64,erspan(ver=2,dir=1,hwid=0x3),flags(df|key))),2", "add-flow in_port(2),eth(),eth_type(0x88d0) meter(9)",
                  "get-flow ufid:12345678-1234-1234-1234-123456789abc", "-m get-flow ufid:12345678-1234-1234-1234-123456789abc",
                  "del-flow ufid:12345678-1234-1234-1234-123456789abc", "dump-flows", "-m dump-flows", "del-flows",
                  "ct-bkts", "ct-set-maxconns 10", "ct-get-maxconns", "ct-get-nconns", "ct-get-tcp-seq-chk", "ct-disable-tcp-seq-chk",
                  "ct-set-limits default=10 zone=1,limit=3 zone=2,limit=3", "ct-get-limits", "ct-get-limits zone=1,2,5", "ct-del-limits zone=1", "ct-get-limits",
                  "ct-set-limits default=0", "ct-del-limits zone=2",
                  "ipf-get-status", "ipf-set-enabled v4", "ipf-set-min-frag v4 1000", "ipf-set-max-nfrags 10", "cache-get-size", "cache-get-size dp0",
                  "cache-set-size dp0 masks-cache 500", "cache-set-size dp0 masks-cache 0", "cache-set-size dp0 foo 0", "cache-get-size", "cache-set-size dp0 masks-cache 256", "offload-stats-show",
                  "parse-actions 1,2", "normalize-actions in_port(1) 1", "foo", "", "add-dp", "dump-dps x",
                  "del-if dp0 int0 nosuch 1", "del-if dp0 99", "show", "del-dp dp0", "del-dp dp0", "dump-dps", "list-commands"):
        yield ["ovs-dpctl", *words.split()]


with open(FILE, "w") as out:
    out.write(f"add {FLOW.format(4)} 2\nmodify {FLOW.format(4)} 1,2\ndelete {FLOW.format(5)}\nbogus\n")
for i, argv in enumerate(["ip link add v0 type veth peer name v1", "ip link set v0 up", "ip link set v1 up", "sysctl -qw net.ipv6.conf.all.disable_ipv6=1"]):
    subprocess.run(argv.split(), check=True)
ours = run(commands(), COMPAT + ":" + PEER_PATH)
theirs = run(commands(), PEER_PATH)
different = differences(ours, theirs)
print("\n".join(different))
print(f"{len(ours)} commands, {len(different)} different")
sys.exit(1 if different else 0)
