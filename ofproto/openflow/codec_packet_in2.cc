// SPDX-License-Identifier: Apache-2.0
// Codec: NXT_PACKET_IN2 and NXT_RESUME, a list of properties.
#include "ofproto/openflow/codec_packet.h"
#include "ofproto/openflow/codec_property.h"

namespace sluice::ofp {
namespace {

enum : uint16_t {
  kPacket = 0, kFullLen = 1, kBufferId = 2, kTableId = 3, kCookie = 4, kReason = 5, kMetadata = 6, kUserdata = 7, kContinuation = 8,
};

template <typename T>
Status take_number(ByteReader v, size_t pad, T& out) {
  v.skip(pad);
  if constexpr (sizeof(T) == 1) out = v.u8();
  else if constexpr (sizeof(T) == 4) out = v.u32();
  else out = v.u64();
  return v.ok() ? Status{} : fail(Error::OFPBPC_BAD_LEN);
}

void take_bytes(ByteReader v, Bytes& out) {
  ByteView b = v.rest();
  out.assign(b.begin(), b.end());
}

Status decode_property(const Property& p, const BodyContext& ctx, PacketIn& m) {
  switch (p.type) {
    case kPacket: take_bytes(p.value, m.data); return {};
    case kFullLen: return take_number(p.value, 0, m.total_len);
    case kBufferId: return take_number(p.value, 0, m.buffer_id);
    case kTableId: return take_number(p.value, 0, m.table_id);
    case kCookie: return take_number(p.value, 4, m.cookie);
    case kReason: {
      uint8_t reason = 0;
      if (Status s = take_number(p.value, 0, reason); !s) return s;
      return decode_packet_in_reason(reason, m);
    }
    case kMetadata: {
      auto match = decode_nxm(ByteReader(p.value).rest(), ctx.tlv(), nullptr, false);
      if (!match) return fail(match.error());
      m.metadata = *match;
      return {};
    }
    case kUserdata: take_bytes(p.value, m.userdata); return {};
    case kContinuation: {
      ByteReader v = p.value;
      v.skip(4);  // so that the nested properties are aligned
      if (!v.ok()) return fail(Error::OFPBPC_BAD_LEN);
      take_bytes(v, m.continuation);
      return {};
    }
    default: return fail(unknown_property(p));
  }
}

void put_bytes(ByteWriter& w, uint16_t type, ByteView bytes) {
  PropertyWriter p(w, type);
  w.bytes(bytes);
  p.close();
}
void put_u8(ByteWriter& w, uint16_t type, uint8_t value) {
  PropertyWriter p(w, type);
  w.u8(value);
  p.close();
}

}  // namespace

Status decode_packet_in2(ByteReader& r, const BodyContext& ctx, PacketIn& m) {
  while (r.remaining()) {
    auto p = next_property(r);
    if (!p) return fail(p.error());
    if (Status s = decode_property(*p, ctx, m); !s) return s;
  }
  if (m.data.empty()) return fail(Error::OFPBRC_BAD_LEN);
  if (m.total_len == 0) m.total_len = static_cast<uint32_t>(m.data.size());
  if (m.total_len < m.data.size()) return fail(Error::OFPBRC_BAD_LEN);
  return {};
}

Status encode_packet_in2(ByteWriter& w, const BodyContext& ctx, const PacketIn& m) {
  put_bytes(w, kPacket, m.data);
  if (m.total_len > m.data.size()) put_property_u32(w, kFullLen, m.total_len);
  if (m.buffer_id != kNoBuffer) put_property_u32(w, kBufferId, m.buffer_id);
  put_u8(w, kTableId, m.table_id);
  if (m.cookie != kNoCookie) {
    PropertyWriter p(w, kCookie);
    w.zeros(4);
    w.u64(m.cookie);
    p.close();
  }
  put_u8(w, kReason, packet_in_reason_to_wire(m.reason, ctx.version));
  PropertyWriter metadata(w, kMetadata);
  encode_nxm(m.metadata, w, ctx.version, ctx.tlv());
  metadata.close();
  if (!m.userdata.empty()) put_bytes(w, kUserdata, m.userdata);
  if (!m.continuation.empty()) {
    PropertyWriter p(w, kContinuation);
    w.zeros(4);
    w.bytes(m.continuation);
    p.close();
  }
  return {};
}

}  // namespace sluice::ofp
