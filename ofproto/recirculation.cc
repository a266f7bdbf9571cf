// SPDX-License-Identifier: Apache-2.0
// See recirculation.h.
#include "ofproto/recirculation.h"

#include <algorithm>
#include <cstring>

#include <xxhash.h>

namespace sluice {

bool operator==(const FrozenState& a, const FrozenState& b) {
  return a.bridge == b.bridge && a.in_port == b.in_port && a.table == b.table && a.looks_up == b.looks_up && a.mirrored == b.mirrored && a.metadata == b.metadata &&
         std::memcmp(a.reg, b.reg, sizeof a.reg) == 0 && std::memcmp(&a.tunnel, &b.tunnel, sizeof a.tunnel) == 0 && a.options == b.options && a.stack == b.stack && a.action_set == b.action_set &&
         a.rest == b.rest;
}

uint64_t FrozenState::hash() const {
  const uint64_t numbers[] = {bridge, in_port.value, table, looks_up, mirrored, metadata.raw(), stack.size(), action_set.size(), rest.size()};
  uint64_t h = XXH3_64bits(numbers, sizeof numbers);
  auto add = [&](const void* p, size_t n) { h = XXH3_64bits_withSeed(p, n, h); };
  add(reg, sizeof reg);
  add(&tunnel, sizeof tunnel);
  if (!options.empty()) add(options.data(), options.size());
  for (const Pushed& p : stack) add(p.value.bytes().data(), p.value.size());
  // As they are on the wire; the few lists that it can't say, as text.
  Bytes wire;
  auto add_actions = [&](const ofp::Actions& actions) {
    wire.clear();
    ByteWriter w(wire);
    if (ofp::encode_instructions(actions, w, ofp::Version::k13)) return add(wire.data(), wire.size());
    std::string text = ofp::format_actions(actions);
    add(text.data(), text.size());
  };
  add_actions(action_set);
  for (const Rest& r : rest) {
    add(&r.table, sizeof r.table);
    add(&r.rule_cookie, sizeof r.rule_cookie);
    add_actions(r.actions);
  }
  return h;
}

uint32_t RecircTable::new_id(uint64_t hash) {
  auto id = static_cast<uint32_t>(by_content_ ? hash : new_number());
  while (id == 0 || entries_.contains(id)) id = by_content_ ? id + 1 : static_cast<uint32_t>(new_number());
  return id;
}

uint32_t RecircTable::hold(const FrozenPtr& state) {
  uint64_t hash = state->hash();
  auto [from, to] = by_hash_.equal_range(hash);
  for (auto it = from; it != to; ++it) {
    Entry& e = entries_.at(it->second);
    if (*e.state != *state) continue;
    if (!e.users++) {
      auto [first, last] = lingering_.equal_range(e.free_at);
      if (auto l = std::find_if(first, last, [&](auto& x) { return x.second == it->second; }); l != last) lingering_.erase(l);
    }
    return it->second;
  }
  if (entries_.size() >= kMaxRecircIds) return 0;
  uint32_t id = new_id(hash);
  entries_[id] = {state, hash, 1};
  by_hash_.emplace(hash, id);
  return id;
}

void RecircTable::release(uint32_t id, Time now) {
  auto it = entries_.find(id);
  if (it == entries_.end() || !it->second.users || --it->second.users) return;
  if (!by_content_) forget_content(it->first, it->second.hash);   // an id that was free once means nothing new
  it->second.free_at = now + kRecircLinger;
  lingering_.emplace(it->second.free_at, id);
}

/// Nobody gets this id for an equal state any more.
void RecircTable::forget_content(uint32_t id, uint64_t hash) {
  auto [from, to] = by_hash_.equal_range(hash);
  if (auto it = std::find_if(from, to, [&](auto& x) { return x.second == id; }); it != to) by_hash_.erase(it);
}

void RecircTable::run(Time now) {
  while (!lingering_.empty() && lingering_.begin()->first <= now) {
    uint32_t id = lingering_.begin()->second;
    lingering_.erase(lingering_.begin());
    auto it = entries_.find(id);
    forget_content(id, it->second.hash);
    entries_.erase(it);
  }
}

}  // namespace sluice
