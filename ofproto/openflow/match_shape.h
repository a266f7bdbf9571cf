// SPDX-License-Identifier: Apache-2.0
// Shapes of matches on the wire.  Flow-mods, and the entries of a dump, come in rows of one shape: the same fields in the same order, of the same
// protocol.  What was found out by the whole codec about one of them (which fields, where, repetition, prerequisites) holds for all of its shape,
// so that of others only values and masks are copied, between the bytes of the wire and the words of a MiniMatch.
//
// A shape is learned from one match and its bytes, by the tables of fields: what may differ is values and masks of plain fields (field.h) that decide
// about no other field's prerequisites; all else must be equal, or the whole codec is asked.
//
// Invariant (tested): with and without shapes the result is the same.
// Threads: one at a time.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "lib/bytes.h"
#include "ofproto/openflow/match.h"

namespace sluice::ofp {

struct WirePlan;

class MatchShape {
 public:
  static constexpr size_t kBytes = 128;    // of the longest match that has a shape
  static constexpr size_t kWords = 12;     // of a MiniMatch
  static constexpr size_t kPieces = 24;

  /// Of a match and its bytes: TLVs from `begin` to `end`, a head before and padding behind.  False: such matches have no shape.
  bool learn(ByteView wire, size_t begin, size_t end, const MiniMatch& m);
  /// False: the match is of another shape, or something is wrong with it.
  bool read(ByteView wire, MiniMatch& m) const;
  bool write(const MiniMatch& m, ByteWriter& w) const;

 private:
  /// A field's bytes in one word of Flow.
  struct Piece {
    uint64_t ones;                         // as load_word has its bytes
    uint8_t value_at, mask_at;             // on the wire; mask_at 0: it is not to be copied
    uint8_t at;                            // in the words of the MiniMatch, in bytes
  };
  using Wire = std::array<uint64_t, kBytes / 8 + 1>;   // a word may be loaded and stored at each byte
  using Words = std::array<uint64_t, kWords + 1>;
  bool learn_field(const WirePlan& plan, size_t payload, bool masked, bool port);

  uint8_t size_ = 0, words_ = 0, pieces_ = 0;   // bytes of the wire, words of the MiniMatch
  uint8_t port_at_ = 0;                         // of in_port, which must be a port; 0: none
  WordMap map_;
  Wire wire_{}, fixed_{};                       // zeros where values are copied to, ones where bits must be equal
  Words masks_{}, values_{}, fixed_masks_{}, fixed_values_{};
  std::array<Piece, kPieces> piece_;
};

/// The shapes seen last.
class MatchShapes {
 public:
  bool read(ByteView wire, MiniMatch& m) {
    return any([&](const MatchShape& s) { return s.read(wire, m); });
  }
  bool write(const MiniMatch& m, ByteWriter& w) {
    return any([&](const MatchShape& s) { return s.write(m, w); });
  }
  /// Of one that was of no shape.
  void learn(ByteView wire, size_t begin, size_t end, const MiniMatch& m);

 private:
  static constexpr size_t kShapes = 8;
  static constexpr uint32_t kPatience = 8;      // learning costs, and where shapes are many is in vain
  template <typename Fn>
  bool any(Fn fits) {
    for (size_t i = 0; i < shapes_.size(); i++) {
      if (!fits(shapes_[last_])) {
        last_ = last_ + 1 < shapes_.size() ? last_ + 1 : 0;
        continue;
      }
      return true;
    }
    return false;
  }

  std::vector<MatchShape> shapes_;
  size_t last_ = 0, next_ = 0;                  // the one that was right last, the one to be replaced next
  uint32_t misses_ = 0;
};

/// What the matches of one multipart message, packed and all written in one form, are written by.
class PackedWriting {
 public:
  MatchShapes shapes;
  /// A packed match whole, until forget().
  const Match& expand(const MiniMatch& m);
  void forget();

 private:
  Match scratch_;                               // empty but for expanded_
  const MiniMatch* expanded_ = nullptr;
};

}  // namespace sluice::ofp
