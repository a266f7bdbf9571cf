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
bool ip_proto(const Match& m, uint8_t proto) {
  return is_ip(m) && m.mask.nw_proto == 0xff && m.value.nw_proto == proto && !(m.value.nw_frag & kFragLater);
}
bool is_icmp6(const Match& m) { return l3_type(m) == 0x86dd && ip_proto(m, 58); }
bool icmp_type(const Match& m, uint8_t type) { return (m.mask.tp_src.host() & 0xff) == 0xff && m.value.tp_src == be16(type); }
bool icmp_code_0(const Match& m) { return m.value.tp_dst == be16(0); }  // a wildcarded code passes (spec: 135/136 select ND)

}  // namespace

bool has_prereq(Prereq p, const Match& m) {
  switch (p) {
    case Prereq::kNone: return true;
    case Prereq::kEthernet: return is_ethernet(m);
    case Prereq::kVlan: return is_ethernet(m) && (m.value.vlan_tci & be16(kVlanPresent));
    case Prereq::kMpls: return l3_type(m) == 0x8847 || l3_type(m) == 0x8848;
    case Prereq::kArp: return l3_type(m) == 0x0806 || l3_type(m) == 0x8035;
    case Prereq::kIpv4: return l3_type(m) == 0x0800;
    case Prereq::kIpv6: return l3_type(m) == 0x86dd;
    case Prereq::kIp: return is_ip(m);
    case Prereq::kTcp: return ip_proto(m, 6);
    case Prereq::kUdp: return ip_proto(m, 17);
    case Prereq::kSctp: return ip_proto(m, 132);
    case Prereq::kIcmp4: return l3_type(m) == 0x0800 && ip_proto(m, 1);
    case Prereq::kIcmp6: return is_icmp6(m);
    case Prereq::kNd: return is_icmp6(m) && (icmp_type(m, 135) || icmp_type(m, 136)) && icmp_code_0(m);
    case Prereq::kNdSolicit: return is_icmp6(m) && icmp_type(m, 135) && icmp_code_0(m);
    case Prereq::kNdAdvert: return is_icmp6(m) && icmp_type(m, 136) && icmp_code_0(m);
    case Prereq::kNsh: return l3_type(m) == 0x894f;
    case Prereq::kCt: return is_ip(m) && (m.value.ct_state & kCtTrk) && !(m.value.ct_state & kCtInv);
    case Prereq::kPbb: return l3_type(m) == 0x88e7;
    case Prereq::kInPort: return m.mask.in_port == be32(UINT32_MAX);
  }
  return false;
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
