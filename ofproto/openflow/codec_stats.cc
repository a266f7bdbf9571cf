// SPDX-License-Identifier: Apache-2.0
// Codec: statistics of groups; meters (OF1.3.5 7.3.4.4, 7.3.5.12-14).
#include "ofproto/openflow/codec_body.h"
#include "ofproto/openflow/codec_group.h"

namespace sluice::ofp {
namespace {

/// Durations came with 1.3; the Nicira form of 1.0 has them as well.
bool has_duration(const BodyContext& ctx) { return ctx.at_least(Version::k13) || ctx.type == MessageType::NXST_GROUP_REPLY; }

Status decode_group_stats(ByteReader& r, const BodyContext& ctx, GroupStats& g) {
  size_t head = has_duration(ctx) ? 40 : 32;
  if (r.remaining() < head) return fail(Error::OFPBRC_BAD_LEN);
  uint16_t length = load_be<uint16_t>(r.position());
  if (length < head || (length - head) % 16 || length > r.remaining()) return fail(Error::OFPBRC_BAD_LEN);
  ByteReader in = r.sub(length);
  in.skip(4);
  g.group_id = in.u32();
  g.ref_count = in.u32();
  in.skip(4);
  g.packet_count = in.u64();
  g.byte_count = in.u64();
  if (has_duration(ctx)) {
    g.duration_sec = in.u32();
    g.duration_nsec = in.u32();
  }
  while (in.remaining()) g.buckets.push_back({in.u64(), in.u64()});
  return {};
}

void encode_group_stats(ByteWriter& w, const BodyContext& ctx, const GroupStats& g) {
  size_t start = w.size();
  w.zeros(4);
  w.u32(g.group_id);
  w.u32(g.ref_count);
  w.zeros(4);
  w.u64(g.packet_count);
  w.u64(g.byte_count);
  if (has_duration(ctx)) {
    w.u32(g.duration_sec);
    w.u32(g.duration_nsec);
  }
  for (const BucketCounter& b : g.buckets) {
    w.u64(b.packet_count);
    w.u64(b.byte_count);
  }
  w.patch_u16(start, static_cast<uint16_t>(w.size() - start));
}

// --- Meters ---

Status decode_band(ByteReader& r, MeterBand& b) {
  if (r.remaining() < 16) return fail(Error::OFPBRC_BAD_LEN);
  uint16_t type = r.u16(), length = r.u16();
  if (type != static_cast<uint16_t>(MeterBandType::kDrop) && type != static_cast<uint16_t>(MeterBandType::kDscpRemark)) return fail(Error::OFPMMFC_BAD_BAND);
  if (length != 16) return fail(Error::OFPBRC_BAD_LEN);
  b.type = static_cast<MeterBandType>(type);
  b.rate = r.u32();
  b.burst_size = r.u32();
  b.prec_level = r.u8();
  r.skip(3);
  return {};
}

Status decode_bands(ByteReader& r, std::vector<MeterBand>& bands) {
  while (r.remaining()) {
    if (Status s = decode_band(r, bands.emplace_back()); !s) return s;
  }
  return {};
}

void encode_bands(ByteWriter& w, const MeterConfig& m) {
  for (const MeterBand& b : m.bands) {
    w.u16(static_cast<uint16_t>(b.type));
    w.u16(16);
    w.u32(b.rate);
    w.u32(b.burst_size);
    w.u8(b.type == MeterBandType::kDscpRemark ? b.prec_level : 0);
    w.zeros(3);
  }
}

constexpr uint16_t kMeterFlags = OFPMF_KBPS | OFPMF_PKTPS | OFPMF_BURST | OFPMF_STATS;

Status decode_meter_stats(ByteReader& r, MeterStats& m) {
  if (r.remaining() < 40) return fail(Error::OFPBRC_BAD_LEN);
  m.meter_id = r.u32();
  uint16_t length = r.u16();
  if (length < 40 || (length - 40) % 16 || length - 6u > r.remaining()) return fail(Error::OFPBRC_BAD_LEN);
  ByteReader in = r.sub(length - 6);
  in.skip(6);
  m.flow_count = in.u32();
  m.packet_in_count = in.u64();
  m.byte_in_count = in.u64();
  m.duration_sec = in.u32();
  m.duration_nsec = in.u32();
  while (in.remaining()) m.bands.push_back({in.u64(), in.u64()});
  return {};
}

void encode_meter_stats(ByteWriter& w, const MeterStats& m) {
  size_t start = w.size();
  w.u32(m.meter_id);
  w.zeros(8);
  w.u32(m.flow_count);
  w.u64(m.packet_in_count);
  w.u64(m.byte_in_count);
  w.u32(m.duration_sec);
  w.u32(m.duration_nsec);
  for (const BucketCounter& b : m.bands) {
    w.u64(b.packet_count);
    w.u64(b.byte_count);
  }
  w.patch_u16(start + 4, static_cast<uint16_t>(w.size() - start));
}

}  // namespace

Status decode_body(ByteReader& r, const BodyContext& ctx, GroupStatsReply& m) {
  while (r.remaining()) {
    if (Status s = decode_group_stats(r, ctx, m.groups.emplace_back()); !s) return s;
  }
  return {};
}

Status encode_body(ByteWriter& w, const BodyContext& ctx, const GroupStatsReply& m) {
  for (const GroupStats& g : m.groups) {
    size_t start = w.size();
    encode_group_stats(w, ctx, g);
    if (Status s = entry_done(ctx, start); !s) return s;
  }
  return {};
}

Status decode_body(ByteReader& r, const BodyContext&, MeterMod& m) {
  uint16_t command = r.u16();
  m.meter.flags = r.u16();
  m.meter.meter_id = r.u32();
  if (!r.ok()) return fail(Error::OFPBRC_BAD_LEN);
  if (command > static_cast<uint16_t>(MeterCommand::kDelete)) return fail(Error::OFPMMFC_BAD_COMMAND);
  m.command = static_cast<MeterCommand>(command);
  if (m.command == MeterCommand::kDelete) {  // what follows says nothing
    r.rest();
    m.meter.flags = 0;
    return {};
  }
  constexpr uint16_t kUnits = OFPMF_KBPS | OFPMF_PKTPS;
  if ((m.meter.flags & ~kMeterFlags) || (m.meter.flags & kUnits) == kUnits) return fail(Error::OFPMMFC_BAD_FLAGS);
  return decode_bands(r, m.meter.bands);
}

Status encode_body(ByteWriter& w, const BodyContext&, const MeterMod& m) {
  w.u16(static_cast<uint16_t>(m.command));
  w.u16(m.meter.flags);
  w.u32(m.meter.meter_id);
  encode_bands(w, m.meter);
  return {};
}

Status decode_body(ByteReader& r, const BodyContext&, MeterRequest& m) {
  m.meter_id = r.u32();
  r.skip(4);
  return {};
}
Status encode_body(ByteWriter& w, const BodyContext&, const MeterRequest& m) {
  w.u32(m.meter_id);
  w.zeros(4);
  return {};
}

Status decode_body(ByteReader& r, const BodyContext&, MeterConfigReply& m) {
  while (r.remaining()) {
    MeterConfig& c = m.meters.emplace_back();
    if (r.remaining() < 8) return fail(Error::OFPBRC_BAD_LEN);
    uint16_t length = load_be<uint16_t>(r.position());
    if (length < 8 || length > r.remaining()) return fail(Error::OFPBRC_BAD_LEN);
    ByteReader in = r.sub(length);
    in.skip(2);
    c.flags = in.u16();
    c.meter_id = in.u32();
    if (Status s = decode_bands(in, c.bands); !s) return s;
  }
  return {};
}

Status encode_body(ByteWriter& w, const BodyContext& ctx, const MeterConfigReply& m) {
  for (const MeterConfig& c : m.meters) {
    size_t start = w.size();
    w.u16(0);
    w.u16(c.flags);
    w.u32(c.meter_id);
    encode_bands(w, c);
    w.patch_u16(start, static_cast<uint16_t>(w.size() - start));
    if (Status s = entry_done(ctx, start); !s) return s;
  }
  return {};
}

Status decode_body(ByteReader& r, const BodyContext&, MeterStatsReply& m) {
  while (r.remaining()) {
    if (Status s = decode_meter_stats(r, m.meters.emplace_back()); !s) return s;
  }
  return {};
}

Status encode_body(ByteWriter& w, const BodyContext& ctx, const MeterStatsReply& m) {
  for (const MeterStats& s : m.meters) {
    size_t start = w.size();
    encode_meter_stats(w, s);
    if (Status done = entry_done(ctx, start); !done) return done;
  }
  return {};
}

Status decode_body(ByteReader& r, const BodyContext&, MeterFeatures& m) {
  m.max_meters = r.u32();
  m.band_types = r.u32();
  m.capabilities = r.u32();
  m.max_bands = r.u8();
  m.max_color = r.u8();
  r.skip(2);
  return {};
}

Status encode_body(ByteWriter& w, const BodyContext&, const MeterFeatures& m) {
  w.u32(m.max_meters);
  w.u32(m.band_types);
  w.u32(m.capabilities);
  w.u8(m.max_bands);
  w.u8(m.max_color);
  w.zeros(2);
  return {};
}

}  // namespace sluice::ofp
