// SPDX-License-Identifier: Apache-2.0
// See probe.h.
#include "ofproto/probe.h"

#include <algorithm>

namespace sluice {
namespace {

bool is_vlan_field(ofp::FieldId f) {
  return f == ofp::FieldId::kVlanTci || f == ofp::FieldId::kDlVlan || f == ofp::FieldId::kVlanVid || f == ofp::FieldId::kDlVlanPcp || f == ofp::FieldId::kVlanPcp;
}

std::span<uint8_t> bytes_of(Flow& mask, const ofp::Place& place) { return {reinterpret_cast<uint8_t*>(&mask) + place.offset, place.bytes}; }

constexpr uint8_t kOnes[ofp::kMaxFieldBytes + 4] = {
#define F8 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff
    F8, F8, F8, F8, F8, F8, F8, F8, F8, F8, F8, F8, F8, F8, F8, F8,
#undef F8
};

}  // namespace

void Probe::mark(ofp::FieldId field, const ofp::FieldValue* bits) {
  ofp::Place place = ofp::place_of(field, tlv_);
  if (ofp::is_tun_metadata(field)) mask_.tun_present |= be64(uint64_t{1} << (field - ofp::FieldId::kTunMetadata0));
  if (!place.bytes) return;
  if (is_vlan_field(field)) get_bits<&Flow::vlan_tci>(be16(kVlanPresent));
  if (field == ofp::FieldId::kNwTos) {  // its value is the whole byte
    get_bits<&Flow::nw_tos>(static_cast<uint8_t>(bits ? bits->u64() & 0xfc : 0xfc));
    return;
  }
  if (!bits || field == ofp::FieldId::kInPort) return ofp::copy_bits(kOnes, 0, bytes_of(mask_, place), place.shift, place.bits);
  unsigned n = std::min<unsigned>(place.bits, static_cast<unsigned>(bits->size()) * 8);
  for (unsigned i = 0; i < n; i += 8) {
    unsigned byte = bits->bytes()[bits->size() - 1 - i / 8], width = std::min(8u, n - i);
    if (byte == UINT8_MAX) ofp::copy_bits(kOnes, 0, bytes_of(mask_, place), place.shift + i, width);
    else for (unsigned k = 0; k < width && byte; k++, byte >>= 1)
      if (byte & 1) ofp::copy_bits(kOnes, 0, bytes_of(mask_, place), place.shift + i + k, 1);
  }
}

void Probe::mark(const ofp::Subfield& s) {
  ofp::Place place = ofp::place_of(s.field, tlv_);
  if (ofp::is_tun_metadata(s.field)) mask_.tun_present |= be64(uint64_t{1} << (s.field - ofp::FieldId::kTunMetadata0));
  if (!place.bytes) return;
  if (is_vlan_field(s.field)) get_bits<&Flow::vlan_tci>(be16(kVlanPresent));
  if (s.field == ofp::FieldId::kNwTos) return mark(s.field, nullptr);
  if (s.ofs >= place.bits) return;
  ofp::copy_bits(kOnes, 0, bytes_of(mask_, place), place.shift + s.ofs, std::min<unsigned>(s.n_bits, place.bits - s.ofs));
}

bool Probe::has(ofp::FieldId field) {
  using ofp::Prereq;
  constexpr uint8_t kNdSolicit = 135, kNdAdvert = 136;
  auto nd = [&](uint8_t type) { return is_ipv6() && is_l4(58) && get<&Flow::tp_src>() == be16(type) && get<&Flow::tp_dst>() == be16(0); };
  switch (ofp::field(field).prereq) {
    case Prereq::kNone:
    case Prereq::kInPort: return true;
    case Prereq::kEthernet: return !static_cast<bool>(get<&Flow::packet_type>());
    case Prereq::kVlan: return has_vlan();
    case Prereq::kMpls: return is_mpls();
    case Prereq::kArp: return is_arp();
    case Prereq::kIpv4: return is_ipv4();
    case Prereq::kIpv6: return is_ipv6();
    case Prereq::kIp: return is_ip();
    case Prereq::kTcp: return is_l4(6);
    case Prereq::kUdp: return is_l4(17);
    case Prereq::kSctp: return is_l4(132);
    case Prereq::kIcmp4: return is_ipv4() && is_l4(1);
    case Prereq::kIcmp6: return is_ipv6() && is_l4(58);
    case Prereq::kNd: return nd(kNdSolicit) || nd(kNdAdvert);
    case Prereq::kNdSolicit: return nd(kNdSolicit);
    case Prereq::kNdAdvert: return nd(kNdAdvert);
    case Prereq::kNsh: return eth_type() == be16(0x894f);
    case Prereq::kCt: return is_ip() && get<&Flow::ct_nw_proto>() != 0;
    case Prereq::kPbb: return eth_type() == be16(0x88e7);
  }
  return false;
}

}  // namespace sluice
