// SPDX-License-Identifier: Apache-2.0
// EvictionOrder: which flow of a full table goes next (Flow_Table, overflow_policy, groups): of the largest group of flows that are equal in some fields, the
// least important, and of those the one that would end first (OF1.4.0 6.5).  Flows without a timeout never go.
//
// Kept for tables that have been full, so that an add costs a step or two down a tree and not a look at all flows.  A flow's place is where its timeout was when
// it was put there; packets move timeouts away only, so one that comes to the front is looked at again.  Plain object, one thread.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <tuple>
#include <vector>

#include "ofproto/rule.h"

namespace sluice {

class EvictionOrder {
 public:
  using Timeout = std::function<Time(const Rule&)>;   // kNever: none

  explicit EvictionOrder(std::vector<ofp::Subfield> fields, Timeout timeout) : fields_(std::move(fields)), timeout_(std::move(timeout)) {}
  const std::vector<ofp::Subfield>& fields() const { return fields_; }
  /// A rule is new, or its timeout or importance is another.
  void put(Rule* rule);
  void forget(Rule* rule);
  /// Null: none may go.
  Rule* next();

 private:
  using Key = Bytes;                                       // the fields' values
  using Turn = std::tuple<uint16_t, Time, uint32_t>;        // importance, timeout, slot
  using Queue = std::map<Turn, Rule*>;
  struct Group {
    Key key;
    Queue queue;
  };
  struct Larger {
    bool operator()(const Group* a, const Group* b) const { return a->queue.size() != b->queue.size() ? a->queue.size() > b->queue.size() : a->key < b->key; }
  };
  struct Place {
    Group* group;
    Queue::iterator at;
  };
  static Turn turn(const Rule* rule, Time at) { return {rule->importance, at, static_cast<uint32_t>(rule->id)}; }
  Key key_of(const Rule& rule) const;
  template <typename Change>
  void change(Group& group, const Change& how);

  std::vector<ofp::Subfield> fields_;
  Timeout timeout_;
  std::map<Key, Group> groups_;
  std::set<Group*, Larger> by_size_;                       // those with flows
  boost::unordered_flat_map<const Rule*, Place> places_;
};

}  // namespace sluice
