// SPDX-License-Identifier: Apache-2.0
// Replays recordings of Open vSwitch (data/flow-mods.jsonl): flow text -> match and action bytes in OpenFlow 1.0, 1.1, 1.3, 1.5, and
// what the switch's dump prints back.  Where we are stricter or more exact than the recording, kExceptions says so, one by one.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include <fstream>

#include "lib/json.h"
#include "lib/text.h"
#include "ofproto/openflow/flow_text.h"

namespace sluice::ofp {
namespace {

enum Departure {
  kRefuses,      // the text is refused, the recording accepts it
  kOtherBytes,   // the bytes differ, because the recording widens or changes the flow
  kOtherDump,    // what is printed back differs
  kAccepts,      // the recording refuses it or uses a larger form; here the version's own form will do
  kOtherText,    // refused with other words
};
struct Exception {
  std::string_view flow;
  std::string_view versions;  // "" = all
  Departure departure;
  std::string_view why;
};
constexpr Exception kExceptions[] = {
    {"tp_src=80,actions=drop", "", kRefuses, "the recording drops the field and matches everything"},
    {"ip,icmp_type=3,actions=drop", "", kRefuses, "the field would be dropped"},
    {"dl_vlan=4096,actions=drop", "", kRefuses, "recorded as VLAN 0"},
    {"dl_vlan=5000,actions=drop", "", kRefuses, "recorded as VLAN 904"},
    {"ip,nw_tos=3,actions=drop", "", kRefuses, "recorded as 0"},
    {"ip,nw_ecn=4,actions=drop", "", kRefuses, "recorded as 0"},
    {"ip,nw_ecn=1,actions=drop", "11", kRefuses, "1.1 cannot match it; recorded as a match on all of ip"},
    {"actions=clear_actions", "10", kRefuses, "recorded as drop"},
    {"actions=write_actions(output:1)", "10", kRefuses, "recorded as drop"},
    {"actions=clear_actions,write_actions(output:2),goto_table:1", "10", kRefuses, "recorded without the first two"},
    {"tun_erspan_ver=1,actions=drop", "", kOtherBytes, "the recording's mask is the value: it would match versions 3, 5, ... too"},
    {"tun_gtpu_flags=0x30,actions=drop", "", kOtherBytes, "the recording's mask is the value"},
    {"vlan_vid=0x1005/0x1fff,actions=drop", "10", kAccepts, "the same as dl_vlan=5"},
    {"vlan_vid=0x1005/0x1fff,actions=drop", "11", kAccepts, "the same as dl_vlan=5"},
    {"actions=check_pkt_larger(70000)->NXM_NX_REG0[0]", "", kOtherText, "the recording says (null)"},
    {"tun_erspan_idx=3,actions=drop", "", kOtherDump, "the recording loses the match"},
    {"tun_metadata0=0x12/0xff,actions=drop", "", kOtherBytes, "one byte more, so that the mask is no full one; the recording hides the mask"},
};

const Exception* exception_for(std::string_view flow, std::string_view version) {
  for (const Exception& e : kExceptions)
    if (e.flow == flow && (e.versions.empty() || e.versions == version)) return &e;
  return nullptr;
}

Bytes from_hex(std::string_view hex) {
  Bytes out;
  auto digit = [](char c) { return c == 'X' ? 0 : c <= '9' ? c - '0' : c - 'a' + 10; };
  for (size_t i = 0; i + 1 < hex.size(); i += 2) out.push_back(static_cast<uint8_t>(digit(hex[i]) << 4 | digit(hex[i + 1])));
  return out;
}
/// The parts of a recorded flow-mod.
struct Recorded {
  bool nxm = false;
  Bytes match, actions;  // match without padding for NXM
};
Recorded cut(Version v, const Bytes& m) {
  Recorded r;
  size_t at;
  if (v == Version::k10 && m[1] == 4) {
    r.nxm = true;
    size_t n = load_be<uint16_t>(&m[40]);
    r.match.assign(m.begin() + 48, m.begin() + 48 + static_cast<long>(n));
    at = 48 + (n + 7) / 8 * 8;
  } else if (v == Version::k10) {
    r.match.assign(m.begin() + 8, m.begin() + 48);
    at = 72;
  } else {
    size_t n = v == Version::k11 ? 88 : (load_be<uint16_t>(&m[50]) + 7u) / 8 * 8;
    r.match.assign(m.begin() + 48, m.begin() + 48 + static_cast<long>(n));
    at = 48 + n;
  }
  r.actions.assign(m.begin() + static_cast<long>(at), m.end());
  return r;
}

struct Case {
  std::string flow, version, hex, dump, error;
};
void PrintTo(const Case& c, std::ostream* os) { *os << c.version << " " << c.flow; }

std::vector<Case> load() {
  std::vector<Case> out;
  std::ifstream in("tests/unit/openflow/data/flow-mods.jsonl");
  for (std::string line; std::getline(in, line);) {
    auto j = Json::parse(line);
    if (!j) continue;
    for (const JsonMember& m : j->get("ver").members())
      out.push_back({std::string(j->get("flow").string()), std::string(m.name()), std::string(m.value.get("hex").string()),
                     std::string(m.value.get("dump").string()), std::string(m.value.get("stderr").string())});
  }
  return out;
}

Version version_of(std::string_view s) { return static_cast<Version>(s[1] - '0' + 1); }

class FlowGoldens : public testing::TestWithParam<Case> {};

/// Decodes what was recorded as a switch does, and prints it as a dump in that version does.
std::string dump_of(Version v, const Recorded& r, const TlvTable& tlv, bool reencode) {
  ByteReader reader(r.match);
  auto match = r.nxm ? decode_nxm(r.match, &tlv) : decode_match(reader, v, &tlv);
  if (!match) return fmt::format("match error {}", error_name(match.error()));
  auto actions = decode_instructions(ByteReader(r.actions), v, &tlv);
  if (!actions) return fmt::format("actions error {}", error_name(actions.error()));
  ActionCheck check{.version = v, .table_id = 0, .tlv = &tlv};
  if (auto ok = check_actions(*actions, MiniMatch(*match), check); !ok) return fmt::format("check error {}", error_name(ok.error()));
  if (reencode) {
    Recorded again{v == Version::k10, {}, {}};
    ByteWriter mw(again.match), aw(again.actions);
    if (again.nxm) encode_nxm(*match, mw, v, &tlv);
    else encode_oxm_match(*match, mw, v, &tlv);  // statistics of 1.1 too
    if (auto ok = encode_instructions(*actions, aw, v, &tlv); !ok) return fmt::format("encode error {}", error_name(ok.error()));
    return dump_of(v, again, tlv, false);
  }
  FlowStats s;
  s.match = *match;
  s.actions = *actions;
  std::string out;
  format_flow_stats(s, out, {nullptr, nullptr, &tlv}, false);
  return out;
}

TEST_P(FlowGoldens, TextToWireToText) {
  const Case& c = GetParam();
  Version v = version_of(c.version);
  const Exception* ex = exception_for(c.flow, c.version);
  TlvTable grows(true);
  TextNames options{nullptr, nullptr, &grows};
  auto parsed = parse_flow(c.flow, FlowModCommand::kAdd, options);
  std::string refused;
  if (!parsed) refused = parsed.error();
  else if (ProtocolSet allowed = version_protocols(v); !(parsed->usable & allowed))
    refused = fmt::format("none of the usable flow formats ({}) is among the allowed flow formats ({})", format_protocols(parsed->usable),
                          format_protocols(allowed));
  if (ex && ex->departure == kRefuses) {
    EXPECT_FALSE(refused.empty()) << ex->why;
    return;
  }
  if (ex && ex->departure == kAccepts) {
    EXPECT_EQ(refused, "") << ex->why;
    return;
  }
  if (ex && ex->departure == kOtherText) {
    EXPECT_FALSE(refused.empty());
    return;
  }
  if (c.hex.empty()) {
    std::string last = c.error.substr(c.error.rfind("ovs-ofctl: ") + 11);
    EXPECT_EQ(refused, last);
    return;
  }
  ASSERT_EQ(refused, "");
  Recorded want = cut(v, from_hex(c.hex));

  Bytes match, actions;
  ByteWriter mw(match), aw(actions);
  bool nxm = v == Version::k10 && !(parsed->usable & kOf10Any);
  EXPECT_EQ(nxm, want.nxm);
  if (nxm) encode_nxm(parsed->flow.match.expand(), mw, v, &grows);
  else encode_match(parsed->flow.match.expand(), mw, v, &grows);
  auto ok = encode_instructions(parsed->flow.actions, aw, v, &grows);
  ASSERT_TRUE(ok) << error_name(ok.error());
  if (!ex || ex->departure != kOtherBytes) {
    EXPECT_EQ(hex(match), hex(want.match));
  }
  EXPECT_EQ(hex(actions), hex(want.actions));

  if (c.dump.empty()) return;  // the switch refused it: check_test.cc
  TlvTable mapped;
  ASSERT_TRUE(mapped.add(0xffff, 0, 4, 0));
  std::string dump = dump_of(v, Recorded{nxm, match, actions}, mapped, true);
  // Cookie, table, timeouts and priority are not in the parts that this test looks at.
  std::string dump_want = c.dump;
  for (std::string_view prefix : {"cookie=0x1234, ", "table=253, ", "idle_timeout=10, hard_timeout=20, ", "priority=65535,"})
    if (dump_want.starts_with(prefix)) dump_want = dump_want.substr(prefix.size());
  if (ex && (ex->departure == kOtherDump || ex->departure == kOtherBytes)) return;
  EXPECT_EQ(dump, " " + dump_want);
}

INSTANTIATE_TEST_SUITE_P(Recorded, FlowGoldens, testing::ValuesIn(load()),
                         [](const auto& info) { return fmt::format("{}_v{}", info.index, info.param.version); });

}  // namespace

}  // namespace sluice::ofp
