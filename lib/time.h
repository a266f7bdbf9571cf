// SPDX-License-Identifier: Apache-2.0
// Time as all objects see it: handed in as a value, never read from a clock by themselves.
#pragma once

#include <chrono>
#include <cstdint>

namespace sluice {

/// The monotonic time line of one process: real, or virtual in tests.  Its epoch means nothing.
struct MonotonicTimeline {
  using rep = int64_t;
  using period = std::nano;
  using duration = std::chrono::nanoseconds;
  using time_point = std::chrono::time_point<MonotonicTimeline>;
  static constexpr bool is_steady = true;
};
using Duration = std::chrono::nanoseconds;
using Time = MonotonicTimeline::time_point;
inline constexpr Time kNever = Time::max();

inline constexpr Duration seconds(int64_t n) { return std::chrono::seconds(n); }
inline constexpr Duration milliseconds(int64_t n) { return std::chrono::milliseconds(n); }
inline constexpr int64_t to_ms(Duration d) { return std::chrono::duration_cast<std::chrono::milliseconds>(d).count(); }
inline constexpr int64_t to_seconds(Duration d) { return std::chrono::duration_cast<std::chrono::seconds>(d).count(); }
/// The two parts of a duration in OpenFlow statistics, which Open vSwitch keeps in whole milliseconds.
constexpr uint32_t whole_seconds(Duration d) { return static_cast<uint32_t>(to_seconds(d)); }
constexpr uint32_t nanoseconds_below(Duration d) { return static_cast<uint32_t>((d % seconds(1)).count() / 1'000'000 * 1'000'000); }

}  // namespace sluice
