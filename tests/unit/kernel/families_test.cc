// SPDX-License-Identifier: Apache-2.0
// Families ovs_meter and ovs_ct_limit: bytes as linux/openvswitch.h lays them out, answers read back, and answers that are cut.
// Little-endian machines only, as far as bytes are written out here.
#include <gtest/gtest.h>

#include <linux/openvswitch.h>

#include "datapath/kernel/meters.h"
#include "datapath/kernel/zone_limits.h"
#include "lib/text.h"

namespace sluice {
namespace {

template <typename Fn>
Bytes written(Fn write) {
  Bytes out;
  AttrWriter writer(out);
  write(writer);
  EXPECT_TRUE(writer.ok());
  return out;
}

TEST(Meters, AreSetByTheseBytes) {
  Bytes kbps = written([](AttrWriter& w) { encode_meter(5, {.in_packets = false, .bands = {{.rate = 1000, .burst = 200}}}, w); });
  EXPECT_EQ(hex(kbps),
            "0800010005000000"                                                // ID 5
            "04000200"                                                        // KBPS
            "20000400"                                                        // BANDS
            "1c000000" "0800010001000000" "08000200e8030000" "08000300c8000000");  // TYPE drop, RATE 1000, BURST 200
  Bytes pps = written([](AttrWriter& w) { encode_meter(0, {.in_packets = true, .bands = {{.rate = 1}, {.rate = 2, .burst = 3}}}, w); });
  EXPECT_EQ(hex(pps),
            "0800010000000000" "3c000400"
            "1c000000" "0800010001000000" "0800020001000000" "0800030001000000"    // a burst of none is that of a second
            "1c000000" "0800010001000000" "0800020002000000" "0800030003000000");
}

Bytes meter_answer() {
  return written([](AttrWriter& w) {
    w.value(OVS_METER_ATTR_ID, uint32_t{5});
    w.value(OVS_METER_ATTR_STATS, ovs_flow_stats{.n_packets = 10, .n_bytes = 1000});
    w.value(99, uint32_t{1});   // of a newer kernel
    w.nest(OVS_METER_ATTR_BANDS, [&] {
      for (uint64_t n : {3, 4}) w.nest(0, [&] { w.value(OVS_BAND_ATTR_STATS, ovs_flow_stats{.n_packets = n, .n_bytes = 100 * n}); });
    });
  });
}

TEST(Meters, AnswersAreRead) {
  auto stats = decode_meter_stats(meter_answer());
  ASSERT_TRUE(stats);
  EXPECT_EQ(*stats, (DpMeterStats{.in = {10, 1000}, .bands = {{3, 300}, {4, 400}}}));
  Bytes features = written([](AttrWriter& w) { w.value(OVS_METER_ATTR_MAX_METERS, uint32_t{200000}), w.value(OVS_METER_ATTR_MAX_BANDS, uint32_t{1000}); });
  EXPECT_EQ(decode_meter_features(features), (DpMeterFeatures{.max_meters = 200000, .max_bands = 255}));
  EXPECT_EQ(decode_meter_features({}), DpMeterFeatures{});
}

TEST(Meters, AnswersThatAreCutAreNotReadBeyond) {
  Bytes whole = meter_answer();
  for (size_t n = 0; n < whole.size(); n++) {
    Bytes cut(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(n));
    (void)decode_meter_stats(cut);
    (void)decode_meter_features(cut);
    (void)decode_zone_limits(cut);
  }
}

TEST(ZoneLimits, BytesAndBack) {
  std::vector<CtZoneLimit> limits{{.zone = -1, .limit = 10}, {.zone = 5, .limit = 3}};
  Bytes bytes = written([&](AttrWriter& w) { encode_zone_limits(limits, w); });
  EXPECT_EQ(hex(bytes), "1c000100" "ffffffff" "0a000000" "00000000" "05000000" "03000000" "00000000");
  EXPECT_EQ(decode_zone_limits(bytes), limits);
  EXPECT_EQ(hex(written([](AttrWriter& w) { encode_zone_limits({}, w); })), "04000100");
}

}  // namespace
}  // namespace sluice
