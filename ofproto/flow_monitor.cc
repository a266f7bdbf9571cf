// SPDX-License-Identifier: Apache-2.0
// See flow_monitor.h.
#include "ofproto/flow_monitor.h"

#include <algorithm>
#include <utility>

#include "ofproto/bridge.h"

namespace sluice {
namespace {

using namespace ofp;

constexpr uint16_t event_flag(FlowChange::Kind kind) {
  switch (kind) {
    case FlowChange::Kind::kAdded: return OFPFMF_ADD;
    case FlowChange::Kind::kModified: return OFPFMF_MODIFY;
    case FlowChange::Kind::kRemoved: return OFPFMF_REMOVED;
  }
  return 0;
}

FlowUpdate describe(FlowEvent event, const Rule& r, bool with_actions) {
  FlowUpdate u{.event = event, .table_id = r.table, .idle_timeout = r.idle_timeout, .hard_timeout = r.hard_timeout, .priority = static_cast<uint16_t>(r.priority),
               .cookie = r.cookie, .match = r.match.expand()};
  if (with_actions) u.actions = r.actions->actions;
  return u;
}

/// A change that the session made itself is told whole if it asked for that, by either flag.
constexpr uint16_t kOwnWhole = OFPFMF_ONLY_OWN | OFPFMF_NO_ABBREV;

}  // namespace

/// A modified flow concerns who watches a port that it used before; for groups Open vSwitch looks at the new actions alone.
bool FlowMonitors::Watch::concerns(const Rule& r, const Actions* old_actions) const {
  const Actions& actions = r.actions->actions;
  return (wanted.table_id == kTableAll || wanted.table_id == r.table) &&
         (wanted.out_port == OFPP_NONE || outputs_to_port(actions, wanted.out_port) || (old_actions && outputs_to_port(*old_actions, wanted.out_port))) &&
         (wanted.out_group == OFPG_ANY || outputs_to_group(actions, wanted.out_group)) && r.match.is_inside(match);
}

FlowMonitors::Outcome FlowMonitors::request(const FlowMonitorRequest& request, const Bridge& bridge, std::vector<FlowUpdate>& initial) {
  auto changed = watches_;
  std::vector<uint32_t> fresh;
  for (const FlowMonitor& m : request.monitors) {
    bool known = changed.contains(m.monitor_id);
    if (known && m.command == FlowMonitorCommand::kAdd) return std::unexpected(Error::OFPMOFC_MONITOR_EXISTS);
    if (!known && m.command != FlowMonitorCommand::kAdd) return std::unexpected(Error::OFPMOFC_UNKNOWN_MONITOR);
    if (m.command == FlowMonitorCommand::kDelete) {
      changed.erase(m.monitor_id);
      continue;
    }
    changed[m.monitor_id] = {m, MiniMatch(m.match)};
    fresh.push_back(m.monitor_id);
    if (changed.size() > kMaxFlowMonitors) return std::unexpected(Error::OFPMOFC_INVALID_MONITOR);
  }
  watches_ = std::move(changed);
  bridge.for_each_rule([&](const Rule& r) {
    uint16_t flags = 0;
    for (uint32_t id : fresh)
      if (const Watch& w = watches_.at(id); (w.wanted.flags & OFPFMF_INITIAL) && w.concerns(r, nullptr)) flags |= w.wanted.flags;
    if (flags) initial.push_back(describe(FlowEvent::kInitial, r, flags & OFPFMF_INSTRUCTIONS));
  });
  return {};
}

FlowMonitors::Outcome FlowMonitors::cancel(uint32_t id) {
  if (!watches_.erase(id)) return std::unexpected(Error::OFPMOFC_UNKNOWN_MONITOR);
  return {};
}

uint16_t FlowMonitors::interest(const Rule& rule, const Actions* old_actions, uint16_t event) const {
  uint16_t flags = 0;
  for (auto& [id, w] : watches_)
    if ((w.wanted.flags & event) && w.concerns(rule, old_actions)) flags |= w.wanted.flags;
  return flags;
}

bool FlowMonitors::miss(const FlowChange& change) {
  RuleId id = change.rule.id;
  switch (change.kind) {
    case FlowChange::Kind::kAdded: {
      auto old = missed_.extract(change.replaced);
      missed_[id] = !change.replaced || (old && old.mapped());
      return true;
    }
    case FlowChange::Kind::kModified: missed_.try_emplace(id, false); return true;
    case FlowChange::Kind::kRemoved: {
      auto known = missed_.extract(id);
      return known && known.mapped();
    }
  }
  return false;
}

void FlowMonitors::report(const FlowChange& change, std::optional<uint32_t> own_xid) {
  const Rule& r = change.rule;
  if (paused_ && miss(change)) return;
  uint16_t flags = interest(r, change.old_actions, event_flag(change.kind));
  if (!flags) return;
  if (own_xid && !(flags & kOwnWhole)) {
    bool said = std::ranges::any_of(pending_, [&](const FlowUpdate& u) { return u.event == FlowEvent::kAbbrev && u.xid == *own_xid; });
    if (!said) pending_.push_back({.event = FlowEvent::kAbbrev, .xid = *own_xid});
    return;
  }
  constexpr FlowEvent kEvents[] = {FlowEvent::kAdded, FlowEvent::kModified, FlowEvent::kRemoved};
  FlowUpdate u = describe(kEvents[static_cast<size_t>(change.kind)], r, flags & OFPFMF_INSTRUCTIONS);
  u.reason = wire_reason(change.reason);
  pending_.push_back(std::move(u));
}

void FlowMonitors::send(OfConnection& c, std::vector<FlowUpdate> updates) const {
  MessageType type = c.version() >= Version::k14   ? MessageType::OFPST_FLOW_MONITOR_REPLY
                     : c.version() == Version::k13 ? MessageType::ONFST_FLOW_MONITOR_REPLY
                                                   : MessageType::NXST_FLOW_MONITOR_REPLY;
  c.send({.type = type, .version = c.version(), .xid = 0, .body = FlowMonitorReply{std::move(updates)}});
}

/// Paused and resumed are events of their own from 1.4 on, messages before.
void FlowMonitors::send_event(OfConnection& c, FlowEvent event) const {
  if (c.version() >= Version::k14) return send(c, {FlowUpdate{.event = event}});
  bool onf = c.version() == Version::k13, paused = event == FlowEvent::kPaused;
  MessageType type = onf ? (paused ? MessageType::ONFT_FLOW_MONITOR_PAUSED : MessageType::ONFT_FLOW_MONITOR_RESUMED)
                         : (paused ? MessageType::NXT_FLOW_MONITOR_PAUSED : MessageType::NXT_FLOW_MONITOR_RESUMED);
  c.send({.type = type, .version = c.version(), .xid = 0, .body = Empty{}});
}

void FlowMonitors::flush(OfConnection& c) {
  if (pending_.empty()) return;
  send(c, std::exchange(pending_, {}));
  if (paused_ || c.stream().queued() <= kMonitorHighWater) return;
  paused_ = true;
  send_event(c, FlowEvent::kPaused);
}

void FlowMonitors::resume_if_drained(OfConnection& c, const Bridge& bridge) {
  if (!paused_ || c.stream().queued() > 0) return;
  std::vector<FlowUpdate> updates;
  for (auto [id, added] : std::exchange(missed_, {})) {
    const Rule* r = bridge.find_rule(id);
    if (uint16_t flags = r ? interest(*r, nullptr, added ? OFPFMF_ADD : OFPFMF_MODIFY) : 0)
      updates.push_back(describe(added ? FlowEvent::kAdded : FlowEvent::kModified, *r, flags & OFPFMF_INSTRUCTIONS));
  }
  paused_ = false;
  if (!updates.empty()) send(c, std::move(updates));
  send_event(c, FlowEvent::kResumed);
}

}  // namespace sluice
