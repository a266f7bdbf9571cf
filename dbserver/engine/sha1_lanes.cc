// SPDX-License-Identifier: Apache-2.0
// Written with vectors as numbers; all 80 rounds are unrolled, so that the moves from word to word cost nothing.
#include "dbserver/engine/sha1_lanes.h"

#include <cstring>

namespace sluice::ovsdb {
namespace {

using Lanes [[gnu::vector_size(4 * kSha1Lanes)]] = uint32_t;
using Bytes [[gnu::vector_size(4 * kSha1Lanes)]] = char;

// Vectors are passed by reference: how they are passed by value depends on the processor that is compiled for.
template <int n>
[[gnu::always_inline]] inline void rotate(Lanes& x) {
  x = x << n | x >> (32 - n);
}

uint32_t word(const uint8_t* p) {
  uint32_t v;
  std::memcpy(&v, p, sizeof v);
  return v;
}

/// The words at one place of all messages; they are big endian.
[[gnu::always_inline]] inline void load(Lanes& w, const uint8_t* const (&data)[kSha1Lanes], size_t at) {
  w = Lanes{word(data[0] + at), word(data[1] + at), word(data[2] + at), word(data[3] + at), word(data[4] + at), word(data[5] + at), word(data[6] + at), word(data[7] + at)};
  Bytes b = reinterpret_cast<Bytes>(w);
  b = __builtin_shufflevector(b, b, 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12, 19, 18, 17, 16, 23, 22, 21, 20, 27, 26, 25, 24, 31, 30, 29, 28);
  w = reinterpret_cast<Lanes>(b);
}

}  // namespace

bool has_sha1_lanes() { return __builtin_cpu_supports("avx2"); }

[[gnu::target("avx2")]] void sha1_blocks(Sha1Words& words, const uint8_t* const (&data)[kSha1Lanes], size_t blocks) {
  Lanes h[5];
  std::memcpy(h, words.h, sizeof h);
  for (size_t at = 0; at < blocks * kSha1Block; at += kSha1Block) {
    Lanes w[16]{}, a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
#pragma GCC unroll 80
    for (size_t t = 0; t < 80; t++) {
      Lanes& now = w[t % 16];
      if (t < 16) {
        load(now, data, at + 4 * t);
      } else {
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
