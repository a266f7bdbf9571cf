// SPDX-License-Identifier: Apache-2.0
// translate() against the naive switch over random tables and packets; bits outside of the mask do not matter, nor do changes that ChangeLog rules out.
#include "ofproto/translate.h"

#include <gtest/gtest.h>

#include <random>

#include "datapath/odp_text.h"
#include "naive_switch.h"
#include "ofproto/change_log.h"

namespace sluice {
namespace {

using ofp::Actions;
using ofp::FieldId;
using ofp::FieldValue;

class World {
 public:
  explicit World(uint32_t seed) : random_(seed) {
    bridge_.id = 1;
    bridge_.name = "br";
    bridge_.tables = std::make_unique<FlowTables>([](const FlowChange&) {});
    for (uint32_t p = 1; p <= 4; p++) {
      bridge_.ports[p] = {.ofport = OfpPort{p}, .odp = OdpPort{p + 10}, .name = "p" + std::to_string(p)};
      pipeline.by_odp[p + 10] = {&bridge_, OfpPort{p}};
    }
    pipeline.bridges[1] = &bridge_;
    for (uint32_t g = 1; g <= 2; g++) {
      Group group{.id = g, .type = ofp::GroupType::kAll};
      for (unsigned i = 0, n = below(3); i < n; i++) {
        Actions bucket = actions(9, 2, false);
        bucket.push_back(ofp::Output{OfpPort{1 + below(4)}});
        naive.groups[g].push_back(bucket);
        group.buckets.push_back({.bucket = {.actions = bucket}});
      }
      bridge_.groups[g] = group;
    }
    int priority = 1;
    for (uint8_t t = 0; t < 4; t++)
      for (unsigned i = 0, n = 1 + below(5); i < n; i++) add_rule(t, priority++);
  }

  void add_rule(uint8_t table, int priority) {
    ofp::FlowMod mod;
    ofp::Match m = match();
    mod.match = ofp::MiniMatch(m);
    mod.priority = static_cast<uint16_t>(priority);
    mod.table_id = table;
    mod.actions = actions(table, 4, true);
    if (table < 3 && one_in(2)) mod.actions.push_back(ofp::WriteActions{set_actions()});
    if (one_in(4)) mod.actions.push_back(ofp::WriteMetadata{below(3), 3});
    if (table < 3 && one_in(2)) mod.actions.push_back(ofp::GotoTable{static_cast<uint8_t>(table + 1 + below(3u - table))});
    ASSERT_TRUE(bridge_.tables->apply(mod, {}, Time{}));
    // The last of equal rules wins in both.
    std::erase_if(naive.rules, [&](const NaiveRule& r) { return r.table == table && r.priority == priority && r.match == m; });
    naive.rules.push_back({table, priority, m, mod.actions});
  }

  /// Another rule, in place of one perhaps, or one less.  What the tables say has changed.
  std::vector<TableChange> change_rules() {
    auto table = static_cast<uint8_t>(below(4));
    if (one_in(3)) {
      NaiveRule r = naive.rules[below(static_cast<unsigned>(naive.rules.size()))];
      ofp::FlowMod mod{.match = ofp::MiniMatch(r.match)};
      mod.command = ofp::FlowModCommand::kDeleteStrict, mod.priority = static_cast<uint16_t>(r.priority), mod.table_id = r.table;
      EXPECT_TRUE(bridge_.tables->apply(mod, {}, Time{}));
    } else {
      add_rule(table, 1 + static_cast<int>(below(20)));
    }
    return bridge_.tables->take_changes(true).value_or(std::vector<TableChange>{});
  }

  Flow packet() {
    Flow f{};
    f.in_port = be32(11 + below(4));
    f.eth_src = MacAddr::from_u64(1 + below(3));
    f.eth_dst = MacAddr::from_u64(1 + below(3));
    f.eth_type = be16(one_in(4) ? 0x0806 : 0x0800);
    if (one_in(2)) {
      f.vlan_tci = be16(static_cast<uint16_t>(kVlanPresent | below(3) << 13 | (1 + below(2))));
      f.vlan_tpid = be16(one_in(4) ? 0x88a8 : 0x8100);
      if (one_in(3)) f.vlan2_tci = be16(static_cast<uint16_t>(kVlanPresent | (1 + below(2)))), f.vlan2_tpid = be16(0x8100);
    }
    f.nw_src = be32(0x0a000000 + below(3)), f.nw_dst = be32(0x0a000000 + below(3));
    f.nw_proto = f.eth_type == be16(0x0806) ? 1 : one_in(2) ? 6 : 17;
    if (f.eth_type == be16(0x0800)) {
      f.nw_tos = static_cast<uint8_t>(below(4) << 2 | below(2));
      f.nw_ttl = static_cast<uint8_t>(below(4));
      f.tp_src = be16(static_cast<uint16_t>(1000 + below(3))), f.tp_dst = be16(static_cast<uint16_t>(80 + below(3)));
    }
    return f;
  }

  /// What the naive switch's in_port numbers say.
  Flow inside(Flow f) {
    f.in_port = be32(f.in_port.host() - 10);
    f.actset_output = be32(OFPP_UNSET.value);
    return f;
  }

  unsigned below(unsigned n) { return random_() % n; }
  bool one_in(unsigned n) { return below(n) == 0; }
  uint64_t bits() { return static_cast<uint64_t>(random_()) << 32 | random_(); }

  Pipeline pipeline;
  NaiveSwitch naive;

 private:
  ofp::Match match() {
    Flow f = inside(packet());
    ofp::Match m;
    auto all = [](auto& mask) { std::memset(static_cast<void*>(&mask), 0xff, sizeof mask); };
    if (one_in(4)) m.value.in_port = f.in_port, all(m.mask.in_port);
    if (one_in(4)) m.value.metadata = be64(below(3)), all(m.mask.metadata);
    if (one_in(4)) m.value.reg[0] = be32(below(3)), all(m.mask.reg[0]);
    if (one_in(4)) m.value.eth_dst = f.eth_dst, all(m.mask.eth_dst);
    if (one_in(4)) m.mask.vlan_tci = be16(0x1fff), m.value.vlan_tci = f.vlan_tci & m.mask.vlan_tci;
    if (one_in(2)) {
      m.value.eth_type = be16(0x0800), all(m.mask.eth_type);
      if (one_in(2)) m.mask.nw_dst = ipv4_prefix_mask(30 + static_cast<int>(below(3))), m.value.nw_dst = f.nw_dst & m.mask.nw_dst;
      if (one_in(3)) m.value.nw_proto = 6, all(m.mask.nw_proto), m.value.tp_dst = be16(static_cast<uint16_t>(80 + below(3))), all(m.mask.tp_dst);
      if (one_in(4)) m.value.nw_ttl = static_cast<uint8_t>(below(4)), all(m.mask.nw_ttl);
    }
    return m;
  }

  ofp::Action change() {
    auto set = [](FieldId f, size_t size, uint64_t v, uint64_t mask) { return ofp::SetField{.field = f, .value = FieldValue(size, v & mask), .mask = FieldValue(size, mask)}; };
    switch (below(12)) {
      case 0: return set(FieldId::kEthDst, 6, 1 + below(4), 0xffffffffffff);
      case 1: return set(FieldId::kEthSrc, 6, 1 + below(4), one_in(2) ? 0xffffffffffff : 3);
      case 2: return set(FieldId::kIpSrc, 4, below(16), 0xff);
      case 3: return set(FieldId::kNwTos, 1, below(4) << 2, 0xfc);
      case 4: return set(FieldId::kTcpDst, 2, 80 + below(4), 0xffff);
      case 5: return set(FieldId::kReg0, 4, below(3), 0xffffffff);
      case 6: return ofp::Move{ofp::whole(FieldId::kEthSrc), ofp::whole(FieldId::kEthDst)};
      case 7: return ofp::Move{{FieldId::kIpDst, 0, 8}, {FieldId::kReg0, 0, 8}};
      case 8: return ofp::StripVlan{};
      case 9: return ofp::PushVlan{static_cast<uint16_t>(one_in(2) ? 0x8100 : 0x88a8)};
      case 10: return ofp::SetVlanVid{.vid = static_cast<uint16_t>(1 + below(3)), .push_if_needed = one_in(2)};
      default: return ofp::DecTtl{};
    }
  }

  Actions set_actions() {
    Actions a;
    for (unsigned i = 0, n = below(3); i < n; i++) a.push_back(change());
    if (one_in(2)) a.push_back(ofp::Output{OfpPort{1 + below(4)}});
    if (one_in(4)) a.push_back(ofp::Group{1 + below(2)});
    return a;
  }

  Actions actions(uint8_t table, unsigned most, bool control) {
    Actions a;
    for (unsigned i = 0, n = below(most + 1); i < n; i++) {
      // Two tags are as many as a key holds: a third push would forget one.
      switch (below(control ? 9 : 1)) {
        case 0:
        case 1:
        case 2: a.push_back(change()); break;
        case 3:
        case 4: a.push_back(ofp::Output{OfpPort{1 + below(5)}}); break;
        case 5: a.push_back(ofp::Output{OFPP_IN_PORT}); break;
        case 6: if (table < 3) a.push_back(ofp::Resubmit{.in_port = one_in(2) ? OFPP_IN_PORT : OfpPort{1 + below(4)}, .table = static_cast<uint8_t>(table + 1)}); break;
        case 7: a.push_back(ofp::Group{1 + below(2)}); break;
        default: a.push_back(ofp::Clone{{change(), ofp::Output{OfpPort{1 + below(4)}}}}); break;
      }
    }
    return a;
  }

  std::mt19937 random_;
  BridgeView bridge_;
};

/// What the datapath does with the actions, over keys instead of frames.
std::vector<Departure> perform(const OdpActions& actions, Flow f) {
  std::vector<Departure> out;
  for (const OdpAction& a : actions) {
    if (auto* o = std::get_if<OdpOutput>(&a.v)) {
      out.push_back({o->port.value - 10, f});
    } else if (auto* s = std::get_if<OdpSet>(&a.v)) {
      for (const FlowPatch::Word& w : s->fields.words()) {
        EXPECT_EQ(w.value & ~w.mask, 0u);
        f.words()[w.at] = (f.words()[w.at] & ~w.mask) | w.value;
      }
    } else if (auto* p = std::get_if<OdpPushVlan>(&a.v)) {
      f.vlan2_tci = f.vlan_tci, f.vlan2_tpid = f.vlan_tpid;
      f.vlan_tci = p->tci, f.vlan_tpid = p->tpid;
    } else if (std::get_if<OdpPopVlan>(&a.v)) {
      f.vlan_tci = f.vlan2_tci, f.vlan_tpid = f.vlan2_tpid;
      f.vlan2_tci = f.vlan2_tpid = be16();
    } else if (auto* c = std::get_if<OdpClone>(&a.v)) {
      for (Departure& d : perform(c->actions, f)) out.push_back(d);
    } else {
      EXPECT_TRUE(std::get_if<OdpUserspace>(&a.v));
    }
  }
  return out;
}

/// The frame alone.
Flow frame(Flow f) {
  f.in_port = f.actset_output = be32();
  f.metadata = be64();
  std::ranges::fill(f.reg, be32());
  return f;
}

TEST(TranslateTest, AgreesWithTheNaiveSwitch) {
  for (uint32_t seed = 0; seed < 200; seed++) {
    World world(seed);
    for (int i = 0; i < 20; i++) {
      Flow key = world.packet();
      if (key.vlan2_tci) continue;   // pushes on two tags are below what a key can hold
      TraceTree tree;
      Translation t = translate(world.pipeline, {.key = key}, &tree);
      if (t.error != TranslateError::kNone) continue;
      auto want = world.naive.run(world.inside(key));
      bool overflow = std::ranges::any_of(want, [](const Departure& d) { return static_cast<bool>(d.packet.vlan2_tci); });
      if (overflow) continue;
      auto have = perform(t.actions, key);
      ASSERT_EQ(have.size(), want.size()) << "seed " << seed << " packet " << i << ": " << format_odp_actions(t.actions) << tree.format();
      for (size_t k = 0; k < have.size(); k++) {
        EXPECT_EQ(have[k].port, want[k].port) << "seed " << seed << " packet " << i << ": " << format_odp_actions(t.actions);
        EXPECT_TRUE(frame(have[k].packet) == frame(want[k].packet)) << "seed " << seed << " packet " << i << " output " << k << ": " << format_odp_actions(t.actions) << tree.format();
      }
      if (testing::Test::HasFailure()) return;
    }
  }
}

/// Another packet of the same megaflow, as a frame can have it.
std::optional<Flow> other_packet(World& world, const Flow& key, const Flow& mask) {
  Flow other = key;
  size_t w = world.below(8);
  other.words()[w] ^= world.bits() & ~mask.words()[w];
  auto present = [](be16 tci) { return (tci.host() & kVlanPresent) != 0; };
  bool valid = (present(other.vlan_tci) || (!other.vlan_tci && !other.vlan_tpid && !other.vlan2_tci)) && (present(other.vlan2_tci) || (!other.vlan2_tci && !other.vlan2_tpid));
  return valid ? std::optional(other) : std::nullopt;
}

TEST(TranslateTest, UnreadBitsDoNotMatter) {
  for (uint32_t seed = 0; seed < 150; seed++) {
    World world(seed);
    for (int i = 0; i < 10; i++) {
      Flow key = world.packet();
      Translation t = translate(world.pipeline, {.key = key});
      for (int flip = 0; flip < 10; flip++) {
        auto other = other_packet(world, key, t.mask);
        if (!other) continue;
        Translation u = translate(world.pipeline, {.key = *other});
        ASSERT_TRUE(u.actions == t.actions) << "seed " << seed << " packet " << i << ": " << format_odp_actions(t.actions) << " / " << format_odp_actions(u.actions);
        ASSERT_EQ(u.effects.size(), t.effects.size()) << "seed " << seed << " packet " << i;
        ASSERT_TRUE(u.mask == t.mask) << "seed " << seed << " packet " << i;
      }
    }
  }
}

TEST(TranslateTest, ChangesThatAreRuledOutDoNotMatter) {
  int ruled_out = 0, all = 0;
  for (uint32_t seed = 0; seed < 400; seed++) {
    World world(seed);
    (void)world.change_rules();   // from here on they are kept
    struct Known { Flow key; Translation t; };
    std::vector<Known> known;
    for (int i = 0; i < 20; i++) {
      Flow key = world.packet();
      known.push_back({key, translate(world.pipeline, {.key = key})});
    }
    ChangeLog log;
    log.everything(1);
    for (uint64_t generation = 2; generation < 4; generation++)
      for (TableChange& c : world.change_rules()) log.add(generation, 1, std::move(c));
    for (auto& [key, t] : known) {
      auto fetch = [&](Flow& k, Flow& m) {
        k = key, m = t.mask;
        mask_flow(k, m);
        k.in_port = be32(key.in_port.host() - 10);
        return true;
      };
      all++;
      if (log.may_concern(1, t.effects, fetch)) continue;
      ruled_out++;
      for (int flip = 0; flip < 10; flip++) {
        auto other = flip ? other_packet(world, key, t.mask) : key;
        if (!other) continue;
        Translation u = translate(world.pipeline, {.key = *other});
        ASSERT_TRUE(u.actions == t.actions) << "seed " << seed << ": " << format_odp_actions(t.actions) << " / " << format_odp_actions(u.actions);
        ASSERT_EQ(u.effects.size(), t.effects.size()) << "seed " << seed;
      }
    }
  }
  EXPECT_GT(ruled_out, all / 4);
  EXPECT_LT(ruled_out, all);
}

TEST(TranslateTest, AChangeLogThatLostSomethingConcernsAll) {
  ChangeLog log;
  log.everything(1);
  auto fetch = [](Flow&, Flow&) { return true; };
  Effects effects = {TableLookup{1, 0, true}};
  ofp::Match arp;
  arp.value.eth_type = be16(0x0806), arp.mask.eth_type = ~be16();
  for (uint64_t g = 2; g < 2 + ChangeLog::kMost; g++) log.add(g, 1, {1, ofp::MiniMatch(arp)});
  EXPECT_FALSE(log.may_concern(1, effects, fetch));                        // another table
  EXPECT_TRUE(log.may_concern(1, {TableLookup{1, 1, true}}, fetch));       // nothing known of the packet
  EXPECT_FALSE(log.may_concern(1, {TableLookup{2, 1, true}}, fetch));      // of another bridge
  EXPECT_TRUE(log.may_concern(1, {}, fetch));                              // who knows what it asked
  log.add(2 + ChangeLog::kMost, 1, {1, ofp::MiniMatch(arp)});
  EXPECT_TRUE(log.may_concern(1, effects, fetch));                         // one was dropped
  EXPECT_FALSE(log.may_concern(2, effects, fetch));
  log.everything(100);
  EXPECT_TRUE(log.may_concern(99, effects, fetch));
  EXPECT_FALSE(log.may_concern(100, effects, fetch));
}

}  // namespace
}  // namespace sluice
