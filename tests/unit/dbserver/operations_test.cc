// SPDX-License-Identifier: Apache-2.0
// Details of operations that the recorded exchanges do not show: sorting, the order of rows in index errors, what RBAC says; and transactions that wait.
#include <gtest/gtest.h>

#include <fmt/core.h>

#include <set>

#include "tests/unit/dbserver/pair_world.h"

namespace sluice::ovsdb {
namespace {

constexpr char kSchema[] = R"({"name":"T","version":"1.0.0","tables":{
  "t":{"isRoot":true,"indexes":[["n"]],"columns":{"n":{"type":"integer"},"a":{"type":"string"},"owner":{"type":"string"}}},
  "RBAC_Role":{"isRoot":true,"columns":{"name":{"type":"string"},
    "permissions":{"type":{"key":"string","value":{"type":"uuid","refTable":"RBAC_Permission"},"min":0,"max":"unlimited"}}}},
  "RBAC_Permission":{"isRoot":true,"columns":{"table":{"type":"string"},"authorization":{"type":{"key":"string","min":0,"max":"unlimited"}},
    "insert_delete":{"type":"boolean"},"update":{"type":{"key":"string","min":0,"max":"unlimited"}}}}}})";

class OperationsTest : public ::testing::Test {
 protected:
  OperationsTest() : server(uuids), client(server) {
    EXPECT_TRUE(server.add_database(make_database(kSchema, uuids), nullptr, ""));
    client.session->set_options({});
    client.transact(R"({"op":"insert","table":"t","row":{"n":2,"a":"x","owner":"me"}},{"op":"insert","table":"t","row":{"n":1,"a":"y","owner":"you"}},
                       {"op":"insert","table":"t","row":{"n":3,"a":"x","owner":"me"}})");
  }
  UuidSource uuids{{1, 2, 3, 4}};
  Server server;
  TestClient client;
};

TEST_F(OperationsTest, RowsInTheOrderOfColumns) {
  Json sorted = client.transact(R"({"op":"select","table":"t","where":[],"columns":["n","a"],"sort":["a","n"]})");
  EXPECT_EQ(sorted.to_string(), R"([{"rows":[{"a":"x","n":2},{"a":"x","n":3},{"a":"y","n":1}]}])");
  Json wrong = client.transact(R"({"op":"select","table":"t","where":[],"sort":["nope"]})");
  EXPECT_TRUE(wrong[0].find("error")) << wrong.to_string();
}

TEST_F(OperationsTest, TheRowThatWasThereIsNamedFirst) {
  Json result = client.transact(R"({"op":"insert","table":"t","row":{"n":2}})");
  std::string details(result[1].get("details").string());
  size_t there = details.find("existed in the database before this transaction"), added = details.find("was inserted by this transaction");
  EXPECT_LT(there, added) << details;
  EXPECT_NE(added, std::string::npos) << details;
}

TEST_F(OperationsTest, AUuidIsFreeAgainOnlyIfItsRowCameAndWentWithinTheTransaction) {
  const char* insert = R"({"op":"insert","table":"t","uuid":"00000001-0000-4000-8000-000000000000","row":{"n":77}})";
  const char* remove = R"({"op":"delete","table":"t","where":[["n","==",77]]})";
  Json result = client.transact(fmt::format("{0},{1},{0}", insert, remove));
  ASSERT_EQ(result.size(), 3u) << result.to_string();
  EXPECT_EQ(result[2].get("error").to_string(), "null") << result.to_string();
  EXPECT_EQ(client.transact(R"({"op":"select","table":"t","where":[["n","==",77]],"columns":["n"]})").to_string(), R"([{"rows":[{"n":77}]}])");
  EXPECT_EQ(client.transact(fmt::format("{1},{0}", insert, remove))[1].get("error").string(), "duplicate uuid");
}

TEST_F(OperationsTest, WhoMayNotSaysSoOfTheTable) {
  client.transact(R"({"op":"insert","table":"RBAC_Permission","uuid-name":"p","row":{"table":"t","authorization":"owner","update":"a"}},
                     {"op":"insert","table":"RBAC_Role","row":{"name":"r","permissions":["map",[["t",["named-uuid","p"]]]]}})");
  TestClient me(server, {.read_only = false, .role = "r", .id = "me"});
  EXPECT_EQ(me.transact(R"({"op":"update","table":"t","where":[["n","==",2]],"row":{"a":"z"}})").to_string(), R"([{"count":1}])");
  EXPECT_EQ(me.transact(R"({"op":"update","table":"t","where":[["n","==",1]],"row":{"a":"z"}})")[0].get("details").string(),
            "RBAC rules for client \"me\" role \"r\" prohibit modification of table \"t\".");
  EXPECT_EQ(me.transact(R"({"op":"mutate","table":"t","where":[["n","==",2]],"mutations":[["n","+=",5]]})")[0].get("details").string(),
            "RBAC rules for client \"me\" role \"r\" prohibit mutate operation on table \"t\".");
  // Without rows: with a permission nothing is asked, without one the answer is no.
  EXPECT_EQ(me.transact(R"({"op":"delete","table":"t","where":[["n","==",99]]})").to_string(), R"([{"count":0}])");
  EXPECT_EQ(me.transact(R"({"op":"delete","table":"RBAC_Role","where":[["name","==","none"]]})")[0].get("details").string(),
            "RBAC rules for client \"me\" role \"r\" prohibit row deletion from table \"RBAC_Role\".");
  EXPECT_EQ(me.transact(R"({"op":"update","table":"RBAC_Role","where":[["name","==","none"]],"row":{}})")[0].get("error").string(), "permission error");
  Json convert = me.say_text(R"({"id":7,"method":"convert","params":["T",{}]})").back();
  EXPECT_EQ(convert.get("error").get("error").string(), "permission error") << convert.to_string();
}

/// Those who wait are tried a few at a time, in turn, only when something has changed that they look at; and there can't be too many.
TEST(Waiting, InTurnAndNotTooMany) {
  PairWorld world;
  TestClient c(world.server);
  auto wait_for = [](int64_t n) {
    return fmt::format(R"(["T",{{"op":"wait","table":"a","where":[["n","==",{0}]],"columns":["n"],"until":"==","rows":[{{"n":{0}}},{{"n":{0}}}]}}])", n);
  };
  for (int n = 0; n < 20; n++) c.session->request("transact", *Json::parse(wait_for(n)), n, Time{});
  for (int n = 0; n < 20; n++) ASSERT_TRUE(world.insert_pair(n, false));
  std::set<int64_t> done;
  for (int turn = 0; turn < 40; turn++) {
    world.server.run(Time{}, 0);
    for (const Json& m : c.out.take())
      if (m.get("id").is_integer()) done.insert(m.get("id").integer());
    if (world.server.deadline() != Time::min()) break;
  }
  EXPECT_EQ(done.size(), 20u);
  TestClient greedy(world.server);
  for (size_t n = 0; n <= kMaxWaiting; n++) greedy.session->request("transact", *Json::parse(wait_for(100)), static_cast<int64_t>(n), Time{});
  auto refused = greedy.out.take();
  ASSERT_EQ(refused.size(), 1u);
  EXPECT_EQ(refused[0].get("error").get("error").string(), "resources exhausted");
}

}  // namespace
}  // namespace sluice::ovsdb
