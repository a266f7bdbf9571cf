// SPDX-License-Identifier: Apache-2.0
// Parsing of groups.  A bucket's text runs to the next ",bucket=".
#include <fmt/core.h>

#include <algorithm>
#include <charconv>

#include "ofproto/openflow/group_text.h"
#include "ofproto/openflow/name_map.h"
#include "ofproto/openflow/port.h"
#include "ofproto/openflow/text.h"

namespace sluice::ofp {
namespace {

constexpr ProtocolSet kBucketCommandProtocols = kOf10Any | kNxmAny | kOxm15;
using Checked = std::expected<void, std::string>;
TextError bad(std::string text) { return TextError(std::move(text)); }

struct CommandWord { std::string_view word; GroupCommand command; };
constexpr CommandWord kCommands[] = {
    {"add_or_mod", GroupCommand::kAddOrModify}, {"add", GroupCommand::kAdd}, {"modify", GroupCommand::kModify}, {"delete", GroupCommand::kDelete},
    {"insert_bucket", GroupCommand::kInsertBucket}, {"insert_buckets", GroupCommand::kInsertBucket},
    {"remove_bucket", GroupCommand::kRemoveBucket}, {"remove_buckets", GroupCommand::kRemoveBucket},
};

/// Which parts of the text a command takes.
struct Wanted { bool type, buckets, command_bucket; };
Wanted wanted_by(GroupCommand c) {
  switch (c) {
    case GroupCommand::kDelete: return {false, false, false};
    case GroupCommand::kInsertBucket: return {false, true, true};
    case GroupCommand::kRemoveBucket: return {false, false, true};  // without an id: all
    default: return {true, true, false};
  }
}

TextResult<uint32_t> parse_u32(std::string_view s) {
  auto n = parse_number(s);
  if (!n) return bad(fmt::format("invalid numeric format {}", s));
  if (*n > UINT32_MAX) return bad(fmt::format("{}: value too large for a 32-bit number", s));
  return static_cast<uint32_t>(*n);
}

/// An id up to `max`, or the word's number `other`.
TextResult<uint32_t> parse_id(std::string_view s, std::string_view what, uint32_t max, std::optional<uint32_t> other = {}) {
  auto n = parse_u32(s);
  if (n && *n > max && n != other) return bad(fmt::format("invalid {} {}", what, s));
  return n;
}

std::optional<GroupType> parse_type(std::string_view s) {
  if (s == "all") return GroupType::kAll;
  if (s == "select") return GroupType::kSelect;
  if (s == "indirect") return GroupType::kIndirect;
  if (s == "ff" || s == "fast_failover") return GroupType::kFastFailover;
  return std::nullopt;
}

// --- Buckets ---

/// True if the item sets something of the bucket itself; else it is an action.
TextResult<bool> parse_bucket_key(const KeyValue& kv, Bucket& b, bool& has_weight, const TextNames& names) {
  std::string key = to_lower(kv.key);
  constexpr std::string_view kKeys[] = {"weight", "bucket_id", "watch_port", "watch_group"};
  if (std::ranges::count(kKeys, key) && trim(kv.value).empty()) return bad(fmt::format("field {} missing value", key));
  if (key == "weight") {
    auto n = parse_number_in(kv.value, key, UINT16_MAX);
    if (!n) return bad(n.error());
    b.weight = static_cast<uint16_t>(*n);
    has_weight = true;
  } else if (key == "bucket_id") {
    auto n = parse_id(kv.value, "bucket_id id", OFPG15_BUCKET_MAX);
    if (!n) return bad(n.error());
    b.bucket_id = *n;
  } else if (key == "watch_port") {
    auto p = parse_port(kv.value, names.ports);
    if (!p || (p->value >= OFPP_MAX && *p != OFPP_NONE)) return bad(fmt::format("{}: invalid watch_port", kv.value));
    b.watch_port = *p;
  } else if (key == "watch_group") {
    auto n = parse_id(kv.value, key, OFPG_MAX, OFPG_ANY);
    if (!n) return bad(n.error());
    b.watch_group = *n;
  } else {
    return false;
  }
  return true;
}

Checked parse_bucket(std::string_view text, GroupType type, const TextNames& names, Bucket& b, ProtocolSet& usable) {
  bool has_weight = false;
  Said said;
  std::string list;   // its keys may stand among the actions
  for (std::string_view rest = text;;) {
    auto item = next_item(rest);
    if (!item) return bad(item.error());
    if (!*item) break;
    const KeyValue& kv = **item;
    auto own = parse_bucket_key(kv, b, has_weight, names);
    if (!own) return bad(own.error());
    if (*own) {
      if (auto once = said.add(kv); !once && !names.compat) return once;
      continue;
    }
    bool is_list = equal_ignoring_case(kv.key, "actions") || equal_ignoring_case(kv.key, "action");
    if (!list.empty()) list += ',';
    list += is_list ? kv.all.substr(std::min(kv.all.size(), kv.key.size() + 1)) : kv.all;
  }
  if (trim(list).empty()) return bad("bucket must specify actions");
  auto actions = parse_actions(trim(list), names, false);
  if (!actions) return bad(actions.error());
  b.actions = std::move(actions->actions);
  usable &= actions->usable;
  if (has_weight && type != GroupType::kSelect) return bad("Only select groups can have bucket weights.");
  if (!has_weight && type == GroupType::kSelect) b.weight = 1;
  if (type == GroupType::kFastFailover && b.watch_port == OFPP_NONE && b.watch_group == OFPG_ANY)
    return bad("fast failover bucket requires watch_port or watch_group");
  return {};
}

// --- Selection method ---

Checked parse_fields(std::string_view list, const TextNames& names, std::vector<GroupField>& out) {
  for (;;) {
    auto item = next_item(list);
    if (!item) return bad(item.error());
    if (!*item) return {};
    const KeyValue& kv = **item;
    const Field* f = field_by_name(kv.key);
    if (!f) return bad(fmt::format("unknown field {}", kv.key));
    if (!wire_id_of(f->id, Version::k15)) return bad(fmt::format("{}: OpenFlow has no number for this field", kv.key));
    if (std::ranges::any_of(out, [&](const GroupField& g) { return g.field == f->id; })) return bad(fmt::format("{}: duplicate field", kv.key));
    size_t size = wire_bytes_of(f->id, names.tlv);
    GroupField g{f->id, FieldValue::ones(*f, size)};
    if (kv.has_value()) {
      auto mask = parse_value(f->id, kv.value, names.ports, names.tlv);
      if (!mask) return bad(mask.error());
      g.mask = mask->value;
    }
    if (g.mask.is_zero()) return bad(fmt::format("{}: values are wildcards here", kv.all));
    out.push_back(std::move(g));
  }
}

struct GroupParser {
  const TextNames& names;
  GroupMod& m;
  ProtocolSet usable = kAllProtocols;
  bool has_id = false, has_type = false, has_param = false, has_command_bucket = false;
  Said said{};

  Checked key(const KeyValue& kv, const Wanted& wanted);
  Checked finish(const Wanted& wanted);
  Checked command_bucket(std::string_view v);
};

Checked GroupParser::command_bucket(std::string_view v) {
  has_command_bucket = true;
  if (v == "all") {
    if (m.command != GroupCommand::kRemoveBucket) return bad("invalid command bucket id: all");
    m.command_bucket_id = OFPG15_BUCKET_ALL;
  } else if (v == "first") {
    m.command_bucket_id = OFPG15_BUCKET_FIRST;
  } else if (v == "last") {
    m.command_bucket_id = OFPG15_BUCKET_LAST;
  } else {
    auto n = parse_id(v, "command bucket id", OFPG15_BUCKET_MAX);
    if (!n) return bad(n.error());
    m.command_bucket_id = *n;
  }
  return {};
}

Checked GroupParser::key(const KeyValue& kv, const Wanted& wanted) {
  std::string key = to_lower(kv.key);
  std::string_view v = kv.value;
  constexpr std::string_view kKeys[] = {"command_bucket_id", "group_id", "type", "selection_method", "selection_method_param", "fields"};
  if (!std::ranges::count(kKeys, key)) return bad(fmt::format("unknown keyword {}", kv.key));
  if (auto once = said.add(kv); !once && !names.compat) return once;
  if (key == "command_bucket_id") {
    if (!wanted.command_bucket) return bad("command bucket id is not needed");
    return command_bucket(v);
  }
  if (key == "group_id") {
    has_id = true;
    if (v == "all") {
      m.group_id = OFPG_ALL;
    } else {
      auto n = parse_id(v, "group id", OFPG_MAX, m.command == GroupCommand::kDelete ? std::optional(OFPG_ALL) : std::nullopt);
      if (!n) return bad(n.error());
      m.group_id = *n;
    }
    if (m.group_id == OFPG_ALL && m.command != GroupCommand::kDelete) return bad(fmt::format("invalid group id {}", v));
    return {};
  }
  if (key == "type") {
    if (!wanted.type) return bad("type is not needed");
    auto type = parse_type(v);
    if (!type) return bad(fmt::format("invalid group type {}", v));
    m.type = *type;
    has_type = true;
    return {};
  }
  if (key == "selection_method") {
    if (!wanted.type) return bad("selection method is not needed");
    if (v.size() >= 16) return bad(fmt::format("selection method is longer than {} bytes long", 15));
    if (v.find('\0') != v.npos) return bad("selection method contains a zero byte");   // where its text on the wire ends
    m.selection.method = v;
    usable &= kOf10Any | kNxmAny | kOxm15;
    return {};
  }
  if (key == "selection_method_param") {
    auto n = parse_number(v);
    if (!n) return bad(fmt::format("invalid numeric format {}", v));
    m.selection.param = *n;
    has_param = true;
    return {};
  }
  return parse_fields(v, names, m.selection.fields);
}

Checked GroupParser::finish(const Wanted& wanted) {
  if (!has_id && m.command == GroupCommand::kDelete) m.group_id = OFPG_ALL;
  else if (!has_id) return bad("must specify a group_id");
  if (wanted.type && !has_type) return bad("must specify a type");
  if (m.command == GroupCommand::kInsertBucket && !has_command_bucket) return bad("must specify a command bucket id");
  if (!m.selection.fields.empty() && m.selection.method != "hash") return bad("fields may only be specified with \"selection_method=hash\"");
  if (!m.selection.method.empty() && m.type != GroupType::kSelect) return bad("selection method can only be specified for select groups");
  if (has_param && m.selection.method.empty()) return bad("selection_method_param is only allowed with \"selection_method\"");
  return {};
}

/// The texts of the buckets, and before them the group's own keys.
TextResult<std::vector<std::string_view>> split_buckets(std::string_view text) {
  std::vector<std::string_view> parts;
  constexpr std::string_view kWord = "bucket=";
  size_t begin = 0;
  for (size_t at = 0;;) {
    at = text.find(kWord, at);
    bool word = at == std::string_view::npos || at == 0 || text[at - 1] == ',' || text[at - 1] == ' ';
    if (!word) {
      at += kWord.size();
      continue;
    }
    std::string_view part = text.substr(begin, at == std::string_view::npos ? at : at - begin);
    while (!part.empty() && (part.back() == ',' || part.back() == ' ')) part.remove_suffix(1);
    parts.push_back(part);
    if (at == std::string_view::npos) return parts;
    at += kWord.size();
    begin = at;
  }
}

GroupCommand take_command(std::string_view& text) {
  std::string_view t = trim(text);
  size_t end = t.find_first_of(" \t");
  for (const CommandWord& c : kCommands) {
    if (t.substr(0, end) != c.word) continue;
    text = trim(t.substr(c.word.size()));
    return c.command;
  }
  return GroupCommand::kAdd;
}

}  // namespace

std::expected<ParsedGroup, std::string> parse_group(std::string_view text, std::optional<GroupCommand> command, const TextNames& names) {
  ParsedGroup out;
  out.mod.command = command ? *command : take_command(text);
  Wanted wanted = wanted_by(out.mod.command);
  GroupParser parser{names, out.mod};
  if (out.mod.command == GroupCommand::kRemoveBucket) parser.usable &= kBucketCommandProtocols;
  auto parts = split_buckets(text);
  if (!parts) return bad(parts.error());
  if (parts->size() > 1 && !wanted.buckets) return bad("bucket is not needed");
  for (std::string_view head = parts->front();;) {
    auto item = next_item(head);
    if (!item) return bad(item.error());
    if (!*item) break;
    if (auto ok = parser.key(**item, wanted); !ok) return bad(ok.error());
  }
  if (auto ok = parser.finish(wanted); !ok) return bad(ok.error());
  for (size_t i = 1; i < parts->size(); i++) {
    GroupType type = out.mod.command == GroupCommand::kInsertBucket ? GroupType::kSelect : out.mod.type;
    Bucket& b = out.mod.buckets.emplace_back();
    if (auto ok = parse_bucket((*parts)[i], type, names, b, parser.usable); !ok) return bad(ok.error());
    bool numbers_it = b.bucket_id != Bucket{}.bucket_id && out.mod.command != GroupCommand::kInsertBucket;   // older groups have buckets without ids
    if (numbers_it && !names.compat) parser.usable &= kBucketCommandProtocols;
    if (out.mod.command == GroupCommand::kInsertBucket && (*parts)[i].find("weight") == std::string_view::npos) b.weight = 0;
  }
  if (out.mod.type == GroupType::kIndirect && out.mod.buckets.size() > 1) return bad("Indirect groups can have at most one bucket.");
  out.usable = parser.usable;
  return out;
}

}  // namespace sluice::ofp
