// SPDX-License-Identifier: Apache-2.0
// Doorkeeper: which megaflows are worth putting into a kernel while packets come up faster than they can be handled.
//
// Then most of them mostly are the only ones of their flow (a scan, spoofed addresses): a megaflow for each would cost more than handling the packet, and never be met.  So a flow
// gets one when its second packet comes up.  Where many have a second packet this is of no use, and is left for a while.
// Every packet is handled all the same.  Threads: the control thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "lib/time.h"

namespace sluice {

class Doorkeeper {
 public:
  static constexpr Duration kPatience = milliseconds(100);   // of packets that wait without a pause: that is overload
  static constexpr Duration kTrial = seconds(1);             // after which the figures are looked at,
  static constexpr Duration kRest = seconds(5);              // and so long it is left, if it was of no use
  static constexpr size_t kRemembered = 1 << 16;             // flows that were seen once, at most

  /// After each turn: whether there were more packets than it could handle.
  void turned(bool packets_wait, Time now);
  /// True if the flow should have a megaflow.  hash: of what the megaflow would match.
  bool admits(uint64_t hash);
  bool is_overloaded() const { return overloaded_; }
  /// Packets for which there was none, so far.
  uint64_t turned_away() const { return turned_away_; }

 private:
  std::vector<uint32_t> seen_;       // tags by hash, made at the first overload; 0: free
  Time waiting_since_ = kNever, trial_began_ = kNever, rests_until_{};
  bool overloaded_ = false;
  uint64_t first_ = 0, second_ = 0, turned_away_ = 0;   // first_, second_: packets of flows in this trial
};

}  // namespace sluice
