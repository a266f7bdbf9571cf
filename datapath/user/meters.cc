// SPDX-License-Identifier: Apache-2.0
// See meters.h.
#include "datapath/user/meters.h"

#include <algorithm>
#include <cerrno>

namespace sluice {
namespace {

// Tokens: bits, or thousandths of a packet.
constexpr uint64_t kPerUnit = 1000;
constexpr uint64_t kSecond = 1'000'000'000;   // ns
__extension__ using Wide = unsigned __int128;   // a rate of 2^32 kbit/s times a second in ns
constexpr uint64_t kLongEnough = 3600;        // seconds, after which a bucket of any rate is as full as it was going to be

}  // namespace

int UserMeters::set(uint32_t id, const DpMeter& config, Time now) {
  if (id >= kFeatures.max_meters) return EFBIG;
  if (config.bands.empty() || config.bands.size() > kFeatures.max_bands) return EINVAL;
  Meter m{.config = config, .stats = {}, .buckets = {}, .filled = now};
  m.stats.bands.resize(config.bands.size());
  for (const DpMeterBand& b : config.bands) {
    uint64_t burst = uint64_t{b.burst ? b.burst : b.rate} * kPerUnit;
    m.buckets.push_back({.rate = uint64_t{b.rate} * kPerUnit, .burst = burst, .tokens = burst});
  }
  meters_[id] = std::move(m);
  return 0;
}

std::optional<DpMeterStats> UserMeters::stats(uint32_t id) const {
  auto m = meters_.find(id);
  return m == meters_.end() ? std::nullopt : std::optional(m->second.stats);
}

void UserMeters::fill(Meter& m, Time now) {
  if (now <= m.filled) return;
  auto ns = static_cast<uint64_t>((now - m.filled).count());
  m.filled = now;
  for (Bucket& b : m.buckets) {
    uint64_t seconds = std::min(ns / kSecond, kLongEnough);
    Wide part = b.part + Wide{ns % kSecond} * b.rate;
    b.tokens = std::min(b.burst, b.tokens + seconds * b.rate + static_cast<uint64_t>(part / kSecond));
    b.part = b.tokens == b.burst ? 0 : static_cast<uint64_t>(part % kSecond);
  }
}

bool UserMeters::pass(uint32_t id, size_t packet_size, Time now) {
  auto found = meters_.find(id);
  if (found == meters_.end()) return true;
  Meter& m = found->second;
  fill(m, now);
  m.stats.in.packets++;
  m.stats.in.bytes += packet_size;
  uint64_t cost = m.config.in_packets ? kPerUnit : packet_size * 8;
  size_t exceeded = m.buckets.size();
  for (size_t i = 0; i < m.buckets.size(); i++)
    if (m.buckets[i].tokens < cost && (exceeded == m.buckets.size() || m.buckets[i].rate > m.buckets[exceeded].rate)) exceeded = i;
  if (exceeded < m.buckets.size()) {
    m.stats.bands[exceeded].packets++;
    m.stats.bands[exceeded].bytes += packet_size;
    return false;
  }
  for (Bucket& b : m.buckets) b.tokens -= cost;
  return true;
}

}  // namespace sluice
