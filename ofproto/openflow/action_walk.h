// SPDX-License-Identifier: Apache-2.0
// Which actions hold others (clone, ct, write_actions), and walks through lists, however deep.
#pragma once

#include <algorithm>
#include <type_traits>

#include "ofproto/openflow/action.h"

namespace sluice::ofp {

/// The list that an action holds, or null.
template <typename A>
  requires std::is_same_v<std::remove_const_t<A>, Action>
auto nested(A& a) -> std::conditional_t<std::is_const_v<A>, const Actions*, Actions*> {
  if (auto* c = std::get_if<Clone>(&a.v)) return &c->actions;
  if (auto* c = std::get_if<Ct>(&a.v)) return &c->actions;
  if (auto* w = std::get_if<WriteActions>(&a.v)) return &w->actions;
  return nullptr;
}

namespace action_walk {
template <typename T>
concept Holder = requires(T a) { a.actions; };
template <typename... Ts>
constexpr size_t holders(const std::variant<Ts...>*) { return (size_t{Holder<Ts>} + ...); }
static_assert(holders(static_cast<const Action::Variant*>(nullptr)) == 3, "nested() knows all that hold others");
}  // namespace action_walk

/// True if an action, or one in it, is such that fn(action).
template <typename Fn>
bool any_action(const Actions& list, const Fn& fn) {
  return std::ranges::any_of(list, [&](const Action& a) {
    if (fn(a)) return true;
    const Actions* inner = nested(a);
    return inner && any_action(*inner, fn);
  });
}

/// Calls fn(action) for each, before those in it.
template <typename List, typename Fn>
  requires std::is_same_v<std::remove_const_t<List>, Actions>
void for_each_action(List& list, const Fn& fn) {
  for (auto& a : list) {
    fn(a);
    if (auto* inner = nested(a)) for_each_action(*inner, fn);
  }
}

}  // namespace sluice::ofp
