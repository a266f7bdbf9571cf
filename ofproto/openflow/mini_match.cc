// SPDX-License-Identifier: Apache-2.0
// MiniMatch: a bit map of the words that the mask has, the masks, the values.
#include <cstring>

#include "ofproto/openflow/match.h"

namespace sluice::ofp {

MiniMatch::MiniMatch(const Match& m) {
  auto mask = m.mask.words(), value = m.value.words();
  map_ = words_of(m.mask);
  unsigned n = map_.count();
  if (n == 0) return;
  words_.reset(new uint64_t[2 * n]);
  uint64_t* out = words_.get();
  map_.for_each([&](unsigned i) {
    out[0] = mask[i];
    out[n] = value[i];
    out++;
  });
}

MiniMatch::MiniMatch(const MiniMatch& o) : map_(o.map_) {
  unsigned n = map_.count();
  if (n == 0) return;
  words_.reset(new uint64_t[2 * n]);
  std::memcpy(words_.get(), o.words_.get(), 16 * n);
}

MiniMatch& MiniMatch::operator=(const MiniMatch& o) {
  if (this != &o) *this = MiniMatch(o);
  return *this;
}

Match MiniMatch::expand() const {
  Match m;
  const uint64_t* w = words_.get();
  unsigned n = map_.count();
  auto mask = m.mask.words(), value = m.value.words();
  map_.for_each([&](unsigned i) {
    mask[i] = w[0];
    value[i] = w[n];
    w++;
  });
  return m;
}

bool MiniMatch::matches(const Flow& packet) const {
  const uint64_t* w = words_.get();
  unsigned n = map_.count();
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
  for (unsigned k = 0; k < 2; k++) {
    uint64_t both = m.map().bits[k] | general.map().bits[k];
    for (uint64_t b = both; b; b &= b - 1) {
      uint64_t bit = b & -b;
      bool in_m = m.map().bits[k] & bit, in_g = general.map().bits[k] & bit;
      uint64_t mm = in_m ? m.masks()[i] : 0, mv = in_m ? m.values()[i] : 0;
      uint64_t gm = in_g ? general.masks()[g] : 0, gv = in_g ? general.values()[g] : 0;
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
  return map_ == o.map_ && (map_.count() == 0 || std::memcmp(words_.get(), o.words_.get(), 8 * map_.count()) == 0);
}

bool operator==(const MiniMatch& a, const MiniMatch& b) {
  return a.map_ == b.map_ && (a.map_.count() == 0 || std::memcmp(a.words_.get(), b.words_.get(), 16 * a.map_.count()) == 0);
}

uint64_t MiniMatch::hash() const {
  uint64_t h = map_.bits[0] * 0x9e3779b97f4a7c15ull ^ map_.bits[1];
  for (unsigned i = 0; i < 2 * map_.count(); i++) {
    h ^= words_[i];
    h *= 0xff51afd7ed558ccdull;
    h ^= h >> 32;
  }
  return h;
}

}  // namespace sluice::ofp
