// SPDX-License-Identifier: Apache-2.0
// Finds where top-level values end by counting brackets outside strings; what is between is for the parser.  Bounded: a value longer than
// max_message, or nested deeper than kJsonMaxDepth, fails before its end has arrived.
#include <emmintrin.h>

#include <algorithm>
#include <bit>
#include <cctype>
#include <cstring>
#include <utility>

#include "lib/json_document.h"

namespace sluice {
namespace {

constexpr size_t kLongValue = 1u << 20;  // bytes

constexpr bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

}  // namespace

void JsonSplitter::feed(std::string_view bytes) {
  if (failed_) return;
  if (begin_ == buffer_.size()) {
    stream_bytes_ += begin_;
    scan_ -= begin_;
    buffer_.clear();
    begin_ = 0;
  } else if (begin_ > buffer_.size() / 2) {
    stream_bytes_ += begin_;
    buffer_.erase(0, begin_);
    scan_ -= begin_;
    begin_ = 0;
  }
  // A long value: room for the longest at once, since to grow by doubling means to copy so much that others have to wait.  What is not used costs no memory.
  size_t needed = buffer_.size() + bytes.size();
  if (needed > kLongValue && needed > buffer_.capacity()) buffer_.reserve(std::max(needed, max_message_ + kLongValue));
  buffer_.append(bytes);
}

void JsonSplitter::fail(std::string text) {
  std::string at = std::to_string(stream_bytes_ + scan_);
  error_.text = "line 0, column " + at + ", byte " + at + ": " + std::move(text);
  failed_ = true;
  buffer_.clear();
  buffer_.shrink_to_fit();
  begin_ = scan_ = 0;
}

/// Moves to the first byte of a value.  False if there is none yet, or if nothing that may stand there.
bool JsonSplitter::skip_space() {
  while (scan_ < buffer_.size() && is_space(buffer_[scan_])) scan_++;
  begin_ = scan_;
  if (scan_ == buffer_.size()) return false;
  char c = buffer_[scan_];
  if (c == '{' || c == '[') return true;
  size_t end = scan_;
  while (end < buffer_.size() && end - scan_ < 32 && std::isalnum(static_cast<unsigned char>(buffer_[end]))) end++;
  if (end > scan_ && std::islower(static_cast<unsigned char>(c))) {
    std::string word = buffer_.substr(scan_, end - scan_);
    bool known = word == "true" || word == "false" || word == "null";
    scan_ = end;
    fail(known ? "syntax error at beginning of input" : "invalid keyword '" + word + "'");
  } else if (std::isdigit(static_cast<unsigned char>(c)) || std::string_view("]}:,\"-").find(c) != std::string_view::npos) {
    fail("syntax error at beginning of input");
  } else {
    fail(json_invalid_character(c));
  }
  return false;
}

/// One byte of a value.  True if it was the last.
inline bool JsonSplitter::step(char c) {
  if (in_string_) {
    if (escaped_) escaped_ = false;
    else if (c == '\\') escaped_ = true;
    else if (c == '"') in_string_ = false;
    return false;
  }
  if (c == '"') in_string_ = true;
  else if (c == '{' || c == '[') depth_++;
  else if (c == '}' || c == ']') return --depth_ == 0;
  return false;
}

namespace {

constexpr size_t kBlock = 64;  // bytes that are looked at at once

/// Where the marks are that matter: a bit for each byte of a block.
struct Marks {
  uint64_t quotes = 0, backslashes = 0, opens = 0, closes = 0;

  explicit Marks(const char* block) {
#pragma GCC unroll 4
    for (size_t i = 0; i < kBlock; i += 16) {
      __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(block + i)), folded = _mm_or_si128(bytes, _mm_set1_epi8(0x20));
      auto equal = [&](__m128i v, char c) { return uint64_t{static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(v, _mm_set1_epi8(c))))} << i; };
      quotes |= equal(bytes, '"');
      backslashes |= equal(bytes, '\\');
      opens |= equal(folded, '{');  // '[' and '{', ']' and '}' fall together
      closes |= equal(folded, '}');
    }
  }
  /// Bytes behind a backslash that is not such a byte itself; `first`: the first one is.
  uint64_t escaped(bool first) const {
    uint64_t bytes = first;
    for (uint64_t left = backslashes; left; left &= left - 1) {
      uint64_t lowest = left & -left;
      if (!(bytes & lowest)) bytes |= lowest << 1;
    }
    return bytes;
  }
};

/// Each bit: whether an odd number of them is set up to there.
uint64_t parity(uint64_t bits) {
  for (unsigned n = 1; n < kBlock; n *= 2) bits ^= bits << n;
  return bits;
}

}  // namespace

std::string_view JsonSplitter::next() {
  if (failed_ || (depth_ == 0 && !skip_space())) return {};
  const char *start = buffer_.data(), *p = start + scan_, *end = start + buffer_.size();
  bool whole = false;
  while (p < end && !whole && depth_ <= kJsonMaxDepth) {
    size_t n = std::min(kBlock, static_cast<size_t>(end - p));
    char padded[kBlock] = {};
    if (n < kBlock) std::memcpy(padded, p, n);
    Marks marks(n < kBlock ? padded : p);
    uint64_t escaped = marks.escaped(escaped_), in_strings = parity(marks.quotes & ~escaped) ^ (in_string_ ? ~uint64_t{0} : 0);
    if (marks.backslashes & ~in_strings) {  // which is wrong: byte by byte, so that it hides nothing
      for (const char* stop = p + n; p < stop && !whole;) whole = step(*p++);
      continue;
    }
    escaped_ = (marks.backslashes & ~escaped) >> (n - 1) & 1;
    in_string_ = in_strings >> (n - 1) & 1;
    const char* block = std::exchange(p, p + n);
    unsigned depth = depth_;
    for (uint64_t left = (marks.opens | marks.closes) & ~in_strings; left; left &= left - 1) {
      uint64_t lowest = left & -left;
      depth += marks.opens & lowest ? 1u : ~0u;
      if (depth) continue;
      whole = true;
      p = block + std::countr_zero(lowest) + 1;
      escaped_ = in_string_ = false;
      break;
    }
    depth_ = depth;
  }
  scan_ = static_cast<size_t>(p - start);
  if (depth_ > kJsonMaxDepth) fail("input exceeds maximum nesting depth " + std::to_string(kJsonMaxDepth));
  else if ((too_long_ = scan_ - begin_ > max_message_)) fail("message is longer than " + std::to_string(max_message_) + " bytes");
  if (failed_ || !whole) return {};
  size_t from = std::exchange(begin_, scan_);
  return {start + from, scan_ - from};
}

}  // namespace sluice
