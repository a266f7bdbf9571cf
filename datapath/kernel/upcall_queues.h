// SPDX-License-Identifier: Apache-2.0
// Packets that handlers have read and the control thread has not taken yet: a bounded queue for each port, taken in turns, so that a flood through one port
// costs packets of that port only.
// Threads: any; the mutex is held while pointers move.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "datapath/dpif.h"

namespace sluice {

inline constexpr size_t kQueuedOfPort = 2048;         // packets
inline constexpr size_t kQueuedOfAll = 16 * 1024;
inline constexpr size_t kUpcallsPerTurn = 16;         // of one port, before the next has its turn

using UpcallBatch = std::vector<std::unique_ptr<Upcall>>;

class UpcallQueues {
 public:
  /// False: its queue is full, and the packet is counted as lost.  (A place is not kept: several handlers may overfill a queue by a batch each.)
  bool has_room(OdpPort port);
  /// True if there was nothing before: who takes has to be woken.
  bool add(OdpPort port, std::unique_ptr<Upcall> upcall);
  /// At most `most`, a few of each port in turn.
  UpcallBatch take(size_t most);
  bool empty() const;
  /// Packets that found a full queue, so far.
  uint64_t lost() const;

 private:
  using Queue = std::deque<std::unique_ptr<Upcall>>;
  mutable std::mutex mutex_;
  std::unordered_map<uint32_t, Queue> queues_;   // of ports that have packets
  std::deque<uint32_t> turns_;                   // the same ports, who is next first
  size_t size_ = 0;
  uint64_t lost_ = 0;
};

}  // namespace sluice
