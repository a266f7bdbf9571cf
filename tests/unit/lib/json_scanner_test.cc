// SPDX-License-Identifier: Apache-2.0
// What the scanner says yes to is what the parser reads.
#include "lib/json_scanner.h"

#include <gtest/gtest.h>

#include <string>

namespace sluice {
namespace {

std::string string_of(std::string_view text) {
  ByteBuffer spare;
  JsonScanner s(text, spare);
  std::string_view v;
  return s.string(v) && s.at_end() ? std::string(v) : "no";
}

TEST(JsonScanner, StringsOfAllLengths) {
  for (size_t n = 0; n < 50; n++) {
    std::string plain(n, 'x');
    EXPECT_EQ(string_of('"' + plain + '"'), plain);
    EXPECT_EQ(string_of('"' + plain), "no");
    for (size_t at = 0; at <= n; at++) {
      std::string text = '"' + std::string(plain).insert(at, "\\\"") + '"';
      EXPECT_EQ(string_of(text), Json::parse(text)->string()) << text;
      EXPECT_EQ(string_of('"' + std::string(plain).insert(at, "\x01") + '"'), "no");
    }
  }
}

TEST(JsonScanner, Escapes) {
  EXPECT_EQ(string_of(R"("\"\\\/\b\f\n\r\t")"), "\"\\/\b\f\n\r\t");
  for (const char* bad : {R"("\u0041")", R"("\x")", R"("\)", R"("a\")", "x", "\"", ""}) EXPECT_EQ(string_of(bad), "no") << bad;
}

TEST(JsonScanner, StringsStayWhileOthersAreRead) {
  std::string text = R"("a\nb","c\nd","plain")";
  ByteBuffer spare;
  JsonScanner s(text, spare);
  std::string_view a, b, c;
  ASSERT_TRUE(s.string(a) && s.take(',') && s.string(b) && s.take(',') && s.string(c) && s.at_end());
  EXPECT_EQ(a, "a\nb");
  EXPECT_EQ(b, "c\nd");
  EXPECT_EQ(c, "plain");
}

TEST(JsonScanner, Numbers) {
  for (const char* text : {"0", "-0", "7", "-12", "123456789012345678", "-123456789012345678", "1234567890123456789", "9223372036854775807", "-9223372036854775808"}) {
    ByteBuffer spare;
    JsonScanner s(text, spare);
    int64_t n = 5;
    ASSERT_TRUE(s.integer(n) && s.at_end()) << text;
    EXPECT_EQ(n, Json::parse(text)->integer()) << text;
  }
  for (const char* text : {"", "-", "01", "-01", "1.0", "1e1", "+1", "9223372036854775808", "-9223372036854775809", "99999999999999999999", "a", "1234567890123456789e1", "1234567890123456789.5", "01234567890123456789"}) {
    ByteBuffer spare;
    JsonScanner s(text, spare);
    int64_t n;
    EXPECT_FALSE(s.integer(n) && s.at_end()) << text;
  }
  for (const char* text : {"0", "-0.0", "1.5", "-1e3", "2E+2", "1e-400", "0.1", "1e400", "1.", ".5", "1e", "00", "--1", "1e+", "x", ""}) {
    ByteBuffer spare;
    JsonScanner s(text, spare);
    Json n;
    auto parsed = Json::parse(text);
    ASSERT_EQ(s.number(n) && s.at_end(), parsed.has_value()) << text;
    if (parsed) {
      EXPECT_EQ(n, *parsed) << text;
    }
  }
}

TEST(JsonScanner, MarksAndLiterals) {
  ByteBuffer spare;
  JsonScanner s(" { \"a\":true , false}\n", spare);
  EXPECT_FALSE(s.take('['));
  EXPECT_TRUE(s.take('{'));
  EXPECT_FALSE(s.take('}'));
  EXPECT_FALSE(s.literal("\"b\":"));
  EXPECT_TRUE(s.literal("\"a\":"));
  bool b = false;
  EXPECT_TRUE(s.boolean(b) && b);
  EXPECT_TRUE(s.take(','));
  EXPECT_FALSE(s.take('}'));
  EXPECT_TRUE(s.boolean(b) && !b);
  EXPECT_TRUE(s.take('}') && s.at_end());
  EXPECT_FALSE(s.take('}'));
  EXPECT_FALSE(s.literal("x"));
}

}  // namespace
}  // namespace sluice
