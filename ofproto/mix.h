// SPDX-License-Identifier: Apache-2.0
// Hashing by words, for tables that are filled by the control thread: one multiplication a word.
#pragma once

#include <cstdint>

namespace sluice {

inline uint64_t mix(uint64_t h, uint64_t v) {
  unsigned __int128 m = static_cast<unsigned __int128>(h ^ 0x2d358dccaa6c78a5ull) * (v ^ 0x8bb84b93962eacc9ull);
  return static_cast<uint64_t>(m) ^ static_cast<uint64_t>(m >> 64);
}

}  // namespace sluice
