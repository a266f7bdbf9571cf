// SPDX-License-Identifier: Apache-2.0
// Match fields: one row each in fields.def; everything about a field is read from there.
//
// A field's bits live at a Place in Flow (offset, bytes, shift), big-endian like all of Flow.  Its value outside of a Flow is a
// FieldValue: a big-endian integer right-aligned in the field's wire bytes.  tun_metadataN have their place from a TlvTable.
//
// A wire id is a 32-bit OXM/NXM header plus, in class 0xffff, an experimenter (OF1.3.5 7.2.3.2).  A field may have several wire ids.
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "datapath/flow.h"
#include "lib/bytes.h"
#include "ofproto/openflow/error.h"
#include "ofproto/openflow/version.h"

namespace sluice::ofp {

struct Match;
class TlvTable;

/// kReg0 + 5 is reg5, and so on for all numbered fields.
enum class FieldId : uint8_t {
#define SLUICE_FIELD(id, ...) id,
#define SLUICE_FIELDS(id, count, ...) id, id##Last = id + (count) - 1,
#include "ofproto/openflow/fields.def"
#undef SLUICE_FIELD
#undef SLUICE_FIELDS
  kCount,
  kNone = 0xff,
};
inline constexpr size_t kFieldCount = static_cast<size_t>(FieldId::kCount);
constexpr FieldId operator+(FieldId f, int n) { return static_cast<FieldId>(static_cast<int>(f) + n); }
constexpr int operator-(FieldId a, FieldId b) { return static_cast<int>(a) - static_cast<int>(b); }

enum class Maskable : uint8_t { kNo, kAny };
enum class Access : uint8_t { kReadOnly, kReadWrite };
/// How a value is written as text.
enum class Display : uint8_t {
  kDecimal, kHex, kMac, kIpv4, kIpv6, kPort16, kPort, kFrag, kTcpFlags, kCtState, kTunFlags, kPacketType, kIpv6ExtHdr,
};
enum class Prereq : uint8_t {
  kNone, kEthernet, kVlan, kMpls, kArp, kIpv4, kIpv6, kIp, kTcp, kUdp, kSctp, kIcmp4, kIcmp6, kNd, kNdSolicit, kNdAdvert, kNsh, kCt,
  kPbb, kInPort,
};
/// What the fixed matches of 1.0 and 1.1 can say of a field.
enum class Fixed : uint8_t { kNo, kExact, kCidr, kBitwise };

/// Where a field is in Flow: an integer of `bytes` bytes at `offset`; the field is its `bits` bits above bit `shift`.
struct Place {
  uint16_t offset = 0;
  uint8_t bytes = 0;   // 0: nowhere
  uint8_t shift = 0;
  uint16_t bits = 0;
};

struct Field {
  FieldId id;
  std::string_view name;   // canonical: "eth_src", "reg0"
  std::string_view alias;  // "dl_src"; may be empty
  Place place;
  uint16_t bits;           // width for subfields and range checks
  uint8_t wire_bytes;      // 124 for tun_metadata: the most that it can be
  Maskable maskable;
  Prereq prereq;
  Access access;
  Display display;
  Fixed of10, of11;
  bool plain;              // the wire bytes are the bytes in Flow, any value is valid or a port: copied as they are
};

extern const std::array<Field, kFieldCount> kFieldTable;
inline const Field& field(FieldId id) { return kFieldTable[static_cast<size_t>(id)]; }
std::span<const Field> all_fields();
/// By name or alias, without regard to case; also by wire name ("NXM_NX_REG0", "OXM_OF_ETH_SRC").
const Field* field_by_name(std::string_view name);
inline bool is_tun_metadata(FieldId f) { return f >= FieldId::kTunMetadata0 && f <= FieldId::kTunMetadata0Last; }

// --- Values ---

inline constexpr size_t kMaxFieldBytes = 124;  // of a tun_metadata option (OF text: 992 bits)

/// A big-endian unsigned integer of size() bytes.  Up to 16 bytes are held in place.
class FieldValue {
 public:
  FieldValue() = default;
  explicit FieldValue(size_t size) { resize(size); }                 // zero
  FieldValue(size_t size, uint64_t v) : FieldValue(size) { set_u64(v); }
  FieldValue(const FieldValue& o) { assign(o.bytes()); }
  FieldValue(FieldValue&&) noexcept = default;
  FieldValue& operator=(const FieldValue& o) { if (this != &o) assign(o.bytes()); return *this; }
  FieldValue& operator=(FieldValue&&) noexcept = default;
  static FieldValue ones(const Field& f, size_t size);               // the bits of the field set

  size_t size() const { return size_; }
  uint8_t* data() { return big_ ? big_.get() : small_.data(); }
  const uint8_t* data() const { return big_ ? big_.get() : small_.data(); }
  std::span<uint8_t> bytes() { return {data(), size_}; }
  ByteView bytes() const { return {data(), size_}; }
  void resize(size_t size);                                          // zero afterwards
  void assign(ByteView v);
  uint64_t u64() const;                                              // the low 64 bits
  void set_u64(uint64_t v);                                          // zero-extended, cut to size
  bool is_zero() const;
  bool bit(unsigned n) const { return n / 8 < size_ && (data()[size_ - 1 - n / 8] >> n % 8 & 1); }
  void set_bit(unsigned n, bool on);
  /// `n` ones from bit `ofs` on.
  void set_bits(unsigned ofs, unsigned n);
  friend bool operator==(const FieldValue& a, const FieldValue& b);

 private:
  std::array<uint8_t, 16> small_{};
  std::unique_ptr<uint8_t[]> big_;
  uint8_t size_ = 0;
};

/// value & mask in place; REQUIRES: equal sizes.
void mask_value(FieldValue& value, const FieldValue& mask);
/// Copies n bits from src (from bit src_ofs) to dst (from bit dst_ofs); integers are big-endian, bit 0 the least.  REQUIRES: in range.
void copy_bits(ByteView src, unsigned src_ofs, std::span<uint8_t> dst, unsigned dst_ofs, unsigned n);

// --- Tunnel metadata ---

/// The bridge's mapping of Geneve options to tun_metadataN.  The same table decides where an option's bytes are in Flow.
/// A growing table (for tools that have no bridge's mapping) gives a place to any field on first use.
class TlvTable {
 public:
  static constexpr unsigned kFields = 64;
  struct Entry { uint16_t option_class = 0; uint8_t option_type = 0; uint8_t length = 0; uint16_t offset = 0; bool is_mapped = false; };

  explicit TlvTable(bool grows = false) : grows_(grows) {}
  /// Maps an option: NXTTMFC_BAD_OPT_LEN, _BAD_FIELD_IDX, _TABLE_FULL, _ALREADY_MAPPED, _DUP_ENTRY.
  Status add(uint16_t option_class, uint8_t option_type, unsigned length, unsigned index);
  void remove(unsigned index);
  void clear();
  const Entry* find(unsigned index) const { return index < kFields && entries_[index].is_mapped ? &entries_[index] : nullptr; }
  const Entry* find(FieldId f) const { return find(static_cast<unsigned>(f - FieldId::kTunMetadata0)); }
  bool empty() const { return !count_; }
  /// The index of an option, or -1.
  int index_of(uint16_t option_class, uint8_t option_type) const;
  /// find(); a growing table allocates `length` bytes, and some to spare, if the field has none.
  const Entry* find_or_grow(unsigned index, unsigned length) const;
  /// A table of programs that don't know the switch's mappings: any option may have any length.
  bool grows() const { return grows_; }
  unsigned bytes_used() const { return used_; }

 private:
  std::optional<uint16_t> allocate(unsigned length) const;
  bool grows_;
  mutable std::array<Entry, kFields> entries_{};  // mutable: growing is caching of places, not a change of meaning
  mutable unsigned used_ = 0, count_ = 0;
};

/// The place of any field; bytes is 0 for a tun_metadata that is not mapped (or to an option without data) and for text-only fields.
Place place_of(FieldId f, const TlvTable* tlv);
/// Wire bytes of the field (an option's configured length for tun_metadata).
size_t wire_bytes_of(FieldId f, const TlvTable* tlv);

// --- Fields of a Flow ---

/// The field's value (OpenFlow's view: in_port as 16-bit in kInPort, vlan_vid with bit 12 for "tagged"...).
FieldValue get_field(FieldId f, const Flow& flow, const TlvTable* tlv = nullptr);
/// Stores a value (the inverse of get_field), leaving bits of other fields alone.
void set_field(FieldId f, const FieldValue& value, Flow& flow, const TlvTable* tlv = nullptr);
/// Bits of mask only.
void set_field_masked(FieldId f, const FieldValue& value, const FieldValue& mask, Flow& flow, const TlvTable* tlv = nullptr);
/// True if the value is one that the field can have (width, 0xfc of nw_tos, ports...).
bool is_value_valid(FieldId f, const FieldValue& value, const TlvTable* tlv = nullptr);

// --- Subfields ---

struct Subfield {
  FieldId field = FieldId::kNone;
  uint16_t ofs = 0;
  uint16_t n_bits = 0;
  bool is_whole() const { return field != FieldId::kNone && ofs == 0 && n_bits == ofp::field(field).bits; }
  friend bool operator==(const Subfield&, const Subfield&) = default;
};
inline Subfield whole(FieldId f) { return {f, 0, field(f).bits}; }
/// BAD_SET_TYPE, BAD_SET_LEN/BAD_ARGUMENT (range); for a destination also BAD_SET_ARGUMENT (read-only), MATCH_INCONSISTENT (prerequisite).
Status check_source(const Subfield& s, const Match* match, const TlvTable* tlv = nullptr);
Status check_destination(const Subfield& s, const Match* match, const TlvTable* tlv = nullptr);
/// Bits of the field, after a growing table has made room for the subfield.
unsigned make_room(const Subfield& s, const TlvTable* tlv);
FieldValue read_subfield(const Subfield& s, const Flow& flow, const TlvTable* tlv = nullptr);   // of ceil(n_bits/8) bytes
void write_subfield(const Subfield& s, const FieldValue& value, Flow& flow, const TlvTable* tlv = nullptr);
uint64_t read_subfield_u64(const Subfield& s, const Flow& flow, const TlvTable* tlv = nullptr);
void write_subfield_u64(const Subfield& s, uint64_t value, Flow& flow, const TlvTable* tlv = nullptr);
/// "NXM_NX_REG0[0..15]", "reg0[3]", "reg0[]", "reg0".
std::expected<Subfield, std::string> parse_subfield(std::string_view text);
/// Consumes a subfield from the front of `text`.
std::expected<Subfield, std::string> parse_subfield_prefix(std::string_view& text);
std::string format_subfield(const Subfield& s);

// --- Prerequisites ---

/// What the match makes sure of in every packet that it matches, as bits numbered by Prereq.
using Prereqs = uint32_t;
Prereqs prereqs_of(const Match& match);
constexpr bool has_prereq(Prereq p, Prereqs of_match) { return of_match >> static_cast<unsigned>(p) & 1; }
/// True if the match makes sure that the field exists in every packet that it matches.
inline bool has_prereq(Prereq p, const Match& match) { return has_prereq(p, prereqs_of(match)); }
inline bool has_prereq(FieldId f, const Match& match) { return has_prereq(field(f).prereq, match); }
/// Asks about something that only Ethernet packets have, so that it goes without saying that they are.
bool implies_ethernet(const Match& match);
/// Adds the prerequisite of f to the match ("tcp_dst" -> eth_type, nw_proto) as far as one is definite; used by learn and tools.
void add_prereq(FieldId f, Match& match);

// --- Wire ids and TLVs ---

struct WireHeader {
  uint32_t header = 0;         // class << 16 | field << 9 | hasmask << 8 | length
  uint32_t experimenter = 0;   // class 0xffff only
  constexpr unsigned oxm_class() const { return header >> 16; }
  constexpr bool has_mask() const { return header >> 8 & 1; }
  constexpr unsigned length() const { return header & 0xff; }       // payload: value, mask, and the experimenter's 4 bytes
  constexpr bool is_experimenter() const { return oxm_class() == 0xffff; }
  constexpr unsigned header_size() const { return is_experimenter() ? 8 : 4; }
  friend bool operator==(const WireHeader&, const WireHeader&) = default;
};

struct WireId {
  FieldId field;
  WireHeader header;           // without mask, length of the value (of tun_metadata: 124)
  std::string_view name;       // "NXM_NX_REG0"
  Version since;               // first version whose OXM form is this one
};
std::span<const WireId> all_wire_ids();

/// The field of a header (mask bit and, for tun_metadata, length are not looked at); nothing if unknown.
const WireId* find_wire_id(WireHeader h);
/// The header that `version` prefers: NXM in 1.0 and 1.1, the standard OXM if that version has it, else the extension.
/// Nothing for text-only fields.
const WireId* wire_id_of(FieldId f, Version version);
const WireId* wire_id_by_name(std::string_view name);
/// Name for subfields in text: the NXM name if there is one ("NXM_OF_ETH_DST"), else the OXM name.
std::string_view wire_name(FieldId f);

/// Reads a header of 4 or 8 bytes without payload (the [hdr] of actions): OFPBAC_BAD_SET_TYPE... are the caller's; kNone if unknown.
std::optional<WireHeader> read_wire_header(ByteReader& r);
void write_wire_header(ByteWriter& w, const WireHeader& h);
/// Header with the mask bit and the doubled length.
constexpr WireHeader with_mask(WireHeader h) {
  uint32_t fixed = h.is_experimenter() ? 4 : 0;
  h.header = (h.header & ~0xffu) | 0x100 | (fixed + 2 * (h.length() - fixed));
  return h;
}

struct Tlv {
  FieldId field;
  FieldValue value, mask;      // mask all ones if the TLV had none
  bool has_mask = false;
};
/// One OXM/NXM TLV: OFPBMC_BAD_LEN, _BAD_FIELD, _BAD_VALUE, _BAD_MASK, _BAD_WILDCARDS.  loose: an unknown field gives field kNone.
Result<Tlv> read_tlv(ByteReader& r, const TlvTable* tlv, bool loose = false);
/// What an action sets: part of any field, of those too that a match asks for as a whole or not at all.
Result<Tlv> read_set_tlv(ByteReader& r, const TlvTable* tlv);
/// Writes the TLV without padding; without mask if it is all ones.
void write_tlv(ByteWriter& w, FieldId f, const FieldValue& value, const FieldValue* mask, Version version, const TlvTable* tlv);

// --- Text of one value ---

struct NameMap;
/// "value" or "value/mask" as the field's display kind says.  mask null: exact.
void format_value(FieldId f, const FieldValue& value, const FieldValue* mask, std::string& out, const NameMap* ports = nullptr);
/// Parses "value[/mask]"; the error text names the token and the field ("70000: value too large for 2-byte field tcp_dst").
std::expected<Tlv, std::string> parse_value(FieldId f, std::string_view text, const NameMap* ports = nullptr,
                                            const TlvTable* tlv = nullptr, bool compat = false);

}  // namespace sluice::ofp
