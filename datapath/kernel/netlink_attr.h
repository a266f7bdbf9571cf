// SPDX-License-Identifier: Apache-2.0
// Netlink attributes: written to a byte vector, read from bytes that may be hostile (no attribute reaches beyond its message or its parent).
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include <libmnl/libmnl.h>
#include <linux/netlink.h>

#include "lib/bytes.h"

namespace sluice {

/// A connection's label, to and from what the kernel has everywhere: one integer in the order of this machine.
inline std::array<uint8_t, 16> reorder_label(std::array<uint8_t, 16> label) {
  if constexpr (std::endian::native == std::endian::little) std::ranges::reverse(label);
  return label;
}

/// Of an NLMSG_ERROR message: errno; 0: it acknowledges.
int netlink_error(const nlmsghdr* h);

/// Appends attributes, each padded to 4 bytes.  What is too long for its 16-bit length is left out, and ok() stays false.
class AttrWriter {
 public:
  explicit AttrWriter(Bytes& out) : out_(out) {}
  bool ok() const { return ok_; }
  size_t size() const { return out_.size(); }

  void put(uint16_t type, const void* data, size_t size);
  /// The same, its payload of zeros to be filled in place: good until the next call.  REQUIRES: size <= UINT16_MAX - 4.
  uint8_t* room(uint16_t type, size_t size);
  void put(uint16_t type, ByteView bytes) { put(type, bytes.data(), bytes.size()); }
  void put(uint16_t type, const std::string& text) { put(type, text.c_str(), text.size() + 1); }
  /// An integer in the order of this machine, a be16, or a struct of the kernel's that has no padding: what is there would be anything.
  template <typename T>
    requires std::has_unique_object_representations_v<T>
  void value(uint16_t type, const T& v) { put(type, &v, sizeof v); }
  void flag(uint16_t type) { put(type, nullptr, 0); }

  /// A nested attribute: what is written until end(begin(type)) is in it.
  size_t begin(uint16_t type);
  void end(size_t begun);
  /// The same around what `write` writes; returns what it returns.
  template <typename Fn>
  auto nest(uint16_t type, Fn write) {
    struct End {
      AttrWriter& writer;
      size_t begun;
      ~End() { writer.end(begun); }
    } end{*this, begin(type)};
    return write();
  }

 private:
  Bytes& out_;
  bool ok_ = true;
};

struct Attr {
  uint16_t type = 0;
  ByteView data;

  /// Nothing if the payload has another size.
  template <typename T>
  std::optional<T> as() const {
    if (data.size() != sizeof(T)) return std::nullopt;
    T v;
    std::memcpy(&v, data.data(), sizeof v);
    return v;
  }
  std::string text() const { return {reinterpret_cast<const char*>(data.data()), strnlen(reinterpret_cast<const char*>(data.data()), data.size())}; }
};

/// for (Attr a : Attrs(bytes)): in their order; ends at the first that is cut or claims to be longer than what is left.
class Attrs {
 public:
  explicit Attrs(ByteView bytes) : bytes_(bytes) {}
  class Iterator {
   public:
    explicit Iterator(ByteView left) : left_(left) { check(); }
    Attr operator*() const {
      nlattr a = header();
      return {static_cast<uint16_t>(a.nla_type & NLA_TYPE_MASK), left_.subspan(sizeof a, a.nla_len - sizeof a)};
    }
    Iterator& operator++() {
      left_ = left_.subspan(std::min<size_t>(MNL_ALIGN(header().nla_len), left_.size()));
      check();
      return *this;
    }
    bool operator!=(const Iterator&) const { return !left_.empty(); }

   private:
    nlattr header() const {
      nlattr a;
      std::memcpy(&a, left_.data(), sizeof a);
      return a;
    }
    void check() {
      if (left_.size() < sizeof(nlattr) || header().nla_len < sizeof(nlattr) || header().nla_len > left_.size()) left_ = {};
    }
    ByteView left_;
  };
  Iterator begin() const { return Iterator(bytes_); }
  Iterator end() const { return Iterator({}); }
  /// The last of a type; empty optional if there is none.
  std::optional<Attr> find(uint16_t type) const;

 private:
  ByteView bytes_;
};

}  // namespace sluice
