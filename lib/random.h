// SPDX-License-Identifier: Apache-2.0
// A small random generator (xoshiro256**): a function of its seed, so a run can be repeated.  Not for secrets.
#pragma once

#include <array>
#include <cstdint>

namespace sluice {

class Random {
 public:
  explicit Random(uint64_t seed);
  explicit Random(std::array<uint64_t, 4> seed) : s_(seed) {}
  /// From the operating system: for main() and nobody else.
  static Random from_system();

  uint64_t next();
  uint32_t next_u32() { return static_cast<uint32_t>(next() >> 32); }
  /// Uniform in [0, n).  REQUIRES: n > 0.
  uint64_t below(uint64_t n);

 private:
  std::array<uint64_t, 4> s_;
};

}  // namespace sluice
