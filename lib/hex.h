// SPDX-License-Identifier: Apache-2.0
// Lower-case hexadecimal digits of sixteen bytes at once.
#pragma once

#include <emmintrin.h>

namespace sluice {

struct HexDigits {
  __m128i first, second;  // of the first eight bytes, and of the others
};

/// Each nibble in a byte of its own, then made a character.
inline HexDigits hex_digits(__m128i bytes) {
  const __m128i low_bits = _mm_set1_epi8(15);
  __m128i high = _mm_and_si128(_mm_srli_epi16(bytes, 4), low_bits), low = _mm_and_si128(bytes, low_bits);
  auto digits = [](__m128i nibbles) {
    __m128i is_letter = _mm_cmpgt_epi8(nibbles, _mm_set1_epi8(9));
    return _mm_add_epi8(_mm_add_epi8(nibbles, _mm_set1_epi8('0')), _mm_and_si128(is_letter, _mm_set1_epi8('a' - '0' - 10)));
  };
  return {digits(_mm_unpacklo_epi8(high, low)), digits(_mm_unpackhi_epi8(high, low))};
}

}  // namespace sluice
