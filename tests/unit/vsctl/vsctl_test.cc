// SPDX-License-Identifier: Apache-2.0
// vsctl's commands against our server, in-process: what they print, what they refuse, and what of the database they ask for.
#include <gtest/gtest.h>

#include "dbserver/server.h"
#include "tests/unit/dbserver/recorder.h"
#include "tests/unit/dbserver/sim_disk.h"
#include "utilities/vsctl/run.h"
#include "vswitchd/schema.h"

namespace sluice::vsctl {
namespace {

class VsctlTest : public ::testing::Test {
 protected:
  VsctlTest() : server(uuids) {
    auto journal = std::make_unique<ovsdb::Journal>(std::make_unique<ovsdb::SimDisk>(), 0, 0);
    auto db = std::make_unique<ovsdb::Database>(schema::make_vswitch_schema(), uuids);
    (void)server.add_database(std::move(db), std::move(journal), "");
    client = std::make_unique<ovsdb::TestClient>(server);
    client->say_text(R"({"id":0,"method":"set_db_change_aware","params":[true]})");
    options.wait = false;
    options.style.format = ovsdb::TableStyle::Format::list;
    run("init");
  }

  Link link() {
    Link l;
    l.call = [this](std::string_view method, const Json& params) -> std::expected<Json, JsonRpcFailure> {
      calls++;
      std::string request = params.to_string();
      requested += request + "\n";
      for (const Json& m : client->say(Json::object({{"id", 1}, {"method", method}, {"params", params}}))) {
        if (m.get("method").is_string()) continue;
        answered += m.to_string().size();
        if (m.find("error") && !m.get("error").is_null()) return std::unexpected(JsonRpcFailure{m.get("error"), ""});
        return m.get("result");
      }
      return std::unexpected(JsonRpcFailure{{}, "no answer"});
    };
    l.next_notification = [this]() -> std::expected<std::pair<std::string, Json>, std::string> {
      if (!on_wait) return std::unexpected("would wait for ever");
      std::exchange(on_wait, nullptr)();
      return std::pair("update", Json::array());
    };
    return l;
  }

  RunResult run_words(const std::vector<std::string>& words) {
    auto commands = parse_commands(words, {});
    if (!commands) return {1, "", commands.error() + "\n", {}};
    calls = answered = 0;
    requested.clear();
    return vsctl::run(*commands, options, link(), uuids);
  }
  /// Words separated by blanks.
  RunResult run(const std::string& line) {
    std::vector<std::string> words;
    for (size_t i = 0; i < line.size();) {
      size_t end = std::min(line.find(' ', i), line.size());
      words.push_back(line.substr(i, end - i));
      i = end + 1;
    }
    return run_words(words);
  }
  std::string out(const std::string& line) {
    RunResult r = run(line);
    EXPECT_EQ(r.exit_status, 0) << line << ": " << r.err;
    return r.out;
  }
  std::string error(const std::string& line) {
    RunResult r = run(line);
    EXPECT_EQ(r.exit_status, 1) << line;
    EXPECT_EQ(r.out, "") << line;
    return r.err;
  }

  UuidSource uuids{{1, 2, 3, 4}};
  ovsdb::Server server;
  std::unique_ptr<ovsdb::TestClient> client;
  RunOptions options;
  std::function<void()> on_wait;
  int calls = 0;
  size_t answered = 0;
  std::string requested;
};

TEST_F(VsctlTest, BridgesAndFakeBridges) {
  out("add-br br0");
  EXPECT_EQ(error("add-br br0"), "cannot create a bridge named br0 because a bridge named br0 already exists\n");
  out("--may-exist add-br br0 -- add-br vlan5 br0 5");
  out("add-port br0 p1 -- add-port vlan5 p2 -- add-port br0 p3 tag=5");
  EXPECT_EQ(out("list-br"), "br0\nvlan5\n");
  EXPECT_EQ(out("--fake list-br"), "vlan5\n");
  EXPECT_EQ(out("list-ports br0"), "p1\n");
  EXPECT_EQ(out("list-ports vlan5"), "p2\np3\n");
  EXPECT_EQ(out("port-to-br p3 -- br-to-parent vlan5 -- br-to-vlan vlan5"), "vlan5\nbr0\n5\n");
  EXPECT_EQ(error("del-port br0 p2"), "bridge br0 does not have a port p2 (although its child bridge vlan5 does)\n");
  out("del-br vlan5");
  EXPECT_EQ(out("list-br -- list-ports br0"), "br0\np1\n");
  EXPECT_EQ(run("br-exists vlan5").exit_status, 2);
}

TEST_F(VsctlTest, LaterCommandsSeeWhatEarlierOnesDid) {
  EXPECT_EQ(out("add-br a -- add-port a p -- list-ports a -- del-port p -- list-ports a -- add-port a p -- iface-to-br p"), "p\na\n");
  EXPECT_EQ(out("del-br a -- add-br a -- list-ports a"), "");
  EXPECT_EQ(out("add-bond a b i1 i2 -- add-bond-iface b i3 -- del-bond-iface i1 -- list-ifaces a"), "i2\ni3\n");
  EXPECT_EQ(error("add-br x -- add-br x"), "cannot create a bridge named x because a bridge named x already exists\n");
  EXPECT_EQ(out("list-br"), "a\n");  // nothing of a failed list of commands stays
}

TEST_F(VsctlTest, DatabaseCommands) {
  out("add-br br0 -- set bridge br0 other_config:a=b other-config:c=d stp_enable=true");
  EXPECT_EQ(out("get bridge br0 other_config stp_enable other_config:a"), "{a=b, c=d}\ntrue\nb\n");
  out("remove bridge br0 other_config a -- add br br0 protocols OpenFlow10 OpenFlow13");
  EXPECT_EQ(out("get br br0 other_config protocols"), "{c=d}\n[OpenFlow10, OpenFlow13]\n");
  EXPECT_EQ(out("--columns=name find bridge protocols{>=}OpenFlow13"), "name                : br0\n");
  EXPECT_EQ(out("--columns=name find bridge other_config:c!=d"), "");
  EXPECT_EQ(error("set bridge br0 nosuch=1"), "Bridge does not contain a column whose name matches \"nosuch\"\n");
  EXPECT_EQ(error("set bridge br0 name=x"), "cannot modify read-only column name in table Bridge\n");
  EXPECT_EQ(error("get bridge x name"), "no row \"x\" in table Bridge\n");
  EXPECT_EQ(error("set port br0 qos=@q"), "row id \"@q\" is referenced but never created (e.g. with \"-- --id=@q create ...\")\n");
  EXPECT_EQ(out("--id=@m create mirror name=m -- add bridge br0 mirrors @m").size(), 37u);
  EXPECT_EQ(out("--columns=name list mirror"), "name                : m\n");
}

TEST_F(VsctlTest, WhatIsRefusedNamesWhatIsWrong) {
  EXPECT_EQ(error("nosuch"), "unknown command 'nosuch'; use --help for help\n");
  EXPECT_EQ(error("add-br"), "'add-br' command requires at least 1 arguments\n");
  EXPECT_EQ(error("list-br -- --may-exist list-br"), "'list-br' command has no '--may-exist' option\n");
  EXPECT_EQ(error("list i"), "\"i\" matches multiple table names: IPFIX, Interface\n");
  EXPECT_EQ(error("set bridge"), "'set' command requires at least 3 arguments\n");
  EXPECT_EQ(error("set-fail-mode nosuch secure"), "no bridge named nosuch\n");
}

TEST_F(VsctlTest, RowsOfADeletedBridgeAreGoneAtOnce) {
  EXPECT_EQ(out("add-br a -- del-br a -- add-br a -- set interface a other_config:k=v -- get interface a other_config:k"), "v\n");
  EXPECT_EQ(out("del-br a -- add-br a -- get interface a other_config"), "{}\n");
}

TEST_F(VsctlTest, NamesAndVlansThatCannotBe) {
  EXPECT_EQ(run_words({"add-br", ""}).err, "bridge name must not be empty string\n");
  out("add-br br0 -- add-br v9 br0 9");
  EXPECT_EQ(run_words({"add-port", "br0", ""}).err, "port name must not be empty string\n");
  EXPECT_EQ(error("--may-exist add-br w9 br0 9"), "bridge br0 already has a child VLAN bridge v9 on VLAN 9\n");
  EXPECT_EQ(error("add bridge br0 datapath_id x y"),
            "transaction error: {\"details\":\"set must have 0 to 1 members but 2 are present\",\"error\":\"syntax error\",\"syntax\":"
            "\"[\\\"set\\\",[\\\"x\\\",\\\"y\\\"]]\"}\n");
}

TEST_F(VsctlTest, RowsByChosenUuidsAndNamesThatLookLikeUuids) {
  const std::string uuid = "c5cc12f8-eaa1-43a7-8a73-bccd18df1111";
  EXPECT_EQ(out("--id=" + uuid + " create bridge name=b -- add open . bridges " + uuid), uuid + "\n");
  EXPECT_EQ(out("get bridge " + uuid + " name"), "b\n");
  out("add-br 0fcd11a1-2ba8-4b38-a358-4bccf2bf3057");
  EXPECT_EQ(out("get interface 0fcd11a1-2ba8-4b38-a358-4bccf2bf3057 type"), "internal\n");
  // What can't be changed later may be changed as long as the row is new.
  EXPECT_EQ(out("--id=@n create bridge name=x -- set bridge x name=y -- add open . bridges @n -- get bridge y name").substr(37), "y\n");
}

TEST_F(VsctlTest, WaitUntilLooksAgainAtEachChange) {
  on_wait = [this] { ovsdb::TestClient(server).transact(R"({"op":"update","table":"Open_vSwitch","where":[],"row":{"cur_cfg":7}})", "Open_vSwitch"); };
  EXPECT_EQ(out("wait-until open . cur_cfg=7 -- get open . cur_cfg"), "7\n");
}

TEST_F(VsctlTest, AConcurrentChangeMeansAnotherTry) {
  out("add-br br0 -- set-controller br0 tcp:1.1.1.1");
  // Between our look and our commit another client replaces the controllers: no row of either may stay behind by mistake.
  Link l = link();
  auto plain = l.call;
  bool done = false;
  l.call = [&](std::string_view method, const Json& params) {
    bool commit = params.to_string().find("\"insert\"") != std::string::npos;
    if (commit && !std::exchange(done, true))
      ovsdb::TestClient(server).transact(R"({"op":"insert","table":"Controller","uuid-name":"c","row":{"target":"tcp:9.9.9.9"}},
        {"op":"update","table":"Bridge","where":[],"row":{"controller":["named-uuid","c"]}})", "Open_vSwitch");
    return plain(method, params);
  };
  std::vector<std::string> words{"set-controller", "br0", "tcp:2.2.2.2"};
  RunResult r = vsctl::run(*parse_commands(words, {}), options, l, uuids);
  EXPECT_EQ(r.exit_status, 0) << r.err;
  EXPECT_TRUE(done);
  EXPECT_EQ(out("get-controller br0"), "tcp:2.2.2.2\n");
}

/// Adding a port asks for the same, whether there are two ports or a thousand.
TEST_F(VsctlTest, WorkDoesNotGrowWithTheNumberOfPorts) {
  out("add-br br0");
  out("add-port br0 first");
  size_t few = answered;
  std::vector<std::string> words;
  for (int i = 0; i < 1000; i++) words.insert(words.end(), {"--", "add-port", "br0", "p" + std::to_string(i)});
  ASSERT_EQ(run_words(words).exit_status, 0);
  out("add-port br0 last");
  EXPECT_LT(answered, few + 200);
  EXPECT_LT(calls, 16);
}

TEST_F(VsctlTest, OneLineAndTables) {
  out("add-br br0 -- add-br br1");
  options.oneline = true;
  EXPECT_EQ(out("list-br -- br-to-vlan br0"), "br0\\nbr1\n0\n");
  options.oneline = false;
  options.style.format = ovsdb::TableStyle::Format::csv;
  EXPECT_EQ(out("--columns=name,stp_enable list bridge br0"), "name,stp_enable\nbr0,false\n");
}

}  // namespace
}  // namespace sluice::vsctl
