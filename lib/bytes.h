// SPDX-License-Identifier: Apache-2.0
// Integers in network byte order with types of their own, and bounds-checked readers and writers of wire bytes.
// A be16/be32/be64 holds the bytes as they are on the wire; it converts only through host() and the explicit constructor.
#pragma once

#include <bit>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

using Bytes = std::vector<uint8_t>;
using ByteView = std::span<const uint8_t>;

template <typename T>
constexpr T swap_to_big(T v) {
  if constexpr (std::endian::native == std::endian::little) return std::byteswap(v);
  return v;
}

/// An unsigned integer whose memory is in network byte order.  Ordered by numeric value.
template <typename T>
class BigEndian {
 public:
  constexpr BigEndian() = default;
  constexpr explicit BigEndian(T host_value) : raw_(swap_to_big(host_value)) {}
  static constexpr BigEndian from_raw(T raw) { BigEndian b; b.raw_ = raw; return b; }
  constexpr T host() const { return swap_to_big(raw_); }
  constexpr T raw() const { return raw_; }
  constexpr explicit operator bool() const { return raw_ != 0; }
  friend constexpr bool operator==(BigEndian, BigEndian) = default;
  friend constexpr auto operator<=>(BigEndian a, BigEndian b) { return a.host() <=> b.host(); }
  friend constexpr BigEndian operator&(BigEndian a, BigEndian b) { return from_raw(a.raw_ & b.raw_); }
  friend constexpr BigEndian operator|(BigEndian a, BigEndian b) { return from_raw(a.raw_ | b.raw_); }
  friend constexpr BigEndian operator^(BigEndian a, BigEndian b) { return from_raw(a.raw_ ^ b.raw_); }
  constexpr BigEndian operator~() const { return from_raw(static_cast<T>(~raw_)); }
  constexpr BigEndian& operator&=(BigEndian b) { raw_ &= b.raw_; return *this; }
  constexpr BigEndian& operator|=(BigEndian b) { raw_ |= b.raw_; return *this; }

 private:
  T raw_ = 0;
};
using be16 = BigEndian<uint16_t>;
using be32 = BigEndian<uint32_t>;
using be64 = BigEndian<uint64_t>;

template <typename T>
inline T load_be(const void* p) {
  T v;
  std::memcpy(&v, p, sizeof v);
  return swap_to_big(v);
}
template <typename T>
inline void store_be(void* p, T v) {
  v = swap_to_big(v);
  std::memcpy(p, &v, sizeof v);
}

/// Reads big-endian integers from bytes that may be hostile.  After a read past the end ok() is false, and stays so;
/// such reads give zeros, so a decoder checks once at the end of a fixed part instead of at each field.
class ByteReader {
 public:
  explicit ByteReader(ByteView bytes) : p_(bytes.data()), end_(bytes.data() + bytes.size()) {}
  bool ok() const { return ok_; }
  size_t remaining() const { return static_cast<size_t>(end_ - p_); }
  const uint8_t* position() const { return p_; }
  uint8_t u8() { return take<uint8_t>(); }
  uint16_t u16() { return take<uint16_t>(); }
  uint32_t u32() { return take<uint32_t>(); }
  uint64_t u64() { return take<uint64_t>(); }
  void skip(size_t n) { bytes(n); }
  /// The next n bytes; empty (and not ok()) if there are fewer.
  ByteView bytes(size_t n) {
    if (n > remaining()) { fail(); return {}; }
    ByteView v(p_, n);
    p_ += n;
    return v;
  }
  ByteView rest() { return bytes(remaining()); }
  /// A reader of the next n bytes alone.
  ByteReader sub(size_t n) { ByteReader r(bytes(n)); r.ok_ = ok_; return r; }
  void copy(void* to, size_t n) {
    ByteView v = bytes(n);
    if (v.empty()) { if (n) std::memset(to, 0, n); return; }
    std::memcpy(to, v.data(), n);
  }
  void fail() { ok_ = false; p_ = end_; }

 private:
  template <typename T>
  T take() {
    if (sizeof(T) > remaining()) { fail(); return 0; }
    T v = load_be<T>(p_);
    p_ += sizeof(T);
    return v;
  }
  const uint8_t* p_;
  const uint8_t* end_;
  bool ok_ = true;
};

/// Appends big-endian integers to a byte vector that the caller owns.
class ByteWriter {
 public:
  explicit ByteWriter(Bytes& out) : out_(out) {}
  size_t size() const { return out_.size(); }
  Bytes& out() { return out_; }
  void u8(uint8_t v) { out_.push_back(v); }
  void u16(uint16_t v) { put(v); }
  void u32(uint32_t v) { put(v); }
  void u64(uint64_t v) { put(v); }
  void zeros(size_t n) { out_.resize(out_.size() + n); }
  void bytes(const void* p, size_t n) {
    auto from = static_cast<const uint8_t*>(p);
    out_.insert(out_.end(), from, from + n);
  }
  void bytes(ByteView v) { bytes(v.data(), v.size()); }
  /// Text in a field of n bytes, cut to n-1 and filled with zeros.
  void text(std::string_view s, size_t n) {
    size_t k = std::min(s.size(), n ? n - 1 : 0);
    bytes(s.data(), k);
    zeros(n - k);
  }
  /// Zeros until (size() - start) is a multiple of `multiple`.
  void pad(size_t start, size_t multiple) { zeros((multiple - (size() - start) % multiple) % multiple); }
  void patch_u16(size_t at, uint16_t v) { store_be(out_.data() + at, v); }
  void patch_u32(size_t at, uint32_t v) { store_be(out_.data() + at, v); }

 private:
  template <typename T>
  void put(T v) {
    v = swap_to_big(v);
    bytes(&v, sizeof v);
  }
  Bytes& out_;
};

}  // namespace sluice
