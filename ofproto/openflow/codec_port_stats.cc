// SPDX-License-Identifier: Apache-2.0
// Codec: statistics of ports and queues, queue configuration and descriptions.
#include "ofproto/openflow/codec_body.h"
#include "ofproto/openflow/codec_port.h"
#include "ofproto/openflow/codec_property.h"
#include "ofproto/openflow/message_ids.h"

namespace sluice::ofp {
namespace {

constexpr uint16_t kEthernetProperty = 0, kExperimenterProperty = 0xffff;
constexpr uint32_t kIntelRfc2819 = 1, kIntelCustom = 2;

Status decode_custom(ByteReader& r, PortStats& p) {
  r.skip(2);
  uint16_t n = r.u16();
  for (uint16_t i = 0; i < n && r.ok(); i++) {
    ByteView name = r.bytes(r.u8());
    p.custom.push_back({std::string(name.begin(), name.end()), r.u64()});
  }
  return r.ok() ? Status{} : fail(Error::OFPBPC_BAD_LEN);
}

Status decode_port_property(Property& prop, PortStats& p) {
  ByteReader& v = prop.value;
  if (prop.type == kEthernetProperty) {
    v.skip(4);
    for (uint64_t* x : {&p.rx_frame_err, &p.rx_over_err, &p.rx_crc_err, &p.collisions}) *x = v.u64();
    return v.ok() && !v.remaining() ? Status{} : fail(Error::OFPBPC_BAD_LEN);
  }
  if (prop.is_experimenter() && prop.experimenter == kIntelVendor && prop.exp_type == kIntelCustom) return decode_custom(v, p);
  if (prop.is_experimenter() && prop.experimenter == kIntelVendor && prop.exp_type == kIntelRfc2819) {
    v.skip(4);
    for (size_t i = 0; i < kRfc2819Counters; i++) p.rfc2819.push_back(v.u64());
    return v.ok() ? Status{} : fail(Error::OFPBPC_BAD_LEN);
  }
  return {};  // statistics: what we do not know is skipped
}

Status decode_port_stats14(ByteReader& r, PortStats& p) {
  if (r.remaining() < 80) return fail(Error::OFPBRC_BAD_LEN);
  uint16_t length = load_be<uint16_t>(r.position());
  if (length < 80 || length > r.remaining()) return fail(Error::OFPBRC_BAD_LEN);
  ByteReader b = r.sub(length);
  b.skip(4);
  if (Status s = read_port(b, Version::k14, Error::OFPBRC_BAD_LEN, p.port_no); !s) return s;
  p.duration_sec = b.u32();
  p.duration_nsec = b.u32();
  for (uint64_t* x : {&p.rx_packets, &p.tx_packets, &p.rx_bytes, &p.tx_bytes, &p.rx_dropped, &p.tx_dropped, &p.rx_errors, &p.tx_errors}) *x = b.u64();
  while (b.remaining()) {
    auto prop = next_property(b);
    if (!prop) return fail(prop.error());
    if (Status s = decode_port_property(*prop, p); !s) return s;
  }
  return {};
}

Status decode_port_stats(ByteReader& r, Version v, PortStats& p) {
  if (v >= Version::k14) return decode_port_stats14(r, p);
  if (Status s = read_port(r, v, Error::OFPBRC_BAD_LEN, p.port_no); !s) return s;
  r.skip(v == Version::k10 ? 6 : 4);
  for (uint64_t* x : {&p.rx_packets, &p.tx_packets, &p.rx_bytes, &p.tx_bytes, &p.rx_dropped, &p.tx_dropped, &p.rx_errors, &p.tx_errors,
                      &p.rx_frame_err, &p.rx_over_err, &p.rx_crc_err, &p.collisions})
    *x = r.u64();
  if (v == Version::k13) {
    p.duration_sec = r.u32();
    p.duration_nsec = r.u32();
  }
  return {};
}

void encode_custom(ByteWriter& w, const PortStats& p) {
  PropertyWriter prop(w, kExperimenterProperty);
  w.u32(kIntelVendor);
  w.u32(kIntelCustom);
  w.zeros(2);
  size_t count_at = w.size();
  w.u16(0);
  constexpr size_t kMaxCustom = 32000;  // bytes; so that a port's entry fits into a message
  uint16_t n = 0;
  for (const CustomStat& c : p.custom) {
    if (w.size() - count_at > kMaxCustom) break;
    std::string_view name = std::string_view(c.name).substr(0, 255);
    w.u8(static_cast<uint8_t>(name.size()));
    w.bytes(name.data(), name.size());
    w.u64(c.value);
    n++;
  }
  w.patch_u16(count_at, n);
  prop.close();
}

void encode_port_stats14(ByteWriter& w, const PortStats& p) {
  size_t start = w.size();
  w.zeros(4);
  w.u32(p.port_no.value);
  w.u32(p.duration_sec);
  w.u32(p.duration_nsec);
  for (uint64_t x : {p.rx_packets, p.tx_packets, p.rx_bytes, p.tx_bytes, p.rx_dropped, p.tx_dropped, p.rx_errors, p.tx_errors}) w.u64(x);
  PropertyWriter ethernet(w, kEthernetProperty);
  w.zeros(4);
  for (uint64_t x : {p.rx_frame_err, p.rx_over_err, p.rx_crc_err, p.collisions}) w.u64(x);
  ethernet.close();
  if (p.rfc2819.size() == kRfc2819Counters) {
    PropertyWriter prop(w, kExperimenterProperty);
    w.u32(kIntelVendor);
    w.u32(kIntelRfc2819);
    w.zeros(4);
    for (uint64_t x : p.rfc2819) w.u64(x);
    prop.close();
  }
  if (!p.custom.empty()) encode_custom(w, p);
  w.patch_u16(start, static_cast<uint16_t>(w.size() - start));
}

void encode_port_stats(ByteWriter& w, Version v, const PortStats& p) {
  if (v >= Version::k14) return encode_port_stats14(w, p);
  write_port(w, v, p.port_no);
  w.zeros(v == Version::k10 ? 6 : 4);
  for (uint64_t x : {p.rx_packets, p.tx_packets, p.rx_bytes, p.tx_bytes, p.rx_dropped, p.tx_dropped, p.rx_errors, p.tx_errors, p.rx_frame_err,
                     p.rx_over_err, p.rx_crc_err, p.collisions})
    w.u64(x);
  if (v == Version::k13) {
    w.u32(p.duration_sec);
    w.u32(p.duration_nsec);
  }
}

// --- Queues ---

bool is_queue_statistics(const BodyContext& ctx) {
  return ctx.type == MessageType::OFPST_QUEUE_REQUEST || ctx.type == MessageType::OFPST_QUEUE_DESC_REQUEST;
}

enum : uint16_t { kMinRate = 1, kMaxRate = 2 };

/// Properties of a queue in QUEUE_GET_CONFIG replies: u16 type, u16 length, 4 zeros, u16 rate, 6 zeros.
Status decode_old_queue_properties(ByteReader& r, QueueDesc& q) {
  while (r.remaining()) {
    if (r.remaining() < 8) return fail(Error::OFPBRC_BAD_LEN);
    uint16_t type = load_be<uint16_t>(r.position()), length = load_be<uint16_t>(r.position() + 2);
    if (length < 8 || length % 8 || length > r.remaining()) return fail(Error::OFPBRC_BAD_LEN);
    ByteReader p = r.sub(length);
    p.skip(8);
    if (type != kMinRate && type != kMaxRate) continue;
    if (length != 16) return fail(Error::OFPBRC_BAD_LEN);
    (type == kMinRate ? q.min_rate : q.max_rate) = p.u16();
  }
  return {};
}

Status decode_old_queue(ByteReader& r, Version v, OfpPort port, QueueDesc& q) {
  size_t head = v < Version::k12 ? 8 : 16, length_at = v < Version::k12 ? 4 : 8;
  if (r.remaining() < head) return fail(Error::OFPBRC_BAD_LEN);
  uint16_t length = load_be<uint16_t>(r.position() + length_at);
  if (length < head || length > r.remaining()) return fail(Error::OFPBRC_BAD_LEN);
  ByteReader b = r.sub(length);
  q.queue_id = b.u32();
  q.port_no = port;
  if (v >= Version::k12) q.port_no = OfpPort{b.u32()};
  b.skip(v < Version::k12 ? 4 : 8);
  return decode_old_queue_properties(b, q);
}

void encode_old_queue(ByteWriter& w, Version v, const QueueDesc& q) {
  size_t start = w.size(), length_at = start + (v < Version::k12 ? 4 : 8);
  w.u32(q.queue_id);
  if (v >= Version::k12) w.u32(q.port_no.value);
  w.zeros(v < Version::k12 ? 4 : 8);
  for (auto [type, rate] : {std::pair{kMinRate, q.min_rate}, std::pair{kMaxRate, q.max_rate}}) {
    if (rate > 1000) continue;
    w.u16(type);
    w.u16(16);
    w.zeros(4);
    w.u16(rate);
    w.zeros(6);
  }
  w.patch_u16(length_at, static_cast<uint16_t>(w.size() - start));
}

Status decode_queue_desc(ByteReader& r, QueueDesc& q) {
  if (r.remaining() < 16) return fail(Error::OFPBRC_BAD_LEN);
  uint16_t length = load_be<uint16_t>(r.position() + 8);
  if (length < 16 || length > r.remaining()) return fail(Error::OFPBRC_BAD_LEN);
  ByteReader b = r.sub(length);
  if (Status s = read_port(b, Version::k14, Error::OFPBRC_BAD_LEN, q.port_no); !s) return s;
  q.queue_id = b.u32();
  b.skip(8);
  while (b.remaining()) {
    auto p = next_property(b);
    if (!p) return fail(p.error());
    if (p->type == kMinRate) q.min_rate = p->value.u16();
    if (p->type == kMaxRate) q.max_rate = p->value.u16();
    if (!p->value.ok()) return fail(Error::OFPBPC_BAD_LEN);
  }
  return {};
}

void encode_queue_desc(ByteWriter& w, const QueueDesc& q) {
  size_t start = w.size();
  w.u32(q.port_no.value);
  w.u32(q.queue_id);
  w.zeros(8);
  for (auto [type, rate] : {std::pair{kMinRate, q.min_rate}, std::pair{kMaxRate, q.max_rate}}) {
    if (rate <= 1000) put_property_u32(w, type, static_cast<uint32_t>(rate) << 16);
  }
  w.patch_u16(start + 8, static_cast<uint16_t>(w.size() - start));
}

}  // namespace

Status decode_body(ByteReader& r, const BodyContext& ctx, PortStatsReply& m) {
  while (r.ok() && r.remaining()) {
    if (Status s = decode_port_stats(r, ctx.version, m.ports.emplace_back()); !s) return s;
  }
  return {};
}

Status encode_body(ByteWriter& w, const BodyContext& ctx, const PortStatsReply& m) {
  for (const PortStats& p : m.ports) {
    size_t start = w.size();
    encode_port_stats(w, ctx.version, p);
    if (Status s = entry_done(ctx, start); !s) return s;
  }
  return {};
}

Status decode_body(ByteReader& r, const BodyContext& ctx, QueueRequest& m) {
  bool v10 = ctx.version == Version::k10, statistics = is_queue_statistics(ctx);
  Status s = read_port(r, ctx.version, Error::OFPQOFC_BAD_PORT, m.port_no);
  if (statistics) {
    if (v10) r.skip(2);
    m.queue_id = r.u32();
    if (v10 && m.port_no == OFPP_ALL) m.port_no = OFPP_NONE;
  } else if (ctx.type == MessageType::OFPST_QUEUE_DESC_REQUEST) {
    m.queue_id = r.u32();
  } else {
    r.skip(v10 ? 2 : 4);
    if (m.port_no.value >= OFPP_MAX && m.port_no != OFPP_NONE) return fail(Error::OFPQOFC_BAD_PORT);  // OF1.3.5 7.3.6: a physical port
  }
  return r.ok() ? s : fail(Error::OFPBRC_BAD_LEN);
}

Status encode_body(ByteWriter& w, const BodyContext& ctx, const QueueRequest& m) {
  bool v10 = ctx.version == Version::k10, statistics = is_queue_statistics(ctx);
  write_port(w, ctx.version, v10 && statistics && m.port_no == OFPP_NONE ? OFPP_ALL : m.port_no);
  if (statistics) {
    if (v10) w.zeros(2);
    w.u32(m.queue_id);
  } else if (ctx.type == MessageType::OFPST_QUEUE_DESC_REQUEST) {
    w.u32(m.queue_id);
  } else {
    w.zeros(v10 ? 2 : 4);
  }
  return {};
}

Status decode_body(ByteReader& r, const BodyContext& ctx, QueueStatsReply& m) {
  while (r.ok() && r.remaining()) {
    QueueStats& q = m.queues.emplace_back();
    ByteReader b = r;
    size_t size = ctx.version >= Version::k13 ? 40 : 32;
    if (ctx.at_least(Version::k14)) {
      if (r.remaining() < 48) return fail(Error::OFPBRC_BAD_LEN);
      size = load_be<uint16_t>(r.position());
      if (size < 48 || size > r.remaining()) return fail(Error::OFPBRC_BAD_LEN);
    }
    b = r.sub(size);
    if (ctx.at_least(Version::k14)) b.skip(8);
    if (Status s = read_port(b, ctx.version, Error::OFPBRC_BAD_LEN, q.port_no); !s) return s;
    if (ctx.version == Version::k10) b.skip(2);
    q.queue_id = b.u32();
    q.tx_bytes = b.u64();
    q.tx_packets = b.u64();
    q.tx_errors = b.u64();
    if (ctx.version < Version::k13) continue;
    q.duration_sec = b.u32();
    q.duration_nsec = b.u32();
  }
  return {};
}

Status encode_body(ByteWriter& w, const BodyContext& ctx, const QueueStatsReply& m) {
  for (const QueueStats& q : m.queues) {
    size_t start = w.size();
    if (ctx.at_least(Version::k14)) {
      w.u16(48);
      w.zeros(6);
    }
    write_port(w, ctx.version, q.port_no);
    if (ctx.version == Version::k10) w.zeros(2);
    w.u32(q.queue_id);
    w.u64(q.tx_bytes);
    w.u64(q.tx_packets);
    w.u64(q.tx_errors);
    if (ctx.at_least(Version::k13)) {
      w.u32(q.duration_sec);
      w.u32(q.duration_nsec);
    }
    if (Status s = entry_done(ctx, start); !s) return s;
  }
  return {};
}

Status decode_body(ByteReader& r, const BodyContext& ctx, QueueDescReply& m) {
  bool old = ctx.type == MessageType::OFPT_QUEUE_GET_CONFIG_REPLY;
  if (old) {
    if (Status s = read_port(r, ctx.version, Error::OFPBRC_BAD_LEN, m.port_no); !s) return s;
    r.skip(ctx.version == Version::k10 ? 6 : 4);
  }
  while (r.ok() && r.remaining()) {
    QueueDesc& q = m.queues.emplace_back();
    Status s = old ? decode_old_queue(r, ctx.version, m.port_no, q) : decode_queue_desc(r, q);
    if (!s) return s;
  }
  return {};
}

Status encode_body(ByteWriter& w, const BodyContext& ctx, const QueueDescReply& m) {
  bool old = ctx.type == MessageType::OFPT_QUEUE_GET_CONFIG_REPLY;
  if (old) {
    write_port(w, ctx.version, m.port_no);
    w.zeros(ctx.version == Version::k10 ? 6 : 4);
  }
  for (const QueueDesc& q : m.queues) {
    size_t start = w.size();
    if (old) {
      encode_old_queue(w, ctx.version, q);
    } else {
      encode_queue_desc(w, q);
      if (Status s = entry_done(ctx, start); !s) return s;
    }
  }
  return {};
}

}  // namespace sluice::ofp
