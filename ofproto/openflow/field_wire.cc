// SPDX-License-Identifier: Apache-2.0
// One OXM/NXM TLV, both ways (OF1.3.5 7.2.3.2..7.2.3.6).
#include <algorithm>
#include <cstring>

#include "ofproto/openflow/field.h"

namespace sluice::ofp {
namespace {

/// Right-aligns `from` in `to`; false if bytes that do not fit are not zero.
bool copy_right_aligned(ByteView from, std::span<uint8_t> to) {
  while (from.size() > to.size()) {
    if (from[0]) return false;
    from = from.subspan(1);
  }
  if (!from.empty()) std::memcpy(to.data() + (to.size() - from.size()), from.data(), from.size());
  return true;
}

bool all_ones(const FieldValue& m) {
  return std::all_of(m.data(), m.data() + m.size(), [](uint8_t b) { return b == 0xff; });
}

/// True if a mask says no more than its absence.
bool is_exact_mask(const Field& f, const FieldValue& m) {
  if (f.id == FieldId::kCtState || f.id == FieldId::kTunFlags) return all_ones(m);  // flags to come must stay "don't care"
  return m == FieldValue::ones(f, m.size()) || all_ones(m);
}

Status read_payload(const WireHeader& h, ByteView payload, const Field& f, Tlv& out, const TlvTable* tlv, bool any_mask) {
  size_t size = payload.size() / (h.has_mask() ? 2 : 1);
  size_t want = f.wire_bytes;
  bool variable = is_tun_metadata(f.id);
  if (variable) {
    const TlvTable::Entry* e = tlv ? tlv->find_or_grow(static_cast<unsigned>(f.id - FieldId::kTunMetadata0), static_cast<unsigned>(std::max<size_t>(size, 1))) : nullptr;
    if (!e) return fail(Error::NXFMFC_INVALID_TLV_FIELD);
    want = e->length;
  } else if (size != want) {
    return fail(Error::OFPBMC_BAD_LEN);
  }
  out.value.resize(want);
  out.mask.resize(want);
  if (!copy_right_aligned(payload.first(size), out.value.bytes())) return fail(Error::OFPBMC_BAD_VALUE);
  if (!h.has_mask()) {
    out.mask = FieldValue::ones(f, want);
    return {};
  }
  if (!copy_right_aligned(payload.subspan(size), out.mask.bytes())) return fail(Error::OFPBMC_BAD_MASK);
  if (!any_mask && f.maskable == Maskable::kNo && !out.mask.is_zero() && !is_exact_mask(f, out.mask)) return fail(Error::OFPBMC_BAD_MASK);
  for (size_t i = 0; i < want; i++)
    if (out.value.data()[i] & ~out.mask.data()[i]) return fail(Error::OFPBMC_BAD_WILDCARDS);
  if (is_exact_mask(f, out.mask) && !variable) out.mask = FieldValue::ones(f, want);
  return {};
}

/// Bytes at the beginning that say nothing where the length of an option is not known: it is filled up with zeros there.
size_t leading_zeros(const FieldValue& value, const FieldValue* mask) {
  bool masked = mask && !all_ones(*mask);
  size_t n = 0;
  while (n + masked < value.size() && !value.data()[n] && !(masked && mask->data()[n])) n++;
  return n;
}

Result<Tlv> read(ByteReader& r, const TlvTable* tlv, bool loose, bool any_mask) {
  auto h = read_wire_header(r);
  if (!h || (h->is_experimenter() && h->length() < 4)) return fail(Error::OFPBMC_BAD_LEN);
  size_t length = h->length() - (h->is_experimenter() ? 4 : 0);
  if (length > r.remaining() || (h->has_mask() && length % 2)) return fail(Error::OFPBMC_BAD_LEN);
  ByteView payload = r.bytes(length);
  Tlv out{FieldId::kNone, {}, {}, h->has_mask()};
  const WireId* id = find_wire_id(*h);
  if (!id) {
    if (loose) return out;
    return fail(Error::OFPBMC_BAD_FIELD);
  }
  const Field& f = field(id->field);
  // Only options may have no payload: masked, "the option is there"; else the value 0.
  if (length == 0 && !is_tun_metadata(f.id)) {
    if (loose) return out;  // zeros, such as padding that was counted, say nothing
    return fail(Error::OFPBMC_BAD_LEN);
  }
  out.field = f.id;
  if (auto ok = read_payload(*h, payload, f, out, tlv, any_mask); !ok) return fail(ok.error());
  if (!is_value_valid(f.id, out.value, tlv)) return fail(Error::OFPBMC_BAD_VALUE);
  return out;
}

}  // namespace

Result<Tlv> read_tlv(ByteReader& r, const TlvTable* tlv, bool loose) { return read(r, tlv, loose, false); }
Result<Tlv> read_set_tlv(ByteReader& r, const TlvTable* tlv) { return read(r, tlv, false, true); }

void write_tlv(ByteWriter& w, FieldId f, const FieldValue& value, const FieldValue* mask, Version version, const TlvTable* tlv) {
  const WireId* id = wire_id_of(f, version);
  if (!id) return;
  WireHeader h = id->header;
  size_t skip = is_tun_metadata(f) && tlv && tlv->grows() ? leading_zeros(value, mask) : 0;
  if (is_tun_metadata(f)) h.header = (h.header & ~0xffu) | static_cast<uint32_t>(value.size() - skip);
  bool masked = mask && !is_exact_mask(field(f), *mask);
  bool presence = masked && is_tun_metadata(f) && mask->is_zero();
  if (presence) h.header &= ~0xffu;
  write_wire_header(w, masked ? with_mask(h) : h);
  if (presence) return;
  w.bytes(value.bytes().subspan(skip));
  if (masked) w.bytes(mask->bytes().subspan(skip));
}

}  // namespace sluice::ofp
