// SPDX-License-Identifier: Apache-2.0
// Eight digits at a time, in the bytes of a word.
#include "lib/integer_text.h"

#include <bit>
#include <cstring>

namespace sluice {
namespace {

constexpr uint64_t kEightDigits = 100'000'000;

/// The digits of n < 10^8, the first one in the lowest byte: halves, then pairs, then digits are told apart, all at once.
uint64_t eight_digits(uint64_t n) {
  uint64_t halves = n / 10000 | (n % 10000) << 32;
  uint64_t hundreds = (halves * 10486 >> 20) & 0x0000007f0000007f;
  uint64_t pairs = hundreds | (halves - 100 * hundreds) << 16;
  uint64_t tens = (pairs * 103 >> 10) & 0x000f000f000f000f;
  return tens | (pairs - 10 * tens) << 8;
}

char* put_digits(char* to, uint64_t digits, unsigned leading) {
  digits = (digits + 0x3030303030303030) >> 8 * leading;
  std::memcpy(to, &digits, sizeof digits);
  return to + sizeof digits - leading;
}

}  // namespace

char* format_integer(char* to, int64_t i) {
  uint64_t n = i < 0 ? 0 - static_cast<uint64_t>(i) : static_cast<uint64_t>(i);
  if (i < 0) *to++ = '-';
  if (n < 10) {
    *to = static_cast<char>('0' + n);
    return to + 1;
  }
  if (n >= kEightDigits) {
    uint64_t above = n / kEightDigits;
    to = format_integer(to, static_cast<int64_t>(above));
    return put_digits(to, eight_digits(n - above * kEightDigits), 0);
  }
  uint64_t digits = eight_digits(n);
  return put_digits(to, digits, static_cast<unsigned>(std::countr_zero(digits)) / 8);
}

}  // namespace sluice
