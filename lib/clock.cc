// SPDX-License-Identifier: Apache-2.0
#include "lib/clock.h"

#include <ctime>

namespace sluice {
namespace {

int64_t read_ns(clockid_t id) {
  timespec t{};
  clock_gettime(id, &t);
  return static_cast<int64_t>(t.tv_sec) * 1'000'000'000 + t.tv_nsec;
}

Time from_ns(int64_t ns) { return Time(Duration(ns)); }

}  // namespace

Clock::Clock(Time start, int64_t wall_start_ms)
    : virtual_(true), stopped_(true), frozen_ns_(start.time_since_epoch().count()), frozen_wall_ms_(wall_start_ms) {}

Time Clock::now() const {
  int64_t base = stopped() ? frozen_ns_.load() : read_ns(CLOCK_MONOTONIC);
  return from_ns(base + warped_ns_.load());
}

int64_t Clock::wall_ms() const {
  int64_t base = stopped() ? frozen_wall_ms_.load() : read_ns(CLOCK_REALTIME) / 1'000'000;
  return base + warped_ns_.load() / 1'000'000;
}

void Clock::stop() {
  if (stopped()) return;
  frozen_ns_ = read_ns(CLOCK_MONOTONIC);
  frozen_wall_ms_ = read_ns(CLOCK_REALTIME) / 1'000'000;
  stopped_.store(true, std::memory_order_release);
}

void Clock::warp(Duration forward) { warped_ns_ += forward.count(); }

Time Clock::stopwatch() const { return virtual_ ? now() : from_ns(read_ns(CLOCK_MONOTONIC)); }

}  // namespace sluice
