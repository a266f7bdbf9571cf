// SPDX-License-Identifier: Apache-2.0
// The classifier against a scan of all rules, and: bits that it says it did not read do not matter.
#include "ofproto/classifier.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>

namespace sluice {
namespace {

using ofp::FieldId;

/// Few values, so that rules and packets meet often.
class Source {
 public:
  explicit Source(uint32_t seed) : random_(seed) {}
  unsigned below(unsigned n) { return random_() % n; }
  bool one_in(unsigned n) { return below(n) == 0; }

  Flow flow() {
    Flow f{};
    f.in_port = be32(1 + below(3));
    f.metadata = be64(below(3));
    f.eth_dst = MacAddr::from_u64(1 + below(3));
    f.eth_type = be16(one_in(4) ? 0x0806 : 0x0800);
    f.nw_src = be32(0x0a000000 + below(4) * 0x10001);
    f.nw_dst = be32(0x0a000000 + below(4) * 0x100);
    f.nw_proto = one_in(3) ? 17 : 6;
    f.tp_src = be16(static_cast<uint16_t>(below(4) << 6));
    f.tp_dst = be16(static_cast<uint16_t>(80 + below(4)));
    f.ipv6_dst = ipv6();
    f.ipv6_src = ipv6();
    f.tunnel.id = be64(below(3));
    return f;
  }
  ofp::Match match() {
    Flow f = flow();
    ofp::Match m;
    if (one_in(3)) m.value.in_port = f.in_port, m.mask.in_port = ~be32();
    if (one_in(4)) m.value.metadata = f.metadata, m.mask.metadata = ~be64();
    if (one_in(3)) m.value.eth_dst = f.eth_dst, m.mask.eth_dst = MacAddr::from_u64(0xffffffffffff);
    if (one_in(2)) {
      m.value.eth_type = f.eth_type, m.mask.eth_type = ~be16();
      if (one_in(2)) m.mask.nw_src = ipv4_prefix_mask(static_cast<int>(below(33))), m.value.nw_src = f.nw_src & m.mask.nw_src;
      if (one_in(2)) m.mask.nw_dst = ipv4_prefix_mask(static_cast<int>(below(33))), m.value.nw_dst = f.nw_dst & m.mask.nw_dst;
      if (one_in(4)) m.mask.ipv6_dst = ipv6_prefix_mask(static_cast<int>(below(129))), m.value.ipv6_dst = masked(f.ipv6_dst, m.mask.ipv6_dst);
      if (one_in(4)) m.mask.ipv6_src = ipv6(), m.value.ipv6_src = masked(f.ipv6_src, m.mask.ipv6_src);   // a mask that is no prefix, mostly
      if (one_in(4)) m.mask.tunnel.id = be64(~uint64_t{} << below(3)), m.value.tunnel.id = f.tunnel.id & m.mask.tunnel.id;
      if (one_in(3)) {
        m.value.nw_proto = f.nw_proto, m.mask.nw_proto = 0xff;
        if (one_in(2)) m.mask.tp_src = be16(static_cast<uint16_t>(0xffff << below(8))), m.value.tp_src = f.tp_src & m.mask.tp_src;
        if (one_in(2)) m.mask.tp_dst = be16(static_cast<uint16_t>(0xffff << below(3))), m.value.tp_dst = f.tp_dst & m.mask.tp_dst;
      }
    }
    return m;
  }
  uint32_t word() { return static_cast<uint32_t>(random_()); }
  /// The prefixes that a table may track.
  std::vector<FieldId> prefixes() {
    std::vector fields = {FieldId::kIpDst, FieldId::kIpSrc, FieldId::kIpv6Dst, FieldId::kIpv6Src, FieldId::kTunId};
    std::ranges::shuffle(fields, random_);
    fields.resize(below(Classifier::kMostPrefixFields + 1));
    return fields;
  }

 private:
  Ipv6Addr ipv6() {
    Ipv6Addr a{};
    a.b[0] = 0xfe;
    a.b[below(16)] = static_cast<uint8_t>(1u << below(8));
    return a;
  }
  static Ipv6Addr masked(Ipv6Addr a, const Ipv6Addr& mask) {
    for (size_t i = 0; i < a.b.size(); i++) a.b[i] &= mask.b[i];
    return a;
  }
  std::mt19937 random_;
};

class Rules {
 public:
  explicit Rules(Source& source) : source_(source) {}
  ~Rules() {
    for (auto& r : rules_) classifier.remove(r.get());
  }
  void add(int priority) {
    auto r = std::make_unique<Rule>();
    r->match = ofp::MiniMatch(source_.match());
    r->priority = priority;
    classifier.insert(r.get());
    rules_.push_back(std::move(r));
  }
  void remove_one() {
    if (rules_.empty()) return;
    size_t i = source_.below(static_cast<unsigned>(rules_.size()));
    classifier.remove(rules_[i].get());
    rules_.erase(rules_.begin() + static_cast<ptrdiff_t>(i));
  }
  const Rule* scan(const Flow& f) const {
    const Rule* best = nullptr;
    for (auto& r : rules_)
      if (r->match.expand().matches(f) && (!best || r->priority > best->priority)) best = r.get();
    return best;
  }
  size_t size() const { return rules_.size(); }
  Classifier classifier;

 private:
  Source& source_;
  std::vector<std::unique_ptr<Rule>> rules_;
};

TEST(ClassifierTest, FindsWhatAScanFindsAndReadsWhatItSays) {
  for (uint32_t seed = 0; seed < 30; seed++) {
    Source source(seed);
    Rules rules(source);
    int priority = 1;
    for (int step = 0; step < 120; step++) {
      if (source.one_in(10)) rules.classifier.track_prefixes(source.prefixes());
      if (source.one_in(4))
        rules.remove_one();
      else
        rules.add(source.one_in(2) ? priority++ : 100000 - priority++);
      ASSERT_EQ(rules.classifier.size(), rules.size());
      Flow f = source.flow(), mask{};
      const Rule* expected = rules.scan(f);
      ASSERT_EQ(rules.classifier.lookup(f, &mask), expected) << "seed " << seed << " step " << step;
      for (int flip = 0; flip < 20; flip++) {
        Flow g = f;
        auto words = g.words();
        auto read = mask.words();
        size_t w = source.one_in(10) ? offsetof(Flow, tunnel.id) / 8 : source.below(12);
        words[w] ^= (static_cast<uint64_t>(source.word()) << 32 | source.word()) & ~read[w];
        ASSERT_EQ(rules.classifier.lookup(g, nullptr), expected) << "seed " << seed << " step " << step << " word " << w;
      }
    }
  }
}

TEST(ClassifierTest, LaterStagesStayWildWhenEarlierOnesDecide) {
  Classifier c;
  Rule r;
  ofp::Match m;
  m.value.eth_type = be16(0x0800), m.mask.eth_type = ~be16();
  m.value.nw_proto = 6, m.mask.nw_proto = 0xff;
  m.value.tp_dst = be16(80), m.mask.tp_dst = ~be16();
  r.match = ofp::MiniMatch(m);
  c.insert(&r);
  Flow f{}, mask{};
  f.eth_type = be16(0x0806);
  EXPECT_EQ(c.lookup(f, &mask), nullptr);
  EXPECT_EQ(mask.eth_type, ~be16());
  EXPECT_FALSE(mask.tp_dst);
  EXPECT_EQ(mask.nw_proto, 0);
  c.remove(&r);
}

ofp::Match tcp_to(uint32_t address, int length, uint16_t port = 0) {
  ofp::Match m;
  m.value.eth_type = be16(0x0800), m.mask.eth_type = ~be16();
  m.value.nw_proto = 6, m.mask.nw_proto = 0xff;
  m.mask.nw_dst = ipv4_prefix_mask(length), m.value.nw_dst = be32(address) & m.mask.nw_dst;
  if (port) m.value.tp_dst = be16(port), m.mask.tp_dst = ~be16();
  return m;
}

TEST(ClassifierTest, OnlyBitsOfAddressesAndPortsThatTellRulesApartAreRead) {
  Classifier c;
  std::array<Rule, 3> rules;
  ofp::Match matches[] = {tcp_to(0x0a010000, 16), tcp_to(0x0a01020f, 32, 80), tcp_to(0xc0a80000, 16)};
  for (size_t i = 0; i < rules.size(); i++) {
    rules[i].match = ofp::MiniMatch(matches[i]);
    rules[i].priority = static_cast<int>(10 + i % 2);
    c.insert(&rules[i]);
  }
  auto mask_of = [&](uint32_t address, uint16_t port, const Rule* expected) {
    Flow f = tcp_to(address, 32, port).value, mask{};
    EXPECT_EQ(c.lookup(f, &mask), expected);
    return mask;
  };
  Flow mask = mask_of(0x0b010203, 80, nullptr);   // 11. is no 10.
  EXPECT_EQ(mask.nw_dst, ipv4_prefix_mask(8));
  EXPECT_EQ(mask.nw_proto, 0);
  EXPECT_FALSE(mask.tp_dst);
  mask = mask_of(0x0a018001, 80, &rules[0]);      // its 17th bit is not that of the host
  EXPECT_EQ(mask.nw_dst, ipv4_prefix_mask(17));
  EXPECT_FALSE(mask.tp_dst);
  mask = mask_of(0x0a01020f, 79, &rules[0]);      // 0x4f is no 0x50
  EXPECT_EQ(mask.nw_dst, ~be32());
  EXPECT_EQ(mask.tp_dst, be16(0xfff0));
  c.track_prefixes({});
  EXPECT_EQ(mask_of(0x0b010203, 80, nullptr).nw_dst, ~be32());
  for (Rule& r : rules) c.remove(&r);
}

TEST(ClassifierTest, TooManyPrefixesAreNotTrackedUntilTheyAreFewer) {
  Classifier c;
  std::vector<Rule> rules(PrefixTrie::kMostPrefixes + 1);
  for (size_t i = 0; i < rules.size(); i++) {
    rules[i].match = ofp::MiniMatch(tcp_to(0x0a000000 + static_cast<uint32_t>(i), 32));
    c.insert(&rules[i]);
  }
  auto read_of_other = [&] {
    Flow f = tcp_to(0xc0000001, 32).value, mask{};
    EXPECT_EQ(c.lookup(f, &mask), nullptr);
    return mask.nw_dst;
  };
  EXPECT_EQ(read_of_other(), ~be32());
  c.remove(&rules.back());
  c.insert(&rules.back());
  EXPECT_EQ(read_of_other(), ~be32());
  size_t left = rules.size();
  while (left > PrefixTrie::kMostPrefixes / 2) c.remove(&rules[--left]);
  EXPECT_EQ(read_of_other(), ipv4_prefix_mask(1));
  while (left) c.remove(&rules[--left]);
  EXPECT_EQ(read_of_other(), be32());
}

TEST(ClassifierTest, ConjunctionsCombineClauses) {
  Classifier c;
  ActionPool pool;
  std::vector<std::unique_ptr<Rule>> rules;
  auto add = [&](ofp::Match m, int priority, ofp::Actions actions) {
    rules.push_back(std::make_unique<Rule>());
    Rule* r = rules.back().get();
    r->match = ofp::MiniMatch(m);
    r->priority = priority;
    r->actions = pool.share(std::move(actions));
    c.insert(r);
    return r;
  };
  auto src = [](uint32_t ip) { ofp::Match m; m.value.nw_src = be32(ip), m.mask.nw_src = ~be32(); return m; };
  auto dst = [](uint32_t ip) { ofp::Match m; m.value.nw_dst = be32(ip), m.mask.nw_dst = ~be32(); return m; };
  for (uint32_t ip : {1, 2}) add(src(ip), 10, {ofp::Conjunction{5, 0, 2}});
  for (uint32_t ip : {3, 4}) add(dst(ip), 10, {ofp::Conjunction{5, 1, 2}});
  ofp::Match id;
  id.value.conj_id = be32(5), id.mask.conj_id = ~be32();
  Rule* combined = add(id, 10, {ofp::Output{OfpPort{1}}});
  Rule* other = add({}, 1, {});
  Flow f{};
  f.nw_src = be32(2), f.nw_dst = be32(3);
  EXPECT_EQ(c.lookup(f, nullptr), combined);
  f.nw_dst = be32(9);
  EXPECT_EQ(c.lookup(f, nullptr), other);
  for (auto& r : rules) c.remove(r.get()), pool.release(r->actions);
}

TEST(ClassifierTest, LooseSelectionAndOverlap) {
  for (uint32_t seed = 100; seed < 110; seed++) {
    Source source(seed);
    Classifier c;
    std::vector<std::unique_ptr<Rule>> rules;
    for (int i = 0; i < 60; i++) {
      auto r = std::make_unique<Rule>();
      r->match = ofp::MiniMatch(source.match());
      r->priority = static_cast<int>(source.below(3)) * 1000 + i;
      c.insert(r.get());
      rules.push_back(std::move(r));
    }
    for (int i = 0; i < 60; i++) {
      ofp::Match general = source.match();
      size_t expected = 0, found = 0;
      for (auto& r : rules) expected += r->match.expand().is_inside(general);
      c.for_each_inside(ofp::MiniMatch(general), [&](Rule*) { return ++found, true; });
      EXPECT_EQ(found, expected);
      int priority = rules[source.below(60)]->priority;
      bool overlaps = false;
      for (auto& r : rules) overlaps |= r->priority == priority && r->match.expand().overlaps(general);
      EXPECT_EQ(c.has_overlap(ofp::MiniMatch(general), priority), overlaps);
    }
    for (auto& r : rules) c.remove(r.get());
  }
}

}  // namespace
}  // namespace sluice
