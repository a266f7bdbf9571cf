// SPDX-License-Identifier: Apache-2.0
// Prerequisites of fields: which exact matches make sure that a field exists (spec/match-fields.md, "Prerequisites").
#include "ofproto/openflow/field.h"
#include "ofproto/openflow/match.h"

namespace sluice::ofp {
namespace {

bool exact(be16 mask) { return mask == be16(0xffff); }
uint16_t eth_type(const Match& m) { return exact(m.mask.eth_type) ? m.value.eth_type.host() : 0; }
bool is_ethernet(const Match& m) { return !m.mask.packet_type || !m.value.packet_type; }
// A frame's type, or the type of a bare packet: packet_type=(1,0x800) is IPv4 as well.
uint16_t l3_type(const Match& m) {
  if (is_ethernet(m)) return eth_type(m);
  uint32_t type = m.value.packet_type.host();
  return type >> 16 == 1 ? static_cast<uint16_t>(type) : 0;
}
bool is_ip(const Match& m) { return l3_type(m) == 0x0800 || l3_type(m) == 0x86dd; }
constexpr Prereqs bit(Prereq p) { return Prereqs{1} << static_cast<unsigned>(p); }

/// Neighbor discovery is ICMPv6 of type 135 or 136; a wildcarded code passes.
Prereqs icmp6_bits(const Match& m) {
  Prereqs bits = bit(Prereq::kIcmp6);
  if ((m.mask.tp_src.host() & 0xff) != 0xff || m.value.tp_dst) return bits;
  if (m.value.tp_src == be16(135)) bits |= bit(Prereq::kNd) | bit(Prereq::kNdSolicit);
  if (m.value.tp_src == be16(136)) bits |= bit(Prereq::kNd) | bit(Prereq::kNdAdvert);
  return bits;
}

/// The first fragment at least, of a known protocol.
Prereqs l4_bits(const Match& m, bool v6) {
  if (m.mask.nw_proto != 0xff || (m.value.nw_frag & kFragLater)) return 0;
  switch (m.value.nw_proto) {
    case 1: return v6 ? 0 : bit(Prereq::kIcmp4);
    case 6: return bit(Prereq::kTcp);
    case 17: return bit(Prereq::kUdp);
    case 58: return v6 ? icmp6_bits(m) : 0;
    case 132: return bit(Prereq::kSctp);
    default: return 0;
  }
}

Prereqs ip_bits(const Match& m, bool v6) {
  // The original tuple is that of a known connection: a state that only those have, or tracked and not invalid, said both.
  bool known = m.value.ct_state & (kCtNew | kCtEst | kCtRel | kCtRpl | kCtSnat | kCtDnat);
  bool tracked = known || ((m.value.ct_state & kCtTrk) && (m.mask.ct_state & kCtInv) && !(m.value.ct_state & kCtInv));
  return bit(Prereq::kIp) | bit(v6 ? Prereq::kIpv6 : Prereq::kIpv4) | (tracked ? bit(Prereq::kCt) : 0) | l4_bits(m, v6);
}

}  // namespace

bool implies_ethernet(const Match& m) {
  return m.mask.eth_type || m.mask.vlan_tci || !m.mask.eth_src.is_zero() || !m.mask.eth_dst.is_zero();
}

Prereqs prereqs_of(const Match& m) {
  Prereqs bits = bit(Prereq::kNone);
  if (is_ethernet(m)) {
    bits |= bit(Prereq::kEthernet);
    if (m.value.vlan_tci & be16(kVlanPresent)) bits |= bit(Prereq::kVlan);
  }
  if (m.mask.in_port == be32(UINT32_MAX)) bits |= bit(Prereq::kInPort);
  switch (l3_type(m)) {
    case 0x0800: return bits | ip_bits(m, false);
    case 0x86dd: return bits | ip_bits(m, true);
    case 0x0806: case 0x8035: return bits | bit(Prereq::kArp);
    case 0x8847: case 0x8848: return bits | bit(Prereq::kMpls);
    case 0x894f: return bits | bit(Prereq::kNsh);
    case 0x88e7: return bits | bit(Prereq::kPbb);
    default: return bits;
  }
}

void add_prereq(FieldId f, Match& m) {
  auto type = [&](uint16_t t) { m.set_u64(FieldId::kEthType, t); };
  auto proto = [&](uint8_t p) { m.set_u64(FieldId::kNwProto, p); };
  auto ip_and = [&](uint8_t p) {
    if (!is_ip(m)) type(0x0800);
    proto(p);
  };
  auto icmp6 = [&](int icmp) {
    type(0x86dd);
    proto(58);
    if (icmp) m.set_u64(FieldId::kIcmpv6Type, static_cast<uint64_t>(icmp));
    if (icmp) m.set_u64(FieldId::kIcmpv6Code, 0);
  };
  if (has_prereq(f, m)) return;
  switch (field(f).prereq) {
    case Prereq::kNone: case Prereq::kCt: case Prereq::kInPort: break;
    case Prereq::kEthernet: m.set_u64(FieldId::kPacketType, 0); break;
    case Prereq::kVlan: m.value.vlan_tci |= be16(kVlanPresent), m.mask.vlan_tci |= be16(kVlanPresent); break;
    case Prereq::kMpls: type(0x8847); break;
    case Prereq::kArp: type(0x0806); break;
    case Prereq::kIpv4: case Prereq::kIp: type(0x0800); break;
    case Prereq::kIpv6: type(0x86dd); break;
    case Prereq::kTcp: ip_and(6); break;
    case Prereq::kUdp: ip_and(17); break;
    case Prereq::kSctp: ip_and(132); break;
    case Prereq::kIcmp4: type(0x0800), proto(1); break;
    case Prereq::kIcmp6: icmp6(0); break;
    case Prereq::kNd: case Prereq::kNdSolicit: icmp6(135); break;
    case Prereq::kNdAdvert: icmp6(136); break;
    case Prereq::kNsh: type(0x894f); break;
    case Prereq::kPbb: type(0x88e7); break;
  }
}

}  // namespace sluice::ofp
