// SPDX-License-Identifier: Apache-2.0
#include "utilities/sluice/packet_text.h"

#include <gtest/gtest.h>

namespace sluice::cli {
namespace {

Bytes frame(std::string_view text) {
  auto f = parse_frame(text);
  EXPECT_TRUE(f) << text << ": " << (f ? "" : f.error());
  return f ? *f : Bytes(14);
}

TEST(PacketText, PatternsMatchWhatTheyComposeToAndNotMore) {
  for (const char* text : {"tcp,eth_src=00:00:00:00:00:01,nw_src=10.0.0.1,nw_dst=10.0.0.2,tcp_src=5,tcp_dst=80", "arp,arp_op=1,arp_spa=10.0.0.1,arp_tpa=10.0.0.2",
                           "icmp6,ipv6_src=fe80::1,ipv6_dst=fe80::2,icmp_type=128", "dl_vlan=5,dl_vlan_pcp=3,udp,udp_dst=53",
                           "eth(src=00:00:00:00:00:01,dst=00:00:00:00:00:02),eth_type(0x0800),ipv4(src=1.2.3.4,dst=5.6.7.8,proto=17,ttl=9),udp(src=1,dst=2)"}) {
    auto pattern = parse_pattern(text);
    ASSERT_TRUE(pattern) << text << ": " << pattern.error();
    EXPECT_TRUE(pattern->matches(frame(text))) << text << "\n" << describe(frame(text));
    EXPECT_FALSE(pattern->matches(frame("eth_type=0x88b5"))) << text;
  }
  EXPECT_TRUE(parse_pattern("tcp,tcp_dst=80")->matches(frame("tcp,tcp_dst=80,nw_src=1.2.3.4")));
  EXPECT_TRUE(parse_pattern("ip,nw_src=10.0.0.0/8")->matches(frame("udp,nw_src=10.9.8.7")));
}

TEST(PacketText, Shown) {
  Bytes tcp = frame("tcp,nw_src=10.0.0.1,nw_dst=10.0.0.2,tcp_dst=80");
  EXPECT_NE(describe(tcp).find("tcp,"), std::string::npos) << describe(tcp);
  EXPECT_EQ(describe(tcp).find("wrong"), std::string::npos) << describe(tcp);
  Bytes bad = tcp;
  bad[22]--;
  EXPECT_NE(describe(bad).find("(wrong IP checksum)"), std::string::npos);
  bad = tcp;
  bad[50] ^= 1;
  EXPECT_NE(describe(bad).find("(wrong L4 checksum)"), std::string::npos) << describe(bad);
}

TEST(PacketText, Differences) {
  Bytes a = frame("tcp,nw_dst=10.0.0.2,tcp_dst=80"), b = frame("tcp,nw_dst=10.0.0.2,nw_ttl=63,tcp_dst=81");
  std::string d = differences(a, b);
  EXPECT_NE(d.find("nw_ttl is 63, not 64"), d.npos) << d;
  EXPECT_NE(d.find("tcp_dst is 81, not 80"), d.npos) << d;
  EXPECT_EQ(differences(*parse_pattern("tcp,tcp_dst=80"), b), "tcp_dst is 81, not 80");
  b = a;
  b.back() ^= 1;
  EXPECT_NE(differences(a, b).find("byte"), std::string::npos);
  b = a;
  b.push_back(0);
  EXPECT_NE(differences(a, b).find("bytes long"), std::string::npos);
}

}  // namespace
}  // namespace sluice::cli
