// SPDX-License-Identifier: Apache-2.0
// Reading and writing fields and subfields in a Flow.
#include <cstring>

#include "datapath/port_no.h"
#include "ofproto/openflow/field.h"
#include "ofproto/openflow/match.h"
#include "ofproto/openflow/port.h"

namespace sluice::ofp {
namespace {

uint64_t load_place(const Flow& flow, const Place& p) {
  const uint8_t* at = reinterpret_cast<const uint8_t*>(&flow) + p.offset;
  uint64_t v = 0;
  for (unsigned i = 0; i < p.bytes; i++) v = v << 8 | at[i];
  return v;
}
void store_place(Flow& flow, const Place& p, uint64_t v) {
  uint8_t* at = reinterpret_cast<uint8_t*>(&flow) + p.offset;
  for (unsigned i = p.bytes; i-- > 0; v >>= 8) at[i] = static_cast<uint8_t>(v);
}
constexpr uint64_t low_bits(unsigned n) { return n >= 64 ? UINT64_MAX : (uint64_t{1} << n) - 1; }
bool is_wide(const Place& p) { return p.bytes > 8; }  // wide places have no shift and whole bytes

uint8_t* wide_bytes(Flow& flow, const Place& p) { return reinterpret_cast<uint8_t*>(&flow) + p.offset; }
const uint8_t* wide_bytes(const Flow& flow, const Place& p) { return reinterpret_cast<const uint8_t*>(&flow) + p.offset; }

}  // namespace

Place place_of(FieldId f, const TlvTable* tlv) {
  if (!is_tun_metadata(f)) return field(f).place;
  const TlvTable::Entry* e = tlv ? tlv->find(f) : nullptr;
  if (!e) return {};
  return {static_cast<uint16_t>(offsetof(Flow, tun_metadata) + e->offset), e->length, 0, static_cast<uint16_t>(e->length * 8)};
}

size_t wire_bytes_of(FieldId f, const TlvTable* tlv) {
  return is_tun_metadata(f) ? place_of(f, tlv).bytes : field(f).wire_bytes;
}

FieldValue get_field(FieldId f, const Flow& flow, const TlvTable* tlv) {
  Place p = place_of(f, tlv);
  FieldValue v(wire_bytes_of(f, tlv));
  if (p.bytes == 0) return v;
  if (is_wide(p)) {
    std::memcpy(v.data(), wide_bytes(flow, p), p.bytes);
    return v;
  }
  uint64_t n = load_place(flow, p) >> p.shift & low_bits(p.bits);
  if (f == FieldId::kNwTos) n <<= 2;  // its value is the DSCP in place
  if (f == FieldId::kInPort) n = port_to_of10(OfpPort{static_cast<uint32_t>(n)});
  v.set_u64(n);
  return v;
}

void set_field(FieldId f, const FieldValue& value, Flow& flow, const TlvTable* tlv) {
  Place p = place_of(f, tlv);
  if (is_tun_metadata(f) && tlv && tlv->find(f)) flow.tun_present |= be64(uint64_t{1} << (f - FieldId::kTunMetadata0));
  if (p.bytes == 0) return;
  if (is_wide(p)) {
    std::memcpy(wide_bytes(flow, p), value.data(), std::min<size_t>(p.bytes, value.size()));
    return;
  }
  uint64_t v = value.u64();
  if (f == FieldId::kNwTos) v >>= 2;
  if (f == FieldId::kInPort) v = port_from_of10(static_cast<uint16_t>(v)).value_or(OFPP_NONE).value;
  uint64_t m = low_bits(p.bits) << p.shift;
  uint64_t was = load_place(flow, p);
  uint64_t now = (was & ~m) | (v << p.shift & m);
  // A tag's fields can only be written into a tag.
  bool in_tag = f == FieldId::kDlVlan || f == FieldId::kDlVlanPcp || f == FieldId::kVlanPcp || f == FieldId::kVlanVid;
  if (in_tag) now |= kVlanPresent;
  store_place(flow, p, now);
}

void set_field_masked(FieldId f, const FieldValue& value, const FieldValue& mask, Flow& flow, const TlvTable* tlv) {
  FieldValue now = get_field(f, flow, tlv);
  for (size_t i = 0; i < std::min(now.size(), value.size()); i++)
    now.data()[i] = static_cast<uint8_t>((now.data()[i] & ~mask.data()[i]) | (value.data()[i] & mask.data()[i]));
  set_field(f, now, flow, tlv);
}

bool is_value_valid(FieldId f, const FieldValue& value, const TlvTable* tlv) {
  if (value.size() > 8) return value.size() == wire_bytes_of(f, tlv);
  Place p = place_of(f, tlv);
  uint64_t v = value.u64();
  switch (f) {
    case FieldId::kInPort: return port_from_of10(static_cast<uint16_t>(v)).has_value();
    case FieldId::kInPortOxm:
    case FieldId::kActsetOutput: return is_port_valid(OfpPort{static_cast<uint32_t>(v)});
    case FieldId::kNwTos: return (v & ~uint64_t{0xfc}) == 0;
    case FieldId::kVlanTci: return true;
    default: return (v & ~low_bits(p.bits)) == 0;
  }
}

// --- Subfields ---

FieldValue read_subfield(const Subfield& s, const Flow& flow, const TlvTable* tlv) {
  FieldValue whole_value = get_field(s.field, flow, tlv);
  FieldValue out((s.n_bits + 7u) / 8);
  if (s.ofs + s.n_bits <= whole_value.size() * 8) copy_bits(whole_value.bytes(), s.ofs, out.bytes(), 0, s.n_bits);
  return out;
}

void write_subfield(const Subfield& s, const FieldValue& value, Flow& flow, const TlvTable* tlv) {
  FieldValue v = get_field(s.field, flow, tlv);
  if (s.ofs + s.n_bits > v.size() * 8) return;
  FieldValue src(std::max<size_t>(value.size(), (s.n_bits + 7u) / 8));
  std::memcpy(src.data() + src.size() - value.size(), value.data(), value.size());
  copy_bits(src.bytes(), 0, v.bytes(), s.ofs, s.n_bits);
  set_field(s.field, v, flow, tlv);
}

uint64_t read_subfield_u64(const Subfield& s, const Flow& flow, const TlvTable* tlv) { return read_subfield(s, flow, tlv).u64(); }

void write_subfield_u64(const Subfield& s, uint64_t value, Flow& flow, const TlvTable* tlv) {
  write_subfield(s, FieldValue(8, value), flow, tlv);
}

}  // namespace sluice::ofp
