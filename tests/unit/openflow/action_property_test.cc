// SPDX-License-Identifier: Apache-2.0
// Properties of actions: every text that parses is encoded in the versions that it may be used in, decodes to the same meaning, and
// prints to a text that does the same again; hostile lengths and random bytes are errors, never crashes.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "lib/text.h"
#include "ofproto/openflow/flow_text.h"
#include "tests/unit/openflow/action_texts.h"

namespace sluice::ofp {
namespace {

struct Use {
  std::string_view text;
  Version version;
};
std::vector<Use> uses() {
  std::vector<Use> out;
  for (std::string_view t : kActionTexts)
    for (Version v : kVersions) out.push_back({t, v});
  return out;
}
void PrintTo(const Use& u, std::ostream* os) { *os << version_name(u.version) << " " << u.text; }

class EveryAction : public testing::TestWithParam<Use> {
 protected:
  EveryAction() { EXPECT_TRUE(tlv_.add(1, 1, 8, 0)); }
  TlvTable tlv_;
  Version v_ = GetParam().version;

  Bytes encode(const Actions& a) {
    Bytes b;
    ByteWriter w(b);
    auto ok = encode_instructions(a, w, v_, &tlv_);
    EXPECT_TRUE(ok) << error_name(ok.error());
    return b;
  }
};

TEST_P(EveryAction, WireAndTextReadBack) {
  auto parsed = parse_flow(GetParam().text, FlowModCommand::kAdd, {nullptr, nullptr, &tlv_});
  ASSERT_TRUE(parsed) << GetParam().text << ": " << parsed.error();
  if (!(parsed->usable & version_protocols(v_))) return;
  // Text is canonical after one round.
  std::string text = format_actions(parsed->flow.actions);
  auto reparsed = parse_actions(text, {nullptr, nullptr, &tlv_});
  ASSERT_TRUE(reparsed) << text << ": " << reparsed.error();
  EXPECT_EQ(format_actions(reparsed->actions), text);

  Bytes wire = encode(parsed->flow.actions);
  EXPECT_EQ(wire.size() % 8, 0u);
  auto decoded = decode_instructions(ByteReader(wire), v_, &tlv_);
  if (!decoded && v_ < Version::k13 && GetParam().text.find("decap") != std::string_view::npos) return;  // sent, not understood
  ASSERT_TRUE(decoded) << text << " " << error_name(decoded.error()) << " " << hex(wire);
  ActionCheck check{.version = v_, .table_id = 0, .tlv = &tlv_};
  auto ok = check_actions(*decoded, parsed->flow.match, check);
  EXPECT_TRUE(ok) << text << " " << error_name(ok.error());
  // What was decoded is a fixed point: wire to wire, text to text.
  EXPECT_EQ(encode(*decoded), wire) << text;
  std::string printed = format_actions(*decoded);
  std::string match = format_match(parsed->flow.match.expand());
  auto again = parse_flow(match + (match.empty() ? "" : ",") + "actions=" + printed, FlowModCommand::kAdd, {nullptr, nullptr, &tlv_});
  ASSERT_TRUE(again) << printed << ": " << again.error();
  if (GetParam().text.find("enqueue") != std::string_view::npos && v_ > Version::k10) return;  // output's max_len 65535, which text has for CONTROLLER only
  EXPECT_EQ(encode(again->flow.actions), wire) << printed;
}

/// What a version cannot express is refused ("usable") or sent in another form of the same meaning: brought to 1.5, which has the most forms, both are equal.
TEST_P(EveryAction, NothingIsSilentlyChanged) {
  auto parsed = parse_flow(GetParam().text, FlowModCommand::kAdd, {nullptr, nullptr, &tlv_});
  ASSERT_TRUE(parsed) << parsed.error();
  if (!(parsed->usable & version_protocols(v_))) return;
  auto in_15 = [&](const Actions& a) {
    Bytes b;
    ByteWriter w(b);
    EXPECT_TRUE(encode_instructions(a, w, Version::k15, &tlv_)) << format_actions(a);
    return b;
  };
  Bytes wire = encode(parsed->flow.actions);
  auto decoded = decode_instructions(ByteReader(wire), v_, &tlv_);
  if (!decoded && v_ < Version::k13 && GetParam().text.find("decap") != std::string_view::npos) return;  // sent, not understood
  ASSERT_TRUE(decoded);
  // The action takes its part of the meaning from the match.
  ActionCheck check{.version = v_, .table_id = 0, .tlv = &tlv_};
  ASSERT_TRUE(check_actions(*decoded, parsed->flow.match, check));
  auto says = [&](std::string_view word) { return GetParam().text.find(word) != std::string_view::npos; };
  bool as_resubmit = v_ == Version::k10 && says("goto_table"), as_load = v_ == Version::k10 && says("mod_nw_ecn"), as_two_loads = v_ < Version::k15 && says("xxreg2");
  if (as_resubmit || as_load || as_two_loads) return;  // other actions that come to the same, as Open vSwitch sends them
  EXPECT_EQ(hex(in_15(*decoded)), hex(in_15(parsed->flow.actions))) << format_actions(*decoded) << "\n" << format_actions(parsed->flow.actions);
}

TEST_P(EveryAction, HostileLengthsAreErrorsOrHarmless) {
  auto parsed = parse_flow(GetParam().text, FlowModCommand::kAdd, {nullptr, nullptr, &tlv_});
  if (!parsed || !(parsed->usable & version_protocols(v_))) return;
  Bytes wire = encode(parsed->flow.actions);
  // Any 16-bit word may be a length, any prefix may be all there is.
  for (size_t at = 0; at + 2 <= wire.size(); at += 2)
    for (uint16_t bad : {0, 1, 3, 7, 8, 16, 0x7fff, 65528, 65535}) {
      Bytes b = wire;
      store_be<uint16_t>(&b[at], bad);
      auto a = decode_instructions(ByteReader(b), v_, &tlv_);
      if (!a) continue;
      Bytes out;
      ByteWriter w(out);
      if (!encode_instructions(*a, w, v_, &tlv_)) continue;
      EXPECT_TRUE(decode_instructions(ByteReader(out), v_, &tlv_));
      format_actions(*a);
    }
  for (size_t n = 0; n < wire.size(); n++) decode_instructions(ByteReader(ByteView(wire).first(n)), v_, &tlv_);
}

INSTANTIATE_TEST_SUITE_P(Texts, EveryAction, testing::ValuesIn(uses()));

TEST(Actions, RandomBytes) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 20000; i++) {
    Bytes b(8 * (1 + random() % 8));
    for (uint8_t& x : b) x = static_cast<uint8_t>(random() % 4 ? random() % 48 : random());
    // Mostly plausible heads.
    store_be<uint16_t>(&b[2], static_cast<uint16_t>(b.size()));
    if (random() % 2) {
      store_be<uint16_t>(&b[0], 0xffff);
      if (b.size() >= 16) {
        store_be<uint32_t>(&b[4], kNiciraVendor);
        store_be<uint16_t>(&b[8], static_cast<uint16_t>(random() % 56));
      }
    }
    for (Version v : {Version::k10, Version::k11, Version::k13, Version::k15}) {
      auto a = decode_actions(ByteReader(b), v);
      if (!a) continue;
      format_actions(*a);
      MiniMatch any;
      ActionCheck check{.version = v};
      (void)check_actions(*a, any, check);
      Bytes out;
      ByteWriter w(out);
      (void)encode_actions(*a, w, v);
    }
  }
}

TEST(Actions, NestingIsBounded) {
  std::string text = "drop";
  for (int i = 0; i < 40; i++) text = "clone(" + text + ")";
  EXPECT_FALSE(parse_actions(text));
  Actions a;
  for (int i = 0; i < 40; i++) {
    Clone c;
    c.actions = std::move(a);
    a.clear();
    a.push_back(std::move(c));
  }
  Bytes b;
  ByteWriter w(b);
  auto ok = encode_actions(a, w, Version::k13);
  ASSERT_FALSE(ok);
  EXPECT_EQ(error_name(ok.error()), "OFPBAC_TOO_MANY");
}

struct Refusal {
  std::string_view flow, names;  // the message must contain this
};
constexpr Refusal kRefusals[] = {
    {"actions=output:70000", "70000"}, {"actions=set_mpls_label:1048576", "1048576"}, {"actions=set_mpls_tc:8", "8"}, {"actions=mod_nw_ecn:4", "4"},
    {"actions=mod_nw_tos:256", "256"}, {"actions=mod_nw_tos:3", "3"}, {"actions=mod_tp_src:65536", "65536"}, {"actions=mod_vlan_pcp:8", "8"},
    {"actions=push_vlan:0x1234", "0x1234"}, {"actions=push_mpls:0x800", "0x800"}, {"actions=set_field:8->vlan_pcp", "8"}, {"actions=set_field:64->ip_dscp", "64"},
    {"actions=load:0x100->NXM_NX_REG0[0..7]", "0x100"}, {"actions=load:1->NXM_NX_REG0[0..32]", "32"}, {"actions=conjunction(1,0/2)", "clause"},
    {"actions=resubmit(,256)", "256"}, {"actions=goto_table:256", "256"}, {"actions=group:4294967296", "4294967296"},
    {"actions=sample(probability=65536)", "65536"}, {"actions=learn(table=1,foo=1)", "foo"}, {"actions=learn(table=1,priority=65536)", "65536"},
    {"ip,actions=ct(alg=foo)", "foo"}, {"ip,actions=ct(nat(src=1.1.1.9-1.1.1.1),commit)", "1.1.1.9-1.1.1.1"}, {"actions=note:0g", "note"},
    {"actions=controller(reason=foo)", "foo"}, {"actions=controller(max_len=65536)", "65536"}, {"actions=fin_timeout(foo=1)", "foo"},
    {"actions=set_tunnel64:18446744073709551616", "18446744073709551616"}, {"actions=output(port=1,max_len=13)", "13"}, {"actions=write_metadata:foo", "foo"},
    {"actions=enqueue:1", "enqueue"}, {"actions=exit:1", "1"}, {"actions=encap(foo)", "foo"},
    {"tp_src=80,actions=drop", "tcp"}, {"dl_vlan=4096,actions=drop", "4096"}, {"importance=65536,actions=drop", "65536"}, {"idle_timeout=-1,actions=drop", "-1"},
    {"actions=goto_table:1,output:1", "ordering"}, {"actions=meter:1,meter:2", "duplicate"}, {"in_port=1", "action"}, {"foo,actions=drop", "foo"},
    {"cookie=0xffffffffffffffff,actions=drop", "0xffffffffffffffff"},
};
TEST(FlowText, RefusesAndSaysWhat) {
  for (const Refusal& r : kRefusals) {
    auto p = parse_flow(r.flow, FlowModCommand::kAdd);
    ASSERT_FALSE(p) << r.flow;
    EXPECT_NE(p.error().find(r.names), std::string::npos) << r.flow << ": " << p.error();
  }
}

}  // namespace
}  // namespace sluice::ofp
