// SPDX-License-Identifier: Apache-2.0
// Replays a recorded conversation with Open vSwitch's server (tests/golden/ovsdb-transcripts.jsonl) and compares our answers.  The recording is a
// selection from one story: the steps that are not in it, but on which others depend, are added here.  Random uuids are masked; rows have no order.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <regex>
#include <sstream>

#include "lib/jsonrpc.h"
#include "tests/unit/dbserver/recorder.h"
#include "tests/unit/dbserver/sim_disk.h"

namespace sluice::ovsdb {
namespace {

const std::string kGolden = "tests/golden/";

std::string slurp(const std::string& path) {
  std::ifstream f(path);
  std::ostringstream s;
  s << f.rdbuf();
  return s.str();
}

/// Random uuids (version 4), and the commit ids that the peer does not have, read as one word.
std::string mask(const std::string& text) {
  static const std::regex kRandom("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}|00000000-0000-0000-0000-000000000000");
  return std::regex_replace(text, kRandom, "UUID");
}

Json canonical(const Json& j) {
  if (j.is_array()) {
    std::vector<Json> all;
    for (const Json& e : j.elements()) all.push_back(canonical(e));
    bool rows = !all.empty() && std::all_of(all.begin(), all.end(), [](const Json& e) { return e.is_object(); });
    if (rows) std::sort(all.begin(), all.end(), [](const Json& a, const Json& b) { return a.to_string() < b.to_string(); });
    return Json::array(std::move(all));
  }
  if (j.is_object()) {
    std::vector<std::pair<std::string, Json>> all;
    for (const JsonMember& m : j.members())
      if (m.name() != "id") all.emplace_back(m.name(), canonical(m.value));
    return Json::object(std::move(all));
  }
  return j;
}

std::string comparable(const std::vector<Json>& messages) {
  std::vector<std::string> all;
  for (const Json& m : messages) all.push_back(mask(canonical(*Json::parse(mask(m.to_string()))).to_string()));
  std::sort(all.begin(), all.end());
  std::string out;
  for (auto& s : all) out += s + "\n";
  return out;
}

const std::string kRow =
    R"("r":1.5,"b":true,"u":["uuid","00000000-0000-0000-0000-000000000001"],"oi":["set",[]],"si":["set",[1,2]],"m":["map",[["k","v"]]],"en":"a","imm":"x","eph":"e")";

class GoldenReplay : public ::testing::Test {
 protected:
  GoldenReplay() : server(uuids), first(std::make_unique<TestClient>(server)), second(server), watcher(server) {
    auto schema = DatabaseSchema::from_file(kGolden + "ovsdb-test.ovsschema");
    auto journal = std::make_unique<Journal>(std::make_unique<SimDisk>(), 0, 0);
    (void)server.add_database(std::make_unique<Database>(*schema, uuids), std::move(journal), "");
    first = std::make_unique<TestClient>(server);
    first->say_text(R"({"id":0,"method":"set_db_change_aware","params":[true]})");
    for (TestClient* c : {&second, &watcher}) {
      c->out.closed = false;
      c->say_text(R"({"id":0,"method":"set_db_change_aware","params":[true]})");
    }
  }

  /// Steps of the story that are not recorded.
  void prepare(const std::string& name) {
    auto ask = [](TestClient& c, const std::string& method, const std::string& params) {
      c.say_text("{\"id\":\"extra\",\"method\":\"" + method + "\",\"params\":" + params + "}");
    };
    if (name == "delete-referenced")
      ask(*first, "transact", R"(["T",{"op":"insert","table":"leaf","uuid-name":"x","row":{"v":7}},{"op":"insert","table":"root","row":{"name":"p","c":["named-uuid","x"],)" + kRow + "}}]");
    if (name == "mutate-overflow") ask(*first, "transact", R"(["T",{"op":"update","table":"root","where":[["name","==","n1"]],"row":{"i":2}}])");
    if (name == "wait-ok") ask(*first, "transact", R"(["T",{"op":"update","table":"root","where":[["name","==","n1"]],"row":{"i":1}}])");
    if (name == "monitor-array") {
      ask(watcher, "monitor", R"(["T","m1",{"root":{"columns":["name","i"]}}])");
    }
    if (name == "change-modify") {
      ask(*first, "transact", R"(["T",{"op":"update","table":"root","where":[["name","==","n1"]],"row":{"i":1,"si":["set",[1,2]],"m":["map",[["k","v"]]],"oi":["set",[]]}}])");
      watcher.out.take();
      ask(watcher, "monitor_cond", R"(["T","m3",{"root":[{"columns":["name","i","si","m","oi"],"where":[["name","==","n1"]]}]}])");
      ask(watcher, "monitor_cond_since", R"(["T","m4",{"root":[{"columns":["name","i"]}]},"00000000-0000-0000-0000-000000000000"])");
      ask(watcher, "monitor_cond_since", R"(["T","m5",{"root":[{"columns":["name"],"where":[["name","==","nothing"]]}]},"00000000-0000-0000-0000-000000000000"])");
      watcher.out.take();
    }
    if (name == "monitor_cond_change" || name == "tail") watcher.out.take();
  }

  UuidSource uuids{{1, 2, 3, 4}};
  Server server;
  std::unique_ptr<TestClient> first;
  TestClient second, watcher;
};

/// Whether a step is one on the connection that monitors.
bool is_watcher_step(const std::string& name) {
  return name.starts_with("monitor-array") || name.starts_with("monitor_cond_change") || name.starts_with("notify");
}

TEST_F(GoldenReplay, AllSteps) {
  // What cannot be replayed with a request alone, and why.
  const std::map<std::string, std::string> kElsewhere = {
      {"convert", "schema is described, not recorded"},  {"convert-wrong-name", "same"},      {"convert-bad-type", "same"},
      {"list_dbs", "has no order"},                      {"monitor-server", "key order of a schema text"},  {"get_schema", "compared as a schema in schema_test"},
      {"cancel", "we always answer"},
  };
  std::istringstream lines(slurp(kGolden + "ovsdb-transcripts.jsonl"));
  std::string line;
  size_t compared = 0;
  while (std::getline(lines, line)) {
    auto step = Json::parse(line);
    ASSERT_TRUE(step) << step.error().text;
    std::string name(step->get("name").string());
    if (kElsewhere.contains(name) || name.starts_with("frame-")) continue;
    prepare(name);
    TestClient& client = name == "lock-by-second" || name.starts_with("second-") ? second : is_watcher_step(name) ? watcher : *first;
    std::vector<Json> got;
    if (step->get("req").is_object()) {
      Json request = step->get("req");
      request.set("id", 1);
      got = client.say(request);
    } else {
      got = client.out.take();
    }
    std::vector<Json> want;
    for (const Json& m : step->get("rep").elements()) want.push_back(m);
    EXPECT_EQ(comparable(got), comparable(want)) << name << ": " << step->get("req").to_string();
    compared++;
  }
  EXPECT_GT(compared, 95u);
}

TEST(GoldenFrames, WhatIsNoMessageIsRefused) {
  std::istringstream lines(slurp(kGolden + "ovsdb-transcripts.jsonl"));
  std::string line;
  while (std::getline(lines, line)) {
    auto step = Json::parse(line);
    std::string name(step->get("name").string());
    if (!name.starts_with("frame-")) continue;
    JsonSplitter splitter;
    splitter.feed(step->get("req").string());
    bool refused = false;
    for (auto v = splitter.next(); !v.empty(); v = splitter.next()) {
      auto j = Json::parse(v);
      refused |= !j || !classify_jsonrpc(*j);
    }
    refused |= splitter.failed();
    EXPECT_EQ(refused, step->get("rep")[0].string() == "<closed>") << name;
  }
}

}  // namespace
}  // namespace sluice::ovsdb
