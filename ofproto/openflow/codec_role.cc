// SPDX-License-Identifier: Apache-2.0
// Codec: roles, asynchronous message masks, bundles.
#include "lib/log.h"
#include "ofproto/openflow/codec_body.h"
#include "ofproto/openflow/codec_property.h"

namespace sluice::ofp {
namespace {

Log log_async("ofp_async"), log_bundle("ofp_bundle");
LogLimit limit(1, 5);

/// Nicira numbers roles from 0 = other (equal).
Role role_from_nicira(uint32_t v) { return static_cast<Role>(v + 1); }

constexpr uint16_t kAsyncProperties = 2 * kAsyncKinds;  // type 2k: secondary, 2k + 1: primary
constexpr std::string_view kKindNames[kAsyncKinds] = {"PACKET_IN", "PORT_STATUS", "FLOW_REMOVED", "ROLE_STATUS", "TABLE_STATUS", "REQUESTFORWARD"};
/// The reasons that there are, by kind.
constexpr uint32_t kReasons[kAsyncKinds] = {0x3f, 0x07, 0x3f, 0x07, 0x18, 0x03};

Status decode_async_properties(ByteReader& r, AsyncConfig& m) {
  while (r.remaining()) {
    auto p = next_property(r);
    if (!p) return fail(p.error());
    if (p->type >= kAsyncProperties && !p->is_experimenter()) log_async.warn(limit, "unknown async config property type {}", p->type);
    if (p->type >= kAsyncProperties) return fail(p->is_experimenter() ? Error::OFPBPC_BAD_EXPERIMENTER : Error::OFPACFC_UNSUPPORTED);
    unsigned kind = p->type / 2;
    bool primary = p->type & 1;
    if (p->value.remaining() != 4) return fail(Error::OFPBPC_BAD_LEN);
    uint32_t reasons = p->value.u32();
    if (uint32_t bad = reasons & ~kReasons[kind]) {
      log_async.warn(limit, "bad value {:#x} for {} (allowed mask {:#x})", bad, kKindNames[kind], kReasons[kind]);
      return fail(Error::OFPACFC_INVALID);
    }
    (primary ? m.primary : m.secondary)[kind] = reasons;
    (primary ? m.primary_set : m.secondary_set) |= 1 << kind;
  }
  return {};
}

void encode_async_properties(ByteWriter& w, const AsyncConfig& m) {
  for (uint16_t kind = 0; kind < kAsyncKinds; kind++) {
    if (m.secondary_set >> kind & 1) put_property_u32(w, 2 * kind, m.secondary[kind]);
    if (m.primary_set >> kind & 1) put_property_u32(w, static_cast<uint16_t>(2 * kind + 1), m.primary[kind]);
  }
}

/// The fixed form of 1.3 and NXT_SET_ASYNC_CONFIG against the properties of 1.4+ and CONFIG2.
bool is_fixed_async(const BodyContext& ctx) {
  if (ctx.type == MessageType::NXT_SET_ASYNC_CONFIG) return true;
  return ctx.type != MessageType::NXT_SET_ASYNC_CONFIG2 && ctx.version == Version::k13;
}

/// OF1.4.0 7.3.9.6: messages that change the switch's tables.
bool may_be_in_bundle(MessageType t) {
  switch (t) {
    case MessageType::OFPT_FLOW_MOD:
    case MessageType::NXT_FLOW_MOD:
    case MessageType::OFPT_GROUP_MOD:
    case MessageType::NXT_GROUP_MOD:
    case MessageType::OFPT_PORT_MOD:
    case MessageType::OFPT_PACKET_OUT: return true;
    default: return false;
  }
}

}  // namespace

Status decode_body(ByteReader& r, const BodyContext& ctx, RoleMessage& m) {
  if (ctx.type == MessageType::NXT_ROLE_REQUEST || ctx.type == MessageType::NXT_ROLE_REPLY) {
    uint32_t v = r.u32();
    if (r.ok() && v > 2) return fail(Error::OFPRRFC_BAD_ROLE);
    m.role = role_from_nicira(v);
    return {};
  }
  uint32_t v = r.u32();
  r.skip(4);
  m.generation_id = r.u64();
  if (r.ok() && v > static_cast<uint32_t>(Role::kSecondary)) return fail(Error::OFPRRFC_BAD_ROLE);
  m.role = static_cast<Role>(v);
  bool request = ctx.type == MessageType::OFPT_ROLE_REQUEST;
  m.have_generation_id = request ? m.role == Role::kPrimary || m.role == Role::kSecondary : m.generation_id != UINT64_MAX;
  return {};
}

Status encode_body(ByteWriter& w, const BodyContext& ctx, const RoleMessage& m) {
  uint32_t role = static_cast<uint32_t>(m.role);
  if (ctx.type == MessageType::NXT_ROLE_REQUEST || ctx.type == MessageType::NXT_ROLE_REPLY) {
    if (m.role == Role::kNoChange) return fail(Error::OFPRRFC_BAD_ROLE);
    w.u32(role - 1);
    return {};
  }
  w.u32(role);
  w.zeros(4);
  bool reply = ctx.type == MessageType::OFPT_ROLE_REPLY;
  w.u64(m.have_generation_id || !reply ? m.generation_id : UINT64_MAX);
  return {};
}

Status decode_body(ByteReader& r, const BodyContext&, RoleStatus& m) {
  uint32_t role = r.u32();
  m.reason = r.u8();
  r.skip(3);
  m.generation_id = r.u64();
  if (r.ok() && (role == 0 || role > 3)) return fail(Error::OFPRRFC_BAD_ROLE);
  if (r.ok() && m.reason > 2) return fail(Error::NXBRC_BAD_REASON);
  m.role = static_cast<Role>(role);
  r.rest();  // properties: experimenters' only
  return {};
}

Status encode_body(ByteWriter& w, const BodyContext&, const RoleStatus& m) {
  w.u32(static_cast<uint32_t>(m.role));
  w.u8(m.reason);
  w.zeros(3);
  w.u64(m.generation_id);
  return {};
}

Status decode_body(ByteReader& r, const BodyContext& ctx, AsyncConfig& m) {
  if (!is_fixed_async(ctx)) return decode_async_properties(r, m);
  for (unsigned kind = 0; kind <= kAsyncFlowRemoved; kind++) {
    m.primary[kind] = r.u32() & kReasons[kind];
    m.secondary[kind] = r.u32() & kReasons[kind];
  }
  m.primary_set = m.secondary_set = 7;
  return {};
}

Status encode_body(ByteWriter& w, const BodyContext& ctx, const AsyncConfig& m) {
  if (!is_fixed_async(ctx)) {
    encode_async_properties(w, m);
    return {};
  }
  for (unsigned kind = 0; kind <= kAsyncFlowRemoved; kind++) {
    w.u32(m.primary[kind]);
    w.u32(m.secondary[kind]);
  }
  return {};
}

Status decode_body(ByteReader& r, const BodyContext&, BundleControl& m) {
  m.bundle_id = r.u32();
  uint16_t type = r.u16();
  m.flags = r.u16();
  if (!r.ok()) return fail(Error::OFPBRC_BAD_LEN);
  if (type > static_cast<uint16_t>(BundleControlType::kDiscardReply)) return fail(Error::OFPBFC_BAD_TYPE);
  m.type = static_cast<BundleControlType>(type);
  if (m.flags & ~(OFPBF_ATOMIC | OFPBF_ORDERED)) return fail(Error::OFPBFC_BAD_FLAGS);
  r.rest();
  return {};
}

Status encode_body(ByteWriter& w, const BodyContext&, const BundleControl& m) {
  w.u32(m.bundle_id);
  w.u16(static_cast<uint16_t>(m.type));
  w.u16(m.flags);
  return {};
}

Status decode_body(ByteReader& r, const BodyContext& ctx, BundleAdd& m) {
  m.bundle_id = r.u32();
  r.skip(2);
  m.flags = r.u16();
  if (!r.ok()) return fail(Error::OFPBRC_BAD_LEN);
  if (m.flags & ~(OFPBF_ATOMIC | OFPBF_ORDERED)) return fail(Error::OFPBFC_BAD_FLAGS);
  auto h = peek_header({r.position(), r.remaining()});
  if (!h || h->length < kHeaderSize || h->length > r.remaining()) return fail(Error::OFPBFC_MSG_BAD_LEN);
  if (h->version != static_cast<uint8_t>(ctx.version)) return fail(Error::OFPBFC_BAD_VERSION);
  if (h->xid != ctx.xid) return fail(Error::OFPBFC_MSG_BAD_XID);
  ByteView inner = r.bytes(h->length);
  auto inner_type = decode_type(inner);
  if (!inner_type) return fail(inner_type.error());
  if (!may_be_in_bundle(*inner_type)) {
    log_bundle.warn(limit, "{} message not allowed inside OFPT14_BUNDLE_ADD_MESSAGE", info(*inner_type).name);
    return fail(Error::OFPBFC_MSG_UNSUP);
  }
  m.type = *inner_type;
  m.message = inner;
  r.rest();
  return {};
}

Status encode_body(ByteWriter& w, const BodyContext&, const BundleAdd& m) {
  w.u32(m.bundle_id);
  w.zeros(2);
  w.u16(m.flags);
  w.bytes(m.message);
  return {};
}

}  // namespace sluice::ofp
