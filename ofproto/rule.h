// SPDX-License-Identifier: Apache-2.0
// Rule: one flow entry.  RuleTable holds the rules of one flow table and gives them ids, by which everything that may outlive a rule (effects of
// megaflows) refers to it.
//
// Memory matters: a million rules is a normal switch.  Equal action lists are one object (ActionPool), the match is packed, and rules are
// allocated in slabs.  A rule stays where it is as long as it lives, so its slot is also the place to which a dump in slices comes back.
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

/// Slot and flow table in the low half, the slot's use count in the high half; 0 is no rule.
using RuleId = uint64_t;
inline constexpr unsigned kRuleSlotBits = 24;
constexpr unsigned table_of(RuleId id) { return static_cast<uint32_t>(id) >> kRuleSlotBits; }

/// An action list shared by the rules that have equal ones.
struct ActionList {
  ofp::Actions actions;
  uint64_t hash = 0;
  uint32_t users = 0;
  bool conjunctive = false;   // conjunction actions (and notes) only
};

/// The flows that learn actions with delete_learned make.
struct LearnedFlows {
  uint8_t table;
  uint64_t cookie;
  friend auto operator<=>(const LearnedFlows&, const LearnedFlows&) = default;
};

class ActionPool {
 public:
  ActionPool() = default;
  ActionPool(const ActionPool&) = delete;
  ActionPool& operator=(const ActionPool&) = delete;
  ~ActionPool();
  ActionList* share(ofp::Actions&& actions);
  ActionList* hold(ActionList* list) { return list->users++, list; }
  void release(ActionList* list);
  size_t size() const { return lists_.size(); }
  /// Those that only lists made which are gone since the last call.
  std::vector<LearnedFlows> take_orphans();
  template <typename Fn>
  void for_each(const Fn& fn) const {
    for (const auto& [hash, lists] : lists_)
      for (const ActionList* l : lists) fn(l->actions);
  }

 private:
  boost::unordered_flat_map<uint64_t, std::vector<ActionList*>> lists_;  // by hash
  void note_learned(const ofp::Actions& actions);
  std::vector<LearnedFlows> orphans_;    // perhaps: of lists that are gone
};

inline constexpr int kFailOpenPriority = 0xf0ffff;  // above all that OpenFlow can say

/// What may change of a rule.
struct RuleContent {
  ActionList* actions = nullptr;
  uint64_t cookie = 0;
  uint64_t packets = 0, bytes = 0;
  Time used{}, created{}, modified{};
  uint16_t idle_timeout = 0, hard_timeout = 0, importance = 0, flags = 0;
};

struct Rule : RuleContent {
  ofp::MiniMatch match;
  RuleId id = 0;
  Rule* next = nullptr;        // in the classifier's chain: same hash, not higher priority
  int32_t priority = 0;        // > 65535: hidden from OpenFlow
  uint8_t table = 0;
  bool live = false;           // in the classifier, and found by its id
  bool fresh = false;          // its id was made in the open stage: nobody refers to it
  bool is_hidden() const { return priority > UINT16_MAX; }
};

class RuleTable {
 public:
  static constexpr uint32_t kSlab = 32;         // rules
  static constexpr uint32_t kMaxSlots = 1u << kRuleSlotBits;

  explicit RuleTable(uint8_t table) : table_(table) {}
  RuleTable(const RuleTable&) = delete;
  RuleTable& operator=(const RuleTable&) = delete;

  /// A rule with a new id that is not live yet; all else is the caller's.  REQUIRES: fewer than kMaxSlots are there.
  Rule* make();
  /// The id that it had means nothing any more.
  void renew(Rule* rule) { rule->id += uint64_t{1} << 32; }
  void free(Rule* rule);
  /// A live rule, or null.
  Rule* find(RuleId id) const {
    Rule* r = slot(static_cast<uint32_t>(id) & (kMaxSlots - 1));
    return r && r->live && r->id == id ? r : nullptr;
  }
  uint32_t slots() const { return static_cast<uint32_t>(slabs_.size()) * kSlab; }
  /// The rule of a slot, live or not; null: no such slot.
  Rule* slot(uint32_t n) const { return n < slots() ? &slabs_[n / kSlab][n % kSlab] : nullptr; }

 private:
  uint8_t table_;
  std::vector<std::unique_ptr<Rule[]>> slabs_;
  Rule* free_ = nullptr;       // linked by next
};

}  // namespace sluice
