// SPDX-License-Identifier: Apache-2.0
// NXM and OXM matches (OF1.3.5 7.2.3).  Decoding checks, per TLV, value, mask, prerequisite and repetition; a field's prerequisite
// must come before it.
//
// Fast path: most fields are "plain" (field.h): their bytes on the wire are their bytes in Flow.  Encoding looks only at fields in
// words of the mask that are not zero, by a table from words to positions in the order of writing.
#include <algorithm>

#include "ofproto/openflow/match.h"
#include "ofproto/openflow/field_places.h"
#include "ofproto/openflow/port.h"

namespace sluice::ofp {
namespace {

constexpr uint32_t kCookieHeader = 0x00013c08;  // NXM_NX_COOKIE
constexpr uint32_t kMaskedCookieHeader = 0x00013d10;

Result<bool> read_cookie(ByteReader& r, CookieMatch* cookie) {
  uint32_t header = load_be<uint32_t>(r.position());
  bool masked = header == kMaskedCookieHeader;
  // Field 30 is MPLS_TTL as well, of one byte.
  if (header != kCookieHeader && !masked) return false;
  if (!cookie) return fail(Error::OFPBMC_BAD_FIELD);
  if (cookie->mask) return fail(Error::OFPBMC_DUP_FIELD);
  r.skip(4);
  cookie->value = r.u64();
  cookie->mask = masked ? r.u64() : UINT64_MAX;
  if (!r.ok()) return fail(Error::OFPBMC_BAD_LEN);
  if (cookie->value & ~cookie->mask) return fail(Error::OFPBMC_BAD_WILDCARDS);
  return true;
}

/// A field's bytes as two integers (the first is 0 up to 8 bytes): to compare and combine without loops over bytes.
struct Wide {
  uint64_t hi = 0, lo = 0;
  bool is_zero() const { return (hi | lo) == 0; }
  friend bool operator==(const Wide&, const Wide&) = default;
};
Wide load_wide(const uint8_t* p, size_t n) {
  switch (n) {
    case 1: return {0, *p};
    case 2: return {0, load_be<uint16_t>(p)};
    case 4: return {0, load_be<uint32_t>(p)};
    case 6: return {0, uint64_t{load_be<uint16_t>(p)} << 32 | load_be<uint32_t>(p + 2)};
    case 8: return {0, load_be<uint64_t>(p)};
    case 16: return {load_be<uint64_t>(p), load_be<uint64_t>(p + 8)};
    default: break;
  }
  Wide w;
  for (size_t i = 0; i < n; i++) w.lo = w.lo << 8 | p[i];
  return w;
}
Wide ones_wide(size_t n) {
  if (n == 16) return {UINT64_MAX, UINT64_MAX};
  return {0, n == 8 ? UINT64_MAX : (uint64_t{1} << 8 * n) - 1};
}
uint8_t* at(Flow& f, const Field& field) { return reinterpret_cast<uint8_t*>(&f) + field.place.offset; }
const uint8_t* at(const Flow& f, const Field& field) { return reinterpret_cast<const uint8_t*>(&f) + field.place.offset; }

/// Fields of Ethernet say themselves that the packet is of that type.
bool implies_ethernet(const Match& m) {
  return m.mask.eth_type || m.mask.vlan_tci || !m.mask.eth_src.is_zero() || !m.mask.eth_dst.is_zero();
}

/// The copying of a plain field's payload, with the checks of read_tlv.
Status take_plain(const Field& f, WireHeader h, ByteView payload, Match& m) {
  size_t n = f.wire_bytes;
  if (payload.size() != (h.has_mask() ? 2 * n : n)) return fail(Error::OFPBMC_BAD_LEN);
  if (f.id == FieldId::kInPortOxm && !is_port_valid(OfpPort{load_be<uint32_t>(payload.data())})) return fail(Error::OFPBMC_BAD_VALUE);
  uint8_t* mask = at(m.mask, f);
  if (!load_wide(mask, n).is_zero()) return fail(Error::OFPBMC_DUP_FIELD);
  if (!has_prereq(f.prereq, m)) return fail(Error::OFPBMC_BAD_PREREQ);
  if (h.has_mask()) {
    Wide v = load_wide(payload.data(), n), k = load_wide(payload.data() + n, n);
    if ((v.lo & ~k.lo) || (v.hi & ~k.hi)) return fail(Error::OFPBMC_BAD_WILDCARDS);
    if (f.maskable == Maskable::kNo && !k.is_zero() && k != ones_wide(n)) return fail(Error::OFPBMC_BAD_MASK);
    std::memcpy(mask, payload.data() + n, n);
  } else {
    std::memset(mask, 0xff, n);
  }
  std::memcpy(at(m.value, f), payload.data(), n);
  return {};
}

Status take_other(ByteReader& r, Match& m, const TlvTable* tlv, bool strict) {
  auto t = read_tlv(r, tlv, !strict);
  if (!t) return fail(t.error());
  if (t->field == FieldId::kNone) return {};
  if (!m.is_wild(t->field, tlv)) return fail(Error::OFPBMC_DUP_FIELD);
  if (!has_prereq(t->field, m)) return fail(Error::OFPBMC_BAD_PREREQ);
  m.set(t->field, t->value, t->mask, tlv);
  return {};
}

/// A prerequisite that held when its field came may be undone by a later field that says what the packet is not: of Ethernet, a first
/// fragment, neighbor discovery.
bool contradicts_itself(const Match& m) {
  bool undone = m.value.packet_type || (m.value.nw_frag & kFragLater) || (m.value.tp_dst && !(m.mask.nd_target == Ipv6Addr{} && m.mask.arp_sha.is_zero() && m.mask.arp_tha.is_zero()));
  if (!undone) return false;
  Match rest = m;
  return normalize(rest);
}

Status take_tlv(ByteReader& r, Match& m, const TlvTable* tlv, bool strict) {
  WireHeader h{load_be<uint32_t>(r.position()), 0};
  const WireId* id = h.is_experimenter() ? nullptr : find_wire_id(h);
  if (!id || !field(id->field).plain || h.length() > r.remaining() - 4 || h.length() == 0) return take_other(r, m, tlv, strict);
  r.skip(4);
  return take_plain(field(id->field), h, r.bytes(h.length()), m);
}

/// The order in which fields are written; a prerequisite comes before what needs it.
constexpr FieldId kOrder[] = {
    FieldId::kPacketType, FieldId::kDpHash, FieldId::kRecircId, FieldId::kConjId, FieldId::kInPort, FieldId::kInPhyPort,
    FieldId::kActsetOutput, FieldId::kEthSrc, FieldId::kEthDst, FieldId::kEthType, FieldId::kVlanTci, FieldId::kMplsLabel, FieldId::kMplsTc,
    FieldId::kMplsBos, FieldId::kMplsTtl, FieldId::kPbbIsid, FieldId::kPbbUca, FieldId::kIpSrc, FieldId::kIpDst, FieldId::kIpv6Src,
    FieldId::kIpv6Dst, FieldId::kIpv6Label, FieldId::kIpv6ExtHdr, FieldId::kIpFrag, FieldId::kNwTos, FieldId::kNwEcn, FieldId::kNwTtl,
    FieldId::kNwProto, FieldId::kArpOp, FieldId::kArpSpa, FieldId::kArpTpa, FieldId::kArpSha, FieldId::kArpTha, FieldId::kTcpSrc,
    FieldId::kTcpDst, FieldId::kTcpFlags, FieldId::kUdpSrc, FieldId::kUdpDst, FieldId::kSctpSrc, FieldId::kSctpDst, FieldId::kIcmpType,
    FieldId::kIcmpCode, FieldId::kIcmpv6Type, FieldId::kIcmpv6Code, FieldId::kNdTarget, FieldId::kNdSll, FieldId::kNdTll,
    FieldId::kNdReserved, FieldId::kNdOptionsType, FieldId::kNshFlags, FieldId::kNshTtl, FieldId::kNshMdtype, FieldId::kNshNp,
    FieldId::kNshSpi, FieldId::kNshSi, FieldId::kNshC1, FieldId::kNshC1 + 1, FieldId::kNshC1 + 2, FieldId::kNshC1 + 3, FieldId::kTunId,
    FieldId::kTunSrc, FieldId::kTunDst, FieldId::kTunIpv6Src, FieldId::kTunIpv6Dst, FieldId::kTunGbpId, FieldId::kTunGbpFlags,
    FieldId::kTunErspanVer, FieldId::kTunErspanIdx, FieldId::kTunErspanDir, FieldId::kTunErspanHwid, FieldId::kTunGtpuFlags,
    FieldId::kTunGtpuMsgtype, FieldId::kTunFlags,
    // Here come tunnel options and registers, one entry each for all of them.
    FieldId::kTunMetadata0, FieldId::kReg0,
    FieldId::kPktMark, FieldId::kCtState, FieldId::kCtZone, FieldId::kCtMark, FieldId::kCtLabel, FieldId::kCtNwProto, FieldId::kCtNwSrc,
    FieldId::kCtNwDst, FieldId::kCtIpv6Src, FieldId::kCtIpv6Dst, FieldId::kCtTpSrc, FieldId::kCtTpDst, FieldId::kMetadata,
};
static_assert(std::size(kOrder) <= 128);

/// Positions in kOrder as bits.
struct Positions {
  uint64_t bits[2] = {};
};
constexpr auto make_positions_of_words() {
  std::array<Positions, kFlowWords> t{};
  for (size_t i = 0; i < std::size(kOrder); i++) {
    size_t first, last;
    if (kOrder[i] == FieldId::kTunMetadata0) {
      first = last = offsetof(Flow, tun_present) / 8;
    } else if (kOrder[i] == FieldId::kReg0) {
      first = offsetof(Flow, reg) / 8;
      last = (offsetof(Flow, reg) + sizeof(Flow::reg) - 1) / 8;
    } else {
      Place p = kFieldPlaces[static_cast<size_t>(kOrder[i])];
      first = p.offset / 8;
      last = (p.offset + p.bytes - 1u) / 8;
    }
    for (size_t w = first; w <= last; w++) t[w].bits[i / 64] |= uint64_t{1} << i % 64;
  }
  return t;
}
constexpr auto kPositionsOfWords = make_positions_of_words();

/// Positions of the fields that have a prerequisite beyond Ethernet, by it: those of one that is not there need not be looked at.
constexpr size_t kPrereqs = static_cast<size_t>(Prereq::kInPort) + 1;
std::array<Positions, kPrereqs> make_positions_of_prereqs() {
  std::array<Positions, kPrereqs> t{};
  for (size_t i = 0; i < std::size(kOrder); i++) {
    Prereq p = field(kOrder[i]).prereq;
    if (p > Prereq::kVlan) t[static_cast<size_t>(p)].bits[i / 64] |= uint64_t{1} << i % 64;
  }
  return t;
}
const std::array<Positions, kPrereqs>& positions_of_prereqs() {
  static const auto table = make_positions_of_prereqs();
  return table;
}

struct Encoder {
  const Match& m;
  ByteWriter& w;
  Version version;
  const TlvTable* tlv;
  bool oxm;  // with the fields of OXM where NXM has others: in_port of 32 bits, vlan_vid and vlan_pcp, ip_dscp
  // Plain fields are collected here: growing the vector for each costs more than all else of it.
  static constexpr size_t kLongestPlain = 8 + 2 * 16;
  std::array<uint8_t, 512> buffer;
  size_t used = 0;

  Encoder(const Match& match, ByteWriter& writer, Version v, const TlvTable* table, bool as_oxm) : m(match), w(writer), version(v), tlv(table), oxm(as_oxm) {}

  void run(const WordMap& words) {
    Positions p;
    words.for_each([&](unsigned i) {
      p.bits[0] |= kPositionsOfWords[i].bits[0];
      p.bits[1] |= kPositionsOfWords[i].bits[1];
    });
    const auto& of_prereqs = positions_of_prereqs();
    for (size_t i = static_cast<size_t>(Prereq::kMpls); i < kPrereqs; i++) {
      const Positions& q = of_prereqs[i];
      if (!((p.bits[0] & q.bits[0]) | (p.bits[1] & q.bits[1])) || has_prereq(static_cast<Prereq>(i), m)) continue;
      p.bits[0] &= ~q.bits[0];
      p.bits[1] &= ~q.bits[1];
    }
    for (unsigned k = 0; k < 2; k++)
      for (uint64_t b = p.bits[k]; b; b &= b - 1) put_position(kOrder[k * 64 + static_cast<unsigned>(__builtin_ctzll(b))]);
    flush();
  }

 private:
  void flush() {
    w.bytes(ByteView(buffer.data(), used));
    used = 0;
  }
  void write(FieldId f, const FieldValue& value, const FieldValue* mask) {
    flush();
    write_tlv(w, f, value, mask, version, tlv);
  }

  void put_position(FieldId f) {
    switch (f) {
      case FieldId::kVlanTci: return vlan();
      case FieldId::kInPort:
        if (m.mask.in_port) put(oxm ? FieldId::kInPortOxm : FieldId::kInPort);
        return;
      case FieldId::kPacketType:
        // 0 is implied by any Ethernet field.
        if (m.mask.packet_type && (m.value.packet_type || !implies_ethernet(m))) put(f);
        return;
      case FieldId::kNwTos:
        if ((m.mask.nw_tos & 0xfc) && has_prereq(f, m)) put(oxm ? FieldId::kIpDscp : FieldId::kNwTos);
        return;
      case FieldId::kTunMetadata0: return tun_metadata();
      case FieldId::kReg0: return registers();
      default: return put(f);
    }
  }

  void put(FieldId id) {
    const Field& f = field(id);
    if (f.plain) return put_plain(f);
    FieldValue mask = m.get_mask(id, tlv);
    if (mask.is_zero() || !has_prereq(f.prereq, m)) return;
    write(id, m.get(id, tlv), &mask);
  }

  void put_plain(const Field& f) {
    size_t n = f.wire_bytes;
    Wide mask = load_wide(at(m.mask, f), n);
    if (mask.is_zero() || (f.prereq == Prereq::kVlan && !has_prereq(f.prereq, m))) return;  // run() left out what else lacks its prerequisite
    const WireId* id = wire_id_of(f.id, version);
    bool exact = mask == ones_wide(n);
    size_t head = id->header.header_size();
    if (used + kLongestPlain > buffer.size()) flush();
    uint8_t* out = buffer.data() + used;
    used += head + (exact ? n : 2 * n);
    WireHeader h = exact ? id->header : with_mask(id->header);
    store_be(out, h.header);
    if (head == 8) store_be(out + 4, h.experimenter);
    std::memcpy(out + head, at(m.value, f), n);
    if (!exact) std::memcpy(out + head + n, at(m.mask, f), n);
  }

  void vlan() {
    uint16_t value = m.value.vlan_tci.host(), mask = m.mask.vlan_tci.host();
    if (mask == 0) return;
    if (!oxm) return put(FieldId::kVlanTci);
    uint16_t vid_mask = mask & 0x1fff;
    if (vid_mask) {
      FieldValue v(2, value & vid_mask), k(2, vid_mask);
      write(FieldId::kVlanVid, v, &k);
    }
    if ((mask & 0xe000) && (value & kVlanPresent)) write(FieldId::kVlanPcp, FieldValue(1, value >> 13), nullptr);
  }

  void tun_metadata() {
    for (int i = 0; i < 64; i++) {
      FieldId f = FieldId::kTunMetadata0 + i;
      if (!(m.mask.tun_present & be64(uint64_t{1} << i))) continue;
      if (place_of(f, tlv).bytes == 0) continue;
      FieldValue mask = m.get_mask(f, tlv);
      write(f, m.get(f, tlv), &mask);
    }
  }

  /// 1.5 has the standard packet registers; a register is half of one.
  void registers() {
    bool pairs = version >= Version::k15;
    FieldId first = pairs ? FieldId::kXreg0 : FieldId::kReg0;
    for (int i = 0; i < static_cast<int>(pairs ? kRegs / 2 : kRegs); i++) put(first + i);
  }
};

void write_cookie(const CookieMatch& c, ByteWriter& w) {
  bool masked = c.mask != UINT64_MAX;
  w.u32(masked ? kMaskedCookieHeader : kCookieHeader);
  w.u64(c.value & c.mask);
  if (masked) w.u64(c.mask);
}

}  // namespace

Status read_nxm(ByteView bytes, Match& m, const TlvTable* tlv, CookieMatch* cookie, bool strict) {
  ByteReader r(bytes);
  while (r.remaining()) {
    if (r.remaining() < 4) return fail(Error::OFPBMC_BAD_LEN);
    if (r.position()[1] == 1 && r.position()[2] >> 1 == 30) {  // as the cookie may be
      auto was_cookie = read_cookie(r, cookie);
      if (!was_cookie) return fail(was_cookie.error());
      if (*was_cookie) continue;
    }
    if (auto ok = take_tlv(r, m, tlv, strict); !ok) {
      if (!strict && ok.error() == Error::OFPBMC_BAD_PREREQ) continue;
      return fail(ok.error());
    }
  }
  if (m.mask.packet_type && !m.value.packet_type && implies_ethernet(m)) m.mask.packet_type = {};  // said twice: one form for one meaning
  return contradicts_itself(m) ? fail(Error::OFPBMC_BAD_PREREQ) : Status();
}

Status read_oxm_match(ByteReader& r, Match& m, const TlvTable* tlv, bool strict) {
  uint16_t type = r.u16(), length = r.u16();
  if (!r.ok() || length < 4) return fail(Error::OFPBMC_BAD_LEN);
  if (type != 1) return fail(Error::OFPBMC_BAD_TYPE);
  size_t padded = (length + 7u) / 8 * 8;
  if (padded - 4 > r.remaining()) return fail(Error::OFPBMC_BAD_LEN);
  ByteView body = r.bytes(padded - 4);
  return read_nxm(body.first(length - 4u), m, tlv, nullptr, strict);
}

Status read_match(ByteReader& r, Version version, Match& m, const TlvTable* tlv, bool strict) {
  auto fixed = [&m](Result<Match> match) {
    if (!match) return Status(fail(match.error()));
    m = *match;
    return Status();
  };
  if (version == Version::k10) return fixed(decode_of10_match(r));
  if (r.remaining() < 4) return fail(Error::OFPBMC_BAD_LEN);
  switch (load_be<uint16_t>(r.position())) {
    case 0: return version == Version::k11 ? fixed(decode_of11_match(r)) : fail(Error::OFPBMC_BAD_TYPE);
    case 1: return read_oxm_match(r, m, tlv, strict);  // 1.1 as well: Open vSwitch's flow statistics have it there
    default: return fail(Error::OFPBMC_BAD_TYPE);
  }
}

Result<Match> decode_nxm(ByteView bytes, const TlvTable* tlv, CookieMatch* cookie, bool strict) {
  Result<Match> m;
  if (Status s = read_nxm(bytes, *m, tlv, cookie, strict); !s) m = fail(s.error());
  return m;
}

Result<Match> decode_oxm_match(ByteReader& r, const TlvTable* tlv, bool strict) {
  Result<Match> m;
  if (Status s = read_oxm_match(r, *m, tlv, strict); !s) m = fail(s.error());
  return m;
}

Result<Match> decode_match(ByteReader& r, Version version, const TlvTable* tlv, bool strict) {
  Result<Match> m;
  if (Status s = read_match(r, version, *m, tlv, strict); !s) m = fail(s.error());
  return m;
}

WordMap words_of(const Flow& mask) {
  constexpr size_t kBlock = 8;  // most blocks of a mask are zero as a whole
  WordMap map;
  auto words = mask.words();
  for (size_t i = 0; i < kFlowWords;) {
    size_t end = std::min(i + kBlock, kFlowWords);
    uint64_t any = 0;
    for (size_t k = i; k < end; k++) any |= words[k];
    if (any)
      for (size_t k = i; k < end; k++) map.bits[k / 64] |= uint64_t{words[k] != 0} << k % 64;
    i = end;
  }
  return map;
}

size_t encode_nxm(const Match& m, ByteWriter& w, Version version, const TlvTable* tlv, const CookieMatch* cookie) {
  size_t start = w.size();
  Encoder(m, w, version, tlv, version >= Version::k12).run(words_of(m.mask));
  if (cookie && cookie->mask) write_cookie(*cookie, w);
  return w.size() - start;
}

void encode_match(const Match& m, ByteWriter& w, Version version, const TlvTable* tlv) {
  if (version == Version::k10) return encode_of10_match(m, w);
  if (version == Version::k11) return encode_of11_match(m, w);
  encode_oxm_match(m, w, version, tlv);
}

void encode_oxm_match(const Match& m, ByteWriter& w, Version version, const TlvTable* tlv) {
  size_t start = w.size();
  w.u32(1 << 16);  // type 1, length to come
  Encoder(m, w, version, tlv, true).run(words_of(m.mask));
  w.patch_u16(start + 2, static_cast<uint16_t>(w.size() - start));
  w.pad(start, 8);
}

}  // namespace sluice::ofp
