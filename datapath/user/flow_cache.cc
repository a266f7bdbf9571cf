// SPDX-License-Identifier: Apache-2.0
// Filling and growing the exact-match cache.
#include "datapath/user/flow_cache.h"

#include <utility>

namespace sluice {

void FlowCache::resize(size_t entries) {
  auto old = std::exchange(entries_, std::make_unique<Entry[]>(entries));
  size_t old_size = std::exchange(size_, entries);
  mask_ = (entries - 1) & ~size_t{1};
  displaced_ = 0;
  for (size_t i = 0; i < old_size; i++) {
    const Entry& from = old[i];
    if (!from.epoch) continue;
    Entry* to = &entries_[hash(from.key) & mask_];
    if (to->epoch) to++;
    *to = from;
  }
}

void FlowCache::insert(const FastKey& key, uint64_t hash, uint32_t epoch, UserFlow* flow) {
  auto live = [epoch](const Entry& e) { return e.epoch == epoch && e.flow->serial == e.serial; };
  Entry* bucket = &entries_[hash & mask_];
  for (int i = 0; i < 2; i++) {
    if (bucket[i].epoch != epoch || !(bucket[i].key == key)) continue;
    bucket[i] = {key, flow, flow->serial, epoch};  // the flow was another one
    return;
  }
  // Bits of the hash that don't choose the bucket choose whom to displace.
  Entry* victim = !live(bucket[0]) ? &bucket[0] : !live(bucket[1]) ? &bucket[1] : &bucket[hash >> 63];
  if (live(*victim) && ++displaced_ > size_ / 4 && size_ < kMostEntries) {
    resize(size_ * 2);
    return insert(key, hash, epoch, flow);
  }
  *victim = {key, flow, flow->serial, epoch};
}

}  // namespace sluice
