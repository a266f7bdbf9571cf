// SPDX-License-Identifier: Apache-2.0
// Limits of connections per conntrack zone: generic netlink family ovs_ct_limit.
#pragma once

#include <cstdint>
#include <expected>
#include <vector>

#include "datapath/ct_entry.h"
#include "datapath/kernel/optional_family.h"

namespace sluice {

/// The attributes of a request, and those of an answer.
void encode_zone_limits(const std::vector<CtZoneLimit>& limits, AttrWriter& out);
std::vector<CtZoneLimit> decode_zone_limits(ByteView attrs);

/// Errors: errno; EOPNOTSUPP: the module has no conntrack limits.
class ZoneLimitRequests {
 public:
  explicit ZoneLimitRequests(GenlSocket& socket);
  int set(int dp_ifindex, const std::vector<CtZoneLimit>& limits);
  int remove(int dp_ifindex, const std::vector<uint16_t>& zones);
  /// Of these zones, or of all that have a limit; the default always is among them.
  std::expected<std::vector<CtZoneLimit>, int> get(int dp_ifindex, const std::vector<uint16_t>& zones);

 private:
  std::expected<GenlMessage, int> request(int dp_ifindex, uint8_t command, const std::vector<CtZoneLimit>& limits);
  OptionalFamily family_;
};

}  // namespace sluice
