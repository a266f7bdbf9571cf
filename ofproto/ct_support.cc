// SPDX-License-Identifier: Apache-2.0
// See ct_support.h.
#include "ofproto/ct_support.h"

#include <algorithm>
#include <cstring>

#include "ofproto/openflow/action_walk.h"

namespace sluice {
namespace {

constexpr std::string_view kTracker[] = {"CT state", "CT zone", "CT mark", "CT label", "CT state NAT", "CT orig tuple", "CT orig tuple for IPv6"};

/// The datapath's action that this one becomes, as far as features go.
OdpCt needs_of(const ofp::Ct& ct) {
  OdpCt out;
  out.zone = ct.zone || ct.zone_src.field != ofp::FieldId::kNone;
  for (const ofp::Action& a : ct.actions) {
    auto* set = a.as<ofp::SetField>();
    auto* move = a.as<ofp::Move>();
    ofp::FieldId field = set ? set->field : move ? move->dst.field : ofp::FieldId::kNone;
    if (field == ofp::FieldId::kCtMark) out.mark_mask = 1;
    if (field == ofp::FieldId::kCtLabel) out.label_mask[0] = 1;
    if (a.as<ofp::Nat>()) out.nat.emplace();
  }
  return out;
}

bool can_do(const FeatureLimits& limits, const ofp::Actions& actions) {
  return !ofp::any_action(actions, [&](const ofp::Action& a) {
    auto* ct = a.as<ofp::Ct>();
    return ct && limits.refuse(Flow{}, {OdpAction{needs_of(*ct)}}) != SlowReason::kNone;
  });
}

Flow tracker_fields(const Flow& mask) {
  Flow ct{};
  ct.ct_state = mask.ct_state, ct.ct_zone = mask.ct_zone, ct.ct_mark = mask.ct_mark;
  std::memcpy(ct.ct_label, mask.ct_label, sizeof ct.ct_label);
  ct.ct_nw_src = mask.ct_nw_src, ct.ct_nw_dst = mask.ct_nw_dst, ct.ct_ipv6_src = mask.ct_ipv6_src, ct.ct_ipv6_dst = mask.ct_ipv6_dst;
  return ct;
}

}  // namespace

void limit_to_tracker(FeatureLimits& limits, const Dpif& dpif) {
  for (auto& [title, value] : dpif.features())
    if (value == "No" && std::ranges::find(kTracker, title) != std::end(kTracker)) limits.set(title, value, "Yes");
}

std::expected<void, ofp::Error> check_ct_support(const FeatureLimits& limits, const ofp::Actions& actions, const Flow& match_mask) {
  if (limits.refuse(tracker_fields(match_mask), {}) != SlowReason::kNone) return std::unexpected(ofp::Error::NXBMC_CT_DATAPATH_SUPPORT);
  if (!can_do(limits, actions)) return std::unexpected(ofp::Error::NXBAC_CT_DATAPATH_SUPPORT);
  return {};
}

}  // namespace sluice
