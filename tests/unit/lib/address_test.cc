// SPDX-License-Identifier: Apache-2.0
// Addresses as text: RFC 5952 forms, what must be refused, and the round trip of random ones.
#include "lib/address.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include "lib/random.h"

namespace sluice {
namespace {

TEST(Address, MacText) {
  EXPECT_EQ(format(MacAddr::from_u64(0x0102030a0b0c)), "01:02:03:0a:0b:0c");
  EXPECT_EQ(parse_mac("1:2:3:A:b:0C"), MacAddr::from_u64(0x0102030a0b0c));
  for (std::string_view bad : {"", "01:02:03:04:05", "01:02:03:04:05:06:07", "01:02:03:04:05:", "01:02:03:04:05:g6", "001:02:03:04:05:06",
                               "01-02-03-04-05-06", " 01:02:03:04:05:06", "01:02:03:04:05:06 ", "010203040506", "::::::"})
    EXPECT_FALSE(parse_mac(bad)) << bad;
}

TEST(Address, MacKinds) {
  EXPECT_TRUE(parse_mac("01:00:00:00:00:00")->is_multicast());
  EXPECT_FALSE(parse_mac("02:00:00:00:00:00")->is_multicast());
  EXPECT_TRUE(parse_mac("ff:ff:ff:ff:ff:ff")->is_broadcast());
  EXPECT_TRUE(MacAddr{}.is_zero());
}

TEST(Address, Ipv4Refuses) {
  EXPECT_EQ(format_ipv4(*parse_ipv4("10.0.255.1")), "10.0.255.1");
  for (std::string_view bad : {"", "1.2.3", "1.2.3.4.5", "256.1.1.1", "1.2.3.4/8", " 1.2.3.4", "0x1.2.3.4", "1..2.3"}) EXPECT_FALSE(parse_ipv4(bad)) << bad;
  EXPECT_FALSE(parse_ipv4(std::string_view("1.2.3.4\0x", 9)));
}

TEST(Address, Ipv6ShortestForm) {  // RFC 5952 4
  const std::pair<const char*, const char*> kForms[] = {
      {"2001:0db8:0000:0000:0000:0000:0002:0001", "2001:db8::2:1"},
      {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},    // one group is not shortened
      {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},             // the longest run
      {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},       // the first of equal ones
      {"2001:DB8::ABCD", "2001:db8::abcd"},
      {"0:0:0:0:0:0:0:0", "::"},
      {"::ffff:1.2.3.4", "::ffff:1.2.3.4"},
      {"fe80::", "fe80::"},
  };
  for (auto [in, out] : kForms) {
    auto ip = parse_ipv6(in);
    ASSERT_TRUE(ip) << in;
    EXPECT_EQ(format(*ip), out);
  }
  for (std::string_view bad : {"", ":", ":::", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "12345::", "fe80::1%eth0", "::1/64", "[::1]"})
    EXPECT_FALSE(parse_ipv6(bad)) << bad;
  EXPECT_FALSE(parse_ipv6(std::string_view("::1\0", 4)));
}

TEST(Address, RoundTrips) {
  Random random(1);
  for (int i = 0; i < 20000; i++) {
    auto mac = MacAddr::from_u64(random.next() >> 16);
    EXPECT_EQ(parse_mac(format(mac)), mac);
    be32 ip(random.next_u32());
    EXPECT_EQ(parse_ipv4(format_ipv4(ip)), ip);
    Ipv6Addr ip6;
    uint64_t sparse = random.next();  // which bytes are not zero: runs of zeros of all lengths
    for (size_t k = 0; k < 16; k++) ip6.b[k] = sparse >> k & 1 ? static_cast<uint8_t>(random.next()) : uint8_t{0};
    EXPECT_EQ(parse_ipv6(format(ip6)), ip6) << format(ip6);
  }
}

TEST(Address, Prefixes) {
  for (int bits = 0; bits <= 32; bits++) EXPECT_EQ(prefix_length(ipv4_prefix_mask(bits)), bits);
  for (int bits = 0; bits <= 128; bits++) EXPECT_EQ(prefix_length(ipv6_prefix_mask(bits)), bits);
  EXPECT_EQ(prefix_length(*parse_ipv4("255.0.255.0")), -1);
  EXPECT_EQ(prefix_length(*parse_ipv4("0.0.0.1")), -1);
  EXPECT_EQ(prefix_length(*parse_ipv6("ffff::1")), -1);
  EXPECT_EQ(format(ipv6_prefix_mask(61)), "ffff:ffff:ffff:fff8::");
}

}  // namespace
}  // namespace sluice
