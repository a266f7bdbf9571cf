// SPDX-License-Identifier: Apache-2.0
// The one place that reads the machine's clocks.  A Clock is real (the default) or virtual (it moves only by warp()).
//
// Stopping freezes now() and wall_ms(); warp() moves both forward whether stopped or not.  A virtual clock is one that is stopped from birth.
// Threads: now() and wall_ms() from any thread; stop() and warp() only from the thread of the loop that owns the time line.
#pragma once

#include <atomic>
#include <cstdint>

#include "lib/time.h"

namespace sluice {

class Clock {
 public:
  Clock() = default;
  Clock(const Clock&) = delete;
  Clock& operator=(const Clock&) = delete;
  /// A clock that never reads the machine: it shows `start` and, as wall time, wall_start_ms, until it is warped.
  Clock(Time start, int64_t wall_start_ms);

  Time now() const;
  /// Milliseconds since 1970-01-01 UTC.
  int64_t wall_ms() const;
  /// Freezes time where it is (appctl time/stop).  There is no way back.
  void stop();
  void warp(Duration forward);
  bool stopped() const { return stopped_.load(std::memory_order_acquire); }
  /// For measuring how long something took, in the machine's time also when stopped; of a clock born virtual it is now().
  Time stopwatch() const;

 private:
  bool virtual_ = false;
  std::atomic<bool> stopped_ = false;
  std::atomic<int64_t> frozen_ns_ = 0;       // time at stop()
  std::atomic<int64_t> frozen_wall_ms_ = 0;  // wall time at stop()
  std::atomic<int64_t> warped_ns_ = 0;       // sum of all warps
};

}  // namespace sluice
