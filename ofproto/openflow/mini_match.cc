// SPDX-License-Identifier: Apache-2.0
// MiniMatch: a bit map of the words that the mask has, the masks, the values.
#include <algorithm>
#include <cstring>

#include "ofproto/openflow/match.h"

namespace sluice::ofp {

namespace {

constexpr size_t kBlock = 8;  // words; the first block is what most masks have, others are mostly zero as a whole

using Pair [[gnu::vector_size(16), gnu::aligned(8), gnu::may_alias]] = uint64_t;

bool any_of(const uint64_t* block) {
  const Pair* w = reinterpret_cast<const Pair*>(block);
  Pair all = (w[0] | w[1]) | (w[2] | w[3]);
  return all[0] | all[1];
}

/// Bit k: word k of the block is not zero.
uint64_t nonzero_bits(const uint64_t* block) {
  uint64_t bits = 0;
#pragma GCC unroll 8
  for (size_t k = 0; k < kBlock; k++) bits |= uint64_t{block[k] != 0} << k;
  return bits;
}

}  // namespace

WordMap words_of(const Flow& mask) {
  const uint64_t* w = mask.words().data();
  WordMap map;
  map.bits[0] = nonzero_bits(w);
  size_t i = kBlock;
  for (; i + kBlock <= kFlowWords; i += kBlock)
    if (any_of(w + i)) map.bits[i / 64] |= nonzero_bits(w + i) << i % 64;
  for (; i < kFlowWords; i++) map.bits[i / 64] |= uint64_t{w[i] != 0} << i % 64;
  return map;
}

uint64_t* MiniMatch::make_words() {
  if (count_ <= kInline) return inline_;
  return heap_ = new uint64_t[2 * count_];
}

MiniMatch::MiniMatch(const Match& m) : map_(words_of(m.mask)), count_(static_cast<uint8_t>(map_.count())) {
  auto mask = m.mask.words(), value = m.value.words();
  uint64_t* out = make_words();
  size_t n = count_;
  map_.for_each([&](unsigned i) {
    out[0] = mask[i];
    out[n] = value[i];
    out++;
  });
}

MiniMatch::MiniMatch(const WordMap& map, std::span<const uint64_t> masks, const uint64_t* values) : map_(map), count_(static_cast<uint8_t>(masks.size())) {
  uint64_t* out = make_words();
  for (size_t i = 0, n = count_; i < n; i++) {
    out[i] = masks[i];
    out[n + i] = values[i];
  }
}

MiniMatch::MiniMatch(const MiniMatch& o) : map_(o.map_), count_(o.count_) { std::memcpy(make_words(), o.words(), 16 * count_); }

MiniMatch& MiniMatch::operator=(const MiniMatch& o) {
  if (this != &o) *this = MiniMatch(o);
  return *this;
}

MiniMatch& MiniMatch::operator=(MiniMatch&& o) noexcept {
  if (this == &o) return *this;
  if (count_ > kInline) delete[] heap_;
  steal(o);
  return *this;
}

Match MiniMatch::expand() const {
  Match m;
  expand(m);
  return m;
}

void MiniMatch::expand(Match& m) const {
  const uint64_t* w = words();
  size_t n = count_;
  auto mask = m.mask.words(), value = m.value.words();
  map_.for_each([&](unsigned i) {
    mask[i] = w[0];
    value[i] = w[n];
    w++;
  });
}

void MiniMatch::clear(Match& m) const {
  auto mask = m.mask.words(), value = m.value.words();
  map_.for_each([&](unsigned i) { mask[i] = value[i] = 0; });
}

bool MiniMatch::matches(const Flow& packet) const {
  const uint64_t* w = words();
  size_t n = count_;
  auto p = packet.words();
  for (unsigned k = 0; k < 2; k++)
    for (uint64_t b = map_.bits[k]; b; b &= b - 1, w++)
      if ((p[k * 64 + static_cast<unsigned>(__builtin_ctzll(b))] ^ w[n]) & w[0]) return false;
  return true;
}

namespace {

/// Calls fn(mask, value, general mask, general value) for each word of `general`; zeros where `m` has none.
template <typename Fn>
bool for_each_pair(const MiniMatch& m, const MiniMatch& general, Fn fn) {
  size_t i = 0, g = 0;
  auto m_masks = m.masks(), m_values = m.values(), g_masks = general.masks(), g_values = general.values();
  for (unsigned k = 0; k < 2; k++) {
    uint64_t both = m.map().bits[k] | general.map().bits[k];
    for (uint64_t b = both; b; b &= b - 1) {
      uint64_t bit = b & -b;
      bool in_m = m.map().bits[k] & bit, in_g = general.map().bits[k] & bit;
      uint64_t mm = in_m ? m_masks[i] : 0, mv = in_m ? m_values[i] : 0;
      uint64_t gm = in_g ? g_masks[g] : 0, gv = in_g ? g_values[g] : 0;
      i += in_m, g += in_g;
      if (!fn(mm, mv, gm, gv)) return false;
    }
  }
  return true;
}

}  // namespace

bool MiniMatch::is_inside(const MiniMatch& general) const {
  return for_each_pair(*this, general, [](uint64_t m, uint64_t v, uint64_t gm, uint64_t gv) { return !(gm & ~m) && !((v ^ gv) & gm); });
}

bool MiniMatch::overlaps(const MiniMatch& other) const {
  return for_each_pair(*this, other, [](uint64_t m, uint64_t v, uint64_t om, uint64_t ov) { return !((v ^ ov) & m & om); });
}

bool MiniMatch::same_mask(const MiniMatch& o) const {
  if (map_ != o.map_) return false;
  const uint64_t *a = words(), *b = o.words();
  return std::equal(a, a + count_, b);
}

bool operator==(const MiniMatch& a, const MiniMatch& b) {
  if (a.map_ != b.map_) return false;
  const uint64_t *x = a.words(), *y = b.words();
  return std::equal(x, x + 2 * a.count_, y);
}

uint64_t MiniMatch::hash() const {
  uint64_t h = map_.bits[0] * 0x9e3779b97f4a7c15ull ^ map_.bits[1];
  const uint64_t* w = words();
  for (unsigned i = 0; i < 2u * count_; i++) {
    h ^= w[i];
    h *= 0xff51afd7ed558ccdull;
    h ^= h >> 32;
  }
  return h;
}

}  // namespace sluice::ofp
