// SPDX-License-Identifier: Apache-2.0
// Reads JSON text piece by piece, for readers that know what to expect and want no values made of it.
//
// Each call asks for one thing.  "No" means that something else stands there, or the text is wrong, or it is right but of a rare kind (\u escapes): then
// the position means nothing any more, and who asked reads the whole text by Json::parse(), which knows every kind, and what is wrong.
// So "yes" must be right; "no" need not be.  Plain object, one thread.  A copy goes on from the same place: loops work on one of their own, which then
// lives in registers, and assign it back.
#pragma once

#include <emmintrin.h>

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "lib/byte_buffer.h"
#include "lib/json.h"
#include "lib/uuid.h"

namespace sluice {

class JsonScanner {
 public:
  /// Strings with escapes are put together in `spare`, which is empty at first and never moves: they are shorter than their text.
  JsonScanner(std::string_view text, ByteBuffer& spare) : p_(text.data()), end_(p_ + text.size()), spare_(&spare) {
    spare.clear();
    spare.reserve(text.size() + kBlock);
  }

  /// Nothing but white space is left.
  bool at_end() {
    skip_space();
    return p_ == end_;
  }
  /// The mark comes next.  (No is harmless here.)
  [[gnu::always_inline]] bool at(char mark) {
    if (p_ == end_) return false;
    if (*p_ == mark) return true;
    if (static_cast<unsigned char>(*p_) > ' ') [[likely]] return false;
    skip_space();
    return p_ != end_ && *p_ == mark;
  }
  /// Takes the mark if it comes next.  (No is harmless here.)
  [[gnu::always_inline]] bool take(char mark) {
    if (!at(mark)) return false;
    p_++;
    return true;
  }
  /// Takes text if it comes next to the letter.  (No is harmless here.)
  [[gnu::always_inline]] bool literal(std::string_view text) {
    if (static_cast<size_t>(end_ - p_) < text.size() || !equal_short(p_, text.data(), text.size())) return false;
    p_ += text.size();
    return true;
  }
  /// A view of the text, or of the spare room.
  [[gnu::always_inline]] bool string(std::string_view& out) {
    if (!take('"')) return false;
    if (end_ - p_ >= kBlock) {
      __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p_));
      unsigned marks = find_marks(bytes);
      int n = std::countr_zero(marks | 1u << kBlock);
      if (n < kBlock && p_[n] == '"' && !find_beyond_ascii(bytes)) [[likely]] {
        out = {p_, static_cast<size_t>(n)};
        p_ += n + 1;
        return true;
      }
    }
    Text found = read_string(p_, end_, *spare_);
    out = found.text;
    p_ = found.end;
    return p_;
  }
  /// Appends it instead.
  bool string_to(ByteBuffer& out) { return take('"') && (p_ = append_string(p_, end_, out)); }
  /// A string that is one, without escapes.
  bool uuid(Uuid& out) {
    constexpr ptrdiff_t kLength = kUuidTextLength + 2;
    if (!at('"') || end_ - p_ < kLength || p_[kLength - 1] != '"') return false;
    auto u = parse_uuid({p_ + 1, kUuidTextLength});
    if (!u) return false;
    out = *u;
    p_ += kLength;
    return true;
  }
  [[gnu::always_inline]] bool integer(int64_t& out) {
    if (p_ != end_ && *p_ <= ' ') skip_space();
    Integer found = read_integer(p_, end_);
    p_ = found.end;
    out = found.value;
    return p_;
  }
  /// Any number; null if it is out of range.
  bool number(Json& out) {
    skip_space();
    return (p_ = read_number(p_, end_, out));
  }
  bool boolean(bool& out) {
    out = literal("true");
    return out || literal("false");
  }
  /// An object or array.  What is in it is not looked at, but for where it ends, if it is right.
  bool skip_value() {
    skip_space();
    return (p_ = end_of_value(p_, end_));
  }
  bool is_where(const JsonScanner& o) const { return p_ == o.p_; }
  /// Strings that were put together are needed no more.
  void forget_strings() { spare_->clear(); }

 private:
  static constexpr ptrdiff_t kBlock = 16;  // bytes of a string that are looked at at once

  void skip_space() {
    while (p_ != end_ && (*p_ == ' ' || *p_ == '\n' || *p_ == '\r' || *p_ == '\t')) p_++;
  }
  /// What comes next; zeros behind the end.
  static __m128i block(const char* p, const char* end) {
    return end - p >= kBlock ? _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)) : last_block(p, end);
  }
  /// A bit for each quotation mark, backslash or control character.
  static unsigned find_marks(__m128i block) {
    auto equal = [&](char c) { return _mm_cmpeq_epi8(block, _mm_set1_epi8(c)); };
    __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(block, _mm_set1_epi8(0x1f)), block);
    return static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(equal('"'), equal('\\')), control)));
  }
  static unsigned find_beyond_ascii(__m128i block) { return static_cast<unsigned>(_mm_movemask_epi8(block)); }

  struct Text {
    const char* end;
    std::string_view text;
  };
  // Out of line: from p on; where it ends, or null for no.
  struct Integer {
    const char* end;
    int64_t value;
  };
  [[gnu::noinline]] static __m128i last_block(const char* p, const char* end);
  [[gnu::noinline]] static Text read_string(const char* p, const char* end, ByteBuffer& spare);
  static const char* append_string(const char* p, const char* end, ByteBuffer& out);
  static const char* end_of_value(const char* p, const char* end);
  static Integer read_integer(const char* p, const char* end);
  static const char* read_number(const char* p, const char* end, Json& out);

  const char *p_, *end_;
  ByteBuffer* spare_;
};

/// Calls what is not inlined on a copy, so that the scanner itself stays in registers.
template <typename Fn>
[[gnu::always_inline]] inline bool apart(JsonScanner& s, Fn fn) {
  JsonScanner copy = s;
  if (!fn(copy)) return false;
  s = copy;
  return true;
}

}  // namespace sluice
