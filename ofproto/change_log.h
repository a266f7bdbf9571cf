// SPDX-License-Identifier: Apache-2.0
// ChangeLog: which flow entries came, went or changed lately.  A megaflow whose lookups none of them can concern does what it did: it needs no translation.
//
// A change concerns a megaflow only if the table was looked at, with a packet that the entry's match does not rule out.  What packets of a megaflow looked like at a lookup is known where its mask has
// bits and no action had changed the word until then (TableLookup::modified), of OpenFlow metadata always (TableLookup::metadata).
// Invariant (tested): a megaflow that may_concern() is false for would be translated to the same.
// Threads: the control thread.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <vector>

#include "ofproto/effect.h"
#include "ofproto/flow_table.h"

namespace sluice {

class ChangeLog {
 public:
  static constexpr size_t kMost = kMostChanges;   // that are kept: to look at more is about as much work as a translation

  /// From this generation of the switch on, something else than flow entries is different.
  void everything(uint64_t generation);
  void add(uint64_t generation, BridgeId bridge, TableChange change);

  /// The megaflow's key (in_port: the bridge's number) and mask; false: it is gone.
  using Fetch = std::function<bool(Flow& key, Flow& mask)>;
  /// False: nothing since the megaflow's generation can make a translation with these effects come out differently.
  bool may_concern(uint64_t generation, const Effects& effects, const Fetch& fetch);

 private:
  struct Entry {
    uint64_t generation;
    BridgeId bridge;
    TableChange change;
  };
  std::deque<Entry> entries_;   // by generation
  uint64_t whole_since_ = 0;    // all that changed after this generation is in entries_
  Flow key_, mask_;             // of the megaflow that is looked at: too much to be cleared for each
};

}  // namespace sluice
