// SPDX-License-Identifier: Apache-2.0
// Reads JSON text piece by piece, for readers that know what to expect and want no values made of it.
//
// Each call asks for one thing.  "No" means that something else stands there, or the text is wrong, or it is right but of a rare kind (\u escapes): then
// the position means nothing any more, and who asked reads the whole text by Json::parse(), which knows every kind, and what is wrong.
// So "yes" must be right; "no" need not be.  REQUIRES: valid UTF-8.  Plain object, one thread.
#pragma once

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
  JsonScanner(std::string_view text, ByteBuffer& spare) : p_(text.data()), end_(p_ + text.size()), spare_(spare) {
    spare.clear();
    spare.reserve(text.size());
  }

  /// Nothing but white space is left.
  bool at_end() {
    skip_space();
    return p_ == end_;
  }
  /// The mark comes next.  (No is harmless here.)
  bool at(char mark) {
    if (p_ != end_ && *p_ == mark) return true;
    skip_space();
    return p_ != end_ && *p_ == mark;
  }
  /// Takes the mark if it comes next.  (No is harmless here.)
  bool take(char mark) {
    if (!at(mark)) return false;
    p_++;
    return true;
  }
  /// Takes text if it comes next to the letter.  (No is harmless here.)
  bool literal(std::string_view text) {
    if (static_cast<size_t>(end_ - p_) < text.size() || std::memcmp(p_, text.data(), text.size()) != 0) return false;
    p_ += text.size();
    return true;
  }
  /// A view of the text, or of the spare room.
  bool string(std::string_view& out);
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
  bool integer(int64_t& out);
  /// Any number; null if it is out of range.
  bool number(Json& out);
  bool boolean(bool& out) {
    out = literal("true");
    return out || literal("false");
  }
  /// Strings that were put together are needed no more.
  void forget_strings() { spare_.clear(); }

 private:
  void skip_space() {
    while (p_ != end_ && (*p_ == ' ' || *p_ == '\n' || *p_ == '\r' || *p_ == '\t')) p_++;
  }
  bool is_digit_here() const { return p_ != end_ && *p_ >= '0' && *p_ <= '9'; }
  bool digits();
  void skip_plain();
  [[gnu::noinline]] bool escaped(const char* start, std::string_view& out);

  const char *p_, *end_;
  ByteBuffer& spare_;
};

}  // namespace sluice
