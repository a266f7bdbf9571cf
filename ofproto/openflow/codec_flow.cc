// SPDX-License-Identifier: Apache-2.0
// Codec: flow mods (OF1.0.1 5.3.3, OF1.3.5 7.3.4.2, NXT_FLOW_MOD) and flow-removed notices.
#include "ofproto/openflow/codec_body.h"
#include "ofproto/openflow/codec_flow.h"
#include "ofproto/openflow/codec_port.h"

namespace sluice::ofp {
namespace {

constexpr uint16_t kEmergency10 = 4;

uint16_t wire_flags(Version v) {
  uint16_t flags = OFPFF_SEND_FLOW_REM | OFPFF_CHECK_OVERLAP;
  if (v >= Version::k12) flags |= OFPFF_RESET_COUNTS;
  if (v >= Version::k13) flags |= OFPFF_NO_PKT_COUNTS | OFPFF_NO_BYT_COUNTS;
  return flags;
}

Status decode_flags(uint16_t wire, Version v, FlowMod& m) {
  if (v == Version::k10 && (wire & kEmergency10)) {
    return fail(m.idle_timeout || m.hard_timeout ? Error::OFPFMFC_BAD_EMERG_TIMEOUT : Error::OFPFMFC_TABLE_FULL);
  }
  if (wire & ~wire_flags(v)) return fail(Error::OFPFMFC_BAD_FLAGS);
  m.flags = wire;
  // Before 1.2 every add resets counters.
  if (v < Version::k12 && m.command == FlowModCommand::kAdd) m.flags |= OFPFF_RESET_COUNTS;
  return {};
}

/// Command of 1.0 and NXT flow mods, with the table in the high byte if that is negotiated.
Status decode_command16(uint16_t wire, const BodyContext& ctx, FlowMod& m) {
  bool tid = ctx.options.flow_mod_table_id;
  uint16_t command = tid ? wire & 0xff : wire;
  if (command > static_cast<uint16_t>(FlowModCommand::kDeleteStrict)) return fail(Error::OFPFMFC_BAD_COMMAND);
  m.command = static_cast<FlowModCommand>(command);
  m.table_id = tid ? static_cast<uint8_t>(wire >> 8) : kTableAll;
  return {};
}

uint16_t command16(const BodyContext& ctx, const FlowMod& m) {
  uint16_t command = static_cast<uint16_t>(m.command);
  if (!ctx.options.flow_mod_table_id) return command;
  return static_cast<uint16_t>(m.table_id << 8 | command);
}

/// "Exact" in the sense of 1.0: none of the twelve fields of the match is wild, whether or not the packet can have them.
bool is_exact_of10(const uint8_t* match) {
  constexpr uint32_t kWildcards = (1 << 22) - 1;
  return (load_be<uint32_t>(match) & kWildcards) == 0;
}

Status decode10(ByteReader& r, const BodyContext& ctx, FlowMod& m) {
  if (r.remaining() < 64) return fail(Error::OFPBRC_BAD_LEN);
  bool exact = is_exact_of10(r.position());
  auto match = decode_of10_match(r);
  if (!match) return fail(match.error());
  m.match = MiniMatch(*match);
  m.new_cookie = r.u64();
  m.modify_cookie = m.new_cookie != UINT64_MAX;
  if (Status s = decode_command16(r.u16(), ctx, m); !s) return s;
  m.idle_timeout = r.u16();
  m.hard_timeout = r.u16();
  m.priority = r.u16();
  m.buffer_id = r.u32();
  if (Status s = read_port(r, Version::k10, Error::OFPBAC_BAD_OUT_PORT, m.out_port); !s) return s;
  if (Status s = decode_flags(r.u16(), Version::k10, m); !s) return s;
  if (exact) m.priority = UINT16_MAX;  // OF1.0.1 3.4: entries without wildcards come first
  return read_instructions(ByteReader(r.rest()), Version::k10, ctx.tlv(), m.actions);
}

Status decode_nxt(ByteReader& r, const BodyContext& ctx, FlowMod& m) {
  if (r.remaining() < 32) return fail(Error::OFPBRC_BAD_LEN);
  m.new_cookie = r.u64();
  m.modify_cookie = m.new_cookie != UINT64_MAX;
  if (Status s = decode_command16(r.u16(), ctx, m); !s) return s;
  m.idle_timeout = r.u16();
  m.hard_timeout = r.u16();
  m.priority = r.u16();
  m.buffer_id = r.u32();
  if (Status s = read_port(r, Version::k10, Error::OFPBAC_BAD_OUT_PORT, m.out_port); !s) return s;
  uint16_t flags = r.u16(), match_len = r.u16();
  r.skip(6);
  if (Status s = decode_flags(flags, Version::k10, m); !s) return s;
  CookieMatch cookie;
  Match match;
  if (Status s = decode_padded_nxm(r, match_len, ctx, &cookie, match); !s) return s;
  m.match = MiniMatch(match);
  m.cookie = cookie.value;
  m.cookie_mask = cookie.mask;
  // An addition has a new cookie, nothing to compare one with.
  if (m.command == FlowModCommand::kAdd && m.cookie_mask) return fail(Error::NXBRC_NXM_INVALID);
  return read_instructions(ByteReader(r.rest()), ctx.version, ctx.tlv(), m.actions);
}

bool is_delete(FlowModCommand c) { return c == FlowModCommand::kDelete || c == FlowModCommand::kDeleteStrict; }

/// In 1.1 a modify that does not look at cookies acts as an add if nothing matches (OF1.1.0 4.6), so its cookie is a new one.
bool sets_cookie11(Version v, FlowModCommand c, uint64_t cookie_mask) {
  return c == FlowModCommand::kAdd || (v == Version::k11 && !is_delete(c) && cookie_mask == 0);
}

Status decode11(ByteReader& r, const BodyContext& ctx, FlowMod& m) {
  if (r.remaining() < 40) return fail(Error::OFPBRC_BAD_LEN);
  const uint8_t* fixed = r.bytes(40).data();   // at once: this is the message that comes in millions
  uint64_t cookie = load_be<uint64_t>(fixed), cookie_mask = load_be<uint64_t>(fixed + 8);
  m.table_id = fixed[16];
  uint8_t command = fixed[17];
  m.idle_timeout = load_be<uint16_t>(fixed + 18);
  m.hard_timeout = load_be<uint16_t>(fixed + 20);
  m.priority = load_be<uint16_t>(fixed + 22);
  m.buffer_id = load_be<uint32_t>(fixed + 24);
  m.out_port = OfpPort{load_be<uint32_t>(fixed + 28)};
  if (!is_port_valid(m.out_port)) return fail(Error::OFPBAC_BAD_OUT_PORT);
  uint32_t out_group = load_be<uint32_t>(fixed + 32);
  uint16_t flags = load_be<uint16_t>(fixed + 36);
  if (ctx.at_least(Version::k14)) m.importance = load_be<uint16_t>(fixed + 38);
  if (command > static_cast<uint8_t>(FlowModCommand::kDeleteStrict)) return fail(Error::OFPFMFC_BAD_COMMAND);
  m.command = static_cast<FlowModCommand>(command);
  if (is_delete(m.command)) m.out_group = out_group;
  if (m.table_id == kTableAll && (ctx.version == Version::k11 || !is_delete(m.command))) return fail(Error::OFPFMFC_BAD_TABLE_ID);
  if (Status s = decode_flags(flags, ctx.version, m); !s) return s;
  if (sets_cookie11(ctx.version, m.command, cookie_mask)) {
    m.new_cookie = cookie;
  } else {
    m.cookie = cookie & cookie_mask;
    m.cookie_mask = cookie_mask;
  }
  if (Status s = read_match(r, ctx.version, m.match, ctx.tlv(), ctx.options.shapes); !s) return s;
  return read_instructions(ByteReader(r.rest()), ctx.version, ctx.tlv(), m.actions);
}

void put_mod_tail10(ByteWriter& w, const BodyContext& ctx, const FlowMod& m) {
  w.u16(command16(ctx, m));
  w.u16(m.idle_timeout);
  w.u16(m.hard_timeout);
  w.u16(m.priority);
  w.u32(m.buffer_id);
  w.u16(port_to_of10(m.out_port));
  w.u16(m.flags & wire_flags(Version::k10));
}

Status encode11(ByteWriter& w, const BodyContext& ctx, const FlowMod& m, const MatchView& match) {
  w.u64(sets_cookie11(ctx.version, m.command, m.cookie_mask) ? m.new_cookie : m.cookie & m.cookie_mask);
  w.u64(m.cookie_mask);
  // "All tables" is for deletes of 1.2+.
  bool all = m.table_id == kTableAll && (ctx.version == Version::k11 || !is_delete(m.command));
  w.u8(all ? 0 : m.table_id);
  w.u8(static_cast<uint8_t>(m.command));
  w.u16(m.idle_timeout);
  w.u16(m.hard_timeout);
  w.u16(m.priority);
  w.u32(m.buffer_id);
  w.u32(m.out_port.value);
  w.u32(m.out_group);
  w.u16(m.flags & wire_flags(ctx.version));
  w.u16(ctx.at_least(Version::k14) ? m.importance : 0);
  encode_match(match, w, ctx.version, ctx.tlv());
  return encode_instructions(m.actions, w, ctx.version, ctx.tlv());
}

Status decode_reason(uint8_t wire, FlowRemoved& m) {
  if (wire > static_cast<uint8_t>(FlowRemovedReason::kEviction)) return fail(Error::NXBRC_BAD_REASON);
  m.reason = static_cast<FlowRemovedReason>(wire);
  return {};
}

uint8_t wire_reason(FlowRemovedReason reason, Version v) {
  bool known = reason <= FlowRemovedReason::kDelete || (reason == FlowRemovedReason::kGroupDelete && v >= Version::k11) ||
               (reason == FlowRemovedReason::kMeterDelete && v >= Version::k14) || (reason == FlowRemovedReason::kEviction && v >= Version::k14);
  return static_cast<uint8_t>(known ? reason : FlowRemovedReason::kDelete);
}

Status decode_removed15(ByteReader& r, const BodyContext& ctx, FlowRemoved& m) {
  m.table_id = r.u8();
  uint8_t reason = r.u8();
  m.priority = r.u16();
  m.idle_timeout = r.u16();
  m.hard_timeout = r.u16();
  m.cookie = r.u64();
  if (!r.ok()) return fail(Error::OFPBRC_BAD_LEN);
  if (Status s = decode_reason(reason, m); !s) return s;
  if (Status s = read_match(r, ctx.version, m.match, ctx.tlv()); !s) return s;
  FlowCounters c;
  if (Status s = decode_oxs(r, c); !s) return s;
  m.duration_sec = c.duration_sec;
  m.duration_nsec = c.duration_nsec;
  m.packet_count = c.packet_count;
  m.byte_count = c.byte_count;
  return {};
}

Status decode_removed10(ByteReader& r, FlowRemoved& m) {
  if (r.remaining() < 80) return fail(Error::OFPBRC_BAD_LEN);
  auto match = decode_whole_of10_match(r);
  if (!match) return fail(match.error());
  m.match = *match;
  m.cookie = r.u64();
  m.priority = r.u16();
  uint8_t reason = r.u8();
  r.skip(1);
  m.duration_sec = r.u32();
  m.duration_nsec = r.u32();
  m.idle_timeout = r.u16();
  r.skip(2);
  m.packet_count = r.u64();
  m.byte_count = r.u64();
  return decode_reason(reason, m);
}

/// 1.1-1.4, and the Nicira form, which differs in its match only.
Status decode_removed11(ByteReader& r, const BodyContext& ctx, FlowRemoved& m) {
  bool nxt = ctx.type == MessageType::NXT_FLOW_REMOVED;
  if (r.remaining() < 40) return fail(Error::OFPBRC_BAD_LEN);
  m.cookie = r.u64();
  m.priority = r.u16();
  uint8_t reason = r.u8(), table = r.u8();
  m.table_id = nxt ? static_cast<uint8_t>(table - 1) : table;
  m.duration_sec = r.u32();
  m.duration_nsec = r.u32();
  m.idle_timeout = r.u16();
  uint16_t hard_or_match_len = r.u16();
  m.packet_count = r.u64();
  m.byte_count = r.u64();
  if (Status s = decode_reason(reason, m); !s) return s;
  if (nxt) return decode_padded_nxm(r, hard_or_match_len, ctx, nullptr, m.match);
  if (ctx.at_least(Version::k12)) m.hard_timeout = hard_or_match_len;
  if (Status s = read_match(r, ctx.version, m.match, ctx.tlv()); !s) return s;
  return {};
}

}  // namespace

Status decode_padded_nxm(ByteReader& r, size_t match_len, const BodyContext& ctx, CookieMatch* cookie, Match& out) {
  size_t padded = (match_len + 7) / 8 * 8;
  if (padded > r.remaining()) return fail(Error::OFPBRC_BAD_LEN);
  return read_nxm(r.bytes(padded).first(match_len), out, ctx.tlv(), cookie);
}

Status decode_body(ByteReader& r, const BodyContext& ctx, FlowMod& m) {
  if (ctx.type == MessageType::NXT_FLOW_MOD) return decode_nxt(r, ctx, m);
  return ctx.version == Version::k10 ? decode10(r, ctx, m) : decode11(r, ctx, m);
}

/// What the format can't have would be left out: the match would be wider, the flag not set.
Status check_expressible(const FlowMod& m, const Match& match, const BodyContext& ctx) {
  ProtocolSet formats = version_protocols(ctx.version);
  if (ctx.version == Version::k10) formats &= ctx.type == MessageType::NXT_FLOW_MOD ? kNxmAny : kOf10Any;
  if (!(usable_protocols(match) & formats)) return fail(Error::OFPBMC_BAD_FIELD);
  uint16_t implied = OFPFF_RESET_COUNTS | kFlowHiddenFields | kFlowEmergency;   // what older adds do anyway, and what is no flag on the wire
  if (m.flags & ~(wire_flags(ctx.version) | implied)) return fail(Error::OFPFMFC_BAD_FLAGS);
  bool of10 = ctx.version == Version::k10 && ctx.type == MessageType::OFPT_FLOW_MOD;
  bool later = (m.importance && !ctx.at_least(Version::k14)) || (m.out_group != OFPG_ANY && ctx.version == Version::k10) || (m.cookie_mask && of10);
  return later ? fail(Error::OFPFMFC_UNKNOWN) : Status();
}

Status encode_body(ByteWriter& w, const BodyContext& ctx, const FlowMod& m) {
  Match match = m.match.expand();
  if (Status s = check_expressible(m, match, ctx); !s) return s;
  MatchView view(match, m.match.map());
  if (ctx.type == MessageType::OFPT_FLOW_MOD && ctx.version > Version::k10) return encode11(w, ctx, m, view);
  if (ctx.type == MessageType::OFPT_FLOW_MOD) {
    encode_of10_match(match, w);
    w.u64(m.new_cookie == UINT64_MAX && m.command == FlowModCommand::kAdd ? 0 : m.new_cookie);
    put_mod_tail10(w, ctx, m);
  } else {
    w.u64(m.new_cookie);
    put_mod_tail10(w, ctx, m);
    size_t length_at = w.size();
    w.zeros(8);
    size_t start = w.size();
    CookieMatch cookie{m.cookie, m.cookie_mask};
    size_t length = encode_nxm(view, w, ctx.version, ctx.tlv(), &cookie);
    w.patch_u16(length_at, static_cast<uint16_t>(length));
    w.pad(start, 8);
  }
  return encode_instructions(m.actions, w, ctx.version, ctx.tlv());
}

Status decode_body(ByteReader& r, const BodyContext& ctx, FlowRemoved& m) {
  if (ctx.type == MessageType::NXT_FLOW_REMOVED) return decode_removed11(r, ctx, m);
  if (ctx.version == Version::k10) return decode_removed10(r, m);
  return ctx.at_least(Version::k15) ? decode_removed15(r, ctx, m) : decode_removed11(r, ctx, m);
}

Status encode_body(ByteWriter& w, const BodyContext& ctx, const FlowRemoved& m) {
  bool nxt = ctx.type == MessageType::NXT_FLOW_REMOVED;
  uint8_t reason = wire_reason(m.reason, ctx.version);
  if (!nxt && ctx.at_least(Version::k15)) {
    w.u8(m.table_id);
    w.u8(reason);
    w.u16(m.priority);
    w.u16(m.idle_timeout);
    w.u16(m.hard_timeout);
    w.u64(m.cookie);
    encode_match(m.match, w, ctx.version, ctx.tlv());
    encode_oxs(w, {.duration_sec = m.duration_sec, .duration_nsec = m.duration_nsec, .packet_count = m.packet_count, .byte_count = m.byte_count});
    return {};
  }
  bool v10 = !nxt && ctx.version == Version::k10;
  if (v10) encode_of10_match(m.match, w);
  w.u64(m.cookie);
  w.u16(m.priority);
  w.u8(reason);
  w.u8(nxt ? static_cast<uint8_t>(m.table_id + 1) : v10 ? 0 : m.table_id);
  w.u32(m.duration_sec);
  w.u32(m.duration_nsec);
  w.u16(m.idle_timeout);
  size_t at = w.size();
  w.u16(!nxt && ctx.at_least(Version::k12) ? m.hard_timeout : 0);
  w.u64(m.packet_count);
  w.u64(m.byte_count);
  if (nxt) {
    size_t start = w.size();
    size_t length = encode_nxm(m.match, w, ctx.version, ctx.tlv());
    w.patch_u16(at, static_cast<uint16_t>(length));
    w.pad(start, 8);
  } else if (!v10) {
    encode_match(m.match, w, ctx.version, ctx.tlv());
  }
  return {};
}

}  // namespace sluice::ofp
