// SPDX-License-Identifier: Apache-2.0
// Which fields actions name, however deep.
#pragma once

#include "ofproto/openflow/action_walk.h"

namespace sluice::ofp {

namespace action_fields {
template <typename Fn>
void name(const Subfield& s, const Fn& fn) { if (s.field != FieldId::kNone) fn(s.field); }
template <typename Fn>
void name(FieldId f, const Fn& fn) { if (f != FieldId::kNone) fn(f); }
}  // namespace action_fields

/// Calls fn(FieldId) for each, as often as it is named.
template <typename Fn>
void for_each_field(const Actions& actions, const Fn& fn) {
  auto parts = [&](const auto& a) {
    using action_fields::name;
    if constexpr (requires { name(a.field, fn); }) name(a.field, fn);
    if constexpr (requires { name(a.src, fn); }) name(a.src, fn);
    if constexpr (requires { name(a.dst, fn); }) name(a.dst, fn);
    if constexpr (requires { a.zone_src; }) name(a.zone_src, fn);
    if constexpr (requires { a.obs_domain_src; }) name(a.obs_domain_src, fn), name(a.obs_point_src, fn);
    if constexpr (requires { a.result_dst; }) name(a.result_dst, fn);
    if constexpr (requires { a.specs; })
      for (const LearnSpec& s : a.specs) name(s.src, fn), name(s.dst, fn);
  };
  for_each_action(actions, [&](const Action& a) { std::visit(parts, a.v); });
}

}  // namespace sluice::ofp
