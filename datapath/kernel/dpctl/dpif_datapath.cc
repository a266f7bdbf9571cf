// SPDX-License-Identifier: Apache-2.0
// See dpif_datapath.h.
#include "datapath/kernel/dpctl/dpif_datapath.h"

#include <algorithm>
#include <bit>

#include "datapath/odp_fields.h"

namespace sluice {
namespace {

constexpr be16 kAll16(UINT16_MAX);
constexpr be32 kAll32(UINT32_MAX);

DpctlFlow flow_of(const Megaflow& f, const OdpTextOptions& text) {
  return {.ufid = f.ufid, .key = format_odp_key(f.key, f.mask, text), .actions = format_odp_actions(f.actions, text), .flow = f.key, .mask = f.mask, .stats = f.stats};
}

/// The key says where from and what its layers are: a port, an EtherType, and the attribute of each protocol that it names.
bool is_complete(const OdpKeyMask& km) {
  auto given = [&](uint16_t type) { return km.given >> type & 1; };
  if (!given(OVS_KEY_ATTR_ETHERTYPE) || !given(OVS_KEY_ATTR_IN_PORT)) return false;
  return std::ranges::all_of(kProtocolAttributes, [&](const OdpProtocolAttribute& p) {
    bool optional = p.attribute.type == OVS_KEY_ATTR_TCP_FLAGS || p.attribute.type == OVS_KEY_ATTR_ND_EXTENSIONS || (km.key.nw_frag & kFragLater);
    return optional || given(p.attribute.type) || !p.applies(km.key);
  });
}

/// What is asked for by not being said: no tag, no recirculation.
Flow whole_mask(const OdpKeyMask& km) {
  Flow mask = km.mask;
  mask.recirc_id = kAll32;
  mask.vlan_tci = km.key.vlan_tci ? mask.vlan_tci : kAll16;
  return mask;
}

}  // namespace

int DpifDpctl::destroy() {
  if (hooks_.destroy) hooks_.destroy();
  return 0;
}

std::expected<std::vector<DpctlPort>, int> DpifDpctl::ports() {
  std::vector<DpctlPort> ports;
  if (!dpif_.is_kernel() && !dpif_.netdev(kOdpLocal)) ports.push_back({kOdpLocal, dpif_.name(), hooks_.local_type, {}});
  for (const DpPort& p : dpif_.ports()) ports.push_back({p.port, p.name, p.type, {}});
  return ports;
}

std::optional<NetdevStats> DpifDpctl::port_stats(const DpctlPort& port) {
  Netdev* dev = dpif_.netdev(port.port);
  return dev ? dev->stats() : NetdevStats{};
}

int DpifDpctl::can_open(const NetdevSpec& spec) { return !hooks_.factory || hooks_.factory->has(spec.type) ? 0 : EAFNOSUPPORT; }

int DpifDpctl::port_add(const NetdevSpec& spec, std::optional<OdpPort> wanted) {
  for (const DpPort& p : dpif_.ports()) {
    if (p.name == spec.name) return EEXIST;
    if (wanted && p.port == *wanted) return EBUSY;
  }
  if (wanted == kOdpLocal) return EBUSY;
  return dpif_.port_add(spec, wanted) ? 0 : ENODEV;
}

int DpifDpctl::port_del(OdpPort port) {
  if (!dpif_.netdev(port)) return port == kOdpLocal ? EINVAL : ENODEV;
  dpif_.port_del(port);
  return 0;
}

std::optional<Megaflow> DpifDpctl::find(const std::function<bool(const Megaflow&)>& is_it) {
  std::optional<Megaflow> found;
  size_t found_bits = 0;
  for (uint64_t from = 0; (from = dpif_.flow_dump(from, 10000, [&](const Megaflow& f) {
         if (!is_it(f)) return true;
         size_t bits = 0;
         for (uint64_t w : f.mask.words()) bits += static_cast<size_t>(std::popcount(w));
         if (!found || bits > found_bits) found = f, found_bits = bits;
         return true;
       })) != 0;) {
  }
  return found;
}

int DpifDpctl::flow_put(const Put& put, FlowStats& old_stats, Time now) {
  if (!is_complete(put.key)) return EINVAL;
  auto old = find([&](const Megaflow& f) { return equal_under(f.key, put.key.key, f.mask); });
  if (put.how == DpctlPut::kCreate && old) return EEXIST;
  if (put.how == DpctlPut::kModify && !old) return ENOENT;
  if (old) old_stats = old->stats;
  Flow key = old ? old->key : put.key.key, mask = old ? old->mask : whole_mask(put.key);
  SlowReason slow = hooks_.put ? hooks_.put(key, mask, put.actions, now)
                               : dpif_.flow_put({.key = key, .mask = mask, .actions = put.actions, .generation = 0, .cookie = 0}, now);
  return slow == SlowReason::kNone ? 0 : EINVAL;
}

int DpifDpctl::flow_del(const OdpKeyMask& key, FlowStats& old_stats, Time now) {
  auto old = find([&](const Megaflow& f) {
    if (key.ufid) return f.ufid == *key.ufid;
    auto *wanted = &key.mask, *has = &f.mask;
    for (size_t i = 0; i < kFlowWords; i++)
      if (wanted->words()[i] & ~has->words()[i]) return false;
    return equal_under(f.key, key.key, f.mask);
  });
  if (!old) return ENOENT;
  old_stats = old->stats;
  dpif_.flow_del(old->ufid, now);
  return 0;
}

std::expected<DpctlFlow, int> DpifDpctl::flow_get(const Ufid& ufid, const OdpTextOptions& text) {
  auto flow = find([&](const Megaflow& f) { return f.ufid == ufid; });
  if (!flow) return std::unexpected(ENOENT);
  return flow_of(*flow, text);
}

int DpifDpctl::flow_flush(Time now) {
  dpif_.flow_flush(now);
  return 0;
}

int DpifDpctl::flow_dump(const OdpTextOptions& text, const std::function<void(const DpctlFlow&)>& visit) {
  for (uint64_t from = 0; (from = dpif_.flow_dump(from, 10000, [&](const Megaflow& f) { return visit(flow_of(f, text)), true; })) != 0;) {
  }
  return 0;
}

int DpifDpctl::ct_dump(std::optional<uint16_t> zone, Time now, const std::function<void(const CtEntry&)>& visit) {
  dpif_.ct_dump(zone, now, [&](const CtEntry& e) { return visit(e), true; });
  return 0;
}

int DpifDpctl::ct_flush(std::optional<uint16_t> zone, Time now, const std::function<bool(const CtEntry&)>& which) {
  size_t n = dpif_.ct_flush(zone, now, which ? which : [](const CtEntry&) { return true; });
  return which && !n ? ENOENT : 0;
}

std::expected<std::vector<CtZoneLimit>, int> DpifDpctl::zone_limits(const std::vector<uint16_t>& zones) {
  auto all = dpif_.ct_limits();
  if (all.empty()) return std::unexpected(EOPNOTSUPP);
  if (zones.empty()) return all;
  std::vector<CtZoneLimit> chosen{all.front()};
  for (uint16_t zone : zones) {
    auto own = std::ranges::find(all, int32_t{zone}, &CtZoneLimit::zone);
    if (own != all.end()) {
      chosen.push_back(*own);
      continue;
    }
    uint32_t count = 0;
    dpif_.ct_dump(zone, Time{}, [&](const CtEntry&) { return count++, true; });
    chosen.push_back({.zone = zone, .limit = all.front().limit, .count = count});
  }
  return chosen;
}

int DpifDpctl::set_zone_limits(const std::vector<CtZoneLimit>& limits) {
  for (const CtZoneLimit& l : limits)
    if (!dpif_.ct_set_limit(l.zone, l.limit)) return EOPNOTSUPP;
  return 0;
}

int DpifDpctl::del_zone_limits(const std::vector<uint16_t>& zones) {
  if (dpif_.ct_limits().empty()) return EOPNOTSUPP;
  for (uint16_t zone : zones) dpif_.ct_del_limit(zone);
  return 0;
}

}  // namespace sluice
