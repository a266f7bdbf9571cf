// SPDX-License-Identifier: Apache-2.0
// OVSDB values.  A datum is a set of atoms, or a map from atoms to atoms; a scalar is a set of one.  Everything is kept in one canonical
// byte encoding, so that two datums of one type are equal exactly if their bytes are, and a row is one block of memory (row.h).
//
// Encoding of n elements (host byte order, unaligned): n = 0: nothing.  No strings involved: n keys, then n values, of fixed width
// (integer 8, real 8, boolean 1, uuid 16).  Otherwise: u32 n; u32 ends[n] of the keys' bytes if keys are strings; u32 ends[n] of the values'
// bytes if values are strings; the keys; the values.  Keys strictly ascend.  Reals have no -0 and no NaN.
//
// AtomRef and DatumRef are views and live as long as the bytes do.  Datum owns (shared, immutable; up to 16 bytes without heap).
#pragma once

#include <array>
#include <atomic>
#include <compare>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/byte_buffer.h"
#include "lib/uuid.h"

namespace sluice::ovsdb {

enum class AtomType : uint8_t { none, integer, real, boolean, string, uuid };
std::string_view atom_type_name(AtomType t);  // "integer"

/// A view of one atom.
class AtomRef {
 public:
  AtomRef() : integer_(0), type_(AtomType::none) {}
  AtomRef(int64_t v) : integer_(v), type_(AtomType::integer) {}
  AtomRef(int v) : AtomRef(static_cast<int64_t>(v)) {}
  AtomRef(double v) : real_(v == 0 ? 0.0 : v), type_(AtomType::real) {}
  AtomRef(bool v) : boolean_(v), type_(AtomType::boolean) {}
  AtomRef(const Uuid& v) : uuid_(v), type_(AtomType::uuid) {}
  AtomRef(std::string_view v) : string_{v.data(), static_cast<uint32_t>(v.size())}, type_(AtomType::string) {}
  AtomRef(const std::string& v) : AtomRef(std::string_view(v)) {}
  AtomRef(const char* v) : AtomRef(std::string_view(v)) {}

  AtomType type() const { return type_; }
  // REQUIRES: of that type.
  int64_t integer() const { return integer_; }
  double real() const { return real_; }
  bool boolean() const { return boolean_; }
  const Uuid& uuid() const { return uuid_; }
  std::string_view string() const { return {string_.data, string_.size}; }

  /// REQUIRES: same type.  Order of OVSDB: numeric, false < true, strings by bytes, uuids by value.
  friend std::weak_ordering operator<=>(const AtomRef& a, const AtomRef& b);
  friend bool operator==(const AtomRef& a, const AtomRef& b) { return a.type_ == b.type_ && (a <=> b) == 0; }

 private:
  struct Text {
    const char* data;
    uint32_t size;
  };
  union {
    int64_t integer_;
    double real_;
    bool boolean_;
    Uuid uuid_;
    Text string_;
  };
  AtomType type_;
};

AtomRef default_atom(AtomType t);  // 0, 0.0, false, "", zero uuid

/// An atom that owns its text.
class Atom {
 public:
  Atom() = default;
  Atom(AtomRef a) : ref_(a), text_(a.type() == AtomType::string ? a.string() : std::string_view()) {}
  AtomRef ref() const { return ref_.type() == AtomType::string ? AtomRef(text_) : ref_; }
  operator AtomRef() const { return ref(); }
  friend std::weak_ordering operator<=>(const Atom& a, const Atom& b) { return a.ref() <=> b.ref(); }
  friend bool operator==(const Atom& a, const Atom& b) { return a.ref() == b.ref(); }

 private:
  AtomRef ref_;
  std::string text_;
};

constexpr size_t atom_width(AtomType t) {  // 0: variable
  constexpr uint8_t kWidth[] = {0, 8, 8, 1, 0, 16};
  return kWidth[static_cast<size_t>(t)];
}

/// A view of a datum.
class DatumRef {
 public:
  DatumRef() = default;
  DatumRef(const uint8_t* data, uint32_t size, AtomType key, AtomType value) : data_(data), size_(size), key_(key), value_(value) {}

  AtomType key_type() const { return key_; }
  AtomType value_type() const { return value_; }
  bool is_map() const { return value_ != AtomType::none; }
  std::string_view bytes() const { return {reinterpret_cast<const char*>(data_), size_}; }
  const uint8_t* data() const { return data_; }

  size_t size() const {  // number of elements
    if (!size_) return 0;
    if (key_ != AtomType::string && value_ != AtomType::string) return size_ / (atom_width(key_) + atom_width(value_));
    return u32(data_);
  }
  bool empty() const { return size_ == 0; }
  /// A set of just one atom of this type.
  bool is_one(AtomType t) const {
    if (key_ != t || value_ != AtomType::none) return false;
    return t == AtomType::string ? size_ && u32(data_) == 1 : size_ == atom_width(t);
  }
  // REQUIRES: is_one() of the type.
  std::string_view one_string() const { return bytes().substr(8); }
  template <typename T>
  T one() const {
    T v;
    std::memcpy(&v, data_, sizeof v);
    return v;
  }
  AtomRef key(size_t i) const;    // REQUIRES: i < size()
  AtomRef value(size_t i) const;  // REQUIRES: i < size(), a map
  /// fn(key, value) for each element; the value is none in a set.
  template <typename Fn>
  void for_each(Fn fn) const {
    if (!size_) return;
    Layout l = layout();
    for (size_t i = 0; i < l.n; i++) fn(atom_at(key_, l.key_ends, l.keys, i), is_map() ? atom_at(value_, l.value_ends, l.values, i) : AtomRef());
  }
  /// Likewise of a map from strings to strings.
  template <typename Fn>
  void for_each_text(Fn fn) const {
    if (!size_) return;
    Layout l = layout();
    auto text = reinterpret_cast<const char*>(l.keys), value_text = reinterpret_cast<const char*>(l.values);
    uint32_t key_from = 0, value_from = 0;
    for (size_t i = 0; i < l.n; i++) {
      uint32_t key_end = u32(l.key_ends + 4 * i), value_end = u32(l.value_ends + 4 * i);
      fn(std::string_view(text + key_from, key_end - key_from), std::string_view(value_text + value_from, value_end - value_from));
      key_from = key_end;
      value_from = value_end;
    }
  }
  /// Position of a key, or size().
  size_t find(AtomRef key) const;
  bool contains(AtomRef key) const { return find(key) < size(); }
  /// Likewise of a set of strings.
  bool contains_text(std::string_view text) const {
    if (!size_) return false;
    Layout l = layout();
    uint32_t from = 0;
    for (size_t i = 0; i < l.n; i++) {
      uint32_t end = u32(l.key_ends + 4 * i);
      if (end - from == text.size() && equal_short(reinterpret_cast<const char*>(l.keys) + from, text.data(), text.size())) return true;
      from = end;
    }
    return false;
  }

  // The only or first element; a default if there is none, or of another type.
  int64_t integer() const { return key_ == AtomType::integer && size_ ? key(0).integer() : 0; }
  double real() const { return key_ == AtomType::real && size_ ? key(0).real() : 0; }
  bool boolean() const { return key_ == AtomType::boolean && size_ ? key(0).boolean() : false; }
  Uuid uuid() const { return key_ == AtomType::uuid && size_ ? key(0).uuid() : Uuid{}; }
  std::string_view string() const { return key_ == AtomType::string && size_ ? key(0).string() : std::string_view(); }
  /// Of a map string->string: the value of a key, or `missing`.
  std::string_view get(std::string_view key, std::string_view missing = {}) const;

  friend bool operator==(const DatumRef& a, const DatumRef& b) {
    return a.key_ == b.key_ && a.value_ == b.value_ && equal_short(a.bytes(), b.bytes());
  }
  /// Element by element, keys before values; for sorting.
  friend std::weak_ordering compare(const DatumRef& a, const DatumRef& b);
  size_t hash() const;

 private:
  static uint32_t u32(const uint8_t* p) {
    uint32_t v;
    std::memcpy(&v, p, 4);
    return v;
  }
  struct Layout {
    size_t n;
    const uint8_t *key_ends, *value_ends, *keys, *values;
  };
  Layout layout() const;
  static AtomRef atom_at(AtomType t, const uint8_t* ends, const uint8_t* data, size_t i);

  const uint8_t* data_ = nullptr;
  uint32_t size_ = 0;
  AtomType key_ = AtomType::none, value_ = AtomType::none;
};

inline DatumRef::Layout DatumRef::layout() const {
  bool text_keys = key_ == AtomType::string, text_values = value_ == AtomType::string;
  size_t key_width = atom_width(key_);
  if (!text_keys && !text_values) {
    size_t n = size_ / (key_width + atom_width(value_));
    return {n, nullptr, nullptr, data_, data_ + n * key_width};
  }
  size_t n = u32(data_);
  const uint8_t* p = data_ + 4;
  Layout l{n, nullptr, nullptr, nullptr, nullptr};
  if (text_keys) l.key_ends = p, p += 4 * n;
  if (text_values) l.value_ends = p, p += 4 * n;
  l.keys = p;
  l.values = p + (text_keys ? u32(l.key_ends + 4 * (n - 1)) : n * key_width);
  return l;
}

inline AtomRef DatumRef::atom_at(AtomType t, const uint8_t* ends, const uint8_t* data, size_t i) {
  switch (t) {
    case AtomType::none: break;
    case AtomType::integer: {
      int64_t v;
      std::memcpy(&v, data + i * 8, 8);
      return v;
    }
    case AtomType::real: {
      double v;
      std::memcpy(&v, data + i * 8, 8);
      return v;
    }
    case AtomType::boolean: return data[i] != 0;
    case AtomType::string: {
      uint32_t from = i ? u32(ends + 4 * (i - 1)) : 0;
      return std::string_view(reinterpret_cast<const char*>(data) + from, u32(ends + 4 * i) - from);
    }
    case AtomType::uuid: {
      Uuid v;
      std::memcpy(&v, data + i * 16, 16);
      return v;
    }
  }
  return {};
}

/// An owned datum.  Copies share.
class Datum {
 public:
  Datum() = default;
  Datum(AtomType key, AtomType value = AtomType::none) : key_(key), value_(value) {}  // empty
  explicit Datum(DatumRef d);
  Datum(const Datum& o) { share(o); }
  Datum(Datum&& o) noexcept { steal(o); }
  Datum& operator=(const Datum& o);
  Datum& operator=(Datum&& o) noexcept;
  ~Datum() { release(); }

  static Datum scalar(AtomRef a);
  /// Sorts, drops duplicates.
  static Datum set(AtomType t, std::span<const AtomRef> atoms);
  static Datum set(AtomType t, std::initializer_list<AtomRef> atoms) { return set(t, std::span(atoms.begin(), atoms.size())); }
  /// Sorts; of equal keys the first stays.
  static Datum map(AtomType key, AtomType value, std::span<const std::pair<AtomRef, AtomRef>> pairs);

  DatumRef ref() const { return {inlined() ? bytes_.data() : block()->bytes(), size_, key_, value_}; }
  operator DatumRef() const { return ref(); }
  size_t size() const { return ref().size(); }
  bool empty() const { return size_ == 0; }
  friend bool operator==(const Datum& a, const Datum& b) { return a.ref() == b.ref(); }

 private:
  friend class DatumBuilder;
  struct Block {
    std::atomic<uint32_t> references{1};
    uint8_t* bytes() { return reinterpret_cast<uint8_t*>(this + 1); }
  };
  static constexpr size_t kInline = 16;
  bool inlined() const { return size_ <= kInline; }
  Block* block() const {
    Block* b;
    std::memcpy(&b, bytes_.data(), sizeof b);
    return b;
  }
  void share(const Datum& o);
  void steal(Datum& o) noexcept;
  void release();
  uint8_t* allocate(size_t size);

  std::array<uint8_t, kInline> bytes_{};
  uint32_t size_ = 0;  // bytes
  AtomType key_ = AtomType::none, value_ = AtomType::none;
};

/// Collects elements in any order.  Strings are views: they must live until finish().  Reusable after reset().
class DatumBuilder {
 public:
  explicit DatumBuilder(AtomType key = AtomType::none, AtomType value = AtomType::none) : key_(key), value_(value) {}
  void reset(AtomType key, AtomType value = AtomType::none) {
    key_ = key, value_ = value;
    elements_.clear();
  }
  void add(AtomRef key, AtomRef value = {}) { elements_.push_back({key, value}); }
  size_t size() const { return elements_.size(); }
  /// Sorts.  False if a key occurs twice.
  bool sort();
  /// Sorts and drops later elements with an equal key.
  void sort_unique();
  /// REQUIRES: sorted, unique.
  Datum finish() const;
  /// Appends the encoding to out.  REQUIRES: sorted, unique.
  void encode(ByteBuffer& out) const;

 private:
  struct Element {
    AtomRef key, value;
  };
  size_t encoded_size() const;
  void write(uint8_t* p) const;
  void write_atoms(uint8_t*& p, AtomType type, AtomRef Element::*atom) const;
  AtomType key_, value_;
  std::vector<Element> elements_;
};

/// Appends the encoding of a set of one.
void encode_scalar(ByteBuffer& out, const AtomRef& a);
inline void encode_scalar(ByteBuffer& out, int64_t v) { std::memcpy(out.extend(sizeof v), &v, sizeof v); }
inline void encode_scalar(ByteBuffer& out, std::string_view s) {
  const uint32_t head[] = {1, static_cast<uint32_t>(s.size())};
  char* p = out.extend(sizeof head + s.size());
  std::memcpy(p, head, sizeof head);
  copy_short(p + sizeof head, s.data(), s.size());
}

}  // namespace sluice::ovsdb
