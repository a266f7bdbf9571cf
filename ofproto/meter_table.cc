// SPDX-License-Identifier: Apache-2.0
// Meter-mods (OF1.3.5 6.4, 7.3.4.4) and what is told of meters.  The datapath measures: each meter has a number there, unique over its bridges.
#include <algorithm>

#include "ofproto/bridge_ports.h"
#include "ofproto/switch_impl.h"

namespace sluice {

using ofp::Error;
using ofp::MeterCommand;
using Outcome = std::expected<void, Error>;

namespace {

bool is_meter_id(uint32_t id) { return (id >= 1 && id <= ofp::OFPM_MAX) || id == ofp::OFPM_SLOWPATH || id == ofp::OFPM_CONTROLLER; }

std::expected<DpMeter, Error> for_datapath(const ofp::MeterConfig& config, const DpMeterFeatures& features) {
  DpMeter meter{.in_packets = (config.flags & ofp::OFPMF_PKTPS) != 0, .bands = {}};
  if (config.bands.empty()) return std::unexpected(Error::OFPMMFC_BAD_BAND);
  if (config.bands.size() > features.max_bands) return std::unexpected(Error::OFPMMFC_OUT_OF_BANDS);
  for (const ofp::MeterBand& b : config.bands) {
    if (b.type != ofp::MeterBandType::kDrop) return std::unexpected(Error::OFPMMFC_BAD_BAND);
    meter.bands.push_back({.rate = b.rate, .burst = config.flags & ofp::OFPMF_BURST ? b.burst_size : 0});
  }
  return meter;
}

bool names_meter(const Rule& rule, uint32_t id) {
  return std::ranges::any_of(rule.actions->actions, [&](const ofp::Action& a) {
    auto* m = a.as<ofp::Meter>();
    return m && m->meter_id == id;
  });
}

std::vector<Rule*> rules_of_meter(const Bridge::Impl& b, uint32_t id) {
  const ofp::MiniMatch all;
  auto rules = b.view.tables->select({.match = all, .table = ofp::kTableAll, .strict_priority = {}});
  std::erase_if(rules, [&](Rule* r) { return !names_meter(*r, id); });
  return rules;
}

/// Flows that name a meter end with it.
void remove_meter(Switch::Impl& sw, Bridge::Impl& b, uint32_t id, Time now) {
  auto meter = b.view.meters.find(id);
  if (meter == b.view.meters.end()) return;
  for (Rule* r : rules_of_meter(b, id)) b.view.tables->remove(r, RuleEnd::kMeterDelete, now);
  sw.dpif.meter_del(meter->second.dp_id);
  sw.meter_ids.erase(meter->second.dp_id);
  b.view.meters.erase(meter);
}

/// The lowest number that is free.
std::optional<uint32_t> choose_number(const std::set<uint32_t>& used, uint32_t end) {
  uint32_t n = 0;
  for (uint32_t id : used) {
    if (id != n) break;
    n++;
  }
  return n < end ? std::optional(n) : std::nullopt;
}

Error error_of(int error) { return error == EFBIG || error == ENOMEM || error == ENOSPC ? Error::OFPMMFC_OUT_OF_METERS : Error::OFPMMFC_UNKNOWN; }

Outcome add_meter(Switch::Impl& sw, Bridge::Impl& b, const ofp::MeterConfig& config, Time now) {
  if (b.view.meters.contains(config.meter_id)) return std::unexpected(Error::OFPMMFC_METER_EXISTS);
  DpMeterFeatures features = sw.dpif.meter_features();
  auto meter = for_datapath(config, features);
  if (!meter) return std::unexpected(meter.error());
  auto dp_id = choose_number(sw.meter_ids, features.max_meters);
  if (!dp_id) return std::unexpected(Error::OFPMMFC_OUT_OF_METERS);
  if (int error = sw.dpif.meter_set(*dp_id, *meter, now)) return std::unexpected(error_of(error));
  sw.meter_ids.insert(*dp_id);
  b.view.meters[config.meter_id] = {.config = config, .dp_id = *dp_id, .created = now};
  return {};
}

Outcome modify_meter(Switch::Impl& sw, Bridge::Impl& b, const ofp::MeterConfig& config, Time now) {
  auto old = b.view.meters.find(config.meter_id);
  if (old == b.view.meters.end()) return std::unexpected(Error::OFPMMFC_UNKNOWN_METER);
  auto meter = for_datapath(config, sw.dpif.meter_features());
  if (!meter) return std::unexpected(meter.error());
  if (int error = sw.dpif.meter_set(old->second.dp_id, *meter, now)) return std::unexpected(error_of(error));
  old->second.config = config;
  return {};
}

}  // namespace

Outcome Bridge::meter_mod(const ofp::MeterMod& mod, Time now) {
  Switch::Impl& sw = *impl_->owner.impl_;
  uint32_t id = mod.meter.meter_id;
  Outcome done;
  if (mod.command == MeterCommand::kDelete) {
    sw.push_all();
    if (id == ofp::OFPM_ALL) remove_meters(now);
    else remove_meter(sw, *impl_, id, now);
  } else if (!is_meter_id(id)) {
    done = std::unexpected(Error::OFPMMFC_INVALID_METER);
  } else {
    done = mod.command == MeterCommand::kAdd ? add_meter(sw, *impl_, mod.meter, now) : modify_meter(sw, *impl_, mod.meter, now);
  }
  if (done) sw.config_changed(*impl_, now);
  return done;
}

void Bridge::remove_meters(Time now) {
  while (!impl_->view.meters.empty()) remove_meter(*impl_->owner.impl_, *impl_, impl_->view.meters.begin()->first, now);
}

std::expected<std::vector<ofp::MeterConfig>, Error> Bridge::meter_configs(uint32_t id) const {
  std::vector<ofp::MeterConfig> out;
  for (auto& [n, m] : impl_->view.meters)
    if (id == ofp::OFPM_ALL || id == n) out.push_back(m.config);
  if (out.empty() && id != ofp::OFPM_ALL) return std::unexpected(Error::OFPMMFC_UNKNOWN_METER);
  return out;
}

std::expected<std::vector<ofp::MeterStats>, Error> Bridge::meter_stats(uint32_t id, Time now) const {
  std::vector<ofp::MeterStats> out;
  for (auto& [n, m] : impl_->view.meters) {
    if (id != ofp::OFPM_ALL && id != n) continue;
    Duration age = now - m.created;
    DpMeterStats seen = impl_->owner.impl_->dpif.meter_stats(m.dp_id).value_or(DpMeterStats{});
    seen.bands.resize(m.config.bands.size());
    ofp::MeterStats s{.meter_id = n, .flow_count = static_cast<uint32_t>(rules_of_meter(*impl_, n).size()), .packet_in_count = seen.in.packets, .byte_in_count = seen.in.bytes,
                      .duration_sec = whole_seconds(age), .duration_nsec = nanoseconds_below(age), .bands = {}};
    for (const DpMeterCounter& c : seen.bands) s.bands.push_back({c.packets, c.bytes});
    out.push_back(std::move(s));
  }
  if (out.empty() && id != ofp::OFPM_ALL) return std::unexpected(Error::OFPMMFC_UNKNOWN_METER);
  return out;
}

ofp::MeterFeatures Bridge::meter_features() const {
  DpMeterFeatures f = impl_->owner.impl_->dpif.meter_features();
  ofp::MeterFeatures out{.max_meters = f.max_meters};
  if (!f.max_meters) return out;
  out.band_types = 1u << static_cast<unsigned>(ofp::MeterBandType::kDrop);
  out.capabilities = ofp::OFPMF_KBPS | ofp::OFPMF_PKTPS | ofp::OFPMF_BURST | ofp::OFPMF_STATS;
  out.max_bands = f.max_bands;
  return out;
}

}  // namespace sluice
