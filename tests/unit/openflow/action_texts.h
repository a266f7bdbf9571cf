// SPDX-License-Identifier: Apache-2.0
// Flows that between them have every action and instruction, in every form of its arguments: what properties are tested with, and fuzzing begins with.
#pragma once

#include <string_view>

namespace sluice::ofp {

inline constexpr std::string_view kActionTexts[] = {
    "actions=output:1", "actions=output:65279", "actions=IN_PORT", "actions=TABLE", "actions=NORMAL", "actions=FLOOD", "actions=ALL",
    "actions=CONTROLLER:65535", "actions=CONTROLLER:17", "actions=LOCAL", "actions=drop",
    "actions=controller(reason=invalid_ttl,max_len=100,id=7,userdata=01.02,pause,meter_id=5)", "actions=controller(id=3)",
    "actions=output:NXOXM_ET_REG31[3..18]", "actions=output:reg16", "actions=output(port=2,max_len=14)", "actions=enqueue:1:2",
    "actions=output:NXM_NX_REG0[0..15]", "actions=set_field:0x5/0xff->reg16", "actions=debug_slow",
    "actions=sample(probability=1,collector_set_id=1,obs_domain_id=2,obs_point_id=3,sampling_port=4)", "actions=set_queue:4294967295", "actions=pop_queue", "actions=group:5", "actions=bundle(eth_src,0,active_backup,ofport,members:1,2,3)",
    "actions=bundle_load(nw_dst,65535,hrw,ofport,NXM_NX_REG0[],members:4)", "actions=mod_vlan_vid:4095", "actions=mod_vlan_pcp:7",
    "dl_vlan=1,actions=set_vlan_vid:2,set_vlan_pcp:3", "dl_vlan=1,actions=pop_vlan", "actions=push_vlan:0x88a8,push_vlan:0x8100",
    "mpls,actions=set_mpls_label:1048575,set_mpls_tc:7,set_mpls_ttl:255,dec_mpls_ttl", "mpls,actions=pop_mpls:0x0800",
    "actions=push_mpls:0x8847", "actions=push_pbb:0x88e7", "dl_type=0x88e7,actions=pop_pbb", "actions=copy_ttl_out,copy_ttl_in",
    "ip,actions=dec_ttl", "ipv6,actions=dec_ttl(1,2,3,4,5)", "dl_type=0x894f,actions=dec_nsh_ttl",
    "actions=mod_dl_src:01:02:03:04:05:06,mod_dl_dst:ff:ff:ff:ff:ff:ff", "ip,actions=mod_nw_src:1.2.3.4,mod_nw_dst:5.6.7.8,mod_nw_tos:252,mod_nw_ecn:3,mod_nw_ttl:9",
    "tcp,actions=mod_tp_src:65535,mod_tp_dst:0", "udp6,actions=mod_tp_src:1", "actions=set_tunnel:0x5,set_tunnel64:0x500000000",
    "actions=load:0x5->NXM_NX_REG0[4..7],load:0xffffffffffffffff->OXM_OF_METADATA[]", "actions=set_field:0x5/0xff->reg1",
    "actions=set_field:0xf0f/0xf0f->xxreg2", "actions=set_field:01:00:00:00:00:00/01:00:00:00:00:00->eth_dst",
    "ip,actions=set_field:10.0.0.0/8->ip_src", "ipv6,actions=set_field:fe80::/10->ipv6_dst", "dl_vlan=3,actions=set_field:7->vlan_pcp",
    "actions=move:NXM_OF_ETH_SRC[0..15]->NXM_NX_REG5[16..31]", "actions=move:NXM_NX_XXREG0[]->NXOXM_ET_XXREG7[]",
    "actions=move:NXOXM_ET_REG20[]->NXM_NX_REG0[]",
    "actions=push:NXM_OF_ETH_DST[],pop:NXM_NX_REG0[0..9]", "actions=delete_field:tun_metadata0", "actions=resubmit:7", "actions=resubmit(,3)",
    "actions=resubmit(4,254)", "ip,ct_state=+trk-inv,actions=resubmit(,3,ct)", "actions=clone(output:1,clone(output:2,clone(drop)))", "actions=exit",
    "actions=note:01.02.03.04.05.06", "actions=note:00.00.00.00.00.00.01.00.00.00.00.00.00.00", "actions=conjunction(1,2/3),conjunction(4294967295,64/64)",
    "actions=multipath(eth_src,50,modulo_n,1,0,NXM_NX_REG0[0])", "actions=multipath(symmetric_l3l4,0,hrw,65536,4294967295,NXM_NX_REG0[])",
    "tcp,actions=fin_timeout(idle_timeout=5,hard_timeout=10)", "actions=learn(table=1)",
    "actions=learn(table=2,idle_timeout=1,hard_timeout=2,priority=3,fin_idle_timeout=4,fin_hard_timeout=5,cookie=0x6,send_flow_rem,delete_learned,"
    "NXM_OF_VLAN_TCI[0..11],NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],load:NXM_OF_IN_PORT[]->NXM_NX_REG0[0..15],load:0x5->NXM_NX_REG1[3..7],output:NXM_OF_IN_PORT[])",
    "actions=learn(table=3,limit=10,result_dst=NXM_NX_REG0[31],eth_type=0x800,nw_proto=6,NXM_OF_TCP_DST[]=NXM_NX_REG0[0..15],NXOXM_ET_REG16[]=0x5)",
    "actions=sample(probability=65535,collector_set_id=1,obs_domain_id=2,obs_point_id=3)",
    "actions=sample(probability=1,collector_set_id=1,obs_domain_id=2,obs_point_id=3,sampling_port=4,ingress)",
    "actions=sample(probability=1,collector_set_id=1,obs_domain_id=NXM_NX_REG0[],obs_point_id=NXM_NX_REG1[])",
    "actions=sample(probability=1,collector_set_id=1,obs_domain_id=NXM_NX_REG0[],obs_point_id=5,sampling_port=4,egress)",
    "actions=check_pkt_larger(65535)->NXOXM_ET_REG31[31]", "ip,actions=ct()", "ip,actions=ct(commit,force,table=9,zone=NXM_NX_REG0[0..15])",
    "ipv6,actions=ct(commit,nat(src=[fe80::1-fe80::9]:1-65535,persistent,hash))", "ip,actions=ct(commit,nat(dst=1.1.1.1-1.1.1.9,random))",
    "ip,actions=ct(table=1,nat)", "udp,actions=ct(commit,alg=tftp)", "ip,actions=ct(commit,exec(set_field:0x5/0xff->ct_mark,move:NXM_NX_REG0[]->NXM_NX_CT_LABEL[0..31]))",
    "ip,actions=ct_clear", "actions=encap(ethernet)", "actions=encap(nsh(md_type=2,tlv(0x1000,10,0x12345678),tlv(0x2000,20,0xfedcba9876543210)))",
    "actions=encap(nsh(md_type=1))", "actions=encap(mpls)", "actions=decap()", "actions=decap(packet_type(ns=1,type=0x800))", "actions=debug_recirc",
    "actions=meter:1", "actions=clear_actions", "actions=write_actions(output:1,group:2)", "actions=write_metadata:0x5",
    "actions=write_metadata:0x50/0xf0", "actions=goto_table:253", "actions=meter:9,output:1,clear_actions,write_actions(set_queue:1),write_metadata:1,goto_table:5",
};

}  // namespace sluice::ofp
