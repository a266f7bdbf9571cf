// SPDX-License-Identifier: Apache-2.0
// MegaflowTable: all megaflows of a userspace datapath, found by packet (tuple space search: one hash table a mask) or by ufid.
//
// Invariants:
//  1. At most kMaxMasks different masks are taken as they come.  A flow with yet another mask is narrowed to one of few exact masks (whole blocks of Flow), so that
//     traffic made to grow masks makes flows instead, and a lookup stays a few hashes.
//  2. The memory of a UserFlow is never given back: a stale pointer together with `serial` tells that the flow is gone.
//  3. Megaflows don't overlap (the brain sees to it), so any match is the match.
// Thread: the datapath's.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "datapath/dpif.h"
#include "datapath/user/fast_key.h"
#include "datapath/user/hash.h"
#include "datapath/user/program.h"
#include "datapath/user/slabs.h"

namespace sluice {

inline constexpr size_t kMaxMasks = 16;

class Subtable;

/// A megaflow.  The first cache line is all that forwarding touches.
struct alignas(64) UserFlow {
  uint64_t packets = 0, bytes = 0;
  Time used = Time::min();
  uint64_t generation = 0;
  const Program* code = nullptr;
  uint32_t port = 0;                  // of ProgramKind::kOutput
  uint32_t serial = 0;                // changes when the flow ends
  uint16_t tcp_flags = 0;
  ProgramKind kind = ProgramKind::kDrop;
  // --- cold ---
  alignas(64) Ufid ufid{};
  std::shared_ptr<const Program> program;
  Subtable* subtable = nullptr;       // null: this slot is free
  std::unique_ptr<uint64_t[]> key;    // of the first packet, the words that the subtable's mask has bits of; the other bits are shown as Open vSwitch shows them
  uint32_t hash = 0;
  uint64_t cookie = 0;
  uint32_t index = 0;                 // slot
  FlowHead head() const { return {.ufid = ufid, .stats = {packets, bytes, used, tcp_flags}, .generation = generation, .cookie = cookie}; }
};

/// The flows with one mask.
class Subtable {
 public:
  Subtable(const Flow& mask, const HashSeed& seed);
  const Flow& mask() const { return mask_; }
  size_t size() const { return size_; }
  size_t words() const { return words_.size(); }
  UserFlow* find(const Flow& key) const;
  uint32_t hash(const Flow& key) const;
  /// Writes words() words.
  void compact(const Flow& key, uint64_t* to) const;
  Flow expand(const uint64_t* words) const;
  bool matches(const Flow& key, const uint64_t* words) const;
  void insert(UserFlow* flow);
  void erase(UserFlow* flow);
  uint64_t hits = 0;   // for the order of search; halved now and then

 private:
  struct Word { uint16_t at; uint64_t mask; };
  struct Slot { UserFlow* flow = nullptr; uint32_t hash = 0; };   // open addressing, linear probing, at most half full
  void place(UserFlow* flow);
  Flow mask_;
  const HashSeed& seed_;
  std::vector<Word> words_;
  std::vector<Slot> slots_;
  size_t size_ = 0;
};

class MegaflowTable {
 public:
  explicit MegaflowTable(uint64_t seed);
  ~MegaflowTable();

  /// The flow of a packet; `masks_tried` grows by the number of subtables that were searched.
  UserFlow* find(const Flow& key, uint64_t& masks_tried);
  UserFlow* find(const Ufid& ufid) const;
  struct Place { Flow mask; Ufid ufid; UserFlow* existing; };
  /// Where a flow with this key and mask goes: the mask that it will have (invariant 1), and the flow that is there.
  Place place(const Flow& key, const Flow& mask);
  UserFlow* insert(const Flow& key, const Place& place);
  void erase(UserFlow* flow);
  static bool matches(const UserFlow& flow, const Flow& key) { return flow.subtable->matches(key, flow.key.get()); }

  size_t size() const { return by_ufid_.size(); }
  size_t masks() const { return subtables_.size(); }
  size_t slots() const { return slots_.size(); }
  /// Null if the slot is free.
  UserFlow* slot(size_t index);
  /// All bits that any mask has ever had, as FastKey; grows only.  `mask_epoch` counts its changes.
  const FastKey& fast_mask() const { return fast_mask_; }
  uint32_t mask_epoch() const { return mask_epoch_; }
  void describe(const UserFlow& flow, Megaflow& out) const;

 private:
  Subtable* subtable_of(const Flow& mask) const;
  void note_mask(const Flow& mask);
  UserFlow* new_slot();
  Flow exact_mask(const Flow& mask) const;
  void sort_subtables();

  HashSeed seed_;
  std::vector<std::unique_ptr<Subtable>> subtables_;   // the busiest first
  Slabs<UserFlow> slots_;
  uint64_t lookups_ = 0;
  FastKey fast_mask_{};
  uint32_t mask_epoch_ = 1;
  boost::unordered_flat_map<Ufid, UserFlow*, UfidHash> by_ufid_;
};

}  // namespace sluice
