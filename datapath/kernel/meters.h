// SPDX-License-Identifier: Apache-2.0
// Meters of openvswitch.ko: generic netlink family ovs_meter.
#pragma once

#include <expected>
#include <optional>

#include "datapath/kernel/optional_family.h"
#include "datapath/meter.h"

namespace sluice {

/// The attributes of OVS_METER_CMD_SET.
void encode_meter(uint32_t id, const DpMeter& meter, AttrWriter& out);
std::optional<DpMeterStats> decode_meter_stats(ByteView attrs);
DpMeterFeatures decode_meter_features(ByteView attrs);

/// Errors: errno; EOPNOTSUPP: the module has no meters.
class MeterRequests {
 public:
  explicit MeterRequests(GenlSocket& socket);
  /// Nothing of it if there are no meters, or if those that there are don't work: before Linux 4.18 the kernel told wrong ids.
  DpMeterFeatures features(int dp_ifindex);
  int set(int dp_ifindex, uint32_t id, const DpMeter& meter);
  std::expected<DpMeterStats, int> get(int dp_ifindex, uint32_t id);
  int remove(int dp_ifindex, uint32_t id);
  void forget() { family_.forget(); }   // OptionalFamily

 private:
  OptionalFamily family_;
};

}  // namespace sluice
