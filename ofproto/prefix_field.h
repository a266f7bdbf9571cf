// SPDX-License-Identifier: Apache-2.0
// A run of 4, 8 or 16 bytes of Flow as a key of a PrefixTrie: its first bit is the key's highest.  Runs of 4 bytes are half a word, others are whole words.
#pragma once

#include <bit>
#include <cstddef>
#include <span>

#include "lib/bytes.h"
#include "ofproto/openflow/match.h"
#include "ofproto/prefix_trie.h"

namespace sluice {

class PrefixField {
 public:
  constexpr PrefixField() = default;
  constexpr PrefixField(size_t offset, size_t bytes) : word_(static_cast<uint8_t>(offset / 8)), second_half_(offset % 8 != 0), bytes_(static_cast<uint8_t>(bytes)) {}

  unsigned word() const { return word_; }   // the first
  PrefixTrie::Key of(const Flow& flow) const {
    auto words = flow.words();
    return key([&](size_t w) { return words[w]; });
  }
  PrefixTrie::Key of_value(const ofp::MiniMatch& m) const { return of_packed(m, m.values()); }
  PrefixTrie::Key of_mask(const ofp::MiniMatch& m) const { return of_packed(m, m.masks()); }
  /// Sets the bits of a key in a mask.
  void add_to(Flow& mask, PrefixTrie::Key bits) const {
    auto words = mask.words();
    auto high = static_cast<uint64_t>(bits >> 64);
    words[word_] |= big_endian(second_half_ ? high >> 32 : high);
    if (bytes_ == 16) words[word_ + 1u] |= big_endian(static_cast<uint64_t>(bits));
  }
  /// All bits of a run of 4 bytes in its word.
  uint64_t half_word() const { return big_endian(second_half_ ? UINT32_MAX : ~uint64_t{UINT32_MAX}); }

 private:
  static uint64_t big_endian(uint64_t v) { return load_be<uint64_t>(&v); }
  template <typename WordAt>
  PrefixTrie::Key key(WordAt word_at) const {
    uint64_t first = big_endian(word_at(word_));
    if (bytes_ == 4) first = second_half_ ? first << 32 : first >> 32 << 32;
    PrefixTrie::Key k = PrefixTrie::Key{first} << 64;
    return bytes_ == 16 ? k | big_endian(word_at(word_ + 1u)) : k;
  }
  PrefixTrie::Key of_packed(const ofp::MiniMatch& m, std::span<const uint64_t> words) const {
    return key([&](size_t w) {
      auto i = m.map().index(w);
      return i ? words[*i] : 0;
    });
  }

  uint8_t word_ = 0;
  bool second_half_ = false;
  uint8_t bytes_ = 0;
};

}  // namespace sluice
