// SPDX-License-Identifier: Apache-2.0
// What flows and groups can make one packet, or one request, cost is bounded: things that double at each step end in an error, and soon.
#include <fmt/core.h>

#include "ofproto/openflow/group_text.h"
#include "switch_fixture.h"

namespace sluice {
namespace {

constexpr int kSteps = 50;   // 2^50 of anything would not end

class BoundsTest : public SwitchFixture {
 protected:
  BoundsTest() { add_ports(*br, 2); }
  ofp::Error group(const std::string& text) {
    auto parsed = ofp::parse_group(text, ofp::GroupCommand::kAdd);
    EXPECT_TRUE(parsed) << parsed.error();
    auto done = br->group_mod(parsed->mod, now);
    return done ? ofp::Error{} : done.error();
  }
  bool added(const std::string& text) { return group(text) == ofp::Error{}; }
};

TEST_F(BoundsTest, GroupsThatDouble) {
  ASSERT_TRUE(added("group_id=1,type=all,bucket=output:2"));
  for (int i = 2; i <= kSteps; i++) ASSERT_TRUE(added(fmt::format("group_id={0},type=all,bucket=group:{1},bucket=group:{1}", i, i - 1)));
  flow(fmt::format("in_port=1,actions=group:{}", kSteps));
  EXPECT_NE(trace("in_port=1").find("over 4096 resubmit actions"), std::string::npos);
  flow("in_port=1,actions=group:3");
  EXPECT_EQ(actions_of("in_port=1"), "2,2,2,2");
}

TEST_F(BoundsTest, PatchPortsThatDouble) {
  Bridge& br1 = add_bridge("br1");
  for (int i = 0; i < 2; i++) {
    add_port(*br, fmt::format("a{}", i), "patch", 10 + i, fmt::format("b{}", i));
    add_port(br1, fmt::format("b{}", i), "patch", 10 + i, fmt::format("a{}", i));
  }
  flow("actions=output:10,output:11,IN_PORT");
  br = &br1;
  flow("actions=output:10,output:11,IN_PORT");
  EXPECT_NE(trace("in_port=1").find("over "), std::string::npos);
}

TEST_F(BoundsTest, GroupsThatWatchEachOther) {
  ASSERT_TRUE(added("group_id=1,type=ff,bucket=watch_port:99,output:2"));   // dead
  for (int i = 2; i <= kSteps; i++) ASSERT_TRUE(added(fmt::format("group_id={0},type=ff,bucket=watch_group:{1},output:1,bucket=watch_group:{1},output:2", i, i - 1)));
  flow(fmt::format("in_port=1,actions=group:{}", kSteps));
  EXPECT_EQ(actions_of("in_port=1"), "drop");
  ASSERT_TRUE(added(fmt::format("group_id={},type=ff,bucket=watch_port:2,output:2", kSteps + 1)));
  flow(fmt::format("in_port=1,actions=group:{}", kSteps + 1));
  EXPECT_EQ(actions_of("in_port=1"), "2");
}

TEST_F(BoundsTest, GroupsInACircleEnd) {
  ASSERT_TRUE(added("group_id=3,type=all,bucket=group:3"));
  ASSERT_TRUE(added("group_id=1,type=all,bucket=output:2"));
  ASSERT_TRUE(added("group_id=2,type=all,bucket=clone(group:1),bucket=group:1"));
  ofp::GroupMod mod = ofp::parse_group("group_id=1,type=all,bucket=clone(group:2),bucket=group:2", ofp::GroupCommand::kModify)->mod;
  ASSERT_TRUE(br->group_mod(mod, now));
  flow("in_port=1,actions=group:1");
  flow("in_port=2,actions=group:3");
  for (const char* in : {"in_port=1", "in_port=2"}) {
    EXPECT_EQ(actions_of(in), "drop");
    EXPECT_NE(trace(in).find("over "), std::string::npos);   // more than so many
  }
}

}  // namespace
}  // namespace sluice
