// SPDX-License-Identifier: Apache-2.0
// NXM and OXM matches (OF1.3.5 7.2.3).  Decoding checks, per TLV, value, mask, prerequisite and repetition; a field's prerequisite
// must come before it.
#include <algorithm>

#include "ofproto/openflow/match.h"

namespace sluice::ofp {
namespace {

constexpr uint32_t kCookieHeader = 0x00013c08;  // NXM_NX_COOKIE, maskable

Result<bool> read_cookie(ByteReader& r, CookieMatch* cookie) {
  if (r.remaining() < 4) return false;
  uint32_t header = load_be<uint32_t>(r.position());
  bool masked = header == (kCookieHeader | 0x100 | 0x10);
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
};
constexpr FieldId kAfterTunnel[] = {
    FieldId::kPktMark, FieldId::kCtState, FieldId::kCtZone, FieldId::kCtMark, FieldId::kCtLabel, FieldId::kCtNwProto, FieldId::kCtNwSrc,
    FieldId::kCtNwDst, FieldId::kCtIpv6Src, FieldId::kCtIpv6Dst, FieldId::kCtTpSrc, FieldId::kCtTpDst, FieldId::kMetadata,
};

struct Encoder {
  const Match& m;
  ByteWriter& w;
  Version version;
  const TlvTable* tlv;
  bool oxm() const { return version >= Version::k12; }

  void put(FieldId f) {
    FieldValue mask = m.get_mask(f, tlv);
    if (mask.is_zero()) return;
    write_tlv(w, f, m.get(f, tlv), &mask, version, tlv);
  }

  void vlan() {
    uint16_t value = m.value.vlan_tci.host(), mask = m.mask.vlan_tci.host();
    if (mask == 0) return;
    if (!oxm()) return put(FieldId::kVlanTci);
    uint16_t vid_mask = mask & 0x1fff;
    if (vid_mask == kVlanPresent && (mask & 0xe000)) vid_mask = kVlanPresent;
    if (vid_mask) {
      FieldValue v(2, value & vid_mask), k(2, vid_mask);
      write_tlv(w, FieldId::kVlanVid, v, &k, version, tlv);
    }
    if ((mask & 0xe000) && (value & kVlanPresent)) write_tlv(w, FieldId::kVlanPcp, FieldValue(1, value >> 13), nullptr, version, tlv);
  }

  /// True if the field is the one that names these bits of Flow in a packet of this kind.
  bool applies(FieldId f) const { return has_prereq(f, m); }

  void fields() {
    for (FieldId f : kOrder) {
      switch (f) {
        case FieldId::kVlanTci: vlan(); break;
        case FieldId::kInPort:
          if (m.mask.in_port) put(oxm() ? FieldId::kInPortOxm : FieldId::kInPort);
          break;
        case FieldId::kPacketType:
          // 0 is implied by any Ethernet field.
          if (m.mask.packet_type && (m.value.packet_type || !implies_ethernet())) put(f);
          break;
        case FieldId::kNwTos:
          if ((m.mask.nw_tos & 0xfc) && applies(f)) put(oxm() ? FieldId::kIpDscp : FieldId::kNwTos);
          break;
        default:
          if (applies(f)) put(f);
      }
    }
  }
  bool implies_ethernet() const {
    return m.mask.eth_type || m.mask.vlan_tci || !m.mask.eth_src.is_zero() || !m.mask.eth_dst.is_zero();
  }

  void tun_metadata() {
    for (int i = 0; i < 64; i++) {
      FieldId f = FieldId::kTunMetadata0 + i;
      if (!(m.mask.tun_present & be64(uint64_t{1} << i))) continue;
      if (place_of(f, tlv).bytes == 0) continue;
      FieldValue mask = m.get_mask(f, tlv);
      write_tlv(w, f, m.get(f, tlv), &mask, version, tlv);
    }
  }

  /// 1.5 has the standard packet registers; a register is half of one.
  void registers() {
    bool pairs = version >= Version::k15;
    FieldId first = pairs ? FieldId::kXreg0 : FieldId::kReg0;
    for (int i = 0; i < static_cast<int>(pairs ? kRegs / 2 : kRegs); i++) put(first + i);
  }
};

}  // namespace

Result<Match> decode_nxm(ByteView bytes, const TlvTable* tlv, CookieMatch* cookie, bool strict) {
  Match m;
  ByteReader r(bytes);
  while (r.remaining()) {
    auto was_cookie = read_cookie(r, cookie);
    if (!was_cookie) return fail(was_cookie.error());
    if (*was_cookie) continue;
    auto t = read_tlv(r, tlv, !strict);
    if (!t) return fail(t.error());
    if (t->field == FieldId::kNone) continue;
    if (!m.is_wild(t->field, tlv)) return fail(Error::OFPBMC_DUP_FIELD);
    if (!has_prereq(t->field, m)) {
      if (strict) return fail(Error::OFPBMC_BAD_PREREQ);
      continue;
    }
    m.set(t->field, t->value, t->mask, tlv);
  }
  return m;
}

Result<Match> decode_oxm_match(ByteReader& r, const TlvTable* tlv, bool strict) {
  uint16_t type = r.u16(), length = r.u16();
  if (!r.ok() || length < 4) return fail(Error::OFPBMC_BAD_LEN);
  if (type != 1) return fail(Error::OFPBMC_BAD_TYPE);
  size_t padded = (length + 7u) / 8 * 8;
  if (padded - 4 > r.remaining()) return fail(Error::OFPBMC_BAD_LEN);
  ByteView body = r.bytes(padded - 4);
  return decode_nxm(body.first(length - 4u), tlv, nullptr, strict);
}

Result<Match> decode_match(ByteReader& r, Version version, const TlvTable* tlv, bool strict) {
  if (version == Version::k10) return decode_of10_match(r);
  if (r.remaining() < 4) return fail(Error::OFPBMC_BAD_LEN);
  switch (load_be<uint16_t>(r.position())) {
    case 0: return version == Version::k11 ? decode_of11_match(r) : fail(Error::OFPBMC_BAD_TYPE);
    case 1: return version == Version::k11 ? fail(Error::OFPBMC_BAD_TYPE) : decode_oxm_match(r, tlv, strict);
    default: return fail(Error::OFPBMC_BAD_TYPE);
  }
}

size_t encode_nxm(const Match& m, ByteWriter& w, Version version, const TlvTable* tlv, const CookieMatch* cookie) {
  size_t start = w.size();
  Encoder e{m, w, version, tlv};
  e.fields();
  e.tun_metadata();
  e.registers();
  for (FieldId f : kAfterTunnel)
    if (e.applies(f)) e.put(f);
  if (cookie && cookie->mask) {
    bool masked = cookie->mask != UINT64_MAX;
    w.u32(masked ? kCookieHeader | 0x110 : kCookieHeader);
    w.u64(cookie->value & cookie->mask);
    if (masked) w.u64(cookie->mask);
  }
  return w.size() - start;
}

void encode_match(const Match& m, ByteWriter& w, Version version, const TlvTable* tlv) {
  if (version == Version::k10) return encode_of10_match(m, w);
  if (version == Version::k11) return encode_of11_match(m, w);
  size_t start = w.size();
  w.u16(1);
  w.u16(0);
  encode_nxm(m, w, version, tlv);
  w.patch_u16(start + 2, static_cast<uint16_t>(w.size() - start));
  w.pad(start, 8);
}

}  // namespace sluice::ofp
