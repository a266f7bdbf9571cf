// SPDX-License-Identifier: Apache-2.0
// replace-flows and diff-flows: two sets of flows side by side, keyed by table, priority and match.
#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <unordered_map>

#include "lib/program.h"
#include "ofproto/openflow/group_text.h"
#include "utilities/ofctl/flows.h"

namespace sluice::ofctl {

using namespace ofp;  // NOLINT

namespace {

/// What one source says of a flow.
struct Entry {
  uint64_t cookie = 0;
  uint16_t idle_timeout = 0, hard_timeout = 0, importance = 0, flags = 0;
  Actions actions;
  friend bool operator==(const Entry&, const Entry&) = default;
};

struct Pair {
  uint8_t table = 0;
  uint16_t priority = 0;
  Match match;
  std::optional<Entry> side[2];
};

class FlowTable {
 public:
  Pair& at(uint8_t table, uint16_t priority, const Match& match) {
    std::string key(2 * sizeof(Flow) + 3, '\0');
    key[0] = static_cast<char>(table);
    std::memcpy(&key[1], &priority, 2);
    std::memcpy(&key[3], &match.value, sizeof(Flow));
    std::memcpy(&key[3 + sizeof(Flow)], &match.mask, sizeof(Flow));
    auto [it, is_new] = index_.try_emplace(std::move(key), pairs_.size());
    if (is_new) pairs_.push_back({table, priority, match, {}});
    return pairs_[it->second];
  }
  std::vector<Pair>& pairs() { return pairs_; }

 private:
  std::unordered_map<std::string, size_t> index_;
  std::vector<Pair> pairs_;  // in the order of arrival
};

constexpr uint16_t kComparedFlags = OFPFF_SEND_FLOW_REM | OFPFF_NO_PKT_COUNTS | OFPFF_NO_BYT_COUNTS;

void add_file(const std::string& path, std::span<const Line> lines, const TextNames& names, int side, FlowTable& flows, ProtocolSet& usable) {
  for (FlowMod& m : parse_flow_lines(path, lines, FlowModCommand::kAdd, names, usable)) {
    uint8_t table = m.table_id == kTableAll ? 0 : m.table_id;
    flows.at(table, m.priority, m.match.expand()).side[side] =
        Entry{m.new_cookie == UINT64_MAX ? 0 : m.new_cookie, m.idle_timeout, m.hard_timeout, m.importance, m.flags, std::move(m.actions)};
  }
}

void read_switch(const Settings& s, FlowSession& session, int side, FlowTable& flows, const TlvTable* tlv) {
  Client& c = *session.client;
  Message request = c.make(session.is_nxm() ? MessageType::NXST_FLOW_REQUEST : MessageType::OFPST_FLOW_REQUEST, FlowFilter{});
  for (FlowStats& f : fetch_flows(s, c, request, tlv))
    flows.at(f.table_id, f.priority, f.match).side[side] =
        Entry{f.cookie, f.idle_timeout, f.hard_timeout, f.importance, f.flags, std::move(f.actions)};
}

bool same(const std::optional<Entry>& a, const std::optional<Entry>& b) {
  if (!a || !b) return !a && !b;
  // How an action was written is no difference.
  return a->cookie == b->cookie && a->idle_timeout == b->idle_timeout && a->hard_timeout == b->hard_timeout && a->importance == b->importance &&
         (a->flags & kComparedFlags) == (b->flags & kComparedFlags) && (a->actions == b->actions || format_actions(a->actions) == format_actions(b->actions));
}

FlowMod to_flow_mod(const Pair& p, const Entry& e, FlowModCommand command, bool with_table) {
  FlowMod m;
  m.command = command;
  m.match = MiniMatch(p.match);
  m.priority = p.priority;
  m.table_id = with_table ? p.table : kTableAll;
  m.new_cookie = e.cookie;
  m.idle_timeout = e.idle_timeout;
  m.hard_timeout = e.hard_timeout;
  if (command == FlowModCommand::kAdd) {
    m.importance = e.importance;
    m.flags = e.flags;
    m.actions = e.actions;
  }
  return m;
}

void add_line(std::string& out, char sign, const Pair& p, const Entry& e, const TlvTable* tlv) {
  out += sign;
  if (p.table) out += fmt::format("table={} ", p.table);
  size_t before = out.size();
  format_match(p.match, out, nullptr, tlv, p.priority);
  if (out.size() > before) out += ' ';
  if (e.cookie) out += fmt::format("cookie=0x{:x} ", e.cookie);
  if (e.idle_timeout) out += fmt::format("idle_timeout={} ", e.idle_timeout);
  if (e.hard_timeout) out += fmt::format("hard_timeout={} ", e.hard_timeout);
  if (e.importance) out += fmt::format("importance={} ", e.importance);
  format_flow_flags(e.flags & kComparedFlags, out);
  out += "actions=";
  format_actions(e.actions, out, {.tlv = tlv});
  out += '\n';
}

bool is_bridge(const std::string& source) {
  struct stat st{};
  if (source == "-") return false;
  return source.find(':') != std::string::npos || ::stat(source.c_str(), &st) != 0 || S_ISSOCK(st.st_mode);
}

}  // namespace

void replace_flows(const Settings& s, const std::string& bridge, const std::string& path) {
  auto c = open_bridge(s, bridge);
  Names names(s);
  std::vector<Line> lines = read_lines(path, "open");
  TextNames read = names.for_reading(*c, lines);
  FlowTable flows;
  ProtocolSet usable = kAllProtocols;
  constexpr int kFile = 0, kSwitch = 1;
  add_file(path, lines, read, kFile, flows, usable);
  check_usable(s, usable);
  FlowSession session = open_for_dump(s, bridge, kAllProtocols, std::move(c));
  read_switch(s, session, kSwitch, flows, read.tlv);
  bool tables = false;
  for (const Pair& p : flows.pairs()) tables |= p.table != 0;
  if (tables && session.client->version() == Version::k10) set_protocol(session, session.is_nxm() ? kNxmTid : kOf10Tid);
  bool with_table = session.codec.flow_mod_table_id || session.client->version() > Version::k10;
  // In each table what goes first, so that a full one has room.
  auto is_new = [](const Pair& p) { return p.side[kFile].has_value(); };
  std::ranges::stable_sort(flows.pairs(), {}, [&](const Pair& p) { return std::pair(p.table, is_new(p)); });
  std::vector<FlowMod> mods;
  for (const Pair& p : flows.pairs()) {
    if (!is_new(p)) mods.push_back(to_flow_mod(p, *p.side[kSwitch], FlowModCommand::kDeleteStrict, with_table));
    else if (s.readd || !same(p.side[kFile], p.side[kSwitch])) mods.push_back(to_flow_mod(p, *p.side[kFile], FlowModCommand::kAdd, with_table));
  }
  if (s.bundle) {
    std::vector<BundleItem> items;
    for (FlowMod& m : mods) items.push_back({std::move(m), kAllProtocols});
    return run_bundle(s, bridge, items, kAllProtocols, read.tlv, std::move(session.client));
  }
  std::vector<Bytes> requests;
  for (const FlowMod& m : mods) requests.push_back(encode_flow_mod(session, m, read.tlv));
  transact_many(s, *session.client, requests);
}

void diff_flows(const Settings& s, const std::string& a, const std::string& b) {
  Names names(s);
  FlowTable flows;
  const std::string* sources[] = {&a, &b};
  std::vector<Line> files[2];
  for (int side = 0; side < 2; side++)
    if (!is_bridge(*sources[side])) files[side] = read_lines(*sources[side], "open");
  std::optional<FlowSession> sessions[2];
  TlvTable tlv(true);
  TextNames read{.tlv = &tlv, .compat = s.compat};
  for (const std::string* source : sources)  // a bridge's port names serve for the file too
    if (is_bridge(*source) && !read.ports) {
      auto c = open_bridge(s, *source);
      read = names.for_reading(*c, files[source == &a]);
    }
  for (int side = 0; side < 2; side++) {
    ProtocolSet usable = kAllProtocols;
    if (!is_bridge(*sources[side])) {
      add_file(*sources[side], files[side], read, side, flows, usable);
      continue;
    }
    FlowSession session = open_for_dump(s, *sources[side], kAllProtocols);
    read_switch(s, session, side, flows, read.tlv);
  }
  std::string out;
  for (const Pair& p : flows.pairs()) {
    if (same(p.side[0], p.side[1])) continue;
    if (p.side[0]) add_line(out, '-', p, *p.side[0], read.tlv);
    if (p.side[1]) add_line(out, '+', p, *p.side[1], read.tlv);
  }
  print(out);
  constexpr int kDifferent = 2;
  if (!out.empty()) std::exit(kDifferent);
}

}  // namespace sluice::ofctl
