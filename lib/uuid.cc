// SPDX-License-Identifier: Apache-2.0
// Text of uuids by a nibble table; random ones by xoshiro256** (Blackman and Vigna, public domain algorithm).
#include "lib/uuid.h"

#include <array>
#include <cstring>

namespace sluice {
namespace {

constexpr char kHex[] = "0123456789abcdef";
constexpr bool is_dash(size_t i) { return i == 8 || i == 13 || i == 18 || i == 23; }

constexpr int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

void format_to(char* out, const Uuid& u) {
  static constexpr auto kPairs = [] {
    std::array<std::array<char, 2>, 256> pairs{};
    for (size_t i = 0; i < 256; i++) pairs[i] = {kHex[i >> 4], kHex[i & 15]};
    return pairs;
  }();
  auto put = [&](size_t at, uint64_t word, int shift) { std::memcpy(out + at, kPairs[word >> shift & 255].data(), 2); };
  static constexpr size_t kHigh[] = {0, 2, 4, 6, 9, 11, 14, 16}, kLow[] = {19, 21, 24, 26, 28, 30, 32, 34};
  for (int i = 0; i < 8; i++) {
    put(kHigh[i], u.hi, 56 - 8 * i);
    put(kLow[i], u.lo, 56 - 8 * i);
  }
  for (size_t dash : {8, 13, 18, 23}) out[dash] = '-';
}

std::string format(const Uuid& u) {
  std::string s(kUuidTextLength, '\0');
  format_to(s.data(), u);
  return s;
}

std::optional<Uuid> parse_uuid(std::string_view s) {
  if (s.size() != kUuidTextLength) return std::nullopt;
  Uuid u;
  int bad = 0, digits = 0;
  for (size_t i = 0; i < kUuidTextLength; i++) {
    if (is_dash(i)) {
      if (s[i] != '-') return std::nullopt;
      continue;
    }
    int v = hex_value(s[i]);
    bad |= v;
    uint64_t& word = digits++ < 16 ? u.hi : u.lo;
    word = word << 4 | static_cast<uint64_t>(v & 15);
  }
  if (bad < 0) return std::nullopt;
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
