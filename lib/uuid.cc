// SPDX-License-Identifier: Apache-2.0
// Text of uuids by vectors; random ones by xoshiro256** (Blackman and Vigna, public domain algorithm).
#include "lib/uuid.h"

#include <emmintrin.h>

#include <array>
#include <bit>
#include <cstring>

namespace sluice {
namespace {

constexpr bool is_dash(size_t i) { return i == 8 || i == 13 || i == 18 || i == 23; }

constexpr int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

/// Sixteen digits at once: each nibble in a byte of its own, then made a character.
void format_to(char* out, const Uuid& u) {
  __m128i bytes = _mm_set_epi64x(static_cast<long long>(std::byteswap(u.lo)), static_cast<long long>(std::byteswap(u.hi)));
  __m128i low_bits = _mm_set1_epi8(15);
  __m128i high = _mm_and_si128(_mm_srli_epi16(bytes, 4), low_bits), low = _mm_and_si128(bytes, low_bits);
  auto digits = [](__m128i nibbles) {
    __m128i is_letter = _mm_cmpgt_epi8(nibbles, _mm_set1_epi8(9));
    return _mm_add_epi8(_mm_add_epi8(nibbles, _mm_set1_epi8('0')), _mm_and_si128(is_letter, _mm_set1_epi8('a' - '0' - 10)));
  };
  char text[32];
  _mm_storeu_si128(reinterpret_cast<__m128i*>(text), digits(_mm_unpacklo_epi8(high, low)));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(text + 16), digits(_mm_unpackhi_epi8(high, low)));
  std::memcpy(out, text, 8);
  std::memcpy(out + 9, text + 8, 4);
  std::memcpy(out + 14, text + 12, 4);
  std::memcpy(out + 19, text + 16, 4);
  std::memcpy(out + 24, text + 20, 12);
  for (size_t dash : {8, 13, 18, 23}) out[dash] = '-';
}

std::string format(const Uuid& u) {
  std::string s(kUuidTextLength, '\0');
  format_to(s.data(), u);
  return s;
}

std::optional<Uuid> parse_uuid(std::string_view s) {
  constexpr uint8_t kBad = 0xf0;  // bits that no digit has
  static constexpr auto kValues = [] {
    std::array<uint8_t, 256> values{};
    for (size_t i = 0; i < 256; i++) {
      int v = hex_value(static_cast<char>(i));
      values[i] = v < 0 ? kBad : static_cast<uint8_t>(v);
    }
    return values;
  }();
  if (s.size() != kUuidTextLength || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-') return std::nullopt;
  uint8_t bad = 0;
  auto digits = [&](uint64_t& word, size_t from, size_t n) {
    for (size_t i = from; i < from + n; i++) {
      uint8_t v = kValues[static_cast<unsigned char>(s[i])];
      bad |= v;
      word = word << 4 | (v & 15);
    }
  };
  Uuid u;
  digits(u.hi, 0, 8);
  digits(u.hi, 9, 4);
  digits(u.hi, 14, 4);
  digits(u.lo, 19, 4);
  digits(u.lo, 24, 12);
  if (bad & kBad) return std::nullopt;
  return u;
}

size_t uuid_prefix_length(std::string_view s) {
  size_t n = std::min(s.size(), kUuidTextLength);
  for (size_t i = 0; i < n; i++)
    if (is_dash(i) ? s[i] != '-' : hex_value(s[i]) < 0) return i;
  return n;
}

UuidSource::UuidSource(std::array<uint64_t, 4> seed) : random_(seed) {
  for (int i = 0; i < 16; i++) next_u64();  // away from seeds with few bits
}

Uuid UuidSource::next() {
  Uuid u{next_u64(), next_u64()};
  u.hi = (u.hi & ~0xf000ull) | 0x4000ull;
  u.lo = (u.lo & ~(3ull << 62)) | (2ull << 62);
  return u;
}

}  // namespace sluice
