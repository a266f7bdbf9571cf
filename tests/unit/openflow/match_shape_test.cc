// SPDX-License-Identifier: Apache-2.0
// Matches read and written with shapes of those before are the same as without, whatever came before, hostile bytes included.
#include "ofproto/openflow/match_shape.h"

#include <gtest/gtest.h>

#include <random>

#include "ofproto/openflow/codec.h"
#include "ofproto/openflow/flow_text.h"

namespace sluice::ofp {
namespace {

constexpr std::string_view kTexts[] = {
    "tcp,nw_src=10.0.0.1,nw_dst=10.0.0.2,tp_src=1000,tp_dst=80", "tcp,nw_src=10.0.0.9,nw_dst=10.0.0.2,tp_src=7,tp_dst=443",
    "udp,nw_src=10.0.0.1,nw_dst=10.0.0.2,tp_src=1000,tp_dst=80", "tcp,nw_src=10.0.0.0/8,nw_dst=10.1.0.0/16,tp_dst=80", "tcp,nw_src=10.0.0.0/9,nw_dst=10.1.0.0/17,tp_dst=80",
    "in_port=1,ip,nw_dst=1.2.3.4", "in_port=2,ip,nw_dst=1.2.3.4", "in_port=LOCAL,ip,nw_dst=1.2.3.4", "in_port=1,dl_src=00:11:22:33:44:55", "dl_vlan=5", "dl_vlan=6,dl_vlan_pcp=3",
    "vlan_tci=0", "vlan_tci=0x1000/0x1000", "tcp6,ipv6_src=fe80::1,ipv6_dst=fe80::/16,tp_dst=80", "tcp6,ipv6_src=fe80::2,ipv6_dst=fe81::/16,tp_dst=81", "arp,arp_tpa=1.2.3.4,arp_op=1",
    "arp,arp_tpa=1.2.3.5,arp_op=2", "icmp6,icmp_type=135,icmp_code=0,nd_target=fe80::1", "icmp6,icmp_type=136,icmp_code=0,nd_target=fe80::1", "icmp,icmp_type=8", "reg0=1,metadata=5",
    "reg0=2,metadata=6/7", "reg1=2/3,xreg1=5", "ct_state=+trk+est,ip,ct_zone=3", "ip,nw_frag=later,nw_tos=4", "ip,nw_frag=no,nw_tos=8,nw_ecn=1", "tun_id=5,tun_src=1.2.3.4", "", "mpls,mpls_label=3",
    "packet_type=(1,0x800),nw_src=1.2.3.4", "packet_type=(0,0)", "conj_id=3,pkt_mark=4", "tcp,tcp_flags=+syn-ack,tp_src=0x10/0xfff0", "tcp,tp_src=0x20/0xfff0",
};

std::vector<FlowMod> flows() {
  std::vector<FlowMod> all;
  for (auto text : kTexts) {
    auto f = parse_flow(std::string(text) + (text.empty() ? "" : ",") + "actions=output:" + std::to_string(1 + all.size() % 3), FlowModCommand::kAdd);
    EXPECT_TRUE(f) << text << ": " << (f ? "" : f.error());
    if (f) all.push_back(f->flow);
  }
  return all;
}

using Random = std::mt19937;

/// Some bits of values, and of masks that are there already, changed: mostly of the same shape.
MiniMatch vary(const MiniMatch& m, Random& random) {
  Match out = m.expand();
  auto mask = out.mask.words(), value = out.value.words();
  m.map().for_each([&](unsigned w) {
    auto bits = [&] { return uint64_t{random()} << 32 | random(); };
    if (random() % 8 == 0) mask[w] &= bits() | bits() | bits();
    if (random() % 2 == 0) value[w] ^= bits() & bits() & bits();
    value[w] &= mask[w];
  });
  normalize(out);
  return MiniMatch(out);
}

constexpr Version kOxmVersions[] = {Version::k11, Version::k12, Version::k13, Version::k15};

TEST(MatchShape, ReadsTheSame) {
  auto all = flows();
  for (Version v : kOxmVersions) {
    Random random(static_cast<unsigned>(v));
    for (int round = 0; round < 60; round++) {
      MatchShapes shapes;
      const MiniMatch* some[3];
      for (auto& s : some) s = &all[random() % all.size()].match;
      for (int i = 0; i < 300; i++) {
        Bytes b;
        ByteWriter w(b);
        encode_oxm_match(vary(*some[random() % 3], random).expand(), w, v, nullptr);
        for (unsigned n = random() % 4 == 0 ? 1 + random() % 3 : 0; n; n--) b[random() % b.size()] = static_cast<uint8_t>(random() % 8 ? random() : 0);
        b.resize(b.size() + 8);
        MiniMatch with;
        Match without;
        ByteReader r1(b), r2(b);
        Status s1 = read_match(r1, v, with, nullptr, &shapes), s2 = read_match(r2, v, without, nullptr);
        ASSERT_EQ(s1, s2) << i;
        if (!s1) continue;
        ASSERT_EQ(with, MiniMatch(without)) << i << format_match(without) << " " << format_match(with.expand());
        ASSERT_EQ(r1.remaining(), r2.remaining());
      }
    }
  }
}

TEST(MatchShape, WritesTheSame) {
  auto all = flows();
  for (auto [type, v] : {std::pair{MessageType::OFPST_FLOW_REPLY, Version::k10}, {MessageType::OFPST_FLOW_REPLY, Version::k11}, {MessageType::OFPST_FLOW_REPLY, Version::k13},
                         {MessageType::OFPST_FLOW_REPLY, Version::k15}, {MessageType::NXST_FLOW_REPLY, Version::k10}, {MessageType::NXST_FLOW_REPLY, Version::k13}}) {
    Random random(static_cast<unsigned>(v));
    for (int round = 0; round < 40; round++) {
      Bytes packed, whole;
      MultipartWriter pw(packed, type, v, 1), ww(whole, type, v, 1);
      const FlowMod* some[3];
      for (auto& s : some) s = &all[random() % all.size()];
      for (int i = 0; i < 300; i++) {
        const FlowMod& f = *some[random() % 3];
        MiniMatch match = vary(f.match, random);
        FlowStats s;
        s.match = match.expand();
        s.actions = f.actions;
        s.cookie = static_cast<uint64_t>(i);
        ASSERT_EQ(pw.append(s, match, f.actions), ww.append(s)) << i;
      }
      pw.finish();
      ww.finish();
      ASSERT_EQ(packed, whole) << round;
    }
  }
}

/// Not only the same: without the whole codec, where that is the point.
TEST(MatchShape, KnowsTheNextOfItsShape) {
  auto all = flows();
  for (int i : {0, 2, 3, 5, 13}) {
    MatchShapes shapes;
    Bytes b;
    ByteWriter w(b);
    encode_oxm_match(all[static_cast<size_t>(i)].match.expand(), w, Version::k13, nullptr);
    shapes.learn(b, 4, load_be<uint16_t>(b.data() + 2), all[static_cast<size_t>(i)].match);
    Match other = all[static_cast<size_t>(i)].match.expand();
    other.value.nw_dst = be32(0x0b050607) & other.mask.nw_dst;
    other.value.tp_dst = be16(99) & other.mask.tp_dst;
    Bytes expected;
    ByteWriter e(expected), o(b);
    encode_oxm_match(other, e, Version::k13, nullptr);
    b.clear();
    EXPECT_TRUE(shapes.write(MiniMatch(other), o)) << kTexts[i];
    EXPECT_EQ(b, expected);
    MiniMatch read;
    EXPECT_TRUE(shapes.read(expected, read)) << kTexts[i];
    EXPECT_EQ(read, MiniMatch(other));
  }
}

}  // namespace
}  // namespace sluice::ofp
