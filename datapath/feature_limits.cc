// SPDX-License-Identifier: Apache-2.0
// See feature_limits.h.
#include "datapath/feature_limits.h"

#include <algorithm>
#include <climits>

#include "lib/decimal.h"

namespace sluice {
namespace {

template <typename T>
bool is(const OdpAction& a) { return std::holds_alternative<T>(a.v); }

const OdpCt* ct_of(const OdpAction& a) { return std::get_if<OdpCt>(&a.v); }

/// Features that an action is, or needs.
struct ActionFeature { std::string_view title; bool (*needs)(const OdpAction&); };
constexpr ActionFeature kActionFeatures[] = {
    {"Truncate action", is<OdpTrunc>},
    {"Clone action", is<OdpClone>},
    {"Conntrack clear", is<OdpCtClear>},
    {"Check pkt length action", is<OdpCheckPktLen>},
    {"Recirc", is<OdpRecirc>},
    {"CT state", is<OdpCt>},
    {"Conntrack timeout policy", [](const OdpAction& a) { return ct_of(a) && !ct_of(a)->timeout.empty(); }},
    {"CT state NAT", [](const OdpAction& a) { return ct_of(a) && ct_of(a)->nat; }},
    {"CT zone", [](const OdpAction& a) { return ct_of(a) && ct_of(a)->zone; }},
    {"CT mark", [](const OdpAction& a) { return ct_of(a) && ct_of(a)->mark_mask; }},
    {"CT label", [](const OdpAction& a) { return ct_of(a) && ct_of(a)->label_mask != std::array<uint8_t, 16>{}; }},
    {"MPLS Label add", is<OdpAddMpls>},
};

/// Features that a match needs.
struct MatchFeature { std::string_view title; bool (*needs)(const Flow& mask); };
constexpr MatchFeature kMatchFeatures[] = {
    {"CT state", [](const Flow& m) { return m.ct_state != 0; }},
    {"CT zone", [](const Flow& m) { return static_cast<bool>(m.ct_zone); }},
    {"CT mark", [](const Flow& m) { return static_cast<bool>(m.ct_mark); }},
    {"CT label", [](const Flow& m) { return std::ranges::any_of(m.ct_label, [](uint8_t b) { return b != 0; }); }},
    {"CT state NAT", [](const Flow& m) { return (m.ct_state & (kCtSnat | kCtDnat)) != 0; }},
    {"CT orig tuple", [](const Flow& m) { return m.ct_nw_src || m.ct_nw_dst; }},
    {"CT orig tuple for IPv6", [](const Flow& m) { return !m.ct_ipv6_src.is_zero() || !m.ct_ipv6_dst.is_zero(); }},
    {"IPv6 ND Extension", [](const Flow& m) { return m.nd_reserved || m.nd_options_type; }},
};

/// Of samples and clones in each other, and in what else has actions inside.
unsigned depth(const OdpActions& actions) {
  unsigned deepest = 0;
  for (const OdpAction& a : actions) {
    const unsigned own = is<OdpSample>(a) || is<OdpClone>(a);
    for_each_list(a, [&](const OdpActions& inner) { deepest = std::max(deepest, own + depth(inner)); });
  }
  return deepest;
}

}  // namespace

void FeatureLimits::set(const std::string& title, const std::string& value, const std::string& by_itself) {
  if (value == by_itself) limits_.erase(title);
  else limits_[title] = value;
}

std::vector<std::pair<std::string, std::string>> FeatureLimits::applied_to(std::vector<std::pair<std::string, std::string>> features) const {
  for (auto& [title, value] : features)
    if (auto limit = limits_.find(title); limit != limits_.end()) value = limit->second;
  return features;
}

bool FeatureLimits::is_off(std::string_view title) const {
  auto limit = limits_.find(title);
  return limit != limits_.end() && limit->second == "No";
}

unsigned FeatureLimits::most(std::string_view title) const {
  auto limit = limits_.find(title);
  return limit == limits_.end() ? UINT_MAX : parse_decimal<unsigned>(limit->second).value_or(UINT_MAX);
}

SlowReason FeatureLimits::refuse(const Flow& mask, const OdpActions& actions) const {
  if (limits_.empty()) return SlowReason::kNone;
  for (const MatchFeature& f : kMatchFeatures)
    if (is_off(f.title) && f.needs(mask)) return SlowReason::kMatch;
  if ((mask.vlan_tci && most("Max VLAN headers") < 1) || (mask.vlan2_tci && most("Max VLAN headers") < 2)) return SlowReason::kMatch;
  for (unsigned i = 0; i < kMplsLabels; i++)
    if (mask.mpls_lse[i] && most("Max MPLS depth") <= i) return SlowReason::kMatch;
  bool refused = depth(actions) > most("Sample nesting");
  for_each_action(actions, [&](const OdpAction& a) {
    for (const ActionFeature& f : kActionFeatures) refused |= is_off(f.title) && f.needs(a);
    if (auto* hash = std::get_if<OdpHash>(&a.v)) refused |= hash->algorithm > most("Max dp_hash algorithm");
  });
  return refused ? SlowReason::kAction : SlowReason::kNone;
}

}  // namespace sluice
