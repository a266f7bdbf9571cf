// SPDX-License-Identifier: Apache-2.0
// Limits of connections per conntrack zone: generic netlink family ovs_ct_limit.
#pragma once

#include <cstdint>
#include <expected>
#include <vector>

#include "datapath/kernel/genl_socket.h"

namespace sluice {

struct ZoneLimit {
  int32_t zone = -1;           // -1: of the zones that have none of their own
  uint32_t limit = 0;          // connections; 0: no limit
  uint32_t count = 0;          // there are now
  friend bool operator==(const ZoneLimit&, const ZoneLimit&) = default;
};

/// The attributes of a request, and those of an answer.
void encode_zone_limits(const std::vector<ZoneLimit>& limits, AttrWriter& out);
std::vector<ZoneLimit> decode_zone_limits(ByteView attrs);

/// Errors: errno; ENOENT: the module has no conntrack limits.
class ZoneLimitRequests {
 public:
  explicit ZoneLimitRequests(GenlSocket& socket) : socket_(socket) {}
  int set(int dp_ifindex, const std::vector<ZoneLimit>& limits);
  int remove(int dp_ifindex, const std::vector<uint16_t>& zones);
  /// Of these zones, or of all that have a limit; the default always is among them.
  std::expected<std::vector<ZoneLimit>, int> get(int dp_ifindex, const std::vector<uint16_t>& zones);

 private:
  std::expected<GenlMessage, int> request(int dp_ifindex, uint8_t command, const std::vector<ZoneLimit>& limits);
  GenlSocket& socket_;
  uint16_t family_ = 0;
};

}  // namespace sluice
