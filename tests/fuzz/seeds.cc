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

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    fmt::print(stderr, "usage: fuzz_seeds DIR\n");
    return 2;
  }
  std::filesystem::path dir = argv[1];
  match_seeds(dir / "match", dir / "flow_text");
  action_seeds(dir / "actions", dir / "flow_text");
  message_seeds(dir / "message");
  packet_seeds(dir / "packet", dir / "pcap");
  return 0;
}
