// SPDX-License-Identifier: Apache-2.0
// Flow entries and flow-mods as text (spec/flow-syntax.md section 3).
#include <fmt/core.h>

#include "lib/text.h"
#include "ofproto/openflow/flow_text.h"
#include "ofproto/openflow/nxm_text.h"
#include "ofproto/openflow/port.h"

namespace sluice::ofp {
namespace {

void table(uint8_t t, const NameMap* names, std::string& out) {
  std::string_view name = names ? names->name(t) : std::string_view();
  if (name.empty()) append(out, "{}", t);
  else out += name;
}

void hex(uint64_t v, std::string& out) { append(out, "0x{:x}", v); }

void match_and_actions(const Match& m, int priority, const Actions& actions, std::string& out, const TextNames& names) {
  size_t start = out.size();
  std::string match;
  format_match(m, match, names.ports, names.tlv, priority);
  out += match;
  if (out.size() != start) out += ' ';
  out += "actions=";
  format_actions(actions, out, names);
}

}  // namespace

void format_duration(uint32_t sec, uint32_t nsec, std::string& out) {
  append(out, "{}", sec);
  if (nsec == 0) return;
  if (nsec % 1'000'000 == 0) {
    append(out, ".{:03}", nsec / 1'000'000);
    return;
  }
  append(out, ".{:09}", nsec);
  while (out.back() == '0') out.pop_back();
}

void format_flow_flags(uint16_t flags, std::string& out) {
  if (flags & OFPFF_SEND_FLOW_REM) out += "send_flow_rem ";
  if (flags & OFPFF_CHECK_OVERLAP) out += "check_overlap ";
  if (flags & OFPFF_RESET_COUNTS) out += "reset_counts ";
  if (flags & OFPFF_NO_PKT_COUNTS) out += "no_packet_counts ";
  if (flags & OFPFF_NO_BYT_COUNTS) out += "no_byte_counts ";
  if (flags & kFlowHiddenFields) out += "allow_hidden_fields ";
}

void format_flow_stats(const FlowStats& s, std::string& out, const TextNames& names, bool show_stats) {
  if (show_stats || s.cookie) {
    out += show_stats ? " cookie=" : " cookie=";
    hex(s.cookie, out);
    out += ", ";
  } else {
    out += ' ';
  }
  if (show_stats) {
    out += "duration=";
    format_duration(s.duration_sec, s.duration_nsec, out);
    out += "s, ";
  }
  std::string_view table_name = names.tables ? names.tables->name(s.table_id) : std::string_view();
  if (show_stats || s.table_id || !table_name.empty()) {
    out += "table=";
    table(s.table_id, names.tables, out);
    out += ", ";
  }
  if (show_stats && s.packet_count != UINT64_MAX) append(out, "n_packets={}, ", s.packet_count);
  if (show_stats && s.byte_count != UINT64_MAX) append(out, "n_bytes={}, ", s.byte_count);
  if (s.idle_timeout) append(out, "idle_timeout={}, ", s.idle_timeout);
  if (s.hard_timeout) append(out, "hard_timeout={}, ", s.hard_timeout);
  format_flow_flags(s.flags, out);
  if (s.importance) append(out, "importance={}, ", s.importance);
  if (show_stats && s.idle_age) append(out, "idle_age={}, ", *s.idle_age);
  if (show_stats && s.hard_age && *s.hard_age != s.duration_sec) append(out, "hard_age={}, ", *s.hard_age);
  match_and_actions(s.match, s.priority, s.actions, out, names);
}

void format_flow_mod(const FlowMod& f, std::string& out, const TextNames& names, std::string_view as_sent) {
  constexpr std::string_view kNames[] = {"ADD", "MOD", "MOD_STRICT", "DEL", "DEL_STRICT"};
  out += kNames[static_cast<size_t>(f.command)];
  if (f.table_id != 0) {
    out += " table:";
    table(f.table_id, names.tables, out);
  }
  out += ' ';
  std::string match(as_sent);
  if (as_sent.empty()) format_match(f.match.expand(), match, names.ports, names.tlv, f.priority);
  out += match;
  if (!match.empty()) out += ' ';
  if (f.cookie_mask) {
    out += "cookie:";
    hex(f.cookie, out);
    out += '/';
    hex(f.cookie_mask, out);
    out += ' ';
  }
  if (f.new_cookie != 0 && f.new_cookie != UINT64_MAX) {
    out += "cookie:";
    hex(f.new_cookie, out);
    out += ' ';
  }
  if (f.idle_timeout) append(out, "idle:{} ", f.idle_timeout);
  if (f.hard_timeout) append(out, "hard:{} ", f.hard_timeout);
  if (!as_sent.empty() && f.priority != kDefaultPriority) append(out, "pri:{} ", f.priority);
  if (f.importance) append(out, "importance:{} ", f.importance);
  if (f.buffer_id != kNoBuffer) append(out, "buf:0x{:x} ", f.buffer_id);
  if (f.out_port != OFPP_NONE) {
    out += "out_port:";
    format_port(f.out_port, out, names.ports);
    out += ' ';
  }
  if (f.out_group != OFPG_ANY) append(out, "out_group:{} ", f.out_group);
  format_flow_flags(f.flags, out);
  out += "actions=";
  format_actions(f.actions, out, names);
}

}  // namespace sluice::ofp
