// SPDX-License-Identifier: Apache-2.0
// Hashing of what comes from outside: XXH3 with a seed that an attacker does not know.
#pragma once

#include <cstdint>
#include <string_view>

#include "lib/bytes.h"

namespace sluice {

uint64_t hash_bytes(ByteView bytes, uint64_t seed);
/// Random, the same during the life of the process.  SLUICE_HASH_SEED in the environment fixes it, for runs that must be repeatable.
uint64_t process_hash_seed();
inline uint64_t hash_bytes(ByteView bytes) { return hash_bytes(bytes, process_hash_seed()); }
inline uint64_t hash_text(std::string_view s) { return hash_bytes({reinterpret_cast<const uint8_t*>(s.data()), s.size()}); }

/// For maps keyed by text, with lookups by string_view.
struct TextHash {
  using is_transparent = void;
  using is_avalanching = void;
  size_t operator()(std::string_view s) const noexcept { return hash_text(s); }
};

}  // namespace sluice
