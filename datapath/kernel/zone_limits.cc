// SPDX-License-Identifier: Apache-2.0
// See zone_limits.h.
#include "datapath/kernel/zone_limits.h"

#include <cerrno>

#include <linux/openvswitch.h>

namespace sluice {

// The attribute holds structs one after another, not attributes.
void encode_zone_limits(const std::vector<CtZoneLimit>& limits, AttrWriter& out) {
  Bytes all;
  for (const CtZoneLimit& l : limits) {
    ovs_zone_limit z{.zone_id = l.zone, .limit = l.limit, .count = 0};
    auto* p = reinterpret_cast<const uint8_t*>(&z);
    all.insert(all.end(), p, p + sizeof z);
  }
  out.put(OVS_CT_LIMIT_ATTR_ZONE_LIMIT, all);
}

std::vector<CtZoneLimit> decode_zone_limits(ByteView attrs) {
  std::vector<CtZoneLimit> limits;
  auto all = Attrs(attrs).find(OVS_CT_LIMIT_ATTR_ZONE_LIMIT);
  for (ByteView left = all ? all->data : ByteView{}; left.size() >= sizeof(ovs_zone_limit); left = left.subspan(sizeof(ovs_zone_limit))) {
    ovs_zone_limit z;
    std::memcpy(&z, left.data(), sizeof z);
    limits.push_back({z.zone_id, z.limit, z.count});
  }
  return limits;
}

ZoneLimitRequests::ZoneLimitRequests(GenlSocket& socket) : family_(socket, OVS_CT_LIMIT_FAMILY, OVS_CT_LIMIT_VERSION) {}

std::expected<GenlMessage, int> ZoneLimitRequests::request(int dp_ifindex, uint8_t command, const std::vector<CtZoneLimit>& limits) {
  return family_.transact(dp_ifindex, command, [&](AttrWriter& w) {
    if (!limits.empty() || command != OVS_CT_LIMIT_CMD_GET) encode_zone_limits(limits, w);
  });
}

int ZoneLimitRequests::set(int dp_ifindex, const std::vector<CtZoneLimit>& limits) {
  auto done = request(dp_ifindex, OVS_CT_LIMIT_CMD_SET, limits);
  return done ? 0 : done.error();
}

int ZoneLimitRequests::remove(int dp_ifindex, const std::vector<uint16_t>& zones) {
  std::vector<CtZoneLimit> limits;
  for (uint16_t zone : zones) limits.push_back({.zone = zone});
  auto done = request(dp_ifindex, OVS_CT_LIMIT_CMD_DEL, limits);
  return done ? 0 : done.error();
}

std::expected<std::vector<CtZoneLimit>, int> ZoneLimitRequests::get(int dp_ifindex, const std::vector<uint16_t>& zones) {
  std::vector<CtZoneLimit> limits;
  if (!zones.empty()) limits.push_back({.zone = -1});
  for (uint16_t zone : zones) limits.push_back({.zone = zone});
  auto reply = request(dp_ifindex, OVS_CT_LIMIT_CMD_GET, limits);
  if (!reply) return std::unexpected(reply.error());
  return decode_zone_limits(reply->attrs);
}

}  // namespace sluice
