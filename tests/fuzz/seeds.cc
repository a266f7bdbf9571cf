// SPDX-License-Identifier: Apache-2.0
// Writes seeds for the fuzz targets, from the tables: `fuzz_seeds DIR` makes DIR/match, DIR/actions, DIR/flow_text, DIR/message,
// DIR/packet and DIR/pcap.
#include <fmt/core.h>

#include <filesystem>
#include <fstream>

#include "datapath/compose.h"
#include "datapath/pcap_file.h"
#include "lib/json.h"
#include "ofproto/openflow/codec.h"
#include "ofproto/openflow/flow_text.h"
#include "ofproto/openflow/text.h"

using namespace sluice;
using namespace sluice::ofp;

namespace {

void write(const std::filesystem::path& dir, std::string_view name, ByteView bytes) {
  std::filesystem::create_directories(dir);
  std::ofstream(dir / name, std::ios::binary).write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

void match_seeds(const std::filesystem::path& dir) {
  for (const Field& f : all_fields()) {
    if (is_tun_metadata(f.id)) continue;
    Match m;
    add_prereq(f.id, m);
    m.set_u64(f.id, 1);
    for (Version v : {Version::k10, Version::k15}) {
      Bytes b{0};
      ByteWriter w(b);
      encode_nxm(m, w, v, nullptr);
      write(dir, fmt::format("{}-{}", f.name, version_name(v)), b);
    }
  }
}

constexpr std::string_view kTexts[] = {
    "actions=output:1,controller(userdata=01.02,pause,meter_id=3)", "actions=clone(output:1,clone(set_field:1->reg0))",
    "actions=learn(table=2,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],load:NXM_OF_IN_PORT[]->NXM_NX_REG0[0..15],output:NXM_OF_IN_PORT[])",
    "ip,actions=ct(commit,zone=NXM_NX_REG0[0..15],table=2,nat(src=1.1.1.1-1.1.1.2:1-2,random),exec(load:1->NXM_NX_CT_MARK[]))",
    "actions=bundle_load(eth_src,0,hrw,ofport,NXM_NX_REG0[],members:1,2)", "actions=multipath(eth_src,50,modulo_n,1,0,NXM_NX_REG0[])",
    "actions=encap(nsh(md_type=2,tlv(0x1000,10,0x12345678)))", "actions=meter:1,output:1,clear_actions,write_actions(group:1),goto_table:2",
    "actions=sample(probability=1,collector_set_id=2,obs_domain_id=NXM_NX_REG0[],obs_point_id=3,sampling_port=1,egress)",
    "ip,actions=dec_ttl(1,2,3),set_field:1.2.3.4/24->ip_src,check_pkt_larger(100)->NXM_NX_REG0[1]",
};

void action_seeds(const std::filesystem::path& actions, const std::filesystem::path& texts) {
  for (size_t i = 0; i < std::size(kTexts); i++) {
    auto p = parse_flow(kTexts[i], FlowModCommand::kAdd);
    write(texts, fmt::format("{}", i), ByteView(reinterpret_cast<const uint8_t*>(kTexts[i].data()), kTexts[i].size()));
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
  std::ifstream recordings(SLUICE_SOURCE_DIR "/tests/unit/openflow/data/openflow-transcripts.jsonl");
  std::string line;
  for (unsigned n = 0; std::getline(recordings, line);) {
    auto json = Json::parse(line);
    if (!json) continue;
    for (const Json& m : json->get("msgs").elements())
      if (m.size() == 2) write(dir, fmt::format("{}", n++), from_hex(m[1].string()));
  }
  for (size_t i = 0; i < std::size(kTexts); i++) {
    auto p = parse_flow(kTexts[i], FlowModCommand::kAdd);
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

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    fmt::print(stderr, "usage: fuzz_seeds DIR\n");
    return 2;
  }
  std::filesystem::path dir = argv[1];
  match_seeds(dir / "match");
  action_seeds(dir / "actions", dir / "flow_text");
  message_seeds(dir / "message");
  packet_seeds(dir / "packet", dir / "pcap");
  return 0;
}
