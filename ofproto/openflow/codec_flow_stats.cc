// SPDX-License-Identifier: Apache-2.0
// Codec: flow statistics in their four forms (1.0, 1.1-1.4, 1.5, NXST_FLOW), aggregates, and OXS statistics.
#include <algorithm>
#include <array>

#include "ofproto/openflow/codec_flow.h"
#include "ofproto/openflow/codec_port.h"

namespace sluice::ofp {
namespace {

constexpr uint16_t kOxsClass = 0x8002;
enum OxsField : uint8_t { kOxsDuration = 0, kOxsIdleTime = 1, kOxsFlowCount = 3, kOxsPacketCount = 4, kOxsByteCount = 5 };

void put_oxs_header(ByteWriter& w, OxsField field, uint8_t length) { w.u32(kOxsClass << 16 | field << 9 | length); }
void put_oxs64(ByteWriter& w, OxsField field, uint64_t value) {
  put_oxs_header(w, field, 8);
  w.u64(value);
}

void close_oxs(ByteWriter& w, size_t start) {
  w.patch_u16(start + 2, static_cast<uint16_t>(w.size() - start));
  w.pad(start, 8);
}

/// The ages of NXST_FLOW: value + 1, 0 unknown, at most 65535.
std::optional<uint32_t> age_from_wire(uint16_t wire) { return wire ? std::optional<uint32_t>(wire - 1) : std::nullopt; }
uint16_t age_to_wire(std::optional<uint32_t> age) { return age ? static_cast<uint16_t>(std::min<uint32_t>(*age, UINT16_MAX - 1) + 1) : 0; }

bool is_nxst(const BodyContext& ctx) {
  return ctx.type == MessageType::NXST_FLOW_REQUEST || ctx.type == MessageType::NXST_FLOW_REPLY || ctx.type == MessageType::NXST_AGGREGATE_REQUEST;
}

Status decode_stats10(ByteReader& r, const BodyContext& ctx, FlowStats& f) {
  if (r.remaining() < 86) return fail(Error::OFPBRC_BAD_LEN);
  f.table_id = r.u8();
  r.skip(1);
  if (Status s = take(decode_whole_of10_match(r), f.match); !s) return s;
  f.duration_sec = r.u32();
  f.duration_nsec = r.u32();
  f.priority = r.u16();
  f.idle_timeout = r.u16();
  f.hard_timeout = r.u16();
  r.skip(6);
  f.cookie = r.u64();
  f.packet_count = r.u64();
  f.byte_count = r.u64();
  return read_instructions(ByteReader(r.rest()), ctx.version, ctx.tlv(), f.actions);
}

Status decode_stats_nxst(ByteReader& r, const BodyContext& ctx, FlowStats& f) {
  if (r.remaining() < 46) return fail(Error::OFPBRC_BAD_LEN);
  f.table_id = r.u8();
  r.skip(1);
  f.duration_sec = r.u32();
  f.duration_nsec = r.u32();
  f.priority = r.u16();
  f.idle_timeout = r.u16();
  f.hard_timeout = r.u16();
  uint16_t match_len = r.u16();
  f.idle_age = age_from_wire(r.u16());
  f.hard_age = age_from_wire(r.u16());
  f.cookie = r.u64();
  f.packet_count = r.u64();
  f.byte_count = r.u64();
  if (Status s = decode_padded_nxm(r, match_len, ctx, nullptr, f.match); !s) return s;
  return read_instructions(ByteReader(r.rest()), ctx.version, ctx.tlv(), f.actions);
}

Status decode_stats11(ByteReader& r, const BodyContext& ctx, FlowStats& f) {
  if (r.remaining() < 46) return fail(Error::OFPBRC_BAD_LEN);
  f.table_id = r.u8();
  r.skip(1);
  f.duration_sec = r.u32();
  f.duration_nsec = r.u32();
  f.priority = r.u16();
  f.idle_timeout = r.u16();
  f.hard_timeout = r.u16();
  uint16_t flags = r.u16(), importance = r.u16();
  if (ctx.at_least(Version::k13)) f.flags = flags;
  if (f.flags & ~kStatsFlags) return fail(Error::OFPFMFC_BAD_FLAGS);
  if (ctx.at_least(Version::k14)) f.importance = importance;
  r.skip(2);
  f.cookie = r.u64();
  f.packet_count = r.u64();
  f.byte_count = r.u64();
  if (Status s = read_match(r, ctx.version, f.match, ctx.tlv()); !s) return s;
  return read_instructions(ByteReader(r.rest()), ctx.version, ctx.tlv(), f.actions);
}

Status decode_stats15(ByteReader& r, const BodyContext& ctx, FlowStats& f) {
  if (r.remaining() < 22) return fail(Error::OFPBRC_BAD_LEN);
  r.skip(2);
  f.table_id = r.u8();
  r.skip(1);
  f.priority = r.u16();
  f.idle_timeout = r.u16();
  f.hard_timeout = r.u16();
  f.flags = r.u16();
  if (f.flags & ~kStatsFlags) return fail(Error::OFPFMFC_BAD_FLAGS);
  f.importance = r.u16();
  f.cookie = r.u64();
  if (Status s = read_match(r, ctx.version, f.match, ctx.tlv()); !s) return s;
  FlowCounters c;
  if (Status s = decode_oxs(r, c); !s) return s;
  f.duration_sec = c.duration_sec;
  f.duration_nsec = c.duration_nsec;
  f.idle_age = c.idle_sec;
  f.packet_count = c.packet_count;
  f.byte_count = c.byte_count;
  return read_instructions(ByteReader(r.rest()), ctx.version, ctx.tlv(), f.actions);
}

Status decode_stats(ByteReader& r, const BodyContext& ctx, FlowStats& f) {
  if (r.remaining() < 2) return fail(Error::OFPBRC_BAD_LEN);
  uint16_t length = load_be<uint16_t>(r.position());
  if (length < 2 || length > r.remaining()) return fail(Error::OFPBRC_BAD_LEN);
  ByteReader b = r.sub(length);
  b.skip(2);
  f.packet_count = f.byte_count = UINT64_MAX;
  if (is_nxst(ctx)) return decode_stats_nxst(b, ctx, f);
  if (ctx.version == Version::k10) return decode_stats10(b, ctx, f);
  return ctx.at_least(Version::k15) ? decode_stats15(b, ctx, f) : decode_stats11(b, ctx, f);
}

/// Duration, priority and timeouts as 1.0 and NXST have them in a row.
void put_times(ByteWriter& w, const FlowStatsHead& f) {
  w.u32(f.duration_sec);
  w.u32(f.duration_nsec);
  w.u16(f.priority);
  w.u16(f.idle_timeout);
  w.u16(f.hard_timeout);
}
void put_counters(ByteWriter& w, const FlowStatsHead& f) {
  w.u64(f.cookie);
  w.u64(f.packet_count);
  w.u64(f.byte_count);
}

void put_stats15(ByteWriter& w, const BodyContext& ctx, const FlowStatsHead& f, const MatchView& match) {
  w.zeros(4);
  w.u8(f.table_id);
  w.u8(0);
  w.u16(f.priority);
  w.u16(f.idle_timeout);
  w.u16(f.hard_timeout);
  w.u16(f.flags & kStatsFlags);
  w.u16(f.importance);
  w.u64(f.cookie);
  encode_match(match, w, ctx.version, ctx.tlv());
  encode_oxs(w, {f.duration_sec, f.duration_nsec, f.idle_age, f.packet_count, f.byte_count});
}

/// The fixed part of the commonest form is put together here and appended at once: a dump may have a million of them.
void put_stats11(ByteWriter& w, const BodyContext& ctx, const FlowStatsHead& f, const MatchView& match) {
  std::array<uint8_t, 48> fixed{};  // the length comes last
  uint8_t* b = fixed.data();
  b[2] = f.table_id;
  store_be(b + 4, f.duration_sec);
  store_be(b + 8, f.duration_nsec);
  store_be(b + 12, f.priority);
  store_be(b + 14, f.idle_timeout);
  store_be(b + 16, f.hard_timeout);
  if (ctx.at_least(Version::k13)) store_be(b + 18, static_cast<uint16_t>(f.flags & kStatsFlags));
  if (ctx.at_least(Version::k14)) store_be(b + 20, f.importance);
  store_be(b + 24, f.cookie);
  store_be(b + 32, f.packet_count);
  store_be(b + 40, f.byte_count);
  w.bytes(fixed);
  // The fixed match of 1.1 cannot say all that an entry may match on, so Open vSwitch and we send OXM there too.
  encode_oxm_match(match, w, ctx.version, ctx.tlv());
}

void put_stats10(ByteWriter& w, const FlowStatsHead& f, const Match& match) {
  w.u16(0);
  w.u8(f.table_id);
  w.u8(0);
  encode_of10_match(match, w);
  put_times(w, f);
  w.zeros(6);
  put_counters(w, f);
}

void put_stats_nxst(ByteWriter& w, const BodyContext& ctx, const FlowStatsHead& f, const MatchView& match) {
  w.u16(0);
  w.u8(f.table_id);
  w.u8(0);
  put_times(w, f);
  size_t length_at = w.size();
  w.u16(0);
  w.u16(age_to_wire(f.idle_age));
  w.u16(age_to_wire(f.hard_age));
  put_counters(w, f);
  size_t start = w.size();
  size_t length = encode_nxm(match, w, ctx.version, ctx.tlv());
  w.patch_u16(length_at, static_cast<uint16_t>(length));
  w.pad(start, 8);
}

}  // namespace

Status decode_oxs(ByteReader& r, FlowCounters& c) {
  c.packet_count = c.byte_count = UINT64_MAX;
  if (r.remaining() < 4) return fail(Error::OFPBRC_BAD_LEN);
  size_t length = load_be<uint16_t>(r.position() + 2), padded = (length + 7) / 8 * 8;
  if (length < 4 || padded > r.remaining()) return fail(Error::OFPBRC_BAD_LEN);
  ByteReader b(r.bytes(padded).first(length));
  b.skip(4);
  while (b.remaining()) {
    uint32_t header = b.u32();
    ByteReader v = b.sub(header & 0xff);
    if (!b.ok()) return fail(Error::OFPBRC_BAD_LEN);
    if (header >> 16 != kOxsClass) continue;
    switch (header >> 9 & 0x7f) {
      case kOxsDuration: c.duration_sec = v.u32(); c.duration_nsec = v.u32(); break;
      case kOxsIdleTime: c.idle_sec = v.u32(); v.u32(); break;
      case kOxsFlowCount: c.flow_count = v.u32(); break;
      case kOxsPacketCount: c.packet_count = v.u64(); break;
      case kOxsByteCount: c.byte_count = v.u64(); break;
      default: continue;
    }
    if (!v.ok() || v.remaining()) return fail(Error::OFPBRC_BAD_LEN);
  }
  return {};
}

void encode_oxs(ByteWriter& w, const FlowCounters& c) {
  size_t start = w.size();
  w.zeros(4);
  put_oxs64(w, kOxsDuration, static_cast<uint64_t>(c.duration_sec) << 32 | c.duration_nsec);
  if (c.idle_sec) put_oxs64(w, kOxsIdleTime, static_cast<uint64_t>(*c.idle_sec) << 32);
  put_oxs64(w, kOxsPacketCount, c.packet_count);
  put_oxs64(w, kOxsByteCount, c.byte_count);
  close_oxs(w, start);
}

void encode_aggregate_oxs(ByteWriter& w, const FlowCounters& c) {
  size_t start = w.size();
  w.zeros(4);
  put_oxs64(w, kOxsPacketCount, c.packet_count);
  put_oxs64(w, kOxsByteCount, c.byte_count);
  put_oxs_header(w, kOxsFlowCount, 4);
  w.u32(c.flow_count);
  close_oxs(w, start);
}

Status decode_body(ByteReader& r, const BodyContext& ctx, FlowStatsRequest& m) {
  if (is_nxst(ctx)) {
    if (Status s = read_port(r, Version::k10, Error::OFPBAC_BAD_OUT_PORT, m.out_port); !s) return s;
    uint16_t match_len = r.u16();
    m.table_id = r.u8();
    r.skip(3);
    if (!r.ok()) return fail(Error::OFPBRC_BAD_LEN);
    CookieMatch cookie;
    Status s = decode_padded_nxm(r, match_len, ctx, &cookie, m.match);
    m.cookie = cookie.value;
    m.cookie_mask = cookie.mask;
    return s;
  }
  if (ctx.version == Version::k10) {
    if (r.remaining() != 44) return fail(Error::OFPBRC_BAD_LEN);
    if (Status s = take(decode_of10_match(r), m.match); !s) return s;
    m.table_id = r.u8();
    r.skip(1);
    return read_port(r, ctx.version, Error::OFPBAC_BAD_OUT_PORT, m.out_port);
  }
  if (r.remaining() < 32) return fail(Error::OFPBRC_BAD_LEN);
  m.table_id = r.u8();
  r.skip(3);
  if (Status s = read_port(r, ctx.version, Error::OFPBAC_BAD_OUT_PORT, m.out_port); !s) return s;
  m.out_group = r.u32();
  r.skip(4);
  m.cookie = r.u64();
  m.cookie_mask = r.u64();
  if (Status s = read_match(r, ctx.version, m.match, ctx.tlv()); !s || ctx.version < Version::k15 || !r.remaining()) return s;
  FlowCounters asked;  // OF1.5.1 7.3.5.2: which statistics; all are sent
  return decode_oxs(r, asked);
}

Status encode_body(ByteWriter& w, const BodyContext& ctx, const FlowStatsRequest& m) {
  if (is_nxst(ctx)) {
    w.u16(port_to_of10(m.out_port));
    size_t length_at = w.size();
    w.u16(0);
    w.u8(m.table_id);
    w.zeros(3);
    size_t start = w.size();
    CookieMatch cookie{m.cookie, m.cookie_mask};
    size_t length = encode_nxm(m.match, w, ctx.version, ctx.tlv(), &cookie);
    w.patch_u16(length_at, static_cast<uint16_t>(length));
    w.pad(start, 8);
    return {};
  }
  if (ctx.version == Version::k10) {
    encode_of10_match(m.match, w);
    w.u8(m.table_id);
    w.u8(0);
    w.u16(port_to_of10(m.out_port));
    return {};
  }
  w.u8(m.table_id);
  w.zeros(3);
  w.u32(m.out_port.value);
  w.u32(m.out_group);
  w.zeros(4);
  w.u64(m.cookie);
  w.u64(m.cookie_mask);
  encode_match(m.match, w, ctx.version, ctx.tlv());
  return {};
}

Status decode_body(ByteReader& r, const BodyContext& ctx, FlowStatsReply& m) {
  while (r.remaining()) {
    if (Status s = decode_stats(r, ctx, m.flows.emplace_back()); !s) return s;
  }
  return {};
}

void begin_entry(ByteWriter& w, const BodyContext& ctx, const FlowEntry& e) {
  if (is_nxst(ctx)) return put_stats_nxst(w, ctx, e.head, e.match);
  if (ctx.version == Version::k10) return put_stats10(w, e.head, e.match.match());
  if (ctx.at_least(Version::k15)) return put_stats15(w, ctx, e.head, e.match);
  put_stats11(w, ctx, e.head, e.match);
}

Status close_entry(ByteWriter& w, size_t start) {
  if (w.size() - start > UINT16_MAX) return fail(Error::OFPBRC_BAD_LEN);
  w.patch_u16(start, static_cast<uint16_t>(w.size() - start));
  return {};
}

Status encode_entry(ByteWriter& w, const BodyContext& ctx, const FlowEntry& e) {
  size_t start = w.size();
  begin_entry(w, ctx, e);
  if (Status s = encode_instructions(e.actions, w, ctx.version, ctx.tlv()); !s) return s;
  return close_entry(w, start);
}

Status encode_body(ByteWriter& w, const BodyContext& ctx, const FlowStatsReply& m) {
  for (const FlowStats& f : m.flows) {
    size_t start = w.size();
    if (Status s = encode_entry(w, ctx, f); !s) return s;
    if (Status s = entry_done(ctx, start); !s) return s;
  }
  return {};
}

Status decode_body(ByteReader& r, const BodyContext& ctx, AggregateStats& m) {
  if (ctx.at_least(Version::k15) && ctx.type != MessageType::NXST_AGGREGATE_REPLY) {
    FlowCounters c;
    if (Status s = decode_oxs(r, c); !s) return s;
    m = {c.packet_count, c.byte_count, c.flow_count};
    return {};
  }
  m.packet_count = r.u64();
  m.byte_count = r.u64();
  m.flow_count = r.u32();
  r.skip(4);
  return {};
}

Status encode_body(ByteWriter& w, const BodyContext& ctx, const AggregateStats& m) {
  if (ctx.at_least(Version::k15) && ctx.type != MessageType::NXST_AGGREGATE_REPLY) {
    encode_aggregate_oxs(w, {.packet_count = m.packet_count, .byte_count = m.byte_count, .flow_count = m.flow_count});
    return {};
  }
  w.u64(m.packet_count);
  w.u64(m.byte_count);
  w.u32(m.flow_count);
  w.zeros(4);
  return {};
}

}  // namespace sluice::ofp
