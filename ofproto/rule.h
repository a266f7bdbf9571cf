// SPDX-License-Identifier: Apache-2.0
// Rule: one flow entry.  RuleTable gives rules ids, by which everything that may outlive a rule (effects of megaflows) refers to it.
//
// Memory matters: a million rules is a normal switch.  Equal action lists are one object (ActionPool), the match is packed.
// Threads: the control thread.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <memory>
#include <vector>

#include "lib/time.h"
#include "ofproto/openflow/action.h"
#include "ofproto/openflow/match.h"

namespace sluice {

/// Slot number in the low half, the slot's use count in the high half; 0 is no rule.
using RuleId = uint64_t;

/// An action list shared by the rules that have equal ones.
struct ActionList {
  ofp::Actions actions;
  uint64_t hash = 0;
  uint32_t users = 0;
  bool conjunctive = false;   // conjunction actions (and notes) only
};

class ActionPool {
 public:
  ActionPool() = default;
  ActionPool(const ActionPool&) = delete;
  ActionPool& operator=(const ActionPool&) = delete;
  ~ActionPool();
  const ActionList* share(ofp::Actions actions);
  void release(const ActionList* list);
  size_t size() const { return lists_.size(); }

 private:
  boost::unordered_flat_map<uint64_t, std::vector<ActionList*>> lists_;  // by hash
};

inline constexpr int kFailOpenPriority = 0xf0ffff;  // above all that OpenFlow can say

struct Rule {
  ofp::MiniMatch match;
  const ActionList* actions = nullptr;
  RuleId id = 0;
  Rule* next = nullptr;        // in the classifier's chain: same hash, not higher priority
  uint64_t cookie = 0;
  uint64_t packets = 0, bytes = 0;
  Time used{}, created{}, modified{};
  int32_t priority = 0;        // > 65535: hidden from OpenFlow
  uint16_t idle_timeout = 0, hard_timeout = 0, importance = 0, flags = 0;
  uint8_t table = 0;
  bool is_hidden() const { return priority > UINT16_MAX; }
};

class RuleTable {
 public:
  RuleTable() : slots_(1) {}
  RuleId add(Rule* rule);
  void remove(RuleId id);
  /// The id means `rule` from now on.
  void reassign(RuleId id, Rule* rule) {
    slots_[static_cast<uint32_t>(id)].rule = rule;
    rule->id = id;
  }
  Rule* find(RuleId id) const {
    uint32_t slot = static_cast<uint32_t>(id);
    return slot < slots_.size() && slots_[slot].uses == id >> 32 ? slots_[slot].rule : nullptr;
  }

 private:
  struct Slot {
    Rule* rule = nullptr;
    uint32_t uses = 0;
    uint32_t next_free = 0;
  };
  std::vector<Slot> slots_;
  uint32_t free_ = 0;          // first free slot; 0: none
};

}  // namespace sluice
