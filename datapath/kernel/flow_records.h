// SPDX-License-Identifier: Apache-2.0
// What we know of the flows that we put into the kernel, or adopted: found by ufid, and walked by slot, which a slice of a sweep can go on from.
// Threads: the control thread.
#pragma once

#include <memory>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "datapath/dpif.h"
#include "lib/bytes.h"

namespace sluice {

struct KernelFlow {
  Ufid ufid{};
  Bytes spec;                 // OVS_FLOW_ATTR_KEY, _MASK and _ACTIONS as they were sent
  FlowStats stats;            // of the kernel, less `before`
  uint64_t packets_before = 0, bytes_before = 0;
  uint64_t generation = 0, cookie = 0;
  size_t slot = 0;
  FlowHead head() const { return {.ufid = ufid, .stats = stats, .generation = generation, .cookie = cookie}; }
};

class FlowRecords {
 public:
  KernelFlow* find(const Ufid& ufid) const {
    auto it = by_ufid_.find(ufid);
    return it == by_ufid_.end() ? nullptr : it->second;
  }
  /// REQUIRES: none of that ufid is there.
  KernelFlow& add(std::unique_ptr<KernelFlow> flow);
  /// Null if there is none.
  std::unique_ptr<KernelFlow> take(const Ufid& ufid);
  size_t size() const { return by_ufid_.size(); }
  size_t slots() const { return slots_.size(); }
  KernelFlow* slot(size_t i) const { return slots_[i].get(); }

 private:
  boost::unordered_flat_map<Ufid, KernelFlow*, UfidHash> by_ufid_;
  std::vector<std::unique_ptr<KernelFlow>> slots_;
  std::vector<size_t> free_;
};

inline KernelFlow& FlowRecords::add(std::unique_ptr<KernelFlow> flow) {
  if (free_.empty()) {
    free_.push_back(slots_.size());
    slots_.emplace_back();
  }
  flow->slot = free_.back();
  free_.pop_back();
  by_ufid_[flow->ufid] = flow.get();
  return *(slots_[flow->slot] = std::move(flow));
}

inline std::unique_ptr<KernelFlow> FlowRecords::take(const Ufid& ufid) {
  auto it = by_ufid_.find(ufid);
  if (it == by_ufid_.end()) return nullptr;
  auto flow = std::move(slots_[it->second->slot]);
  by_ufid_.erase(it);
  free_.push_back(flow->slot);
  return flow;
}

}  // namespace sluice
