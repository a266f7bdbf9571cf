// SPDX-License-Identifier: Apache-2.0
// NXM and OXM matches (OF1.3.5 7.2.3).  Decoding checks, per TLV, value, mask, prerequisite and repetition; a field's prerequisite
// must come before it.
//
// Fast path: most fields are "plain" (field.h): their bytes on the wire are their bytes in Flow, copied by a plan (wire_plan.h).  Encoding
// looks only at fields in words of the mask that are not zero, by a table from words to positions in the order of writing.
#include <algorithm>

#include "ofproto/openflow/match.h"
#include "ofproto/openflow/field_places.h"
#include "ofproto/openflow/match_shape.h"
#include "ofproto/openflow/port.h"
#include "ofproto/openflow/wire_plan.h"

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

uint8_t* at(Flow& f, const WirePlan& plan) { return reinterpret_cast<uint8_t*>(&f) + plan.offset; }
const uint8_t* at(const Flow& f, const WirePlan& plan) { return reinterpret_cast<const uint8_t*>(&f) + plan.offset; }

/// True if some byte is not zero.
template <typename T>
bool any(const T& t) {
  static_assert(sizeof t % 2 == 0);
  uint64_t bits = 0;
  for (size_t i = 0; i < sizeof t; i += 2) bits |= load_bytes(reinterpret_cast<const uint8_t*>(&t) + i, 2);
  return bits;
}

/// A prerequisite that held when its field came may be undone by a later field that says what the packet is not: of Ethernet, a first
/// fragment, neighbor discovery.
bool contradicts_itself(const Match& m) {
  bool undone = m.value.packet_type || (m.value.nw_frag & kFragLater) || (m.value.tp_dst && (any(m.mask.nd_target) || any(m.mask.arp_sha) || any(m.mask.arp_tha)));
  if (!undone) return false;
  Match rest = m;
  return normalize(rest);
}

/// Takes TLVs into a match.
class Taker {
 public:
  Taker(Match& m, const TlvTable* tlv, bool strict) : m_(m), tlv_(tlv), strict_(strict), prereqs_(prereqs_of(m)) {}

  /// `id` is plain_field(header), the header of the TLV at `p`, which is moved behind it.
  Status take_plain(FieldId id, uint32_t header, const uint8_t*& p, const uint8_t* end) {
    const WirePlan& plan = kWirePlans[static_cast<size_t>(id)];
    bool masked = header & 0x100;
    size_t n = plan.bytes, length = header & 0xff;
    const uint8_t* payload = p + 4;
    if (length != n << masked || length > static_cast<size_t>(end - payload)) return fail(Error::OFPBMC_BAD_LEN);
    p = payload + length;
    if (id == FieldId::kInPortOxm && !is_port_valid(OfpPort{load_be<uint32_t>(payload)})) return fail(Error::OFPBMC_BAD_VALUE);
    Status s = masked || n > 8 ? take_masked_or_wide(plan, payload, masked) : take_word(plan, load_bytes(payload, n), plan.ones);
    if (plan.decides) prereqs_ = prereqs_of(m_);
    return s;
  }

  Status take_other(ByteReader& r) {
    auto t = read_tlv(r, tlv_, !strict_);
    if (!t) return fail(t.error());
    if (t->field == FieldId::kNone) return {};
    if (!m_.is_wild(t->field, tlv_)) return fail(Error::OFPBMC_DUP_FIELD);
    if (!has_prereq(field(t->field).prereq, prereqs_)) return fail(Error::OFPBMC_BAD_PREREQ);
    m_.set(t->field, t->value, t->mask, tlv_);
    prereqs_ = prereqs_of(m_);
    return {};
  }

 private:
  /// The copying of a plain field's payload, with the checks of read_tlv.
  [[gnu::noinline]] Status take_masked_or_wide(const WirePlan& plan, const uint8_t* payload, bool masked) {
    size_t n = plan.bytes;
    if (n <= 8) return take_word(plan, load_bytes(payload, n), load_bytes(payload + n, n));
    uint64_t mask_0 = masked ? load_word(payload + 16) : UINT64_MAX, mask_1 = masked ? load_word(payload + 24) : UINT64_MAX;
    if (load_word(at(m_.mask, plan) + 8)) return fail(Error::OFPBMC_DUP_FIELD);
    if (Status s = take_word(plan, load_word(payload), mask_0); !s) return s;
    if (load_word(payload + 8) & ~mask_1) return fail(Error::OFPBMC_BAD_WILDCARDS);
    store_word(at(m_.mask, plan) + 8, mask_1);
    store_word(at(m_.value, plan) + 8, load_word(payload + 8));
    return {};
  }

  Status take_word(const WirePlan& plan, uint64_t value, uint64_t mask) {
    uint8_t *to_mask = at(m_.mask, plan), *to_value = at(m_.value, plan);
    uint64_t was = load_word(to_mask);
    if (was & plan.ones) return fail(Error::OFPBMC_DUP_FIELD);
    if (!has_prereq(plan.prereq, prereqs_)) return fail(Error::OFPBMC_BAD_PREREQ);
    if (value & ~mask) return fail(Error::OFPBMC_BAD_WILDCARDS);
    if (!plan.maskable && mask && mask != plan.ones) return fail(Error::OFPBMC_BAD_MASK);
    store_word(to_mask, was | mask);
    store_word(to_value, load_word(to_value) | value);
    return {};
  }

  Match& m_;
  const TlvTable* tlv_;
  const bool strict_;
  Prereqs prereqs_;            // of m_ as it is
};

/// The order in which fields are written, Open vSwitch's; a prerequisite comes before what needs it.
constexpr FieldId kOrder[] = {
    FieldId::kPacketType, FieldId::kDpHash, FieldId::kRecircId, FieldId::kConjId, FieldId::kInPort, FieldId::kInPhyPort,
    FieldId::kActsetOutput, FieldId::kEthSrc, FieldId::kEthDst, FieldId::kEthType, FieldId::kVlanTci, FieldId::kMplsTc, FieldId::kMplsBos,
    FieldId::kMplsTtl, FieldId::kMplsLabel, FieldId::kPbbIsid, FieldId::kPbbUca, FieldId::kIpSrc, FieldId::kIpDst, FieldId::kIpv6Src,
    FieldId::kIpv6Dst, FieldId::kIpFrag, FieldId::kNwTos, FieldId::kNwEcn, FieldId::kNwTtl, FieldId::kIpv6Label, FieldId::kIpv6ExtHdr,
    FieldId::kNwProto, FieldId::kArpOp, FieldId::kArpSpa, FieldId::kArpTpa, FieldId::kArpSha, FieldId::kArpTha, FieldId::kTcpSrc,
    FieldId::kTcpDst, FieldId::kTcpFlags, FieldId::kUdpSrc, FieldId::kUdpDst, FieldId::kSctpSrc, FieldId::kSctpDst, FieldId::kIcmpType,
    FieldId::kIcmpCode, FieldId::kIcmpv6Type, FieldId::kIcmpv6Code, FieldId::kNdTarget, FieldId::kNdSll, FieldId::kNdTll,
    FieldId::kNdReserved, FieldId::kNdOptionsType, FieldId::kTunId, FieldId::kTunFlags, FieldId::kTunSrc, FieldId::kTunDst,
    FieldId::kTunIpv6Src, FieldId::kTunIpv6Dst, FieldId::kTunGbpId, FieldId::kTunGbpFlags,
    // Here come tunnel options, and below registers, one entry each for all of them.
    FieldId::kTunMetadata0, FieldId::kTunErspanIdx, FieldId::kTunErspanVer, FieldId::kTunErspanDir, FieldId::kTunErspanHwid,
    FieldId::kTunGtpuFlags, FieldId::kTunGtpuMsgtype, FieldId::kNshFlags, FieldId::kNshTtl, FieldId::kNshMdtype, FieldId::kNshNp,
    FieldId::kNshSpi, FieldId::kNshSi, FieldId::kNshC1, FieldId::kNshC1 + 1, FieldId::kNshC1 + 2, FieldId::kNshC1 + 3,
    FieldId::kReg0, FieldId::kPktMark, FieldId::kCtState, FieldId::kCtZone, FieldId::kCtMark, FieldId::kCtLabel, FieldId::kCtNwSrc,
    FieldId::kCtNwDst, FieldId::kCtIpv6Src, FieldId::kCtIpv6Dst, FieldId::kCtNwProto, FieldId::kCtTpSrc, FieldId::kCtTpDst,
    FieldId::kMetadata,
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

/// What tells of each position that its field is wild, and, by prerequisite (frames of Ethernet are not asked for it), the positions of fields
/// that have it.
struct Order {
  static constexpr size_t kPrereqs = static_cast<size_t>(Prereq::kInPort) + 1;
  struct Bits {
    uint64_t ones = 0;      // 0: looked at in any case
    size_t offset = 0;
  };
  std::array<Bits, std::size(kOrder)> bits;
  std::array<Positions, kPrereqs> of_prereqs;

  Order() {
    for (size_t i = 0; i < std::size(kOrder); i++) {
      const WirePlan& plan = kWirePlans[static_cast<size_t>(kOrder[i])];
      bool many = plan.bytes > 8 || kOrder[i] == FieldId::kReg0;
      if (!many) bits[i] = {plan.ones, plan.offset};
      Prereq p = plan.prereq == Prereq::kEthernet ? Prereq::kNone : plan.prereq;
      of_prereqs[static_cast<size_t>(p)].bits[i / 64] |= uint64_t{1} << i % 64;
    }
  }
};

struct Encoder {
  const Match& m;
  ByteWriter& w;
  Version version;
  const TlvTable* tlv;
  bool oxm;  // with the fields of OXM where NXM has others: in_port of 32 bits, vlan_vid and vlan_pcp, ip_dscp
  const std::array<OxmHead, kFieldCount>& heads;
  const Prereqs prereqs;
  // Plain fields are collected here: growing the vector for each costs more than all else of it.
  static constexpr size_t kLongestPlain = 8 + 2 * 16 + 8;   // a word may be stored for its first bytes
  std::array<uint8_t, 512> buffer;
  size_t used = 0;

  Encoder(const Match& match, ByteWriter& writer, Version v, const TlvTable* table, bool as_oxm)
      : m(match), w(writer), version(v), tlv(table), oxm(as_oxm), heads(kOxmHeads[static_cast<size_t>(v)]), prereqs(prereqs_of(match)) {}

  void run(const WordMap& words) {
    Positions p;
    words.for_each([&](unsigned i) {
      p.bits[0] |= kPositionsOfWords[i].bits[0];
      p.bits[1] |= kPositionsOfWords[i].bits[1];
    });
    static const Order order;
    Positions may;
    for (Prereqs b = prereqs; b; b &= b - 1) {
      const Positions& q = order.of_prereqs[static_cast<unsigned>(__builtin_ctz(b))];
      may.bits[0] |= q.bits[0];
      may.bits[1] |= q.bits[1];
    }
    const uint8_t* mask = reinterpret_cast<const uint8_t*>(&m.mask);
    for (unsigned k = 0; k < 2; k++)
      for (uint64_t b = p.bits[k] & may.bits[k]; b; b &= b - 1) {
        unsigned i = k * 64 + static_cast<unsigned>(__builtin_ctzll(b));
        const Order::Bits& o = order.bits[i];
        if (!o.ones || load_word(mask + o.offset) & o.ones) put_position(kOrder[i]);
      }
  }
  /// What is collected goes to the writer, padded to 8 behind `start` of it.
  void finish_padded(size_t start) {
    size_t length = w.size() - start + used, padding = (8 - length % 8) % 8;
    if (used + 8 > buffer.size()) flush();
    store_word(buffer.data() + used, 0);
    used += padding;
    flush();
    w.patch_u16(start + 2, static_cast<uint16_t>(length));
  }
  void begin_oxm() {
    store_word(buffer.data(), 0);
    buffer[1] = 1;  // type; the length comes last
    used = 4;
  }

  void flush() {
    w.bytes(ByteView(buffer.data(), used));
    used = 0;
  }

 private:
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
        if ((m.mask.nw_tos & 0xfc) && has(Prereq::kIp)) put(oxm ? FieldId::kIpDscp : FieldId::kNwTos);
        return;
      case FieldId::kTunMetadata0: return tun_metadata();
      case FieldId::kReg0: return registers();
      default: return put(f);
    }
  }

  bool has(Prereq p) const { return has_prereq(p, prereqs); }

  void put(FieldId id) {
    const WirePlan& plan = kWirePlans[static_cast<size_t>(id)];
    if (plan.plain) return put_plain(plan, heads[static_cast<size_t>(id)]);
    if (plan.ones && !(load_word(at(m.mask, plan)) & plan.ones)) return;
    if (!has(plan.prereq)) return;
    FieldValue mask = m.get_mask(id, tlv);
    if (!mask.is_zero()) write(id, m.get(id, tlv), &mask);
  }

  void put_plain(const WirePlan& plan, const OxmHead& head) {
    if (used + kLongestPlain > buffer.size()) flush();
    const uint8_t *mask = at(m.mask, plan), *value = at(m.value, plan);
    if (plan.bytes > 8) return put_wide(head, value, mask);
    uint64_t k = load_word(mask) & plan.ones;
    if (!k) return;
    uint8_t* out = put_head(head, k == plan.ones);
    store_word(out, load_word(value));
    out += plan.bytes;
    if (k != plan.ones) {
      store_word(out, k);
      out += plan.bytes;
    }
    used = static_cast<size_t>(out - buffer.data());
  }
  void put_wide(const OxmHead& head, const uint8_t* value, const uint8_t* mask) {
    uint64_t k0 = load_word(mask), k1 = load_word(mask + 8);
    if (!(k0 | k1)) return;
    bool exact = (k0 & k1) == UINT64_MAX;
    uint8_t* out = put_head(head, exact);
    std::memcpy(out, value, 16);
    if (!exact) std::memcpy(out + 16, mask, 16);
    used = static_cast<size_t>(out - buffer.data()) + (exact ? 16 : 32);
  }
  uint8_t* put_head(const OxmHead& head, bool exact) {
    uint8_t* out = buffer.data() + used;
    std::memcpy(out, exact ? &head.exact : &head.masked, 4);
    std::memcpy(out + 4, &head.experimenter, 4);
    return out + head.size;
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
      const TlvTable::Entry* e = tlv ? tlv->find(f) : nullptr;
      if (!e) continue;
      FieldValue mask = e->length ? m.get_mask(f, tlv) : FieldValue(1);   // without data: that it is there
      write(f, e->length ? m.get(f, tlv) : FieldValue(1), &mask);
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
  Taker taker(m, tlv, strict);
  const uint8_t *p = bytes.data(), *end = p + bytes.size();
  while (p != end) {
    if (end - p < 4) return fail(Error::OFPBMC_BAD_LEN);
    uint32_t header = load_be<uint32_t>(p);
    Status s;
    if (FieldId id = plain_field(header); id != FieldId::kNone) {
      s = taker.take_plain(id, header, p, end);
    } else {
      ByteReader r(ByteView(p, end));
      auto was_cookie = read_cookie(r, cookie);
      if (!was_cookie) return fail(was_cookie.error());
      if (!*was_cookie) s = taker.take_other(r);
      p = r.position();
    }
    if (!s && (strict || s.error() != Error::OFPBMC_BAD_PREREQ)) return s;
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

namespace {

/// The OXM match at the front, with its padding; empty if there is none.
ByteView whole_oxm_match(const ByteReader& r) {
  if (r.remaining() < 4 || load_be<uint16_t>(r.position()) != 1) return {};
  size_t padded = (load_be<uint16_t>(r.position() + 2) + 7u) / 8 * 8;
  return padded <= r.remaining() ? ByteView(r.position(), padded) : ByteView();
}

[[gnu::noinline]] Status read_and_pack(ByteReader& r, Version version, MiniMatch& m, const TlvTable* tlv) {
  Match match;
  Status s = read_match(r, version, match, tlv);
  if (s) m = MiniMatch(match);
  return s;
}

}  // namespace

Status read_match(ByteReader& r, Version version, MiniMatch& m, const TlvTable* tlv, MatchShapes* shapes) {
  if (!shapes || version == Version::k10) return read_and_pack(r, version, m, tlv);
  ByteView whole = whole_oxm_match(r);
  if (shapes->read(whole, m)) {
    r.skip(whole.size());
    return {};
  }
  Status s = read_and_pack(r, version, m, tlv);
  if (s && !whole.empty()) shapes->learn(whole, 4, load_be<uint16_t>(whole.data() + 2), m);
  return s;
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

size_t encode_nxm(const MatchView& m, ByteWriter& w, Version version, const TlvTable* tlv, const CookieMatch* cookie) {
  size_t start = w.size();
  MatchShapes* shapes = m.writing() && !cookie ? &m.writing()->shapes : nullptr;
  if (shapes && shapes->write(*m.packed(), w)) return w.size() - start;
  Encoder encoder(m.match(), w, version, tlv, version >= Version::k12);
  encoder.run(m.words());
  encoder.flush();
  if (shapes) shapes->learn(ByteView(w.out()).subspan(start), 0, w.size() - start, *m.packed());
  if (cookie && cookie->mask) write_cookie(*cookie, w);
  return w.size() - start;
}

void encode_match(const MatchView& m, ByteWriter& w, Version version, const TlvTable* tlv) {
  if (version == Version::k10) return encode_of10_match(m.match(), w);
  if (version == Version::k11) return encode_of11_match(m.match(), w);
  encode_oxm_match(m, w, version, tlv);
}

void encode_oxm_match(const MatchView& m, ByteWriter& w, Version version, const TlvTable* tlv) {
  size_t start = w.size();
  MatchShapes* shapes = m.writing() ? &m.writing()->shapes : nullptr;
  if (shapes && shapes->write(*m.packed(), w)) return;
  Encoder encoder(m.match(), w, version, tlv, true);
  encoder.begin_oxm();
  encoder.run(m.words());
  encoder.finish_padded(start);
  if (shapes) shapes->learn(ByteView(w.out()).subspan(start), 4, load_be<uint16_t>(w.out().data() + start + 2), *m.packed());
}

}  // namespace sluice::ofp
