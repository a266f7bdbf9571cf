// SPDX-License-Identifier: Apache-2.0
// Reading and writing the canonical encoding of values.
#include "dbserver/ovsdb/values.h"

#include <xxhash.h>

#include <algorithm>
#include <new>

namespace sluice::ovsdb {

std::string_view atom_type_name(AtomType t) {
  static constexpr std::string_view kNames[] = {"void", "integer", "real", "boolean", "string", "uuid"};
  return kNames[static_cast<size_t>(t)];
}

std::weak_ordering operator<=>(const AtomRef& a, const AtomRef& b) {
  switch (a.type_) {
    case AtomType::none: break;
    case AtomType::integer: return a.integer_ <=> b.integer_;
    case AtomType::real: return a.real_ < b.real_ ? std::weak_ordering::less : a.real_ > b.real_ ? std::weak_ordering::greater : std::weak_ordering::equivalent;
    case AtomType::boolean: return a.boolean_ <=> b.boolean_;
    case AtomType::string: return a.string() <=> b.string();
    case AtomType::uuid: return a.uuid_ <=> b.uuid_;
  }
  return std::weak_ordering::equivalent;
}

AtomRef default_atom(AtomType t) {
  switch (t) {
    case AtomType::none: break;
    case AtomType::integer: return int64_t{0};
    case AtomType::real: return 0.0;
    case AtomType::boolean: return false;
    case AtomType::string: return std::string_view();
    case AtomType::uuid: return Uuid{};
  }
  return {};
}

// --- views ---

AtomRef DatumRef::key(size_t i) const {
  Layout l = layout();
  return atom_at(key_, l.key_ends, l.keys, i);
}

AtomRef DatumRef::value(size_t i) const {
  Layout l = layout();
  return atom_at(value_, l.value_ends, l.values, i);
}

size_t DatumRef::find(AtomRef k) const {
  if (!size_) return 0;
  Layout l = layout();
  size_t low = 0, high = l.n;
  while (low < high) {
    size_t middle = (low + high) / 2;
    auto order = atom_at(key_, l.key_ends, l.keys, middle) <=> k;
    if (order == 0) return middle;
    if (order < 0) low = middle + 1;
    else high = middle;
  }
  return l.n;
}

std::string_view DatumRef::get(std::string_view k, std::string_view missing) const {
  if (key_ != AtomType::string || value_ != AtomType::string) return missing;
  size_t i = find(k);
  return i < size() ? value(i).string() : missing;
}

std::weak_ordering compare(const DatumRef& a, const DatumRef& b) {
  if (auto order = a.size() <=> b.size(); order != 0) return order;
  size_t n = a.size();
  for (size_t i = 0; i < n; i++)
    if (auto order = a.key(i) <=> b.key(i); order != 0) return order;
  for (size_t i = 0; a.is_map() && i < n; i++)
    if (auto order = a.value(i) <=> b.value(i); order != 0) return order;
  return std::weak_ordering::equivalent;
}

size_t DatumRef::hash() const { return XXH3_64bits(data_, size_); }

// --- encoding ---

namespace {

void store_u32(uint8_t*& p, size_t v) {
  uint32_t x = static_cast<uint32_t>(v);
  std::memcpy(p, &x, 4);
  p += 4;
}

void store_atom(uint8_t*& p, const AtomRef& a) {
  switch (a.type()) {
    case AtomType::none: break;
    case AtomType::integer: {
      int64_t v = a.integer();
      std::memcpy(p, &v, 8);
      p += 8;
      break;
    }
    case AtomType::real: {
      double v = a.real();
      std::memcpy(p, &v, 8);
      p += 8;
      break;
    }
    case AtomType::boolean: *p++ = a.boolean(); break;
    case AtomType::string: {
      std::string_view s = a.string();
      copy_short(reinterpret_cast<char*>(p), s.data(), s.size());
      p += s.size();
      break;
    }
    case AtomType::uuid:
      std::memcpy(p, &a.uuid(), 16);
      p += 16;
      break;
  }
}

/// Of a set of one.
size_t scalar_size(const AtomRef& a) { return a.type() == AtomType::string ? 8 + a.string().size() : atom_width(a.type()); }

void store_scalar(uint8_t* p, const AtomRef& a) {
  if (a.type() == AtomType::string) {
    store_u32(p, 1);
    store_u32(p, a.string().size());
  }
  store_atom(p, a);
}

}  // namespace

// --- owner ---

void Datum::share(const Datum& o) {
  bytes_ = o.bytes_;
  size_ = o.size_, key_ = o.key_, value_ = o.value_;
  if (!inlined()) block()->references.fetch_add(1, std::memory_order_relaxed);
}

void Datum::steal(Datum& o) noexcept {
  bytes_ = o.bytes_;
  size_ = o.size_, key_ = o.key_, value_ = o.value_;
  o.size_ = 0;
}

void Datum::release() {
  if (inlined()) return;
  Block* b = block();
  if (b->references.fetch_sub(1, std::memory_order_acq_rel) == 1) ::operator delete(b);
}

Datum& Datum::operator=(const Datum& o) {
  if (this != &o) {
    release();
    share(o);
  }
  return *this;
}

Datum& Datum::operator=(Datum&& o) noexcept {
  if (this != &o) {
    release();
    steal(o);
  }
  return *this;
}

/// REQUIRES: nothing is held.
uint8_t* Datum::allocate(size_t size) {
  size_ = static_cast<uint32_t>(size);
  if (inlined()) return bytes_.data();
  Block* b = new (::operator new(sizeof(Block) + size)) Block;
  std::memcpy(bytes_.data(), &b, sizeof b);
  return b->bytes();
}

Datum::Datum(DatumRef d) : key_(d.key_type()), value_(d.value_type()) {
  std::string_view bytes = d.bytes();
  uint8_t* p = allocate(bytes.size());
  if (!bytes.empty()) std::memcpy(p, bytes.data(), bytes.size());
}

Datum Datum::scalar(AtomRef a) {
  Datum d(a.type());
  uint8_t* p = d.allocate(scalar_size(a));
  store_scalar(p, a);
  return d;
}

Datum Datum::set(AtomType t, std::span<const AtomRef> atoms) {
  DatumBuilder b(t);
  for (const AtomRef& a : atoms) b.add(a);
  b.sort_unique();
  return b.finish();
}

Datum Datum::map(AtomType key, AtomType value, std::span<const std::pair<AtomRef, AtomRef>> pairs) {
  DatumBuilder b(key, value);
  for (const auto& [k, v] : pairs) b.add(k, v);
  b.sort_unique();
  return b.finish();
}

// --- builder ---

namespace {

/// Less.  Texts are told apart by their first byte mostly.
bool comes_before(const AtomRef& a, const AtomRef& b) {
  if (a.type() == AtomType::string && !a.string().empty() && !b.string().empty()) {
    auto x = static_cast<unsigned char>(a.string()[0]), y = static_cast<unsigned char>(b.string()[0]);
    if (x != y) return x < y;
  }
  return a < b;
}

}  // namespace

bool DatumBuilder::sort() {
  if (elements_.size() < 2) return true;
  auto not_rising = [](const Element& a, const Element& b) { return !comes_before(a.key, b.key); };
  if (std::adjacent_find(elements_.begin(), elements_.end(), not_rising) == elements_.end()) return true;
  std::stable_sort(elements_.begin(), elements_.end(), [](const Element& a, const Element& b) { return a.key < b.key; });
  return std::adjacent_find(elements_.begin(), elements_.end(), not_rising) == elements_.end();
}

void DatumBuilder::sort_unique() {
  if (sort()) return;
  auto same = [](const Element& a, const Element& b) { return a.key == b.key; };
  elements_.erase(std::unique(elements_.begin(), elements_.end(), same), elements_.end());
}

size_t DatumBuilder::encoded_size() const {
  if (elements_.empty()) return 0;
  bool text_keys = key_ == AtomType::string, text_values = value_ == AtomType::string;
  size_t n = elements_.size(), size = n * (atom_width(key_) + atom_width(value_));
  if (!text_keys && !text_values) return size;
  size += 4 + 4 * n * (size_t{text_keys} + text_values);
  for (const Element& e : elements_) size += (text_keys ? e.key.string().size() : 0) + (text_values ? e.value.string().size() : 0);
  return size;
}

void DatumBuilder::write(uint8_t* p) const {
  if (elements_.empty()) return;
  bool text_keys = key_ == AtomType::string, text_values = value_ == AtomType::string;
  if (text_keys || text_values) store_u32(p, elements_.size());
  size_t end = 0;
  if (text_keys)
    for (const Element& e : elements_) store_u32(p, end += e.key.string().size());
  end = 0;
  if (text_values)
    for (const Element& e : elements_) store_u32(p, end += e.value.string().size());
  write_atoms(p, key_, &Element::key);
  write_atoms(p, value_, &Element::value);
}

void DatumBuilder::write_atoms(uint8_t*& p, AtomType type, AtomRef Element::*atom) const {
  if (type == AtomType::none) return;
  if (type != AtomType::string) {
    for (const Element& e : elements_) store_atom(p, e.*atom);
    return;
  }
  for (const Element& e : elements_) {
    std::string_view s = (e.*atom).string();
    copy_short(reinterpret_cast<char*>(p), s.data(), s.size());
    p += s.size();
  }
}

Datum DatumBuilder::finish() const {
  Datum d(key_, value_);
  write(d.allocate(encoded_size()));
  return d;
}

void DatumBuilder::encode(ByteBuffer& out) const {
  if (!elements_.empty()) write(reinterpret_cast<uint8_t*>(out.extend(encoded_size())));
}

void encode_scalar(ByteBuffer& out, const AtomRef& a) {
  auto p = reinterpret_cast<uint8_t*>(out.extend(scalar_size(a)));
  store_scalar(p, a);
}

}  // namespace sluice::ovsdb
