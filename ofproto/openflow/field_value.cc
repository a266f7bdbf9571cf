// SPDX-License-Identifier: Apache-2.0
// FieldValue and the bit arithmetic of big-endian integers.
#include <algorithm>
#include <cstring>

#include "ofproto/openflow/field.h"

namespace sluice::ofp {

FieldValue FieldValue::ones(const Field& f, size_t size) {
  FieldValue v(size);
  if (f.id == FieldId::kNwTos) {
    v.set_u64(0xfc);
    return v;
  }
  unsigned bits = is_tun_metadata(f.id) ? static_cast<unsigned>(size) * 8 : std::max<unsigned>(f.bits, f.place.bits);
  for (unsigned i = 0; i < size; i++) {
    unsigned below = i * 8;  // bits under this byte
    if (below >= bits) break;
    v.data()[size - 1 - i] = static_cast<uint8_t>(bits - below >= 8 ? 0xff : (1 << (bits - below)) - 1);
  }
  return v;
}

void FieldValue::resize(size_t size) {
  size = std::min<size_t>(size, 255);
  if (size > small_.size()) {
    big_ = std::make_unique<uint8_t[]>(size);
  } else {
    big_.reset();
    small_.fill(0);
  }
  size_ = static_cast<uint8_t>(size);
}

void FieldValue::assign(ByteView v) {
  if (v.size() <= small_.size()) {
    big_.reset();
    size_ = static_cast<uint8_t>(v.size());
    if (!v.empty()) std::memcpy(small_.data(), v.data(), v.size());
    return;
  }
  resize(v.size());
  std::memcpy(data(), v.data(), size_);
}

uint64_t FieldValue::u64() const {
  uint64_t v = 0;
  for (size_t i = size_ > 8 ? size_ - 8u : 0; i < size_; i++) v = v << 8 | data()[i];
  return v;
}

void FieldValue::set_u64(uint64_t v) {
  for (size_t i = size_; i-- > 0; v >>= 8) data()[i] = static_cast<uint8_t>(v);
}

bool FieldValue::is_zero() const {
  return std::all_of(data(), data() + size_, [](uint8_t b) { return b == 0; });
}

void FieldValue::set_bit(unsigned n, bool on) {
  if (n / 8 >= size_) return;
  uint8_t& b = data()[size_ - 1 - n / 8];
  uint8_t m = static_cast<uint8_t>(1u << n % 8);
  b = static_cast<uint8_t>(on ? b | m : b & ~m);
}

void FieldValue::set_bits(unsigned ofs, unsigned n) {
  for (unsigned end = ofs + n; ofs < end;) {
    if (ofs % 8 || end - ofs < 8 || ofs / 8 >= size_) {
      set_bit(ofs++, true);
      continue;
    }
    data()[size_ - 1 - ofs / 8] = UINT8_MAX;
    ofs += 8;
  }
}

bool operator==(const FieldValue& a, const FieldValue& b) {
  return a.size_ == b.size_ && std::memcmp(a.data(), b.data(), a.size_) == 0;
}

void mask_value(FieldValue& value, const FieldValue& mask) {
  for (size_t i = 0; i < std::min(value.size(), mask.size()); i++) value.data()[i] &= mask.data()[i];
}

void copy_bits(ByteView src, unsigned src_ofs, std::span<uint8_t> dst, unsigned dst_ofs, unsigned n) {
  auto left = [](size_t bytes, unsigned ofs) { return bytes * 8 > ofs ? static_cast<unsigned>(bytes * 8 - ofs) : 0; };
  n = std::min({n, left(src.size(), src_ofs), left(dst.size(), dst_ofs)});   // a tunnel option may be shorter than its field
  // Whole bytes when both sides are aligned; else up to 8 bits a step.
  if (unsigned whole = src_ofs % 8 || dst_ofs % 8 ? 0 : n / 8) {
    std::memmove(dst.data() + dst.size() - dst_ofs / 8 - whole, src.data() + src.size() - src_ofs / 8 - whole, whole);
    src_ofs += whole * 8, dst_ofs += whole * 8, n -= whole * 8;
  }
  while (n) {
    unsigned sb = src_ofs % 8, db = dst_ofs % 8;
    unsigned step = std::min({n, 8 - sb, 8 - db});
    uint8_t m = static_cast<uint8_t>((1u << step) - 1);
    uint8_t bits = static_cast<uint8_t>(src[src.size() - 1 - src_ofs / 8] >> sb & m);
    uint8_t& d = dst[dst.size() - 1 - dst_ofs / 8];
    d = static_cast<uint8_t>((d & ~(m << db)) | bits << db);
    src_ofs += step, dst_ofs += step, n -= step;
  }
}

}  // namespace sluice::ofp
