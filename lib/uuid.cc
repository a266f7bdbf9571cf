// SPDX-License-Identifier: Apache-2.0
// Text of uuids by vectors; random ones by xoshiro256** (Blackman and Vigna, public domain algorithm).
#include "lib/uuid.h"

#include <emmintrin.h>

#include <array>
#include <bit>
#include <cstring>

#include "lib/hex.h"

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

void format_to(char* out, const Uuid& u) {
  __m128i bytes = _mm_set_epi64x(static_cast<long long>(std::byteswap(u.lo)), static_cast<long long>(std::byteswap(u.hi)));
  const auto [first, second] = hex_digits(bytes);
  // The first eight digits and the last twelve are in place; those between are moved by the dashes before them.
  _mm_storeu_si128(reinterpret_cast<__m128i*>(out), first);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(out + 20), second);
  uint64_t between = static_cast<uint64_t>(_mm_cvtsi128_si64(_mm_unpackhi_epi64(first, first)));
  int last = _mm_cvtsi128_si32(second);
  std::memcpy(out + 9, &between, 4);
  between >>= 32;
  std::memcpy(out + 14, &between, 4);
  std::memcpy(out + 19, &last, 4);
  for (size_t dash : {8, 13, 18, 23}) out[dash] = '-';
}

std::string format(const Uuid& u) {
  std::string s(kUuidTextLength, '\0');
  format_to(s.data(), u);
  return s;
}

namespace {

/// Eight bytes, big endian, of sixteen digits; `bad` becomes nonzero if they are not all digits.
[[gnu::always_inline]] inline __m128i parse_digits(const char* text, __m128i& bad) {
  __m128i c = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text));
  auto value = [](__m128i from_first, char count) {  // of those in range; the others are -1
    __m128i in_range = _mm_cmpeq_epi8(_mm_min_epu8(from_first, _mm_set1_epi8(static_cast<char>(count - 1))), from_first);
    return _mm_or_si128(_mm_and_si128(in_range, from_first), _mm_andnot_si128(in_range, _mm_set1_epi8(-1)));
  };
  __m128i number = value(_mm_sub_epi8(c, _mm_set1_epi8('0')), 10), letter = value(_mm_sub_epi8(_mm_or_si128(c, _mm_set1_epi8(0x20)), _mm_set1_epi8('a')), 6);
  bad = _mm_or_si128(bad, _mm_and_si128(number, letter));  // negative if it is neither
  __m128i nibbles = _mm_min_epu8(number, _mm_add_epi8(letter, _mm_set1_epi8(10)));
  // The first of two is the high one.
  return _mm_and_si128(_mm_or_si128(_mm_slli_epi16(nibbles, 4), _mm_srli_epi16(nibbles, 8)), _mm_set1_epi16(0xff));
}

}  // namespace

std::optional<Uuid> parse_uuid(std::string_view s) {
  if (s.size() != kUuidTextLength || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-') return std::nullopt;
  char text[32];
  std::memcpy(text, s.data(), 8);
  std::memcpy(text + 8, s.data() + 9, 4);
  std::memcpy(text + 12, s.data() + 14, 4);
  std::memcpy(text + 16, s.data() + 19, 4);
  std::memcpy(text + 20, s.data() + 24, 12);
  __m128i bad = _mm_setzero_si128();
  __m128i hi = parse_digits(text, bad), lo = parse_digits(text + 16, bad);
  if (_mm_movemask_epi8(bad)) return std::nullopt;
  __m128i bytes = _mm_packus_epi16(hi, lo);
  return Uuid{std::byteswap(static_cast<uint64_t>(_mm_cvtsi128_si64(bytes))), std::byteswap(static_cast<uint64_t>(_mm_cvtsi128_si64(_mm_unpackhi_epi64(bytes, bytes))))};
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
