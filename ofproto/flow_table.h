// SPDX-License-Identifier: Apache-2.0
// FlowTables: the flow tables of one bridge and the only way to change them: flow-mods, timeouts.
//
// While a stage is open (a bundle), everything that is changed is also noted, so that roll_back() restores it exactly; notices of removed flows wait until commit.
// `generation` grows with every change that packets could see.
// Threads: the control thread.
#pragma once

#include <array>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <string>
#include <vector>

#include "ofproto/classifier.h"
#include "ofproto/eviction.h"
#include "ofproto/flow_change.h"
#include "ofproto/openflow/error.h"
#include "ofproto/openflow/flow_mod.h"
#include "ofproto/openflow/table_messages.h"
#include "ofproto/rule.h"
#include "ofproto/settings.h"

namespace sluice {

inline constexpr unsigned kFlowTables = 255;                 // 0..254
inline constexpr uint8_t kHiddenTable = 254;                 // Open vSwitch's own: nobody may change it
inline constexpr unsigned kVisibleTables = kHiddenTable;
inline constexpr uint32_t kMaxRules = RuleTable::kMaxSlots;  // of a bridge: a bound for memory
inline constexpr uint32_t kUsualMaxEntries = 1000000;        // of a table without a limit, as it is told
inline constexpr size_t kSmallTable = 1024;                  // rules that are visited at once
inline constexpr size_t kMostCounts = 1024;                  // cookies with limits whose flows are counted
inline constexpr size_t kMostChanges = 64;                   // that are told one by one
inline constexpr size_t kSpareTimers = 1024;                 // that may be kept beyond two for each rule

struct FlowTable {
  explicit FlowTable(uint8_t n) : slots(n) {}
  RuleTable slots;                                           // where the rules are
  Classifier rules;                                          // how they are found
  uint64_t lookups = 0, matches = 0;
  FlowTableSettings settings;
  ofp::TableMiss miss = ofp::TableMiss::kDefault;           // by a table-mod of 1.1 or 1.2
  std::string openflow_name;                                 // one that the configuration gives goes before it
  bool openflow_evict = false;                               // besides what the configuration says
  bool vacancy_events = false, is_short = false;             // is_short: the last event said that there is little room
  uint8_t vacancy_down = 0, vacancy_up = 0;                  // % of free entries
  std::unique_ptr<EvictionOrder> eviction;                   // once it was full, while it evicts
  bool evicts() const { return settings.evict || openflow_evict; }
  const std::string& name() const { return settings.name.empty() ? openflow_name : settings.name; }
  uint32_t max_entries() const { return settings.flow_limit.value_or(kUsualMaxEntries); }
  uint8_t vacancy() const;                                   // %
};

/// Which rules a request means.
struct RuleFilter {
  const ofp::MiniMatch& match;
  uint8_t table = ofp::kTableAll;
  std::optional<int> strict_priority;   // nothing: all rules inside the match
  uint64_t cookie = 0, cookie_mask = 0;
  OfpPort out_port = OFPP_NONE;
  uint32_t out_group = ofp::OFPG_ANY;
  bool hidden_too = false;
};

/// An entry that came, went, or does something else now.
struct TableChange {
  uint8_t table;
  ofp::MiniMatch match;
};

/// Where a visit in slices is.
struct FlowCursor {
  unsigned table = 0;
  uint32_t slot = 0;
};

class FlowTables {
 public:
  using Observer = std::function<void(const FlowChange&)>;
  using Outcome = std::expected<void, ofp::Error>;

  /// `observer` hears of removed rules, and of all changes while set_watched(true); not of hidden rules.
  explicit FlowTables(Observer observer);

  /// The mod's actions must have been checked.  modify_adds: a modify that finds nothing adds (1.0, 1.1); add_resets: an add in place of a flow begins its counters anew.
  struct ModSemantics { bool modify_adds = false, add_resets = false; };
  Outcome apply(const ofp::FlowMod& mod, ModSemantics semantics, Time now) { return apply(ofp::FlowMod(mod), semantics, now); }
  Outcome apply(ofp::FlowMod&& mod, ModSemantics semantics, Time now);   // takes its actions
  /// A rule that OpenFlow does not see.
  void add_hidden(uint8_t table, const ofp::Match& match, int priority, ofp::Actions actions, Time now);
  void remove_hidden(uint8_t table, const ofp::Match& match, int priority);
  /// Adds, or refreshes (actions, `modified`), a flow made by a learn action.
  void learn(const ofp::FlowMod& mod, Time modified);
  /// Whether a learn action's limit, of flows with the flow's cookie in its table, lets one more be learned, or it is there already.
  bool may_learn(const ofp::FlowMod& flow, uint32_t limit) const;
  /// From now on it is known how many flows have this cookie; before, may_learn() looks at all.
  void keep_count(LearnedFlows which);

  void set_watched(bool on) { watched_ = on; }

  std::vector<Rule*> select(const RuleFilter& filter) const;
  /// One slice of a visit of the rules that the filter (not a strict one) means: about `budget` rules are looked at.  By table; a small table in
  /// the classifier's order.  Flows may come and go between slices: one that is there all the time is visited once, others at most once.
  /// True: there is more.
  bool visit(const RuleFilter& filter, FlowCursor& at, size_t budget, const std::function<void(const Rule&)>& fn) const;
  void remove(Rule* rule, RuleEnd reason, Time now);
  /// After flows were removed otherwise than by a flow-mod or their timeouts: flows learned by actions that are no more, and asked for that, go too.
  void drop_orphans(Time now);
  /// As many flows as the limit allows stay, where eviction is on.
  void fit_limit(FlowTable& table, Time now);
  void clear(Time now);                                      // all but hidden ones, without notices

  /// Ends rules whose time has come.  Counters must be up to date.
  void expire(Time now);
  Time deadline() const;                                     // of the next check, kNever if none
  size_t timers() const { return timers_.size(); }
  void lower_timeouts(Rule* rule, uint16_t idle, uint16_t hard);  // fin_timeout

  Rule* find(RuleId id) const { return table_of(id) < kFlowTables ? tables_[table_of(id)]->slots.find(id) : nullptr; }
  FlowTable& table(unsigned n) { return *tables_[n]; }
  const FlowTable& table(unsigned n) const { return *tables_[n]; }
  const Rule* lookup(unsigned table, const Flow& flow, Flow* mask) const { return tables_[table]->rules.lookup(flow, mask); }
  size_t size() const { return count_; }
  /// Each list of actions that rules have.
  template <typename Fn>
  void for_each_action_list(const Fn& fn) const { actions_.for_each(fn); }
  uint64_t generation() const { return generation_; }
  /// What has changed since the last call; nothing if that was too much, or nobody wanted to know.
  std::optional<std::vector<TableChange>> take_changes(bool wanted_from_now_on);

  void open_stage();
  void commit_stage(Time now);
  void roll_back_stage();

 private:
  struct Undo {
    enum class Kind : uint8_t { kAdded, kRemoved, kReplaced, kModified } kind;
    RuleEnd reason = RuleEnd::kDelete;
    Rule* rule = nullptr;                  // a removed one is kept until the stage ends
    RuleId replaced = 0;                   // kReplaced: the id that it had
    std::unique_ptr<RuleContent> old;      // kReplaced, kModified: what it was, with its own hold of the actions
  };
  struct Timer {
    Time at;
    RuleId rule;
    bool operator>(const Timer& o) const { return at > o.at; }
  };

  Outcome add(ofp::FlowMod& mod, ModSemantics semantics, Time now);
  Outcome modify(ofp::FlowMod& mod, ModSemantics semantics, Time now);
  Outcome remove_matching(const ofp::FlowMod& mod, Time now);
  Outcome make_room(FlowTable& table, Time now);
  Rule* next_to_evict(FlowTable& table);
  void end_expired(Time now);
  RuleContent content(ofp::FlowMod& mod, Time now);           // takes the mod's actions
  Rule* insert(FlowTable& table, const Classifier::Place& place, ofp::MiniMatch&& match, int priority, const RuleContent& content, Time now);
  void enter(Rule* rule, const Classifier::Place& place);
  void replace(Rule* rule, const RuleContent& with, bool keep_id, Time now);
  void change(Rule* rule, const RuleContent& to);
  void note(Undo::Kind kind, Rule* rule, RuleId replaced = 0);
  void take_out(Rule* rule);
  void note_change(const Rule& rule);
  void count_learned(const Rule& rule, int change);
  void discard(Rule* rule);
  bool means(const RuleFilter& filter, const Rule& rule) const;
  void set_timer(Rule* rule);
  void drop_old_timers();
  static Time timeout(const Rule& rule);
  void tell(const FlowChange& change) const;
  void tell(const Undo& change, Time now) const;

  Observer observer_;
  bool watched_ = false;
  ActionPool actions_;
  std::array<std::unique_ptr<FlowTable>, kFlowTables> tables_;
  std::priority_queue<Timer, std::vector<Timer>, std::greater<>> timers_;
  std::map<LearnedFlows, size_t> learned_;   // of those that limits were asked about
  std::vector<Undo> undo_;
  bool staged_ = false;
  size_t count_ = 0;
  uint64_t generation_ = 1;
  std::vector<TableChange> changes_;         // of the last generations; more than kMostChanges: not all
  bool changes_wanted_ = false;
};

}  // namespace sluice
