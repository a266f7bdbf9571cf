// SPDX-License-Identifier: Apache-2.0
// See mac_table.h.
#include "ofproto/mac_table.h"

#include <algorithm>

namespace sluice {

void MacTable::configure(uint32_t max_entries, Duration aging) {
  max_entries_ = max_entries;
  aging_ = aging;
  while (entries_.size() > max_entries_) evict_one();
}

const MacEntry* MacTable::lookup(const MacAddr& mac, uint16_t vlan) const {
  auto it = index_.find(key(mac, vlan));
  return it == index_.end() ? nullptr : &*it->second;
}

bool MacTable::would_learn(const MacAddr& mac, uint16_t vlan, PortId port) const {
  const MacEntry* e = lookup(mac, vlan);
  return !e || (e->port != port && !e->is_static);
}

void MacTable::learn(const MacAddr& mac, uint16_t vlan, PortId port, Time used) {
  auto found = index_.find(key(mac, vlan));
  if (found == index_.end()) {
    if (entries_.size() >= max_entries_) evict_one();
    insert({.mac = mac, .vlan = vlan, .port = port, .used = used});
    stats_.learned++;
    return;
  }
  auto it = found->second;
  if (it->is_static) return;
  if (it->port != port) {
    if (used < it->used) return;   // statistics that come late: it has moved since
    it->port = port;
    stats_.moved++;
    generation_++;
  }
  it->used = std::max(it->used, used);
  // Statistics of megaflows arrive out of order, so keep the list sorted by use: the place is near the end.
  auto place = entries_.end();
  while (place != entries_.begin() && std::prev(place) != it && std::prev(place)->used > it->used) --place;
  entries_.splice(place, entries_, it);
}

void MacTable::add_static(const MacAddr& mac, uint16_t vlan, PortId port, Time now) {
  remove(mac, vlan);
  if (entries_.size() >= max_entries_) evict_one();
  insert({.mac = mac, .vlan = vlan, .port = port, .used = now, .is_static = true});
}

bool MacTable::remove(const MacAddr& mac, uint16_t vlan) {
  auto found = index_.find(key(mac, vlan));
  if (found == index_.end()) return false;
  erase(found->second);
  return true;
}

void MacTable::flush() {
  entries_.clear();
  index_.clear();
  generation_++;
}

void MacTable::flush_port(PortId port) {
  for (auto it = entries_.begin(); it != entries_.end();) it = it->port == port ? erase(it) : std::next(it);
}

void MacTable::flush_vlan(uint16_t vlan) {
  for (auto it = entries_.begin(); it != entries_.end();) it = it->vlan == vlan ? erase(it) : std::next(it);
}

void MacTable::expire(Time now) {
  for (auto it = entries_.begin(); it != entries_.end() && it->used + aging_ <= now;) {
    if (it->is_static) {
      ++it;
      continue;
    }
    stats_.expired++;
    it = erase(it);
  }
}

Time MacTable::deadline() const {
  for (const MacEntry& e : entries_)
    if (!e.is_static) return e.used + aging_;
  return kNever;
}

void MacTable::insert(const MacEntry& entry) {
  auto place = entries_.end();
  while (place != entries_.begin() && std::prev(place)->used > entry.used) --place;
  index_[key(entry.mac, entry.vlan)] = entries_.insert(place, entry);
  generation_++;
}

MacTable::Entries::iterator MacTable::erase(Entries::iterator it) {
  index_.erase(key(it->mac, it->vlan));
  generation_++;
  return entries_.erase(it);
}

void MacTable::evict_one() {
  auto it = std::ranges::find_if(entries_, [](const MacEntry& e) { return !e.is_static; });
  if (it == entries_.end()) it = entries_.begin();
  if (it == entries_.end()) return;
  stats_.evicted++;
  erase(it);
}

}  // namespace sluice
