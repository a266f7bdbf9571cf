// SPDX-License-Identifier: Apache-2.0
// Codec: changes, descriptions and status of tables (OF1.4.0 7.3.4.1, 7.3.5.17, 7.4.5).
#include "ofproto/openflow/codec_body.h"
#include "ofproto/openflow/codec_property.h"
#include "ofproto/openflow/codec_table.h"

namespace sluice::ofp {
namespace {

enum : uint16_t { kEvictionProperty = 2, kVacancyProperty = 3 };
constexpr uint32_t kEvictionFlags = OFPTMPEF_OTHER | OFPTMPEF_IMPORTANCE | OFPTMPEF_LIFETIME;

Status decode_desc(ByteReader& r, TableDesc& d) {
  if (r.remaining() < 8) return fail(Error::OFPBRC_BAD_LEN);
  uint16_t length = load_be<uint16_t>(r.position());
  if (length < 8 || length > r.remaining()) return fail(Error::OFPBRC_BAD_LEN);
  ByteReader in = r.sub(length);
  in.skip(2);
  d.table_id = in.u8();
  in.skip(1);
  uint32_t config = in.u32();
  d.eviction = config & OFPTC_EVICTION;
  d.vacancy_events = config & OFPTC_VACANCY_EVENTS;
  while (in.remaining()) {
    auto p = next_property(in);
    if (!p) return fail(p.error());
    if (p->type == kEvictionProperty) d.eviction_flags = p->value.u32();
    if (p->type == kVacancyProperty) {
      d.vacancy_down = p->value.u8();
      d.vacancy_up = p->value.u8();
      d.vacancy = p->value.u8();
    }
    if (!p->value.ok()) return fail(Error::OFPBPC_BAD_LEN);
  }
  return {};
}

void put_vacancy(ByteWriter& w, uint8_t down, uint8_t up, uint8_t vacancy) {
  PropertyWriter p(w, kVacancyProperty);
  w.u8(down);
  w.u8(up);
  w.u8(vacancy);
  w.u8(0);
  p.close();
}

void encode_desc(ByteWriter& w, const TableDesc& d) {
  size_t start = w.size();
  w.u16(0);
  w.u8(d.table_id);
  w.u8(0);
  w.u32((d.eviction ? OFPTC_EVICTION : 0) | (d.vacancy_events ? OFPTC_VACANCY_EVENTS : 0));
  put_property_u32(w, kEvictionProperty, d.eviction_flags);
  if (d.vacancy_events) put_vacancy(w, d.vacancy_down, d.vacancy_up, d.vacancy);
  w.patch_u16(start, static_cast<uint16_t>(w.size() - start));
}

Status decode_mod_properties(ByteReader& r, TableMod& m) {
  while (r.remaining()) {
    auto p = next_property(r);
    if (!p) return fail(p.error());
    if (p->type != kEvictionProperty && p->type != kVacancyProperty) return fail(unknown_property(*p));
    if (p->value.remaining() != 4) return fail(Error::OFPBPC_BAD_LEN);
    if (p->type == kEvictionProperty) {
      uint32_t flags = p->value.u32();
      if (flags & ~kEvictionFlags) return fail(Error::OFPBPC_BAD_VALUE);
      m.eviction_flags = flags;
      continue;
    }
    m.vacancy_down = p->value.u8();
    m.vacancy_up = p->value.u8();
    uint8_t vacancy = p->value.u8();
    if (m.vacancy_down > m.vacancy_up || m.vacancy_down > 100 || m.vacancy_up > 100 || vacancy) return fail(Error::OFPBPC_BAD_VALUE);
  }
  return {};
}

}  // namespace

Result<TableMiss> table_miss_from_wire(uint32_t config) {
  switch (config & 3) {
    case 0: return TableMiss::kController;
    case 1: return TableMiss::kContinue;
    case 2: return TableMiss::kDrop;
    default: return fail(Error::OFPTMFC_BAD_CONFIG);
  }
}

uint32_t table_miss_to_wire(TableMiss miss) {
  switch (miss) {
    case TableMiss::kContinue: return 1;
    case TableMiss::kDrop: return 2;
    default: return 0;
  }
}

Status decode_body(ByteReader& r, const BodyContext& ctx, TableMod& m) {
  m.table_id = r.u8();
  r.skip(3);
  uint32_t config = r.u32();
  if (!r.ok()) return fail(Error::OFPBRC_BAD_LEN);
  if (ctx.version < Version::k13) {
    auto miss = table_miss_from_wire(config);
    if (!miss || (config & ~3u)) return fail(Error::OFPTMFC_BAD_CONFIG);
    m.miss_config = *miss;
    return {};
  }
  if (ctx.version == Version::k13) return config & ~3u ? fail(Error::OFPTMFC_BAD_CONFIG) : Status{};
  if (config & ~(OFPTC_EVICTION | OFPTC_VACANCY_EVENTS | 3u)) return fail(Error::OFPTMFC_BAD_CONFIG);
  m.eviction = (config & OFPTC_EVICTION) != 0;
  m.vacancy_events = (config & OFPTC_VACANCY_EVENTS) != 0;
  return decode_mod_properties(r, m);
}

Status encode_body(ByteWriter& w, const BodyContext& ctx, const TableMod& m) {
  w.u8(m.table_id);
  w.zeros(3);
  if (ctx.version < Version::k14) {
    w.u32(ctx.version < Version::k13 ? table_miss_to_wire(m.miss_config) : 0);
    return {};
  }
  w.u32((m.eviction.value_or(false) ? OFPTC_EVICTION : 0) | (m.vacancy_events.value_or(false) ? OFPTC_VACANCY_EVENTS : 0));
  if (m.eviction_flags) put_property_u32(w, kEvictionProperty, *m.eviction_flags);
  if (m.vacancy_events.value_or(false)) put_vacancy(w, m.vacancy_down, m.vacancy_up, 0);
  return {};
}

Status decode_body(ByteReader& r, const BodyContext&, TableDescReply& m) {
  while (r.remaining()) {
    if (Status s = decode_desc(r, m.tables.emplace_back()); !s) return s;
  }
  return {};
}

Status encode_body(ByteWriter& w, const BodyContext& ctx, const TableDescReply& m) {
  for (const TableDesc& d : m.tables) {
    size_t start = w.size();
    encode_desc(w, d);
    if (Status s = entry_done(ctx, start); !s) return s;
  }
  return {};
}

Status decode_body(ByteReader& r, const BodyContext&, TableStatus& m) {
  m.reason = r.u8();
  r.skip(7);
  if (!r.ok()) return fail(Error::OFPBRC_BAD_LEN);
  if (m.reason != OFPTR_VACANCY_DOWN && m.reason != OFPTR_VACANCY_UP) return fail(Error::NXBRC_BAD_REASON);
  return decode_desc(r, m.desc);
}

Status encode_body(ByteWriter& w, const BodyContext&, const TableStatus& m) {
  w.u8(m.reason);
  w.zeros(7);
  encode_desc(w, m.desc);
  return {};
}

}  // namespace sluice::ofp
