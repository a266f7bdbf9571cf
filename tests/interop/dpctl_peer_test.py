#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`ovs-appctl dpctl/...` on the userspace datapath: the same words to Open vSwitch's switch daemon and to ours, and the same answers."""

import os
import subprocess
import sys
import tempfile

from dpctl_transcript import PEER_PATH, differences, have_peer, run
from harness import COMPAT, skip

if not have_peer("ovs-appctl"):
    skip("Open vSwitch is not installed")

FLOW = "in_port(1),eth(),eth_type(0x800),ipv4(dst=10.0.0.{})"
LINES = f"""add {FLOW.format(1)} 2
add {FLOW.format(2)} 2

# a comment
modify {FLOW.format(2)} drop
{FLOW.format(3)} 1,2
delete {FLOW.format(1)}
bogus
"""


def commands(file):
    d = lambda *words: ["ovs-appctl", "dpctl/" + words[0], *words[1:]]
    f = FLOW.format
    # Flows stay as they are put.
    yield ["ovs-appctl", "revalidator/pause"]
    for words in (["dump-dps"], ["show"], ["show", "-s"], ["show", "nosuch"], ["show", "dummy@nosuch"], ["show", "foo@bar"], ["dump-flows"], ["dump-flows", "-x"],
                  ["dump-flows", "type=ovs"], ["dump-flows", "type=foo"], ["dump-flows", "type=offloaded,ovs"], ["dump-flows", "pmd=x"], ["dump-flows", "pmd=1"],
                  ["dump-flows", "pmd=-1"], ["dump-flows", "filter=foo"], ["dump-flows", "foo"], ["dump-flows", "foo=bar"], ["dump-flows", "-mm"], ["show", "-ms"], ["dump-flows", "--read-only"],
                  ["dump-flows", "type="], ["dump-flows", "type=ovs", "filter=ip"], ["dump-flows", "filter=ip", "dummy@ovs-dummy"], ["cache-get-size"], ["cache-get-size", "no@such"],
                  ["cache-set-size", "dummy@ovs-dummy", "masks-cache", "0"], ["offload-stats-show"], ["list-commands"]):
        yield d(*words)
    # One flow.
    for words in (["add-flow", f(1), "2"], ["add-flow", f(1), "2"], ["add-flow", f(2), "foo"], ["add-flow", f(2), "drop,1"], ["add-flow", f(1)], ["add-flow"],
                  ["add-flow", "in_port(1),eth(", "2"], ["add-flow", "in_port(p9)", "2"], ["add-flow", "in_port(1)", "drop"], ["add-flow", "eth(),eth_type(0x0800),ipv4()", "3"],
                  ["add-flow", "ufid:1234,in_port(1)", "drop"], ["dump-flows"], ["dump-flows", "-m"], ["dump-flows", "--names"], ["dump-flows", "-m", "--no-names"],
                  ["mod-flow", f(1), "3"], ["mod-flow", "-s", f(1), "3"], ["mod-flow", "--statistics", "--clear", f(1), "3"], ["mod-flow", f(2), "3"],
                  ["mod-flow", "--may-create", f(2), "3"], ["dump-flows", "filter=in_port=p1"], ["dump-flows", "filter=ip,nw_dst=10.0.0.2"], ["dump-flows", "filter=tcp"],
                  ["get-flow", "ufid:1234"], ["get-flow", "foo"], ["get-flow", "ufid:12345678-1234-1234-1234-123456789abc"], ["del-flow", f(7)],
                  ["del-flow", "nosuch", f(2)], ["del-flow", "-s", f(2)], ["del-flow", f(1)], ["dump-flows"]):
        yield d(*words)
    # What a flow may ask for.
    for key in ("in_port(1),eth(),eth_type(0x8100),vlan(vid=5,pcp=0),encap(eth_type(0x800),ipv4(proto=17,frag=no),udp(src=5))",
                "in_port(1),eth(),eth_type(0x8847),mpls(label=100,tc=0,ttl=64,bos=1)", "in_port(1),eth(),eth_type(0x0806),arp(sip=1.2.3.4,tip=1.2.3.4,op=1)",
                "in_port(1),eth(src=00:11:22:33:44:55/ff:ff:00:00:00:00)", "in_port(1),eth(src=1)",
                "in_port(1),eth(),eth_type(0x800),ipv4(proto=6,frag=no),tcp(src=80),tcp_flags(+syn-ack)",
                "in_port(1),eth(),eth_type(0x86dd),ipv6(proto=58,frag=no),icmpv6(type=135,code=0),nd(target=::1,sll=00:00:00:00:00:01)"):
        yield from (d("add-flow", key, "drop"), d("dump-flows"), d("del-flows"))
    # Files of them.
    yield from (d("add-flows", file), d("dump-flows"), d("mod-flows", file), d("del-flows", file), d("dump-flows"), d("add-flows", file + "-none"), d("del-flows"))
    # Actions.
    for actions in ("", "drop", "drop,1", "1,2", "1 2", ",1", "p1", "set(eth(src=00:11:22:33:44:55))", "set(eth(src=00:11:22:33:44:55/ff:ff:ff:00:00:00))",
                    "set(ipv4(src=1.2.3.4,dst=1.2.3.4,tos=0,ttl=5))", "set(ipv4(ttl=5/0xff))", "set(tcp(src=80))", "push_vlan(vid=5,pcp=1)",
                    "push_vlan(tpid=0x88a8,vid=5,pcp=1,cfi=0)", "pop_vlan", "sample(sample=50.0%,actions(1))", "recirc(5)", "trunc(100)", "clone(push_vlan(vid=5,pcp=0),1)",
                    "meter(1)", "set(tunnel(tun_id=0x5,src=1.1.1.1,dst=2.2.2.2,ttl=64,flags(df|key)))", "set(skb_mark(5))", "set(skb_priority(5))",
                    "set(mpls(label=5,tc=0,ttl=64,bos=1))", "set(ipv6(hlimit=5))", "foo(1)"):
        yield d("parse-actions", actions)
    yield d("parse-actions", "1", "x", "2")
    for tunnel in ("vxlan(gbp(id=10,flags=0x5))", "erspan(ver=1,idx=0x7)", "erspan(ver=2,dir=1,hwid=0x3)", "gtpu(flags=0x30,msgtype=255)", "geneve({class=0x1,type=0x2,len=4,0})"):
        yield d("parse-actions", f"set(tunnel(tun_id=0x5,src=1.1.1.1,dst=2.2.2.2,ttl=64,{tunnel},flags(df|csum|key)))")
    yield d("parse-actions", "set(tunnel(tun_id=0x5,dst=2.2.2.2,ttl=64))", "set(mpls(label=5))", "set(mpls(label=5/0xff,tc=1/1))", "set(mpls(label=5,tc=0,ttl=64,bos=1))")
    yield from (d("normalize-actions", "in_port(1)", "1"), d("normalize-actions", "in_port(", "1"))
    # Datapaths and their ports.
    for words in (["add-dp"], ["add-dp", "dummy@foo"], ["add-dp", "dummy@foo"], ["dump-dps"], ["show"], ["dump-flows"], ["add-if", "dummy@foo"],
                  ["add-if", "dummy@foo", "v1.0,type=dummy", "v3,type=dummy,port_no=5", "v4,type=dummy,x=y", "v5,type=bogus", "v6,type=dummy,port_no=5"],
                  ["set-if", "dummy@foo", "v1.0,type=dummy"], ["set-if", "dummy@foo", "v1.0,type=system"], ["set-if", "dummy@foo", "v3,port_no=6"],
                  ["set-if", "dummy@foo", "nosuch"], ["del-if", "dummy@foo", "v1.0", "nosuch", "5"], ["del-if", "dummy@foo", "99"], ["show", "dummy@foo"],
                  ["del-dp", "dummy@foo"], ["del-dp", "dummy@foo"], ["dump-dps"]):
        yield d(*words)
    # Features that are lowered, and had again.
    yield ["ovs-appctl", "revalidator/resume"]
    for words in (["trunc", "false"], ["trunc"], ["trunc", "true"], ["trunc"], ["ct_zone", "x"], ["nosuch", "true"], ["max_mpls_depth", "2"], ["max_mpls_depth"], ["max_mpls_depth", "99"],
                  ["max_mpls_depth", "x"], ["max_mpls_depth", "3"]):
        yield ["ovs-appctl", "dpif/set-dp-features", "br0", *words]
    # What a connection tracker is asked that has less.
    for feature in ("ct_zone", "ct_mark", "ct_label", "ct_state_nat", "ct_state"):
        yield ["ovs-appctl", "dpif/set-dp-features", "br0", feature, "false"]
        for flow in ("ip,actions=ct(zone=5)", "ip,actions=ct(zone=NXM_NX_REG0[0..15])", "ip,actions=ct(commit)", "ip,actions=ct(commit,exec(set_field:1->ct_mark))",
                     "ip,actions=ct(commit,exec(set_field:1->ct_label))", "ip,actions=ct(commit,nat)", "ip,actions=ct(table=1)", "ip,ct_state=+trk,actions=1",
                     "ip,ct_state=+trk+snat,actions=1", "ct_zone=5,actions=1", "ct_mark=1,actions=1", "ct_label=1,actions=1"):
            yield ["sh", "-c", f"ovs-ofctl add-flow br0 '{flow}' 2>&1 | head -1 | sed 's,xid=[^)]*,xid=,'"]
        yield ["ovs-appctl", "dpif/set-dp-features", "br0", feature, "true"]
    # Connections.
    yield ["ovs-appctl", "time/stop"]
    yield ["ovs-ofctl", "del-flows", "br0"]
    for flow in ("in_port=1,ip,actions=ct(commit,zone=5,exec(set_field:7->ct_mark,set_field:0x1234->ct_label)),2", "in_port=2,ip,actions=ct(commit),1",
                 "in_port=1,ipv6,actions=ct(commit),2"):
        yield ["ovs-ofctl", "add-flow", "br0", flow]
    ether, ip = "eth(src=50:54:00:00:00:09,dst=50:54:00:00:00:0a)", "eth_type(0x0800),ipv4(src=10.0.0.2,dst=10.0.0.1,proto={},tos=0,ttl=64,frag=no)"
    for port, rest in ((1, ip.format(1) + ",icmp(type=8,code=0)"), (2, ip.format(1) + ",icmp(type=8,code=0)"), (1, ip.format(17) + ",udp(src=1,dst=2)"),
                       (1, ip.format(6) + ",tcp(src=1,dst=2),tcp_flags(syn)"),
                       (1, "eth_type(0x86dd),ipv6(src=fd00::1,dst=fd00::2,label=0,proto=17,tclass=0,hlimit=64,frag=no),udp(src=5,dst=6)")):
        yield ["ovs-appctl", "netdev-dummy/receive", f"p{port}", f"in_port({port}),{ether},{rest}"]
    yield ["ovs-appctl", "time/warp", "1000"]
    udp = "ct_nw_src=10.0.0.2,ct_nw_dst=10.0.0.1,ct_nw_proto=17,ct_tp_src=1,ct_tp_dst=2"
    for words in (["dump-conntrack"], ["dump-conntrack", "-m"], ["dump-conntrack", "-s"], ["dump-conntrack", "-m", "-s", "zone=5"], ["dump-conntrack", "zone=5"],
                  ["ct-stats-show"], ["ct-stats-show", "zone=5"], ["ct-stats-show", "verbose"], ["ct-get-nconns"], ["ct-get-maxconns"], ["ct-set-maxconns", "10"],
                  ["ct-get-maxconns"], ["ct-get-tcp-seq-chk"], ["ct-disable-tcp-seq-chk"], ["ct-get-tcp-seq-chk"], ["ct-enable-tcp-seq-chk"], ["ct-get-limits"],
                  ["ct-set-limits", "default=10", "zone=1,limit=3"], ["ct-get-limits"], ["ct-get-limits", "zone=1,6"], ["ct-del-limits", "zone=1"], ["ct-get-limits"],
                  ["flush-conntrack", "zone=5", udp], ["dump-conntrack"], ["flush-conntrack", udp], ["flush-conntrack", "zone=5", "ct_nw_proto=6"], ["dump-conntrack"],
                  ["flush-conntrack", "zone=5"], ["dump-conntrack"], ["flush-conntrack"], ["dump-conntrack"]):
        yield d(*words)
    # A whole tuple names its connection by either end.
    yield ["ovs-appctl", "netdev-dummy/receive", "p1", f"in_port(1),{ether},{ip.format(17)},udp(src=1,dst=2)"]
    back = "ct_nw_src=10.0.0.1,ct_nw_dst=10.0.0.2,ct_nw_proto=17,ct_tp_src=2,ct_tp_dst=1"
    yield from (d("flush-conntrack", "zone=5", back.replace("src=2", "src=3")), d("flush-conntrack", "zone=5", back), d("dump-conntrack"))
    yield ["ovs-appctl", "netdev-dummy/receive", "p1", f"in_port(1),{ether},{ip.format(17)},udp(src=1,dst=2)"]
    yield from (d("flush-conntrack", "", "ct_nw_src=10.0.0.7"), d("dump-conntrack"), d("flush-conntrack", "", "ct_nw_src=10.0.0.1"), d("dump-conntrack"), d("flush-conntrack", ""))
    # Wrong words of the connection tracker's.
    for words in (["dump-conntrack", "zone=x"], ["dump-conntrack", "nosuch"], ["flush-conntrack", "foo"], ["flush-conntrack", "ct_nw_src=x"], ["ct-bkts", "gt=x"],
                  ["ct-set-maxconns", "x"], ["ct-get-nconns", "nosuch"], ["ct-get-limits", "zone=x"], ["ct-set-limits", "zone=x,limit=3"], ["ct-set-limits", "zone=1"],
                  ["ct-set-limits", "default=x"], ["ct-set-limits", "foo"], ["ct-del-limits", "foo"], ["ipf-set-enabled", "v5"], ["ipf-set-min-frag", "v4", "x"],
                  ["ipf-set-max-nfrags", "x"]):
        yield d(*words)


def transcript(path, schema):
    with tempfile.TemporaryDirectory(prefix="sluice-test-") as directory:
        dirs = {name: directory for name in ("OVS_RUNDIR", "OVS_LOGDIR", "OVS_DBDIR", "OVS_SYSCONFDIR")}
        env = dict(os.environ, PATH=path, **dirs)
        sh = lambda *argv: subprocess.run(argv, env=env, check=True, timeout=60)
        sh("ovsdb-tool", "create", f"{directory}/conf.db", schema)
        try:
            sh("ovsdb-server", f"{directory}/conf.db", f"--remote=punix:{directory}/db.sock", "--detach", "--pidfile", "--no-chdir", "-vconsole:off")
            sh("ovs-vswitchd", "--enable-dummy", "--disable-system", f"unix:{directory}/db.sock", "--detach", "--pidfile", "--no-chdir", "-vconsole:off")
            sh("ovs-vsctl", "add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=dummy", "--", "add-port", "br0", "p1", "--", "set", "interface", "p1", "type=dummy",
               "--", "add-port", "br0", "p2", "--", "set", "interface", "p2", "type=dummy", "ofport_request=2")
            file = f"{directory}/flows"
            with open(file, "w") as out:
                out.write(LINES)
            return [(words.replace(directory, "DIR"), status, text.replace(directory, "DIR")) for words, status, text in run(commands(file), path, **dirs)]
        finally:
            for daemon in ("ovs-vswitchd", "ovsdb-server"):
                if os.path.exists(f"{directory}/{daemon}.pid"):
                    os.kill(int(open(f"{directory}/{daemon}.pid").read()), 15)


ours = transcript(COMPAT + ":" + PEER_PATH, os.path.join(COMPAT, "vswitch.ovsschema"))
theirs = transcript(PEER_PATH, "/usr/share/openvswitch/vswitch.ovsschema")
different = differences(ours, theirs)
print("\n".join(different))
print(f"{len(ours)} commands, {len(different)} different")
sys.exit(1 if different else 0)
