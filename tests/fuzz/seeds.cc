// SPDX-License-Identifier: Apache-2.0
// Writes seeds for the fuzz targets, from the tables: `fuzz_seeds DIR` makes DIR/match, DIR/actions, DIR/flow_text, DIR/requests, DIR/message,
// DIR/packet, DIR/pcap and DIR/odp.
#include <fmt/core.h>

#include <filesystem>
#include <fstream>

#include "datapath/compose.h"
#include "datapath/kernel/odp_netlink.h"
#include "datapath/pcap_file.h"
#include "lib/json.h"
#include "ofproto/openflow/codec.h"
#include "ofproto/openflow/flow_text.h"
#include "ofproto/openflow/text.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/openflow/action_texts.h"

using namespace sluice;
using namespace sluice::ofp;

namespace {

void write(const std::filesystem::path& dir, std::string_view name, ByteView bytes) {
  std::filesystem::create_directories(dir);
  std::ofstream(dir / name, std::ios::binary).write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

ByteView bytes_of(std::string_view text) { return {reinterpret_cast<const uint8_t*>(text.data()), text.size()}; }

/// Each field in NXM, in OXM and as text, and the fixed matches that can say it.  The first byte is match_fuzz's choice of the form.
void match_seeds(const std::filesystem::path& dir, const std::filesystem::path& texts) {
  for (const Field& f : all_fields()) {
    if (is_tun_metadata(f.id)) continue;
    Match m;
    add_prereq(f.id, m);
    m.set_u64(f.id, 1);
    auto seed = [&](std::string_view form, uint8_t choice, auto encode) {
      write(dir, fmt::format("{}-{}", f.name, form), written([&](ByteWriter& w) { w.u8(choice), encode(w); }));
    };
    seed("nxm", 0, [&](ByteWriter& w) { encode_nxm(m, w, Version::k10, nullptr); });
    seed("nxm-of-oxm", 0, [&](ByteWriter& w) { encode_nxm(m, w, Version::k15, nullptr); });
    seed("two-oxm", 4, [&](ByteWriter& w) { encode_match(m, w, Version::k13, nullptr), encode_match(m, w, Version::k13, nullptr); });
    if (usable_protocols(m) & kOf10Any) seed("fixed10", 2, [&](ByteWriter& w) { encode_of10_match(m, w); });
    if (usable_protocols(m) & kOf11) seed("fixed11", 3, [&](ByteWriter& w) { encode_of11_match(m, w); });
    write(texts, fmt::format("field-{}", f.name), bytes_of(format_match(m) + ",actions=drop"));
  }
}

void action_seeds(const std::filesystem::path& actions, const std::filesystem::path& texts) {
  for (size_t i = 0; i < std::size(kActionTexts); i++) {
    auto p = parse_flow(kActionTexts[i], FlowModCommand::kAdd);
    write(texts, fmt::format("{}", i), bytes_of(kActionTexts[i]));
    if (!p) continue;
    for (Version v : kVersions) {
      Bytes b{static_cast<uint8_t>(static_cast<int>(v) - 1)};
      ByteWriter w(b);
      if (encode_instructions(p->flow.actions, w, v)) write(actions, fmt::format("{}-{}", i, version_name(v)), b);
    }
  }
}

Bytes from_hex(std::string_view hex) {
  Bytes out;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) out.push_back(static_cast<uint8_t>(parse_number(fmt::format("0x{}", hex.substr(i, 2))).value_or(0)));
  return out;
}

/// Recorded messages of every version, and flow-mods with all the texts.
void message_seeds(const std::filesystem::path& dir) {
  std::ifstream recordings("tests/unit/openflow/data/openflow-transcripts.jsonl");
  std::string line;
  for (unsigned n = 0; std::getline(recordings, line);) {
    auto json = Json::parse(line);
    if (!json) continue;
    for (const Json& m : json->get("msgs").elements())
      if (m.size() == 2) write(dir, fmt::format("{}", n++), from_hex(m[1].string()));
  }
  for (size_t i = 0; i < std::size(kActionTexts); i++) {
    auto p = parse_flow(kActionTexts[i], FlowModCommand::kAdd);
    if (!p) continue;
    for (Version v : kVersions) {
      Bytes b = encode({.type = MessageType::OFPT_FLOW_MOD, .version = v, .xid = 1, .body = p->flow});
      if (!b.empty()) write(dir, fmt::format("flow-{}-{}", i, version_name(v)), b);
    }
  }
}

void packet_seeds(const std::filesystem::path& packets, const std::filesystem::path& captures) {
  constexpr std::string_view kPackets[] = {"arp,arp_op=1,arp_spa=1.2.3.4", "tcp,dl_vlan=5,tp_dst=80", "udp6,ipv6_src=fe80::1", "icmp6,icmp_type=135,nd_target=fe80::2",
                                           "mpls,mpls_label=5,mpls_bos=1", "sctp,tp_src=1", "ip,nw_frag=later", "dl_type=0x894f,nsh_mdtype=1"};
  std::filesystem::create_directories(captures);
  for (std::string_view text : kPackets) {
    auto flow = parse_exact_flow(text);
    if (!flow) continue;
    Packet p = compose(*flow);
    write(packets, text, p.view());
    if (auto capture = PcapWriter::open((captures / text).string(), true)) capture->write(Duration(1), p.view());
  }
}

/// The first byte is requests_fuzz's choice of the kind.
void request_seeds(const std::filesystem::path& dir) {
  constexpr std::pair<uint8_t, std::string_view> kTexts[] = {
      {0, "group_id=1,type=select,selection_method=hash,selection_method_param=5,fields(ip_dst=255.255.255.0,nw_proto),bucket=bucket_id:3,weight:7,set_field:5->reg1,output:2"},
      {0, "group_id=7,type=ff,bucket=watch_port:1,output:1,bucket=watch_group:3,group:3"},
      {0, "group_id=9,type=indirect,bucket=mod_dl_src:02:00:00:00:00:01,strip_vlan,LOCAL"},
      {1, "meter=1 kbps burst stats bands=type=drop rate=1 burst_size=2"},
      {1, "meter=slowpath pktps bands=type=dscp_remark rate=1 prec_level=3 type=drop rate=9"},
      {2, "{class=0xffff,type=0,len=4}->tun_metadata0,{class=1,type=2,len=124}->tun_metadata63"},
      {3, "in_port=controller,reg1=5,packet=ffffffffffff0102030405060800,actions=output:2"},
      {4, "zone=5 ct_nw_src=1.1.1.1,ct_nw_dst=2.2.2.2,ct_nw_proto=6,ct_tp_src=1,ct_tp_dst=2 ct_ipv6_src=fe80::1,ct_nw_proto=58,icmp_type=1,icmp_code=0,icmp_id=5"},
      {5, "!initial,!add,table=1,out_port=2,tcp,tp_dst=80"}};
  for (size_t i = 0; i < std::size(kTexts); i++)
    write(dir, fmt::format("{}", i), written([&](ByteWriter& w) { w.u8(kTexts[i].first), w.bytes(bytes_of(kTexts[i].second)); }));
}

/// The first byte is odp_fuzz's choice: texts of keys and actions, and both as attributes.
void odp_seeds(const std::filesystem::path& dir) {
  constexpr std::string_view kKeys[] = {
      "skb_priority(0x3),tunnel(tun_id=0x5,src=1.1.1.1,dst=2.2.2.2,ttl=64,geneve({class=0xffff,type=0x80,len=4,0xa/0xf}),flags(df|key)),skb_mark(0x5/0xf),ct_state(-new+est+trk),ct_zone(0x5),"
      "ct_mark(0x1/0xff),ct_label(0x1/0xff),recirc_id(0x5),dp_hash(0x1/0xf),in_port(3),packet_type(ns=0,id=0),eth(src=50:54:00:00:00:09,dst=50:54:00:00:00:0a),"
      "eth_type(0x8100),vlan(vid=5,pcp=0),encap(eth_type(0x0800),ipv4(src=1.1.1.1,dst=2.2.2.0/255.255.255.0,proto=6,tos=0,ttl=64,frag=no),tcp(src=1,dst=2),tcp_flags(syn|ack))",
      "in_port(1),eth(),eth_type(0x86dd),ipv6(src=fe80::1,dst=::/0,label=0x12345,proto=58,tclass=0,hlimit=255,frag=no),icmpv6(type=135,code=0),nd(target=fe80::2,sll=50:54:00:00:00:09)",
      "in_port(1),eth(),eth_type(0x0806),arp(sip=1.1.1.1,tip=2.2.2.0/255.255.255.0,op=1,sha=00:00:00:00:00:01,tha=00:00:00:00:00:00)",
      "in_port(1),eth(),eth_type(0x8847),mpls(label=5/0xff,tc=1/7,ttl=64/0x0,bos=1/1)", "in_port(1),eth(),eth_type(0x0800),ipv4(proto=132),sctp(src=1,dst=2)"};
  constexpr std::string_view kActions[] = {
      "set(ipv4(src=1.1.1.1,ttl=63)),set(tcp(src=99)),push_vlan(vid=5,pcp=3),2,pop_vlan,sample(sample=50.0%,actions(3)),clone(1,2),trunc(100),2,hash(l4(3)),recirc(0x12)",
      "ct(commit,zone=5,mark=0x1/0xff,label=0x1/0xff,helper=ftp,nat(src=1.1.1.1-1.1.1.5:1-5,random)),ct_clear,meter(3),userspace(pid=0,slow_path(lacp))",
      "push_mpls(label=5,tc=1,ttl=64,bos=1,eth_type=0x8847),pop_mpls(eth_type=0x800),push_nsh(flags=0,ttl=63,mdtype=1,np=3,spi=0x123456,si=255,c1=0x1,c2=0x2,c3=0x3,c4=0x4),pop_nsh()",
      "set(tunnel(tun_id=0x5,src=1.1.1.1,dst=2.2.2.2,ttl=64,tp_dst=6081,geneve({class=0xffff,type=0,len=4,0xa}),flags(df|key))),dec_ttl(le_1(1)),check_pkt_len(size=5,gt(1),le(2)),drop"};
  auto text = [&](std::string_view name, size_t i, uint8_t kind, std::string_view t) { write(dir, fmt::format("{}-{}", name, i), written([&](ByteWriter& w) { w.u8(kind), w.bytes(bytes_of(t)); })); };
  auto attributes = [&](std::string_view name, size_t i, uint8_t kind, auto encode) {
    Bytes attrs;
    AttrWriter w(attrs);
    encode(w);
    write(dir, fmt::format("{}-{}", name, i), written([&](ByteWriter& b) { b.u8(kind), b.bytes(attrs); }));
  };
  for (size_t i = 0; i < std::size(kKeys); i++) {
    text("key", i, 0, kKeys[i]);
    auto km = parse_odp_key(kKeys[i]);
    if (!km) continue;
    attributes("key-attributes", i, 2, [&](AttrWriter& w) { encode_odp_key(km->key, km->mask, w); });
  }
  for (size_t i = 0; i < std::size(kActions); i++) {
    text("actions", i, 1, kActions[i]);
    auto actions = parse_odp_actions(kActions[i]);
    if (!actions) continue;
    attributes("action-attributes", i, 3, [&](AttrWriter& w) { encode_odp_actions(*actions, 1, {.drop_action = true}, w); });
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    fmt::print(stderr, "usage: fuzz_seeds DIR\n");
    return 2;
  }
  std::filesystem::path dir = argv[1];
  match_seeds(dir / "match", dir / "flow_text");
  action_seeds(dir / "actions", dir / "flow_text");
  request_seeds(dir / "requests");
  message_seeds(dir / "message");
  odp_seeds(dir / "odp");
  packet_seeds(dir / "packet", dir / "pcap");
  return 0;
}
