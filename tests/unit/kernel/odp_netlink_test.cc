// SPDX-License-Identifier: Apache-2.0
// Keys, masks and actions as netlink attributes: bytes as linux/openvswitch.h lays them out, round trips of everything, and bytes that are cut.
// Little-endian machines only, as far as bytes are written out here.
#include "datapath/kernel/odp_netlink.h"
#include "datapath/kernel/flow_shapes.h"

#include <gtest/gtest.h>

#include <random>

#include <fmt/core.h>

#include "datapath/geneve.h"
#include "datapath/odp_fields.h"
#include "datapath/odp_text.h"
#include "lib/text.h"
#include "tests/unit/datapath/random_flow.h"

namespace sluice {
namespace {

std::string hex_of(const std::function<void(AttrWriter&)>& write) {
  Bytes out;
  AttrWriter writer(out);
  write(writer);
  EXPECT_TRUE(writer.ok());
  return hex(out);
}

OdpKeyMask parse(const char* text) {
  auto km = parse_odp_key(text);
  EXPECT_TRUE(km) << km.error();
  return *km;
}

struct Golden { const char *text, *key, *mask; };
class KeyBytes : public testing::TestWithParam<Golden> {};

TEST_P(KeyBytes, AreThoseOfTheHeader) {
  auto [key, mask, ufid, given] = parse(GetParam().text);
  (void)ufid, (void)given;
  narrow_for_kernel(key, mask, {});
  EXPECT_EQ(hex_of([&](AttrWriter& w) { encode_odp_key(key, mask, w); }), GetParam().key);
  EXPECT_EQ(hex_of([&](AttrWriter& w) { encode_odp_mask(key, mask, w); }), GetParam().mask);
}

#define RECIRC0_IN1 "0800140000000000" "0800030001000000"
#define RECIRC_IN_MASK "08001400ffffffff" "08000300ffffffff"
#define ETH12 "100004000a0b0c0d0e010a0b0c0d0e02"
#define ETH_MASK "10000400ffffffffffffffffffffffff"
#define T "in_port(1),eth(src=0a:0b:0c:0d:0e:01,dst=0a:0b:0c:0d:0e:02),"
INSTANTIATE_TEST_SUITE_P(Layers, KeyBytes, testing::Values(
    Golden{T "eth_type(0x0800),ipv4(src=1.2.3.4,dst=5.6.0.0/255.255.0.0,proto=6,tos=0/0xfc,ttl=64,frag=no),tcp(src=80,dst=0/0xff00),tcp_flags(syn|ack)",
           RECIRC0_IN1 ETH12 "0600060008000000" "10000700" "01020304" "05060000" "06004000" "08000900" "00500000" "0600120000120000",
           RECIRC_IN_MASK ETH_MASK "06000600ffff0000" "10000700" "ffffffff" "ffff0000" "fffcffff" "08000900" "ffffff00" "060012000fff0000"},
    Golden{T "eth_type(0x8100),vlan(vid=5,pcp=3),encap(eth_type(0x1234))",
           RECIRC0_IN1 ETH12 "0600060081000000" "0600050070050000" "0c000100" "0600060012340000",
           RECIRC_IN_MASK ETH_MASK "06000600ffff0000" "06000500ffff0000" "0c000100" "06000600ffff0000"},
    Golden{T "eth_type(0x86dd),ipv6(src=fe80::1,dst=::/0,label=0x12345,proto=58,tclass=0,hlimit=255,frag=no),icmpv6(type=135,code=0),nd(target=fe80::2)",
           RECIRC0_IN1 ETH12 "0600060086dd0000" "2c000800" "fe800000000000000000000000000001" "00000000000000000000000000000000" "00012345" "3a00ff00"
           "06000c0087000000" "20000e00" "fe800000000000000000000000000002" "000000000000000000000000",
           RECIRC_IN_MASK ETH_MASK "06000600ffff0000" "2c000800" "ffffffffffffffffffffffffffffffff" "00000000000000000000000000000000" "000fffff" "ffffffff"
           "06000c00ffff0000" "20000e00" "ffffffffffffffffffffffffffffffff" "000000000000000000000000"},
    Golden{T "eth_type(0x0806),arp(sip=1.2.3.4,tip=0.0.0.0/0.0.0.0,op=2,sha=00:00:00:00:00:07,tha=00:00:00:00:00:00)",
           RECIRC0_IN1 ETH12 "0600060008060000" "1c000d00" "01020304" "00000000" "0002" "000000000007" "000000000000" "0000",
           RECIRC_IN_MASK ETH_MASK "06000600ffff0000" "1c000d00" "ffffffff" "00000000" "00ff" "ffffffffffff" "ffffffffffff" "0000"},
    Golden{T "eth_type(0x894f),nsh(flags=1,ttl=63/0x3,mdtype=1,np=3,spi=0x123456,si=255,c1=0x1,c4=0x5/0x0000000f)",
           RECIRC0_IN1 ETH12 "06000600894f0000" "24001c00" "0c000100" "013f0103" "123456ff" "14000200" "00000001" "00000000" "00000000" "00000005",
           RECIRC_IN_MASK ETH_MASK "06000600ffff0000" "24001c00" "0c000100" "ff03ffff" "ffffffff" "14000200" "ffffffff" "00000000" "00000000" "0000000f"},
    // Without MD type 1 there are no contexts, and without an Ethernet header no attribute of one.
    Golden{T "eth_type(0x894f),nsh(mdtype=2,c1=0x1)", RECIRC0_IN1 ETH12 "06000600894f0000" "10001c00" "0c000100" "00000200" "00000000",
           RECIRC_IN_MASK ETH_MASK "06000600ffff0000" "10001c00" "0c000100" "0000ff00" "00000000"},
    Golden{"in_port(1),packet_type(ns=1,id=0x894f),eth_type(0x894f),nsh(np=1)", RECIRC0_IN1 "06000600894f0000" "10001c00" "0c000100" "00000001" "00000000",
           RECIRC_IN_MASK "06000600ffff0000" "10001c00" "0c000100" "000000ff" "00000000"},
    // A key that says nothing of the protocol has no L4 attribute.  What is under a later fragment's header neither.
    Golden{T "eth_type(0x0800),ipv4(proto=0/0,frag=no)",
           RECIRC0_IN1 ETH12 "0600060008000000" "10000700" "00000000" "00000000" "00000000",
           RECIRC_IN_MASK ETH_MASK "06000600ffff0000" "10000700" "00000000" "00000000" "000000ff"},
    Golden{T "eth_type(0x0800),ipv4(proto=17,frag=later),udp(src=0,dst=0)",
           RECIRC0_IN1 ETH12 "0600060008000000" "10000700" "00000000" "00000000" "11000002",
           RECIRC_IN_MASK ETH_MASK "06000600ffff0000" "10000700" "00000000" "00000000" "ff0000ff"},
    Golden{"skb_priority(0x3),skb_mark(0x5/0xf),ct_state(+est+trk-new),ct_zone(0x5),ct_mark(0x1/0xff),ct_label(0x1/0xff),recirc_id(0x7),dp_hash(0x1/0xf)," T "eth_type(0x8847),mpls(label=5,tc=1,ttl=64,bos=1)",
           "0800020003000000" "08000f0005000000" "0800160022000000" "0600170005000000" "0800180001000000" "1400190001000000000000000000000000000000"
           "0800140007000000" "0800130001000000" "0800030001000000" ETH12 "0600060088470000" "0800150000005340",
           "08000200ffffffff" "08000f000f000000" "0800160023000000" "06001700ffff0000" "08001800ff000000" "14001900ff000000000000000000000000000000"
           "08001400ffffffff" "080013000f000000" "08000300ffffffff" ETH_MASK "06000600ffff0000" "08001500ffffffff"}));

TEST(OdpNetlink, KeyWithoutEtherType) {
  Flow key{}, mask{};
  key.in_port = be32(1);
  key.eth_type = be16(kEthTypeNone);
  narrow_for_kernel(key, mask, {});
  EXPECT_EQ(hex_of([&](AttrWriter& w) { encode_odp_key(key, mask, w); }), RECIRC0_IN1 "10000400000000000000000000000000");
  EXPECT_EQ(hex_of([&](AttrWriter& w) { encode_odp_mask(key, mask, w); }), RECIRC_IN_MASK "10000400000000000000000000000000" "06000600ffff0000");
}

void clear_what_the_kernel_has_not(Flow& f) {
  f.nd_reserved = {};
  f.nd_options_type = 0;
  f.ipv6_exthdr = {};
}

/// Random bits of what the packet has.
Flow random_mask(std::mt19937& rng) {
  Flow mask{};
  for (uint64_t& w : mask.words())
    if (unsigned how = rng() % 4; how) w = how == 1 ? 0 : how == 2 ? UINT64_MAX : uint64_t{rng()} << 32 | rng();
  return mask;
}

TEST(OdpNetlink, KeysAndMasksComeBack) {
  std::mt19937 rng(1);
  for (int i = 0; i < 20000; i++) {
    Flow key = random_flow(rng), mask = random_mask(rng);
    clear_what_the_kernel_has_not(key);
    if (rng() % 4 == 0) key.recirc_id = be32(rng()), key.ct_state = static_cast<uint8_t>(rng()), key.ct_zone = be16(static_cast<uint16_t>(rng())), key.ct_label[3] = 9;
    if (rng() % 8 == 0) key.tunnel.dst = be32(rng() | 1), key.tunnel.ttl = 64, key.tunnel.id = be64(rng()), key.tunnel.dp_flags = be16(7);
    if (key.tunnel.dst && rng() % 2) {
      Flow mask_of_options{};
      ASSERT_TRUE(parse_geneve(fmt::format("{{class={},type=0x80,len=8,{:#x}}}{{class=2,type={},len=0}}", rng() % 0x10000, rng(), rng() % 256), key, mask_of_options));
    }
    narrow_for_kernel(key, mask, {.ipv6_exthdrs = true});
    Flow masked = key;
    mask_flow(masked, mask);
    Bytes bytes, mask_bytes;
    AttrWriter writer(bytes), mask_writer(mask_bytes);
    encode_odp_key(masked, mask, writer);
    encode_odp_mask(masked, mask, mask_writer);
    auto read = decode_odp_key(bytes);
    ASSERT_TRUE(read) << read.error();
    ASSERT_EQ(format_odp_key(read->flow), format_odp_key(masked)) << format_odp_key(key);
    auto read_mask = decode_odp_mask(mask_bytes, read->flow);
    ASSERT_TRUE(read_mask) << read_mask.error();
    // The mask that the kernel has tells apart all that ours does among packets with the key's layers.
    ASSERT_EQ(format_odp_key(read->flow, read_mask->flow), format_odp_key(masked, mask));
  }
}

// Few masks, so that most flows look like one before; and now and then another one.
TEST(FlowShapes, WriteWhatIsWrittenWithoutThem) {
  std::mt19937 rng(3);
  FlowShapes shapes;
  KernelFeatures features{.ipv6_exthdrs = true};
  std::vector<Flow> masks;
  for (int i = 0; i < 4; i++) masks.push_back(random_mask(rng));
  masks.push_back(Flow{});
  masks.emplace_back();
  std::memset(static_cast<void*>(&masks.back()), 0xff, sizeof(Flow));
  clear_what_the_kernel_has_not(masks.back());
  size_t alike = 0, read = 0;
  for (int i = 0; i < 20000; i++) {
    Flow key = random_flow(rng), mask = rng() % 50 ? masks[rng() % masks.size()] : random_mask(rng);
    if (rng() % 2) clear_what_the_kernel_has_not(mask), mask.tun_present = {}, mask.pbb_uca = 0, mask.pbb_isid = {}, mask.nsh_flags = mask.nsh_mdtype = mask.nsh_np = mask.nsh_ttl = 0, mask.nsh_path = {},
                    std::memset(mask.tun_metadata, 0, sizeof mask.tun_metadata), std::ranges::fill(mask.nsh_context, be32());
    if (rng() % 4 == 0) key.recirc_id = be32(rng()), key.ct_state = static_cast<uint8_t>(rng()), key.ct_zone = be16(static_cast<uint16_t>(rng())), key.ct_label[3] = 9;
    if (rng() % 8 == 0) key.tunnel.dst = be32(rng() | 1), key.tunnel.ttl = 64, key.tunnel.id = be64(rng()), key.tunnel.dp_flags = be16(7);
    if (rng() % 8 == 0) key.in_port = be32(kOdpNone.value);
    Flow narrowed = mask, masked = key;
    bool can = narrow_for_kernel(key, narrowed, features);
    mask_flow(masked, narrowed);
    Bytes plain, out = {1, 2, 3, 4};
    AttrWriter w(plain);
    w.nest(OVS_FLOW_ATTR_KEY, [&] { encode_odp_key(masked, narrowed, w); });
    w.nest(OVS_FLOW_ATTR_MASK, [&] { encode_odp_mask(masked, narrowed, w); });
    size_t before = shapes.size();
    ASSERT_EQ(shapes.encode(key, mask, features, out), can);
    alike += can && shapes.size() == before;
    ASSERT_EQ(hex({out.begin() + 4, out.end()}), hex(plain)) << i << " " << format_odp_key(key) << " mask " << format_odp_key(key, mask);
    ASSERT_LE(shapes.size(), kMostShapes);
    Flow read_key, read_mask;
    out.insert(out.end(), {8, 0, OVS_FLOW_ATTR_ACTIONS, 0, 0, 0, 0, 0});
    if (!shapes.decode(ByteView(out).subspan(4), read_key, read_mask)) continue;
    read++;
    auto plain_key = decode_odp_key(Attrs(plain).find(OVS_FLOW_ATTR_KEY)->data);
    ASSERT_TRUE(plain_key);
    auto plain_mask = decode_odp_mask(Attrs(plain).find(OVS_FLOW_ATTR_MASK)->data, plain_key->flow);
    ASSERT_TRUE(plain_mask);
    ASSERT_TRUE(read_key == plain_key->flow) << format_odp_key(read_key) << " " << format_odp_key(plain_key->flow);
    ASSERT_TRUE(read_mask == plain_mask->flow) << format_odp_key(read_key, read_mask);
  }
  EXPECT_GT(alike, 3000u);
  EXPECT_GT(read, 3000u);
  shapes.forget();
  EXPECT_EQ(shapes.size(), 0u);
}

TEST(OdpNetlink, WhatIsKnownOfAPacketBesidesItsFrameComesBack) {
  std::mt19937 rng(4);
  for (int i = 0; i < 5000; i++) {
    Flow key = random_flow(rng);
    clear_what_the_kernel_has_not(key);
    if (i % 2) {
      key.recirc_id = be32(rng()), key.dp_hash = be32(rng()), key.pkt_mark = be32(rng()), key.ct_state = static_cast<uint8_t>(rng()), key.ct_label[rng() % 16] = 7;
      if (rng() % 2) key.tunnel.dst = be32(rng() | 1), key.tunnel.ttl = 64, key.tunnel.id = be64(rng()), key.tunnel.dp_flags = be16(kTunnelKey);
      if (rng() % 2) key.ct_nw_src = be32(rng()), key.ct_nw_dst = be32(rng()), key.ct_nw_proto = 6, key.ct_tp_src = be16(5);
    }
    Flow mask{};
    std::memset(static_cast<void*>(&mask), 0xff, sizeof mask);
    narrow_for_kernel(key, mask, {});
    Bytes bytes, metadata;
    AttrWriter writer(bytes), metadata_writer(metadata);
    encode_odp_key(key, mask, writer);
    Packet by_flow, direct, again;
    auto reading = decode_odp_key(bytes);
    ASSERT_TRUE(reading);
    copy_metadata(reading->flow, by_flow);
    ASSERT_TRUE(decode_odp_metadata(bytes, direct));
    encode_odp_metadata(direct, metadata_writer);
    ASSERT_TRUE(decode_odp_metadata(metadata, again));
    Flow a{}, b{}, c{};
    copy_metadata(by_flow, a), copy_metadata(direct, b), copy_metadata(again, c);
    ASSERT_TRUE(a == b) << format_odp_key(a) << " and " << format_odp_key(b);
    a.ct_nw_src = a.ct_nw_dst = {}, a.ct_nw_proto = 0, a.ct_tp_src = {};   // not told with a packet: the kernel takes it for some only
    ASSERT_TRUE(a == c) << format_odp_key(a) << " and " << format_odp_key(c);
  }
}

TEST(OdpNetlink, CutAndSpoiltBytesDoNoHarm) {
  std::mt19937 rng(2);
  for (int i = 0; i < 3000; i++) {
    Flow key = random_flow(rng), mask = random_mask(rng);
    narrow_for_kernel(key, mask, {});
    Bytes bytes;
    AttrWriter writer(bytes);
    encode_odp_key(key, mask, writer);
    for (int n = 0; n < 20; n++) {
      Bytes bad(bytes.begin(), bytes.begin() + rng() % (bytes.size() + 1));
      for (unsigned flips = rng() % 4; flips-- && !bad.empty();) bad[rng() % bad.size()] = static_cast<uint8_t>(rng());
      (void)decode_odp_key(bad);
      (void)decode_odp_mask(bad, key);
      (void)decode_odp_actions(bad);
      Packet packet;
      (void)decode_odp_metadata(bad, packet);
    }
  }
}

/// What a key and its mask are after netlink.
std::pair<Flow, Flow> passed(const Flow& key, Flow mask) {
  narrow_for_kernel(key, mask, {});
  Bytes k, m;
  AttrWriter kw(k), mw(m);
  encode_odp_key(key, mask, kw), encode_odp_mask(key, mask, mw);
  auto read = decode_odp_key(k);
  auto read_mask = read ? decode_odp_mask(m, read->flow) : std::unexpected("");
  EXPECT_TRUE(read_mask);
  return read_mask ? std::pair(read->flow, read_mask->flow) : std::pair(Flow{}, Flow{});
}

TEST(OdpNetlink, NoPortIsNotPortZero) {
  Flow key{};
  key.eth_type = kEthIpv4;
  key.in_port = be32(kOdpNone.value);
  auto [k, m] = passed(key, {});
  EXPECT_EQ(k.in_port, be32(kOdpNone.value));
  EXPECT_EQ(m.in_port, be32(UINT32_MAX)) << "a packet from a port would match, too";
}

TEST(OdpNetlink, TaggedFramesWithoutAnEtherTypeKeepTheirTags) {
  Flow key{}, mask{};
  key.in_port = be32(1);
  key.eth_type = be16(kEthTypeNone);
  key.vlan_tpid = kEthVlan, key.vlan_tci = be16(kVlanPresent | 5);
  mask.vlan_tci = mask.vlan2_tci = be16(UINT16_MAX);
  for (int tags = 1; tags <= 2; tags++) {
    auto [k, m] = passed(key, mask);
    EXPECT_TRUE(k == key) << format_odp_key(k);
    EXPECT_EQ(m.vlan_tci, mask.vlan_tci);
    EXPECT_EQ(m.vlan2_tci, mask.vlan2_tci);
    EXPECT_EQ(m.eth_type, be16(UINT16_MAX));
    key.vlan2_tpid = kEthVlan, key.vlan2_tci = be16(kVlanPresent | 6);
  }
  key.vlan2_tpid = key.vlan2_tci = {};
  key.eth_type = kEthVlan;   // a second tag that is cut
  EXPECT_TRUE(passed(key, mask).first == key) << format_odp_key(passed(key, mask).first);
}

TEST(OdpNetlink, UnknownAttributesOfAKeyArePassedOver) {
  auto [key, mask, ufid, given] = parse(T "eth_type(0x1234)");
  (void)ufid, (void)given;
  Bytes bytes;
  AttrWriter writer(bytes);
  encode_odp_key(key, mask, writer);
  writer.value(uint16_t{200}, uint64_t{1});
  auto read = decode_odp_key(bytes);
  ASSERT_TRUE(read) << read.error();
  EXPECT_FALSE(read->complete);
  EXPECT_EQ(format_odp_key(read->flow), format_odp_key(key));
}

TEST(OdpNetlink, MalformedAttributesAreNamed) {
  Bytes bytes;
  AttrWriter writer(bytes);
  writer.value(OVS_KEY_ATTR_IPV4, uint32_t{1});
  auto read = decode_odp_key(bytes);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error(), "malformed datapath key attribute 7 (ipv4)");
}

TEST(OdpNetlink, WhatTheKernelCannotMatchIsNamed) {
  auto [key, mask, ufid, given] = parse(T "eth_type(0x86dd),ipv6(proto=58,frag=no),icmpv6(type=135,code=0),nd_ext(nd_options_type=1)");
  (void)ufid, (void)given;
  EXPECT_FALSE(narrow_for_kernel(key, mask, {}));
  EXPECT_EQ(mask.nd_options_type, 0);
  mask.ipv6_exthdr = be16(1);
  Flow other = mask;
  EXPECT_TRUE(narrow_for_kernel(key, mask, {.ipv6_exthdrs = true}));
  EXPECT_FALSE(narrow_for_kernel(key, other, {}));
}

TEST(OdpNetlink, TheTupleOfAConnectionHasTheFormOfItsPacket) {
  for (auto [type, has] : {std::pair(0x0800, OVS_KEY_ATTR_CT_ORIG_TUPLE_IPV4), std::pair(0x86dd, OVS_KEY_ATTR_CT_ORIG_TUPLE_IPV6)}) {
    Flow key{}, mask{};
    key.eth_type = be16(static_cast<uint16_t>(type)), key.ct_nw_proto = 6;
    mask.ct_nw_proto = UINT8_MAX;   // which both forms have
    for (auto encode : {encode_odp_key, encode_odp_mask}) {
      Bytes bytes;
      AttrWriter writer(bytes);
      encode(key, mask, writer);
      for (uint16_t tuple : {OVS_KEY_ATTR_CT_ORIG_TUPLE_IPV4, OVS_KEY_ATTR_CT_ORIG_TUPLE_IPV6}) EXPECT_EQ(Attrs(bytes).find(tuple).has_value(), tuple == has) << type;
    }
  }
}

struct ActionGolden { const char *text, *bytes; };
class ActionBytes : public testing::TestWithParam<ActionGolden> {};

TEST_P(ActionBytes, AreThoseOfTheHeaderAndComeBack) {
  auto actions = parse_odp_actions(GetParam().text);
  ASSERT_TRUE(actions) << actions.error();
  Bytes bytes;
  AttrWriter writer(bytes);
  ASSERT_EQ(encode_odp_actions(*actions, 0x11223344, {.drop_action = true}, writer), ActionTrouble::kNone);
  EXPECT_EQ(hex(bytes), GetParam().bytes);
  auto read = decode_odp_actions(bytes);
  ASSERT_TRUE(read) << read.error();
  EXPECT_TRUE(read->complete);
  EXPECT_EQ(format_odp_actions(read->actions), GetParam().text);
}

INSTANTIATE_TEST_SUITE_P(Each, ActionBytes, testing::Values(
    ActionGolden{"set(tunnel(dst=2.2.2.2,ttl=64,vxlan(gbp(id=10,flags=0x8)),flags(df)))",
                 "28000300" "24001000" "0800020002020202" "0500040040000000" "04000500" "0c000b00" "08000100" "0a000800"},
    ActionGolden{"set(tunnel(dst=2.2.2.2,ttl=64,erspan(ver=1,idx=0x7),flags(df)))",
                 "2c000300" "28001000" "0800020002020202" "0500040040000000" "04000500" "10000f00" "01000000" "00000007" "00000000"},
    ActionGolden{"set(tunnel(dst=2.2.2.2,ttl=64,erspan(ver=2,dir=1,hwid=0x37),flags(df)))",
                 "2c000300" "28001000" "0800020002020202" "0500040040000000" "04000500" "10000f00" "02000000" "00000000" "00000378"},
    ActionGolden{"3", "0800010003000000"},
    ActionGolden{"1,2", "0800010001000000" "0800010002000000"},
    ActionGolden{"push_vlan(vid=5,pcp=3),pop_vlan", "0800040081007005" "04000500"},
    ActionGolden{"push_vlan(tpid=0x88a8,vid=5,pcp=0)", "0800040088a81005"},
    ActionGolden{"push_mpls(label=5,tc=1,ttl=64,bos=1,eth_type=0x8847),pop_mpls(eth_type=0x800)", "0c0009000000534088470000" "06000a0008000000"},
    ActionGolden{"recirc(0x7),hash(l4(5)),trunc(60),meter(2)", "0800070007000000" "0c0008000000000005000000" "08000d003c000000" "0800130002000000"},
    ActionGolden{"set(ipv4(src=1.2.3.4,ttl=63))", "20000b00" "1c000700" "01020304" "00000000" "00003f00" "ffffffff" "00000000" "0000ff00"},
    ActionGolden{"set(eth(src=0a:00:00:00:00:00/ff:00:00:00:00:00))", "20000b00" "1c000400" "0a0000000000" "000000000000" "ff0000000000" "000000000000"},
    ActionGolden{"set(tcp(dst=80))", "10000b00" "0c000900" "00000050" "0000ffff"},
    ActionGolden{"set(skb_mark(0x5/0xf))", "10000b00" "0c000f00" "05000000" "0f000000"},
    ActionGolden{"set(tunnel(tun_id=0x5,src=1.1.1.1,dst=2.2.2.2,ttl=64,flags(df|key)))",
                 "30000300" "2c001000" "0c0000000000000000000005" "0800010001010101" "0800020002020202" "0500040040000000" "04000500"},
    ActionGolden{"set(tunnel(dst=2.2.2.2,ttl=64,tp_dst=6081,geneve({class=0xffff,type=0x80,len=4,0xa}{class=0x1,type=0,len=0}),flags(df)))",
                 "34000300" "30001000" "0800020002020202" "0500040040000000" "06000a0017c10000" "04000500" "10000800" "ffff8001" "0000000a" "00010000"},
    ActionGolden{"clone(pop_vlan,1)", "10001400" "04000500" "0800010001000000"},
    ActionGolden{"sample(sample=50.0%,actions(1))", "18000600" "08000100ffffff7f" "0c000200" "0800010001000000"},
    ActionGolden{"userspace(pid=0,slow_path(lacp))", "30000200" "0800010044332211" "24000200" "0000000000000000" "0000000000000000" "ffffffff" "0000" "05" "01" "0000000000000000"},
    ActionGolden{"push_eth(src=02:00:00:00:00:01,dst=02:00:00:00:00:02)", "10000e00" "020000000001" "020000000002"},
    ActionGolden{"pop_eth", "04000f00"},
    ActionGolden{"push_nsh(flags=0,ttl=63,mdtype=1,np=3,spi=0x123456,si=255,c1=0x1,c2=0x2,c3=0x3,c4=0xffffffff)",
                 "28001100" "24001c00" "0c000100" "003f0103" "123456ff" "14000200" "00000001" "00000002" "00000003" "ffffffff"},
    ActionGolden{"push_nsh(flags=1,ttl=0,mdtype=2,np=1,spi=0x5,si=5,md2=0x1020030405060000)", "20001100" "1c001c00" "0c000100" "01000201" "00000505" "0c000300" "1020030405060000"},
    ActionGolden{"pop_nsh()", "04001200"},
    ActionGolden{"add_mpls(label=200,tc=7,ttl=64,bos=1,eth_type=0x8847)", "0c001600" "000c8f40" "8847" "0000"},
    ActionGolden{"dec_ttl(le_1(1,2))", "18001700" "14000100" "0800010001000000" "0800010002000000"},
    ActionGolden{"psample(group=12,cookie=0xf102)", "14001900" "080001000c000000" "06000200" "f1020000"},
    ActionGolden{"drop", ""}));

/// Actions of a newer kernel are not lost, but nobody may take them for understood.
TEST(OdpNetlink, UnknownActionsAreKept) {
  Bytes bytes;
  AttrWriter writer(bytes);
  writer.value(OVS_ACTION_ATTR_OUTPUT, uint32_t{1});
  writer.value(uint16_t{99}, uint32_t{0x01020304});
  auto read = decode_odp_actions(bytes);
  ASSERT_TRUE(read) << read.error();
  EXPECT_FALSE(read->complete);
  EXPECT_EQ(format_odp_actions(read->actions), "1,action99(04030201)");
  Bytes again;
  AttrWriter second(again);
  EXPECT_EQ(encode_odp_actions(read->actions, 0, {}, second), ActionTrouble::kNone);
  EXPECT_EQ(hex(again), hex(bytes));
  // What is known but malformed is shown as it is too.
  for (uint16_t type : {14, 15, 17, 18, 22, 25}) {
    OdpActions bad{{OdpOther{type, {1, 2, 3}}}};
    EXPECT_EQ(format_odp_actions(bad), fmt::format("action{}(010203)", type));
  }
}

TEST(OdpNetlink, UserspaceOfAnotherProgramIsShownAndComesBack) {
  const char* text = "userspace(pid=9,userdata(0102030405060708)),userspace(pid=7,actions,tunnel_out_port=3),1";
  auto actions = parse_odp_actions(text);
  ASSERT_TRUE(actions) << actions.error();
  Bytes bytes;
  AttrWriter writer(bytes);
  ASSERT_EQ(encode_odp_actions(*actions, 1, {}, writer), ActionTrouble::kNone);
  EXPECT_EQ(hex(bytes), "18000200" "0800010009000000" "0c0002000102030405060708" "18000200" "0800010007000000" "04000400" "0800030003000000" "0800010001000000");
  auto read = decode_odp_actions(bytes);
  ASSERT_TRUE(read) << read.error();
  EXPECT_FALSE(read->complete);
  EXPECT_TRUE(read->has_userspace);
  EXPECT_EQ(format_odp_actions(read->actions), text);
  // Ours are of the socket that the kernel says.
  EXPECT_EQ(format_odp_actions({{OdpUserspace{SlowReason::kAction}}}, {.upcall_pid = 5}), "userspace(pid=5,slow_path(action))");
}

TEST(OdpNetlink, OtherActionsThatAreWrongAreRefused) {
  for (const char* bad : {"userspace()", "userspace(5)", "userspace(pid=5,foo)", "userspace(pid=5,userdata(0x01))", "userspace(pid=5,slow_path(foo))", "ct(nat(src,dst))", "ct(nat(src=1.1.1.1,hash,random))",
                          "ct(nat(src=1.1.1.5-1.1.1.1))", "ct(nat(src=1.1.1.1:9-8))", "sample(sample=50%)", "sample(actions(1))", "check_pkt_len(size=5,gt(1))", "push_eth()", "push_eth(src=02:00:00:00:00:01)", "pop_eth(1)", "push_nsh(mdtype=3)", "push_nsh(ttl=64)", "push_nsh(c1=x)", "push_nsh(bad=1)", "add_mpls(label=1048576)",
                          "add_mpls(tc=8)", "dec_ttl", "dec_ttl(le_1)x", "dec_ttl(gt(1))", "psample()", "psample(group=1,cookie=0x0102030405060708091011121314151617)"})
    EXPECT_FALSE(parse_odp_actions(bad)) << bad;
}

TEST(OdpNetlink, DropIsTheEndWhereTheKernelHasNoSuchAction) {
  OdpActions actions{{OdpOutput{OdpPort{1}}}, {OdpDrop{3}}, {OdpOutput{OdpPort{2}}}};
  Bytes bytes;
  AttrWriter writer(bytes);
  EXPECT_EQ(encode_odp_actions(actions, 0, {}, writer), ActionTrouble::kNone);
  EXPECT_EQ(hex(bytes), "0800010001000000");
  bytes.clear();
  EXPECT_EQ(encode_odp_actions(actions, 0, {.drop_action = true}, writer), ActionTrouble::kNone);
  EXPECT_EQ(hex(bytes), "0800010001000000" "0800180003000000" "0800010002000000");
}

TEST(OdpNetlink, LimitsOfActions) {
  Bytes bytes;
  AttrWriter writer(bytes);
  OdpActions many(kMaxActionBytes / 8, OdpAction{OdpOutput{OdpPort{1}}});
  EXPECT_EQ(encode_odp_actions(many, 0, {}, writer), ActionTrouble::kNone);
  many.push_back({OdpPopVlan{}});
  EXPECT_EQ(encode_odp_actions(many, 0, {}, writer), ActionTrouble::kTooLong);
  OdpActions deep{{OdpOutput{OdpPort{1}}}};
  for (unsigned i = 0; i < kMaxActionNesting; i++) deep = {{OdpClone{deep}}};
  EXPECT_EQ(encode_odp_actions(deep, 0, {}, writer), ActionTrouble::kNone);
  EXPECT_EQ(encode_odp_actions({{OdpClone{deep}}}, 0, {}, writer), ActionTrouble::kTooDeep);
  // More than an attribute's length can say.
  OdpActions nested{{OdpClone{OdpActions(9000, OdpAction{OdpOutput{OdpPort{1}}})}}};
  EXPECT_EQ(encode_odp_actions(nested, 0, {}, writer), ActionTrouble::kTooLong);
}

TEST(OdpNetlink, SetsThatTheKernelHasNotAreRefused) {
  for (OdpSetKind kind : {OdpSetKind::kArp, OdpSetKind::kNd, OdpSetKind::kIcmp, OdpSetKind::kIcmpv6, OdpSetKind::kNsh}) {
    OdpActions actions{{OdpClone{{{OdpSet{.kind = kind}}}}}};
    Bytes bytes;
    AttrWriter writer(bytes);
    EXPECT_FALSE(kernel_can_do(actions));
    EXPECT_EQ(encode_odp_actions(actions, 0, {}, writer), ActionTrouble::kUnsupported);
  }
  EXPECT_TRUE(kernel_can_do({{OdpSet{.kind = OdpSetKind::kIpv4}}}));
  EXPECT_TRUE(kernel_can_do({{OdpAddMpls{}}}));
  EXPECT_FALSE(kernel_can_do({{OdpClone{{{OdpAddMpls{}}}}}}, {.add_mpls = false}));
  EXPECT_FALSE(kernel_can_do({{OdpPushNsh{.mdtype = 2}}}));   // it wants options
}

TEST(OdpNetlink, NoLabelsAfterTheLastOneWasPopped) {
  auto can = [](const char* text) {
    auto actions = parse_odp_actions(text);
    EXPECT_TRUE(actions) << text;
    Bytes out;
    AttrWriter w(out);
    bool encoded = encode_odp_actions(*actions, 1, {}, w) == ActionTrouble::kNone;
    EXPECT_EQ(encoded, kernel_can_do(*actions)) << text;
    return encoded;
  };
  EXPECT_TRUE(can("pop_mpls(eth_type=0x8847),1,pop_mpls(eth_type=0x800),2"));
  EXPECT_TRUE(can("clone(pop_mpls(eth_type=0x800),1),push_mpls(label=1,tc=0,ttl=64,bos=0,eth_type=0x8847),2"));
  EXPECT_FALSE(can("pop_mpls(eth_type=0x800),1,push_mpls(label=1,tc=0,ttl=64,bos=1,eth_type=0x8847),2"));
  EXPECT_FALSE(can("pop_mpls(eth_type=0x800),clone(push_mpls(label=1,tc=0,ttl=64,bos=1,eth_type=0x8847),1),2"));
  EXPECT_FALSE(can("pop_eth,clone(push_eth(src=02:00:00:00:00:01,dst=02:00:00:00:00:02),1),push_eth(src=02:00:00:00:00:01,dst=02:00:00:00:00:02),2"));
  EXPECT_TRUE(can("pop_eth,push_eth(src=02:00:00:00:00:01,dst=02:00:00:00:00:02),clone(pop_eth,push_eth(src=02:00:00:00:00:01,dst=02:00:00:00:00:02),1),2"));
  EXPECT_FALSE(can("pop_mpls(eth_type=0x800),pop_mpls(eth_type=0x800)"));
}

/// Labels are one integer in the order of the machine, in actions as in keys.
TEST(OdpNetlink, LabelsOfActionsAreThoseOfKeys) {
  auto key = parse_odp_key("ct_label(0xffff0005/0xffffffff),eth_type(0x1234)");
  auto actions = parse_odp_actions("ct(commit,label=0xffff0005/0xffffffff)");
  ASSERT_TRUE(key && actions);
  Bytes k, m, a;
  AttrWriter kw(k), mw(m), aw(a);
  encode_odp_key(key->key, key->mask, kw);
  encode_odp_mask(key->key, key->mask, mw);
  ASSERT_EQ(encode_odp_actions(*actions, 0, {}, aw), ActionTrouble::kNone);
  auto label = Attrs(k).find(OVS_KEY_ATTR_CT_LABELS), mask = Attrs(m).find(OVS_KEY_ATTR_CT_LABELS);
  ASSERT_TRUE(label && mask);
  EXPECT_NE(hex(a).find(hex(label->data) + hex(mask->data)), std::string::npos) << hex(a);
}

TEST(OdpNetlink, ForeignUserdataIsNotTakenForOurs) {
  OdpUserspace why{SlowReason::kController, 0x123456789, 128};
  EXPECT_EQ(decode_userdata(encode_userdata(why)), why);
  Bytes other = encode_userdata(why);
  other.back() = 1;
  EXPECT_FALSE(decode_userdata(other));
  EXPECT_FALSE(decode_userdata(ByteView(other).first(8)));
}

}  // namespace
}  // namespace sluice
