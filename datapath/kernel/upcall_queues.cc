// SPDX-License-Identifier: Apache-2.0
// See upcall_queues.h.
#include "datapath/kernel/upcall_queues.h"

#include <algorithm>

namespace sluice {

bool UpcallQueues::has_room(OdpPort port) {
  std::lock_guard lock(mutex_);
  auto queue = queues_.find(port.value);
  bool full = size_ >= kQueuedOfAll || (queue != queues_.end() && queue->second.size() >= kQueuedOfPort);
  lost_ += full;
  return !full;
}

bool UpcallQueues::add(OdpPort port, std::unique_ptr<Upcall> upcall) {
  std::lock_guard lock(mutex_);
  Queue& queue = queues_[port.value];
  if (queue.empty()) turns_.push_back(port.value);
  queue.push_back(std::move(upcall));
  return size_++ == 0;
}

UpcallBatch UpcallQueues::take(size_t most) {
  UpcallBatch batch;
  std::lock_guard lock(mutex_);
  while (batch.size() < most && !turns_.empty()) {
    auto queue = queues_.find(turns_.front());
    turns_.pop_front();
    for (size_t n = std::min({kUpcallsPerTurn, most - batch.size(), queue->second.size()}); n > 0; n--, size_--) {
      batch.push_back(std::move(queue->second.front()));
      queue->second.pop_front();
    }
    if (queue->second.empty()) queues_.erase(queue);
    else turns_.push_back(queue->first);
  }
  return batch;
}

bool UpcallQueues::empty() const {
  std::lock_guard lock(mutex_);
  return size_ == 0;
}

uint64_t UpcallQueues::lost() const {
  std::lock_guard lock(mutex_);
  return lost_;
}

}  // namespace sluice
