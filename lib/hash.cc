// SPDX-License-Identifier: Apache-2.0
// See hash.h.
#include "lib/hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstdlib>

#include "lib/random.h"

namespace sluice {

uint64_t hash_bytes(ByteView bytes, uint64_t seed) { return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed); }

uint64_t process_hash_seed() {
  static const uint64_t seed = [] {
    const char* fixed = getenv("SLUICE_HASH_SEED");
    return fixed ? strtoull(fixed, nullptr, 0) : Random::from_system().next();
  }();
  return seed;
}

}  // namespace sluice
