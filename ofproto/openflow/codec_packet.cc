// SPDX-License-Identifier: Apache-2.0
// Codec: packet-in (standard forms and NXT_PACKET_IN), packet-out.  NXT_PACKET_IN2 and NXT_RESUME are in codec_packet_in2.cc.
#include "ofproto/openflow/codec_flow.h"
#include "ofproto/openflow/codec_packet.h"
#include "ofproto/openflow/codec_port.h"

namespace sluice::ofp {
namespace {

void take_data(ByteReader& r, Bytes& out) {
  ByteView v = r.rest();
  out.assign(v.begin(), v.end());
}

Status decode_in_port(ByteReader& r, Version v, Match& metadata) {
  OfpPort port;
  if (Status s = read_port(r, v, Error::OFPBRC_BAD_PORT, port); !s) return s;
  metadata.set_in_port(port);
  return {};
}

Status decode_packet_in10(ByteReader& r, PacketIn& m) {
  m.buffer_id = r.u32();
  m.total_len = r.u16();
  if (Status s = decode_in_port(r, Version::k10, m.metadata); !s) return s;
  Status s = decode_packet_in_reason(r.u8(), m);
  r.skip(1);
  return s;
}

Status decode_packet_in11(ByteReader& r, PacketIn& m) {
  m.buffer_id = r.u32();
  if (Status s = decode_in_port(r, Version::k11, m.metadata); !s) return s;
  r.skip(4);
  m.total_len = r.u16();
  Status s = decode_packet_in_reason(r.u8(), m);
  m.table_id = r.u8();
  return s;
}

Status decode_packet_in12(ByteReader& r, const BodyContext& ctx, PacketIn& m) {
  m.buffer_id = r.u32();
  m.total_len = r.u16();
  if (Status s = decode_packet_in_reason(r.u8(), m); !s) return s;
  m.table_id = r.u8();
  if (ctx.at_least(Version::k13)) m.cookie = r.u64();
  if (!r.ok()) return fail(Error::OFPBRC_BAD_LEN);
  Status s = take(decode_oxm_match(r, ctx.tlv(), false), m.metadata);
  r.skip(2);
  return s;
}

Status decode_nxt_packet_in(ByteReader& r, const BodyContext& ctx, PacketIn& m) {
  m.buffer_id = r.u32();
  m.total_len = r.u16();
  if (Status s = decode_packet_in_reason(r.u8(), m); !s) return s;
  m.table_id = r.u8();
  m.cookie = r.u64();
  uint16_t match_len = r.u16();
  r.skip(6);
  if (!r.ok()) return fail(Error::OFPBRC_BAD_LEN);
  size_t padded = (match_len + 7) / 8 * 8;
  if (padded > r.remaining()) return fail(Error::OFPBRC_BAD_LEN);
  Status s = take(decode_nxm(r.bytes(padded).first(match_len), ctx.tlv(), nullptr, false), m.metadata);
  r.skip(2);
  return s;
}

void put_port_of(ByteWriter& w, Version v, const Match& metadata) { write_port(w, v, OfpPort{metadata.value.in_port.host()}); }

void encode_nxt_packet_in(ByteWriter& w, const BodyContext& ctx, const PacketIn& m) {
  w.u32(m.buffer_id);
  w.u16(static_cast<uint16_t>(m.total_len));
  w.u8(packet_in_reason_to_wire(m.reason, ctx.version));
  w.u8(m.table_id);
  w.u64(m.cookie);
  size_t length_at = w.size();
  w.zeros(8);
  size_t start = w.size();
  size_t length = encode_nxm(m.metadata, w, ctx.version, ctx.tlv());
  w.patch_u16(length_at, static_cast<uint16_t>(length));
  w.pad(start, 8);
  w.zeros(2);
  w.bytes(m.data);
}

bool is_packet_out_port(OfpPort p) { return p.value < OFPP_MAX || p == OFPP_LOCAL || p == OFPP_NONE || p == OFPP_CONTROLLER; }

/// The fields of 1.5 packet-outs: what the pipeline knows of a packet besides its bytes (OF1.5.1 7.3.6).
bool is_pipeline_only(const Match& m) {
  Flow rest = m.mask;
  rest.in_port = rest.in_phy_port = rest.packet_type = rest.actset_output = be32();
  rest.metadata = be64();
  for (be32& reg : rest.reg) reg = be32();
  rest.tunnel = FlowTunnel{};
  rest.tun_present = be64();
  std::memset(rest.tun_metadata, 0, sizeof rest.tun_metadata);
  return rest == zero_flow();
}

Status decode_packet_out15(ByteReader& r, const BodyContext& ctx, size_t& actions_len, PacketOut& m) {
  m.buffer_id = r.u32();
  actions_len = r.u16();
  r.skip(2);
  if (!r.ok()) return fail(Error::OFPBRC_BAD_LEN);
  // A field that has prerequisites is one of a packet.
  ByteReader again = r;
  if (auto m15 = decode_oxm_match(again, ctx.tlv(), true); !m15 && m15.error() == Error::OFPBMC_BAD_PREREQ) return fail(Error::OFPBRC_PIPELINE_FIELDS_ONLY);
  // Open vSwitch counts the padding of this match as a part of it, which reads as an unknown field.
  if (Status s = take(decode_oxm_match(r, ctx.tlv(), false), m.metadata); !s) return s;
  if (!is_pipeline_only(m.metadata)) return fail(Error::OFPBRC_PIPELINE_FIELDS_ONLY);
  if (!m.metadata.mask.in_port) return fail(Error::OFPBRC_BAD_PORT);
  return {};
}

}  // namespace

Status decode_packet_in_reason(uint8_t wire, PacketIn& m) {
  if (wire >= kPacketInReasons) return fail(Error::NXBRC_BAD_REASON);
  m.reason = static_cast<PacketInReason>(wire);
  return {};
}

uint8_t packet_in_reason_to_wire(PacketInReason reason, Version v) {
  bool known = v >= Version::k14 || reason <= PacketInReason::kInvalidTtl;
  return static_cast<uint8_t>(known ? reason : PacketInReason::kAction);
}

Status decode_body(ByteReader& r, const BodyContext& ctx, PacketIn& m) {
  if (ctx.type == MessageType::NXT_PACKET_IN2 || ctx.type == MessageType::NXT_RESUME) return decode_packet_in2(r, ctx, m);
  Status s = ctx.type == MessageType::NXT_PACKET_IN ? decode_nxt_packet_in(r, ctx, m)
             : ctx.version == Version::k10          ? decode_packet_in10(r, m)
             : ctx.version == Version::k11          ? decode_packet_in11(r, m)
                                                    : decode_packet_in12(r, ctx, m);
  if (!r.ok()) return fail(Error::OFPBRC_BAD_LEN);
  take_data(r, m.data);
  return s;
}

Status encode_body(ByteWriter& w, const BodyContext& ctx, const PacketIn& m) {
  if (ctx.type == MessageType::NXT_PACKET_IN2 || ctx.type == MessageType::NXT_RESUME) return encode_packet_in2(w, ctx, m);
  if (ctx.type == MessageType::NXT_PACKET_IN) {
    encode_nxt_packet_in(w, ctx, m);
    return {};
  }
  uint8_t reason = packet_in_reason_to_wire(m.reason, ctx.version);
  w.u32(m.buffer_id);
  if (ctx.version == Version::k11) {
    put_port_of(w, ctx.version, m.metadata);
    put_port_of(w, ctx.version, m.metadata);
  }
  w.u16(static_cast<uint16_t>(m.total_len));
  if (ctx.version == Version::k10) put_port_of(w, ctx.version, m.metadata);
  w.u8(reason);
  w.u8(ctx.version == Version::k10 ? 0 : m.table_id);
  if (ctx.at_least(Version::k13)) w.u64(m.cookie);
  if (ctx.at_least(Version::k12)) {
    encode_match(m.metadata, w, ctx.version, ctx.tlv());
    w.zeros(2);
  }
  w.bytes(m.data);
  return {};
}

Status decode_body(ByteReader& r, const BodyContext& ctx, PacketOut& m) {
  size_t actions_len = 0;
  if (ctx.at_least(Version::k15)) {
    if (Status s = decode_packet_out15(r, ctx, actions_len, m); !s) return s;
  } else {
    m.buffer_id = r.u32();
    if (Status s = decode_in_port(r, ctx.version, m.metadata); !s) return s;
    actions_len = r.u16();
    if (ctx.version > Version::k10) r.skip(6);
  }
  if (!r.ok() || actions_len > r.remaining()) return fail(Error::OFPBRC_BAD_LEN);
  if (!is_packet_out_port(OfpPort{m.metadata.value.in_port.host()})) return fail(Error::OFPBRC_BAD_PORT);
  auto actions = decode_actions(r.sub(actions_len), ctx.version, ctx.tlv());
  if (!actions) return fail(actions.error());
  m.actions = std::move(*actions);
  take_data(r, m.data);
  if (m.buffer_id != kNoBuffer) m.data.clear();
  return {};
}

Status encode_body(ByteWriter& w, const BodyContext& ctx, const PacketOut& m) {
  w.u32(m.buffer_id);
  if (ctx.version < Version::k15) put_port_of(w, ctx.version, m.metadata);
  size_t length_at = w.size();
  w.u16(0);
  if (ctx.at_least(Version::k15)) {
    w.zeros(2);
    encode_match(m.metadata, w, ctx.version, ctx.tlv());
  } else if (ctx.version > Version::k10) {
    w.zeros(6);
  }
  size_t start = w.size();
  if (Status s = encode_actions(m.actions, w, ctx.version, ctx.tlv()); !s) return s;
  w.patch_u16(length_at, static_cast<uint16_t>(w.size() - start));
  if (m.buffer_id == kNoBuffer) w.bytes(m.data);
  return {};
}

}  // namespace sluice::ofp
