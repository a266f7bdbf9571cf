// SPDX-License-Identifier: Apache-2.0
// The network service header: what a key has of it, hostile lengths, and what can be set in it.
#include "datapath/nsh.h"

#include <gtest/gtest.h>

#include <random>

#include "datapath/edits.h"
#include "datapath/packet.h"
#include "lib/text.h"

namespace sluice {
namespace {

#define ETHERNET "66778899aabb001122334455894f"

Flow key_of(const char* frame) {
  Packet p = Packet::from(*parse_hex(frame));
  Flow key{};
  extract(p, key);
  return key;
}

TEST(Nsh, IsInTheKey) {
  Flow k = key_of(ETHERNET "2fc60103123456ff11223344556677889900aabbccddeeff" "0000");
  EXPECT_EQ(k.nsh_flags, 2);
  EXPECT_EQ(k.nsh_ttl, 63);
  EXPECT_EQ(k.nsh_mdtype, 1);
  EXPECT_EQ(k.nsh_np, 3);
  EXPECT_EQ(k.nsh_path, be32(0x123456ff));
  EXPECT_EQ(k.nsh_context[0], be32(0x11223344));
  EXPECT_EQ(k.nsh_context[3], be32(0xccddeeff));
  // Options are no contexts, nor is what a later MD type has.
  for (const char* other : {ETHERNET "0fc40203123456ff1000010401020304", ETHERNET "0fc20303123456ff1122334455667788"}) {
    k = key_of(other);
    EXPECT_EQ(k.nsh_path, be32(0x123456ff)) << other;
    EXPECT_EQ(k.nsh_context[0], be32()) << other;
  }
}

TEST(Nsh, HeadersThatAreNotWholeAreNone) {
  for (const char* bad : {ETHERNET "0fc60103123456ff112233",             // cut
                          ETHERNET "0fc30103123456ff1122334455667788",   // MD type 1 has six words
                          ETHERNET "4fc20203123456ff1122334455667788",   // version 1
                          ETHERNET "0fcf0203123456ff1122334455667788",   // longer than the frame
                          ETHERNET "0fc10203123456ff1122334455667788",   // shorter than its base
                          ETHERNET "0fc10103"}) {
    Flow k = key_of(bad);
    EXPECT_EQ(k.eth_type, be16(0x894f)) << bad;
    EXPECT_EQ(k.nsh_ttl | k.nsh_mdtype | k.nsh_np, 0) << bad;
    EXPECT_EQ(k.nsh_path, be32()) << bad;
  }
}

TEST(Nsh, IsSetWhereItIs) {
  Packet p = Packet::from(*parse_hex(ETHERNET "2fc60103123456ff11223344556677889900aabbccddeeff"));
  Flow now{};
  extract(p, now);
  FieldEdit set{.kind = OdpSetKind::kNsh};
  set.value.nsh_ttl = 1, set.mask.nsh_ttl = 0xff;
  set.value.nsh_path = be32(0x77), set.mask.nsh_path = be32(0xff);
  set.value.nsh_context[2] = be32(5), set.mask.nsh_context[2] = ~be32();
  set_fields(p, set);
  EXPECT_EQ(hex(p.view()), ETHERNET "20460103" "12345677" "1122334455667788" "00000005" "ccddeeff");
  // Not in what is no such header.
  for (const char* other : {ETHERNET "4fc20203123456ff1122334455667788", "66778899aabb0011223344550800" "2fc60103123456ff11223344556677889900aabbccddeeff"}) {
    Packet q = Packet::from(*parse_hex(other));
    extract(q, now);
    set_fields(q, set);
    EXPECT_EQ(hex(q.view()), other);
  }
}

TEST(Nsh, AnyBytesMayBePopped) {
  std::mt19937 rng(1);
  for (int i = 0; i < 20000; i++) {
    Bytes bytes(rng() % 40);
    for (uint8_t& b : bytes) b = static_cast<uint8_t>(rng());
    if (bytes.size() > 2 && rng() % 2) bytes[0] &= 0x3f, bytes[1] = static_cast<uint8_t>((bytes[1] & 0xc0) | rng() % 12);
    Packet p = Packet::from(bytes);
    constexpr uint32_t kTypes[] = {0x1894f, 0x18847, 0x10800, 0, 0xffff};
    p.packet_type = kTypes[rng() % 5];
    Flow key{};
    extract(p, key);
    switch (rng() % 5) {
      case 0: pop_nsh(p); break;
      case 1: pop_eth(p); break;
      case 2: pop_mpls(p, be16(0x6558)); break;
      case 3: push_eth(p, {}); break;
      default: push_nsh(p, {.mdtype = 1, .np = 3, .metadata = Bytes(16)}); break;
    }
    ASSERT_LE(p.size(), bytes.size() + 24);
    extract(p, key);
  }
}

}  // namespace
}  // namespace sluice
