// SPDX-License-Identifier: Apache-2.0
// Text of flow mods, removed flows, flow statistics, flow monitors.
#include "ofproto/openflow/codec.h"
#include "ofproto/openflow/flow_text.h"
#include "ofproto/openflow/nxm_text.h"
#include "ofproto/openflow/port.h"
#include "ofproto/openflow/text_body.h"

namespace sluice::ofp {
namespace {

constexpr BitName kMonitorFlags[] = {
    {OFPFMF_INITIAL, "initial"}, {OFPFMF_ADD, "add"}, {OFPFMF_REMOVED, "delete"}, {OFPFMF_MODIFY, "modify"}, {OFPFMF_INSTRUCTIONS, "actions"},
    {OFPFMF_NO_ABBREV, "no-abbrev"}, {OFPFMF_ONLY_OWN, "own"},
};

std::string_view event_name(FlowEvent e) {
  constexpr std::string_view kNames[] = {"INITIAL", "ADDED", "DELETED", "MODIFIED", "ABBREV", "PAUSED", "RESUMED"};
  return kNames[static_cast<size_t>(e)];
}

void add_update(std::string& out, const TextContext& ctx, const FlowUpdate& u) {
  append(out, "\n event={}", event_name(u.event));
  if (u.event == FlowEvent::kAbbrev) append(out, " xid=0x{:x}", u.xid);
  if (u.event > FlowEvent::kModified) return;
  if (u.event == FlowEvent::kRemoved) append(out, " reason={}", flow_removed_reason_name(u.reason));
  append(out, " table={}", u.table_id);
  if (u.idle_timeout) append(out, " idle_timeout={}", u.idle_timeout);
  if (u.hard_timeout) append(out, " hard_timeout={}", u.hard_timeout);
  out += u.cookie ? fmt::format(" cookie={:#x} ", u.cookie) : " cookie=0 ";
  add_match(out, ctx, u.match, u.priority);
  if (u.actions.empty()) return;
  if (!out.ends_with(' ')) out += ' ';
  out += "actions=";
  format_actions(u.actions, out, ctx.names());
}

/// With much verbosity: the match as its version has it, before anything is made of it.
std::string match_as_sent(const TextContext& ctx, const FlowMod& m) {
  constexpr int kRawVerbosity = 3;
  if (ctx.options.verbosity < kRawVerbosity) return "";
  if (ctx.type() == MessageType::NXT_FLOW_MOD) {
    std::string match = format_nxm(m.match.expand(), ctx.names().tlv);
    return match.empty() ? "<any>" : match;
  }
  if (ctx.version() != Version::k10 || ctx.options.wire.size() < kHeaderSize + kOf10MatchSize) return "";
  return format_of10_match(ctx.options.wire.subspan(kHeaderSize, kOf10MatchSize), ctx.names().ports);
}

}  // namespace

void format_body(std::string& out, const TextContext& ctx, const FlowMod& m) {
  out += ' ';
  std::string as_sent = match_as_sent(ctx, m);
  bool resets = ctx.version() < Version::k12;  // before 1.2 an add always resets counters; that is not said
  bool no_table = (ctx.version() == Version::k10 || ctx.type() == MessageType::NXT_FLOW_MOD) && !ctx.options.has_table_ids;
  if (!resets && !no_table) return format_flow_mod(m, out, ctx.names(), as_sent);
  FlowMod shown = m;
  if (resets) shown.flags &= static_cast<uint16_t>(~OFPFF_RESET_COUNTS);
  if (no_table) shown.table_id = 0;
  format_flow_mod(shown, out, ctx.names(), as_sent);
}

void format_body(std::string& out, const TextContext& ctx, const FlowRemoved& m) {
  out += ' ';
  add_match(out, ctx, m.match, m.priority);
  append(out, " reason={}", flow_removed_reason_name(m.reason));
  if (m.table_id != kTableAll) append(out, " table_id={}", m.table_id);
  if (m.cookie) append(out, " cookie:0x{:x}", m.cookie);
  out += " duration";
  add_duration(out, m.duration_sec, m.duration_nsec);
  append(out, " idle{}", m.idle_timeout);
  if (m.hard_timeout) append(out, " hard{}", m.hard_timeout);
  append(out, " pkts{} bytes{}", m.packet_count, m.byte_count);
}

void format_body(std::string& out, const TextContext& ctx, const FlowStatsRequest& m) {
  if (m.table_id != kTableAll) append(out, " table={}", m.table_id);
  if (m.out_port != OFPP_NONE) append(out, " out_port={}", format_port(m.out_port, ctx.names().ports));
  std::string match;
  add_match(match, ctx, m.match);
  if (!match.empty()) append(out, " {}", match);
}

void format_body(std::string& out, const TextContext& ctx, const FlowStatsReply& m) {
  out += '\n';
  for (const FlowStats& f : m.flows) {
    format_flow_stats(f, out, ctx.names(), ctx.options.show_stats);
    out += '\n';
  }
}

void format_body(std::string& out, const TextContext&, const AggregateStats& m) {
  append(out, " packet_count={} byte_count={} flow_count={}", m.packet_count, m.byte_count, m.flow_count);
}

void format_body(std::string& out, const TextContext& ctx, const FlowMonitorRequest& m) {
  for (const FlowMonitor& f : m.monitors) {
    append(out, "\n id={}", f.monitor_id);
    if (f.command == FlowMonitorCommand::kDelete) {
      out += " command=delete";
      continue;
    }
    out += " flags=";
    add_bits(out, f.flags, kMonitorFlags, ",");
    if (f.out_port != OFPP_NONE) append(out, " out_port={}", format_port(f.out_port, ctx.names().ports));
    if (f.out_group != OFPG_ANY && f.out_group != 0) append(out, " out_group={}", f.out_group);
    if (f.table_id != kTableAll) append(out, " table={}", f.table_id);
    std::string match;
    add_match(match, ctx, f.match);
    if (!match.empty()) append(out, " {}", match);
  }
}

void format_body(std::string& out, const TextContext& ctx, const FlowMonitorReply& m) {
  for (const FlowUpdate& u : m.updates) add_update(out, ctx, u);
}

}  // namespace sluice::ofp
