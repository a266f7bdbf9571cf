// SPDX-License-Identifier: Apache-2.0
// Flow-mods against a plain list of flows that follows OF1.3.5 6.4 word by word.
#include "ofproto/flow_table.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <ranges>
#include <set>

namespace sluice {
namespace {

struct Entry {
  ofp::Match match;
  int priority;
  uint8_t table;
  uint64_t cookie;
  uint32_t out;
  friend bool operator==(const Entry&, const Entry&) = default;
};

/// The specification as a list.
class List {
 public:
  void apply(const ofp::FlowMod& m, bool modify_adds) {
    using C = ofp::FlowModCommand;
    bool strict = m.command == C::kModifyStrict || m.command == C::kDeleteStrict;
    ofp::Match match = m.match.expand();
    auto hit = [&](const Entry& e) {
      if (m.table_id != ofp::kTableAll && m.table_id != e.table) return false;
      if ((e.cookie ^ m.cookie) & m.cookie_mask) return false;
      if (m.command == C::kDelete || m.command == C::kDeleteStrict)
        if (m.out_port != OFPP_NONE && m.out_port.value != e.out) return false;
      return strict ? e.match == match && e.priority == m.priority : e.match.is_inside(match);
    };
    uint32_t out = m.actions.empty() ? 0 : m.actions[0].as<ofp::Output>()->port.value;
    auto add = [&] {
      uint8_t table = m.table_id == ofp::kTableAll ? 0 : m.table_id;
      std::erase_if(entries, [&](const Entry& e) { return e.table == table && e.match == match && e.priority == m.priority; });
      entries.push_back({match, m.priority, table, m.new_cookie, out});
    };
    if (m.command == C::kAdd) return add();
    if (m.command == C::kDelete || m.command == C::kDeleteStrict) {
      std::erase_if(entries, hit);
      return;
    }
    bool any = false;
    for (Entry& e : entries)
      if (hit(e)) {
        any = true;
        e.out = out;
        if (m.modify_cookie) e.cookie = m.new_cookie;
      }
    if (!any && modify_adds && !m.cookie_mask) add();
  }
  std::vector<Entry> entries;
};

ofp::MiniMatch from_port(uint32_t port) {
  ofp::Match m;
  m.set_in_port(OfpPort{port});
  return ofp::MiniMatch(m);
}

class Random {
 public:
  explicit Random(uint32_t seed) : r_(seed) {}
  unsigned below(unsigned n) { return r_() % n; }
  ofp::FlowMod mod() {
    ofp::FlowMod m;
    m.command = static_cast<ofp::FlowModCommand>(below(3) ? 0 : below(5));
    ofp::Match match;
    if (below(2)) match.value.in_port = be32(1 + below(3)), match.mask.in_port = ~be32();
    if (below(2)) match.value.eth_type = be16(0x0800), match.mask.eth_type = ~be16();
    if (below(2)) match.mask.nw_dst = ipv4_prefix_mask(8 * (1 + static_cast<int>(below(4)))), match.value.nw_dst = be32(0x0a000000 + below(2)) & match.mask.nw_dst;
    m.match = ofp::MiniMatch(match);
    m.priority = static_cast<uint16_t>(below(3));
    m.table_id = static_cast<uint8_t>(below(2));
    if (m.command != ofp::FlowModCommand::kAdd && below(2)) m.cookie = below(3), m.cookie_mask = UINT64_MAX;
    if (m.command >= ofp::FlowModCommand::kDelete && below(3) == 0) m.out_port = OfpPort{1 + below(3)};
    if (m.command >= ofp::FlowModCommand::kDelete && below(3) == 0) m.table_id = ofp::kTableAll;
    m.new_cookie = below(3);
    m.modify_cookie = below(2);
    m.actions = {ofp::Output{OfpPort{1 + below(3)}}};
    return m;
  }

 private:
  std::mt19937 r_;
};

std::vector<Entry> contents(const FlowTables& t) {
  std::vector<Entry> out;
  const ofp::MiniMatch all;
  for (const Rule* r : t.select({.match = all, .table = ofp::kTableAll, .strict_priority = {}}))
    out.push_back({r->match.expand(), r->priority, r->table, r->cookie, r->actions->actions[0].as<ofp::Output>()->port.value});
  return out;
}

void expect_same(const FlowTables& t, const std::vector<Entry>& expected, uint32_t seed) {
  auto have = contents(t);
  EXPECT_EQ(have.size(), expected.size()) << "seed " << seed;
  for (const Entry& e : expected) EXPECT_NE(std::ranges::find(have, e), have.end()) << "seed " << seed;
}

TEST(FlowTableTest, DoesWhatTheListDoes) {
  for (uint32_t seed = 0; seed < 40; seed++) {
    Random random(seed);
    FlowTables tables([](const FlowChange&) {});
    List list;
    bool modify_adds = seed % 2;
    for (int i = 0; i < 100; i++) {
      auto m = random.mod();
      ASSERT_TRUE(tables.apply(m, {.modify_adds = modify_adds}, Time{}));
      list.apply(m, modify_adds);
      expect_same(tables, list.entries, seed);
      if (testing::Test::HasFailure()) return;
    }
  }
}

TEST(FlowTableTest, RollBackRestoresEverything) {
  for (uint32_t seed = 0; seed < 40; seed++) {
    Random random(seed + 1000);
    int removed = 0;
    FlowTables tables([&](const FlowChange&) { removed++; });
    for (int i = 0; i < 30; i++) ASSERT_TRUE(tables.apply(random.mod(), {}, Time{}));
    auto before = contents(tables);
    removed = 0;
    tables.open_stage();
    for (int i = 0; i < 40; i++) ASSERT_TRUE(tables.apply(random.mod(), {}, Time{}));
    EXPECT_EQ(removed, 0);
    tables.roll_back_stage();
    expect_same(tables, before, seed);
    EXPECT_EQ(tables.size(), before.size());
  }
}

/// Ids of rules that were there from the first slice to the last are visited once, others at most once, whatever happens between slices.
TEST(FlowTableTest, VisitInSlicesMeetsEachFlowOnce) {
  for (uint32_t seed = 0; seed < 6; seed++) {
    std::mt19937 random(seed);
    FlowTables tables([](const FlowChange&) {});
    auto mod = [&](uint32_t n, ofp::FlowModCommand command) {
      ofp::FlowMod m;
      m.command = command;
      m.table_id = static_cast<uint8_t>(n % 3 == 0 ? 5 : 9);   // one is large, so that slices end within it
      ofp::Match match;
      match.value.nw_src = be32(n / 64), match.mask.nw_src = n % 2 ? ~be32() : be32(0xffffff);
      match.value.nw_src &= match.mask.nw_src;
      m.match = ofp::MiniMatch(match);
      m.priority = static_cast<uint16_t>(n % 64);
      m.new_cookie = n;
      m.flags = n % 5 ? 0 : ofp::OFPFF_RESET_COUNTS;           // a replaced one keeps its id, or not
      ASSERT_TRUE(tables.apply(m, {}, Time{}));
    };
    for (uint32_t n = 0; n < 4 * kSmallTable; n++) mod(random() % 6000, ofp::FlowModCommand::kAdd);
    const ofp::MiniMatch all;
    std::map<uint64_t, int> seen;                              // by cookie
    std::set<uint64_t> stayed;
    for (const Rule* r : tables.select({.match = all})) stayed.insert(r->cookie);
    FlowCursor at;
    while (tables.visit({.match = all}, at, 500, [&](const Rule& r) { seen[r.cookie]++; }))
      for (int i = 0; i < 50; i++) {
        uint32_t n = random() % 8000;
        bool deletes = random() % 2;
        mod(n, deletes ? ofp::FlowModCommand::kDeleteStrict : ofp::FlowModCommand::kAdd);
        if (deletes) {
          stayed.erase(n);
          seen.erase(n);                                       // the same match may come again as another flow
        }
      }
    for (auto [cookie, times] : seen) EXPECT_EQ(times, 1) << cookie << " seed " << seed;
    for (uint64_t cookie : stayed) EXPECT_TRUE(seen.contains(cookie)) << cookie << " seed " << seed;
  }
}

TEST(FlowTableTest, IdsEndWithWhatTheyMeant) {
  FlowTables tables([](const FlowChange&) {});
  ofp::FlowMod m;
  m.table_id = 3;
  m.actions = {ofp::Output{OfpPort{1}}};
  const ofp::MiniMatch all;
  auto the_rule = [&] { return tables.select({.match = all}).at(0); };
  ASSERT_TRUE(tables.apply(m, {}, Time{}));
  RuleId first = the_rule()->id;
  ASSERT_TRUE(tables.apply(m, {}, Time{}));
  EXPECT_EQ(the_rule()->id, first) << "counters go on";
  m.flags = ofp::OFPFF_RESET_COUNTS;
  ASSERT_TRUE(tables.apply(m, {}, Time{}));
  RuleId second = the_rule()->id;
  EXPECT_EQ(tables.find(first), nullptr);
  EXPECT_EQ(tables.find(second), the_rule());
  tables.open_stage();
  tables.remove(the_rule(), RuleEnd::kDelete, Time{});
  EXPECT_EQ(tables.find(second), nullptr);
  tables.roll_back_stage();
  EXPECT_EQ(tables.find(the_rule()->id), the_rule());
  EXPECT_EQ(tables.find(second), nullptr);
  EXPECT_EQ(tables.find(0), nullptr);
}

TEST(FlowTableTest, LimitRefusesOrEvicts) {
  int evicted = 0;
  FlowTables tables([&](const FlowChange& c) { evicted += c.reason == RuleEnd::kEviction; });
  tables.table(0).settings.flow_limit = 1;
  auto add = [&](uint32_t port, uint16_t hard) {
    ofp::FlowMod m;
    m.match = from_port(port);
    m.table_id = 0;
    m.hard_timeout = hard;
    return tables.apply(m, {}, Time{});
  };
  ASSERT_TRUE(add(1, 10));
  EXPECT_EQ(add(2, 0).error(), ofp::Error::OFPFMFC_TABLE_FULL);
  tables.table(0).settings.evict = true;
  EXPECT_TRUE(add(2, 0));
  EXPECT_EQ(evicted, 1);
  EXPECT_FALSE(add(3, 0));   // what is left never ends by itself
}

/// Random adds, refreshes, removals and packets against a look at all flows.
TEST(FlowTableTest, EvictsOfTheLargestGroupWhatEndsFirst) {
  std::mt19937 random(7);
  std::optional<std::pair<uint32_t, uint32_t>> evicted;   // reg0, in_port
  auto key = [](const Rule& r) { const Flow v = r.match.expand().value; return std::pair(v.reg[0].host(), v.in_port.host()); };
  FlowTables tables([&](const FlowChange& c) { if (c.reason == RuleEnd::kEviction) evicted = key(c.rule); });
  FlowTable& table = tables.table(0);
  table.settings.flow_limit = 40;
  table.settings.evict = true;
  table.settings.groups = {ofp::whole(ofp::FieldId::kReg0)};
  Time now{};
  auto ends = [](const Rule& r) {
    Time t = r.hard_timeout ? r.modified + seconds(r.hard_timeout) : kNever;
    return r.idle_timeout ? std::min(t, r.used + seconds(r.idle_timeout)) : t;
  };
  for (int step = 0; step < 3000; step++) {
    now += milliseconds(random() % 50 + 1);
    std::vector<Rule*> all;
    table.rules.for_each([&](Rule* r) { return all.push_back(r), true; });
    Rule* one = all.empty() ? nullptr : all[random() % all.size()];
    if (one && random() % 3 == 0) one->used = now;
    if (one && random() % 7 == 0) tables.lower_timeouts(one, static_cast<uint16_t>(random() % 200), 0);
    if (one && random() % 11 == 0) tables.remove(one, RuleEnd::kDelete, now);
    if (random() % 13 == 0) tables.expire(now);
    std::map<uint32_t, std::map<Time, std::set<uint32_t>>> groups;   // reg0 -> end -> ports
    std::map<uint32_t, size_t> sizes;
    table.rules.for_each([&](Rule* r) {
      if (ends(*r) != kNever) groups[key(*r).first][ends(*r)].insert(key(*r).second), sizes[key(*r).first]++;
      return true;
    });
    bool full = table.rules.size() >= 40;
    ofp::Match match;
    match.set_u64(ofp::FieldId::kReg0, random() % 4);
    match.set_u64(ofp::FieldId::kInPort, random() % 60);
    ofp::FlowMod m;
    m.match = ofp::MiniMatch(match);
    m.table_id = 0;
    m.idle_timeout = random() % 3 ? static_cast<uint16_t>(random() % 300 + 1) : 0;
    m.hard_timeout = random() % 3 ? static_cast<uint16_t>(random() % 300 + 1) : 0;
    bool is_new = !table.rules.find(m.match, m.priority);
    evicted.reset();
    bool added = tables.apply(m, {}, now).has_value();
    ASSERT_EQ(added, !is_new || !full || !groups.empty());
    ASSERT_EQ(evicted.has_value(), is_new && full && !groups.empty());
    if (!evicted) continue;
    size_t largest = std::ranges::max(sizes | std::views::values);
    ASSERT_EQ(sizes[evicted->first], largest);
    ASSERT_TRUE(groups[evicted->first].begin()->second.contains(evicted->second)) << step;
  }
}

TEST(FlowTableTest, CountsWhatLearnLimitsAskAbout) {
  std::mt19937 random(3);
  FlowTables tables([](const FlowChange&) {});
  constexpr uint32_t kLimit = 10;
  auto flow = [&](uint32_t port) {
    ofp::FlowMod m;
    m.match = from_port(port);
    m.table_id = 0;
    m.new_cookie = random() % 2;
    return m;
  };
  auto by_looking = [&](const ofp::FlowMod& m) {
    const ofp::MiniMatch all;
    return tables.table(0).rules.find(m.match, m.priority) ||
           tables.select({.match = all, .table = 0, .strict_priority = {}, .cookie = m.new_cookie, .cookie_mask = UINT64_MAX}).size() < kLimit;
  };
  for (int step = 0; step < 2000; step++) {
    if (step == 100) tables.keep_count({0, 1});
    if (step % 50 == 40) tables.open_stage();
    ofp::FlowMod m = flow(random() % 30);
    if (unsigned what = random() % 4; what == 0) m.command = ofp::FlowModCommand::kDelete;
    else if (what == 1) m.command = ofp::FlowModCommand::kModify, m.modify_cookie = true;
    ASSERT_TRUE(tables.apply(m, {}, Time{}));
    if (step % 50 == 45) random() % 2 ? tables.roll_back_stage() : tables.commit_stage(Time{});
    ofp::FlowMod next = flow(random() % 30);
    ASSERT_EQ(tables.may_learn(next, kLimit), by_looking(next)) << step;
  }
}

TEST(FlowTableTest, RefreshingAFlowLeavesNoHeapOfTimers) {
  FlowTables tables([](const FlowChange&) {});
  ofp::FlowMod m;
  m.match = from_port(1);
  m.table_id = 0;
  m.hard_timeout = 60000;
  Time now{};
  for (int i = 0; i < 20000; i++) ASSERT_TRUE(tables.apply(m, {}, now += milliseconds(1)));
  EXPECT_LT(tables.timers(), 2 * kSpareTimers);
  Time end = now + seconds(60000);
  tables.expire(end);   // as long as the timeout says, in full
  EXPECT_EQ(tables.size(), 1u);
  EXPECT_LE(tables.deadline(), end + milliseconds(1));
  tables.expire(end + milliseconds(1));
  EXPECT_EQ(tables.size(), 0u);
}

TEST(FlowTableTest, OverlapIsRefused) {
  FlowTables tables([](const FlowChange&) {});
  ofp::FlowMod m;
  m.table_id = 0;
  m.match = from_port(1);
  ASSERT_TRUE(tables.apply(m, {}, Time{}));
  ofp::FlowMod wide;
  wide.table_id = 0;
  wide.flags = ofp::OFPFF_CHECK_OVERLAP;
  EXPECT_EQ(tables.apply(wide, {}, Time{}).error(), ofp::Error::OFPFMFC_OVERLAP);
  wide.priority--;
  EXPECT_TRUE(tables.apply(wide, {}, Time{}));
}

}  // namespace
}  // namespace sluice
