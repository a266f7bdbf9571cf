// SPDX-License-Identifier: Apache-2.0
// Flow-mods over the tables (OF1.3.5 6.4); see flow_table.h.
#include "ofproto/flow_table.h"

#include <algorithm>
#include <utility>

namespace sluice {
namespace {

using ofp::Error;
using ofp::FlowModCommand;

bool is_strict(FlowModCommand c) { return c == FlowModCommand::kModifyStrict || c == FlowModCommand::kDeleteStrict; }

RuleFilter filter_of(const ofp::FlowMod& mod) {
  RuleFilter f{.match = mod.match, .table = mod.table_id, .strict_priority = {}, .cookie = mod.cookie, .cookie_mask = mod.cookie_mask};
  if (is_strict(mod.command)) f.strict_priority = mod.priority;
  bool deletes = mod.command == FlowModCommand::kDelete || mod.command == FlowModCommand::kDeleteStrict;
  if (deletes) f.out_port = mod.out_port, f.out_group = mod.out_group;
  return f;
}

/// What flow statistics show of an entry's flags.
constexpr uint16_t kKeptFlags = ofp::OFPFF_SEND_FLOW_REM | ofp::OFPFF_NO_PKT_COUNTS | ofp::OFPFF_NO_BYT_COUNTS | ofp::OFPFF_CHECK_OVERLAP | ofp::OFPFF_RESET_COUNTS;

}  // namespace

FlowTables::FlowTables(Observer observer) : observer_(std::move(observer)) {
  for (auto& t : tables_) t = std::make_unique<FlowTable>();
}

FlowTables::~FlowTables() {
  if (staged_) roll_back_stage();
  std::vector<Rule*> all;
  for (auto& t : tables_) t->rules.for_each([&](Rule* r) { return all.push_back(r), true; });
  for (auto& t : tables_) t.reset();
  for (Rule* r : all) discard(std::unique_ptr<Rule>(r));
}

FlowTables::Outcome FlowTables::apply(const ofp::FlowMod& mod, ModSemantics semantics, Time now) {
  switch (mod.command) {
    case FlowModCommand::kAdd: return add(mod, semantics, now);
    case FlowModCommand::kModify:
    case FlowModCommand::kModifyStrict: return modify(mod, semantics, now);
    case FlowModCommand::kDelete:
    case FlowModCommand::kDeleteStrict: return remove_matching(mod, now);
  }
  return std::unexpected(Error::OFPFMFC_BAD_COMMAND);
}

FlowTables::Outcome FlowTables::add(const ofp::FlowMod& mod, ModSemantics semantics, Time now) {
  uint8_t n = mod.table_id == ofp::kTableAll ? 0 : mod.table_id;
  FlowTable& table = *tables_[n];
  ofp::MiniMatch match(mod.match);
  Rule* old = table.rules.find(match, mod.priority);
  if (!old) {
    if ((mod.flags & ofp::OFPFF_CHECK_OVERLAP) && table.rules.has_overlap(match, mod.priority)) return std::unexpected(Error::OFPFMFC_OVERLAP);
    if (auto room = make_room(table, now); !room) return room;
    insert(make_rule(mod, std::move(match), n, now), now);
    return {};
  }
  auto rule = make_rule(mod, std::move(match), n, now);
  bool keeps_counters = !semantics.add_resets && !(mod.flags & ofp::OFPFF_RESET_COUNTS);
  if (keeps_counters) {
    rule->packets = old->packets;
    rule->bytes = old->bytes;
  }
  replace(old, std::move(rule), keeps_counters, now);
  return {};
}

FlowTables::Outcome FlowTables::make_room(FlowTable& table, Time now) {
  if (count_ >= kMaxRules) return std::unexpected(Error::OFPFMFC_TABLE_FULL);
  if (!table.settings.flow_limit || table.rules.size() < *table.settings.flow_limit) return {};
  if (!table.settings.evict) return std::unexpected(Error::OFPFMFC_TABLE_FULL);
  // The flow that would end first goes; those without a timeout never do (Flow_Table, overflow_policy).
  Rule* victim = nullptr;
  table.rules.for_each([&](Rule* r) {
    if (!r->is_hidden() && timeout(*r) != kNever && (!victim || timeout(*r) < timeout(*victim))) victim = r;
    return true;
  });
  if (!victim) return std::unexpected(Error::OFPFMFC_TABLE_FULL);
  remove(victim, RuleEnd::kEviction, now);
  return {};
}

FlowTables::Outcome FlowTables::modify(const ofp::FlowMod& mod, ModSemantics semantics, Time now) {
  auto rules = select(filter_of(mod));
  if (rules.empty()) return semantics.modify_adds && mod.cookie_mask == 0 && mod.new_cookie != UINT64_MAX ? add(mod, semantics, now) : Outcome{};
  for (Rule* r : rules) {
    if (staged_) {
      auto copy = std::make_unique<Rule>(*r);
      copy->actions = pool_.share(r->actions->actions);  // a reference of its own
      undo_.push_back({Undo::Kind::kModified, std::move(copy), r});
    }
    const ActionList* actions = pool_.share(mod.actions);
    bool differs = actions != r->actions || (mod.modify_cookie && r->cookie != mod.new_cookie);
    std::optional<ofp::Actions> old_actions;
    if (watched_ && !staged_ && differs) old_actions = r->actions->actions;
    set_actions(r, actions);
    if (mod.modify_cookie) r->cookie = mod.new_cookie;
    if (mod.flags & ofp::OFPFF_RESET_COUNTS) r->packets = r->bytes = 0;
    r->modified = now;
    set_timer(*r);
    if (old_actions) tell({.kind = FlowChange::Kind::kModified, .rule = *r, .old_actions = &*old_actions, .now = now});
  }
  generation_++;
  return {};
}

FlowTables::Outcome FlowTables::remove_matching(const ofp::FlowMod& mod, Time now) {
  for (Rule* r : select(filter_of(mod))) remove(r, RuleEnd::kDelete, now);
  return {};
}

std::vector<Rule*> FlowTables::select(const RuleFilter& f) const {
  std::vector<Rule*> found;
  ofp::MiniMatch match(f.match);
  auto fits = [&](const Rule* r) {
    return (f.hidden_too || !r->is_hidden()) && ((r->cookie ^ f.cookie) & f.cookie_mask) == 0 &&
           (f.out_port == OFPP_NONE || ofp::outputs_to_port(r->actions->actions, f.out_port)) &&
           (f.out_group == ofp::OFPG_ANY || ofp::outputs_to_group(r->actions->actions, f.out_group));
  };
  unsigned from = f.table == ofp::kTableAll ? 0 : f.table, to = f.table == ofp::kTableAll ? kFlowTables : f.table + 1u;
  for (unsigned t = from; t < to; t++) {
    const Classifier& rules = tables_[t]->rules;
    if (!rules.size()) continue;
    if (f.strict_priority) {
      if (Rule* r = rules.find(match, *f.strict_priority); r && fits(r)) found.push_back(r);
    } else {
      rules.for_each_inside(match, [&](Rule* r) {
        if (fits(r)) found.push_back(r);
        return true;
      });
    }
  }
  return found;
}

std::unique_ptr<Rule> FlowTables::make_rule(const ofp::FlowMod& mod, ofp::MiniMatch match, uint8_t table, Time now) {
  auto rule = std::make_unique<Rule>();
  rule->match = std::move(match);
  rule->actions = pool_.share(mod.actions);
  rule->cookie = mod.new_cookie;
  rule->created = rule->modified = rule->used = now;
  rule->priority = mod.priority;
  rule->idle_timeout = mod.idle_timeout;
  rule->hard_timeout = mod.hard_timeout;
  rule->importance = mod.importance;
  rule->flags = mod.flags & kKeptFlags;
  rule->table = table;
  return rule;
}

void FlowTables::insert(std::unique_ptr<Rule> owned, Time now) {
  Rule* rule = owned.release();
  ids_.add(rule);
  tables_[rule->table]->rules.insert(rule);
  set_timer(*rule);
  count_++;
  generation_++;
  if (staged_)
    undo_.push_back({Undo::Kind::kAdded, nullptr, rule});
  else if (watched_)
    tell({.kind = FlowChange::Kind::kAdded, .rule = *rule, .now = now});
}

void FlowTables::replace(Rule* old, std::unique_ptr<Rule> owned, bool keep_id, Time now) {
  Rule* rule = owned.release();
  RuleId old_id = old->id;
  tables_[rule->table]->rules.replace(old, rule);
  if (keep_id) {  // what megaflows have counted and not told yet goes on counting
    ids_.reassign(old->id, rule);
  } else {
    ids_.remove(old->id);
    ids_.add(rule);
  }
  set_timer(*rule);
  generation_++;
  if (staged_) {
    undo_.push_back({Undo::Kind::kReplaced, std::unique_ptr<Rule>(old), rule, {}, old_id});
    return;
  }
  discard(std::unique_ptr<Rule>(old));
  if (watched_) tell({.kind = FlowChange::Kind::kAdded, .rule = *rule, .replaced = old_id, .now = now});
}

std::unique_ptr<Rule> FlowTables::take_out(Rule* rule) {
  tables_[rule->table]->rules.remove(rule);
  ids_.remove(rule->id);
  count_--;
  generation_++;
  return std::unique_ptr<Rule>(rule);
}

void FlowTables::discard(std::unique_ptr<Rule> rule) { pool_.release(rule->actions); }

void FlowTables::remove(Rule* rule, RuleEnd reason, Time now) {
  auto owned = take_out(rule);
  if (staged_) {
    undo_.push_back({Undo::Kind::kRemoved, std::move(owned), nullptr, reason});
    return;
  }
  tell({.kind = FlowChange::Kind::kRemoved, .rule = *owned, .reason = reason, .now = now});
  discard(std::move(owned));
}

void FlowTables::set_actions(Rule* rule, const ActionList* list) {
  const ActionList* old = rule->actions;
  if (old->conjunctive == list->conjunctive) {
    rule->actions = list;
  } else {  // the classifier counts them
    tables_[rule->table]->rules.remove(rule);
    rule->actions = list;
    tables_[rule->table]->rules.insert(rule);
  }
  pool_.release(old);
}

void FlowTables::add_hidden(uint8_t table, const ofp::Match& match, int priority, ofp::Actions actions, Time now) {
  ofp::FlowMod mod{.match = match, .table_id = table, .actions = std::move(actions)};
  mod.new_cookie = 0;
  auto rule = make_rule(mod, ofp::MiniMatch(match), table, now);
  rule->priority = priority;
  if (Rule* old = tables_[table]->rules.find(rule->match, priority))
    replace(old, std::move(rule), true, now);
  else
    insert(std::move(rule), now);
}

void FlowTables::remove_hidden(uint8_t table, const ofp::Match& match, int priority) {
  if (Rule* r = tables_[table]->rules.find(ofp::MiniMatch(match), priority)) discard(take_out(r));
}

void FlowTables::learn(const ofp::FlowMod& mod, Time modified) {
  FlowTable& table = *tables_[mod.table_id];
  ofp::MiniMatch match(mod.match);
  Rule* old = table.rules.find(match, mod.priority);
  if (old && old->actions->actions == mod.actions && old->cookie == mod.new_cookie && old->idle_timeout == mod.idle_timeout && old->hard_timeout == mod.hard_timeout) {
    old->modified = std::max(old->modified, modified);
    old->used = std::max(old->used, modified);
    return;
  }
  if (!old && !make_room(table, modified)) return;
  auto rule = make_rule(mod, std::move(match), mod.table_id, modified);
  if (!old) return insert(std::move(rule), modified);
  rule->packets = old->packets;
  rule->bytes = old->bytes;
  rule->created = old->created;
  replace(old, std::move(rule), true, modified);
}

void FlowTables::clear(Time) {
  for (auto& t : tables_) {
    std::vector<Rule*> all;
    t->rules.for_each([&](Rule* r) {
      if (!r->is_hidden()) all.push_back(r);
      return true;
    });
    for (Rule* r : all) discard(take_out(r));
  }
}

// --- what the observer hears ---

void FlowTables::tell(const FlowChange& change) const {
  if (!change.rule.is_hidden()) observer_(change);
}

void FlowTables::tell(const Undo& u, Time now) const {
  switch (u.kind) {
    case Undo::Kind::kRemoved: return tell({.kind = FlowChange::Kind::kRemoved, .rule = *u.old, .reason = u.reason, .now = now});
    case Undo::Kind::kAdded:
    case Undo::Kind::kReplaced:
      if (watched_) tell({.kind = FlowChange::Kind::kAdded, .rule = *u.current, .replaced = u.replaced, .now = now});
      return;
    case Undo::Kind::kModified:
      if (watched_ && (u.old->actions != u.current->actions || u.old->cookie != u.current->cookie)) tell({.kind = FlowChange::Kind::kModified, .rule = *u.current, .old_actions = &u.old->actions->actions, .now = now});
      return;
  }
}

// --- timeouts ---

Time FlowTables::timeout(const Rule& r) {
  Time t = kNever;
  if (r.hard_timeout) t = std::min(t, r.modified + seconds(r.hard_timeout));
  if (r.idle_timeout) t = std::min(t, r.used + seconds(r.idle_timeout));
  return t;
}

void FlowTables::set_timer(const Rule& rule) {
  if (Time t = timeout(rule); t != kNever) timers_.push({t, rule.id});
}

void FlowTables::expire(Time now) {
  while (!timers_.empty() && timers_.top().at <= now) {
    Rule* r = ids_.find(timers_.top().rule);
    timers_.pop();
    if (!r) continue;
    Time t = timeout(*r);
    if (t > now) {
      if (t != kNever) timers_.push({t, r->id});
      continue;
    }
    bool hard = r->hard_timeout && r->modified + seconds(r->hard_timeout) <= now;
    remove(r, hard ? RuleEnd::kHardTimeout : RuleEnd::kIdleTimeout, now);
  }
}

Time FlowTables::deadline() const { return timers_.empty() ? kNever : timers_.top().at; }

void FlowTables::lower_timeouts(Rule* rule, uint16_t idle, uint16_t hard) {
  auto lower = [](uint16_t& t, uint16_t to) {
    if (to && (!t || to < t)) t = to;
  };
  lower(rule->idle_timeout, idle);
  lower(rule->hard_timeout, hard);
  set_timer(*rule);
}

// --- stages ---

void FlowTables::open_stage() { staged_ = true; }

void FlowTables::commit_stage(Time now) {
  staged_ = false;
  auto done = std::move(undo_);
  undo_.clear();
  for (const Undo& u : done) tell(u, now);
  for (Undo& u : done)
    if (u.old) discard(std::move(u.old));
}

void FlowTables::roll_back_stage() {
  staged_ = false;
  bool watched = std::exchange(watched_, false);  // nobody has seen what is undone
  auto done = std::move(undo_);
  undo_.clear();
  for (auto u = done.rbegin(); u != done.rend(); ++u) {
    switch (u->kind) {
      case Undo::Kind::kAdded: discard(take_out(u->current)); break;
      case Undo::Kind::kRemoved: {
        // The rule gets a new id: megaflows that counted for it were made stale by the removal.
        insert(std::move(u->old), {});
        break;
      }
      case Undo::Kind::kReplaced: replace(u->current, std::move(u->old), true, {}); break;
      case Undo::Kind::kModified: {
        Rule* r = u->current;
        set_actions(r, u->old->actions);
        r->cookie = u->old->cookie;
        r->packets = u->old->packets;
        r->bytes = u->old->bytes;
        r->modified = u->old->modified;
        break;
      }
    }
  }
  watched_ = watched;
}

}  // namespace sluice
