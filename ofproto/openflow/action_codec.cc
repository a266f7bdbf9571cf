// SPDX-License-Identifier: Apache-2.0
// Action lists and instructions on the wire: the common heads, the choice of the row, nesting.
#include <fmt/format.h>

#include <array>

#include "lib/log.h"
#include "ofproto/openflow/action_io.h"
#include "ofproto/openflow/action_walk.h"
#include "ofproto/openflow/message_text.h"

namespace sluice::ofp {
namespace {
/// Formatted only if the log's limit lets the line pass.
struct HexDump { ByteView bytes; };
}  // namespace
}  // namespace sluice::ofp

template <>
struct fmt::formatter<sluice::ofp::HexDump> : fmt::formatter<std::string> {
  template <typename Context>
  auto format(const sluice::ofp::HexDump& dump, Context& ctx) const {
    std::string text = sluice::ofp::plain_hex_dump(dump.bytes);
    text.pop_back();                                 // the log ends the line,
    if (dump.bytes.size() % 16 == 8) text += '-';    // and Open vSwitch has the mark of the middle there
    return fmt::formatter<std::string>::format(text, ctx);
  }
};

namespace sluice::ofp {
namespace {

Log log_actions("ofp_actions");
LogLimit limit(1, 5), instruction_limit(5, 10), nesting_limit(5, 10);

constexpr uint16_t kVendorType = 0xffff;   // OFPAT_VENDOR, OFPAT_EXPERIMENTER

// OFPIT_*
enum : uint16_t { kGoto = 1, kWriteMetadata, kWriteActions, kApplyActions, kClearActions, kMeterInstruction };
constexpr uint16_t kExperimenterInstruction = 0xffff;
constexpr uint16_t kNxWriteMetadata = 22;

[[gnu::cold]] std::unexpected<Error> unknown_action(Version v, uint32_t vendor, uint16_t type, Error error) {
  log_actions.warn(limit, "unknown {} action for vendor {} and type {}", version_name(v), vendor ? fmt::format("{:#x}", vendor) : "0", type);
  return fail(error);
}

Result<const WireRow*> read_head(ByteReader& body, uint16_t type, const ActionContext& ctx) {
  Version v = ctx.version;
  if (type != kVendorType) {
    const WireRow* row = row_to_read(WireForm::kStandard, type, v);
    if (!row) return unknown_action(v, 0, type, Error::OFPBAC_BAD_TYPE);
    return row;
  }
  uint32_t vendor = body.u32();
  uint16_t subtype = body.u16();
  if (!body.ok()) return fail(Error::OFPBAC_BAD_LEN);
  if (vendor != kNiciraVendor && vendor != kOnfVendor) {
    log_actions.warn(limit, "OpenFlow action has unknown vendor {:#x}", vendor);
    return fail(Error::OFPBAC_BAD_VENDOR);
  }
  const WireRow* row = row_to_read(vendor == kNiciraVendor ? WireForm::kNicira : WireForm::kOnf, subtype, v);
  if (vendor == kNiciraVendor && subtype == kNxWriteMetadata) {  // the one action that 1.1 made an instruction
    if (ctx.in_rule) return row_to_read(WireForm::kNicira, subtype, Version::k10);
    log_actions.warn(instruction_limit, "write_metadata instruction not allowed here");
    return fail(Error::OFPBIC_UNSUP_INST);
  }
  if (!row) return unknown_action(v, vendor, subtype, Error::OFPBAC_BAD_VENDOR_TYPE);
  return row;
}

/// An action whose length can't be; says what it is, if that can be told.
[[gnu::cold]] Status bad_length(ByteReader r, const ActionContext& ctx) {
  uint16_t type = load_be<uint16_t>(r.position()), length = load_be<uint16_t>(r.position() + 2);
  size_t there = r.remaining();
  ByteReader body(r.bytes(std::min<size_t>(there, 16)).subspan(4));
  auto row = read_head(body, type, ctx);
  if (!row) return fail(row.error());
  if (length > there) log_actions.warn(limit, "OpenFlow action {} length {} exceeds action buffer length {}", (*row)->name, length, there);
  else if (length >= 8) log_actions.warn(limit, "OpenFlow action {} length {} is not a multiple of 8", (*row)->name, length);
  return fail(Error::OFPBAC_BAD_LEN);
}

Status read_action(ByteReader& r, const ActionContext& ctx, Action& out) {
  if (r.remaining() < 8) return fail(Error::OFPBAC_BAD_LEN);
  uint16_t type = load_be<uint16_t>(r.position()), length = load_be<uint16_t>(r.position() + 2);
  if (length < 8 || length % 8 || length > r.remaining()) return bad_length(r, ctx);
  ByteReader body(r.bytes(length).subspan(4));
  auto row = read_head(body, type, ctx);
  if (!row) return fail(row.error());
  if (Status s = (*row)->read(body, ctx, out); !s) return s;
  if (body.remaining() > (*row)->tail) {
    size_t want = (length - body.remaining() + 7) / 8 * 8;
    log_actions.warn(limit, "OpenFlow action {} length {} not in valid range [{},{}]", (*row)->name, length, want, want);
    return fail(Error::OFPBAC_BAD_LEN);
  }
  return {};
}

Status write_action(const Action& a, ByteWriter& w, const ActionContext& ctx) {
  const WireRow* row = row_to_write(a, ctx.version);
  if (!row) return fail(is_instruction(a) ? Error::OFPBIC_UNSUP_INST : Error::OFPBAC_BAD_TYPE);
  size_t start = w.size();
  w.u32(static_cast<uint32_t>(row->form == WireForm::kStandard ? row->number : kVendorType) << 16);  // the length comes last
  if (row->form != WireForm::kStandard) {
    w.u32(row->form == WireForm::kNicira ? kNiciraVendor : kOnfVendor);
    w.u16(row->number);
  }
  if (auto ok = row->write(a, w, ctx); !ok) return ok;
  w.pad(start, 8);
  size_t length = w.size() - start;
  if (length > kMaxActionsBytes) return fail(Error::OFPBAC_TOO_MANY);
  w.patch_u16(start + 2, static_cast<uint16_t>(length));
  return {};
}

void tell_bad_action(ByteView actions, size_t offset, Error error) {
  log_actions.warn(limit, "bad action at offset {} ({}):\n{}", offset, error_name(error), HexDump{actions});
}

}  // namespace

Status read_action_list(ByteReader r, const ActionContext& ctx, Actions& out) {
  if (ctx.depth > kMaxActionDepth) return fail(Error::OFPBAC_TOO_MANY);
  constexpr size_t kUsualAction = 16;  // bytes
  ByteReader whole = r;
  out.reserve(out.size() + (r.remaining() + kUsualAction - 1) / kUsualAction);
  while (r.remaining()) {
    size_t offset = whole.remaining() - r.remaining();
    if (Status s = read_action(r, ctx, out.emplace_back()); !s) {
      if (ctx.depth == 0 && s.error() != Error::OFPBIC_UNSUP_INST) tell_bad_action(whole.rest(), offset, s.error());
      return s;
    }
  }
  return {};
}

Status write_action_list(const Actions& actions, ByteWriter& w, const ActionContext& ctx) {
  if (ctx.depth > kMaxActionDepth) return fail(Error::OFPBAC_TOO_MANY);
  Actions lowered;
  for (const Action& a : actions) {
    if (!may_lower(a)) {
      if (auto ok = write_action(a, w, ctx); !ok) return ok;
      continue;
    }
    lowered.clear();
    if (auto ok = lower_action(a, ctx.version, lowered); !ok) return ok;
    for (const Action& l : lowered)
      if (auto ok = write_action(l, w, ctx); !ok) return ok;
  }
  return {};
}

namespace {
bool is_ct_field(FieldId f) { return f == FieldId::kCtMark || f == FieldId::kCtLabel; }

/// What the actions of ct may be.
Status check_in_ct(const Action& a) {
  if (a.as<Nat>()) return {};
  auto *set = a.as<SetField>();
  auto *move = a.as<Move>();
  if (!set && !move) {
    log_actions.warn(nesting_limit, "ct action doesn't support nested action {}", action_name(a));
    return fail(Error::OFPBAC_BAD_ARGUMENT);
  }
  FieldId f = set ? set->field : move->dst.field;
  if (is_ct_field(f)) return {};
  log_actions.warn(nesting_limit, "ct action doesn't support nested modification of {}", field(f).name);
  return fail(Error::OFPBAC_BAD_ARGUMENT);
}

/// The connection's fields are set in ct, and nothing else is.
Status check_nesting(const Actions& actions) {
  for (const Action& a : actions) {
    if (const FieldId* f = written_field(a); f && is_ct_field(*f)) {
      log_actions.warn(nesting_limit, "cannot set CT fields outside of ct action");
      return fail(Error::OFPBAC_BAD_SET_ARGUMENT);
    }
    const Actions* inner = nested(a);
    if (inner && a.as<Ct>()) {
      for (const Action& of_ct : *inner)
        if (Status s = check_in_ct(of_ct); !s) return s;
    } else if (inner) {
      if (Status s = check_nesting(*inner); !s) return s;
    }
  }
  return {};
}
}  // namespace

Result<Actions> decode_actions(ByteReader r, Version version, const TlvTable* tlv) {
  if (r.remaining() % 8) return fail(Error::OFPBAC_BAD_LEN);
  Result<Actions> actions;
  if (Status s = read_action_list(r, {version, tlv, 0}, *actions); !s) return fail(s.error());
  if (Status s = check_nesting(*actions); !s) return fail(s.error());
  return actions;
}

Status encode_actions(const Actions& actions, ByteWriter& w, Version version, const TlvTable* tlv) {
  size_t start = w.size();
  if (auto ok = write_action_list(actions, w, {version, tlv, 0}); !ok) return ok;
  if (w.size() - start > kMaxActionsBytes) return fail(Error::OFPBAC_TOO_MANY);
  return {};
}

// --- Instructions (OF1.3.5 7.2.4) ---

namespace {

/// The bodies of the instructions of one rule by type; null views for absent ones.
struct Instructions {
  std::array<ByteView, 7> body{};
  bool has(uint16_t type) const { return body[type].data(); }
  /// Of an action list: without the padding before it.
  ByteReader actions(uint16_t type) const { return ByteReader(body[type].subspan(4)); }
};

Status split_instructions(ByteReader r, Version version, Instructions& out) {
  if (r.remaining() % 8) {
    log_actions.warn(limit, "OpenFlow message instructions length {} is not a multiple of 8", r.remaining());
    return fail(Error::OFPBIC_BAD_LEN);
  }
  while (r.remaining()) {
    uint16_t type = r.u16(), length = r.u16();
    if (length < 8 || length % 8 || length - 4u > r.remaining()) return fail(Error::OFPBIC_BAD_LEN);
    ByteView body = r.bytes(length - 4u);
    if (type == kExperimenterInstruction) return fail(Error::OFPBIC_BAD_EXPERIMENTER);
    bool known = type >= kGoto && type <= (version >= Version::k13 && version <= Version::k14 ? kMeterInstruction : kClearActions);
    if (!known) return fail(Error::OFPBIC_UNKNOWN_INST);
    bool fixed = type != kWriteActions && type != kApplyActions;
    size_t want = type == kWriteMetadata ? 20 : 4;
    if (fixed && body.size() != want) return fail(Error::OFPBIC_BAD_LEN);
    if (out.has(type)) return fail(Error::OFPBIC_DUP_INST);
    out.body[type] = body;
  }
  return {};
}

void write_instruction(ByteWriter& w, uint16_t type, uint16_t length) {
  w.u16(type);
  w.u16(length);
}

Status write_instruction_actions(const Actions& actions, ByteWriter& w, uint16_t type, const ActionContext& ctx) {
  size_t start = w.size();
  w.u64(static_cast<uint64_t>(type) << 48);
  if (auto ok = write_action_list(actions, w, ctx); !ok) return ok;
  if (w.size() - start > kMaxActionsBytes) return fail(Error::OFPBAC_TOO_MANY);
  w.patch_u16(start + 2, static_cast<uint16_t>(w.size() - start));
  return {};
}

Status write_other_instruction(const Action& a, ByteWriter& w, const ActionContext& ctx) {
  if (auto* g = a.as<GotoTable>()) {
    write_instruction(w, kGoto, 8);
    w.u8(g->table);
    w.zeros(3);
  } else if (auto* m = a.as<WriteMetadata>()) {
    write_instruction(w, kWriteMetadata, 24);
    w.zeros(4);
    w.u64(m->value);
    w.u64(m->mask);
  } else if (auto* wa = a.as<WriteActions>()) {
    return write_instruction_actions(wa->actions, w, kWriteActions, ctx);
  } else if (a.as<ClearActions>()) {
    write_instruction(w, kClearActions, 8);
    w.zeros(4);
  } else if (auto* meter = a.as<Meter>()) {
    if (ctx.version < Version::k13) return fail(Error::OFPBIC_UNSUP_INST);
    write_instruction(w, kMeterInstruction, 8);
    w.u32(meter->meter_id);
  }
  return {};
}

}  // namespace

namespace {
Status read_all_instructions(ByteReader r, Version version, const TlvTable* tlv, Actions& out) {
  ActionContext ctx{version, tlv, 0, true};
  if (version == Version::k10) return r.remaining() % 8 ? fail(Error::OFPBAC_BAD_LEN) : read_action_list(r, ctx, out);
  // Nearly always apply_actions is all.
  size_t size = r.remaining();
  if (size >= 8 && size % 8 == 0 && load_be<uint32_t>(r.position()) == (uint32_t{kApplyActions} << 16 | size)) {
    r.skip(8);
    return read_action_list(r, ctx, out);
  }
  Instructions in;
  if (Status s = split_instructions(r, version, in); !s) return s;
  if (in.has(kMeterInstruction)) out.push_back(Meter{load_be<uint32_t>(in.body[kMeterInstruction].data())});
  if (in.has(kApplyActions))
    if (Status s = read_action_list(in.actions(kApplyActions), ctx, out); !s) return s;
  if (in.has(kClearActions)) out.push_back(ClearActions{});
  if (in.has(kWriteActions)) {
    WriteActions write;
    ctx.depth = 1;
    ctx.in_rule = false;
    if (Status s = read_action_list(in.actions(kWriteActions), ctx, write.actions); !s) return s;
    out.push_back(std::move(write));
  }
  if (in.has(kWriteMetadata)) {
    ByteReader b = in.actions(kWriteMetadata);
    uint64_t value = b.u64(), mask = b.u64();
    out.push_back(WriteMetadata{value, mask});
  }
  if (in.has(kGoto)) out.push_back(GotoTable{in.body[kGoto][0]});
  return {};
}

}  // namespace

Status read_instructions(ByteReader r, Version version, const TlvTable* tlv, Actions& out) {
  Status s = read_all_instructions(r, version, tlv, out);
  return s ? check_nesting(out) : s;
}

Result<Actions> decode_instructions(ByteReader r, Version version, const TlvTable* tlv) {
  Result<Actions> actions;
  if (Status s = read_instructions(r, version, tlv, *actions); !s) return fail(s.error());
  return actions;
}

Status encode_instructions(const Actions& actions, ByteWriter& w, Version version, const TlvTable* tlv) {
  if (version == Version::k10) return encode_actions(actions, w, version, tlv);
  ActionContext ctx{version, tlv, 0};
  size_t start = w.size();
  size_t i = 0;
  // Runs of plain actions become one apply_actions; 1.5 has the meter as an action.
  auto is_plain = [&](const Action& a) { return !is_instruction(a) || (a.as<Meter>() && version >= Version::k15); };
  bool applied = false;
  while (i < actions.size()) {
    if (!is_plain(actions[i])) {
      ctx.depth = 1;
      if (auto ok = write_other_instruction(actions[i++], w, ctx); !ok) return ok;
      continue;
    }
    if (applied) return fail(Error::OFPBAC_UNSUPPORTED_ORDER);
    applied = true;
    size_t end = i;
    while (end < actions.size() && is_plain(actions[end])) end++;
    ctx.depth = 0;
    bool all = i == 0 && end == actions.size();
    auto ok = all ? write_instruction_actions(actions, w, kApplyActions, ctx)
                  : write_instruction_actions(Actions(actions.begin() + static_cast<long>(i), actions.begin() + static_cast<long>(end)), w,
                                              kApplyActions, ctx);
    if (!ok) return ok;
    i = end;
  }
  if (w.size() - start > kMaxActionsBytes) return fail(Error::OFPBAC_TOO_MANY);
  return {};
}

}  // namespace sluice::ofp
