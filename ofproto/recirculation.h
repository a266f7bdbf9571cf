// SPDX-License-Identifier: Apache-2.0
// Recirculation: a packet goes back to the datapath in the middle of its translation, with an id, and comes up again (parsed anew, tracked) to go on where it was.
//
// FrozenState is all that goes on; a translation names those that it made by their index, and RecircTable gives equal ones one id.  Megaflows hold the ids that their
// actions name (Origin::held); who nobody holds stays for kRecircLinger, for packets that are under way.
// Threads: written by the control thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

#include "datapath/flow.h"
#include "datapath/odp_action.h"
#include "lib/time.h"
#include "ofproto/openflow/action.h"

namespace sluice {

inline constexpr Duration kRecircLinger = seconds(1);
inline constexpr size_t kMaxRecircIds = 1u << 16;

struct FrozenState {
  uint32_t bridge = 0;                 // BridgeId
  OfpPort in_port;
  uint8_t table = 0;
  bool looks_up = false;               // goes on in `table`; else with `rest` alone
  be64 metadata;
  be32 reg[kRegs];
  FlowTunnel tunnel{};
  Bytes options;                       // of Geneve, as on the wire
  uint32_t mirrored = 0;               // mirrors that have it already
  struct Pushed { ofp::FieldValue value; unsigned n_bits; friend bool operator==(const Pushed&, const Pushed&) = default; };
  std::vector<Pushed> stack;
  ofp::Actions action_set;
  /// Of the lists that were being run, what is left, innermost first.
  struct Rest { uint8_t table; uint64_t rule_cookie; ofp::Actions actions; friend bool operator==(const Rest&, const Rest&) = default; };
  std::vector<Rest> rest;

  FrozenState() = default;
  friend bool operator==(const FrozenState& a, const FrozenState& b);
  uint64_t hash() const;               // the same in every process
};
using FrozenPtr = std::shared_ptr<const FrozenState>;

class RecircTable {
 public:
  /// by_content: an id is made of the state's hash, so that flows of a kernel mean the same to the next daemon; else ids are counted up.
  explicit RecircTable(bool by_content = false) : by_content_(by_content) {}
  /// One more user; 0: the table is full.
  uint32_t hold(const FrozenPtr& state);
  /// The next of the numbers that ids are counted up from, for something else that datapath actions name.
  uint64_t new_number() { return ++last_number_; }
  void release(uint32_t id, Time now);
  FrozenPtr find(uint32_t id) const {
    auto it = entries_.find(id);
    return it == entries_.end() ? nullptr : it->second.state;
  }
  void run(Time now);
  Time deadline() const { return lingering_.empty() ? kNever : lingering_.begin()->first; }
  size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    FrozenPtr state;
    uint64_t hash;
    uint32_t users = 0;
    Time free_at = kNever;
  };
  uint32_t new_id(uint64_t hash);
  void forget_content(uint32_t id, uint64_t hash);
  bool by_content_;
  uint64_t last_number_ = 0;
  std::unordered_map<uint32_t, Entry> entries_;
  std::unordered_multimap<uint64_t, uint32_t> by_hash_;
  std::multimap<Time, uint32_t> lingering_;
};

}  // namespace sluice
