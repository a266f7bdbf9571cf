// SPDX-License-Identifier: Apache-2.0
// Codec: table features of 1.3+ (OF1.3.5 7.3.5.5), a list of properties for a table.
#include "ofproto/openflow/codec_body.h"
#include "ofproto/openflow/codec_property.h"
#include "ofproto/openflow/feature_bits.h"

namespace sluice::ofp {
namespace {

constexpr size_t kTableName = 32, kHead = 64;

/// Odd numbers up to 15 (and 11) are for table misses.
enum : uint16_t {
  kInstructions = 0, kNextTables = 2, kWriteActions = 4, kApplyActions = 6, kMatch = 8, kWildcards = 10, kWriteSetfield = 12, kApplySetfield = 14,
};

Status decode_instructions_property(ByteReader v, Version version, uint32_t& bits) {
  bits = 0;
  while (v.remaining()) {
    uint16_t type = v.u16(), length = v.u16();
    if (!v.ok() || length < 4) return fail(Error::OFPBPC_BAD_LEN);
    v.skip(length - 4);
    if (type < 32) bits |= instruction_bits_from_wire(1u << type, version);
  }
  return v.ok() ? Status{} : fail(Error::OFPBPC_BAD_LEN);
}

Status decode_actions_property(ByteReader v, Version version, uint64_t& bits) {
  bits = 0;
  while (v.remaining()) {
    uint16_t type = v.u16(), length = v.u16();
    if (!v.ok() || length < 4) return fail(Error::OFPBPC_BAD_LEN);
    v.skip(length - 4);
    if (type < 32) bits |= action_bits_from_wire(1u << type, version);
  }
  return v.ok() ? Status{} : fail(Error::OFPBPC_BAD_LEN);
}

/// `masked`: where the headers' mask bits go, or null.
Status decode_fields_property(ByteReader v, FieldSet& fields, FieldSet* masked) {
  fields.reset();
  while (v.remaining()) {
    auto header = read_wire_header(v);
    if (!header) return fail(Error::OFPBPC_BAD_LEN);
    const WireId* id = find_wire_id(*header);
    if (!id) continue;  // features of others may name fields that we do not know
    fields.set(static_cast<size_t>(id->field));
    if (masked && header->has_mask()) masked->set(static_cast<size_t>(id->field));
  }
  return {};
}

Status decode_property(Property& p, Version v, TableFeatures& f) {
  bool miss = p.type & 1;
  TableInstructionFeatures& side = miss ? f.miss : f.nonmiss;
  switch (p.type & ~1) {
    case kInstructions: return decode_instructions_property(p.value, v, side.instructions);
    case kNextTables:
      side.next.reset();
      for (uint8_t id : ByteReader(p.value).rest()) side.next.set(id);
      return {};
    case kWriteActions: return decode_actions_property(p.value, v, side.write.actions);
    case kApplyActions: return decode_actions_property(p.value, v, side.apply.actions);
    case kMatch: return miss ? fail(Error::OFPBPC_BAD_TYPE) : decode_fields_property(p.value, f.match, &f.mask);
    case kWildcards: return miss ? fail(Error::OFPBPC_BAD_TYPE) : decode_fields_property(p.value, f.wildcard, nullptr);
    case kWriteSetfield: return decode_fields_property(p.value, side.write.set_fields, nullptr);
    case kApplySetfield: return decode_fields_property(p.value, side.apply.set_fields, nullptr);
    default: return {};  // table sync, copy-field, packet types, experimenters: nothing that we would show
  }
}

/// A miss property that is missing means "as the other".
void copy_missing(uint32_t seen, TableFeatures& f) {
  auto lacks = [&](unsigned type) { return !(seen >> (type + 1) & 1); };
  if (lacks(kInstructions)) f.miss.instructions = f.nonmiss.instructions;
  if (lacks(kNextTables)) f.miss.next = f.nonmiss.next;
  if (lacks(kWriteActions)) f.miss.write.actions = f.nonmiss.write.actions;
  if (lacks(kApplyActions)) f.miss.apply.actions = f.nonmiss.apply.actions;
  if (lacks(kWriteSetfield)) f.miss.write.set_fields = f.nonmiss.write.set_fields;
  if (lacks(kApplySetfield)) f.miss.apply.set_fields = f.nonmiss.apply.set_fields;
}

Status decode_table(ByteReader& r, Version v, TableFeatures& f) {
  if (r.remaining() < kHead) return fail(Error::OFPBRC_BAD_LEN);
  uint16_t length = load_be<uint16_t>(r.position());
  if (length < kHead || length > r.remaining()) return fail(Error::OFPBRC_BAD_LEN);
  ByteReader in = r.sub(length);
  in.skip(2);
  f.table_id = in.u8();
  f.command = in.u8();
  in.skip(4);
  f.name = read_text(in, kTableName);
  f.metadata_match = in.u64();
  f.metadata_write = in.u64();
  f.capabilities = in.u32();
  f.max_entries = in.u32();
  uint32_t seen = 0;
  f.any_properties = in.remaining() > 0;
  while (in.remaining()) {
    auto p = next_property(in);
    if (!p) return fail(p.error());
    if (p->type < 32) {
      if (seen >> p->type & 1) return fail(Error::OFPBPC_DUP_TYPE);
      seen |= 1u << p->type;
    }
    if (Status s = decode_property(*p, v, f); !s) return s;
  }
  copy_missing(seen, f);
  return {};
}

void put_instructions(ByteWriter& w, uint16_t type, Version v, uint32_t bits) {
  PropertyWriter p(w, type);
  uint32_t wire = instruction_bits_to_wire(bits, v);
  for (uint16_t n = 1; n < 32; n++) {
    if (!(wire >> n & 1)) continue;
    w.u16(n);
    w.u16(4);
  }
  p.close();
}

void put_actions(ByteWriter& w, uint16_t type, Version v, uint64_t bits) {
  PropertyWriter p(w, type);
  uint32_t wire = action_bits_to_wire(bits, v);
  for (uint16_t n = 0; n < 32; n++) {
    if (!(wire >> n & 1)) continue;
    w.u16(n);
    w.u16(4);
  }
  p.close();
}

void put_fields(ByteWriter& w, uint16_t type, Version v, const FieldSet& fields, const FieldSet* masked) {
  PropertyWriter p(w, type);
  for (const Field& f : all_fields()) {
    size_t i = static_cast<size_t>(f.id);
    const WireId* id = fields.test(i) ? wire_id_of(f.id, v) : nullptr;
    if (id) write_wire_header(w, masked && masked->test(i) ? with_mask(id->header) : id->header);
  }
  p.close();
}

void put_tables(ByteWriter& w, uint16_t type, const TableSet& tables) {
  PropertyWriter p(w, type);
  for (size_t i = 0; i < tables.size(); i++)
    if (tables.test(i)) w.u8(static_cast<uint8_t>(i));
  p.close();
}

void put_side(ByteWriter& w, Version v, const TableInstructionFeatures& side, uint16_t miss) {
  put_instructions(w, kInstructions + miss, v, side.instructions);
  put_tables(w, kNextTables + miss, side.next);
  put_actions(w, kWriteActions + miss, v, side.write.actions);
  put_fields(w, kWriteSetfield + miss, v, side.write.set_fields, nullptr);
  put_actions(w, kApplyActions + miss, v, side.apply.actions);
  put_fields(w, kApplySetfield + miss, v, side.apply.set_fields, nullptr);
}

void encode_table(ByteWriter& w, Version v, const TableFeatures& f) {
  size_t start = w.size();
  w.u16(0);
  w.u8(f.table_id);
  w.u8(v >= Version::k15 ? f.command : 0);
  w.zeros(4);
  w.text(f.name, kTableName);
  w.u64(f.metadata_match);
  w.u64(f.metadata_write);
  w.u32(v >= Version::k14 ? f.capabilities : 0);
  w.u32(f.max_entries);
  if (f.any_properties) {
    put_side(w, v, f.nonmiss, 0);
    if (!(f.miss == f.nonmiss)) put_side(w, v, f.miss, 1);
    put_fields(w, kMatch, v, f.match, &f.mask);
    put_fields(w, kWildcards, v, f.wildcard, nullptr);
  }
  w.patch_u16(start, static_cast<uint16_t>(w.size() - start));
}

}  // namespace

Status decode_body(ByteReader& r, const BodyContext& ctx, TableFeaturesMessage& m) {
  while (r.remaining()) {
    if (Status s = decode_table(r, ctx.version, m.tables.emplace_back()); !s) return s;
  }
  return {};
}

Status encode_body(ByteWriter& w, const BodyContext& ctx, const TableFeaturesMessage& m) {
  for (const TableFeatures& f : m.tables) {
    size_t start = w.size();
    encode_table(w, ctx.version, f);
    if (Status s = entry_done(ctx, start); !s) return s;
  }
  return {};
}

}  // namespace sluice::ofp
