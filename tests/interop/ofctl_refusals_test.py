#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Nothing is silently changed: an argument of ofctl that is out of range, misspelt or not for the version ends with a status that is not 0 and a text that
names it; what is accepted reads back equal from our switch."""

import re
import sys

from harness import Sluice

# (command, what the error names); the version, where it matters, is the command's own -O.
REFUSED = [
    ("-O OpenFlow16 show br0", "OpenFlow16"), ("-O OpenFlow10,foo show br0", "foo"), ("-F foo dump-flows br0", "foo"), ("-P foo monitor br0", "foo"), ("-t x show br0", "x"),
    ("-t -1 show br0", "-1"), ("--color=foo show br0", "foo"), ("--sort=foo dump-flows br0", "foo"), ("--rsort=foo dump-flows br0", "foo"), ("--compat=foo show br0", "foo"),
    ("--syslog-method=foo show br0", "foo"), ("-vfoo:bar:baz show br0", "foo"), ("--nosuch show br0", "nosuch"), ("nosuch br0", "nosuch"), ("show nosuch", "nosuch"),
    ("-O OpenFlow14 mod-table br0 x evict", "x"), ("-O OpenFlow14 mod-table br0 256 evict", "256"), ("-O OpenFlow14 mod-table br0 0 evictt", "evictt"),
    ("-O OpenFlow14 mod-table br0 0 vacancy:20", "acancy up"), ("-O OpenFlow14 mod-table br0 0 vacancy:20,101", "101"), ("-O OpenFlow14 mod-table br0 0 vacancy:x,80", "x"),
    ("-O OpenFlow14 mod-table br0 0 vacancy:80,20", "range"), ("-O OpenFlow10 mod-table br0 0 evict", "evict"), ("-O OpenFlow13 mod-table br0 0 drop", "drop"),
    ("-O OpenFlow12 mod-table br0 0 name:x", "name:x"), ("mod-port br0 nosuch up", "nosuch"), ("mod-port br0 70000 up", "70000"), ("mod-port br0 LOCAL upp", "upp"), ("set-frags br0 foo", "foo"),
    ("queue-stats br0 nosuch", "nosuch"), ("queue-stats br0 LOCAL x", "x"), ("queue-get-config br0 nosuch", "nosuch"), ("dump-ports br0 nosuch", "nosuch"), ("dump-ports-desc br0 nosuch", "nosuch"),
    ("-O OpenFlow13 dump-groups br0 x", "x"), ("-O OpenFlow13 dump-groups br0 4294967296", "4294967296"), ("-O OpenFlow13 del-groups br0 group_id=x", "x"),
    ("-O OpenFlow13 add-group br0 group_id=1,type=foo", "foo"), ("-O OpenFlow13 insert-buckets br0 group_id=1,command_bucket_id=last,bucket=output:1", "OpenFlow 1.5"),
    ("-O OpenFlow14 --bundle insert-buckets br0 group_id=1,command_bucket_id=last,bucket=output:1", "OpenFlow 1.5"), ("-O OpenFlow13 add-meter br0 meter=x,kbps,band=type=drop,rate=1", "x"),
    ("-O OpenFlow13 add-meter br0 meter=1,kbps,band=type=drop,rate=4294967296", "4294967296"), ("-O OpenFlow12 add-meter br0 meter=1,kbps,band=type=drop,rate=1", "OpenFlow13"),
    ("-O OpenFlow13 del-meters br0 meter=x", "x"), ("-O OpenFlow13 meter-stats br0 meter=x", "x"), ("dump-flows br0 table=256", "256"), ("dump-flows br0 out_port=nosuch", "nosuch"),
    ("dump-flows br0 cookie=x/-1", "x"), ("dump-flows br0 cookie=0xffffffffffffffff", "0xffffffffffffffff"), ("del-flows br0 cookie=0xffffffffffffffff", "0xffffffffffffffff"),
    ("add-flow br0 cookie=0xffffffffffffffff,actions=drop", "0xffffffffffffffff"), ("del-flows br0 out_group=x", "x"), ("add-flow br0 table=256,actions=drop", "256"), ("add-flow br0 priority=65536,actions=drop", "65536"),
    ("-O OpenFlow10 add-flow br0 importance=1,actions=drop", "OpenFlow14"), ("-O OpenFlow11 add-flow br0 reg0=1,actions=drop", "NXM"), ("-O OpenFlow10 -F OpenFlow10 add-flow br0 reg0=1,actions=drop", "NXM"),
    ("-O OpenFlow10 add-flow br0 no_packet_counts,actions=drop", "OpenFlow13"), ("add-flow br0 check_overlapp,actions=drop", "check_overlapp"), ("add-tlv-map br0 {class=0x10000,type=0,len=4}->tun_metadata0", "0x10000"),
    ("add-tlv-map br0 {class=1,type=256,len=4}->tun_metadata0", "256"), ("add-tlv-map br0 {class=1,type=0,len=4}->tun_metadata64", "BAD_FIELD_IDX"), ("add-tlv-map br0 {class=1,type=0,len=5}->tun_metadata0", "LEN"),
    ("ct-flush-zone br0 65536", "65536"), ("ct-flush br0 zone=65536", "zone"), ("ct-flush br0 ct_nw_proto=256", "ct_nw_proto"), ("ct-flush br0 ct_nw_src=1.1.1.1 ct_ipv6_src=fe80::1", "fe80::1"), ("ping br0 65536", "65527"), ("ping br0 x", "65527"), ("benchmark br0 x 1", "65527"),
    ("packet-out br0 in_port=70000,packet=00,actions=drop", "70000"), ("packet-out br0 in_port=LOCAL,packet=0g,actions=drop", "packet"), ("ofp-print 00 x", "x"), ("encode-hello x", "x"), ("print-error foo", "foo"),
    ("monitor br0 65536", "65536"), ("monitor br0 x", "x"), ("monitor br0 watch:foo", "foo"), ("monitor br0 watch:tp_dst=80", "tp_dst"),
    ("add-flow br0 udp,tcp_src=80,actions=drop", "tcp_src"),
    ("add-flow br0 icmp,tp_src=300,actions=drop", "300"), ("add-flow br0 actions=controller(pause=1)", "pause"), ("add-flow br0 ip,actions=ct(table=1,table=2)", "table"),
    ("-O OpenFlow13 mod-flows br0 cookie=5,actions=drop", "OpenFlow11"), ("-O OpenFlow13 add-group br0 group_id=1,type=select,bucket=weight:1,weight:2,output:1", "weight"),
    ("-O OpenFlow13 add-meter br0 meter=1,kbps,band=type=drop,rate=1,rate=2", "rate"), ("add-flow br0 actions=group:4294967041", "4294967041"),
    ("add-flow br0 reg0=1,reg0=2,actions=drop", "reg0=2"), ("add-flow br0 tcp,udp,actions=drop", "udp"), ("add-flow br0 in_port=1,in_port=2,actions=drop", "in_port=2"),
    ("add-flow br0 nw_src=10.0.0.0/8,ip,nw_src=11.0.0.0/8,actions=drop", "nw_src=11.0.0.0/8"), ("dump-flows br0 dl_vlan=1,dl_vlan=2", "dl_vlan=2"),
    ("add-flow br0 tun_metadata0=1,tun_metadata0=1,actions=drop", "tun_metadata0"), ("add-flow br0 table=1,table=2,actions=drop", "table"), ("add-flow br0 priority=1,priority=2,actions=drop", "priority"),
    ("add-flow br0 table=254,actions=drop", "OFPBRC_EPERM"), ("-O OpenFlow15 --bundle add-flow br0 table=254,actions=drop", "OFPBRC_EPERM"), ("-O OpenFlow14 mod-table br0 254 evict", "OFPTMFC_EPERM"),
    ("-O OpenFlow14 mod-flows br0 importance=1,actions=drop", "importance"), ("del-flows br0 cookie=5", "cookie=5/-1"), ("del-flows br0 reg0=1,actions=drop", "actions"),
    ("-O OpenFlow13 add-meter br0 meter=1,kbps,band=type=drop,rate=1,prec_level=1", "prec_level"), ("compose-packet ip,nw_src=1.0.0.0/8", "nw_src"),
    ("-O OpenFlow13 packet-out br0 in_port=LOCAL,packet=505400000007505400000005080045,actions=meter:1", "OpenFlow15"), ("dump-group-stats br0 2", "2"),
]
# (what is set, how it is asked for, what the answer must have)
READS_BACK = [
    ("-O OpenFlow14 mod-table br0 3 evict", "-O OpenFlow14 dump-table-desc br0", r"table 3:\n +eviction=on"),
    ("-O OpenFlow14 mod-table br0 3 noevict", "-O OpenFlow14 dump-table-desc br0", r"table 3:\n +eviction=off"),
    ("-O OpenFlow14 mod-table br0 3 vacancy:20,80", "-O OpenFlow14 dump-table-desc br0", r"table 3:\n.*\n +vacancy=on vacancy_down=20% vacancy_up=80% vacancy=100%"),
    ("-O OpenFlow13 mod-table br0 3 name:x", "-O OpenFlow13 dump-table-features br0", r'table 3 \("x"\)'),
    ("add-tlv-map br0 {class=0xffff,type=255,len=124}->tun_metadata63", "dump-tlv-map br0", r"0xffff\s+0xff\s+124\s+tun_metadata63"),
    ("-O OpenFlow11 mod-table br0 2 drop", "-O OpenFlow11 dump-tables br0", r"config=drop"),
    ("set-frags br0 drop", "get-frags br0", r"drop"), ("set-frags br0 nx-match", "get-frags br0", r"nx-match"), ("set-frags br0 normal", "get-frags br0", r"normal"),
    ("-O OpenFlow13 add-meter br0 meter=4,pktps,burst,stats,band=type=drop,rate=5,burst_size=6", "-O OpenFlow13 dump-meters br0", r"meter=4 pktps burst stats bands=\ntype=drop rate=5 burst_size=6"),
    ("-O OpenFlow13 add-group br0 group_id=4,type=select,bucket=weight:65535,output:1,bucket=weight:0,output:2", "-O OpenFlow13 dump-groups br0",
     r"group_id=4,type=select,bucket=weight:65535,actions=output:1,bucket=weight:0,actions=output:2"),
    ("-O OpenFlow15 add-group br0 group_id=5,type=select,selection_method=hash,selection_method_param=7,fields(ip_dst=255.0.0.0),bucket=bucket_id=9,output:1", "-O OpenFlow15 dump-groups br0",
     r"group_id=5,type=select,selection_method=hash,selection_method_param=7,fields=ip_dst=255.0.0.0,bucket=bucket_id:9,actions=output:1"),
    ("-O OpenFlow14 --bundle add-flow br0 table=7,cookie=0xfffffffffffffffe,priority=0,importance=65535,idle_timeout=65535,hard_timeout=65535,send_flow_rem,no_packet_counts,no_byte_counts,actions=drop",
     "-O OpenFlow14 dump-flows br0 table=7", r"cookie=0xfffffffffffffffe,.*table=7, .*idle_timeout=65535, hard_timeout=65535, send_flow_rem no_packet_counts no_byte_counts importance=65535, priority=0 actions=drop"),
]


def main():
    bad = 0
    with Sluice() as s:
        s.vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev", "fail_mode=secure", "protocols=" + ",".join(f"OpenFlow1{v}" for v in range(6)))
        for command, names in REFUSED:
            r = s.run(["ovs-ofctl", *command.split()], check=False)
            if r.returncode == 0 or names not in r.stderr + r.stdout:
                bad += 1
                print("not refused by name:", command, r.returncode, repr(r.stdout[:300]), repr(r.stderr[:300]))
        for command, ask, answer in READS_BACK:
            s.ofctl(*command.split())
            text = s.ofctl(*ask.split())
            if not re.search(answer, text):
                bad += 1
                print("does not read back:", command, repr(text[-1500:]))
    print(len(REFUSED), "refusals,", len(READS_BACK), "settings,", bad, "wrong")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
