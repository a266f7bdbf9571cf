// SPDX-License-Identifier: Apache-2.0
// Match: what a rule asks of a packet, as value and mask over Flow; and MiniMatch, the same in the few words that are not zero.
//
// Invariant of both: value & ~mask is zero.  Two matches are the same if and only if value and mask are equal.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "datapath/flow.h"
#include "datapath/port_no.h"
#include "ofproto/openflow/field.h"

namespace sluice::ofp {

struct Match {
  Flow value{};
  Flow mask{};

  /// Sets a field exactly, or the bits of mask.  Setting vlan_vid, dl_vlan_pcp... also sets their "tagged" bit, as OpenFlow says.
  void set(FieldId f, const FieldValue& v, const TlvTable* tlv = nullptr);
  void set(FieldId f, const FieldValue& v, const FieldValue& m, const TlvTable* tlv = nullptr);
  void set_u64(FieldId f, uint64_t v, const TlvTable* tlv = nullptr);
  void wildcard(FieldId f, const TlvTable* tlv = nullptr);
  FieldValue get(FieldId f, const TlvTable* tlv = nullptr) const { return get_field(f, value, tlv); }
  FieldValue get_mask(FieldId f, const TlvTable* tlv = nullptr) const;
  bool is_exact(FieldId f, const TlvTable* tlv = nullptr) const;
  bool is_wild(FieldId f, const TlvTable* tlv = nullptr) const;   // no bit is asked for
  bool is_catch_all() const;
  bool matches(const Flow& packet) const { return equal_under(value, packet, mask); }
  /// True if every packet that this matches, `general` matches too (OF1.3.5 6.4: non-strict flow-mods).
  bool is_inside(const Match& general) const;
  bool overlaps(const Match& other) const;
  void set_in_port(OfpPort p);
  friend bool operator==(const Match&, const Match&) = default;
};

/// Bit i stands for word i of Flow.
struct WordMap {
  std::array<uint64_t, 2> bits{};
  static_assert(kFlowWords <= 128);
  unsigned count() const { return static_cast<unsigned>(__builtin_popcountll(bits[0]) + __builtin_popcountll(bits[1])); }
  friend bool operator==(const WordMap&, const WordMap&) = default;
  /// How many words of the map are before this one; nullopt if it is not there.
  std::optional<size_t> index(size_t word) const {
    uint64_t in = bits[word / 64], bit = uint64_t{1} << word % 64;
    if (!(in & bit)) return std::nullopt;
    return static_cast<size_t>((word < 64 ? 0 : __builtin_popcountll(bits[0])) + __builtin_popcountll(in & (bit - 1)));
  }
  /// Calls fn(index of word in Flow) in ascending order.
  template <typename Fn>
  void for_each(Fn fn) const {
    for (unsigned k = 0; k < 2; k++)
      for (uint64_t b = bits[k]; b; b &= b - 1) fn(k * 64 + static_cast<unsigned>(__builtin_ctzll(b)));
  }
};

WordMap words_of(const Flow& mask);

/// A Match in the few words of Flow that it asks about: up to kInline of them in place, more on the heap.  Immutable, copyable.
class MiniMatch {
 public:
  static constexpr unsigned kInline = 4;   // Ethernet type, 5-tuple and input port

  MiniMatch() = default;
  explicit MiniMatch(const Match& m);
  /// The words of a map in ascending order; as many values as masks.
  MiniMatch(const WordMap& map, std::span<const uint64_t> masks, const uint64_t* values);
  MiniMatch(const MiniMatch& o);
  MiniMatch(MiniMatch&& o) noexcept { steal(o); }
  MiniMatch& operator=(const MiniMatch& o);
  MiniMatch& operator=(MiniMatch&& o) noexcept;
  ~MiniMatch() { if (count_ > kInline) delete[] heap_; }

  Match expand() const;
  /// Into a match that is empty; clear() empties it again at the same small price.
  void expand(Match& empty) const;
  void clear(Match& expanded) const;
  const WordMap& map() const { return map_; }
  std::span<const uint64_t> masks() const { return {words(), count_}; }
  std::span<const uint64_t> values() const { return {words() + count_, count_}; }
  bool matches(const Flow& packet) const;
  bool is_inside(const MiniMatch& general) const;
  bool overlaps(const MiniMatch& other) const;
  bool same_mask(const MiniMatch& other) const;
  uint64_t hash() const;
  friend bool operator==(const MiniMatch& a, const MiniMatch& b);

 private:
  const uint64_t* words() const { return count_ > kInline ? heap_ : inline_; }  // masks, then values
  uint64_t* make_words();
  void steal(MiniMatch& o) {
    map_ = o.map_;
    count_ = o.count_;
    if (count_ > kInline) heap_ = o.heap_;
    else std::memcpy(inline_, o.inline_, 16 * count_);
    o.count_ = 0;
    o.map_ = {};
  }

  WordMap map_;
  uint8_t count_ = 0;                      // of words
  union {
    uint64_t inline_[2 * kInline];
    uint64_t* heap_;
  };
};

class PackedWriting;   // match_shape.h

/// A match to be written, whole or packed, and the words that its mask has.
class MatchView {
 public:
  MatchView(const Match& m) : match_(&m), words_(words_of(m.mask)) {}  // NOLINT: a match is a view of itself
  MatchView(const Match& m, const WordMap& w) : match_(&m), words_(w) {}
  MatchView(const MiniMatch& m, PackedWriting& writing) : words_(m.map()), packed_(&m), writing_(&writing) {}
  const Match& match() const { return match_ ? *match_ : expanded(); }
  const WordMap& words() const { return words_; }
  /// Null both if it came whole.
  const MiniMatch* packed() const { return packed_; }
  PackedWriting* writing() const { return writing_; }

 private:
  const Match& expanded() const;
  const Match* match_ = nullptr;
  WordMap words_;
  const MiniMatch* packed_ = nullptr;
  PackedWriting* writing_ = nullptr;
};

// --- Wire ---

class MatchShapes;     // match_shape.h

/// Cookie restriction that NXM matches may carry (NXM_NX_COOKIE); null where it is not allowed.
struct CookieMatch { uint64_t value = 0, mask = 0; };

inline constexpr size_t kOf10MatchSize = 40;
inline constexpr size_t kOf11MatchSize = 88;

/// The fixed match of 1.0 (OF1.0.1 5.2.3): dependent fields without prerequisite are dropped (the log says so), or, "whole", left in.
Result<Match> decode_of10_match(ByteReader& r);
Result<Match> decode_whole_of10_match(ByteReader& r);
void encode_of10_match(const Match& m, ByteWriter& w);
Result<Match> decode_of11_match(ByteReader& r);
void encode_of11_match(const Match& m, ByteWriter& w);
/// `bytes` are the TLVs alone.  strict: unknown fields, prerequisites, duplicates are errors; else unknown fields are skipped.
Result<Match> decode_nxm(ByteView bytes, const TlvTable* tlv, CookieMatch* cookie = nullptr, bool strict = true);
/// The OXM match of 1.2+: header (type 1, length), TLVs, padding to 8.  The reader is left behind the padding.
Result<Match> decode_oxm_match(ByteReader& r, const TlvTable* tlv, bool strict = true);
/// decode_oxm_match or decode_of11_match by the type in the header (1.1+ allows both: OFPBMC_BAD_TYPE for others).
Result<Match> decode_match(ByteReader& r, Version version, const TlvTable* tlv, bool strict = true);
// The same into a match that is empty yet: what is large is not copied.
Status read_nxm(ByteView bytes, Match& m, const TlvTable* tlv, CookieMatch* cookie = nullptr, bool strict = true);
Status read_oxm_match(ByteReader& r, Match& m, const TlvTable* tlv, bool strict = true);
Status read_match(ByteReader& r, Version version, Match& m, const TlvTable* tlv, bool strict = true);
/// Packed; one of a shape that `shapes` (or null) has is read by that.
Status read_match(ByteReader& r, Version version, MiniMatch& m, const TlvTable* tlv, MatchShapes* shapes);
/// TLVs alone, unpadded; returns their length.
size_t encode_nxm(const MatchView& m, ByteWriter& w, Version version, const TlvTable* tlv, const CookieMatch* cookie = nullptr);
/// The match of 1.1 (fixed) or 1.2+ (OXM with header and padding).
void encode_match(const MatchView& m, ByteWriter& w, Version version, const TlvTable* tlv);
/// The OXM match in every version; its fields have their NXM ids before 1.2.
void encode_oxm_match(const MatchView& m, ByteWriter& w, Version version, const TlvTable* tlv);

/// Formats that can express the match without loss.
ProtocolSet usable_protocols(const Match& m);
/// Removes what has no prerequisite ("tp_src=80" without tcp); true if something went.
bool normalize(Match& m);
/// "tcp_dst needs tcp": the first field that normalize() would remove; empty if none.
std::string missing_prerequisite(const Match& m);
std::string_view prereq_text(Prereq p);

// --- Text ---

/// The order and forms of `ovs-ofctl dump-flows`; priority is printed first if it is not the default (pass kDefaultPriority for none).
void format_match(const Match& m, std::string& out, const NameMap* ports = nullptr, const TlvTable* tlv = nullptr,
                  int priority = 32768);
std::string format_match(const Match& m);
/// One "key=value" or shorthand ("tcp") into the match.  nothing: the key is no match key.
std::optional<std::expected<void, std::string>> parse_match_key(std::string_view key, std::string_view value, bool has_value, Match& m,
                                                                const NameMap* ports, const TlvTable* tlv, bool compat = false);

}  // namespace sluice::ofp
