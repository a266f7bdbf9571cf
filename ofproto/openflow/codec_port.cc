// SPDX-License-Identifier: Apache-2.0
// Codec: port numbers and port structures (OF1.0.1 5.2.1, OF1.3.5 7.2.1, OF1.4.0 7.2.1), port status, port mod, port descriptions.
#include "ofproto/openflow/codec_port.h"

#include "ofproto/openflow/codec_body.h"
#include "ofproto/openflow/codec_property.h"

namespace sluice::ofp {
namespace {

constexpr uint32_t kConfig11 = OFPPC_PORT_DOWN | OFPPC_NO_RECV | OFPPC_NO_FWD | OFPPC_NO_PACKET_IN;
constexpr uint32_t kConfig10 = kConfig11 | OFPPC_NO_STP | OFPPC_NO_RECV_STP | OFPPC_NO_FLOOD;
constexpr uint32_t kState11 = OFPPS_LINK_DOWN | OFPPS_BLOCKED | OFPPS_LIVE;
constexpr uint32_t kState10 = OFPPS_LINK_DOWN | OFPPS_STP_MASK;
constexpr size_t kPortName = 16;
constexpr uint16_t kEthernetProperty = 0;
constexpr uint32_t kCopper11Shift = 4;  // copper..pause_asym: bits 7-11 in 1.0, 11-15 in 1.1+
constexpr uint32_t kSpeedBits = 0x7f, kMedia10 = 0xf80;

constexpr uint32_t config_bits(Version v) { return v == Version::k10 ? kConfig10 : kConfig11; }

Status decode_port14(ByteReader& r, PortDesc& p) {
  if (r.remaining() < 40) return fail(Error::OFPBRC_BAD_LEN);
  uint16_t length = load_be<uint16_t>(r.position() + 4);
  if (length < 40 || length > r.remaining()) return fail(Error::OFPBRC_BAD_LEN);
  ByteReader b = r.sub(length);
  if (Status s = read_port(b, Version::k14, Error::OFPBRC_BAD_LEN, p.port_no); !s) return s;
  b.skip(4);
  b.copy(p.hw_addr.b.data(), 6);
  b.skip(2);
  p.name = read_text(b, kPortName);
  p.config = b.u32() & kConfig11;
  p.state = b.u32() & kState11;
  while (b.remaining()) {
    auto prop = next_property(b);
    if (!prop) return fail(prop.error());
    if (prop->type != kEthernetProperty) continue;  // a description: what we do not know is no error
    if (prop->value.remaining() != 28) return fail(Error::OFPBPC_BAD_LEN);
    prop->value.skip(4);
    for (uint32_t* x : {&p.curr, &p.advertised, &p.supported, &p.peer, &p.curr_speed_kbps, &p.max_speed_kbps}) *x = prop->value.u32();
  }
  return {};
}

void encode_port14(ByteWriter& w, const PortDesc& p) {
  size_t start = w.size();
  w.u32(p.port_no.value);
  w.zeros(4);
  w.bytes(p.hw_addr.b);
  w.zeros(2);
  w.text(p.name, kPortName);
  w.u32(p.config & kConfig11);
  w.u32(p.state & kState11);
  PropertyWriter prop(w, kEthernetProperty);
  w.zeros(4);
  for (uint32_t x : {p.curr, p.advertised, p.supported, p.peer, p.curr_speed_kbps, p.max_speed_kbps}) w.u32(x);
  prop.close();
  w.patch_u16(start + 4, static_cast<uint16_t>(w.size() - start));
}

Status decode_port_mod_properties(ByteReader& r, PortMod& m) {
  while (r.remaining()) {
    auto p = next_property(r);
    if (!p) return fail(p.error());
    if (p->type != kEthernetProperty) return fail(unknown_property(*p));
    if (p->value.remaining() != 4) return fail(Error::OFPBPC_BAD_LEN);
    m.advertise = p->value.u32();
  }
  return {};
}

}  // namespace

Status read_port(ByteReader& r, Version v, Error bad, OfpPort& out) {
  if (v == Version::k10) {
    auto p = port_from_of10(r.u16());
    if (!p) return fail(bad);
    out = *p;
    return {};
  }
  out = OfpPort{r.u32()};
  if (!is_port_valid(out)) return fail(bad);
  return {};
}

void write_port(ByteWriter& w, Version v, OfpPort p) {
  if (v == Version::k10) w.u16(port_to_of10(p));
  else w.u32(p.value);
}

uint32_t port_features_from_wire10(uint32_t wire) { return (wire & kSpeedBits) | (wire & kMedia10) << kCopper11Shift; }
uint32_t port_features_to_wire10(uint32_t f) { return (f & kSpeedBits) | (f >> kCopper11Shift & kMedia10); }

uint32_t speed_kbps(uint32_t f) {
  struct { uint32_t bits, kbps; } constexpr kSpeeds[] = {
      {OFPPF_1TB_FD, 1'000'000'000}, {OFPPF_100GB_FD, 100'000'000}, {OFPPF_40GB_FD, 40'000'000}, {OFPPF_10GB_FD, 10'000'000},
      {OFPPF_1GB_HD | OFPPF_1GB_FD, 1'000'000}, {OFPPF_100MB_HD | OFPPF_100MB_FD, 100'000}, {OFPPF_10MB_HD | OFPPF_10MB_FD, 10'000}};
  for (auto s : kSpeeds)
    if (f & s.bits) return s.kbps;
  return 0;
}

size_t port_size(Version v) { return v == Version::k10 ? 48 : v < Version::k14 ? 64 : 72; }

Status decode_port(ByteReader& r, Version v, PortDesc& p) {
  if (v >= Version::k14) return decode_port14(r, p);
  bool v10 = v == Version::k10;
  if (r.remaining() < port_size(v)) return fail(Error::OFPBRC_BAD_LEN);
  if (Status s = read_port(r, v, Error::OFPBRC_BAD_LEN, p.port_no); !s) return s;
  if (!v10) r.skip(4);
  r.copy(p.hw_addr.b.data(), 6);
  if (!v10) r.skip(2);
  p.name = read_text(r, kPortName);
  p.config = r.u32() & config_bits(v);
  p.state = r.u32() & (v10 ? kState10 : kState11);
  for (uint32_t* x : {&p.curr, &p.advertised, &p.supported, &p.peer}) *x = v10 ? port_features_from_wire10(r.u32()) : r.u32();
  p.curr_speed_kbps = v10 ? speed_kbps(p.curr) : r.u32();
  p.max_speed_kbps = v10 ? speed_kbps(p.supported) : r.u32();
  return {};
}

void encode_port(ByteWriter& w, Version v, const PortDesc& p) {
  if (v >= Version::k14) return encode_port14(w, p);
  bool v10 = v == Version::k10;
  write_port(w, v, p.port_no);
  if (!v10) w.zeros(4);
  w.bytes(p.hw_addr.b);
  if (!v10) w.zeros(2);
  w.text(p.name, kPortName);
  w.u32(p.config & config_bits(v));
  w.u32(p.state & (v10 ? kState10 : kState11));
  for (uint32_t x : {p.curr, p.advertised, p.supported, p.peer}) w.u32(v10 ? port_features_to_wire10(x) : x);
  if (v10) return;
  w.u32(p.curr_speed_kbps);
  w.u32(p.max_speed_kbps);
}

Status decode_body(ByteReader& r, const BodyContext& ctx, PortStatus& m) {
  uint8_t reason = r.u8();
  r.skip(7);
  if (reason > static_cast<uint8_t>(PortReason::kModify)) return fail(Error::NXBRC_BAD_REASON);
  m.reason = static_cast<PortReason>(reason);
  return decode_port(r, ctx.version, m.port);
}

Status encode_body(ByteWriter& w, const BodyContext& ctx, const PortStatus& m) {
  w.u8(static_cast<uint8_t>(m.reason));
  w.zeros(7);
  encode_port(w, ctx.version, m.port);
  return {};
}

Status decode_body(ByteReader& r, const BodyContext& ctx, PortMod& m) {
  bool v10 = ctx.version == Version::k10;
  if (Status s = read_port(r, ctx.version, Error::OFPPMFC_BAD_PORT, m.port_no); !s) return s;
  if (!v10) r.skip(4);
  r.copy(m.hw_addr.b.data(), 6);
  if (!v10) r.skip(2);
  uint32_t config = r.u32(), mask = r.u32();
  m.config = config & config_bits(ctx.version);
  m.mask = mask & config_bits(ctx.version);
  if (ctx.at_least(Version::k14)) return decode_port_mod_properties(r, m);
  uint32_t advertise = r.u32();
  m.advertise = v10 ? port_features_from_wire10(advertise) : advertise;
  r.skip(4);
  return {};
}

Status encode_body(ByteWriter& w, const BodyContext& ctx, const PortMod& m) {
  bool v10 = ctx.version == Version::k10;
  write_port(w, ctx.version, m.port_no);
  if (!v10) w.zeros(4);
  w.bytes(m.hw_addr.b);
  if (!v10) w.zeros(2);
  w.u32(m.config & config_bits(ctx.version));
  w.u32(m.mask & config_bits(ctx.version));
  if (ctx.at_least(Version::k14)) {
    if (m.advertise) put_property_u32(w, kEthernetProperty, m.advertise);
    return {};
  }
  w.u32(v10 ? port_features_to_wire10(m.advertise) : m.advertise);
  w.zeros(4);
  return {};
}

Status decode_body(ByteReader& r, const BodyContext& ctx, PortRequest& m) {
  bool description = ctx.type == MessageType::OFPST_PORT_DESC_REQUEST;
  if (description && ctx.version < Version::k15) return {};
  Status s = read_port(r, ctx.version, Error::OFPBRC_BAD_PORT, m.port_no);
  r.skip(ctx.version == Version::k10 ? 6 : 4);
  return s;
}

Status encode_body(ByteWriter& w, const BodyContext& ctx, const PortRequest& m) {
  bool description = ctx.type == MessageType::OFPST_PORT_DESC_REQUEST;
  if (description && ctx.version < Version::k15) return {};
  write_port(w, ctx.version, m.port_no);
  w.zeros(ctx.version == Version::k10 ? 6 : 4);
  return {};
}

Status decode_body(ByteReader& r, const BodyContext& ctx, PortDescReply& m) {
  while (r.ok() && r.remaining()) {
    if (Status s = decode_port(r, ctx.version, m.ports.emplace_back()); !s) return s;
  }
  return {};
}

Status encode_body(ByteWriter& w, const BodyContext& ctx, const PortDescReply& m) {
  for (const PortDesc& p : m.ports) {
    size_t start = w.size();
    encode_port(w, ctx.version, p);
    if (Status s = entry_done(ctx, start); !s) return s;
  }
  return {};
}

}  // namespace sluice::ofp
