// SPDX-License-Identifier: Apache-2.0
// Match: setting fields in it and comparing.
#include "ofproto/openflow/match.h"

#include <algorithm>

#include "ofproto/openflow/port.h"

namespace sluice::ofp {
namespace {

/// The mask in Flow that says "all of the field".
void set_mask(FieldId f, const FieldValue& m, Flow& mask, const TlvTable* tlv) {
  Place p = place_of(f, tlv);
  if (p.bytes == 0) return;
  uint8_t* at = reinterpret_cast<uint8_t*>(&mask) + p.offset;
  if (p.bytes > 8) {
    std::memcpy(at, m.data(), std::min<size_t>(p.bytes, m.size()));
    return;
  }
  uint64_t bits = p.bits >= 64 ? UINT64_MAX : (uint64_t{1} << p.bits) - 1;
  // in_port is wider in Flow than on the wire; it is exact or absent.
  uint64_t v = f == FieldId::kInPort && !m.is_zero() ? UINT32_MAX : f == FieldId::kNwTos ? m.u64() >> 2 : m.u64();
  uint64_t was = 0;
  for (unsigned i = 0; i < p.bytes; i++) was = was << 8 | at[i];
  uint64_t now = (was & ~(bits << p.shift)) | (v & bits) << p.shift;
  for (unsigned i = p.bytes; i-- > 0; now >>= 8) at[i] = static_cast<uint8_t>(now);
}

bool is_pcp(FieldId f) { return f == FieldId::kDlVlanPcp || f == FieldId::kVlanPcp; }
bool is_vid(FieldId f) { return f == FieldId::kDlVlan || f == FieldId::kVlanVid; }

}  // namespace

void Match::set(FieldId f, const FieldValue& v, const TlvTable* tlv) {
  FieldValue ones = FieldValue::ones(field(f), v.size());
  set(f, v, ones, tlv);
}

void Match::set(FieldId f, const FieldValue& v, const FieldValue& m, const TlvTable* tlv) {
  FieldValue masked = v;
  mask_value(masked, m);
  if (is_tun_metadata(f)) {
    be64 bit(uint64_t{1} << (f - FieldId::kTunMetadata0));
    value.tun_present |= bit;
    mask.tun_present |= bit;
  }
  set_mask(f, m, mask, tlv);
  if (is_vid(f)) {  // their values say themselves if a tag must be there (bit 12)
    uint16_t vid_bits = 0x1fff;
    be16 keep(static_cast<uint16_t>(~vid_bits));
    be16 bits(static_cast<uint16_t>(masked.u64() & vid_bits));
    if (f == FieldId::kDlVlan) {
      bits |= be16(kVlanPresent);
      mask.vlan_tci |= be16(vid_bits);
    }
    value.vlan_tci = (value.vlan_tci & keep) | bits;
    return;
  }
  set_field(f, masked, value, tlv);
  if (is_pcp(f)) mask.vlan_tci |= be16(kVlanPresent);
}

void Match::set_u64(FieldId f, uint64_t v, const TlvTable* tlv) { set(f, FieldValue(wire_bytes_of(f, tlv), v), tlv); }

void Match::set_in_port(OfpPort p) {
  value.in_port = be32(p.value);
  mask.in_port = be32(UINT32_MAX);
}

void Match::wildcard(FieldId f, const TlvTable* tlv) {
  FieldValue zero(wire_bytes_of(f, tlv));
  if (is_tun_metadata(f)) {
    be64 keep = ~be64(uint64_t{1} << (f - FieldId::kTunMetadata0));
    value.tun_present &= keep;
    mask.tun_present &= keep;
  }
  set_mask(f, zero, mask, tlv);
  mask_flow(value, mask);
}

FieldValue Match::get_mask(FieldId f, const TlvTable* tlv) const {
  if (f == FieldId::kInPort) return FieldValue(2, mask.in_port ? 0xffff : 0);
  if (f == FieldId::kArpOp) return FieldValue(2, mask.nw_proto == 0xff ? 0xffff : mask.nw_proto);  // narrower in Flow
  FieldValue m = get_field(f, mask, tlv);
  return m;
}

bool Match::is_exact(FieldId f, const TlvTable* tlv) const {
  FieldValue m = get_mask(f, tlv);
  if (f == FieldId::kArpOp) return m.u64() == 0xffff;
  uint64_t place_bits = place_of(f, tlv).bits;
  if (m.size() > 8) return m == FieldValue::ones(field(f), m.size());
  return m.u64() == (f == FieldId::kNwTos ? 0xfc : f == FieldId::kInPort ? 0xffff : place_bits >= 64 ? UINT64_MAX : (uint64_t{1} << place_bits) - 1);
}

bool Match::is_wild(FieldId f, const TlvTable* tlv) const {
  if (is_tun_metadata(f)) return !(mask.tun_present & be64(uint64_t{1} << (f - FieldId::kTunMetadata0)));
  return get_mask(f, tlv).is_zero();
}

bool Match::is_catch_all() const {
  auto m = mask.words();
  return std::all_of(m.begin(), m.end(), [](uint64_t w) { return w == 0; });
}

bool Match::is_inside(const Match& general) const {
  auto v = value.words(), m = mask.words(), gv = general.value.words(), gm = general.mask.words();
  for (size_t i = 0; i < kFlowWords; i++)
    if ((gm[i] & ~m[i]) || ((v[i] ^ gv[i]) & gm[i])) return false;
  return true;
}

bool Match::overlaps(const Match& other) const {
  auto v = value.words(), m = mask.words(), ov = other.value.words(), om = other.mask.words();
  for (size_t i = 0; i < kFlowWords; i++)
    if ((v[i] ^ ov[i]) & m[i] & om[i]) return false;
  return true;
}

}  // namespace sluice::ofp
