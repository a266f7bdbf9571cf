// SPDX-License-Identifier: Apache-2.0
// set_field, load and load2 on the wire.
#include "lib/log.h"
#include "ofproto/openflow/action_io.h"

namespace sluice::ofp {
namespace {

Log log_fields("meta_flow");
LogLimit limit(1, 5);

/// Errors of a TLV in an action are errors of the action.
Error as_action_error(Error e) {
  switch (e) {
    case Error::OFPBMC_BAD_FIELD: return Error::OFPBAC_BAD_SET_TYPE;
    case Error::OFPBMC_BAD_LEN: return Error::OFPBAC_BAD_SET_LEN;
    case Error::OFPBMC_BAD_VALUE: case Error::OFPBMC_BAD_WILDCARDS: return Error::OFPBAC_BAD_SET_ARGUMENT;
    case Error::OFPBMC_BAD_MASK: return Error::OFPBAC_BAD_SET_MASK;
    default: return e;
  }
}

Result<Action> read_tlv_action(ByteReader& r, const ActionContext& ctx, bool mask_allowed) {
  auto t = read_set_tlv(r, ctx.tlv);
  if (!t) return fail(as_action_error(t.error()));
  if (t->has_mask && !mask_allowed) return fail(Error::OFPBAC_BAD_SET_MASK);
  ByteView pad = r.rest();
  if (pad.size() > 7) return fail(Error::OFPBAC_BAD_SET_LEN);
  for (uint8_t b : pad)
    if (b) return fail(Error::OFPBAC_BAD_SET_ARGUMENT);
  const Field& f = field(t->field);
  if (f.access == Access::kReadOnly) return fail(Error::OFPBAC_BAD_SET_ARGUMENT);
  bool is_port = f.display == Display::kPort || f.display == Display::kPort16;
  if (is_port && t->has_mask && t->mask.is_zero()) return fail(Error::OFPBAC_BAD_SET_ARGUMENT);   // a part of a port is none
  return SetField{t->field, std::move(t->value), std::move(t->mask), SetField::Form::kSetField};
}

/// Null if all of the field is set: then there is no mask on the wire either.
const FieldValue* mask_of(const SetField& s) { return s.mask == FieldValue::ones(field(s.field), s.mask.size()) ? nullptr : &s.mask; }

}  // namespace

Result<Action> read_set_field(ByteReader& r, const ActionContext& ctx) { return read_tlv_action(r, ctx, ctx.version >= Version::k15); }
Result<Action> read_load2(ByteReader& r, const ActionContext& ctx) { return read_tlv_action(r, ctx, true); }

Status write_set_field(const Action& a, ByteWriter& w, const ActionContext& ctx) {
  const SetField& s = std::get<SetField>(a.v);
  if (!wire_id_of(s.field, ctx.version)) return fail(Error::OFPBAC_BAD_SET_TYPE);
  write_tlv(w, s.field, s.value, mask_of(s), ctx.version, ctx.tlv);
  return {};
}

Status write_load2(const Action& a, ByteWriter& w, const ActionContext& ctx) {
  const SetField& s = std::get<SetField>(a.v);
  if (!wire_id_of(s.field, Version::k10)) return fail(Error::OFPBAC_BAD_SET_TYPE);
  write_tlv(w, s.field, s.value, mask_of(s), Version::k10, ctx.tlv);
  return {};
}

Result<Action> read_load(ByteReader& r, const ActionContext& ctx) {
  Subfield dst;
  ReadIo io{r, ctx};
  io.ofs_nbits(dst);
  io.field(dst);
  uint64_t value = r.u64();
  if (!r.ok()) return fail(Error::OFPBAC_BAD_LEN);
  if (io.error) return fail(*io.error);
  const Field& f = field(dst.field);
  if (is_tun_metadata(dst.field)) make_room(dst, ctx.tlv);
  size_t size = wire_bytes_of(dst.field, ctx.tlv);
  unsigned bits = is_tun_metadata(f.id) ? static_cast<unsigned>(size * 8) : f.bits;
  if (size == 0) return fail(Error::NXFMFC_INVALID_TLV_FIELD);
  if (dst.ofs + dst.n_bits > bits) return fail(Error::OFPBAC_BAD_SET_LEN);
  if (f.access == Access::kReadOnly) {
    log_fields.warn(limit, "destination field {} is not writable", f.name);
    return fail(Error::OFPBAC_BAD_SET_ARGUMENT);
  }
  if (dst.n_bits < 64 && value >> dst.n_bits) return fail(Error::OFPBAC_BAD_ARGUMENT);
  SetField s{f.id, FieldValue(size), FieldValue(size), SetField::Form::kLoad};
  FieldValue v(8, value);
  copy_bits(v.bytes(), 0, s.value.bytes(), dst.ofs, dst.n_bits);
  s.mask.set_bits(dst.ofs, dst.n_bits);
  return s;
}

Status write_load(const Action& a, ByteWriter& w, const ActionContext& ctx) {
  const SetField& s = std::get<SetField>(a.v);
  Subfield dst = *mask_run(s.field, s.mask);
  WriteIo io{w, ctx};
  // A tag's VID is 12 bits in load, whatever the mask says of the bit above.
  dst.n_bits = std::min<uint16_t>(dst.n_bits, static_cast<uint16_t>(std::max(0, field(s.field).bits - dst.ofs)));
  if (is_tun_metadata(s.field)) dst.n_bits = mask_run(s.field, s.mask)->n_bits;
  io.ofs_nbits(dst);
  io.field(dst);
  FieldValue v(8);
  copy_bits(s.value.bytes(), dst.ofs, v.bytes(), 0, dst.n_bits);
  w.u64(v.u64());
  if (io.error) return fail(*io.error);
  return {};
}

}  // namespace sluice::ofp
