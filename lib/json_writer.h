// SPDX-License-Identifier: Apache-2.0
// Appends JSON text to a string, piece by piece: for texts that are made of many small pieces, where growing a std::string for each would cost more than the
// pieces.  Room is made ahead and not cleared.
//
// While a writer lives the string is its own: it is whole, and cut to what was written, when the writer ends or finish() is called.  Plain object, one thread.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include "lib/byte_buffer.h"
#include "lib/uuid.h"

namespace sluice {

class JsonWriter {
 public:
  /// Appends to what is there.
  explicit JsonWriter(std::string& out) : out_(&out) { take(out.size()); }
  ~JsonWriter() { finish(); }
  JsonWriter(const JsonWriter&) = delete;
  JsonWriter& operator=(const JsonWriter&) = delete;
  /// Gives the string back.  Nothing may be written any more.
  void finish() {
    if (!out_) return;
    size_t n = size();
    std::exchange(out_, nullptr)->resize_and_overwrite(n, [n](char*, size_t) { return n; });
  }

  size_t size() const { return static_cast<size_t>(p_ - out_->data()); }  // with what was there before
  void cut(size_t size) { p_ = out_->data() + size; }
  /// So many bytes more are expected.
  void reserve(size_t bytes) {
    if (static_cast<size_t>(end_ - p_) < bytes) grow(bytes);
  }

  void put(char c) {
    reserve(1);
    *p_++ = c;
  }
  template <size_t N>
  void put(const char (&literal)[N]) {
    reserve(N);
    std::memcpy(p_, literal, N - 1);
    p_ += N - 1;
  }
  void put(std::string_view text) {
    reserve(text.size());
    copy(text.data(), text.size());
  }
  void integer(int64_t i);
  void real(double d, bool always_15 = false);
  void boolean(bool b) { put(b ? std::string_view("true") : std::string_view("false")); }
  /// With quotes and escapes.
  void string(std::string_view s);
  /// A member's name: "uuid":
  void uuid_name(const Uuid& u) {
    reserve(kUuidTextLength + 3);
    *p_++ = '"';
    format_to(p_, u);
    p_ += kUuidTextLength;
    *p_++ = '"';
    *p_++ = ':';
  }
  /// ["uuid","..."]
  void uuid_atom(const Uuid& u) {
    put("[\"uuid\",\"");
    reserve(kUuidTextLength + 2);
    format_to(p_, u);
    p_ += kUuidTextLength;
    *p_++ = '"';
    *p_++ = ']';
  }

 private:
  void take(size_t used) {
    p_ = out_->data() + used;
    end_ = out_->data() + out_->size();
  }
  void grow(size_t bytes);
  void tail(const char* from, size_t n, size_t before);
  void escape(unsigned char c);
  /// REQUIRES: room for it.
  void copy(const char* from, size_t n) {
    char* to = p_;
    p_ = to + n;
    copy_short(to, from, n);
  }

  std::string* out_;  // null: given back
  char *p_, *end_;  // next byte; behind the room
};

}  // namespace sluice
