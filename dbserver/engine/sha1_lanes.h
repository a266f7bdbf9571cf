// SPDX-License-Identifier: Apache-2.0
// The compression function of SHA-1 (FIPS 180-4 6.1.2) for eight messages at once, a message in each 32-bit lane of AVX2 registers.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sluice::ovsdb {

inline constexpr size_t kSha1Lanes = 8, kSha1Block = 64;  // messages; bytes

/// h[i][lane]: word i of a lane's hash.
struct alignas(32) Sha1Words {
  uint32_t h[5][kSha1Lanes];
  void start(size_t lane) {
    constexpr uint32_t kStart[] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
    for (size_t i = 0; i < 5; i++) h[i][lane] = kStart[i];
  }
};

bool has_sha1_lanes();
/// So many blocks of each lane's data.  REQUIRES: has_sha1_lanes().
void sha1_blocks(Sha1Words& words, const uint8_t* const (&data)[kSha1Lanes], size_t blocks);

}  // namespace sluice::ovsdb
