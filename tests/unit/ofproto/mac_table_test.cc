// SPDX-License-Identifier: Apache-2.0
// MacTable: learning, moving, ageing, eviction, static entries.
#include "ofproto/mac_table.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

MacAddr mac(uint64_t n) { return MacAddr::from_u64(0x020000000000 + n); }
Time at(int64_t s) { return Time{} + seconds(s); }

TEST(MacTable, LearnsAndMoves) {
  MacTable t(10, seconds(300));
  EXPECT_EQ(t.lookup(mac(1), 0), nullptr);
  EXPECT_TRUE(t.would_learn(mac(1), 0, 7));
  t.learn(mac(1), 0, 7, at(1));
  ASSERT_NE(t.lookup(mac(1), 0), nullptr);
  EXPECT_EQ(t.lookup(mac(1), 0)->port, 7u);
  EXPECT_EQ(t.lookup(mac(1), 5), nullptr);
  uint64_t before = t.generation();
  t.learn(mac(1), 0, 7, at(2));
  EXPECT_EQ(t.generation(), before) << "a refresh changes no decision";
  t.learn(mac(1), 0, 8, at(3));
  EXPECT_EQ(t.lookup(mac(1), 0)->port, 8u);
  EXPECT_GT(t.generation(), before);
  EXPECT_EQ(t.stats().moved, 1u);
}

TEST(MacTable, AgesFromLastUse) {
  MacTable t(10, seconds(300));
  t.learn(mac(1), 0, 1, at(0));
  t.learn(mac(2), 0, 1, at(10));
  t.learn(mac(1), 0, 1, at(20));
  EXPECT_EQ(t.deadline(), at(310));
  t.expire(at(310));
  EXPECT_EQ(t.lookup(mac(2), 0), nullptr);
  EXPECT_NE(t.lookup(mac(1), 0), nullptr);
  t.expire(at(319));
  EXPECT_NE(t.lookup(mac(1), 0), nullptr);
  t.expire(at(320));
  EXPECT_EQ(t.lookup(mac(1), 0), nullptr);
  EXPECT_EQ(t.deadline(), kNever);
}

TEST(MacTable, LateStatisticsKeepTheOrder) {
  MacTable t(10, seconds(300));
  t.learn(mac(1), 0, 1, at(50));
  t.learn(mac(2), 0, 1, at(40));
  t.learn(mac(3), 0, 1, at(60));
  t.learn(mac(2), 0, 1, at(45));
  Time last{};
  for (const MacEntry& e : t.entries()) {
    EXPECT_GE(e.used, last);
    last = e.used;
  }
}

TEST(MacTable, LateStatisticsMoveNothing) {
  MacTable t(10, seconds(300));
  t.learn(mac(1), 0, 1, at(50));
  t.learn(mac(1), 0, 2, at(40));
  EXPECT_EQ(t.lookup(mac(1), 0)->port, 1u);
  t.learn(mac(1), 0, 2, at(50));
  EXPECT_EQ(t.lookup(mac(1), 0)->port, 2u);
}

TEST(MacTable, EvictsTheLeastRecentlyUsed) {
  MacTable t(3, seconds(300));
  t.add_static(mac(9), 0, 1, at(0));
  for (int i = 1; i <= 3; i++) t.learn(mac(i), 0, 1, at(i));
  EXPECT_EQ(t.lookup(mac(1), 0), nullptr);
  EXPECT_NE(t.lookup(mac(9), 0), nullptr) << "static entries stay";
  EXPECT_EQ(t.stats().evicted, 1u);
}

TEST(MacTable, StaticEntriesNeitherMoveNorAge) {
  MacTable t(3, seconds(10));
  t.add_static(mac(1), 4, 2, at(0));
  EXPECT_FALSE(t.would_learn(mac(1), 4, 3));
  t.learn(mac(1), 4, 3, at(1));
  t.expire(at(1000));
  ASSERT_NE(t.lookup(mac(1), 4), nullptr);
  EXPECT_EQ(t.lookup(mac(1), 4)->port, 2u);
  EXPECT_EQ(t.deadline(), kNever);
}

}  // namespace
}  // namespace sluice
