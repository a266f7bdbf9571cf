// SPDX-License-Identifier: Apache-2.0
// Strings and numbers of the scanner.
#include "lib/json_scanner.h"

#include <array>
#include <charconv>

namespace sluice {

// --- strings ---

namespace {

/// What \c means; 0: nothing that is known here.
constexpr auto kMeanings = [] {
  std::array<char, 256> meanings{};
  constexpr std::string_view kNames = "\"\\/bfnrt", kCharacters = "\"\\/\b\f\n\r\t";
  for (size_t i = 0; i < kNames.size(); i++) meanings[static_cast<unsigned char>(kNames[i])] = kCharacters[i];
  return meanings;
}();

}  // namespace

__m128i JsonScanner::last_block(const char* p, const char* end) {
  char bytes[kBlock] = {};
  std::memcpy(bytes, p, static_cast<size_t>(end - p));
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes));
}

JsonScanner::Text JsonScanner::read_string(const char* p, const char* end, ByteBuffer& spare) {
  const char* start = p;
  unsigned beyond_ascii = 0, marks;
  for (;; p += kBlock) {
    __m128i bytes = block(p, end);
    beyond_ascii |= find_beyond_ascii(bytes);
    if ((marks = find_marks(bytes))) break;
  }
  p += std::countr_zero(marks);
  if (p == end) return {};
  if (*p == '"' && !beyond_ascii) return {p + 1, {start, static_cast<size_t>(p - start)}};
  size_t before = spare.size();
  const char* after = append_string(start, end, spare);
  return {after, spare.view().substr(before)};
}

/// Whole blocks are copied, and what was too much is overwritten by the next one.
const char* JsonScanner::append_string(const char* p, const char* end, ByteBuffer& out) {
  const size_t before = out.size();
  unsigned beyond_ascii = 0;
  char *to = out.extend(kBlock), *limit = out.data() + out.capacity() - kBlock;
  for (;;) {
    if (to > limit) {
      out.cut(static_cast<size_t>(to - out.data()));
      to = out.extend(kBlock);
      limit = out.data() + out.capacity() - kBlock;
    }
    __m128i bytes = block(p, end);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), bytes);
    beyond_ascii |= find_beyond_ascii(bytes);
    unsigned marks = find_marks(bytes);
    ptrdiff_t plain = marks ? std::countr_zero(marks) : kBlock;
    p += plain;
    to += plain;
    if (!marks) continue;
    if (p == end) return nullptr;
    if (*p == '"') break;
    if (*p != '\\' || end - p < 2) return nullptr;
    *to = kMeanings[static_cast<unsigned char>(p[1])];
    if (!*to++) return nullptr;
    p += 2;
  }
  out.cut(static_cast<size_t>(to - out.data()));
  return !beyond_ascii || is_valid_utf8(out.view().substr(before)) ? p + 1 : nullptr;
}

const char* JsonScanner::end_of_value(const char* p, const char* end) {
  for (size_t depth = 0; p != end;) {
    switch (*p++) {
      case '[':
      case '{': depth++; continue;
      case ']':
      case '}':
        if (depth-- == 0) return nullptr;
        break;
      case '"':
        for (; p != end && *p != '"'; p++)
          if (*p == '\\' && ++p == end) return nullptr;
        if (p++ == end) return nullptr;
        break;
    }
    if (depth == 0) return p[-1] == '}' || p[-1] == ']' ? p : nullptr;
  }
  return nullptr;
}

// --- numbers ---

namespace {

struct Digits {
  uint64_t value;
  unsigned count;
};

/// The digits at the beginning of eight bytes.
Digits leading_digits(const char* p) {
  uint64_t digits;
  std::memcpy(&digits, p, sizeof digits);
  digits -= 0x3030303030303030;  // of bytes behind one that is not a digit nothing is known
  uint64_t others = (digits | (digits + 0x7676767676767676)) & 0x8080808080808080;
  unsigned count = static_cast<unsigned>(std::countr_zero(others)) / 8;
  if (count == 0) return {0, 0};
  digits <<= 64 - 8 * count;  // zeros before them
  digits = digits * 10 + (digits >> 8);  // pairs, in every other byte
  constexpr uint64_t kPairs = 0x000000ff000000ff;
  return {((digits & kPairs) * (100 + (1000000ull << 32)) + (digits >> 16 & kPairs) * (1 + (10000ull << 32))) >> 32, count};
}

constexpr auto kPowersOfTen = std::to_array<uint64_t>({1, 10, 100, 1000, 10000, 100000, 1000000, 10000000});

}  // namespace

JsonScanner::Integer JsonScanner::read_integer(const char* p, const char* end) {
  constexpr int kAtOnce = 8;  // digits
  bool negative = p != end && *p == '-';
  const char* first = p + negative;
  p = first;
  Digits high{}, low{};
  if (end - p >= kAtOnce) p += (high = leading_digits(p)).count;
  bool more = high.count == kAtOnce;
  if (more && end - p >= kAtOnce) {
    p += (low = leading_digits(p)).count;
    more = low.count == kAtOnce;
  }
  auto value = static_cast<int64_t>(high.value * kPowersOfTen[low.count % kAtOnce] + low.value);
  if (negative) value = -value;
  if (high.count == 0 || more) {  // none, or long, or near the end of the text
    auto exact = std::from_chars(first - negative, end, value);
    if (exact.ec != std::errc()) return {};
    p = exact.ptr;
  }
  bool leading_zero = p - first > 1 && *first == '0';
  bool other_number = p != end && (*p == '.' || *p == 'e' || *p == 'E');
  return leading_zero || other_number ? Integer{} : Integer{p, value};
}

const char* JsonScanner::read_number(const char* p, const char* end, Json& out) {
  auto is_digit_here = [&] { return p != end && *p >= '0' && *p <= '9'; };
  auto digits = [&] {
    if (!is_digit_here()) return false;
    while (is_digit_here()) p++;
    return true;
  };
  const char* start = p;
  if (p != end && *p == '-') p++;
  const char* first = p;
  if (!digits() || (*first == '0' && p - first > 1)) return nullptr;
  if (p != end && *p == '.' && (p++, !digits())) return nullptr;
  if (p != end && (*p == 'e' || *p == 'E')) {
    p++;
    if (p != end && (*p == '+' || *p == '-')) p++;
    if (!digits()) return nullptr;
  }
  out = parse_json_number({start, static_cast<size_t>(p - start)});
  return out.is_null() ? nullptr : p;
}

}  // namespace sluice
