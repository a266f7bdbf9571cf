// SPDX-License-Identifier: Apache-2.0
// MacTable: which port of a bridge a MAC address was last seen on, per VLAN, for NORMAL.
// Translation only looks up; learning is an effect.  `generation` grows when a lookup could give another answer: then megaflows must be checked.
// When full, the entry that was unused for longest makes room.
// Threads: the control thread.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <vector>

#include "lib/address.h"
#include "lib/time.h"

namespace sluice {

/// Identifies a port (bundle) of a bridge; ids are not used again.
using PortId = uint32_t;
inline constexpr PortId kNoPort = 0;

struct MacEntry {
  MacAddr mac;
  uint16_t vlan = 0;
  PortId port = kNoPort;
  Time used{};             // last packet from it
  bool is_static = false;  // by fdb/add: neither ages nor moves
};

struct MacTableStats { uint64_t learned = 0, expired = 0, evicted = 0, moved = 0; };

class MacTable {
 public:
  MacTable(uint32_t max_entries, Duration aging) : max_entries_(max_entries), aging_(aging) {}

  void configure(uint32_t max_entries, Duration aging);
  const MacEntry* lookup(const MacAddr& mac, uint16_t vlan) const;
  /// True if learn() would change more than `used`.
  bool would_learn(const MacAddr& mac, uint16_t vlan, PortId port) const;
  void learn(const MacAddr& mac, uint16_t vlan, PortId port, Time used);
  void add_static(const MacAddr& mac, uint16_t vlan, PortId port, Time now);
  bool remove(const MacAddr& mac, uint16_t vlan);
  void flush();              // also static entries
  void flush_port(PortId port);
  void flush_vlan(uint16_t vlan);
  /// Drops what has aged out.
  void expire(Time now);
  Time deadline() const;     // of the next expiry, kNever if none

  /// Least recently used first.
  const std::list<MacEntry>& entries() const { return entries_; }
  uint64_t generation() const { return generation_; }
  const MacTableStats& stats() const { return stats_; }
  void clear_stats() { stats_ = {}; }
  uint32_t max_entries() const { return max_entries_; }

 private:
  using Entries = std::list<MacEntry>;
  static uint64_t key(const MacAddr& mac, uint16_t vlan) { return static_cast<uint64_t>(vlan) << 48 | mac.to_u64(); }
  void insert(const MacEntry& entry);
  Entries::iterator erase(Entries::iterator it);
  void evict_one();

  uint32_t max_entries_;
  Duration aging_;
  Entries entries_;
  boost::unordered_flat_map<uint64_t, Entries::iterator> index_;
  uint64_t generation_ = 1;
  MacTableStats stats_;
};

}  // namespace sluice
