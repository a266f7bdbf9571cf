# SPDX-License-Identifier: Apache-2.0
"""Messages that os-ken makes: a flow with each of its match fields, one with each of its actions and instructions, and each of its requests.
All are generators of (name, message), not yet serialized."""

import inspect
import struct

import os_ken.ofproto.ofproto_v1_0_parser as parser10
import os_ken.ofproto.ofproto_v1_2_parser as parser12
import os_ken.ofproto.ofproto_v1_3_parser as parser13
import os_ken.ofproto.ofproto_v1_4_parser as parser14
import os_ken.ofproto.ofproto_v1_5_parser as parser15
from os_ken.ofproto import nicira_ext, nx_match, ofproto_common, ofproto_protocol
from os_ken.ofproto.ofproto_parser import MsgBase

class Datapath:
    def __init__(self, version):
        desc = ofproto_protocol.ProtocolDesc(version)
        self.ofproto, self.ofproto_parser = desc.ofproto, desc.ofproto_parser

    def set_xid(self, msg):
        msg.set_xid(5)


VALUES = {  # what a field may be, where not any number will do, and what it asks for
    "in_port": 1, "in_phy_port": (1, dict(in_port=1)), "vlan_vid": 0x1005, "vlan_pcp": (3, dict(vlan_vid=0x1005)),
    "ip_dscp": (5, dict(eth_type=0x800)), "ip_ecn": (1, dict(eth_type=0x800)), "ip_proto": (17, dict(eth_type=0x86DD)),
    "mpls_label": (100, dict(eth_type=0x8847)), "mpls_tc": (3, dict(eth_type=0x8847)), "mpls_bos": (1, dict(eth_type=0x8847)),
    "pbb_isid": (77, dict(eth_type=0x88E7)), "pbb_uca": (1, dict(eth_type=0x88E7)), "ipv6_exthdr": (0x101, dict(eth_type=0x86DD)),
    "ipv6_flabel": (0x12345, dict(eth_type=0x86DD)), "tcp_flags": (0x12, dict(eth_type=0x800, ip_proto=6)), "arp_op": (2, dict(eth_type=0x806)),
    "packet_type": 0x10800, "actset_output": 3, "eth_type": 0x1234, "tunnel_id": 0x123456789,
    "eth_src": "02:00:00:00:00:01", "eth_dst": ("02:00:00:00:00:00", "ff:00:00:00:00:00"),
    "arp_spa": ("1.2.3.4", dict(eth_type=0x806)), "arp_tpa": ("1.2.3.4", dict(eth_type=0x806)),
    "arp_sha": ("02:00:00:00:00:01", dict(eth_type=0x806)), "arp_tha": ("02:00:00:00:00:01", dict(eth_type=0x806)),
    "ipv4_src": (("10.0.0.0", "255.0.0.0"), dict(eth_type=0x800)), "ipv4_dst": ("1.2.3.4", dict(eth_type=0x800)),
    "ipv6_src": ("fe80::1", dict(eth_type=0x86DD)), "ipv6_dst": (("fe80::", "ffff::"), dict(eth_type=0x86DD)),
    "ipv6_nd_target": ("fe80::1", dict(eth_type=0x86DD, ip_proto=58, icmpv6_type=135)),
    "ipv6_nd_sll": ("02:00:00:00:00:01", dict(eth_type=0x86DD, ip_proto=58, icmpv6_type=135)),
    "ipv6_nd_tll": ("02:00:00:00:00:01", dict(eth_type=0x86DD, ip_proto=58, icmpv6_type=136)),
    "icmpv4_type": (8, dict(eth_type=0x800, ip_proto=1)), "icmpv4_code": (1, dict(eth_type=0x800, ip_proto=1)),
    "icmpv6_type": (128, dict(eth_type=0x86DD, ip_proto=58)), "icmpv6_code": (1, dict(eth_type=0x86DD, ip_proto=58)),
    "tun_ipv4_src": "1.2.3.4", "tunnel_id_nxm": 5, "tun_ipv4_dst": "1.2.3.4", "metadata": (5, 0xFF),
    "tun_ipv6_src": "fe80::1", "tun_ipv6_dst": "fe80::1",
    "in_port_nxm": 1, "eth_dst_nxm": "02:00:00:00:00:01", "eth_src_nxm": "02:00:00:00:00:01", "eth_type_nxm": 0x1234, "vlan_tci": 0x1005,
    "nw_tos": (0x20, dict(eth_type_nxm=0x800)), "ip_proto_nxm": (6, dict(eth_type_nxm=0x800)),
    "ipv4_src_nxm": ("1.2.3.4", dict(eth_type_nxm=0x800)), "ipv4_dst_nxm": ("1.2.3.4", dict(eth_type_nxm=0x800)),
    "tcp_src_nxm": (5, dict(eth_type_nxm=0x800, ip_proto_nxm=6)), "tcp_dst_nxm": (5, dict(eth_type_nxm=0x800, ip_proto_nxm=6)),
    "udp_src_nxm": (5, dict(eth_type_nxm=0x800, ip_proto_nxm=17)), "udp_dst_nxm": (5, dict(eth_type_nxm=0x800, ip_proto_nxm=17)),
    "icmpv4_type_nxm": (8, dict(eth_type_nxm=0x800, ip_proto_nxm=1)), "icmpv4_code_nxm": (1, dict(eth_type_nxm=0x800, ip_proto_nxm=1)),
    "arp_op_nxm": (1, dict(eth_type_nxm=0x806)), "arp_spa_nxm": ("1.2.3.4", dict(eth_type_nxm=0x806)), "arp_tpa_nxm": ("1.2.3.4", dict(eth_type_nxm=0x806)),
    "arp_sha_nxm": ("02:00:00:00:00:01", dict(eth_type_nxm=0x806)), "arp_tha_nxm": ("02:00:00:00:00:01", dict(eth_type_nxm=0x806)),
    "ipv6_src_nxm": ("fe80::1", dict(eth_type_nxm=0x86DD)), "ipv6_dst_nxm": ("fe80::1", dict(eth_type_nxm=0x86DD)),
    "icmpv6_type_nxm": (135, dict(eth_type_nxm=0x86DD, ip_proto_nxm=58)), "icmpv6_code_nxm": (0, dict(eth_type_nxm=0x86DD, ip_proto_nxm=58)),
    "nd_target": ("fe80::1", dict(eth_type_nxm=0x86DD, ip_proto_nxm=58, icmpv6_type_nxm=135)),
    "nd_sll": ("02:00:00:00:00:01", dict(eth_type_nxm=0x86DD, ip_proto_nxm=58, icmpv6_type_nxm=135)),
    "nd_tll": ("02:00:00:00:00:01", dict(eth_type_nxm=0x86DD, ip_proto_nxm=58, icmpv6_type_nxm=136)),
    "nw_ecn": (1, dict(eth_type_nxm=0x800)), "nw_ttl": (9, dict(eth_type_nxm=0x800)), "ip_frag": (1, dict(eth_type_nxm=0x800)),
    "ipv6_label": (5, dict(eth_type_nxm=0x86DD)), "mpls_label_nxm": (5, dict(eth_type_nxm=0x8847)), "mpls_tc_nxm": (5, dict(eth_type_nxm=0x8847)),
    "mpls_bos_nxm": (1, dict(eth_type_nxm=0x8847)), "mpls_ttl": (5, dict(eth_type_nxm=0x8847)), "tcp_flags_nxm": (2, dict(eth_type_nxm=0x800, ip_proto_nxm=6)),
    "_recirc_id": None, "_dp_hash": None,  # the datapath's own
    "ip_ecn_nxm": (1, dict(eth_type_nxm=0x800)), "tun_flags": 1, "ct_state": (0x21, 0xFF),
}
PROTOCOLS = {"tcp": 6, "udp": 17, "sctp": 132}


def match_arguments(name):
    if name in VALUES:
        value = VALUES[name]
        if isinstance(value, tuple) and len(value) == 2 and isinstance(value[1], dict):
            return {name: value[0], **value[1]}
        return None if value is None else {name: value}
    if name.startswith("nsh_"):
        return {name: 1, "eth_type_nxm": 0x894F}
    protocol = PROTOCOLS.get(name.split("_")[0])
    if protocol:
        return {name: 80, "eth_type": 0x800, "ip_proto": protocol}
    return {name: 5}


def os_ken_matches():
    # pbb_uca before 1.4 (ONF extension 256): a field of no switch that we know.
    for version, parser in ((3, parser12), (4, parser13), (5, parser14), (6, parser15)):
        datapath = Datapath(version)
        for field in datapath.ofproto.oxm_types:
            arguments = match_arguments(field.name)
            if arguments is None or (field.name == "pbb_uca" and version < 5):
                continue
            try:
                yield field.name, parser.OFPFlowMod(datapath, priority=7, match=parser.OFPMatch(**arguments), instructions=[], out_port=0xFFFFFFFF, out_group=0xFFFFFFFF)
            except Exception as e:
                print("os-ken can't make", version, field.name, repr(e))


def os_ken_actions():
    for version, p in ((3, parser12), (4, parser13), (5, parser14), (6, parser15)):
        datapath = Datapath(version)
        ip, mpls, vlan, pbb, ip6 = dict(eth_type=0x800), dict(eth_type=0x8847), dict(vlan_vid=(0x1000, 0x1000)), dict(eth_type=0x88E7), dict(eth_type=0x86DD)
        mpls_ip = dict(eth_type=0x8847)
        lists = [({}, [p.OFPActionOutput(7, 128)]), ({}, [p.OFPActionOutput(0xFFFFFFFD, 0xFFFF)]), ({}, [p.OFPActionGroup(5)]), ({}, [p.OFPActionSetQueue(9)]),
                 (mpls, [p.OFPActionSetMplsTtl(9), p.OFPActionDecMplsTtl()]), (ip, [p.OFPActionSetNwTtl(9), p.OFPActionDecNwTtl()]),
                 (mpls_ip, [p.OFPActionCopyTtlOut(), p.OFPActionCopyTtlIn()]), ({}, [p.OFPActionPushVlan(0x88A8)]), (vlan, [p.OFPActionPopVlan()]),
                 ({}, [p.OFPActionPushMpls(0x8847)]), (mpls, [p.OFPActionPopMpls(0x800)]), (ip, [p.OFPActionSetField(ipv4_src="1.2.3.4")]),
                 (ip6, [p.OFPActionSetField(ipv6_dst="fe80::1")]), ({}, [p.OFPActionSetField(eth_dst="02:00:00:00:00:01")]),
                 (vlan, [p.OFPActionSetField(vlan_vid=0x1007)])]
        if version >= 4:
            lists += [({}, [p.OFPActionPushPbb(0x88E7)]), (pbb, [p.OFPActionPopPbb()])]
        if version >= 6:
            lists += [(ip, [p.OFPActionSetField(ipv4_src=("1.2.0.0", "255.255.0.0"))]),
                      ({}, [p.OFPActionCopyField(n_bits=16, src_offset=0, dst_offset=16, oxm_ids=[p.OFPOxmId("eth_src"), p.OFPOxmId("eth_dst")])])]
        flows = [(m, [p.OFPInstructionActions(kind, actions)]) for m, actions in lists for kind in (3, 4)]
        flows += [({}, [p.OFPInstructionGotoTable(7)]), ({}, [p.OFPInstructionWriteMetadata(5, 0xFF)]), ({}, [p.OFPInstructionActions(5, [])])]
        if 4 <= version < 6:
            flows.append(({}, [p.OFPInstructionMeter(3)]))
        if version >= 4:
            flows += [(m, [p.OFPInstructionActions(4, [a])]) for m, a in nicira_actions(p)]
        if 4 <= version < 6:  # later ones have standard actions for these, which we send
            flows += [({}, [p.OFPInstructionActions(4, [p.NXActionRegLoad(ofs_nbits=(4 << 6) | 3, dst="reg0", value=5)])]),
                      ({}, [p.OFPInstructionActions(4, [p.NXActionRegMove(src_field="eth_src", dst_field="reg0", n_bits=16)])])]
        for match, instructions in flows:
            yield "action", p.OFPFlowMod(datapath, priority=7, match=p.OFPMatch(**match), instructions=instructions, out_port=0xFFFFFFFF, out_group=0xFFFFFFFF)


def nicira_actions(p):
    ip, ip_tcp = dict(eth_type=0x800), dict(eth_type=0x800, ip_proto=6)
    yield {}, p.NXActionPopQueue()
    yield {}, p.NXActionNote(note=[1, 2, 3, 4, 5, 6])
    yield {}, p.NXActionResubmit(in_port=3)
    yield {}, p.NXActionResubmitTable(in_port=3, table_id=4)
    yield {}, p.NXActionOutputReg(ofs_nbits=15, src="reg0", max_len=100)
    yield {}, p.NXActionExit()
    yield ip, p.NXActionDecTtlCntIds([1, 2])
    yield {}, p.NXActionController(max_len=1024, controller_id=1, reason=0)
    yield ip_tcp, p.NXActionFinTimeout(fin_idle_timeout=5, fin_hard_timeout=6)
    yield {}, p.NXActionConjunction(clause=0, n_clauses=2, id_=7)
    yield {}, p.NXActionMultipath(fields=0, basis=1, algorithm=0, max_link=7, arg=0, ofs_nbits=15, dst="reg0")
    yield {}, p.NXActionBundle(algorithm=0, fields=0, basis=0, slave_type=0x000002, n_slaves=2, ofs_nbits=0, dst=0, slaves=[1, 2])
    yield {}, p.NXActionBundleLoad(algorithm=0, fields=0, basis=0, slave_type=0x000002, n_slaves=2, ofs_nbits=15, dst="reg0", slaves=[1, 2])
    yield {}, p.NXActionSample(probability=3, collector_set_id=1, obs_domain_id=2, obs_point_id=3)
    yield {}, p.NXActionSample2(probability=3, collector_set_id=1, obs_domain_id=2, obs_point_id=3, sampling_port=8)
    yield {}, p.NXActionStackPush(field="reg2", start=0, end=5)
    yield {}, p.NXActionStackPop(field="reg2", start=0, end=5)
    yield ip, p.NXActionCT(flags=1, zone_src="reg0", zone_ofs_nbits=15, recirc_table=4, alg=0, actions=[])
    yield ip, p.NXActionCT(flags=1, zone_src="", zone_ofs_nbits=7, recirc_table=255, alg=0, actions=[
        p.NXActionNAT(flags=1, range_ipv4_min="10.0.0.1", range_ipv4_max="10.0.0.9", range_proto_min=1, range_proto_max=99)])
    yield ip, p.NXActionCTClear()
    yield {}, p.NXActionLearn(table_id=10, hard_timeout=5, specs=[
        p.NXFlowSpecMatch(src=0x800, dst=("eth_type_nxm", 0), n_bits=16),
        p.NXFlowSpecLoad(src=("reg1", 5), dst=("reg0", 0), n_bits=4), p.NXFlowSpecOutput(src=("in_port_nxm", 0), dst="", n_bits=16)])


def os_ken_requests():
    for version, p in ((1, parser10), (3, parser12), (4, parser13), (5, parser14), (6, parser15)):
        d = Datapath(version)
        yield from plain_requests(d, p, version)
        yield from statistics_requests(d, p, version) if version >= 4 else old_statistics_requests(d, p, version)
        if version >= 3:
            yield from group_requests(d, p, version)
        if version >= 4:
            yield from meter_requests(d, p)
        if version >= 5:
            yield from later_requests(d, p, version)
        yield from old_extensions(d, p) if version == 1 else extensions(d, p, version)
        yield from answers(d, p, version)


def plain_requests(d, p, version):
    yield "hello", p.OFPHello(d)
    yield "echo", p.OFPEchoRequest(d, b"payload")
    yield "features", p.OFPFeaturesRequest(d)
    yield "get_config", p.OFPGetConfigRequest(d)
    yield "set_config", p.OFPSetConfig(d, 1, 128)
    yield "barrier", p.OFPBarrierRequest(d)
    match = p.OFPMatch(in_port=1)
    extra = dict(match=match) if version >= 6 else dict(in_port=1)
    yield "packet_out", p.OFPPacketOut(d, 0xFFFFFFFF, actions=[p.OFPActionOutput(2)], data=bytes(60), **extra)
    mac = "02:00:00:00:00:01"
    if version == 1:
        yield "port_mod", p.OFPPortMod(d, 3, mac, 1, 1, 0x40)
        yield "queue_get_config", p.OFPQueueGetConfigRequest(d, 3)
        yield "flow_mod", p.OFPFlowMod(d, p.OFPMatch(in_port=1, dl_type=0x800, nw_src=0x0A000000), 7, 0, 5, 6, 9, out_port=0xFFFF, flags=1, actions=[p.OFPActionEnqueue(1, 2), p.OFPActionVlanVid(5)])
        return
    if version < 5:
        yield "port_mod", p.OFPPortMod(d, 3, mac, 1, 1, 0x40)
        yield "queue_get_config", p.OFPQueueGetConfigRequest(d, 3)
        yield "table_mod", p.OFPTableMod(d, 5, 0 if version == 4 else 1)
    else:
        yield "port_mod", p.OFPPortMod(d, 3, mac, 1, 1, [p.OFPPortModPropEthernet(type_=0, advertise=0x40)])
        yield "table_mod", p.OFPTableMod(d, 5, 4, [p.OFPTableModPropEviction(type_=2, flags=1)])
        yield "table_mod", p.OFPTableMod(d, 5, 8, [p.OFPTableModPropVacancy(type_=3, vacancy_down=20, vacancy_up=80, vacancy=0)])
    for role in (1, 2, 3):
        yield "role", p.OFPRoleRequest(d, role, **({"short_id": 3} if version >= 6 else {}), generation_id=7)
    for command, flags in ((0, 3), (1, 0), (2, 0), (3, 0), (4, 0)):
        yield "flow_mod", p.OFPFlowMod(d, cookie=5, cookie_mask=0xFF if command else 0, table_id=3, command=command, idle_timeout=6, hard_timeout=7, priority=9, out_port=0xFFFFFFFF,
                                       out_group=0xFFFFFFFF, flags=flags, match=match, instructions=[] if command > 2 else [p.OFPInstructionGotoTable(9)])


def old_statistics_requests(d, p, version):
    match = p.OFPMatch(in_port=1)
    if version == 1:
        for kind in (p.OFPFlowStatsRequest, p.OFPAggregateStatsRequest):
            yield kind.__name__, kind(d, 0, match, 3, 0xFFFF)
        yield "port", p.OFPPortStatsRequest(d, 0, 3)
        yield "queue", p.OFPQueueStatsRequest(d, 0, 3, 5)
        yield "desc", p.OFPDescStatsRequest(d, 0)
        yield "table", p.OFPTableStatsRequest(d, 0)
        return
    for kind in (p.OFPFlowStatsRequest, p.OFPAggregateStatsRequest):
        yield kind.__name__, kind(d, 3, 0xFFFFFFFF, 0xFFFFFFFF, 5, 0xFF, match)
    yield "port", p.OFPPortStatsRequest(d, 3)
    yield "queue", p.OFPQueueStatsRequest(d, 3, 5)
    yield "group", p.OFPGroupStatsRequest(d, 7)
    for kind in (p.OFPDescStatsRequest, p.OFPTableStatsRequest, p.OFPGroupDescStatsRequest, p.OFPGroupFeaturesStatsRequest):
        yield kind.__name__, kind(d)


def statistics_requests(d, p, version):
    match = p.OFPMatch(in_port=1)
    for name in ("Flow", "FlowDesc", "Aggregate"):
        kind = getattr(p, f"OFP{name}StatsRequest", None)
        if kind:
            yield name, kind(d, 0, 3, 0xFFFFFFFF, 0xFFFFFFFF, 5, 0xFF, match)
    yield "port", p.OFPPortStatsRequest(d, 0, 3)
    yield "queue", p.OFPQueueStatsRequest(d, 0, 3, 5)
    yield "group", p.OFPGroupStatsRequest(d, 0, 7)
    yield "meter", p.OFPMeterStatsRequest(d, 0, 7)
    yield "meter_config", (p.OFPMeterDescStatsRequest if version >= 6 else p.OFPMeterConfigStatsRequest)(d, 0, 7)
    yield "table_features", p.OFPTableFeaturesStatsRequest(d, 0)
    yield "port_desc", p.OFPPortDescStatsRequest(d, 0, 3) if version >= 6 else p.OFPPortDescStatsRequest(d, 0)
    yield "group_desc", p.OFPGroupDescStatsRequest(d, 0, 7) if version >= 6 else p.OFPGroupDescStatsRequest(d, 0)
    for name in ("Desc", "Table", "GroupFeatures", "MeterFeatures"):
        yield name, getattr(p, f"OFP{name}StatsRequest")(d, 0)


def group_requests(d, p, version):
    def bucket(weight=0, watch_port=0xFFFFFFFF):
        actions = [p.OFPActionOutput(2), p.OFPActionSetField(eth_dst="02:00:00:00:00:01")]
        if version < 6:
            return p.OFPBucket(weight=weight, watch_port=watch_port, watch_group=0xFFFFFFFF, actions=actions)
        properties = [p.OFPGroupBucketPropWeight(type_=0, weight=weight)] if weight else []
        return p.OFPBucket(bucket_id=5, actions=actions, properties=properties + ([p.OFPGroupBucketPropWatch(type_=1, watch=watch_port)] if watch_port != 0xFFFFFFFF else []))
    for command in (0, 1):
        for kind, buckets in ((0, [bucket(), bucket()]), (1, [bucket(3)]), (2, [bucket()]), (3, [bucket(watch_port=1)])):
            if version >= 6 and len(buckets) > 1:
                buckets[1].bucket_id = 6
            yield "group_mod", p.OFPGroupMod(d, command, kind, 7, **({"command_bucket_id": 0xFFFFFFFF} if version >= 6 else {}), buckets=buckets)
    yield "group_mod", p.OFPGroupMod(d, 2, 0, 7, **({"command_bucket_id": 0xFFFFFFFF} if version >= 6 else {}), buckets=[])


def meter_requests(d, p):
    for command in (0, 1):
        yield "meter_mod", p.OFPMeterMod(d, command, 1, 7, [p.OFPMeterBandDrop(100, 0)])
        yield "meter_mod", p.OFPMeterMod(d, command, 2 | 4 | 8, 7, [p.OFPMeterBandDrop(100, 5), p.OFPMeterBandDscpRemark(200, 6, 1)])
    yield "meter_mod", p.OFPMeterMod(d, 2, 0, 7, [])
    yield "get_async", p.OFPGetAsyncRequest(d)
    if d.ofproto.OFP_VERSION == 4:
        yield "set_async", p.OFPSetAsync(d, [3, 1], [7, 0], [15, 8])


def later_requests(d, p, version):
    yield "set_async", p.OFPSetAsync(d, [p.OFPAsyncConfigPropReasons(type_=kind, mask=3) for kind in range(6)])
    for kind in (0, 2, 4, 6):
        yield "bundle_control", p.OFPBundleCtrlMsg(d, 10, kind, 3, [])
    inner = p.OFPFlowMod(d, priority=7, match=p.OFPMatch(in_port=1), instructions=[], out_port=0xFFFFFFFF, out_group=0xFFFFFFFF)
    inner.xid = 5
    yield "bundle_add", p.OFPBundleAddMsg(d, 10, 3, inner, [])
    yield "table_desc", p.OFPTableDescStatsRequest(d, 0)
    yield "queue_desc", p.OFPQueueDescStatsRequest(d, 0, 3, 5)
    yield "flow_monitor", p.OFPFlowMonitorRequest(d, 0, 9, 0xFFFFFFFF, 0xFFFFFFFF, 0x47, 3, 0, p.OFPMatch(in_port=1))
    if version >= 6:
        yield "bundle_features", p.OFPBundleFeaturesStatsRequest(d, 0, 1)
        yield "controller_status", p.OFPControllerStatusStatsRequest(d, 0)


def answers(d, p, version):
    """What both sides send."""
    yield "echo_reply", p.OFPEchoReply(d, b"payload")
    yield "error", p.OFPErrorMsg(d, 1, 6, bytes([version, 14, 0, 8, 0, 0, 0, 7]))
    yield "barrier_reply", p.OFPBarrierReply(d)
    if version >= 5:
        buckets = [p.OFPBucket(bucket_id=1, actions=[p.OFPActionOutput(2)], properties=[]) if version >= 6 else p.OFPBucket(actions=[p.OFPActionOutput(2)], watch_port=0xFFFFFFFF, watch_group=0xFFFFFFFF)]
        inner = p.OFPGroupMod(d, 0, 0, 7, **({"command_bucket_id": 0xFFFFFFFF} if version >= 6 else {}), buckets=buckets)
        inner.xid = 6
        yield "request_forward", p.OFPRequestForward(d, request=inner)


def nxm_rule():
    rule = nx_match.ClsRule()
    rule.set_in_port(1)
    rule.set_dl_type(0x800)
    rule.set_nw_dst_masked(0x0A000000, 0xFF000000)
    rule.set_nw_proto(6)
    rule.set_tp_dst(80)
    return rule


def old_extensions(d, p):
    """Nicira's messages of 1.0."""
    yield "nx_flow_mod", p.NXTFlowMod(d, 5, 0, 6, 7, 9, rule=nxm_rule(), actions=[p.OFPActionOutput(2)])
    yield "nx_flow_mod", p.NXTFlowMod(d, 5, 3, rule=nxm_rule(), actions=[])
    for on in (0, 1):
        yield "nx_flow_mod_table_id", p.NXTFlowModTableId(d, on)
        yield "nx_set_packet_in_format", p.NXTSetPacketInFormat(d, on)
    yield "nx_set_flow_format", p.NXTSetFlowFormat(d, 2)
    for role in (0, 1, 2):
        yield "nx_role_request", p.NXTRoleRequest(d, role)
        yield "nx_role_reply", p.NXTRoleReply(d, role)
    yield "nx_set_async", p.NXTSetAsyncConfig(d, [3, 1], [7, 0], [15, 8])
    yield "nx_set_controller_id", p.NXTSetControllerId(d, 7)
    yield "nx_flow_age", p.NXTFlowAge(d)
    yield "nx_flow", p.NXFlowStatsRequest(d, 0, 0xFFFF, 3, rule=nxm_rule())
    yield "nx_aggregate", p.NXAggregateStatsRequest(d, 0, 0xFFFF, 3, rule=nxm_rule())
    yield "nx_removed", p.NXTFlowRemoved(d, 5, 9, 1, 2, 3, 4, 6, 100, 200, nxm_rule())
    yield "nx_packet_in", p.NXTPacketIn(d, 0xFFFFFFFF, 60, 1, 3, 5, 6, nxm_rule(), bytes(60))
    yield "vendor_stats", p.OFPVendorStatsRequest(d, 0, ofproto_common.NX_EXPERIMENTER_ID, struct.pack("!II", 2, 0))


def extensions(d, p, version):
    """Extensions as messages and multiparts of later versions."""
    nx = ofproto_common.NX_EXPERIMENTER_ID
    yield "experimenter", p.OFPExperimenter(d, nx, 20, struct.pack("!6xH", 7))
    if version < 4:
        return
    for format_ in (0, 1, 2):
        yield "nx_set_packet_in_format", p.NXTSetPacketInFormatMsg(d, format_)
    properties = [p.NXTPacketIn2Prop(nicira_ext.NXPINT_PACKET, bytes(60)), p.NXTPacketIn2Prop(nicira_ext.NXPINT_TABLE_ID, b"\3"),
                  p.NXTPacketIn2Prop(nicira_ext.NXPINT_COOKIE, struct.pack("!Q", 5)), p.NXTPacketIn2Prop(nicira_ext.NXPINT_REASON, b"\1"),
                  p.NXTPacketIn2Prop(nicira_ext.NXPINT_USERDATA, b"abc")] if hasattr(p, "NXTPacketIn2Prop") else []
    yield "nx_packet_in2", p.NXTPacketIn2(d, properties)
    yield "experimenter_stats", p.OFPExperimenterStatsRequest(d, 0, nx, 3, b"")
    if version == 4:
        inner = p.OFPFlowMod(d, priority=7, match=p.OFPMatch(in_port=1), instructions=[], out_port=0xFFFFFFFF, out_group=0xFFFFFFFF)
        inner.xid = 5
        yield "onf_bundle_add", p.ONFBundleAddMsg(d, 10, 3, inner, [])
        for kind in (0, 2, 4, 6):
            yield "onf_bundle_control", p.ONFBundleCtrlMsg(d, 10, kind, 3, [])
        yield "onf_flow_monitor", p.ONFFlowMonitorStatsRequest(d, 0, [p.ONFFlowMonitorRequest(9, 0x7, match=p.OFPMatch(in_port=1), out_port=0xFFFFFFFF, table_id=3)])


# Classes that only others are made of.
BASES = {"NXStatsRequest", "NiciraHeader", "OFPStatsRequest", "OFPMultipartRequest", "OFPExperimenterStatsRequestBase", "OFPFlowStatsRequestBase", "OFPFlowMonitorRequestBase", "OFPVendor"}


def writes(kind):
    """Whether the class has anything to write but a header."""
    return kind._serialize_body is not MsgBase._serialize_body or hasattr(kind, "_serialize_stats_body")


def os_ken_classes():
    """(version, class) of all messages that os-ken knows."""
    for version in (1, 3, 4, 5, 6):
        parser = ofproto_protocol.ProtocolDesc(version).ofproto_parser
        for name, kind in sorted(vars(parser).items()):
            if inspect.isclass(kind) and issubclass(kind, MsgBase) and kind is not MsgBase and name not in BASES and not name.endswith("MsgBase"):
                yield version, kind
