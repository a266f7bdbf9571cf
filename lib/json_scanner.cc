// SPDX-License-Identifier: Apache-2.0
// Strings and numbers of the scanner.
#include "lib/json_scanner.h"

#include <emmintrin.h>

#include <bit>
#include <charconv>

namespace sluice {
namespace {

constexpr ptrdiff_t kVector = 16;

bool is_plain(char c) { return static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\'; }

/// What \c means; 0: nothing that is known here.
char meaning(char c) {
  switch (c) {
    case '"':
    case '\\':
    case '/': return c;
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    default: return 0;
  }
}

}  // namespace

/// To the next quotation mark, backslash or control character, or the end.
inline void JsonScanner::skip_plain() {
  for (; end_ - p_ >= kVector; p_ += kVector) {
    __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p_));
    __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(block, _mm_set1_epi8(0x1f)), block);
    __m128i marks = _mm_or_si128(_mm_cmpeq_epi8(block, _mm_set1_epi8('"')), _mm_cmpeq_epi8(block, _mm_set1_epi8('\\')));
    int found = _mm_movemask_epi8(_mm_or_si128(marks, control));
    if (!found) continue;
    p_ += std::countr_zero(static_cast<unsigned>(found));
    return;
  }
  while (p_ != end_ && is_plain(*p_)) p_++;
}

bool JsonScanner::string(std::string_view& out) {
  if (!take('"')) return false;
  const char* start = p_;
  skip_plain();
  if (p_ == end_) return false;
  if (*p_ != '"') return escaped(start, out);
  out = {start, static_cast<size_t>(p_ - start)};
  p_++;
  return true;
}

/// From the first character that is not plain on.
bool JsonScanner::escaped(const char* start, std::string_view& out) {
  size_t before = spare_.size();
  for (;; start = p_, skip_plain()) {
    spare_.append({start, static_cast<size_t>(p_ - start)});
    if (p_ == end_) return false;
    if (*p_ == '"') break;
    if (*p_ != '\\' || end_ - p_ < 2) return false;
    char c = meaning(p_[1]);
    if (!c) return false;
    *spare_.extend(1) = c;
    p_ += 2;
  }
  p_++;
  out = spare_.view().substr(before);
  return true;
}

bool JsonScanner::integer(int64_t& out) {
  constexpr ptrdiff_t kSafeDigits = 18;  // of an integer that fits for sure
  skip_space();
  bool negative = p_ != end_ && *p_ == '-';
  const char *first = p_ + negative, *last = end_ - first > kSafeDigits ? first + kSafeDigits : end_, *p = first;
  int64_t n = 0;
  for (unsigned digit; p != last && (digit = static_cast<unsigned char>(*p) - unsigned{'0'}) < 10; p++) n = n * 10 + digit;
  bool leading_zero = p - first > 1 && *first == '0', ok = p != first && !leading_zero;
  out = negative ? -n : n;
  if (p == last && p != end_) {  // longer
    auto exact = std::from_chars(first - negative, end_, out);
    ok = ok && exact.ec == std::errc();
    p = exact.ptr;
  }
  p_ = p;
  return ok && (p == end_ || (*p != '.' && *p != 'e' && *p != 'E'));
}

bool JsonScanner::digits() {
  if (!is_digit_here()) return false;
  while (is_digit_here()) p_++;
  return true;
}

bool JsonScanner::number(Json& out) {
  skip_space();
  const char* start = p_;
  if (p_ != end_ && *p_ == '-') p_++;
  const char* first = p_;
  if (!digits() || (*first == '0' && p_ - first > 1)) return false;
  if (p_ != end_ && *p_ == '.' && (p_++, !digits())) return false;
  if (p_ != end_ && (*p_ == 'e' || *p_ == 'E')) {
    p_++;
    if (p_ != end_ && (*p_ == '+' || *p_ == '-')) p_++;
    if (!digits()) return false;
  }
  out = parse_json_number({start, static_cast<size_t>(p_ - start)});
  return !out.is_null();
}

}  // namespace sluice
