// SPDX-License-Identifier: Apache-2.0
// Whole flows from text: keys before "actions=", then the actions; then the checks that need both.
#include <fmt/core.h>

#include <algorithm>

#include "datapath/odp_text.h"
#include "ofproto/openflow/action_parse.h"
#include "ofproto/openflow/flow_text.h"
#include "ofproto/openflow/name_map.h"
#include "ofproto/openflow/port.h"
#include "ofproto/openflow/text.h"

namespace sluice::ofp {
namespace {

struct CommandName {
  std::string_view name;
  FlowModCommand command;
};
constexpr CommandName kCommands[] = {
    {"add", FlowModCommand::kAdd},       {"modify", FlowModCommand::kModify},
    {"modify_strict", FlowModCommand::kModifyStrict}, {"delete", FlowModCommand::kDelete},
    {"delete_strict", FlowModCommand::kDeleteStrict},
};

/// Which keys a text may have.
enum Allowed : unsigned { kActions = 1, kPriority = 2, kTimeouts = 4, kFlags = 8, kOutPort = 16, kImportance = 32 };

/// Words that dumps contain and that may be fed back.
constexpr std::string_view kIgnored[] = {"duration", "n_packets", "n_bytes", "idle_age", "hard_age"};

struct FlagWord {
  std::string_view name;
  uint16_t flag;
};
constexpr FlagWord kFlagWords[] = {
    {"send_flow_rem", OFPFF_SEND_FLOW_REM}, {"check_overlap", OFPFF_CHECK_OVERLAP},    {"reset_counts", OFPFF_RESET_COUNTS},
    {"no_packet_counts", OFPFF_NO_PKT_COUNTS}, {"no_byte_counts", OFPFF_NO_BYT_COUNTS}, {"allow_hidden_fields", kFlowHiddenFields},
};

ProtocolSet flag_protocols(uint16_t flag) {
  switch (flag) {
    case OFPFF_RESET_COUNTS: return kOxmAny;
    case OFPFF_NO_PKT_COUNTS: case OFPFF_NO_BYT_COUNTS: return kOxm13 | kOxm14 | kOxm15;
    default: return kAllProtocols;
  }
}

/// Names that mean other fields too, where those are: Open vSwitch's older ones.
constexpr struct {
  std::string_view name;
  FieldId also;
} kWideNames[] = {
    {"nw_src", FieldId::kArpSpa},  {"nw_dst", FieldId::kArpTpa},   {"nw_proto", FieldId::kArpOp},   {"tp_src", FieldId::kUdpSrc},
    {"tp_dst", FieldId::kUdpDst},  {"tp_src", FieldId::kSctpSrc},  {"tp_dst", FieldId::kSctpDst},   {"tp_src", FieldId::kIcmpType},
    {"tp_dst", FieldId::kIcmpCode}, {"tp_src", FieldId::kIcmpv6Type}, {"tp_dst", FieldId::kIcmpv6Code}, {"icmp_type", FieldId::kIcmpv6Type},
    {"icmp_code", FieldId::kIcmpv6Code},
};

/// True if packets of the match have the field that the name means.
bool exists(std::string_view name, FieldId f, const Match& m) {
  return has_prereq(f, m) || std::ranges::any_of(kWideNames, [&](const auto& w) { return w.name == name && has_prereq(w.also, m); });
}

bool is_delete(FlowModCommand c) { return c == FlowModCommand::kDelete || c == FlowModCommand::kDeleteStrict; }

class FlowParser {
 public:
  FlowParser(const TextNames& o, unsigned allowed) : o_(o), allowed_(allowed) {}

  bool lenient() const { return o_.compat; }

  FlowMod f;       // but for its match
  Match match;
  ProtocolSet usable = kAllProtocols;
  bool has_priority = false;
  std::vector<std::string> warnings;

  TextResult<void> keys(std::string_view text) {
    for (std::string_view rest = text;;) {
      auto item = next_item(rest);
      if (!item) return TextError(item.error());
      if (!*item) return {};
      if (auto ok = key(**item); !ok) return ok;
    }
  }

  /// After the keys: nothing may lack its prerequisite.
  TextResult<void> finish_match() {
    if (!o_.compat)
      if (auto ok = check_fields(); !ok) return ok;
    Match before = match;
    if (!normalize(match)) return {};
    if (!o_.compat) {
      std::string missing = missing_prerequisite(before);
      return TextError(fmt::format("{} (as it stands the field would be ignored)", missing));
    }
    warnings.push_back("normalization changed ofp_match, details:");
    warnings.push_back(" pre: " + match_text(before));
    warnings.push_back("post: " + match_text(match));
    return {};
  }

 private:
  const TextNames& o_;
  unsigned allowed_;
  Said said_;   // but fields
  std::vector<std::pair<std::string, FieldId>> fields_;

  /// False for fields of the datapath alone (skb_priority, tun_ttl, tun_tos).
  static bool on_wire(std::string_view name) {
    const Field* field = field_by_name(name);
    return !field || field->id == FieldId::kDlVlan || field->id == FieldId::kDlVlanPcp || wire_id_of(field->id, Version::k15);
  }

  /// Each field that was named is in the packets of the match, and holds what was said.
  TextResult<void> check_fields() const {
    Match unfragmented = match;
    unfragmented.value.nw_frag = 0;
    for (auto& [name, f] : fields_) {
      if (exists(name, f, match)) continue;
      if (exists(name, f, unfragmented)) return TextError(fmt::format("{} is not in later fragments, which ip_frag asks for", name));
      return TextError(fmt::format("{} needs {} (as it stands the field would be ignored)", name, prereq_text(field(f).prereq)));
    }
    bool icmp = has_prereq(Prereq::kIcmp4, match) || has_prereq(Prereq::kIcmp6, match);
    for (auto [said, type] : {std::pair(match.value.tp_src, "type"), {match.value.tp_dst, "code"}})
      if (icmp && said.host() > UINT8_MAX) return TextError(fmt::format("{}: value too large for 8-bit field icmp_{} (maximum {})", said.host(), type, UINT8_MAX));
    return {};
  }

  std::string match_text(const Match& m) const {
    std::string s;
    format_match(m, s, o_.ports, o_.tlv);
    return s;
  }

  TextResult<void> key(const KeyValue& kv) {
    std::string name = to_lower(kv.key);
    bool has_value = kv.has_value();
    std::string_view value = has_value ? kv.value : std::string_view();
    if (kv.form == KeyValue::Form::kParens && !kv.rest.empty()) return TextError(fmt::format("{}: syntax error", kv.all));
    if (allowed_ & kFlags)
      for (const FlagWord& w : kFlagWords)
        if (w.name == name && !has_value) {
          f.flags |= w.flag;
          usable &= flag_protocols(w.flag);
          return {};
        }
    Match before = match;
    if (auto m = parse_match_key(name, value, has_value, match, o_.ports, o_.tlv, o_.compat)) {
      if (const Field* said = has_value ? field_by_name(name.substr(0, name.find('['))) : nullptr) fields_.emplace_back(name.substr(0, name.find('[')), said->id);
      if (*m && has_value && !on_wire(name)) return TextError(fmt::format("{}: OpenFlow cannot match on this field", name));
      if (*m && !o_.compat && !match.is_inside(before)) return TextError(fmt::format("{}: contradicts what the match says before it", kv.all));
      return *m;
    }
    if (!has_value) return TextError(fmt::format("field {} missing value", kv.key));
    return option(name, value);
  }

  TextResult<void> u16(std::string_view value, std::string_view name, uint16_t& out) {
    auto n = parse_number_in(value, name, 0xffff);
    if (!n) return TextError(n.error());
    out = static_cast<uint16_t>(*n);
    return {};
  }

  TextResult<void> option(std::string_view name, std::string_view value) {
    // cookie=1/-1,cookie=2: the cookie that flows have, and the one that they get.
    std::string means = name == "cookie" && value.find('/') != value.npos ? "cookie/mask" : std::string(name);
    if (auto once = said_.add(means, value); !once && !o_.compat) return once;
    if (name == "table") {
      auto t = parse_table(value, o_.tables);
      if (!t) return TextError(fmt::format("unknown table \"{}\"", value));
      f.table_id = *t;
      if (*t != kTableAll) usable &= kOf10Tid | kNxmTid | kOf11 | kOxmAny;
      return {};
    }
    if (name == "priority" && (allowed_ & kPriority)) {
      has_priority = true;
      return u16(value, name, f.priority);
    }
    if (name == "cookie") return cookie(value);
    if (allowed_ & kTimeouts) {
      if (name == "idle_timeout") return u16(value, name, f.idle_timeout);
      if (name == "hard_timeout") return u16(value, name, f.hard_timeout);
    }
    if (name == "importance" && (allowed_ & kImportance)) {
      auto ok = u16(value, name, f.importance);
      if (f.importance) usable &= kOxm14 | kOxm15;
      return ok;
    }
    if (allowed_ & kOutPort) {
      if (name == "out_port") {
        auto p = parse_port(value, o_.ports);
        if (!p) return TextError(fmt::format("{} is not a valid OpenFlow port", value));
        f.out_port = *p;
        return {};
      }
      if (name == "out_group") {
        usable &= kOf11 | kOxmAny;
        auto n = parse_number_in(value, name, UINT32_MAX);
        if (!n && equal_ignoring_case(value, "any")) n = OFPG_ANY;
        if (!n) return TextError(n.error());
        f.out_group = static_cast<uint32_t>(*n);
        return {};
      }
    }
    for (std::string_view ignored : kIgnored)
      if (name == ignored) return {};
    return TextError(fmt::format("unknown keyword {}", name));
  }

  TextResult<void> cookie(std::string_view value) {
    size_t slash = value.find('/');
    bool masked = slash != value.npos;
    bool any = value == "-1/-1" || (masked && value.substr(slash + 1) == "-1");
    auto v = parse_number(value.substr(0, slash));
    auto m = masked && !any ? parse_number(value.substr(slash + 1)) : std::optional<uint64_t>(UINT64_MAX);
    if (value == "-1/-1") v = UINT64_MAX;
    if (!v || !m) return TextError(fmt::format("invalid cookie \"{}\"", value));
    if (!masked) {
      if (is_delete(f.command)) return TextError(fmt::format("cannot set cookie (to match on a cookie, specify a mask, e.g. cookie={}/-1)", value));
      // To the wire and to Open vSwitch that is no cookie: entries would get 0, and all of them be meant.
      if (*v == UINT64_MAX && !o_.compat) return TextError(fmt::format("cookie {} is reserved (entries with it are meant by {}/-1)", value, value));
      f.new_cookie = *v;
      return {};
    }
    if (f.command == FlowModCommand::kAdd && (allowed_ & kActions)) return TextError("flow additions cannot use a cookie mask");
    f.cookie = *v & *m;
    f.cookie_mask = *m;
    usable &= kNxmAny | kOf11 | kOxmAny;
    return {};
  }
};

/// The position of "actions=" outside of quotes and parentheses.
size_t find_actions(std::string_view s) {
  int depth = 0;
  bool quoted = false;
  for (size_t i = 0; i < s.size(); i++) {
    if (s[i] == '\\' && quoted) {
      i++;
      continue;
    }
    if (s[i] == '"') quoted = !quoted;
    if (quoted) continue;
    if (s[i] == '(') depth++;
    if (s[i] == ')') depth--;
    bool start = i == 0 || s[i - 1] == ',' || s[i - 1] == ' ' || s[i - 1] == '\t';
    if (depth <= 0 && start && (s.substr(i).starts_with("actions=") || s.substr(i).starts_with("action="))) return i;
  }
  return s.npos;
}

/// Takes a leading "add", "delete_strict"... off a line of a file.
FlowModCommand take_command(std::string_view& text) {
  std::string_view s = trim(text);
  for (const CommandName& c : kCommands) {
    if (!s.starts_with(c.name)) continue;
    std::string_view rest = s.substr(c.name.size());
    if (!rest.empty() && rest[0] != ' ' && rest[0] != '\t' && rest[0] != ',') continue;
    text = rest;
    return c.command;
  }
  return FlowModCommand::kAdd;
}

/// The cookie of the text: what entries get, or which entries are meant (delete).
void place_cookies(FlowParser& p) {
  FlowMod& f = p.f;
  if (is_delete(f.command)) {
    f.new_cookie = 0;
    return;
  }
  if (f.new_cookie != UINT64_MAX && f.command != FlowModCommand::kAdd) f.modify_cookie = true;
  // From 1.2 on a modification leaves cookies alone, and in 1.1 one that asks for a cookie can't give another: Open vSwitch drops the new one without a word.
  if (f.modify_cookie && f.new_cookie && !p.lenient()) p.usable &= f.cookie_mask ? kNxmAny : kOf10Any | kNxmAny | kOf11;
  // Without a word about cookies it is 0, also for entries that a modification of 1.0 adds; all ones means "leave it" and goes with a cookie mask.
  if (f.cookie_mask == 0 && f.new_cookie == UINT64_MAX) f.new_cookie = 0;
}

TextResult<void> finish_actions(FlowParser& p, std::string_view text, const TextNames& o) {
  auto actions = parse_actions(text, o);
  if (!actions) return TextError(actions.error());
  p.usable &= actions->usable;
  p.f.actions = std::move(actions->actions);
  ActionCheck check{.version = Version::k13, .table_id = p.f.table_id, .tlv = o.tlv, .usable = &p.usable};
  bool only_of10 = !(p.usable & ~(kOf10Any | kNxmAny));
  if (only_of10) check.version = Version::k10;
  if (auto ok = check_actions(p.f.actions, p.f.match, check); !ok) return TextError(fmt::format("actions are invalid with specified match ({})", error_name(ok.error())));
  return {};
}

}  // namespace

TextResult<ParsedFlow> parse_flow(std::string_view text, std::optional<FlowModCommand> command, const TextNames& names) {
  FlowModCommand cmd = command ? *command : take_command(text);
  bool deletes = is_delete(cmd);
  unsigned allowed = deletes ? kOutPort : kActions | kFlags | kTimeouts;
  if (cmd != FlowModCommand::kDelete) allowed |= kPriority;
  if (cmd == FlowModCommand::kAdd) allowed |= kImportance;   // OF1.4.0 6.4: what is there keeps its own
  FlowParser p(names, allowed);
  p.f.command = cmd;
  size_t at = find_actions(text);
  if (at == text.npos && !deletes) return TextError("must specify an action");
  if (auto ok = p.keys(text.substr(0, at)); !ok) return TextError(ok.error());
  if (at != text.npos && deletes) return TextError(fmt::format("unknown keyword {}", text.substr(at, text.find('=', at) - at)));
  if (auto ok = p.finish_match(); !ok) return TextError(ok.error());
  place_cookies(p);
  p.f.match = MiniMatch(p.match);
  if (at != text.npos) {
    std::string_view actions = text.substr(at);
    actions.remove_prefix(actions.find('=') + 1);
    if (auto ok = finish_actions(p, actions, names); !ok) return TextError(ok.error());
  }
  ParsedFlow out{std::move(p.f), p.usable, std::move(p.warnings)};
  out.usable &= usable_protocols(p.match);
  return out;
}

TextResult<ParsedFilter> parse_flow_filter(std::string_view text, const TextNames& names) {
  FlowParser p(names, kOutPort | kPriority);
  p.f.command = FlowModCommand::kDelete;
  if (auto ok = p.keys(text); !ok) return TextError(ok.error());
  if (auto ok = p.finish_match(); !ok) return TextError(ok.error());
  place_cookies(p);
  ParsedFilter out;
  out.filter = {p.match, p.f.table_id, p.f.out_port, p.f.out_group, p.f.cookie, p.f.cookie_mask};
  out.usable = p.usable & usable_protocols(p.match);
  // A statistics request has a table id in every version.
  if (p.f.table_id != kTableAll) out.usable |= (out.usable & kOf10Tid ? kOf10 : 0u) | (out.usable & kNxmTid ? kNxm : 0u);
  if (p.has_priority) out.priority = p.f.priority;
  out.warnings = std::move(p.warnings);
  return out;
}

TextResult<Flow> parse_exact_flow(std::string_view text, const TextNames& names) {
  Match m;
  for (std::string_view rest = text;;) {
    auto item = next_item(rest);
    if (!item) return TextError(item.error());
    if (!*item) break;
    const KeyValue& kv = **item;
    bool has_value = kv.form == KeyValue::Form::kEquals || kv.form == KeyValue::Form::kColon;
    auto ok = parse_match_key(kv.key, kv.value, has_value, m, names.ports, names.tlv, names.compat);
    if (!ok) return TextError(fmt::format("{}: unknown field {}", kv.all, kv.key));
    if (!*ok) return TextError(ok->error());
    const Field* f = has_value ? field_by_name(kv.key) : nullptr;
    if (f && !m.is_exact(f->id, names.tlv) && !names.compat)
      return TextError(fmt::format("{}: bad value for {} ({}: wildcards not allowed here)", text, kv.key, kv.value));
  }
  Match before = m;
  if (normalize(m) && !names.compat) return TextError(missing_prerequisite(before));
  // A packet without an Ethernet header has its type all the same.
  if (uint32_t type = m.value.packet_type.host(); type >> 16 == 1) m.value.eth_type = be16(static_cast<uint16_t>(type));
  return m.value;
}

TextResult<OdpKeyMask> parse_packet_filter(std::string_view text, const std::map<uint32_t, std::string>& port_names) {
  NameMap ports;
  for (auto& [number, name] : port_names) ports.add(number, name);
  TextNames names{.ports = &ports};
  auto filter = parse_flow_filter(text, names);
  if (filter) return OdpKeyMask{.key = filter->filter.match.value, .mask = filter->filter.match.mask, .ufid = {}};
  auto exact = parse_exact_flow(text, names);   // has Open vSwitch's words for what is wrong
  return TextError(exact ? filter.error() : exact.error());
}

}  // namespace sluice::ofp
