// SPDX-License-Identifier: Apache-2.0
#include "lib/target.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

std::string show(std::string_view text) {
  auto t = parse_target(text, 6640, "/run/ovs");
  if (!t) return "error " + t.error().text() + (t.error().detail.empty() ? "" : ": " + t.error().detail);
  std::string s(transport_name(t->kind, t->passive));
  return t->kind == TransportKind::unix_socket ? s + " " + t->path : s + " <" + t->host + "> " + std::to_string(t->port);
}

TEST(TargetTest, Table) {
  struct {
    const char *text, *meaning;
  } cases[] = {
      {"tcp:10.0.0.1", "tcp <10.0.0.1> 6640"},
      {"tcp:10.0.0.1:", "tcp <10.0.0.1> 6640"},
      {"tcp:10.0.0.1:80", "tcp <10.0.0.1> 80"},
      {"ssl:[fe80::1%eth0]:6653", "ssl <fe80::1%eth0> 6653"},
      {"tcp:[::1]", "tcp <::1> 6640"},
      {"tcp:localhost:1", "tcp <localhost> 1"},
      {"unix:/tmp/x", "unix /tmp/x"},
      {"unix:db.sock", "unix /run/ovs/db.sock"},
      {"punix:br0.mgmt", "punix /run/ovs/br0.mgmt"},
      {"ptcp:", "ptcp <> 6640"},
      {"ptcp:0", "ptcp <> 0"},
      {"ptcp::127.0.0.1", "ptcp <127.0.0.1> 6640"},
      {"pssl:5:[::1]", "pssl <::1> 5"},
      {"pssl:5:::1", "pssl <::1> 5"},
      {"foo", "error Address family not supported by protocol"},
      {"foo:bar", "error Address family not supported by protocol"},
      {"unix:", "error Address family not supported by protocol"},
      {"tcp:1.2.3.4:xx", "error Address family not supported by protocol: 1.2.3.4:xx: bad port number \"xx\""},
      {"tcp:[::1]:99999", "error Address family not supported by protocol: [::1]:99999: bad port number \"99999\""},
      {"tcp:[::1:5", "error Address family not supported by protocol: [::1:5: port must be specified"},
      {"ptcp:-1", "error Address family not supported by protocol: -1: bad port number \"-1\""},
      {"ptcp:22x", "error Address family not supported by protocol: 22x: bad port number \"22x\""},
      {"", "error Address family not supported by protocol"},
  };
  for (auto& c : cases) EXPECT_EQ(show(c.text), c.meaning) << c.text;
}

TEST(TargetTest, Direction) {
  EXPECT_TRUE(looks_like_active_target("tcp:x"));
  EXPECT_FALSE(looks_like_active_target("br0"));
  EXPECT_FALSE(looks_like_active_target("ptcp:"));
  EXPECT_TRUE(looks_like_passive_target("punix:x"));
  EXPECT_FALSE(parse_active_target("ptcp:1", 1).has_value());
  EXPECT_FALSE(parse_passive_target("tcp:a:1", 1).has_value());
}

TEST(TargetTest, Remotes) {
  auto r = parse_remotes("tcp:a:1,ssl:b,unix:/x,y,unix:/z", 6640);
  ASSERT_TRUE(r.has_value());
  ASSERT_EQ(r->size(), 4u);
  EXPECT_EQ((*r)[1].port, 6640);
  EXPECT_EQ((*r)[2].path, "/x,y");
  EXPECT_FALSE(parse_remotes("", 1).has_value());
  EXPECT_FALSE(parse_remotes("tcp:a:1,", 1).has_value());
}

TEST(TargetTest, Addresses) {
  auto a = numeric_address(*parse_target("tcp:[::1]:80", 1));
  ASSERT_TRUE(a.has_value());
  EXPECT_EQ(a->host_port(), "[::1]:80");
  EXPECT_EQ(numeric_address(*parse_target("ptcp:81", 1))->host_port(), "0.0.0.0:81");
  EXPECT_FALSE(numeric_address(*parse_target("tcp:localhost:80", 1)).has_value());
}

}  // namespace
}  // namespace sluice
