// SPDX-License-Identifier: Apache-2.0
// Seeded hashes of 8-byte words: two words a multiplication.  The seed is random per process, so that collisions can't be chosen from outside.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sluice {

/// Both halves of a 128-bit product, folded.
inline uint64_t mix(uint64_t a, uint64_t b) {
  __extension__ using u128 = unsigned __int128;
  u128 product = static_cast<u128>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

struct HashSeed {
  uint64_t s[6];
  explicit HashSeed(uint64_t seed) {
    for (uint64_t& x : s) {  // splitmix64
      seed += 0x9e3779b97f4a7c15;
      x = mix(seed ^ 0xbf58476d1ce4e5b9, 0x94d049bb133111eb) | 1;
    }
  }
};

/// Of exactly five words (a FastKey).
inline uint64_t hash_five(const uint64_t* w, const HashSeed& seed) {
  return mix(mix(w[0] ^ seed.s[0], w[1] ^ seed.s[1]) ^ mix(w[2] ^ seed.s[2], w[3] ^ seed.s[3]) ^ w[4], seed.s[4]);
}

/// Word by word, for keys whose words come one at a time.
class WordHash {
 public:
  explicit WordHash(const HashSeed& seed) : h_(seed.s[5]), k_(seed.s[0]) {}
  void add(uint64_t w) { h_ = mix(h_ ^ w, k_) + 0x9e3779b97f4a7c15; }
  uint64_t value() const { return mix(h_, k_ ^ 0xe7037ed1a0b428db); }

 private:
  uint64_t h_, k_;
};

}  // namespace sluice
