// SPDX-License-Identifier: Apache-2.0
// FlowCache: exact-match table of simple packets (FastKey) in front of the megaflow table: one cache line an entry, two entries a bucket.
//
// An entry is right as long as its epoch (the bits that are compared), and the serial of its flow (the flow lives) are current.
// The table doubles when live entries keep displacing each other, up to kMostEntries.
#pragma once

#include <cstdint>
#include <memory>

#include "datapath/user/fast_key.h"
#include "datapath/user/megaflow_table.h"

namespace sluice {

class FlowCache {
 public:
  explicit FlowCache(uint64_t seed) : seed_(seed) { resize(kFirstEntries); }

  /// REQUIRES: `key` is masked with the table's fast_mask().
  uint64_t hash(const FastKey& key) const { return hash_five(key.w, seed_); }
  void prefetch(uint64_t hash) const {
    const Entry* e = &entries_[hash & mask_];
    __builtin_prefetch(e);
    __builtin_prefetch(e + 1);
  }
  /// A flow that was right when the entry was made: it lives if its serial is still this.
  struct Found { UserFlow* flow; uint32_t serial; };
  Found find(const FastKey& key, uint64_t hash, uint32_t epoch) const {
    const Entry* e = &entries_[hash & mask_];
    if (e->key == key && e->epoch == epoch) [[likely]] return {e->flow, e->serial};
    e++;
    if (e->key == key && e->epoch == epoch) return {e->flow, e->serial};
    return {nullptr, 0};
  }
  void insert(const FastKey& key, uint64_t hash, uint32_t epoch, UserFlow* flow);

 private:
  struct alignas(64) Entry {
    FastKey key{};
    UserFlow* flow = nullptr;
    uint32_t serial = 0;
    uint32_t epoch = 0;   // 0: never used
  };
  static_assert(sizeof(Entry) == 64);
  static constexpr size_t kFirstEntries = 1 << 12, kMostEntries = 1 << 21;
  void resize(size_t entries);

  HashSeed seed_;
  std::unique_ptr<Entry[]> entries_;
  size_t size_ = 0, mask_ = 0;        // mask_ gives the first of a bucket
  size_t displaced_ = 0;              // live entries since the last resize
};

}  // namespace sluice
