// SPDX-License-Identifier: Apache-2.0
// Classifier: finds the rule of highest priority that matches a flow, and marks the bits of the flow that it had to look at.
//
// Rules with one mask form a subtable: a hash table from masked value to a chain of rules by falling priority.  Subtables are visited by falling highest priority
// until nothing better can come.  In a subtable the flow is compared in stages (metadata, L2, L3, L4): if no rule has the hash of the first stages, the fields of
// the later ones were not looked at and stay wild.
//
// Of some fields, addresses mostly, a trie knows which prefixes the rules ask for (Flow_Table, prefixes): a subtable whose length is not among those of
// the flow's address is passed over, and only the bits that say so count as looked at.  Likewise each subtable knows the L4 ports of its rules.
//
// Invariant (tested): flipping bits outside of the mask that lookup() returned gives the same rule.
// Threads: one writer; the control thread reads and writes.
#pragma once

#include <array>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "ofproto/prefix_trie.h"
#include "ofproto/rule.h"

namespace sluice {

class Classifier {
 public:
  /// Fields whose prefixes may be tracked; at most kMostPrefixFields of them in one table.
  static bool is_prefix_field(ofp::FieldId f);
  static constexpr size_t kMostPrefixFields = 3;
  static constexpr std::array kDefaultPrefixFields = {ofp::FieldId::kIpDst, ofp::FieldId::kIpSrc};

  Classifier();
  ~Classifier();
  Classifier(const Classifier&) = delete;
  Classifier& operator=(const Classifier&) = delete;

  /// Where rules with a match are or would be: found once, used to find and to insert.  Good until a rule is removed.
  struct Place;
  Place locate(const ofp::MiniMatch& match) const;
  Rule* find(const Place& place, const ofp::MiniMatch& match, int priority) const;
  Rule* find(const ofp::MiniMatch& match, int priority) const;
  /// The classifier does not own rules.  REQUIRES: no rule with the same match and priority is in it.
  void insert(Rule* rule, const Place& place);
  void insert(Rule* rule);
  void remove(Rule* rule);
  /// Gives a rule that is in it other actions.
  void set_actions(Rule* rule, ActionList* actions);
  /// mask may be null.  Conjunctive rules are not results: a rule on the conj_id that their clauses make up is.
  const Rule* lookup(const Flow& flow, Flow* mask) const;
  /// True if a rule of that priority matches packets that `match` also matches.
  bool has_overlap(const ofp::MiniMatch& match, int priority) const;
  /// Rules whose packets `general` would all match, until visit returns false.  The rule visited may be removed.
  void for_each_inside(const ofp::MiniMatch& general, const std::function<bool(Rule*)>& visit) const;
  void for_each(const std::function<bool(Rule*)>& visit) const { for_each_inside(ofp::MiniMatch(), visit); }

  /// Which prefixes to track.  REQUIRES: is_prefix_field() of each, at most kMostPrefixFields.
  void track_prefixes(std::span<const ofp::FieldId> fields);

  size_t size() const { return size_; }
  size_t subtable_count() const { return order_.size(); }

 private:
  struct Subtable;
  struct Soft;
  struct Tracked;
  class Prefixes;
  Subtable* find_subtable(const ofp::MiniMatch& match) const;
  Subtable* add_subtable(const ofp::MiniMatch& match);
  void drop_subtable(Subtable* subtable);
  void reorder(Subtable* subtable);
  const Rule* search(const Flow& flow, Flow* mask, Soft* soft) const;
  void start_tracking(size_t i) const;
  void retry_overflowed(Subtable& subtable);
  const Rule* satisfy(const Flow& flow, Flow* mask, Soft& soft, const Rule* hard) const;

  std::vector<std::unique_ptr<Subtable>> order_;  // by falling highest priority
  boost::unordered_flat_map<uint64_t, std::vector<Subtable*>> by_mask_;
  mutable std::vector<Tracked> tracked_;          // prefixes
  mutable Subtable* last_found_ = nullptr;        // flow-mods of one mask often come in a row
  size_t size_ = 0, conjunctive_ = 0;

 public:
  static constexpr unsigned kStages = 4;
  struct Place {
    Subtable* subtable = nullptr;                 // null: no rule has the mask
    uint64_t hash = 0;
    std::array<uint64_t, kStages - 1> stages{};
  };
};

}  // namespace sluice
