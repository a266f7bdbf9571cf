// SPDX-License-Identifier: Apache-2.0
// Bytes that grow at the end, for texts and encodings that are put together again and again: room is not cleared, and kept from one use to the next.
// Plain object, one thread.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>

namespace sluice {

/// memcpy() for mostly small n, without a call: two moves that may overlap.
[[gnu::always_inline]] inline void copy_short(char* to, const char* from, size_t n) {
  auto ends = [&]<typename Word>(Word first, Word last) {
    std::memcpy(&first, from, sizeof first);
    std::memcpy(&last, from + n - sizeof last, sizeof last);
    std::memcpy(to, &first, sizeof first);
    std::memcpy(to + n - sizeof last, &last, sizeof last);
  };
  if (n >= 8 && n <= 16) {
    ends(uint64_t{}, uint64_t{});
  } else if (n > 16 && n <= 32) {
    struct Two {
      uint64_t words[2];
    };
    ends(Two{}, Two{});
  } else if (n >= 4 && n < 8) {
    ends(uint32_t{}, uint32_t{});
  } else if (n >= 4) {
    std::memcpy(to, from, n);
  } else if (n) {
    char middle = from[n / 2], last = from[n - 1];
    to[0] = from[0];
    to[n / 2] = middle;
    to[n - 1] = last;
  }
}

/// memcmp() == 0 for mostly small n, likewise.
[[gnu::always_inline]] inline bool equal_short(const char* a, const char* b, size_t n) {
  auto ends = [&]<typename Word>(Word a_first, Word a_last) {
    Word b_first, b_last;
    std::memcpy(&a_first, a, sizeof a_first);
    std::memcpy(&b_first, b, sizeof b_first);
    std::memcpy(&a_last, a + n - sizeof a_last, sizeof a_last);
    std::memcpy(&b_last, b + n - sizeof b_last, sizeof b_last);
    return ((a_first ^ b_first) | (a_last ^ b_last)) == 0;
  };
  if (n >= 8 && n <= 16) return ends(uint64_t{}, uint64_t{});
  if (n >= 4 && n < 8) return ends(uint32_t{}, uint32_t{});
  if (n >= 4) return std::memcmp(a, b, n) == 0;
  return n == 0 || (a[0] == b[0] && a[n / 2] == b[n / 2] && a[n - 1] == b[n - 1]);
}
inline bool equal_short(std::string_view a, std::string_view b) { return a.size() == b.size() && equal_short(a.data(), b.data(), a.size()); }

class ByteBuffer {
 public:
  size_t size() const { return size_; }
  size_t capacity() const { return capacity_; }
  char* data() { return bytes_.get(); }
  const char* data() const { return bytes_.get(); }
  std::string_view view() const { return {data(), size_}; }
  void clear() { size_ = 0; }
  /// So many bytes more, to be written by the caller.  Moves the others.
  char* extend(size_t bytes) {
    reserve(size_ + bytes);
    char* p = bytes_.get() + size_;
    size_ += bytes;
    return p;
  }
  void append(std::string_view bytes) {
    copy_short(extend(bytes.size()), bytes.data(), bytes.size());
  }
  /// Takes bytes back from the end.
  void cut(size_t size) { size_ = size; }
  void reserve(size_t capacity) {
    if (capacity > capacity_) grow(capacity);
  }

 private:
  void grow(size_t least) {
    constexpr size_t kFirst = 256;
    size_t fresh = std::max({least, capacity_ * 2, kFirst});
    auto bytes = std::make_unique_for_overwrite<char[]>(fresh);
    if (size_) std::memcpy(bytes.get(), bytes_.get(), size_);
    bytes_ = std::move(bytes);
    capacity_ = fresh;
  }
  std::unique_ptr<char[]> bytes_;
  size_t size_ = 0, capacity_ = 0;
};

}  // namespace sluice
