// SPDX-License-Identifier: Apache-2.0
// Written with vectors as numbers, but for the loads; all 80 rounds are unrolled, so that the moves from word to word cost nothing.
#include "dbserver/engine/sha1_lanes.h"

#include <immintrin.h>

#include <cstring>

namespace sluice::ovsdb {
namespace {

using Lanes [[gnu::vector_size(4 * kSha1Lanes)]] = uint32_t;

// Vectors are passed by reference: how they are passed by value depends on the processor that is compiled for.
template <int n>
[[gnu::always_inline]] inline void rotate(Lanes& x) {
  x = x << n | x >> (32 - n);
}

/// Eight words of each message, which are big endian: w[i] becomes word i of all.
[[gnu::target("avx2"), gnu::always_inline]] inline void load(Lanes* w, const uint8_t* const (&data)[kSha1Lanes], size_t at) {
  const __m256i swap = _mm256_broadcastsi128_si256(_mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3));
  __m256i rows[kSha1Lanes], pairs[kSha1Lanes], fours[kSha1Lanes];
#pragma GCC unroll 8
  for (size_t i = 0; i < kSha1Lanes; i++) rows[i] = _mm256_shuffle_epi8(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(data[i] + at)), swap);
#pragma GCC unroll 8
  for (size_t i = 0; i < kSha1Lanes; i += 2) {  // words 0, 1 and 4, 5; words 2, 3 and 6, 7
    pairs[i] = _mm256_unpacklo_epi32(rows[i], rows[i + 1]);
    pairs[i + 1] = _mm256_unpackhi_epi32(rows[i], rows[i + 1]);
  }
#pragma GCC unroll 8
  for (size_t i = 0; i < kSha1Lanes; i += 4) {  // words k and k + 4 of four messages
#pragma GCC unroll 2
    for (size_t k = 0; k < 2; k++) {
      fours[i + 2 * k] = _mm256_unpacklo_epi64(pairs[i + k], pairs[i + k + 2]);
      fours[i + 2 * k + 1] = _mm256_unpackhi_epi64(pairs[i + k], pairs[i + k + 2]);
    }
  }
#pragma GCC unroll 8
  for (size_t i = 0; i < kSha1Lanes / 2; i++) {
    w[i] = reinterpret_cast<Lanes>(_mm256_permute2x128_si256(fours[i], fours[i + 4], 0x20));
    w[i + 4] = reinterpret_cast<Lanes>(_mm256_permute2x128_si256(fours[i], fours[i + 4], 0x31));
  }
}

}  // namespace

bool has_sha1_lanes() { return __builtin_cpu_supports("avx2"); }

[[gnu::target("avx2")]] void sha1_blocks(Sha1Words& words, const uint8_t* const (&data)[kSha1Lanes], size_t blocks) {
  Lanes h[5];
  std::memcpy(h, words.h, sizeof h);
  for (size_t at = 0; at < blocks * kSha1Block; at += kSha1Block) {
    Lanes w[16], a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
    load(w, data, at);
    load(w + 8, data, at + kSha1Block / 2);
#pragma GCC unroll 80
    for (size_t t = 0; t < 80; t++) {
      Lanes& now = w[t % 16];
      if (t >= 16) {
        now ^= w[(t - 3) % 16] ^ w[(t - 8) % 16] ^ w[(t - 14) % 16];
        rotate<1>(now);
      }
      e += now;
      if (t < 20) e += (d ^ (b & (c ^ d))) + 0x5a827999;
      else if (t < 40) e += (b ^ c ^ d) + 0x6ed9eba1;
      else if (t < 60) e += (b & c) + (d & (b ^ c)) + 0x8f1bbcdc;
      else e += (b ^ c ^ d) + 0xca62c1d6;
      Lanes next = a;
      rotate<5>(next);
      next += e;
      rotate<30>(b);
      e = d, d = c, c = b, b = a, a = next;
    }
    h[0] += a, h[1] += b, h[2] += c, h[3] += d, h[4] += e;
  }
  std::memcpy(words.h, h, sizeof h);
}

}  // namespace sluice::ovsdb
