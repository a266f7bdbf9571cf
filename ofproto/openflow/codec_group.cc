// SPDX-License-Identifier: Apache-2.0
// Codec: groups (OF1.3.5 7.3.4.3, OF1.5.1 7.3.4.3; the Nicira messages of 1.0 have the form of 1.5).
#include <algorithm>

#include "lib/log.h"
#include "ofproto/openflow/codec_body.h"
#include "ofproto/openflow/codec_group.h"
#include "ofproto/openflow/codec_port.h"
#include "ofproto/openflow/codec_property.h"
#include "ofproto/openflow/feature_bits.h"
#include "ofproto/openflow/message_ids.h"

namespace sluice::ofp {
namespace {

Log log_group("ofp_group");
LogLimit limit(1, 5);

enum : uint16_t { kWeight = 0, kWatchPort = 1, kWatchGroup = 2, kExperimenterProperty = 0xffff };
constexpr uint32_t kSelectionMethod = 1;
constexpr size_t kMethodName = 16;

Status decode_bucket_property(Property& p, Bucket& b) {
  if (p.is_experimenter() || p.type > kWatchGroup) return fail(unknown_property(p));
  if (p.value.remaining() != 4) return fail(Error::OFPBPC_BAD_LEN);
  if (p.type == kWeight) b.weight = p.value.u16();
  if (p.type == kWatchPort) return read_port(p.value, Version::k15, Error::OFPGMFC_BAD_WATCH, b.watch_port);
  if (p.type == kWatchGroup) b.watch_group = p.value.u32();
  return {};
}

Status decode_bucket15(ByteReader& r, const BodyContext& ctx, Bucket& b) {
  if (r.remaining() < 8) return fail(Error::OFPGMFC_BAD_BUCKET);
  uint16_t length = load_be<uint16_t>(r.position()), actions_len = load_be<uint16_t>(r.position() + 2);
  if (length < 8 || length % 8 || length > r.remaining() || actions_len > length - 8) return fail(Error::OFPGMFC_BAD_BUCKET);
  ByteReader in = r.sub(length);
  in.skip(4);
  b.bucket_id = in.u32();
  if (b.bucket_id > OFPG15_BUCKET_MAX) return fail(Error::OFPGMFC_BAD_BUCKET);
  if (Status s = take(decode_actions(in.sub(actions_len), ctx.version, ctx.tlv()), b.actions); !s) return s;
  while (in.remaining()) {
    auto p = next_property(in);
    if (!p) return fail(p.error());
    if (Status s = decode_bucket_property(*p, b); !s) return s;
  }
  return {};
}

Status decode_bucket11(ByteReader& r, const BodyContext& ctx, Bucket& b) {
  if (r.remaining() < 16) return fail(Error::OFPGMFC_BAD_BUCKET);
  uint16_t length = load_be<uint16_t>(r.position());
  if (length < 16 || length % 8 || length > r.remaining()) return fail(Error::OFPGMFC_BAD_BUCKET);
  ByteReader in = r.sub(length);
  in.skip(2);
  b.weight = in.u16();
  if (Status s = read_port(in, ctx.version, Error::OFPGMFC_BAD_WATCH, b.watch_port); !s) return s;
  b.watch_group = in.u32();
  in.skip(4);
  return take(decode_actions(ByteReader(in.rest()), ctx.version, ctx.tlv()), b.actions);
}

Status encode_bucket15(ByteWriter& w, const BodyContext& ctx, const Bucket& b, uint32_t id, GroupType type) {
  size_t start = w.size();
  w.zeros(4);
  w.u32(id);
  size_t actions_at = w.size();
  if (Status s = encode_actions(b.actions, w, ctx.version, ctx.tlv()); !s) return s;
  w.patch_u16(start + 2, static_cast<uint16_t>(w.size() - actions_at));
  if (b.weight || type == GroupType::kSelect) put_property_u32(w, kWeight, static_cast<uint32_t>(b.weight) << 16);
  if (b.watch_port != OFPP_NONE) put_property_u32(w, kWatchPort, b.watch_port.value);
  if (b.watch_group != OFPG_ANY) put_property_u32(w, kWatchGroup, b.watch_group);
  w.patch_u16(start, static_cast<uint16_t>(w.size() - start));
  return {};
}

Status encode_bucket11(ByteWriter& w, const BodyContext& ctx, const Bucket& b) {
  size_t start = w.size();
  w.u16(0);
  w.u16(b.weight);
  w.u32(b.watch_port.value);
  w.u32(b.watch_group);
  w.zeros(4);
  if (Status s = encode_actions(b.actions, w, ctx.version, ctx.tlv()); !s) return s;
  w.patch_u16(start, static_cast<uint16_t>(w.size() - start));
  return {};
}

/// Netronome's: u32 0, char[16] method, u64 param, fields without values.
Status decode_selection(ByteReader v, const BodyContext& ctx, GroupType type, GroupSelection& s) {
  v.skip(4);
  ByteView name = v.bytes(kMethodName);
  s.param = v.u64();
  if (!v.ok()) return fail(Error::OFPBPC_BAD_LEN);
  if (type != GroupType::kSelect) return fail(Error::OFPBPC_BAD_VALUE);
  s.method.assign(name.begin(), std::find(name.begin(), name.end(), uint8_t{0}));
  if (s.method.size() == kMethodName) return fail(Error::OFPBPC_BAD_VALUE);
  if (s.method != "hash" && s.method != "dp_hash") return fail(Error::OFPBPC_BAD_VALUE);
  return decode_group_fields(v.rest(), ctx.tlv(), s.fields);
}

Status decode_group_properties(ByteReader& r, const BodyContext& ctx, GroupType type, GroupSelection& selection) {
  while (r.remaining()) {
    auto p = next_property(r);
    if (!p) return fail(p.error());
    if (!p->is_experimenter() || (p->experimenter != kNetronomeVendor && p->experimenter != kNetronomeVendorOfOld)) return fail(unknown_property(*p));
    if (p->exp_type != kSelectionMethod) return fail(Error::OFPBPC_BAD_EXP_TYPE);
    if (Status s = decode_selection(p->value, ctx, type, selection); !s) return s;
  }
  return {};
}

void encode_selection(ByteWriter& w, const BodyContext& ctx, const GroupSelection& s) {
  if (s.method.empty()) return;
  PropertyWriter p(w, kExperimenterProperty);
  w.u32(kNetronomeVendor);
  w.u32(kSelectionMethod);
  w.zeros(4);
  w.text(s.method, kMethodName);
  w.u64(s.param);
  encode_group_fields(w, s.fields, ctx.version);
  p.close();
}

Status decode_buckets(ByteReader& r, const BodyContext& ctx, std::vector<Bucket>& out) {
  while (r.remaining()) {
    Bucket& b = out.emplace_back();
    Status s = has_buckets15(ctx) ? decode_bucket15(r, ctx, b) : decode_bucket11(r, ctx, b);
    if (!s) return s;
  }
  return {};
}

/// Buckets without an id get the lowest that is free, in order.
Status encode_buckets15(ByteWriter& w, const BodyContext& ctx, const std::vector<Bucket>& buckets, GroupType type) {
  auto used = [&](uint32_t id) { return std::ranges::any_of(buckets, [&](const Bucket& b) { return b.bucket_id == id; }); };
  uint32_t next = 0;
  for (const Bucket& b : buckets) {
    uint32_t id = b.bucket_id;
    if (id == OFPG15_BUCKET_ALL) {
      while (used(next)) next++;
      id = next++;
    }
    if (Status s = encode_bucket15(w, ctx, b, id, type); !s) return s;
  }
  return {};
}

Status encode_buckets11(ByteWriter& w, const BodyContext& ctx, const std::vector<Bucket>& buckets) {
  for (const Bucket& b : buckets)
    if (Status s = encode_bucket11(w, ctx, b); !s) return s;
  return {};
}

bool is_known(GroupCommand c, bool form15) {
  switch (c) {
    case GroupCommand::kAdd:
    case GroupCommand::kModify:
    case GroupCommand::kDelete:
    case GroupCommand::kAddOrModify: return true;
    case GroupCommand::kInsertBucket:
    case GroupCommand::kRemoveBucket: return form15;
  }
  return false;
}

/// OF1.3.5 6.5, 7.3.4.3: what each type of group may consist of.
Status check_group(const GroupMod& m) {
  bool defines = m.command == GroupCommand::kAdd || m.command == GroupCommand::kModify || m.command == GroupCommand::kAddOrModify;
  if (!defines) return {};
  if (m.type == GroupType::kIndirect && m.buckets.size() != 1) return fail(Error::OFPGMFC_INVALID_GROUP);
  for (const Bucket& b : m.buckets) {
    bool watches = b.watch_port != OFPP_NONE || b.watch_group != OFPG_ANY;
    if (b.weight && m.type != GroupType::kSelect) return fail(Error::OFPGMFC_INVALID_GROUP);
    if (m.type == GroupType::kFastFailover && !watches) return fail(Error::OFPGMFC_INVALID_GROUP);
    if ((m.type == GroupType::kAll || m.type == GroupType::kIndirect) && watches) return fail(Error::OFPGMFC_WATCH_UNSUPPORTED);
  }
  return {};
}

bool is_command_bucket(GroupCommand c, uint32_t id) {
  bool named = id <= OFPG15_BUCKET_MAX || id == OFPG15_BUCKET_FIRST || id == OFPG15_BUCKET_LAST;
  if (c == GroupCommand::kInsertBucket) return named;
  if (c == GroupCommand::kRemoveBucket) return named || id == OFPG15_BUCKET_ALL;
  return id == OFPG15_BUCKET_ALL;
}

Status check_bucket_ids(const std::vector<Bucket>& buckets) {
  std::vector<uint32_t> ids;
  for (const Bucket& b : buckets) ids.push_back(b.bucket_id);
  std::ranges::sort(ids);
  if (std::ranges::adjacent_find(ids) == ids.end()) return {};
  log_group.warn(limit, "Duplicate bucket id");
  return fail(Error::OFPGMFC_BAD_BUCKET);
}

Status decode_group_tail15(ByteReader& r, const BodyContext& ctx, GroupMod& m) {
  uint16_t buckets_len = r.u16();
  r.skip(2);
  m.command_bucket_id = r.u32();
  if (!r.ok() || buckets_len > r.remaining()) return fail(Error::OFPBRC_BAD_LEN);
  if (m.command == GroupCommand::kRemoveBucket && buckets_len) return fail(Error::OFPGMFC_BAD_BUCKET);
  if (!is_command_bucket(m.command, m.command_bucket_id)) return fail(Error::OFPGMFC_BAD_BUCKET);
  ByteReader buckets = r.sub(buckets_len);
  if (Status s = decode_buckets(buckets, ctx, m.buckets); !s) return s;
  if (Status s = check_bucket_ids(m.buckets); !s) return s;
  return decode_group_properties(r, ctx, m.type, m.selection);
}

Status decode_desc(ByteReader& r, const BodyContext& ctx, GroupDesc& g) {
  if (r.remaining() < 8) return fail(Error::OFPBRC_BAD_LEN);
  uint16_t length = load_be<uint16_t>(r.position());
  size_t head = has_buckets15(ctx) ? 16 : 8;
  if (length < head || length > r.remaining()) return fail(Error::OFPBRC_BAD_LEN);
  ByteReader in = r.sub(length);
  in.skip(2);
  uint8_t type = in.u8();
  if (type >= kGroupTypes) return fail(Error::OFPGMFC_BAD_TYPE);
  g.type = static_cast<GroupType>(type);
  in.skip(1);
  g.group_id = in.u32();
  if (!has_buckets15(ctx)) return decode_buckets(in, ctx, g.buckets);
  uint16_t buckets_len = in.u16();
  in.skip(6);
  if (buckets_len > in.remaining()) return fail(Error::OFPBRC_BAD_LEN);
  ByteReader buckets = in.sub(buckets_len);
  if (Status s = decode_buckets(buckets, ctx, g.buckets); !s) return s;
  return decode_group_properties(in, ctx, g.type, g.selection);
}

Status encode_desc(ByteWriter& w, const BodyContext& ctx, const GroupDesc& g) {
  size_t start = w.size();
  w.u16(0);
  w.u8(static_cast<uint8_t>(g.type));
  w.u8(0);
  w.u32(g.group_id);
  if (has_buckets15(ctx)) {
    w.zeros(8);
    size_t buckets_at = w.size();
    if (Status s = encode_buckets15(w, ctx, g.buckets, g.type); !s) return s;
    w.patch_u16(start + 8, static_cast<uint16_t>(w.size() - buckets_at));
    encode_selection(w, ctx, g.selection);
  } else if (Status s = encode_buckets11(w, ctx, g.buckets); !s) {
    return s;
  }
  if (w.size() - start > UINT16_MAX) return fail(Error::OFPBRC_BAD_LEN);
  w.patch_u16(start, static_cast<uint16_t>(w.size() - start));
  return {};
}

}  // namespace

bool has_buckets15(const BodyContext& ctx) {
  return ctx.at_least(Version::k15) || ctx.type == MessageType::NXT_GROUP_MOD || ctx.type == MessageType::NXST_GROUP_DESC_REPLY;
}

Status decode_body(ByteReader& r, const BodyContext& ctx, GroupMod& m) {
  uint16_t command = r.u16();
  uint8_t type = r.u8();
  r.skip(1);
  m.group_id = r.u32();
  if (!r.ok()) return fail(Error::OFPBRC_BAD_LEN);
  m.command = static_cast<GroupCommand>(command);
  if (!is_known(m.command, has_buckets15(ctx))) return fail(Error::OFPGMFC_BAD_COMMAND);
  if (type >= kGroupTypes) return fail(Error::OFPGMFC_BAD_TYPE);
  m.type = static_cast<GroupType>(type);
  Status s = has_buckets15(ctx) ? decode_group_tail15(r, ctx, m) : decode_buckets(r, ctx, m.buckets);
  return s ? check_group(m) : s;
}

Status encode_body(ByteWriter& w, const BodyContext& ctx, const GroupMod& m) {
  if (!is_known(m.command, has_buckets15(ctx))) return fail(Error::OFPGMFC_BAD_COMMAND);
  bool cannot_select = ctx.type == MessageType::OFPT_GROUP_MOD && !has_buckets15(ctx);   // (a forwarded request is an approximation)
  if (cannot_select && !m.selection.method.empty()) return fail(Error::OFPGMFC_BAD_TYPE);
  w.u16(static_cast<uint16_t>(m.command));
  w.u8(static_cast<uint8_t>(m.type));
  w.u8(0);
  w.u32(m.group_id);
  if (!has_buckets15(ctx)) return encode_buckets11(w, ctx, m.buckets);
  size_t length_at = w.size();
  w.zeros(4);
  w.u32(m.command_bucket_id);
  size_t start = w.size();
  if (Status s = encode_buckets15(w, ctx, m.buckets, m.type); !s) return s;
  w.patch_u16(length_at, static_cast<uint16_t>(w.size() - start));
  encode_selection(w, ctx, m.selection);
  return {};
}

Status decode_body(ByteReader& r, const BodyContext& ctx, GroupRequest& m) {
  if (ctx.type == MessageType::OFPST_GROUP_DESC_REQUEST && ctx.version < Version::k15) return {};
  m.group_id = r.u32();
  r.skip(4);
  return {};
}

Status encode_body(ByteWriter& w, const BodyContext& ctx, const GroupRequest& m) {
  if (ctx.type == MessageType::OFPST_GROUP_DESC_REQUEST && ctx.version < Version::k15) return {};
  w.u32(m.group_id);
  w.zeros(4);
  return {};
}

Status decode_body(ByteReader& r, const BodyContext& ctx, GroupDescReply& m) {
  while (r.remaining()) {
    if (Status s = decode_desc(r, ctx, m.groups.emplace_back()); !s) return s;
  }
  return {};
}

Status encode_body(ByteWriter& w, const BodyContext& ctx, const GroupDescReply& m) {
  for (const GroupDesc& g : m.groups) {
    size_t start = w.size();
    if (Status s = encode_desc(w, ctx, g); !s) return s;
    if (Status s = entry_done(ctx, start); !s) return s;
  }
  return {};
}

Status decode_body(ByteReader& r, const BodyContext& ctx, GroupFeatures& m) {
  m.types = r.u32();
  m.capabilities = r.u32();
  for (uint32_t& x : m.max_groups) x = r.u32();
  for (uint64_t& x : m.actions) x = action_bits_from_wire(r.u32(), ctx.version);
  return {};
}

Status encode_body(ByteWriter& w, const BodyContext& ctx, const GroupFeatures& m) {
  w.u32(m.types);
  w.u32(m.capabilities);
  for (uint32_t x : m.max_groups) w.u32(x);
  for (uint64_t x : m.actions) w.u32(action_bits_to_wire(x, ctx.version));
  return {};
}

}  // namespace sluice::ofp
