// SPDX-License-Identifier: Apache-2.0
// See ct_settings.h.
#include "datapath/ct_settings.h"

namespace sluice {
namespace {

std::optional<uint32_t> limit_of(const CtSettings& s, uint16_t zone) {
  auto it = s.zones.find(zone);
  return it == s.zones.end() ? std::nullopt : it->second.limit;
}

}  // namespace

CtLimitChanges limit_changes(const CtSettings& before, const CtSettings& wanted) {
  CtLimitChanges changes;
  if (wanted.default_limit != before.default_limit) changes.set.push_back({.zone = -1, .limit = wanted.default_limit.value_or(0)});
  for (auto& [id, zone] : wanted.zones)
    if (zone.limit && zone.limit != limit_of(before, id)) changes.set.push_back({.zone = id, .limit = *zone.limit});
  for (auto& [id, zone] : before.zones)
    if (zone.limit && !limit_of(wanted, id)) changes.removed.push_back(id);
  return changes;
}

}  // namespace sluice
