// SPDX-License-Identifier: Apache-2.0
// Codec: flow monitors in their three forms: Nicira (1.0-1.2), ONF (1.3), standard (OF1.4.0 7.3.5.15).
// Inside, flags and events have the numbers of 1.4.
#include "ofproto/openflow/codec_flow.h"
#include "ofproto/openflow/codec_port.h"

namespace sluice::ofp {
namespace {

bool is_standard(const BodyContext& ctx) {
  return ctx.type == MessageType::OFPST_FLOW_MONITOR_REQUEST || ctx.type == MessageType::OFPST_FLOW_MONITOR_REPLY;
}
bool is_nicira(const BodyContext& ctx) {
  return ctx.type == MessageType::NXST_FLOW_MONITOR_REQUEST || ctx.type == MessageType::NXST_FLOW_MONITOR_REPLY;
}

/// Flags before 1.4: initial 1, add 2, delete 4, modify 8, actions 16, own 32; those of 1.4 have "no abbreviation" in between.
constexpr uint16_t kSameFlags = OFPFMF_INITIAL | OFPFMF_ADD | OFPFMF_REMOVED | OFPFMF_MODIFY | OFPFMF_INSTRUCTIONS, kOwn13 = 32;
constexpr uint16_t kFlags14 = kSameFlags | OFPFMF_NO_ABBREV | OFPFMF_ONLY_OWN;

Status decode_flags(uint16_t wire, bool standard, FlowMonitor& m) {
  uint16_t known = standard ? kFlags14 : kSameFlags | kOwn13;
  constexpr uint16_t kSomeEvent = OFPFMF_ADD | OFPFMF_REMOVED | OFPFMF_MODIFY;
  bool deletes = m.command == FlowMonitorCommand::kDelete;
  if ((wire & ~known) || (!deletes && !(wire & kSomeEvent))) return fail(Error::OFPMOFC_BAD_FLAGS);
  m.flags = standard ? wire : static_cast<uint16_t>((wire & kSameFlags) | (wire & kOwn13 ? OFPFMF_ONLY_OWN : 0));
  return {};
}
uint16_t flags_to_wire(uint16_t flags, bool standard) {
  if (standard) return flags & kFlags14;
  return static_cast<uint16_t>((flags & kSameFlags) | (flags & OFPFMF_ONLY_OWN ? kOwn13 : 0));
}

Status decode_monitor_standard(ByteReader& r, const BodyContext& ctx, FlowMonitor& m) {
  if (r.remaining() < 16) return fail(Error::OFPBRC_BAD_LEN);
  m.monitor_id = r.u32();
  if (Status s = read_port(r, ctx.version, Error::OFPMOFC_BAD_OUT, m.out_port); !s) return s;
  m.out_group = r.u32();
  uint16_t flags = r.u16();
  m.table_id = r.u8();
  uint8_t command = r.u8();
  if (command > static_cast<uint8_t>(FlowMonitorCommand::kDelete)) return fail(Error::OFPMOFC_BAD_COMMAND);
  m.command = static_cast<FlowMonitorCommand>(command);
  if (Status s = decode_flags(flags, true, m); !s) return s;
  return take(decode_match(r, ctx.version, ctx.tlv()), m.match);
}

/// Nicira's match is NXM TLVs of match_len; ONF's is an OXM match whose header says the length again.
Status decode_old_match(ByteReader& r, size_t match_len, const BodyContext& ctx, Match& m) {
  if (is_nicira(ctx)) return decode_padded_nxm(r, match_len, ctx, nullptr, m);
  return read_oxm_match(r, m, ctx.tlv());
}
void encode_old_match(ByteWriter& w, const BodyContext& ctx, const Match& m, size_t length_at) {
  size_t start = w.size();
  if (is_nicira(ctx)) {
    size_t length = encode_nxm(m, w, ctx.version, ctx.tlv());
    w.patch_u16(length_at, static_cast<uint16_t>(length));
    w.pad(start, 8);
    return;
  }
  encode_oxm_match(m, w, ctx.version, ctx.tlv());
  w.patch_u16(length_at, load_be<uint16_t>(w.out().data() + start + 2));
}

Status decode_monitor_old(ByteReader& r, const BodyContext& ctx, FlowMonitor& m) {
  bool nicira = is_nicira(ctx);
  if (r.remaining() < 16) return fail(Error::OFPBRC_BAD_LEN);
  m.monitor_id = r.u32();
  uint16_t flags = r.u16();
  uint16_t match_len = 0;
  Status port;
  if (nicira) {
    port = read_port(r, Version::k10, Error::OFPMOFC_BAD_OUT, m.out_port);
    match_len = r.u16();
  } else {
    match_len = r.u16();
    port = read_port(r, Version::k13, Error::OFPMOFC_BAD_OUT, m.out_port);
  }
  if (!port) return port;
  m.table_id = r.u8();
  for (ByteView zeros = r.bytes(nicira ? 5 : 3); uint8_t z : zeros)
    if (z) return fail(Error::NXBRC_MUST_BE_ZERO);
  if (Status s = decode_flags(flags, false, m); !s) return s;
  return decode_old_match(r, match_len, ctx, m.match);
}

void encode_monitor_old(ByteWriter& w, const BodyContext& ctx, const FlowMonitor& m) {
  bool nicira = is_nicira(ctx);
  w.u32(m.monitor_id);
  w.u16(flags_to_wire(m.flags, false));
  size_t length_at = w.size() + (nicira ? 2 : 0);
  if (nicira) w.u16(port_to_of10(m.out_port));
  w.u16(0);
  if (!nicira) w.u32(m.out_port.value);
  w.u8(m.table_id);
  w.zeros(nicira ? 5 : 3);
  encode_old_match(w, ctx, m.match, length_at);
}

/// Events before 1.4: added 0, deleted 1, modified 2, abbreviated 3.  There "initial" is "added", paused and resumed are messages.
std::optional<FlowEvent> event_from_wire(uint16_t wire, bool standard) {
  if (standard) return wire <= static_cast<uint16_t>(FlowEvent::kResumed) ? std::optional(static_cast<FlowEvent>(wire)) : std::nullopt;
  return wire <= 3 ? std::optional(static_cast<FlowEvent>(wire + 1)) : std::nullopt;
}
uint16_t event_to_wire(FlowEvent e, bool standard) {
  uint16_t n = static_cast<uint16_t>(e);
  if (standard) return n;
  return e == FlowEvent::kInitial ? 0 : static_cast<uint16_t>(n - 1);
}

bool is_full(FlowEvent e) { return e <= FlowEvent::kModified; }

Status decode_full_update(ByteReader& r, const BodyContext& ctx, FlowUpdate& u) {
  if (r.remaining() < 20) return fail(Error::OFPBRC_BAD_LEN);
  uint16_t reason = 0, match_len = 0;
  if (is_standard(ctx)) {
    u.table_id = r.u8();
    reason = r.u8();
    u.idle_timeout = r.u16();
    u.hard_timeout = r.u16();
    u.priority = r.u16();
    r.skip(4);
  } else {
    reason = r.u16();
    u.priority = r.u16();
    u.idle_timeout = r.u16();
    u.hard_timeout = r.u16();
    match_len = r.u16();
    u.table_id = r.u8();
    r.skip(1);
  }
  u.cookie = r.u64();
  if (reason > static_cast<uint16_t>(FlowRemovedReason::kEviction)) return fail(Error::NXBRC_BAD_REASON);
  u.reason = static_cast<FlowRemovedReason>(reason);
  Status s = is_standard(ctx) ? take(decode_match(r, ctx.version, ctx.tlv()), u.match) : decode_old_match(r, match_len, ctx, u.match);
  if (!s) return s;
  ByteReader rest(r.rest());
  auto actions = is_nicira(ctx) && ctx.version > Version::k10 ? decode_actions(rest, ctx.version, ctx.tlv()) : decode_instructions(rest, ctx.version, ctx.tlv());
  if (!actions) return fail(actions.error());
  u.actions = std::move(*actions);
  return {};
}

Status decode_update(ByteReader& r, const BodyContext& ctx, FlowUpdate& u) {
  if (r.remaining() < 4) return fail(Error::OFPBRC_BAD_LEN);
  uint16_t length = load_be<uint16_t>(r.position());
  if (length < 4 || length % 8 || length > r.remaining()) return fail(Error::OFPBRC_BAD_LEN);
  ByteReader in = r.sub(length);
  in.skip(2);
  auto event = event_from_wire(in.u16(), is_standard(ctx));
  if (!event) return fail(Error::NXBRC_FM_BAD_EVENT);
  u.event = *event;
  if (is_full(u.event)) return decode_full_update(in, ctx, u);
  u.xid = in.u32();
  return in.ok() && !in.remaining() ? Status{} : fail(Error::OFPBRC_BAD_LEN);
}

Status encode_full_update(ByteWriter& w, const BodyContext& ctx, const FlowUpdate& u) {
  size_t length_at = 0;
  uint8_t reason = u.event == FlowEvent::kRemoved ? static_cast<uint8_t>(u.reason) : 0;
  if (is_standard(ctx)) {
    w.u8(u.table_id);
    w.u8(reason);
    w.u16(u.idle_timeout);
    w.u16(u.hard_timeout);
    w.u16(u.priority);
    w.zeros(4);
  } else {
    w.u16(reason);
    w.u16(u.priority);
    w.u16(u.idle_timeout);
    w.u16(u.hard_timeout);
    length_at = w.size();
    w.u16(0);
    w.u8(u.table_id);
    w.u8(0);
  }
  w.u64(u.cookie);
  if (is_standard(ctx)) {
    encode_match(u.match, w, ctx.version, ctx.tlv());
  } else {
    encode_old_match(w, ctx, u.match, length_at);
  }
  if (!is_nicira(ctx)) return encode_instructions(u.actions, w, ctx.version, ctx.tlv());
  // Nicira's form has a bare list of actions in 1.1 and 1.2 too, where instructions that are no actions have no place.
  Actions actions = u.actions;
  if (ctx.version != Version::k10) std::erase_if(actions, is_instruction);
  return encode_actions(actions, w, ctx.version, ctx.tlv());
}

}  // namespace

Status decode_body(ByteReader& r, const BodyContext& ctx, FlowMonitorRequest& m) {
  while (r.remaining()) {
    FlowMonitor& monitor = m.monitors.emplace_back();
    Status s = is_standard(ctx) ? decode_monitor_standard(r, ctx, monitor) : decode_monitor_old(r, ctx, monitor);
    if (!s) return s;
  }
  return {};
}

Status encode_body(ByteWriter& w, const BodyContext& ctx, const FlowMonitorRequest& m) {
  for (const FlowMonitor& monitor : m.monitors) {
    size_t start = w.size();
    if (is_standard(ctx)) {
      w.u32(monitor.monitor_id);
      w.u32(monitor.out_port.value);
      w.u32(monitor.out_group);
      w.u16(flags_to_wire(monitor.flags, true));
      w.u8(monitor.table_id);
      w.u8(static_cast<uint8_t>(monitor.command));
      encode_match(monitor.match, w, ctx.version, ctx.tlv());
    } else {
      encode_monitor_old(w, ctx, monitor);
    }
    if (Status s = entry_done(ctx, start); !s) return s;
  }
  return {};
}

Status decode_body(ByteReader& r, const BodyContext& ctx, FlowMonitorReply& m) {
  while (r.remaining()) {
    if (Status s = decode_update(r, ctx, m.updates.emplace_back()); !s) return s;
  }
  return {};
}

Status encode_entry(ByteWriter& w, const BodyContext& ctx, const FlowUpdate& u) {
  size_t start = w.size();
  w.u16(0);
  w.u16(event_to_wire(u.event, is_standard(ctx)));
  if (is_full(u.event)) {
    if (Status s = encode_full_update(w, ctx, u); !s) return s;
  } else {
    w.u32(u.event == FlowEvent::kAbbrev ? u.xid : 0);
  }
  if (w.size() - start > UINT16_MAX) return fail(Error::OFPBRC_BAD_LEN);
  w.patch_u16(start, static_cast<uint16_t>(w.size() - start));
  return {};
}

Status encode_body(ByteWriter& w, const BodyContext& ctx, const FlowMonitorReply& m) {
  for (const FlowUpdate& u : m.updates) {
    size_t start = w.size();
    if (Status s = encode_entry(w, ctx, u); !s) return s;
    if (Status s = entry_done(ctx, start); !s) return s;
  }
  return {};
}

}  // namespace sluice::ofp
