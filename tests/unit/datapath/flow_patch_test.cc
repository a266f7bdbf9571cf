// SPDX-License-Identifier: Apache-2.0
// A FlowPatch says what the two Flows say that it stands for, however it was made.
#include <gtest/gtest.h>

#include <random>

#include "datapath/flow_patch.h"
#include "datapath/odp_action.h"

namespace sluice {
namespace {

TEST(FlowPatch, IsAFlowWithItsMask) {
  std::mt19937_64 rng(1);
  for (int i = 0; i < 1000; i++) {
    Flow value{}, mask{};
    for (int n = static_cast<int>(rng() % 5); n > 0; n--) {
      size_t at = rng() % kFlowWords;
      if (rng() % 8) mask.words()[at] = rng();
      if (rng() % 8) value.words()[at] = rng();
    }
    FlowPatch patch(value, mask);
    EXPECT_TRUE(patch.value() == value);
    EXPECT_TRUE(patch.mask() == mask);
  }
}

TEST(FlowPatch, MembersInAnyOrder) {
  Flow value{}, mask{};
  value.eth_src = MacAddr{{1, 2, 3, 4, 5, 6}}, mask.eth_src = MacAddr{{255, 255, 255, 0, 0, 1}};   // across words
  value.eth_dst = MacAddr{{0, 2, 0, 0, 5, 6}}, mask.eth_dst = MacAddr{{0, 255, 0, 0, 255, 255}};
  value.ipv6_dst.b[15] = 7, mask.ipv6_dst.b[15] = 255;                                             // one of its words only
  FlowPatch one, other;
  one.put(offsetof(Flow, ipv6_dst), value.ipv6_dst, mask.ipv6_dst);
  one.put(offsetof(Flow, eth_src), value.eth_src, mask.eth_src);
  one.put(offsetof(Flow, eth_dst), value.eth_dst, mask.eth_dst);
  other.put(offsetof(Flow, eth_dst), value.eth_dst, mask.eth_dst);
  other.put(offsetof(Flow, eth_src), value.eth_src, mask.eth_src);
  other.put(offsetof(Flow, ipv6_dst), value.ipv6_dst, mask.ipv6_dst);
  EXPECT_TRUE(one == FlowPatch(value, mask));
  EXPECT_TRUE(other == one);
  EXPECT_EQ(one.words().size(), 3u);
}

TEST(FlowPatch, KeepsActionsSmall) { EXPECT_LE(sizeof(OdpAction), 256u); }

}  // namespace
}  // namespace sluice
