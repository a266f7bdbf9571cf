// SPDX-License-Identifier: Apache-2.0
// Codec: statistics of tables, which carry the tables' features in 1.0 to 1.2.
#include "ofproto/openflow/codec_body.h"
#include "ofproto/openflow/codec_table.h"
#include "ofproto/openflow/feature_bits.h"

namespace sluice::ofp {
namespace {

constexpr size_t kTableName = 32;

struct FieldBits { FieldId field; uint32_t of10, of11; };  // 0: that version has no bit for it
constexpr FieldBits kFieldBits[] = {
    {FieldId::kMetadata, 0, 1 << 15},
    {FieldId::kInPort, 1 << 0, 1 << 0},
    {FieldId::kEthSrc, 1 << 2, 1 << 11},
    {FieldId::kEthDst, 1 << 3, 1 << 12},
    {FieldId::kEthType, 1 << 4, 1 << 3},
    {FieldId::kVlanVid, 1 << 1, 1 << 1},
    {FieldId::kVlanPcp, 1 << 20, 1 << 2},
    {FieldId::kMplsLabel, 0, 1 << 8},
    {FieldId::kMplsTc, 0, 1 << 9},
    {FieldId::kIpSrc, 0x3f << 8, 1 << 13},
    {FieldId::kIpDst, 0x3f << 14, 1 << 14},
    {FieldId::kNwProto, 1 << 5, 1 << 5},
    {FieldId::kNwTos, 1 << 21, 1 << 4},
    {FieldId::kTcpSrc, 1 << 6, 1 << 6},
    {FieldId::kTcpDst, 1 << 7, 1 << 7},
};

/// The bit of a field in the maps of 1.2, or -1: number of its OXM header, if that is of the standard class.
int oxm_bit(const Field& f) {
  const WireId* id = wire_id_of(f.id, Version::k12);
  if (!id || id->header.oxm_class() != 0x8000 || id->since > Version::k12) return -1;
  return static_cast<int>(id->header.header >> 9 & 0x7f);
}

void decode_features11(ByteReader& r, TableFeatures& f) {
  FieldSet wildcards = field_set_from_bits(r.u32(), Version::k11);
  f.match = field_set_from_bits(r.u32(), Version::k11);
  f.wildcard = wildcards;
  f.nonmiss.instructions = instruction_bits_from_wire(r.u32(), Version::k11);
  f.nonmiss.write.actions = action_bits_from_wire(r.u32(), Version::k11);
  f.nonmiss.apply.actions = action_bits_from_wire(r.u32(), Version::k11);
}

void decode_features12(ByteReader& r, TableFeatures& f) {
  f.match = field_set_from_bits(r.u64(), Version::k12);
  f.wildcard = field_set_from_bits(r.u64(), Version::k12);
  f.nonmiss.write.actions = action_bits_from_wire(r.u32(), Version::k12);
  f.nonmiss.apply.actions = action_bits_from_wire(r.u32(), Version::k12);
  f.nonmiss.write.set_fields = field_set_from_bits(r.u64(), Version::k12);
  f.nonmiss.apply.set_fields = field_set_from_bits(r.u64(), Version::k12);
  f.metadata_match = r.u64();
  f.metadata_write = r.u64();
  f.nonmiss.instructions = instruction_bits_from_wire(r.u32(), Version::k12);
}

void decode_table(ByteReader& r, Version v, TableStats& t) {
  TableFeatures& f = t.features;
  f.table_id = t.table_id = r.u8();
  r.skip(v == Version::k10 || v >= Version::k13 ? 3 : 7);
  if (v < Version::k13) {
    f.name = read_text(r, kTableName);
    if (v == Version::k10) f.match = f.wildcard = field_set_from_bits(r.u32(), v);
    if (v == Version::k11) decode_features11(r, f);
    if (v == Version::k12) decode_features12(r, f);
    f.miss = f.nonmiss;
    if (v != Version::k10) f.miss_config = table_miss_from_wire(r.u32()).value_or(TableMiss::kController);   // as Open vSwitch reads what it does not know
    f.max_entries = r.u32();
  }
  t.active_count = r.u32();
  t.lookup_count = r.u64();
  t.matched_count = r.u64();
}

void encode_features11(ByteWriter& w, const TableFeatures& f) {
  w.u32(static_cast<uint32_t>(field_set_to_bits(f.wildcard, Version::k11)));
  w.u32(static_cast<uint32_t>(field_set_to_bits(f.match, Version::k11)));
  w.u32(instruction_bits_to_wire(f.nonmiss.instructions, Version::k11));
  w.u32(action_bits_to_wire(f.nonmiss.write.actions, Version::k11));
  w.u32(action_bits_to_wire(f.nonmiss.apply.actions, Version::k11));
}

void encode_features12(ByteWriter& w, const TableFeatures& f) {
  w.u64(field_set_to_bits(f.match, Version::k12));
  w.u64(field_set_to_bits(f.wildcard, Version::k12));
  w.u32(action_bits_to_wire(f.nonmiss.write.actions, Version::k12));
  w.u32(action_bits_to_wire(f.nonmiss.apply.actions, Version::k12));
  w.u64(field_set_to_bits(f.nonmiss.write.set_fields, Version::k12));
  w.u64(field_set_to_bits(f.nonmiss.apply.set_fields, Version::k12));
  w.u64(f.metadata_match);
  w.u64(f.metadata_write);
  w.u32(instruction_bits_to_wire(f.nonmiss.instructions, Version::k12));
}

void encode_table(ByteWriter& w, Version v, const TableStats& t) {
  const TableFeatures& f = t.features;
  w.u8(t.table_id);
  w.zeros(v == Version::k10 || v >= Version::k13 ? 3 : 7);
  if (v < Version::k13) {
    w.text(f.name, kTableName);
    if (v == Version::k10) w.u32(static_cast<uint32_t>(field_set_to_bits(f.wildcard, v)));
    if (v == Version::k11) encode_features11(w, f);
    if (v == Version::k12) encode_features12(w, f);
    if (v != Version::k10) w.u32(table_miss_to_wire(f.miss_config));
    w.u32(f.max_entries);
  }
  w.u32(t.active_count);
  w.u64(t.lookup_count);
  w.u64(t.matched_count);
}

}  // namespace

FieldSet field_set_from_bits(uint64_t bits, Version v) {
  FieldSet set;
  if (v == Version::k12) {
    for (const Field& f : all_fields())
      if (int bit = oxm_bit(f); bit >= 0 && (bits >> bit & 1)) set.set(static_cast<size_t>(f.id));
    return set;
  }
  for (const FieldBits& f : kFieldBits)
    if (bits & (v == Version::k10 ? f.of10 : f.of11)) set.set(static_cast<size_t>(f.field));
  return set;
}

uint64_t field_set_to_bits(const FieldSet& fields, Version v) {
  uint64_t bits = 0;
  if (v == Version::k12) {
    for (const Field& f : all_fields())
      if (int bit = oxm_bit(f); bit >= 0 && fields.test(static_cast<size_t>(f.id))) bits |= uint64_t{1} << bit;
    return bits;
  }
  for (const FieldBits& f : kFieldBits)
    if (fields.test(static_cast<size_t>(f.field))) bits |= v == Version::k10 ? f.of10 : f.of11;
  return bits;
}

Status decode_body(ByteReader& r, const BodyContext& ctx, TableStatsReply& m) {
  while (r.ok() && r.remaining()) decode_table(r, ctx.version, m.tables.emplace_back());
  return {};
}

Status encode_body(ByteWriter& w, const BodyContext& ctx, const TableStatsReply& m) {
  for (const TableStats& t : m.tables) {
    size_t start = w.size();
    encode_table(w, ctx.version, t);
    if (Status s = entry_done(ctx, start); !s) return s;
  }
  return {};
}

}  // namespace sluice::ofp
