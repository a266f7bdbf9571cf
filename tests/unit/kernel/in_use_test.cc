// SPDX-License-Identifier: Apache-2.0
// Who is at work on a datapath: sockets in the text of /proc/net/netlink.  Tunnel devices: names and ports.
#include "datapath/kernel/in_use.h"

#include <gtest/gtest.h>

#include <array>

#include "datapath/kernel/tunnel_link.h"

namespace sluice {
namespace {

constexpr char kTable[] =
    "sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode\n"
    "0000000000000000 0   1234       00000111 0        0        0     2        0        100\n"
    "0000000000000000 16  3221225475 00000000 0        0        0     2        0        101\n"
    "0000000000000000 16  0          00000000 0        0        0     2        0        102\n"
    "0000000000000000 16  3221225476 00000008 0        0        0     2        0        103\n"
    "garbage\n";

TEST(InUse, SocketsOfGenericNetlinkAlone) {
  EXPECT_TRUE(has_netlink_socket(kTable, std::array{7u, 3221225475u}, 0));
  EXPECT_FALSE(has_netlink_socket(kTable, std::array{1234u}, 0));   // of another family
  EXPECT_FALSE(has_netlink_socket(kTable, std::array{0u}, 0));      // the kernel's own
  EXPECT_FALSE(has_netlink_socket(kTable, {}, 0));
  EXPECT_FALSE(has_netlink_socket("", std::array{1234u}, 0));
}

TEST(InUse, MembersOfTheGroup) {
  EXPECT_TRUE(has_netlink_socket(kTable, {}, 4));
  for (uint32_t other : {1u, 3u, 5u, 32u, 33u, 36u}) EXPECT_FALSE(has_netlink_socket(kTable, {}, other)) << other;   // 1: of another family
}

std::string device(const std::string& type, const std::string& port) {
  NetdevSpec spec{.name = "x", .type = type, .options = {}, .mac = {}, .mtu = {}};
  if (!port.empty()) spec.options["dst_port"] = port;
  auto tunnel = tunnel_link(spec);
  return tunnel ? tunnel->device() : "";
}

TEST(TunnelLink, NamesAsOpenVSwitchHasThem) {
  EXPECT_EQ(device("vxlan", ""), "vxlan_sys_4789");
  EXPECT_EQ(device("vxlan", "8472"), "vxlan_sys_8472");
  EXPECT_EQ(device("vxlan", "65536"), "vxlan_sys_4789");
  EXPECT_EQ(device("geneve", ""), "genev_sys_6081");
  EXPECT_EQ(device("gre", "5"), "gre_sys");
  EXPECT_EQ(device("ip6gre", ""), "ip6gre_sys");
  EXPECT_EQ(device("system", ""), "");
}

}  // namespace
}  // namespace sluice
