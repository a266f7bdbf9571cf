// SPDX-License-Identifier: Apache-2.0
// Which flows a lowered feature keeps out of the datapath.
#include "datapath/feature_limits.h"

#include <gtest/gtest.h>

#include "datapath/odp_text.h"

namespace sluice {
namespace {

struct Case { const char *title, *value, *key, *actions; SlowReason why; };
class Lowered : public testing::TestWithParam<Case> {};

TEST_P(Lowered, KeepsOutWhatNeedsIt) {
  const Case& c = GetParam();
  auto key = parse_odp_key(c.key);
  auto actions = parse_odp_actions(c.actions);
  ASSERT_TRUE(key && actions) << c.key << " " << c.actions;
  FeatureLimits limits;
  EXPECT_EQ(limits.refuse(key->mask, *actions), SlowReason::kNone);
  limits.set(c.title, c.value, "as it is");
  EXPECT_EQ(limits.refuse(key->mask, *actions), c.why);
  limits.set(c.title, "as it is", "as it is");
  EXPECT_TRUE(limits.empty());
}

#define MPLS2 "eth_type(0x8847),mpls(label=1,tc=0,ttl=64,bos=0,label=2,tc=0,ttl=64,bos=1)"
#define TAG2 "eth_type(0x88a8),vlan(vid=1,pcp=0),encap(eth_type(0x8100),vlan(vid=2,pcp=0),encap(eth_type(0x0800)))"
INSTANTIATE_TEST_SUITE_P(Each, Lowered, testing::Values(
    Case{"Truncate action", "No", "eth()", "trunc(100),1", SlowReason::kAction}, Case{"Clone action", "No", "eth()", "clone(1),2", SlowReason::kAction},
    Case{"Clone action", "No", "eth()", "1", SlowReason::kNone}, Case{"Conntrack clear", "No", "eth()", "check_pkt_len(size=5,gt(ct_clear,1),le(2))", SlowReason::kAction},
    Case{"Check pkt length action", "No", "eth()", "check_pkt_len(size=5,gt(1),le(2))", SlowReason::kAction}, Case{"Recirc", "No", "eth()", "recirc(1)", SlowReason::kAction},
    Case{"CT state", "No", "eth()", "ct(commit)", SlowReason::kAction}, Case{"CT state", "No", "ct_state(+trk),eth()", "1", SlowReason::kMatch},
    Case{"CT zone", "No", "eth()", "ct(zone=5)", SlowReason::kAction}, Case{"CT zone", "No", "eth()", "ct(commit)", SlowReason::kNone},
    Case{"CT zone", "No", "ct_zone(0x5),eth()", "1", SlowReason::kMatch}, Case{"CT mark", "No", "eth()", "ct(commit,mark=1/1)", SlowReason::kAction},
    Case{"CT label", "No", "ct_label(0x1/0x1),eth()", "1", SlowReason::kMatch}, Case{"CT state NAT", "No", "eth()", "ct(nat)", SlowReason::kAction},
    Case{"Conntrack timeout policy", "No", "eth()", "ct(commit,timeout=x)", SlowReason::kAction}, Case{"MPLS Label add", "No", "eth()", "add_mpls(label=1,tc=0,ttl=64,bos=1,eth_type=0x8847)", SlowReason::kAction},
    Case{"Max dp_hash algorithm", "0", "eth()", "hash(sym_l4(0)),recirc(1)", SlowReason::kAction}, Case{"Max dp_hash algorithm", "0", "eth()", "hash(l4(0)),recirc(1)", SlowReason::kNone},
    Case{"Sample nesting", "1", "eth()", "sample(sample=50.0%,actions(sample(sample=50.0%,actions(1))))", SlowReason::kAction},
    Case{"Sample nesting", "2", "eth()", "sample(sample=50.0%,actions(sample(sample=50.0%,actions(1))))", SlowReason::kNone},
    Case{"Max VLAN headers", "1", TAG2, "1", SlowReason::kMatch}, Case{"Max VLAN headers", "0", "eth_type(0x8100),vlan(vid=5,pcp=0),encap(eth_type(0x0800))", "1", SlowReason::kMatch},
    Case{"Max MPLS depth", "1", MPLS2, "1", SlowReason::kMatch}, Case{"Max MPLS depth", "2", MPLS2, "1", SlowReason::kNone}));

TEST(FeatureLimits, AreShown) {
  FeatureLimits limits;
  limits.set("Recirc", "No", "Yes");
  std::vector<std::pair<std::string, std::string>> all{{"Ufid", "Yes"}, {"Recirc", "Yes"}};
  EXPECT_EQ(limits.applied_to(all), (std::vector<std::pair<std::string, std::string>>{{"Ufid", "Yes"}, {"Recirc", "No"}}));
}

}  // namespace
}  // namespace sluice
