// SPDX-License-Identifier: Apache-2.0
// Named event counters with rates (coverage/show, coverage/read-counter) and the sources of memory/show.
//
// main() owns one Counters; whoever counts keeps a reference to its Counter.  Counting is safe from any thread, the rest is the loop's.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/time.h"

namespace sluice {

class UnixctlServer;

class Counter {
 public:
  explicit Counter(std::string name) : name_(std::move(name)) {}
  void add(uint64_t n = 1) { value_.fetch_add(n, std::memory_order_relaxed); }
  uint64_t value() const { return value_.load(std::memory_order_relaxed); }
  const std::string& name() const { return name_; }

 private:
  friend class Counters;
  static constexpr size_t kMinuteSlots = 12, kHourSlots = 60;  // of 5 seconds, of a minute
  const std::string name_;
  std::atomic<uint64_t> value_{0};
  uint64_t sampled_ = 0;                         // value at the last sample
  std::array<uint64_t, kMinuteSlots> minute_{};  // events in each slot
  std::array<uint64_t, kHourSlots> hour_{};
};

class Counters {
 public:
  static constexpr Duration kSample = seconds(5);

  /// The counter of this name, made at first use.  The reference stays valid.
  Counter& get(std::string_view name);
  void run(Time now);
  Time deadline() const { return next_; }

  std::string show() const;                                        // coverage/show
  std::optional<uint64_t> read(std::string_view name) const;

  /// Each source adds its numbers to the map; equal names are summed up.
  void add_memory_source(std::function<void(std::map<std::string, uint64_t>&)> fn);
  std::string show_memory() const;                                 // memory/show: "cells:5 sessions:1"

  /// coverage/show, coverage/read-counter, memory/show.
  void add_commands(UnixctlServer& server);

 private:
  std::deque<Counter> counters_;  // in order of making
  std::vector<std::function<void(std::map<std::string, uint64_t>&)>> memory_;
  Time next_{};
  unsigned sample_ = 0;
};

}  // namespace sluice
