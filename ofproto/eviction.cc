// SPDX-License-Identifier: Apache-2.0
// See eviction.h.
#include "ofproto/eviction.h"

namespace sluice {

EvictionOrder::Key EvictionOrder::key_of(const Rule& rule) const {
  Key key;
  if (fields_.empty()) return key;
  const Flow value = rule.match.expand().value;
  for (const ofp::Subfield& f : fields_) {
    ofp::FieldValue v = ofp::read_subfield(f, value);
    key.insert(key.end(), v.bytes().begin(), v.bytes().end());
  }
  return key;
}

/// A group's size is its place among the groups.
template <typename Change>
void EvictionOrder::change(Group& group, const Change& how) {
  if (!group.queue.empty()) by_size_.erase(&group);
  how(group.queue);
  if (!group.queue.empty()) by_size_.insert(&group);
  else groups_.erase(Key(group.key));
}

void EvictionOrder::put(Rule* rule) {
  Time at = timeout_(*rule);
  auto place = places_.find(rule);
  if (place != places_.end() && place->second.at->first == turn(rule, at)) return;
  if (rule->is_hidden() || at == kNever) return forget(rule);
  if (place != places_.end()) {   // in the same group
    auto node = place->second.group->queue.extract(place->second.at);
    node.key() = turn(rule, at);
    place->second.at = place->second.group->queue.insert(std::move(node)).position;
    return;
  }
  Key key = key_of(*rule);
  Group& group = groups_[key];
  group.key = std::move(key);
  change(group, [&](Queue& q) { places_[rule] = {&group, q.emplace(turn(rule, at), rule).first}; });
}

void EvictionOrder::forget(Rule* rule) {
  auto place = places_.find(rule);
  if (place == places_.end()) return;
  change(*place->second.group, [&](Queue& q) { q.erase(place->second.at); });
  places_.erase(rule);
}

Rule* EvictionOrder::next() {
  while (!by_size_.empty()) {
    Rule* first = (*by_size_.begin())->queue.begin()->second;
    if ((*by_size_.begin())->queue.begin()->first == turn(first, timeout_(*first))) return first;
    put(first);
  }
  return nullptr;
}

}  // namespace sluice
