// SPDX-License-Identifier: Apache-2.0
// See meters.h.
#include "datapath/kernel/meters.h"

#include <algorithm>
#include <cerrno>

#include <linux/openvswitch.h>

namespace sluice {
namespace {

/// Of the probe: two, for it is the second that old kernels make wrong.
constexpr uint32_t kProbeIds[] = {54545401, 54545402};

DpMeterCounter counter_of(const Attr& a) {
  auto s = a.as<ovs_flow_stats>();
  return s ? DpMeterCounter{s->n_packets, s->n_bytes} : DpMeterCounter{};
}

}  // namespace

void encode_meter(uint32_t id, const DpMeter& meter, AttrWriter& out) {
  out.value(OVS_METER_ATTR_ID, id);
  if (!meter.in_packets) out.flag(OVS_METER_ATTR_KBPS);
  out.nest(OVS_METER_ATTR_BANDS, [&] {
    for (const DpMeterBand& b : meter.bands)
      out.nest(0, [&] {
        out.value(OVS_BAND_ATTR_TYPE, uint32_t{OVS_METER_BAND_TYPE_DROP});
        out.value(OVS_BAND_ATTR_RATE, b.rate);
        out.value(OVS_BAND_ATTR_BURST, b.burst ? b.burst : b.rate);
      });
  });
}

std::optional<DpMeterStats> decode_meter_stats(ByteView attrs) {
  DpMeterStats stats;
  bool has_stats = false;
  for (Attr a : Attrs(attrs)) {
    if (a.type == OVS_METER_ATTR_STATS) stats.in = counter_of(a), has_stats = true;
    if (a.type != OVS_METER_ATTR_BANDS) continue;
    for (Attr band : Attrs(a.data)) {
      auto s = Attrs(band.data).find(OVS_BAND_ATTR_STATS);
      stats.bands.push_back(s ? counter_of(*s) : DpMeterCounter{});
    }
  }
  return has_stats ? std::optional(stats) : std::nullopt;
}

DpMeterFeatures decode_meter_features(ByteView attrs) {
  DpMeterFeatures f;
  for (Attr a : Attrs(attrs)) {
    if (a.type == OVS_METER_ATTR_MAX_METERS) f.max_meters = a.as<uint32_t>().value_or(0);
    if (a.type == OVS_METER_ATTR_MAX_BANDS) f.max_bands = static_cast<uint8_t>(std::min<uint32_t>(a.as<uint32_t>().value_or(0), UINT8_MAX));
  }
  return f;
}

MeterRequests::MeterRequests(GenlSocket& socket) : family_(socket, OVS_METER_FAMILY, OVS_METER_VERSION) {}

DpMeterFeatures MeterRequests::features(int dp_ifindex) {
  const DpMeter probe{.in_packets = true, .bands = {{.rate = 1, .burst = 1}}};
  bool works = true;
  for (uint32_t id : kProbeIds) {
    auto made = family_.transact(dp_ifindex, OVS_METER_CMD_SET, [&](AttrWriter& w) { encode_meter(id, probe, w); });
    auto told = made ? Attrs(made->attrs).find(OVS_METER_ATTR_ID) : std::nullopt;
    works &= told && told->as<uint32_t>() == id;
  }
  for (uint32_t id : kProbeIds) remove(dp_ifindex, id);
  if (!works) return {};
  auto reply = family_.transact(dp_ifindex, OVS_METER_CMD_FEATURES, [](AttrWriter&) {});
  return reply ? decode_meter_features(reply->attrs) : DpMeterFeatures{};
}

int MeterRequests::set(int dp_ifindex, uint32_t id, const DpMeter& meter) {
  auto done = family_.transact(dp_ifindex, OVS_METER_CMD_SET, [&](AttrWriter& w) { encode_meter(id, meter, w); });
  return done ? 0 : done.error();
}

std::expected<DpMeterStats, int> MeterRequests::get(int dp_ifindex, uint32_t id) {
  auto reply = family_.transact(dp_ifindex, OVS_METER_CMD_GET, [&](AttrWriter& w) { w.value(OVS_METER_ATTR_ID, id); });
  if (!reply) return std::unexpected(reply.error());
  auto stats = decode_meter_stats(reply->attrs);
  return stats ? std::expected<DpMeterStats, int>(*stats) : std::unexpected(ENOENT);
}

int MeterRequests::remove(int dp_ifindex, uint32_t id) {
  auto done = family_.transact(dp_ifindex, OVS_METER_CMD_DEL, [&](AttrWriter& w) { w.value(OVS_METER_ATTR_ID, id); });
  return done ? 0 : done.error();
}

}  // namespace sluice
