// SPDX-License-Identifier: Apache-2.0
// The fixed matches of 1.0 (40 bytes, OF1.0.1 5.2.3) and 1.1 (88 bytes, OF1.1 A.2.3), and what of a match they can express.
#include <algorithm>

#include "lib/log.h"
#include "ofproto/openflow/match.h"
#include "ofproto/openflow/of10_match.h"
#include "ofproto/openflow/port.h"

namespace sluice::ofp {
namespace {

Log log_match("ofp_match"), log_port("ofp_port");
LogLimit limit(3, 15);

// Wildcard bits of 1.1
enum : uint32_t {
  OFPFW11_IN_PORT = 1 << 0, OFPFW11_DL_VLAN = 1 << 1, OFPFW11_DL_VLAN_PCP = 1 << 2, OFPFW11_DL_TYPE = 1 << 3, OFPFW11_NW_TOS = 1 << 4,
  OFPFW11_NW_PROTO = 1 << 5, OFPFW11_TP_SRC = 1 << 6, OFPFW11_TP_DST = 1 << 7, OFPFW11_MPLS_LABEL = 1 << 8, OFPFW11_MPLS_TC = 1 << 9,
  OFPFW11_ALL = (1 << 10) - 1,
};
constexpr uint16_t OFP10_VLAN_NONE = 0xffff, OFPVID11_ANY = 0xfffe, OFPVID11_NONE = 0xffff;

MacAddr read_mac(ByteReader& r) {
  MacAddr mac;
  r.copy(mac.b.data(), 6);
  return mac;
}
MacAddr operator~(MacAddr m) { return MacAddr::from_u64(~m.to_u64() & 0xffffffffffff); }
MacAddr operator&(MacAddr a, MacAddr b) { return MacAddr::from_u64(a.to_u64() & b.to_u64()); }
constexpr MacAddr kExactMac{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
constexpr be32 kExact32(UINT32_MAX);
constexpr be16 kExact16(UINT16_MAX);

bool is_ip(const Match& m) { return m.mask.eth_type && m.value.eth_type == be16(0x0800); }
bool is_ip_or_ipv6(const Match& m) { return is_ip(m) || (m.mask.eth_type && m.value.eth_type == be16(0x86dd)); }
bool is_arp(const Match& m) { return m.mask.eth_type && m.value.is_arp(); }
bool has_ports(const Match& m) {
  if (!is_ip(m) || !m.mask.nw_proto) return false;
  uint8_t p = m.value.nw_proto;
  return p == 1 || p == 6 || p == 17 || p == 132;
}

void set_l3(Match& m, be32 src, be32 src_mask, be32 dst, be32 dst_mask) {
  m.value.nw_src = src & src_mask, m.mask.nw_src = src_mask;
  m.value.nw_dst = dst & dst_mask, m.mask.nw_dst = dst_mask;
}

Status set_l4(Match& m, bool src, uint16_t tp_src, bool dst, uint16_t tp_dst) {
  if (!has_ports(m)) return {};
  bool icmp = m.value.nw_proto == 1;
  if (icmp && ((src && tp_src > 0xff) || (dst && tp_dst > 0xff))) return fail(Error::OFPBMC_BAD_FIELD);
  be16 mask = icmp ? be16(0xff) : kExact16;
  if (src) m.value.tp_src = be16(tp_src), m.mask.tp_src = mask;
  if (dst) m.value.tp_dst = be16(tp_dst), m.mask.tp_dst = mask;
  return {};
}

be32 cidr_mask(uint32_t wild_bits) { return ipv4_prefix_mask(wild_bits >= 32 ? 0 : 32 - static_cast<int>(wild_bits)); }
uint32_t cidr_wild(be32 mask) {
  int n = prefix_length(mask);
  return n < 0 ? 32 : 32 - static_cast<uint32_t>(n);
}

}  // namespace

Result<Match> decode_whole_of10_match(ByteReader& r) {
  Match m;
  const Of10Match w(r);
  if (!r.ok()) return fail(Error::OFPBRC_BAD_LEN);

  if (w.has(OFPFW10_IN_PORT)) m.set_in_port(port_from_of10(w.in_port).value_or(OFPP_NONE));
  if (w.has(OFPFW10_DL_SRC)) m.value.eth_src = w.src, m.mask.eth_src = kExactMac;
  if (w.has(OFPFW10_DL_DST)) m.value.eth_dst = w.dst, m.mask.eth_dst = kExactMac;
  bool no_vlan = w.has(OFPFW10_DL_VLAN) && w.vlan == OFP10_VLAN_NONE;
  if (no_vlan) {
    m.mask.vlan_tci = kExact16;
  } else {
    if (w.has(OFPFW10_DL_VLAN)) m.value.vlan_tci |= be16((w.vlan & 0xfff) | kVlanPresent), m.mask.vlan_tci |= be16(0x1fff);
    if (w.has(OFPFW10_DL_VLAN_PCP))
      m.value.vlan_tci |= be16(static_cast<uint16_t>((w.pcp & 7) << 13 | kVlanPresent)), m.mask.vlan_tci |= be16(0xf000);
  }
  if (w.has(OFPFW10_DL_TYPE)) m.value.eth_type = be16(w.type), m.mask.eth_type = kExact16;
  if (w.has(OFPFW10_NW_PROTO)) m.value.nw_proto = w.proto, m.mask.nw_proto = 0xff;
  if (w.has(OFPFW10_NW_TOS)) m.value.nw_tos = w.tos & 0xfc, m.mask.nw_tos = 0xfc;
  set_l3(m, w.nw_src, cidr_mask(w.wild_bits(OFPFW10_NW_SRC_SHIFT)), w.nw_dst, cidr_mask(w.wild_bits(OFPFW10_NW_DST_SHIFT)));
  bool has_src = w.has(OFPFW10_TP_SRC), has_dst = w.has(OFPFW10_TP_DST);
  if (has_ports(m)) {
    if (auto ok = set_l4(m, has_src, w.tp_src, has_dst, w.tp_dst); !ok) return fail(ok.error());
  } else {
    if (has_src) m.value.tp_src = be16(w.tp_src), m.mask.tp_src = kExact16;
    if (has_dst) m.value.tp_dst = be16(w.tp_dst), m.mask.tp_dst = kExact16;
  }
  return m;
}

Result<Match> decode_of10_match(ByteReader& r) {
  auto whole = decode_whole_of10_match(r);
  if (!whole) return whole;
  Match m = *whole;
  bool ip = is_ip_or_ipv6(m), arp = is_arp(m);
  if (!ip && !arp) m.value.nw_proto = m.mask.nw_proto = 0;
  if (!ip) m.value.nw_tos = m.mask.nw_tos = 0;
  if (!is_ip(m) && !arp) set_l3(m, {}, {}, {}, {});
  if (!has_ports(m)) m.value.tp_src = m.value.tp_dst = m.mask.tp_src = m.mask.tp_dst = {};
  if (!(m.mask == whole->mask) && log_match.enabled(LogLevel::info)) {
    static LogLimit first(1, 5), second(1, 5), third(1, 5);  // all three lines, or none
    log_match.info(first, "normalization changed ofp_match, details:");
    log_match.info(second, " pre: {}", format_match(*whole));
    log_match.info(third, "post: {}", format_match(m));
  }
  return m;
}

void encode_of10_match(const Match& m, ByteWriter& w) {
  uint32_t wild = 0;
  auto absent = [&](bool wildcarded, uint32_t bit) { if (wildcarded) wild |= bit; };
  uint16_t tci = m.value.vlan_tci.host(), tci_mask = m.mask.vlan_tci.host();
  bool no_vlan = tci_mask & kVlanPresent && !(tci & kVlanPresent);
  absent(!m.mask.in_port, OFPFW10_IN_PORT);
  absent(m.mask.eth_src.is_zero(), OFPFW10_DL_SRC);
  absent(m.mask.eth_dst.is_zero(), OFPFW10_DL_DST);
  absent(!no_vlan && !(tci_mask & 0xfff), OFPFW10_DL_VLAN);
  absent(!(tci_mask & 0xe000), OFPFW10_DL_VLAN_PCP);
  absent(!m.mask.eth_type, OFPFW10_DL_TYPE);
  absent(!m.mask.nw_proto, OFPFW10_NW_PROTO);
  absent(!(m.mask.nw_tos & 0xfc), OFPFW10_NW_TOS);
  absent(!m.mask.tp_src, OFPFW10_TP_SRC);
  absent(!m.mask.tp_dst, OFPFW10_TP_DST);
  wild |= cidr_wild(m.mask.nw_src) << OFPFW10_NW_SRC_SHIFT | cidr_wild(m.mask.nw_dst) << OFPFW10_NW_DST_SHIFT;
  w.u32(wild);
  w.u16(m.mask.in_port ? port_to_of10(OfpPort{m.value.in_port.host()}) : 0);
  w.bytes(m.value.eth_src.b.data(), 6);
  w.bytes(m.value.eth_dst.b.data(), 6);
  w.u16(no_vlan ? OFP10_VLAN_NONE : tci & tci_mask & 0xfff);
  w.u8(static_cast<uint8_t>(tci >> 13));
  w.zeros(1);
  w.u16(m.value.eth_type.host());
  w.u8(m.value.nw_tos & 0xfc);
  w.u8(m.value.nw_proto);
  w.zeros(2);
  w.u32(m.value.nw_src.host());
  w.u32(m.value.nw_dst.host());
  w.u16(m.value.tp_src.host());
  w.u16(m.value.tp_dst.host());
}

Result<Match> decode_of11_match(ByteReader& r) {
  if (r.remaining() < kOf11MatchSize) return fail(Error::OFPBMC_BAD_LEN);
  Match m;
  uint16_t type = r.u16(), length = r.u16();
  if (type != 0) return fail(Error::OFPBMC_BAD_TYPE);
  if (length != kOf11MatchSize) return fail(Error::OFPBMC_BAD_LEN);
  uint32_t in_port = r.u32(), w = r.u32();
  if (w & ~static_cast<uint32_t>(OFPFW11_ALL)) return fail(Error::OFPBMC_BAD_WILDCARDS);
  MacAddr src = read_mac(r), src_wild = read_mac(r), dst = read_mac(r), dst_wild = read_mac(r);
  uint16_t vlan = r.u16();
  uint8_t pcp = r.u8();
  r.skip(1);
  uint16_t dl_type = r.u16();
  uint8_t tos = r.u8(), proto = r.u8();
  be32 nw_src(r.u32()), nw_src_wild(r.u32()), nw_dst(r.u32()), nw_dst_wild(r.u32());
  uint16_t tp_src = r.u16(), tp_dst = r.u16();
  uint32_t label = r.u32();
  uint8_t tc = r.u8();
  r.skip(3);
  be64 metadata(r.u64()), metadata_wild(r.u64());

  if (!(w & OFPFW11_IN_PORT)) {
    auto p = port_from_of11(in_port);
    if (!p) {
      log_port.warn(limit, "port {} is outside the supported range 0 through 65279 or 0xffffff00 through 0xffffffff", in_port);
      return fail(Error::OFPBMC_BAD_VALUE);
    }
    m.set_in_port(*p);
  }
  m.mask.eth_src = ~src_wild, m.value.eth_src = src & m.mask.eth_src;
  m.mask.eth_dst = ~dst_wild, m.value.eth_dst = dst & m.mask.eth_dst;
  m.mask.metadata = ~metadata_wild, m.value.metadata = metadata & m.mask.metadata;
  if (!(w & OFPFW11_DL_VLAN)) {
    if (vlan == OFPVID11_NONE) {
      m.mask.vlan_tci = kExact16;
    } else {
      if (vlan != OFPVID11_ANY && vlan > 0xfff) return fail(Error::OFPBMC_BAD_VALUE);
      uint16_t bits = vlan == OFPVID11_ANY ? kVlanPresent : 0x1fff;
      m.mask.vlan_tci = be16(bits);
      m.value.vlan_tci = be16(static_cast<uint16_t>((vlan | kVlanPresent) & bits));
      if (!(w & OFPFW11_DL_VLAN_PCP)) {
        if (pcp > 7) return fail(Error::OFPBMC_BAD_VALUE);
        m.mask.vlan_tci |= be16(0xf000);
        m.value.vlan_tci |= be16(static_cast<uint16_t>(pcp << 13));
      }
    }
  }
  if (!(w & OFPFW11_DL_TYPE)) m.value.eth_type = be16(dl_type), m.mask.eth_type = kExact16;
  bool arp = is_arp(m), ip = is_ip_or_ipv6(m);
  if (!(w & OFPFW11_NW_TOS) && ip) {
    if (tos & 3) return fail(Error::OFPBMC_BAD_VALUE);
    m.value.nw_tos = tos, m.mask.nw_tos = 0xfc;
  }
  if (!(w & OFPFW11_NW_PROTO) && (ip || arp)) m.value.nw_proto = proto, m.mask.nw_proto = 0xff;
  if (is_ip(m) || arp) set_l3(m, nw_src, ~nw_src_wild, nw_dst, ~nw_dst_wild);
  if (auto ok = set_l4(m, !(w & OFPFW11_TP_SRC), tp_src, !(w & OFPFW11_TP_DST), tp_dst); !ok) return fail(ok.error());
  if (has_prereq(Prereq::kMpls, m)) {
    if (!(w & OFPFW11_MPLS_LABEL)) {
      if (label > 0xfffff) return fail(Error::OFPBMC_BAD_VALUE);
      m.set_u64(FieldId::kMplsLabel, label);
    }
    if (!(w & OFPFW11_MPLS_TC)) {
      if (tc > 7) return fail(Error::OFPBMC_BAD_VALUE);
      m.set_u64(FieldId::kMplsTc, tc);
    }
  }
  return m;
}

void encode_of11_match(const Match& m, ByteWriter& w) {
  uint32_t wild = 0;
  auto absent = [&](bool wildcarded, uint32_t bit) { if (wildcarded) wild |= bit; };
  uint16_t tci = m.value.vlan_tci.host(), tci_mask = m.mask.vlan_tci.host();
  bool no_vlan = tci_mask & kVlanPresent && !(tci & kVlanPresent);
  bool any_vlan = !no_vlan && (tci_mask & kVlanPresent) && !(tci_mask & 0xfff);
  bool want_vlan = tci_mask & 0x1fff;
  absent(!m.mask.in_port, OFPFW11_IN_PORT);
  absent(!want_vlan, OFPFW11_DL_VLAN);
  absent(!(tci_mask & 0xe000) || no_vlan, OFPFW11_DL_VLAN_PCP);
  absent(!m.mask.eth_type, OFPFW11_DL_TYPE);
  absent(!(m.mask.nw_tos & 0xfc), OFPFW11_NW_TOS);
  absent(!m.mask.nw_proto, OFPFW11_NW_PROTO);
  absent(!m.mask.tp_src, OFPFW11_TP_SRC);
  absent(!m.mask.tp_dst, OFPFW11_TP_DST);
  absent(m.is_wild(FieldId::kMplsLabel), OFPFW11_MPLS_LABEL);
  absent(m.is_wild(FieldId::kMplsTc), OFPFW11_MPLS_TC);
  w.u16(0);
  w.u16(kOf11MatchSize);
  w.u32(m.mask.in_port ? m.value.in_port.host() : 0);
  w.u32(wild);
  w.bytes(m.value.eth_src.b.data(), 6);
  w.bytes((~m.mask.eth_src).b.data(), 6);
  w.bytes(m.value.eth_dst.b.data(), 6);
  w.bytes((~m.mask.eth_dst).b.data(), 6);
  w.u16(no_vlan ? OFPVID11_NONE : any_vlan ? OFPVID11_ANY : tci & 0xfff);
  w.u8(wild & OFPFW11_DL_VLAN_PCP ? 0 : static_cast<uint8_t>(tci >> 13));
  w.zeros(1);
  w.u16(m.value.eth_type.host());
  w.u8(m.value.nw_tos & 0xfc);
  w.u8(m.value.nw_proto);
  w.u32(m.value.nw_src.host());
  w.u32((~m.mask.nw_src).host());
  w.u32(m.value.nw_dst.host());
  w.u32((~m.mask.nw_dst).host());
  w.u16(m.value.tp_src.host());
  w.u16(m.value.tp_dst.host());
  w.u32(static_cast<uint32_t>(m.get(FieldId::kMplsLabel).u64()));
  w.u8(static_cast<uint8_t>(m.get(FieldId::kMplsTc).u64()));
  w.zeros(3);
  w.u64(m.value.metadata.host());
  w.u64((~m.mask.metadata).host());
}

namespace {

bool only(const Match& m, void (*clear)(Flow&)) {
  Flow rest = m.mask;
  clear(rest);
  auto words = rest.words();
  return std::all_of(words.begin(), words.end(), [](uint64_t x) { return x == 0; });
}
// What both fixed matches can hold.
void clear_common(Flow& f) {
  f.in_port = {}, f.eth_src = {}, f.eth_dst = {}, f.eth_type = {}, f.vlan_tci = {};
  f.nw_src = {}, f.nw_dst = {}, f.nw_proto = 0, f.tp_src = {}, f.tp_dst = {};
  f.nw_tos &= 3;
  f.packet_type = {};
}
void clear_11(Flow& f) {
  clear_common(f);
  f.metadata = {};
  f.mpls_lse[0] = f.mpls_lse[0] & be32(0x000001ff);
}

bool vlan_fits(const Match& m) {
  uint16_t mask = m.mask.vlan_tci.host(), value = m.value.vlan_tci.host();
  if (mask == 0) return true;
  if (!(value & kVlanPresent)) return value == 0 && mask == 0xffff;   // untagged; of less than that Open vSwitch makes NXM
  if (mask == 0x1fff || mask == 0xffff) return true;
  return mask == 0xf000;
}
bool l4_fits(const Match& m) {
  auto full = [](be16 mask) { return !mask || mask == kExact16; };
  bool icmp = m.mask.nw_proto && m.value.nw_proto == 1;
  if (icmp) return true;
  return full(m.mask.tp_src) && full(m.mask.tp_dst);
}
bool mac_exact_or_wild(const MacAddr& mask) { return mask.is_zero() || mask == kExactMac; }
bool ip6_only_l3(const Match& m) { return m.mask.eth_type && m.value.eth_type == be16(0x86dd); }

bool fits_of10(const Match& m) {
  if (!only(m, clear_common) || m.value.packet_type || !vlan_fits(m) || !l4_fits(m)) return false;
  if (!mac_exact_or_wild(m.mask.eth_src) || !mac_exact_or_wild(m.mask.eth_dst)) return false;
  if (prefix_length(m.mask.nw_src) < 0 || prefix_length(m.mask.nw_dst) < 0) return false;
  if ((m.mask.tp_src || m.mask.tp_dst) && !has_ports(m) && m.mask.nw_proto) return false;
  if (m.mask.nw_proto && m.value.nw_proto == 132 && (m.mask.tp_src || m.mask.tp_dst)) return false;
  return !ip6_only_l3(m) || (!m.mask.tp_src && !m.mask.tp_dst && !m.mask.nw_proto && !m.mask.nw_tos);
}

bool fits_of11(const Match& m) {
  if (!only(m, clear_11) || m.value.packet_type || !vlan_fits(m) || !l4_fits(m)) return false;
  return !ip6_only_l3(m) || (!m.mask.tp_src && !m.mask.tp_dst && !m.mask.nw_proto && !m.mask.nw_tos);
}

/// OXM asks for a priority as a whole, and only of tagged frames; others have none.
bool vlan_fits_oxm(const Match& m) {
  uint16_t mask = m.mask.vlan_tci.host(), value = m.value.vlan_tci.host(), pcp = mask & 0xe000;
  if (mask & kVlanPresent && !(value & kVlanPresent)) return (value & 0xe000) == 0;
  return pcp == 0 || (pcp == 0xe000 && value & kVlanPresent);
}

}  // namespace

ProtocolSet usable_protocols(const Match& m) {
  ProtocolSet set = kNxmAny;
  if (vlan_fits_oxm(m)) set |= kOxmAny;
  if (fits_of10(m)) set |= kOf10Any;
  if (fits_of11(m)) set |= kOf11;
  return set;
}

}  // namespace sluice::ofp
