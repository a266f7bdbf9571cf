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

/// A flow lives as long as its timeout says and ends just after: one that is looked at in that very instant is still there.
constexpr Duration kClockTick = milliseconds(1);

}  // namespace

FlowTables::FlowTables(Observer observer) : observer_(std::move(observer)) {
  for (unsigned n = 0; n < kFlowTables; n++) tables_[n] = std::make_unique<FlowTable>(static_cast<uint8_t>(n));
}

uint8_t FlowTable::vacancy() const {
  uint64_t most = max_entries(), used = std::min<uint64_t>(rules.size(), most);
  return most ? static_cast<uint8_t>((most - used) * 100 / most) : 0;
}

FlowTables::Outcome FlowTables::apply(ofp::FlowMod&& mod, ModSemantics semantics, Time now) {
  Outcome done = std::unexpected(Error::OFPFMFC_BAD_COMMAND);
  switch (mod.command) {
    case FlowModCommand::kAdd: done = add(mod, semantics, now); break;
    case FlowModCommand::kModify:
    case FlowModCommand::kModifyStrict: done = modify(mod, semantics, now); break;
    case FlowModCommand::kDelete:
    case FlowModCommand::kDeleteStrict: done = remove_matching(mod, now); break;
  }
  drop_orphans(now);
  return done;
}

void FlowTables::drop_orphans(Time now) {
  if (staged_) return;   // what is kept for a roll-back holds its actions
  const ofp::MiniMatch all;
  for (auto orphans = actions_.take_orphans(); !orphans.empty(); orphans = actions_.take_orphans())
    for (const LearnedFlows& o : orphans)
      for (Rule* r : select({.match = all, .table = o.table, .strict_priority = {}, .cookie = o.cookie, .cookie_mask = UINT64_MAX})) remove(r, RuleEnd::kDelete, now);
}

FlowTables::Outcome FlowTables::add(ofp::FlowMod& mod, ModSemantics semantics, Time now) {
  FlowTable& table = *tables_[mod.table_id == ofp::kTableAll ? 0 : mod.table_id];
  const ofp::MiniMatch& match = mod.match;
  Classifier::Place place = table.rules.locate(match);
  Rule* old = table.rules.find(place, match, mod.priority);
  if (!old) {
    if ((mod.flags & ofp::OFPFF_CHECK_OVERLAP) && table.rules.has_overlap(match, mod.priority)) return std::unexpected(Error::OFPFMFC_OVERLAP);
    if (auto room = make_room(table, now); !room) return room;
    if (table.evicts()) place = table.rules.locate(match);
    insert(table, place, std::move(mod.match), mod.priority, content(mod, now), now);
    return {};
  }
  RuleContent with = content(mod, now);
  bool keeps_counters = !semantics.add_resets && !(mod.flags & ofp::OFPFF_RESET_COUNTS);
  if (keeps_counters) {
    with.packets = old->packets;
    with.bytes = old->bytes;
  }
  replace(old, with, keeps_counters, now);
  return {};
}

FlowTables::Outcome FlowTables::make_room(FlowTable& table, Time now) {
  if (count_ + undo_.size() >= kMaxRules) return std::unexpected(Error::OFPFMFC_TABLE_FULL);  // what a stage removes keeps its place
  if (!table.settings.flow_limit || table.rules.size() < *table.settings.flow_limit) return {};
  Rule* goes = next_to_evict(table);
  if (!goes) return std::unexpected(Error::OFPFMFC_TABLE_FULL);
  remove(goes, RuleEnd::kEviction, now);
  return {};
}

/// Null: none may go.
Rule* FlowTables::next_to_evict(FlowTable& table) {
  if (!table.evicts()) {
    table.eviction.reset();
    return nullptr;
  }
  if (!table.eviction || table.eviction->fields() != table.settings.groups) {
    table.eviction = std::make_unique<EvictionOrder>(table.settings.groups, timeout);
    table.rules.for_each([&](Rule* r) { return table.eviction->put(r), true; });
  }
  return table.eviction->next();
}

void FlowTables::fit_limit(FlowTable& table, Time now) {
  if (!table.settings.flow_limit) return;
  while (table.rules.size() > *table.settings.flow_limit) {
    Rule* goes = next_to_evict(table);
    if (!goes) break;
    remove(goes, RuleEnd::kEviction, now);
  }
  drop_orphans(now);
}

FlowTables::Outcome FlowTables::modify(ofp::FlowMod& mod, ModSemantics semantics, Time now) {
  auto rules = select(filter_of(mod));
  if (rules.empty()) return semantics.modify_adds && mod.cookie_mask == 0 && mod.new_cookie != UINT64_MAX ? add(mod, semantics, now) : Outcome{};
  ActionList* actions = actions_.share(std::move(mod.actions));
  for (Rule* r : rules) {
    note(Undo::Kind::kModified, r);
    RuleContent to = *r;
    to.actions = actions_.hold(actions);
    if (mod.modify_cookie) to.cookie = mod.new_cookie;
    if (mod.flags & ofp::OFPFF_RESET_COUNTS) to.packets = to.bytes = 0;
    to.modified = now;
    bool differs = actions != r->actions || to.cookie != r->cookie;
    std::optional<ofp::Actions> old_actions;
    if (watched_ && !staged_ && differs) old_actions = r->actions->actions;
    change(r, to);
    if (old_actions) tell({.kind = FlowChange::Kind::kModified, .rule = *r, .old_actions = &*old_actions, .now = now});
  }
  actions_.release(actions);
  return {};
}

FlowTables::Outcome FlowTables::remove_matching(const ofp::FlowMod& mod, Time now) {
  for (Rule* r : select(filter_of(mod))) remove(r, RuleEnd::kDelete, now);
  return {};
}

bool FlowTables::means(const RuleFilter& f, const Rule& r) const {
  return (f.hidden_too || !r.is_hidden()) && ((r.cookie ^ f.cookie) & f.cookie_mask) == 0 &&
         (f.out_port == OFPP_NONE || ofp::outputs_to_port(r.actions->actions, f.out_port)) &&
         (f.out_group == ofp::OFPG_ANY || ofp::outputs_to_group(r.actions->actions, f.out_group));
}

std::vector<Rule*> FlowTables::select(const RuleFilter& f) const {
  std::vector<Rule*> found;
  unsigned from = f.table == ofp::kTableAll ? 0 : f.table, to = f.table == ofp::kTableAll ? kFlowTables : f.table + 1u;
  for (unsigned t = from; t < to; t++) {
    const Classifier& rules = tables_[t]->rules;
    if (!rules.size()) continue;
    if (f.strict_priority) {
      if (Rule* r = rules.find(f.match, *f.strict_priority); r && means(f, *r)) found.push_back(r);
    } else {
      rules.for_each_inside(f.match, [&](Rule* r) {
        if (means(f, *r)) found.push_back(r);
        return true;
      });
    }
  }
  return found;
}

bool FlowTables::visit(const RuleFilter& f, FlowCursor& at, size_t budget, const std::function<void(const Rule&)>& fn) const {
  bool all = f.match.masks().empty();
  for (; at.table < kFlowTables; at = {at.table + 1, 0}) {
    const FlowTable& table = *tables_[at.table];
    if (!table.rules.size() || (f.table != ofp::kTableAll && f.table != at.table)) continue;
    if (budget == 0) return true;
    if (at.slot == 0 && table.rules.size() <= kSmallTable) {
      table.rules.for_each_inside(f.match, [&](Rule* r) {
        if (means(f, *r)) fn(*r);
        return true;
      });
      budget -= std::min(budget, table.rules.size());
      continue;
    }
    for (; at.slot < table.slots.slots(); at.slot++, budget--) {
      if (budget == 0) return true;
      const Rule& r = *table.slots.slot(at.slot);
      if (r.live && means(f, r) && (all || r.match.is_inside(f.match))) fn(r);
    }
  }
  return false;
}

RuleContent FlowTables::content(ofp::FlowMod& mod, Time now) {
  return {.actions = actions_.share(std::move(mod.actions)), .cookie = mod.new_cookie, .used = now, .created = now, .modified = now, .idle_timeout = mod.idle_timeout,
          .hard_timeout = mod.hard_timeout, .importance = mod.importance, .flags = static_cast<uint16_t>(mod.flags & ofp::kStatsFlags)};
}

/// Makes a rule that is whole part of its table.
void FlowTables::enter(Rule* rule, const Classifier::Place& place) {
  rule->live = true;
  tables_[rule->table]->rules.insert(rule, place);
  set_timer(rule);
  count_learned(*rule, 1);
  count_++;
  note_change(*rule);
}

Rule* FlowTables::insert(FlowTable& table, const Classifier::Place& place, ofp::MiniMatch&& match, int priority, const RuleContent& content, Time now) {
  Rule* rule = table.slots.make();
  static_cast<RuleContent&>(*rule) = content;
  rule->match = std::move(match);
  rule->priority = priority;
  enter(rule, place);
  note(Undo::Kind::kAdded, rule);
  if (watched_ && !staged_) tell({.kind = FlowChange::Kind::kAdded, .rule = *rule, .now = now});
  return rule;
}

/// An add in place of a flow: the rule stays where it is, what it does is another thing.
void FlowTables::replace(Rule* rule, const RuleContent& with, bool keep_id, Time now) {
  RuleId old_id = rule->id;
  note(Undo::Kind::kReplaced, rule, old_id);
  // With the same id, what megaflows have counted and not told yet goes on counting.
  if (!keep_id && !rule->fresh) {
    tables_[rule->table]->slots.renew(rule);
    rule->fresh = staged_;
  }
  change(rule, with);
  if (watched_ && !staged_) tell({.kind = FlowChange::Kind::kAdded, .rule = *rule, .replaced = old_id, .now = now});
}

/// REQUIRES: `to` has a hold of its actions, which becomes the rule's.
void FlowTables::change(Rule* rule, const RuleContent& to) {
  ActionList* old = rule->actions;
  tables_[rule->table]->rules.set_actions(rule, to.actions);
  actions_.release(old);
  count_learned(*rule, -1);
  static_cast<RuleContent&>(*rule) = to;
  count_learned(*rule, 1);
  set_timer(rule);
  note_change(*rule);
}

/// Before a rule is changed or after it was added.
void FlowTables::note(Undo::Kind kind, Rule* rule, RuleId replaced) {
  if (!staged_) return;
  Undo& u = undo_.emplace_back(Undo{.kind = kind, .rule = rule, .replaced = replaced});
  if (kind == Undo::Kind::kAdded) {
    rule->fresh = true;
  } else {
    u.old = std::make_unique<RuleContent>(*rule);
    actions_.hold(u.old->actions);
  }
}

void FlowTables::take_out(Rule* rule) {
  FlowTable& table = *tables_[rule->table];
  table.rules.remove(rule);
  if (table.eviction) table.eviction->forget(rule);
  rule->live = false;
  count_learned(*rule, -1);
  count_--;
  note_change(*rule);
}

void FlowTables::note_change(const Rule& rule) {
  generation_++;
  if (changes_wanted_ && changes_.size() <= kMostChanges) changes_.push_back({rule.table, rule.match});
}

std::optional<std::vector<TableChange>> FlowTables::take_changes(bool wanted_from_now_on) {
  bool all = std::exchange(changes_wanted_, wanted_from_now_on) && changes_.size() <= kMostChanges;
  auto changes = std::exchange(changes_, {});
  if (!all) return std::nullopt;
  return changes;
}

void FlowTables::discard(Rule* rule) {
  actions_.release(std::exchange(rule->actions, nullptr));
  tables_[rule->table]->slots.free(rule);
}

void FlowTables::remove(Rule* rule, RuleEnd reason, Time now) {
  take_out(rule);
  if (staged_) {
    undo_.push_back({.kind = Undo::Kind::kRemoved, .reason = reason, .rule = rule});
    return;
  }
  tell({.kind = FlowChange::Kind::kRemoved, .rule = *rule, .reason = reason, .now = now});
  discard(rule);
}

void FlowTables::add_hidden(uint8_t table, const ofp::Match& match, int priority, ofp::Actions actions, Time now) {
  RuleContent with{.actions = actions_.share(std::move(actions)), .used = now, .created = now, .modified = now};
  FlowTable& t = *tables_[table];
  ofp::MiniMatch mini(match);
  Classifier::Place place = t.rules.locate(mini);
  if (Rule* old = t.rules.find(place, mini, priority))
    replace(old, with, true, now);
  else
    insert(t, place, std::move(mini), priority, with, now);
}

void FlowTables::remove_hidden(uint8_t table, const ofp::Match& match, int priority) {
  Rule* r = tables_[table]->rules.find(ofp::MiniMatch(match), priority);
  if (!r) return;
  take_out(r);
  discard(r);
}

void FlowTables::learn(const ofp::FlowMod& mod, Time modified) {
  FlowTable& table = *tables_[mod.table_id];
  const ofp::MiniMatch& match = mod.match;
  Rule* old = table.rules.find(match, mod.priority);
  if (old && old->actions->actions == mod.actions && old->cookie == mod.new_cookie && old->idle_timeout == mod.idle_timeout && old->hard_timeout == mod.hard_timeout) {
    old->modified = std::max(old->modified, modified);
    old->used = std::max(old->used, modified);
    return;
  }
  if (!old && !make_room(table, modified)) return;
  ofp::FlowMod own = mod;
  RuleContent with = content(own, modified);
  if (!old) {
    insert(table, table.rules.locate(match), std::move(own.match), mod.priority, with, modified);
    return;
  }
  with.packets = old->packets;
  with.bytes = old->bytes;
  with.created = old->created;
  replace(old, with, true, modified);
  drop_orphans(modified);
}

bool FlowTables::may_learn(const ofp::FlowMod& flow, uint32_t limit) const {
  if (!limit || tables_[flow.table_id]->rules.find(flow.match, flow.priority)) return true;
  if (auto known = learned_.find({flow.table_id, flow.new_cookie}); known != learned_.end()) return known->second < limit;
  const ofp::MiniMatch all;
  return select({.match = all, .table = flow.table_id, .strict_priority = {}, .cookie = flow.new_cookie, .cookie_mask = UINT64_MAX}).size() < limit;
}

void FlowTables::keep_count(LearnedFlows which) {
  if (learned_.contains(which)) return;
  if (learned_.size() >= kMostCounts) learned_.clear();
  const ofp::MiniMatch all;
  learned_[which] = select({.match = all, .table = which.table, .strict_priority = {}, .cookie = which.cookie, .cookie_mask = UINT64_MAX}).size();
}

void FlowTables::count_learned(const Rule& rule, int change) {
  if (learned_.empty() || rule.is_hidden()) return;
  if (auto known = learned_.find({rule.table, rule.cookie}); known != learned_.end()) known->second += static_cast<size_t>(change);
}

void FlowTables::clear(Time) {
  for (auto& t : tables_) {
    std::vector<Rule*> all;
    t->rules.for_each([&](Rule* r) {
      if (!r->is_hidden()) all.push_back(r);
      return true;
    });
    for (Rule* r : all) {
      take_out(r);
      discard(r);
    }
  }
}

// --- what the observer hears ---

void FlowTables::tell(const FlowChange& change) const {
  if (!change.rule.is_hidden()) observer_(change);
}

void FlowTables::tell(const Undo& u, Time now) const {
  const Rule& r = *u.rule;
  switch (u.kind) {
    case Undo::Kind::kRemoved: return tell({.kind = FlowChange::Kind::kRemoved, .rule = r, .reason = u.reason, .now = now});
    case Undo::Kind::kAdded:
    case Undo::Kind::kReplaced:
      if (watched_) tell({.kind = FlowChange::Kind::kAdded, .rule = r, .replaced = u.replaced, .now = now});
      return;
    case Undo::Kind::kModified:
      if (watched_ && (u.old->actions != r.actions || u.old->cookie != r.cookie))
        tell({.kind = FlowChange::Kind::kModified, .rule = r, .old_actions = &u.old->actions->actions, .now = now});
      return;
  }
}

// --- timeouts ---

Time FlowTables::timeout(const Rule& r) {
  Time t = kNever;
  if (r.hard_timeout) t = std::min(t, r.modified + seconds(r.hard_timeout) + kClockTick);
  if (r.idle_timeout) t = std::min(t, r.used + seconds(r.idle_timeout) + kClockTick);
  return t;
}

void FlowTables::set_timer(Rule* rule) {
  if (EvictionOrder* order = tables_[rule->table]->eviction.get()) order->put(rule);
  Time t = timeout(*rule);
  if (t == kNever) return;
  if (timers_.size() > kSpareTimers + 2 * count_) drop_old_timers();
  timers_.push({t, rule->id});
}

/// Flows that are refreshed again and again leave timers that mean nothing.
void FlowTables::drop_old_timers() {
  std::vector<Timer> all;
  for (auto& table : tables_)
    table->rules.for_each([&](const Rule* r) {
      if (Time t = timeout(*r); t != kNever) all.push_back({t, r->id});
      return true;
    });
  timers_ = decltype(timers_)({}, std::move(all));
}

void FlowTables::expire(Time now) {
  end_expired(now);
  drop_orphans(now);
}

void FlowTables::end_expired(Time now) {
  while (!timers_.empty() && timers_.top().at <= now) {
    Rule* r = find(timers_.top().rule);
    timers_.pop();
    if (!r) continue;
    Time t = timeout(*r);
    if (t > now) {
      if (t != kNever) timers_.push({t, r->id});
      continue;
    }
    bool hard = r->hard_timeout && r->modified + seconds(r->hard_timeout) < now;
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
  set_timer(rule);
}

// --- stages ---

void FlowTables::open_stage() { staged_ = true; }

void FlowTables::commit_stage(Time now) {
  staged_ = false;
  auto done = std::exchange(undo_, {});
  for (const Undo& u : done) tell(u, now);
  for (Undo& u : done) {
    u.rule->fresh = false;
    if (u.old) actions_.release(u.old->actions);
  }
  for (Undo& u : done)
    if (u.kind == Undo::Kind::kRemoved) discard(u.rule);
  drop_orphans(now);
}

void FlowTables::roll_back_stage() {
  staged_ = false;
  bool watched = std::exchange(watched_, false);  // nobody has seen what is undone
  auto done = std::exchange(undo_, {});
  for (auto u = done.rbegin(); u != done.rend(); ++u) {
    Rule* r = u->rule;
    FlowTable& table = *tables_[r->table];
    r->fresh = false;
    switch (u->kind) {
      case Undo::Kind::kAdded:
        take_out(r);
        discard(r);
        break;
      case Undo::Kind::kRemoved:
        // The rule gets a new id: megaflows that counted for it were made stale by the removal.
        table.slots.renew(r);
        enter(r, table.rules.locate(r->match));
        break;
      case Undo::Kind::kReplaced:
      case Undo::Kind::kModified: change(r, *u->old); break;
    }
  }
  watched_ = watched;
}

}  // namespace sluice
