// SPDX-License-Identifier: Apache-2.0
// TLVs as text and back, for every field; small texts that messages share.
#include <gtest/gtest.h>

#include "lib/text.h"
#include "ofproto/openflow/flow_text.h"
#include "ofproto/openflow/message_text.h"
#include "ofproto/openflow/nxm_text.h"

namespace sluice::ofp {
namespace {

Bytes nxm_of(const Match& m, Version v) {
  Bytes b;
  ByteWriter w(b);
  encode_nxm(m, w, v, nullptr);
  return b;
}

TEST(NxmText, EveryFieldReadsBack) {
  for (const Field& f : all_fields()) {
    if (is_tun_metadata(f.id) || !wire_id_of(f.id, Version::k15)) continue;
    Match m;
    add_prereq(f.id, m);
    m.set_u64(f.id, 1);
    for (Version v : {Version::k10, Version::k12, Version::k15}) {
      Bytes wire = nxm_of(m, v);
      std::string text = format_nxm(wire);
      auto back = parse_nxm(text);
      ASSERT_TRUE(back) << text << ": " << back.error();
      EXPECT_EQ(hex(*back), hex(wire)) << text;
    }
  }
}

TEST(NxmText, Forms) {
  EXPECT_EQ(format_nxm(ByteView()), "<any>");
  auto flow = parse_flow("ip,nw_src=10.0.0.0/8,actions=drop", FlowModCommand::kAdd);
  ASSERT_TRUE(flow);
  EXPECT_EQ(format_nxm(nxm_of(flow->flow.match.expand(), Version::k10)), "NXM_OF_ETH_TYPE(0800), NXM_OF_IP_SRC_W(0a000000/ff000000)");
  EXPECT_EQ(format_nxm(nxm_of(flow->flow.match.expand(), Version::k13)), "OXM_OF_ETH_TYPE(0800), OXM_OF_IPV4_SRC_W(0a000000/ff000000)");
  for (std::string_view bad : {"NXM_OF_ETH_TYPE", "NOSUCH(00)", "NXM_OF_ETH_TYPE(0g)", "NXM_OF_ETH_TYPE(080)"}) EXPECT_FALSE(parse_nxm(bad)) << bad;
  // Broken bytes are shown, not hidden.
  EXPECT_EQ(format_nxm(Bytes{0, 0, 6, 2, 8}), "0000060208");
  EXPECT_EQ(hex(*parse_nxm("01020304(1111/3333)")), "0102030411113333");
}

TEST(Text, Durations) {
  auto text = [](uint32_t s, uint32_t ns) {
    std::string out;
    format_duration(s, ns, out);
    return out;
  };
  EXPECT_EQ(text(1, 0), "1");
  EXPECT_EQ(text(1, 500'000'000), "1.500");
  EXPECT_EQ(text(1, 500'000), "1.0005");
  EXPECT_EQ(text(1, 1), "1.000000001");
}

TEST(Text, BitsOfAField) {
  auto match_of = [](std::string_view text) {
    auto flow = parse_flow(std::string(text) + ",actions=drop", FlowModCommand::kAdd);
    return flow ? format_match(flow->flow.match.expand()) : flow.error();
  };
  EXPECT_EQ(match_of("tcp,tp_src[6..10]=19"), "tcp,tp_src=0x4c0/0x7c0");
  EXPECT_EQ(match_of("reg0[]=5"), "reg0=0x5");
  EXPECT_EQ(match_of("reg0[0..3]=1,reg0[8]=1"), "reg0=0x101/0x10f");
  EXPECT_NE(match_of("tcp,tp_src[6..10]=99").find("does not fit into 5 bits"), std::string::npos);
  EXPECT_NE(match_of("reg0[3..40]=1").find("32 bits wide"), std::string::npos);
  EXPECT_NE(match_of("reg0[0..7]=3/1").find("3/1"), std::string::npos);
}

TEST(Text, RangesOfNat) {
  for (std::string_view text : {"ipv6,actions=ct(commit,nat(src=[fe80::1]-[fe80::2]:5-6))", "ipv6,actions=ct(commit,nat(src=[fe80::1-fe80::2]:5-6))"}) {
    auto flow = parse_flow(text, FlowModCommand::kAdd);
    ASSERT_TRUE(flow) << flow.error();
    EXPECT_EQ(format_actions(flow->flow.actions), "ct(commit,nat(src=[fe80::1]-[fe80::2]:5-6))");
  }
}

TEST(Text, HelloShowsWhatItDoesNotKnow) {
  Bytes hello{1, 0, 0, 0x13, 0, 0, 0, 0, 'e', 'x', 't', 'r', 'a', ' ', 'd', 'a', 't', 'a', '\n'};
  EXPECT_NE(format_wire(hello).find("version bitmap: 0x01\n unknown data in hello:\n"), std::string::npos) << format_wire(hello);
  Bytes no_version{4, 0, 0, 16, 0, 0, 0, 0, 0, 1, 0, 8, 0, 0, 0, 0};
  EXPECT_NE(format_wire(no_version).find("version bitmap: 0x01, 0x02, 0x03, 0x04\n unknown"), std::string::npos) << format_wire(no_version);
}

/// OF1.0.1 3.4: entries without wildcards come first, also those with fields that their packets cannot have.
TEST(Text, NoWildcardsMeansHighestPriority) {
  FlowMod mod;
  mod.priority = 1;
  Bytes bytes = encode({.type = MessageType::OFPT_FLOW_MOD, .version = Version::k10, .xid = 1, .body = mod});
  store_be(bytes.data() + kHeaderSize, uint32_t{0});
  store_be(bytes.data() + kHeaderSize + 22, uint16_t{0x0806});
  auto m = decode(bytes);
  ASSERT_TRUE(m);
  EXPECT_EQ(std::get<FlowMod>(m->body).priority, 65535);
}

}  // namespace
}  // namespace sluice::ofp
