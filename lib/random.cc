// SPDX-License-Identifier: Apache-2.0
// See random.h.  xoshiro256** 1.0 by Blackman and Vigna (public domain), seeded through splitmix64.
#include "lib/random.h"

#include <sys/random.h>

#include <bit>

namespace sluice {

Random::Random(uint64_t seed) {
  for (uint64_t& word : s_) {
    uint64_t z = seed += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    word = z ^ z >> 31;
  }
}

Random Random::from_system() {
  std::array<uint64_t, 4> seed;
  while (getrandom(seed.data(), sizeof seed, 0) != static_cast<ssize_t>(sizeof seed)) {
  }
  return Random(seed);
}

uint64_t Random::next() {
  uint64_t result = std::rotl(s_[1] * 5, 7) * 9, t = s_[1] << 17;
  s_[2] ^= s_[0];
  s_[3] ^= s_[1];
  s_[1] ^= s_[2];
  s_[0] ^= s_[3];
  s_[2] ^= t;
  s_[3] = std::rotl(s_[3], 45);
  return result;
}

uint64_t Random::below(uint64_t n) {
  uint64_t limit = UINT64_MAX - UINT64_MAX % n;  // the largest multiple of n: what lies above would favour small results
  uint64_t v;
  do v = next();
  while (v >= limit);
  return v % n;
}

}  // namespace sluice
