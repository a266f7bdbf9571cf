// SPDX-License-Identifier: Apache-2.0
// JSON: number rules, poison, ownership, printing, stream splitting.
#include "lib/json.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

std::string echo(std::string_view text) {
  auto j = Json::parse(text);
  JsonArena arena;
  auto a = arena.parse(text);
  EXPECT_EQ(j.has_value(), a.has_value());
  if (!j) return "error: " + j.error().text;
  EXPECT_EQ(*j, **a);
  Json copy = **a;
  EXPECT_EQ(copy.to_string(), j->to_string());
  EXPECT_EQ(copy.hash(), j->hash());
  return j->to_string();
}

TEST(Json, Numbers) {
  EXPECT_EQ(echo("[1.0,1e3,-0,-0.0,0.1,1.5e300,12345678901234567.5e2]"), "[1,1000,0,0,0.1,1.5e+300,1234567890123456750]");
  EXPECT_EQ(echo("[9223372036854775807,-9223372036854775808]"), "[9223372036854775807,-9223372036854775808]");
  EXPECT_EQ(echo("[9007199254740993.0,92233720368547758070e-1]"), "[9007199254740993,9223372036854775807]");
  EXPECT_TRUE((*Json::parse("[9223372036854775808]"))[0].is_real());
  EXPECT_TRUE((*Json::parse("[100000000000000000000000000]"))[0].is_real());
  EXPECT_EQ(echo("[0.0000000001e-2147483639,1e-99999999999999999999]"), "[0,0]");
  EXPECT_EQ(echo("[9223372036854775808,-9223372036854775809]"), "[9.2233720368547758e+18,-9.2233720368547758e+18]");
  EXPECT_FALSE(Json::parse("[1e400]"));
  EXPECT_FALSE(Json::parse("[1e99999999999999999999]"));
  EXPECT_FALSE(Json::parse("[01]"));
  EXPECT_FALSE(Json::parse("[1.]"));
}

TEST(Json, ObjectsAreSortedAndTheLastDuplicateWins) {
  EXPECT_EQ(echo(R"({"b":1,"a":{"z":null},"b":[true,false]})"), R"({"a":{"z":null},"b":[true,false]})");
  EXPECT_EQ(echo("{}"), "{}");
  Json o = Json::object({{"x", 1}});
  o.set("a", "text");
  o.set("x", Json::array({1, "two"}));
  EXPECT_EQ(o.to_string(), R"({"a":"text","x":[1,"two"]})");
  Json copy = o;
  EXPECT_EQ(copy, o);
  EXPECT_EQ(o.to_pretty_string(), "{\n  \"a\": \"text\",\n  \"x\": [\n    1,\n    \"two\"]}");
}

TEST(Json, Strings) {
  EXPECT_EQ(echo(R"(["\u00e9\ud83d\ude00\n\u0001\/"])"), "[\"\xc3\xa9\xf0\x9f\x98\x80\\n\\u0001/\"]");
  for (const char* bad : {R"(["\ud800"])", R"(["\udc00"])", R"(["\ud800x"])", R"(["\ud800\u0041"])", R"(["\u0000"])", "[\"\t\"]", "[\"\xff\"]", "[\"\xc0\x80\"]", R"(["\x"])", "[\"a", "hello", "[1]x", ""})
    EXPECT_FALSE(Json::parse(bad)) << bad;
}

TEST(Json, Depth) {
  EXPECT_TRUE(Json::parse(std::string(1000, '[') + std::string(1000, ']')));
  EXPECT_FALSE(Json::parse(std::string(1001, '[') + std::string(1001, ']')));
  EXPECT_FALSE(Json::parse(std::string(5'000'000, '[')));
}

TEST(JsonSplitter, ByteByByte) {
  std::string text = "\n {\"a\":\"}\\\"{\"} [1,2]\n{\"b\":[{}]}";
  JsonSplitter whole, bytes;
  std::vector<std::string> a, b;
  whole.feed(text);
  for (auto v = whole.next(); !v.empty(); v = whole.next()) a.emplace_back(v);
  for (char c : text) {
    bytes.feed({&c, 1});
    for (auto v = bytes.next(); !v.empty(); v = bytes.next()) b.emplace_back(v);
  }
  EXPECT_EQ(a, (std::vector<std::string>{"{\"a\":\"}\\\"{\"}", "[1,2]", "{\"b\":[{}]}"}));
  EXPECT_EQ(a, b);
  EXPECT_TRUE(bytes.empty());
}

TEST(JsonSplitter, AnyCut) {
  std::string text = R"({"method":"transact","params":["T",{"a":"quote \" brace } \\"}],"id":[1,[2,{"x":"\\\"]}"}]]} [] {"k":"0123456789abcdef0123456789abcdef"})";
  JsonSplitter whole;
  whole.feed(text);
  std::vector<std::string> want;
  for (auto v = whole.next(); !v.empty(); v = whole.next()) want.emplace_back(v);
  ASSERT_EQ(want.size(), 3u);
  for (const auto& v : want) EXPECT_TRUE(Json::parse(v)) << v;
  for (size_t cut = 0; cut <= text.size(); cut++) {
    JsonSplitter s;
    std::vector<std::string> got;
    for (auto part : {text.substr(0, cut), text.substr(cut)}) {
      s.feed(part);
      for (auto v = s.next(); !v.empty(); v = s.next()) got.emplace_back(v);
    }
    EXPECT_EQ(got, want) << cut;
  }
}

TEST(JsonSplitter, Garbage) {
  JsonSplitter s;
  s.feed("hello");
  EXPECT_TRUE(s.next().empty());
  EXPECT_EQ(s.error().text, "line 0, column 5, byte 5: invalid keyword 'hello'");
  JsonSplitter deep;
  deep.feed(std::string(2000, '['));
  EXPECT_TRUE(deep.next().empty());
  EXPECT_TRUE(deep.failed());
  JsonSplitter big(10);
  big.feed("[\"");
  EXPECT_TRUE(big.next().empty());
  EXPECT_FALSE(big.failed());
  big.feed("0123456789");
  EXPECT_TRUE(big.next().empty());
  EXPECT_TRUE(big.failed());
}

TEST(Json, ErrorsNameTheTokenThatIsWrong) {
  const std::pair<const char*, const char*> cases[] = {
      {"[1,", "byte 3: unexpected end of input"},
      {"[1 2]", "byte 4: syntax error expecting ']' or ','"},
      {"{\"a\"", "byte 4: unexpected end of input"},
      {"{a:1}", "byte 2: invalid keyword 'a'"},
      {"[tru]", "byte 4: invalid keyword 'tru'"},
      {"[truex]", "byte 6: invalid keyword 'truex'"},
      {"[-]", "byte 2: '-' must be followed by digit"},
      {"[01]", "byte 3: leading zeros not allowed"},
      {"", "byte 0: empty input stream"},
      {"[1]x", "byte 4: invalid keyword 'x'"},
      {"[1] 2", "byte 5: trailing garbage at end of input"},
      {"{\"a\":1,}", "byte 7: syntax error parsing object expecting string"},
      {"{1:2}", "byte 2: syntax error parsing object expecting string"},
      {"[@]", "byte 1: invalid character '@'"},
      {"[A]", "byte 1: invalid character 'A'"},
      {"[\"a\" \"bcd\"]", "byte 9: syntax error expecting ']' or ','"},
      {"{\"a\" 1}", "byte 6: syntax error parsing object expecting ':'"},
      {"[1}", "byte 2: syntax error expecting ']' or ','"},
      {"[\"a\x01\"]", "byte 3: U+0001 must be escaped in quoted string"},
      {"[\"a\\q\"]", "byte 3: bad escape \\q"},
      {"[\"\\ud800x\"]", "byte 2: malformed escaped surrogate pair"},
  };
  for (const auto& [text, error] : cases) {
    auto j = Json::parse(text);
    ASSERT_FALSE(j) << text;
    EXPECT_TRUE(j.error().text.ends_with(error)) << text << ": " << j.error().text;
  }
}

}  // namespace
}  // namespace sluice
