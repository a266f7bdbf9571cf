// SPDX-License-Identifier: Apache-2.0
// Strings are copied and searched for what must be escaped in one go, sixteen bytes at a time.
#include "lib/json_writer.h"

#include <emmintrin.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>

#include "lib/integer_text.h"

namespace sluice {
namespace {

constexpr size_t kVector = 16, kHalf = 8, kQuarter = 4, kLongestEscape = 6;

__m128i load(const char* at) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at)); }
__m128i load_half(const char* at) { return _mm_loadl_epi64(reinterpret_cast<const __m128i*>(at)); }
/// Eight bytes from two places, twice.
__m128i load_quarters(const char* a, const char* b) {
  int first, second;
  std::memcpy(&first, a, sizeof first);
  std::memcpy(&second, b, sizeof second);
  return _mm_set_epi32(second, first, second, first);
}

bool must_be_escaped(char c) { return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\'; }

/// Which of sixteen bytes must be escaped: quotation marks, backslashes, control characters.
unsigned special_bytes(__m128i block) {
  __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(block, _mm_set1_epi8(0x1f)), block);
  __m128i marks = _mm_or_si128(_mm_cmpeq_epi8(block, _mm_set1_epi8('"')), _mm_cmpeq_epi8(block, _mm_set1_epi8('\\')));
  return static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(control, marks)));
}

}  // namespace

void JsonWriter::grow(size_t bytes) {
  constexpr size_t kFirst = 256;
  size_t used = size(), want = out_->capacity();
  if (used + bytes > want) want = std::max({used + bytes, want * 2, kFirst});
  cut(used);
  out_->resize_and_overwrite(used, [used](char*, size_t) { return used; });  // no more than this is moved
  out_->resize_and_overwrite(want, [want](char*, size_t) { return want; });
  take(used);
}

void JsonWriter::string(std::string_view s) {
  reserve(s.size() + 2 + kLongestEscape);
  *p_++ = '"';
  const char *from = s.data(), *end = from + s.size();
  while (static_cast<size_t>(end - from) >= kVector) {
    __m128i block = load(from);
    unsigned marks = special_bytes(block);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p_), block);
    size_t plain = marks ? static_cast<size_t>(std::countr_zero(marks)) : kVector;
    from += plain;
    p_ += plain;
    if (!marks) continue;
    escape(static_cast<unsigned char>(*from++));
    reserve(static_cast<size_t>(end - from) + 2 + kLongestEscape);
  }
  if (from != end) tail(from, static_cast<size_t>(end - from), static_cast<size_t>(from - s.data()));
  *p_++ = '"';  // for which there is room
}

/// Fewer than sixteen bytes, in front of which `before` others may be looked at again.
void JsonWriter::tail(const char* from, size_t n, size_t before) {
  for (;;) {
    unsigned marks = 0;  // a bit for each byte
    if (before + n >= kVector) {
      marks = special_bytes(load(from + n - kVector)) >> (kVector - n);
    } else if (n >= kHalf) {
      unsigned both = special_bytes(_mm_unpacklo_epi64(load_half(from), load_half(from + n - kHalf)));
      marks = (both & 0xff) | both >> kHalf << (n - kHalf);
    } else if (n >= kQuarter) {
      unsigned both = special_bytes(load_quarters(from, from + n - kQuarter)) & 0xff;
      marks = (both & 0xf) | both >> kQuarter << (n - kQuarter);
    } else {
      for (size_t i = 0; i < n; i++) marks |= unsigned{must_be_escaped(from[i])} << i;
    }
    if (!marks) return copy(from, n);
    size_t plain = static_cast<size_t>(std::countr_zero(marks));
    copy(from, plain);
    escape(static_cast<unsigned char>(from[plain]));
    reserve(n + 2);
    from += plain + 1;
    n -= plain + 1;
    before += plain + 1;
  }
}

void JsonWriter::escape(unsigned char c) {
  reserve(kLongestEscape);
  *p_++ = '\\';
  if (c >= 0x20) {  // quotation mark or backslash, as mostly
    *p_++ = static_cast<char>(c);
    return;
  }
  switch (c) {
    case '\b': *p_++ = 'b'; return;
    case '\f': *p_++ = 'f'; return;
    case '\n': *p_++ = 'n'; return;
    case '\r': *p_++ = 'r'; return;
    case '\t': *p_++ = 't'; return;
    default: break;
  }
  constexpr char kHex[] = "0123456789abcdef";
  for (char digit : {'u', '0', '0', kHex[c >> 4], kHex[c & 15]}) *p_++ = digit;
}

void JsonWriter::integer(int64_t i) {
  reserve(kIntegerRoom);
  p_ = format_integer(p_, i);
}

/// 17 digits if 15 do not give the same number back.  One that is integral, as all beyond 2^52 are, may read back as an integer of the same value.
void JsonWriter::real(double d, bool always_15) {
  constexpr size_t kLongest = 40;
  reserve(kLongest);
  char* end = std::to_chars(p_, p_ + kLongest, d, std::chars_format::general, 15).ptr;
  double back = 0;
  std::from_chars(p_, end, back);
  if (back != d && !always_15) end = std::to_chars(p_, p_ + kLongest, d, std::chars_format::general, 17).ptr;
  p_ = end;
}

}  // namespace sluice
