// SPDX-License-Identifier: Apache-2.0
// Extraction against the peer's (extract_goldens.txt), against compose(), against the fast path's, and on hostile bytes.
#include <gtest/gtest.h>

#include <fstream>
#include <random>

#include <fmt/core.h>

#include "datapath/checksum.h"
#include "datapath/compose.h"
#include "datapath/ethertype.h"
#include "datapath/odp_text.h"
#include "datapath/user/fast_key.h"
#include "tests/unit/datapath/random_flow.h"

namespace sluice {
namespace {

std::string flags_text(uint16_t flags) {
  constexpr const char* kNames[] = {"fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr", "ns"};
  std::string s;
  for (int i = 0; i < 9; i++)
    if (flags >> i & 1) s += fmt::format("{}{}", s.empty() ? "" : "|", kNames[i]);
  return s.empty() ? "0" : s;
}

std::string shorthand(const Flow& f) {
  auto ip = [&](const char* six) -> std::string {
    switch (f.nw_proto) {
      case 6: return fmt::format("tcp{},", six);
      case 17: return fmt::format("udp{},", six);
      case 132: return fmt::format("sctp{},", six);
      case 1: if (!*six) return "icmp,"; break;
      case 58: if (*six) return "icmp6,"; break;
    }
    return *six ? "ipv6," : "ip,";
  };
  if (f.eth_type == kEthIpv4) return ip("");
  if (f.eth_type == kEthIpv6) return ip("6");
  if (f.eth_type == kEthArp) return "arp,";
  if (f.eth_type == kEthRarp) return "rarp,";
  if (f.eth_type == kEthMpls) return "mpls,";
  if (f.eth_type == kEthMplsMulticast) return "mplsm,";
  return "";
}

std::string network_text(const Flow& f, bool shorthand_has_proto) {
  std::string s;
  if (f.eth_type == kEthIpv4) s += fmt::format(",nw_src={},nw_dst={}", format_ipv4(f.nw_src), format_ipv4(f.nw_dst));
  if (f.eth_type == kEthIpv6) s += fmt::format(",ipv6_src={},ipv6_dst={},ipv6_label=0x{:05x}", format(f.ipv6_src), format(f.ipv6_dst), f.ipv6_label.host());
  if (f.is_ip()) {
    if (!shorthand_has_proto) s += fmt::format(",nw_proto={}", f.nw_proto);
    s += fmt::format(",nw_tos={},nw_ecn={},nw_ttl={},nw_frag={}", f.nw_tos & 0xfc, f.nw_tos & 3, f.nw_ttl, f.nw_frag & kFragLater ? "later" : f.nw_frag ? "first" : "no");
  }
  if (f.is_arp())
    s += fmt::format(",arp_spa={},arp_tpa={},arp_op={},arp_sha={},arp_tha={}", format_ipv4(f.nw_src), format_ipv4(f.nw_dst), f.nw_proto, format(f.arp_sha), format(f.arp_tha));
  if (f.is_mpls()) {
    uint32_t l = f.mpls_lse[0].host();
    s += fmt::format(",mpls_label={},mpls_tc={},mpls_ttl={},mpls_bos={}", l >> 12, l >> 9 & 7, l & 255, l >> 8 & 1);
    for (int i = 1; i < 3; i++)
      if (f.mpls_lse[i]) s += fmt::format(",mpls_lse{}={}", i, f.mpls_lse[i].host());
  }
  return s;
}

std::string transport_text(const Flow& f) {
  if (!f.is_ip() || f.nw_frag & kFragLater) return "";
  bool v6 = f.eth_type == kEthIpv6;
  if (v6 ? f.nw_proto == 58 : f.nw_proto == 1) {
    std::string s = fmt::format(",icmp_type={},icmp_code={}", f.tp_src.host(), f.tp_dst.host());
    bool nd = v6 && !f.tp_dst && (f.tp_src == be16(135) || f.tp_src == be16(136));
    if (nd) s += fmt::format(",nd_target={},nd_sll={},nd_tll={}", format(f.nd_target), format(f.arp_sha), format(f.arp_tha));
    return s;
  }
  bool ports = f.nw_proto == 6 || f.nw_proto == 17 || f.nw_proto == 132 || (f.nw_proto == 2 && !v6);
  std::string s = ports ? fmt::format(",tp_src={},tp_dst={}", f.tp_src.host(), f.tp_dst.host()) : "";
  if (f.nw_proto == 6) s += ",tcp_flags=" + flags_text(f.tcp_flags.host());
  return s;
}

/// As the peer's ofproto/trace prints a packet's flow.
std::string flow_text(const Flow& f) {
  std::string s = shorthand(f);
  bool has_proto = s.starts_with("tcp") || s.starts_with("udp") || s.starts_with("sctp") || s.starts_with("icmp");
  s += "in_port=1";
  uint16_t tci = f.vlan_tci.host(), tci2 = f.vlan2_tci.host();
  if (!tci) s += ",vlan_tci=0x0000";
  else s += fmt::format(",dl_vlan={},dl_vlan_pcp={}", tci & 0xfff, tci >> 13);
  if (tci && tci2) s += fmt::format(",dl_vlan1={},dl_vlan_pcp1={}", tci2 & 0xfff, tci2 >> 13);
  else if (tci) s += ",vlan_tci1=0x0000";
  s += fmt::format(",dl_src={},dl_dst={}", format(f.eth_src), format(f.eth_dst));
  if (shorthand(f).empty()) s += fmt::format(",dl_type={:#06x}", f.eth_type.host());
  return s + network_text(f, has_proto) + transport_text(f);
}

TEST(Extract, SameAsThePeer) {
  std::ifstream file("tests/unit/datapath/extract_goldens.txt");
  std::string line;
  int count = 0;
  while (std::getline(file, line)) {
    if (line.starts_with("#")) continue;
    size_t first = line.find(" | "), second = line.find(" | ", first + 3);
    std::string hex = line.substr(first + 3, second - first - 3);
    auto packet = parse_packet(hex);
    ASSERT_TRUE(packet) << line;
    Flow flow;
    extract(*packet, flow);
    EXPECT_EQ(flow_text(flow), line.substr(second + 3)) << line.substr(0, first);
    count++;
  }
  EXPECT_GT(count, 50);
}

TEST(Extract, VlanLimit) {
  auto packet = *parse_packet("in_port(1),eth(src=00:00:00:00:00:01,dst=00:00:00:00:00:02),eth_type(0x88a8),vlan(vid=1,pcp=0),encap(eth_type(0x8100),vlan(vid=2,pcp=0),encap(eth_type(0x1234)))");
  Flow f;
  extract(packet, f, 1);
  EXPECT_EQ(f.eth_type, kEthVlan);
  EXPECT_FALSE(f.vlan2_tci);
  extract(packet, f, 0);
  EXPECT_EQ(f.eth_type, kEthServiceVlan);
}

TEST(Extract, ExtensionHeaderBits) {
  // Hop-by-hop, destination options, routing, TCP: all bits, in order.
  Bytes frame(14 + 40 + 24 + 20);
  store_be<uint16_t>(frame.data() + 12, 0x86dd);
  frame[14] = 0x60;
  store_be<uint16_t>(frame.data() + 18, 44);
  frame[20] = 0;
  frame[54] = 60, frame[62] = 43, frame[70] = 6;
  Packet p = Packet::from(frame);
  Flow f;
  extract(p, f);
  EXPECT_EQ(f.nw_proto, 6);
  EXPECT_EQ(f.ipv6_exthdr, be16(64 | 8 | 32));
  frame[20] = 43, frame[54] = 0;  // routing before hop-by-hop: out of sequence
  frame[62] = 6;
  p = Packet::from(frame);
  extract(p, f);
  EXPECT_EQ(f.ipv6_exthdr, be16(64 | 32 | 256));
}

class RandomFlows : public testing::TestWithParam<uint32_t> {};

TEST_P(RandomFlows, ComposedFrameHasTheKey) {
  std::mt19937 rng(GetParam());
  for (int i = 0; i < 2000; i++) {
    Flow flow = random_flow(rng);
    Packet packet = compose(flow);
    Flow again;
    extract(packet, again);
    again.ipv6_exthdr = {};
    ASSERT_EQ(format_odp_key(again), format_odp_key(flow));
    ASSERT_TRUE(again == flow) << format_odp_key(flow);
    if (flow.eth_type == kEthIpv4) {
      ASSERT_EQ(checksum({packet.data() + packet.l3, 20}), 0);
    }
    L4 l4 = find_l4(packet);
    bool covered = l4.length && !flow.nw_frag && (l4.proto == 6 || l4.proto == 17 || l4.proto == 58);
    if (covered) {
      uint32_t pseudo = pseudo_header_sum(l4.addresses, l4.proto, static_cast<uint32_t>(l4.length));
      ASSERT_EQ(checksum_fold(checksum_add(pseudo, {l4.header, l4.length})), 0);
    }
  }
}

/// What fast_key() takes for simple must be so, and give the same as extract().
void check_fast_key(Packet& packet) {
  FastKey fast{};
  Flow flow;
  bool simple = fast_key(packet, 1, fast);
  uint16_t l3 = packet.l3, l4 = packet.l4;
  packet.in_port = OdpPort{1};
  extract(packet, flow);
  if (!simple) return;
  ASSERT_EQ(l3, packet.l3);
  ASSERT_EQ(l4, packet.l4);
  Flow all;
  std::memset(static_cast<void*>(&all), 0xff, sizeof all);
  fast.mask(FastKey::of(all));
  ASSERT_TRUE(fast == FastKey::of(flow)) << format_odp_key(flow);
  Flow rest = flow;
  std::memset(static_cast<void*>(&rest), 0, offsetof(Flow, ipv6_src));
  ASSERT_TRUE(rest == Flow{}) << format_odp_key(flow);
  ASSERT_FALSE(flow.recirc_id || flow.ct_state || flow.packet_type || flow.vlan2_tci || flow.dp_hash || flow.pkt_mark);
}

TEST_P(RandomFlows, FastKeyAgreesWithExtract) {
  std::mt19937 rng(GetParam());
  int simple = 0;
  for (int i = 0; i < 3000; i++) {
    Flow flow = random_flow(rng);
    Packet packet = compose(flow);
    for (int k = rng() % 3; k > 0; k--) packet.data()[rng() % packet.size()] = static_cast<uint8_t>(rng());
    if (rng() % 4 == 0) packet.truncate(rng() % (packet.size() + 1));
    FastKey fast{};
    simple += fast_key(packet, 1, fast);
    check_fast_key(packet);
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(simple, 100);
}

TEST_P(RandomFlows, AnyBytesGiveAKey) {
  std::mt19937 rng(GetParam());
  for (int i = 0; i < 20000; i++) {
    Bytes bytes(rng() % 120);
    for (uint8_t& b : bytes) b = static_cast<uint8_t>(rng() % 4 ? rng() : 0);
    constexpr uint16_t kTypes[] = {0x0800, 0x86dd, 0x0806, 0x8100, 0x88a8, 0x8847, 0x0010};
    if (bytes.size() > 14) store_be(bytes.data() + 12, kTypes[rng() % std::size(kTypes)]);
    if (bytes.size() > 18) store_be(bytes.data() + 16, kTypes[rng() % std::size(kTypes)]);
    if (bytes.size() > 20 && rng() % 2) bytes[14] = rng() % 2 ? 0x45 : 0x60, bytes[16] = 0, bytes[17] = static_cast<uint8_t>(bytes.size() - 14);
    Packet packet = Packet::from(bytes);  // exactly as long as the frame needs to be, for the sanitizer
    Flow flow;
    extract(packet, flow);
    ASSERT_TRUE(packet.l3 == kNoOffset || packet.l3 <= packet.size());
    ASSERT_TRUE(packet.l4 == kNoOffset || packet.l4 <= packet.size());
    check_fast_key(packet);
    if (HasFatalFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomFlows, testing::Values(1, 2, 3));

}  // namespace
}  // namespace sluice
