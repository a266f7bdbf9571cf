// SPDX-License-Identifier: Apache-2.0
// Which flows get a megaflow under overload.
#include "ofproto/doorkeeper.h"

#include <gtest/gtest.h>

#include <random>

namespace sluice {
namespace {

constexpr Time kStart{seconds(1000)};

/// Turns of a millisecond in which packets wait.
Time overload(Doorkeeper& d, Time now, Duration how_long) {
  for (Time end = now + how_long; now < end; now += milliseconds(1)) d.turned(true, now);
  return now;
}

TEST(Doorkeeper, AdmitsAllWithoutOverload) {
  Doorkeeper d;
  Time now = kStart;
  for (uint64_t i = 1; i < 1000; i++) {
    EXPECT_TRUE(d.admits(i * 0x9e3779b97f4a7c15));
    d.turned(i % 50 != 0, now += milliseconds(1));   // there are pauses
  }
  EXPECT_EQ(d.turned_away(), 0u);
}

TEST(Doorkeeper, UnderOverloadAFlowIsAdmittedWithItsSecondPacket) {
  Doorkeeper d;
  Time now = overload(d, kStart, Doorkeeper::kPatience + milliseconds(2));
  ASSERT_TRUE(d.is_overloaded());
  std::mt19937_64 rng(1);
  std::vector<uint64_t> flows;
  for (int i = 0; i < 500; i++) flows.push_back(rng());
  for (uint64_t f : flows) EXPECT_FALSE(d.admits(f));
  size_t admitted = 0;
  for (uint64_t f : flows) admitted += d.admits(f);
  EXPECT_GT(admitted, 490u);   // but for those of the same place
  d.turned(false, now);
  EXPECT_FALSE(d.is_overloaded());
  EXPECT_TRUE(d.admits(rng()));
}

TEST(Doorkeeper, RestsWhereFlowsHaveManyPackets) {
  Doorkeeper d;
  Time now = overload(d, kStart, Doorkeeper::kPatience + milliseconds(2));
  std::mt19937_64 rng(2);
  for (int i = 0; i < 1000; i++) {
    uint64_t f = rng();
    (void)d.admits(f), (void)d.admits(f);
  }
  now = overload(d, now, Doorkeeper::kTrial);
  EXPECT_FALSE(d.is_overloaded());
  EXPECT_TRUE(d.admits(rng()));
  now = overload(d, now, Doorkeeper::kRest + milliseconds(2));
  EXPECT_TRUE(d.is_overloaded());   // another try
  for (int i = 0; i < 1000; i++) (void)d.admits(rng());
  overload(d, now, Doorkeeper::kTrial);
  EXPECT_TRUE(d.is_overloaded());   // of use
}

}  // namespace
}  // namespace sluice
