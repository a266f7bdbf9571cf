// SPDX-License-Identifier: Apache-2.0
// Token buckets in virtual time, against a naive one in exact arithmetic.
#include "datapath/user/meters.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <chrono>
#include <random>

namespace sluice {
namespace {

constexpr Time kStart{seconds(1000)};

DpMeter packets_a_second(uint32_t rate, uint32_t burst = 0) { return {.in_packets = true, .bands = {{.rate = rate, .burst = burst}}}; }

unsigned passed(UserMeters& meters, unsigned packets, Time now, size_t size = 100) {
  unsigned n = 0;
  for (unsigned i = 0; i < packets; i++) n += meters.pass(1, size, now);
  return n;
}

TEST(UserMeters, ABucketBeginsFullAndFillsAtTheRate) {
  UserMeters meters;
  ASSERT_EQ(meters.set(1, packets_a_second(10, 20), kStart), 0);
  EXPECT_EQ(passed(meters, 100, kStart), 20u);
  EXPECT_EQ(passed(meters, 100, kStart + milliseconds(99)), 0u);
  EXPECT_EQ(passed(meters, 100, kStart + milliseconds(100)), 1u);
  EXPECT_EQ(passed(meters, 100, kStart + milliseconds(600)), 5u);
  EXPECT_EQ(passed(meters, 100, kStart + seconds(3600)), 20u);
  DpMeterStats s = *meters.stats(1);
  EXPECT_EQ(s.in, (DpMeterCounter{500, 50000}));
  ASSERT_EQ(s.bands.size(), 1u);
  EXPECT_EQ(s.bands[0], (DpMeterCounter{454, 45400}));
}

TEST(UserMeters, WithoutABurstABucketHoldsASecond) {
  UserMeters meters;
  ASSERT_EQ(meters.set(1, {.in_packets = false, .bands = {{.rate = 8, .burst = 0}}}, kStart), 0);   // 8 kbit/s: 10 packets of 100 bytes
  EXPECT_EQ(passed(meters, 100, kStart), 10u);
  EXPECT_EQ(passed(meters, 100, kStart + milliseconds(500)), 5u);
}

TEST(UserMeters, TheHighestBandThatIsExceededCounts) {
  UserMeters meters;
  ASSERT_EQ(meters.set(1, {.in_packets = true, .bands = {{.rate = 1, .burst = 1}, {.rate = 5, .burst = 1}, {.rate = 100, .burst = 0}}}, kStart), 0);
  EXPECT_EQ(passed(meters, 3, kStart), 1u);
  DpMeterStats s = *meters.stats(1);
  EXPECT_EQ(s.bands[0].packets, 0u);
  EXPECT_EQ(s.bands[1].packets, 2u);
  EXPECT_EQ(s.bands[2].packets, 0u);
}

TEST(UserMeters, WhatIsNoMeter) {
  UserMeters meters;
  EXPECT_EQ(meters.set(UserMeters::kFeatures.max_meters, packets_a_second(1), kStart), EFBIG);
  EXPECT_EQ(meters.set(1, {.in_packets = true, .bands = {}}, kStart), EINVAL);
  EXPECT_EQ(meters.set(1, {.in_packets = true, .bands = std::vector<DpMeterBand>(9, {.rate = 1})}, kStart), EINVAL);
  EXPECT_FALSE(meters.stats(1));
  EXPECT_EQ(passed(meters, 10, kStart), 10u);   // a meter that is not there
  ASSERT_EQ(meters.set(1, packets_a_second(1), kStart), 0);
  meters.remove(1);
  EXPECT_EQ(passed(meters, 10, kStart), 10u);
}

TEST(UserMeters, LikeOneInExactArithmetic) {
  std::mt19937 random(1);
  for (int round = 0; round < 50; round++) {
    uint64_t rate = 1 + random() % (round % 2 ? 20 : UINT32_MAX), burst = 1 + random() % 50;
    bool in_packets = random() % 2;
    UserMeters meters;
    ASSERT_EQ(meters.set(1, {.in_packets = in_packets, .bands = {{.rate = static_cast<uint32_t>(rate), .burst = static_cast<uint32_t>(burst)}}}, kStart), 0);
    // In units of 1e-9 of a token, where a token is a bit or a thousandth of a packet.
    __extension__ typedef unsigned __int128 Wide;
    const Wide full = Wide{burst} * 1000 * 1'000'000'000;
    Wide tokens = full;
    Time now = kStart;
    for (int i = 0; i < 300; i++) {
      auto step = std::chrono::nanoseconds(random() % 200'000'000);
      now += step;
      tokens = std::min(full, tokens + Wide{static_cast<uint64_t>(step.count())} * rate * 1000);
      size_t size = 60 + random() % 1400;
      Wide cost = (in_packets ? Wide{1000} : Wide{size} * 8) * 1'000'000'000;
      bool wanted = tokens >= cost;
      if (wanted) tokens -= cost;
      ASSERT_EQ(meters.pass(1, size, now), wanted) << "round " << round << " packet " << i << " rate " << rate << " burst " << burst;
    }
  }
}

}  // namespace
}  // namespace sluice
