// SPDX-License-Identifier: Apache-2.0
// Codec: hello, errors, echo, features, switch configuration, Nicira settings, forwarded requests.
#include <algorithm>

#include "lib/log.h"
#include "ofproto/openflow/codec_body.h"
#include "ofproto/openflow/feature_bits.h"
#include "ofproto/openflow/message_ids.h"
#include "ofproto/openflow/codec_port.h"

namespace sluice::ofp {
namespace {

Log log_errors("ofp_errors"), log_util("ofp_util");
LogLimit limit(1, 5);

std::string version_text(Version v) { return fmt::format("OpenFlow 1.{}", static_cast<int>(v) - 1); }

constexpr uint16_t kVersionBitmapElement = 1;
constexpr uint16_t kExperimenterError = 0xffff, kNiciraError10 = 0xb0c2;

constexpr uint32_t capability_bits(Version v) {
  constexpr uint32_t kCommon = OFPC_FLOW_STATS | OFPC_TABLE_STATS | OFPC_PORT_STATS | OFPC_IP_REASM | OFPC_QUEUE_STATS;
  switch (v) {
    case Version::k10: return kCommon | OFPC_ARP_MATCH_IP;
    case Version::k11: return kCommon | OFPC_GROUP_STATS | OFPC_ARP_MATCH_IP;
    case Version::k12:
    case Version::k13: return kCommon | OFPC_GROUP_STATS | OFPC_PORT_BLOCKED;
    default: return kCommon | OFPC_GROUP_STATS | OFPC_PORT_BLOCKED | OFPC_BUNDLES | OFPC_FLOW_MONITORING;
  }
}
constexpr uint32_t kStp10 = 1 << 3;

}  // namespace

Status decode_body(ByteReader& r, const BodyContext& ctx, Hello& m) {
  // OF1.3.5 7.5.1: elements that we do not know are skipped, and a broken one ends them.
  m.bitmap_element = false;
  m.versions = (2u << std::min<unsigned>(ctx.raw_version, 31)) - 2;
  while (r.remaining() >= 4) {
    size_t size = load_be<uint16_t>(r.position() + 2), padded = (size + 7) / 8 * 8;
    if (size < 4 || size > r.remaining()) break;
    ByteReader element = r.sub(std::min(padded, r.remaining()));
    bool bitmap = element.u16() == kVersionBitmapElement && size >= 8;
    element.skip(2);
    uint32_t claimed = bitmap ? element.u32() : 0, versions = claimed & ~1u;
    if (claimed & 1) log_util.warn(limit, "peer claims to support invalid OpenFlow version 0x00");
    if (bitmap && !versions) log_util.warn(limit, "peer does not support any OpenFlow version (between 0x01 and 0x1f)");
    if (versions) m.versions = versions, m.bitmap_element = true;
    else m.has_unknown = true;
  }
  m.has_unknown |= !r.rest().empty();
  return {};
}

Status encode_body(ByteWriter& w, const BodyContext&, const Hello& m) {
  if (!m.bitmap_element) return {};
  w.u16(kVersionBitmapElement);
  w.u16(8);
  w.u32(m.versions);
  return {};
}

Status decode_body(ByteReader& r, const BodyContext& ctx, ErrorReport& m) {
  m.numbers.type = r.u16();
  m.numbers.code = r.u16();
  if (m.numbers.type == kNiciraError10 && m.numbers.code == 0 && ctx.version < Version::k12) {
    m.numbers = {.vendor = r.u32(), .type = r.u16(), .code = r.u16()};
  } else if (m.numbers.type == kExperimenterError && ctx.at_least(Version::k12)) {
    m.numbers = {.vendor = r.u32(), .type = 0, .code = m.numbers.code};
  }
  ByteView data = r.rest();
  m.data.assign(data.begin(), data.end());
  m.error = error_from_numbers(m.numbers, ctx.version);
  return {};
}

Status encode_body(ByteWriter& w, const BodyContext& ctx, const ErrorReport& m) {
  ErrorNumbers n = m.numbers;
  if (m.error) {
    auto known = error_numbers(*m.error, ctx.version);
    if (!known) log_errors.err(limit, "cannot encode {} for {}", error_name(*m.error), version_text(ctx.version));
    n = known ? *known : *error_numbers(Error::NXBRC_UNENCODABLE_ERROR, ctx.version);
  }
  if (n.vendor == 0) {
    w.u16(n.type);
    w.u16(n.code);
  } else if (ctx.at_least(Version::k12)) {
    w.u16(kExperimenterError);
    w.u16(n.code);
    w.u32(n.vendor);
  } else {
    w.u16(kNiciraError10);
    w.u16(0);
    w.u32(n.vendor);
    w.u16(n.type);
    w.u16(n.code);
  }
  w.bytes(m.data);
  return {};
}

Status decode_body(ByteReader& r, const BodyContext&, Echo& m) {
  ByteView data = r.rest();
  m.data.assign(data.begin(), data.end());
  return {};
}
Status encode_body(ByteWriter& w, const BodyContext&, const Echo& m) {
  w.bytes(m.data);
  return {};
}

Status decode_body(ByteReader& r, const BodyContext& ctx, FeaturesReply& m) {
  m.datapath_id = r.u64();
  m.n_buffers = r.u32();
  m.n_tables = r.u8();
  uint8_t auxiliary = r.u8();
  r.skip(2);
  uint32_t capabilities = r.u32(), actions = r.u32();
  m.capabilities = capabilities & capability_bits(ctx.version);
  if (ctx.version == Version::k10) {
    if (capabilities & kStp10) m.capabilities |= OFPC_STP;
    m.actions = action_bits_from_wire(actions, ctx.version);
  }
  if (ctx.at_least(Version::k13)) {
    m.auxiliary_id = auxiliary;
    return {};
  }
  while (r.ok() && r.remaining()) {
    if (Status s = decode_port(r, ctx.version, m.ports.emplace_back()); !s) return s;
  }
  return {};
}

Status encode_body(ByteWriter& w, const BodyContext& ctx, const FeaturesReply& m) {
  size_t start = w.size() - kHeaderSize;
  w.u64(m.datapath_id);
  w.u32(m.n_buffers);
  w.u8(m.n_tables);
  w.u8(ctx.at_least(Version::k13) ? m.auxiliary_id : 0);
  w.zeros(2);
  bool v10 = ctx.version == Version::k10;
  w.u32((m.capabilities & capability_bits(ctx.version)) | (v10 && (m.capabilities & OFPC_STP) ? kStp10 : 0));
  w.u32(v10 ? action_bits_to_wire(m.actions, ctx.version) : 0);
  if (ctx.at_least(Version::k13)) return {};
  for (const PortDesc& port : m.ports) {
    if (w.size() - start + port_size(ctx.version) > kMaxMessage) break;
    encode_port(w, ctx.version, port);
  }
  return {};
}

Status decode_body(ByteReader& r, const BodyContext& ctx, SwitchConfig& m) {
  constexpr uint16_t kFragments = 3, kInvalidTtl = 4;
  uint16_t flags = r.u16();
  m.miss_send_len = r.u16();
  m.fragments = static_cast<Fragments>(flags & kFragments);
  m.invalid_ttl_to_controller = (flags & kInvalidTtl) && ctx.version < Version::k13;
  bool setting = ctx.type == MessageType::OFPT_SET_CONFIG;
  uint16_t known = kFragments | (ctx.version < Version::k13 ? kInvalidTtl : 0);
  if (setting && (flags & ~known)) return fail(Error::OFPSCFC_BAD_FLAGS);
  return {};
}

Status encode_body(ByteWriter& w, const BodyContext& ctx, const SwitchConfig& m) {
  w.u16(static_cast<uint16_t>(static_cast<uint16_t>(m.fragments) | (m.invalid_ttl_to_controller && ctx.version < Version::k13 ? 4 : 0)));
  w.u16(m.miss_send_len);
  return {};
}

Status decode_body(ByteReader& r, const BodyContext&, RequestForward& m) {
  auto h = peek_header({r.position(), r.remaining()});
  bool whole = h && h->length >= kHeaderSize && h->length <= r.remaining() && h->length % 8 == 0;  // as long as what forwards it can be
  if (!whole) return fail(Error::OFPBRC_BAD_LEN);
  ByteView inner = r.bytes(h->length);
  auto type = decode_type_of_part(inner);
  if (!type) return fail(type.error());
  if (*type != MessageType::OFPT_GROUP_MOD && *type != MessageType::NXT_GROUP_MOD && *type != MessageType::OFPT_METER_MOD) return fail(Error::OFPBFC_MSG_UNSUP);
  m.message.assign(inner.begin(), inner.end());
  r.rest();
  return {};
}
Status encode_body(ByteWriter& w, const BodyContext&, const RequestForward& m) {
  w.bytes(m.message);
  return {};
}

Status decode_body(ByteReader& r, const BodyContext& ctx, Setting& m) {
  switch (ctx.type) {
    case MessageType::NXT_FLOW_MOD_TABLE_ID:
      m.value = r.u8();
      r.skip(7);
      if (m.value > 1) return fail(Error::OFPBRC_BAD_LEN);
      return {};
    case MessageType::NXT_SET_CONTROLLER_ID:
    case MessageType::NXT_CT_FLUSH_ZONE: {
      ByteView zeros = r.bytes(6);
      m.value = r.u16();
      if (std::ranges::any_of(zeros, [](uint8_t b) { return b != 0; })) return fail(Error::NXBRC_MUST_BE_ZERO);
      return {};
    }
    case MessageType::NXT_SET_FLOW_FORMAT:
      m.value = r.u32();
      if (r.ok() && m.value != NXFF_OPENFLOW10 && m.value != NXFF_NXM) return fail(Error::OFPBRC_EPERM);
      return {};
    case MessageType::NXT_SET_PACKET_IN_FORMAT:
      m.value = r.u32();
      if (r.ok() && m.value > static_cast<uint32_t>(PacketInFormat::kNxm2)) return fail(Error::OFPBRC_EPERM);
      return {};
    default:
      m.value = r.u32();
      return {};
  }
}

Status encode_body(ByteWriter& w, const BodyContext& ctx, const Setting& m) {
  switch (ctx.type) {
    case MessageType::NXT_FLOW_MOD_TABLE_ID:
      w.u8(m.value != 0);
      w.zeros(7);
      return {};
    case MessageType::NXT_SET_CONTROLLER_ID:
    case MessageType::NXT_CT_FLUSH_ZONE:
      w.zeros(6);
      w.u16(static_cast<uint16_t>(m.value));
      return {};
    default:
      w.u32(m.value);
      return {};
  }
}

}  // namespace sluice::ofp
