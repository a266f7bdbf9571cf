// SPDX-License-Identifier: Apache-2.0
// Requests whose text is scanned, beside the same requests by way of JSON values: the same replies, and the same rows in the end, whatever the text; and the
// usual ones are scanned.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/dbserver/random_texts.h"
#include "tests/unit/dbserver/recorder.h"

namespace sluice::ovsdb {
namespace {

constexpr const char* kSchema = R"({"name":"T","tables":{
 "A":{"isRoot":true,"indexes":[["name"]],"columns":{"name":{"type":"string"},"n":{"type":{"key":{"type":"integer","minInteger":-5}}},"fixed":{"type":"integer","mutable":false},
   "e":{"type":{"key":{"type":"string","enum":["set",["in","out"]]}}},"m":{"type":{"key":"string","value":"string","min":0,"max":"unlimited"}},
   "r":{"type":{"key":"real","min":0}},"to":{"type":{"key":{"type":"uuid","refTable":"B"},"min":0,"max":"unlimited"}}}},
 "B":{"isRoot":true,"columns":{"v":{"type":{"key":"integer","min":0,"max":3}}}}}})";

/// Texts of requests, most of them right.
class Texts : public RandomTexts {
 public:
  explicit Texts(uint64_t seed) : RandomTexts(seed) {}
  std::string mostly(std::initializer_list<const char*> right, std::initializer_list<const char*> others) { return pick(12) ? one_of(right) : one_of(others); }

  std::string request(int id) {
    std::string operations = "\"T\"";
    for (size_t n = pick(20) ? 1 + pick(3) : 0; n > 0; n--) operations += "," + operation();
    std::string number = pick(20) ? std::to_string(id) : one_of({"\"text\"", "1.5", "[1]", "null", "\"\\u00e9\""});
    return object({"\"method\":" + (pick(40) ? std::string("\"transact\"") : "\"echo\""), "\"params\":[" + operations + "]", "\"id\":" + number});
  }

 private:
  /// Shuffled; at times one is there twice.
  std::string object(std::vector<std::string> members) {
    if (pick(2)) std::shuffle(members.begin(), members.end(), random_);
    if (!pick(30) && !members.empty()) members.push_back(members[pick(members.size())]);
    std::string text = "{";
    for (const std::string& m : members) text += (text.size() > 1 ? "," : "") + m;
    return text + "}";
  }
  std::string operation() {
    bool a = pick(3);
    std::string op = mostly({"insert", "insert", "update", "update", "delete"}, {"mutate", "comment", "select"});
    std::vector<std::string> members{"\"op\":\"" + op + "\"", std::string("\"table\":\"") + (pick(40) ? a ? "A" : "B" : "C") + "\""};
    if (op == "insert" || op == "update" || !pick(30)) members.push_back("\"row\":" + (a ? row_of_a() : object({"\"v\":" + mostly({"1", "[\"set\",[1,3]]", "[\"set\",[]]"}, {"[\"set\",[1,2,3,4]]"})})));
    if (op != "insert" || !pick(30)) members.push_back("\"where\":" + where(a));
    if (op == "insert" && !pick(3)) members.push_back("\"uuid-name\":\"" + one_of({"x", "y", "x-", ""}) + "\"");
    if (op == "comment") members.push_back("\"comment\":\"c\"");
    return object(members);
  }
  std::string row_of_a() {
    std::vector<std::string> members;
    if (pick(4)) members.push_back("\"name\":" + text());
    if (pick(2)) members.push_back("\"n\":" + number());
    if (!pick(30)) members.push_back("\"fixed\":" + number());
    if (pick(3)) members.push_back("\"e\":" + mostly({"\"in\"", "\"out\""}, {"\"none\""}));
    if (!pick(3)) members.push_back("\"m\":" + mostly({"[\"map\",[]]", "[\"map\",[[\"k\",\"v\"]]]", "[\"map\",[[\"b\",\"1\"],[\"a\",\"2\"]]]"}, {"[\"map\",[[\"a\",\"1\"],[\"a\",\"2\"]]]"}));
    if (!pick(4)) members.push_back("\"r\":" + mostly({"1.5", "[\"set\",[]]", "2"}, {"1e400"}));
    if (!pick(4)) members.push_back("\"to\":" + mostly({"[\"set\",[]]"}, {"[\"named-uuid\",\"x\"]", "[\"uuid\",\"00000000-0000-0000-0000-000000000001\"]"}));
    if (!pick(30)) members.push_back("\"other\":1");
    return object(members);
  }
  std::string where(bool a) {
    if (!pick(5)) return "[]";
    if (!a) return mostly({"[[\"v\",\"==\",1]]", "[[\"v\",\"==\",[\"set\",[1,3]]]]"}, {"[[\"v\",\"includes\",1]]", "[true]"});
    std::string uuid = rows.empty() ? "00000000-0000-0000-0000-000000000009" : rows[pick(rows.size())];
    if (pick(2)) return "[[\"_uuid\",\"==\",[\"uuid\",\"" + uuid + "\"]]]";
    return "[[\"name\",\"" + one_of({"==", "==", "==", "!="}) + "\"," + text() + "]" + (pick(3) ? "" : ",[\"n\",\"==\"," + number() + "]") + "]";
  }
  std::string text() { return mostly({"\"a\"", "\"b\"", "\"c\"", "\"\"", R"("with \"quotes\", longer than sixteen")", "\"\xc3\xa9\""}, {R"("\u00e9")", "\"\xff\"", "7"}); }
  std::string number() { return mostly({"0", "1", "2", "-5"}, {"-6", "1.0", "12345678901234567890", "01"}); }

 public:
  std::vector<std::string> rows;  // uuids that were inserted
};

/// Two servers that are told the same.
class TransactScan : public testing::Test {
 protected:
  struct World {
    World() { (void)server.add_database(make_database(kSchema, uuids), nullptr, ""); }
    std::string contents() {
      std::vector<std::string> rows;
      for (const Table& t : server.find("T")->db().tables())
        for (const RowPtr& row : t) {
          std::string text = t.schema().name + format(row->uuid()) + format(row->version());
          for (const ColumnSchema& c : t.schema().columns) text += '|' + std::string(row->get(c).bytes());
          rows.push_back(text);
        }
      std::sort(rows.begin(), rows.end());
      std::string all;
      for (const std::string& row : rows) all += row + '\n';
      return all;
    }
    UuidSource uuids{{1, 2, 3, 4}};
    Server server{uuids};
    TestClient client{server};
  };

  /// True if it was scanned.
  bool tell(const std::string& text) {
    auto j = Json::parse(text);
    std::vector<char> exact(text.begin(), text.end());  // no byte longer, so that reading beyond the end is seen by tools that look for it
    bool yes = scanned_.client.session->transact_text({exact.data(), exact.size()}, Time{});
    scanned_.server.run(Time{}, 1'700'000'000'000);
    if (!j || !j->is_object() || !j->get("method").is_string() || !j->get("params").is_array() || j->get("id").is_null()) {
      EXPECT_FALSE(yes) << text;
      return false;
    }
    auto a = yes ? scanned_.client.out.take() : scanned_.client.say_value(*j), b = parsed_.client.say_value(*j);
    EXPECT_EQ(a, b) << text;
    for (const Json& reply : b)
      for (const Json& result : reply.get("result").elements())
        if (!result.get("uuid").is_null()) texts_.rows.push_back(std::string(result.get("uuid")[1].string()));
    return yes;
  }
  World scanned_, parsed_;
  Texts texts_{1};
};

TEST_F(TransactScan, AgreesOnAnyText) {
  int scanned = 0;
  for (int i = 0; i < 20000; i++) scanned += tell(texts_.request(i));
  EXPECT_EQ(scanned_.contents(), parsed_.contents());
  EXPECT_GT(scanned, 6000);
}

TEST_F(TransactScan, AgreesOnDamagedText) {
  for (int i = 0; i < 30000; i++) tell(texts_.mutated(texts_.request(i)));
  EXPECT_EQ(scanned_.contents(), parsed_.contents());
}

TEST_F(TransactScan, UsualRequestsAreScanned) {
  EXPECT_TRUE(tell(R"({"id":1,"method":"transact","params":["T",{"op":"insert","row":{"name":"a","e":"in","m":["map",[["k","v"]]]},"table":"A","uuid-name":"x"}]})"));
  EXPECT_TRUE(tell(R"({"method":"transact","params":["T",{"op":"update","table":"A","where":[["name","==","a"]],"row":{"n":7}}],"id":"text"})"));
  EXPECT_TRUE(tell(R"({"method":"transact","params":["T",{"op":"insert","table":"A","row":{"name":"a","e":"out"}}],"id":2})"));  // a violation, which only the commit sees
  EXPECT_TRUE(tell(R"({"method":"transact","params":["T",{"op":"delete","where":[],"table":"A"}],"id":3})"));
  EXPECT_FALSE(tell(R"({"method":"transact","params":["T",{"op":"update","table":"A","where":[],"row":{"fixed":7}}],"id":4})"));
  EXPECT_EQ(scanned_.contents(), parsed_.contents());
}

}  // namespace
}  // namespace sluice::ovsdb
