// SPDX-License-Identifier: Apache-2.0
// Action lists and instructions on the wire: the common heads, the choice of the row, nesting.
#include <array>

#include "lib/log.h"
#include "ofproto/openflow/action_io.h"
#include "ofproto/openflow/message_text.h"

namespace sluice::ofp {
namespace {

Log log_actions("ofp_actions");
LogLimit limit(1, 5);

constexpr uint16_t kVendorType = 0xffff;   // OFPAT_VENDOR, OFPAT_EXPERIMENTER

// OFPIT_*
enum : uint16_t { kGoto = 1, kWriteMetadata, kWriteActions, kApplyActions, kClearActions, kMeterInstruction };
constexpr uint16_t kExperimenterInstruction = 0xffff;

Result<const WireRow*> read_head(ByteReader& body, uint16_t type, Version v) {
  if (type != kVendorType) {
    const WireRow* row = row_to_read(WireForm::kStandard, type, v);
    if (!row) return fail(Error::OFPBAC_BAD_TYPE);
    return row;
  }
  uint32_t vendor = body.u32();
  uint16_t subtype = body.u16();
  if (!body.ok()) return fail(Error::OFPBAC_BAD_LEN);
  if (vendor != kNiciraVendor && vendor != kOnfVendor) return fail(Error::OFPBAC_BAD_VENDOR);
  const WireRow* row = row_to_read(vendor == kNiciraVendor ? WireForm::kNicira : WireForm::kOnf, subtype, v);
  if (!row && vendor == kNiciraVendor && row_to_read(WireForm::kNicira, subtype, Version::k10)) {
    log_actions.warn(limit, "{} instruction not allowed here", "write_metadata");  // the one action that 1.1 made an instruction
    return fail(Error::OFPBIC_UNSUP_INST);
  }
  if (!row) return fail(Error::OFPBAC_BAD_VENDOR_TYPE);
  return row;
}

Result<Action> read_action(ByteReader& r, const ActionContext& ctx) {
  if (r.remaining() < 8) return fail(Error::OFPBAC_BAD_LEN);
  uint16_t type = r.u16(), length = r.u16();
  if (length < 8 || length % 8 || length - 4u > r.remaining()) return fail(Error::OFPBAC_BAD_LEN);
  ByteReader body = r.sub(length - 4u);
  auto row = read_head(body, type, ctx.version);
  if (!row) return fail(row.error());
  auto action = (*row)->read(body, ctx);
  if (!action) return action;
  if (body.remaining() > (*row)->tail) return fail(Error::OFPBAC_BAD_LEN);
  return action;
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
  if (!log_actions.enabled(LogLevel::warn)) return;
  std::string dump = plain_hex_dump(actions);
  dump.pop_back();                                 // the log ends the line,
  if (actions.size() % 16 == 8) dump += '-';       // and Open vSwitch has the mark of the middle there
  log_actions.warn(limit, "bad action at offset {} ({}):\n{}", offset, error_name(error), dump);
}

}  // namespace

Result<Actions> read_action_list(ByteReader r, const ActionContext& ctx) {
  if (ctx.depth > kMaxActionDepth) return fail(Error::OFPBAC_TOO_MANY);
  Actions out;
  ByteReader whole = r;
  while (r.remaining()) {
    size_t offset = whole.remaining() - r.remaining();
    auto a = read_action(r, ctx);
    if (!a) {
      if (ctx.depth == 0) tell_bad_action(whole.rest(), offset, a.error());
      return fail(a.error());
    }
    out.push_back(std::move(*a));
  }
  return out;
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

Result<Actions> decode_actions(ByteReader r, Version version, const TlvTable* tlv) {
  if (r.remaining() % 8) return fail(Error::OFPBAC_BAD_LEN);
  return read_action_list(r, {version, tlv, 0});
}

Status encode_actions(const Actions& actions, ByteWriter& w, Version version, const TlvTable* tlv) {
  size_t start = w.size();
  if (auto ok = write_action_list(actions, w, {version, tlv, 0}); !ok) return ok;
  if (w.size() - start > kMaxActionsBytes) return fail(Error::OFPBAC_TOO_MANY);
  return {};
}

// --- Instructions (OF1.3.5 7.2.4) ---

namespace {

/// The bodies of the instructions of one rule by type; empty views for absent ones.
struct Instructions {
  std::array<std::optional<ByteView>, 7> body{};
};

Result<Instructions> split_instructions(ByteReader r, Version version) {
  Instructions out;
  while (r.remaining()) {
    if (r.remaining() < 8) return fail(Error::OFPBIC_BAD_LEN);
    uint16_t type = r.u16(), length = r.u16();
    if (length < 8 || length % 8 || length - 4u > r.remaining()) return fail(Error::OFPBIC_BAD_LEN);
    ByteView body = r.bytes(length - 4u);
    if (type == kExperimenterInstruction) return fail(Error::OFPBIC_BAD_EXPERIMENTER);
    bool known = type >= kGoto && type <= (version >= Version::k13 && version <= Version::k14 ? kMeterInstruction : kClearActions);
    if (!known) return fail(Error::OFPBIC_UNKNOWN_INST);
    bool fixed = type != kWriteActions && type != kApplyActions;
    size_t want = type == kWriteMetadata ? 20 : 4;
    if (fixed && body.size() != want) return fail(Error::OFPBIC_BAD_LEN);
    if (out.body[type]) return fail(Error::OFPBIC_DUP_INST);
    out.body[type] = body;
  }
  return out;
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

Result<Actions> decode_instructions(ByteReader r, Version version, const TlvTable* tlv) {
  if (version == Version::k10) return decode_actions(r, version, tlv);
  auto in = split_instructions(r, version);
  if (!in) return fail(in.error());
  ActionContext ctx{version, tlv, 0};
  Actions out;
  auto body = [&](uint16_t type) { return ByteReader(*in->body[type]); };
  if (in->body[kMeterInstruction]) out.push_back(Meter{body(kMeterInstruction).u32()});
  if (in->body[kApplyActions]) {
    ByteReader b = body(kApplyActions);
    b.skip(4);
    auto actions = read_action_list(b, ctx);
    if (!actions) return actions;
    if (out.empty()) out = std::move(*actions);
    else std::move(actions->begin(), actions->end(), std::back_inserter(out));
  }
  if (in->body[kClearActions]) out.push_back(ClearActions{});
  if (in->body[kWriteActions]) {
    ByteReader b = body(kWriteActions);
    b.skip(4);
    ctx.depth = 1;
    auto actions = read_action_list(b, ctx);
    if (!actions) return actions;
    out.push_back(WriteActions{std::move(*actions)});
  }
  if (in->body[kWriteMetadata]) {
    ByteReader b = body(kWriteMetadata);
    b.skip(4);
    uint64_t value = b.u64(), mask = b.u64();
    out.push_back(WriteMetadata{value, mask});
  }
  if (in->body[kGoto]) out.push_back(GotoTable{body(kGoto).u8()});
  return out;
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
