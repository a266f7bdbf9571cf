// SPDX-License-Identifier: Apache-2.0
// What the writer writes, the parser reads back: strings of every length with an escape at every place, numbers, pieces of all sizes.
#include "lib/json_writer.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "lib/json.h"

namespace sluice {
namespace {

std::string written(auto write) {
  std::string text = "before ";
  JsonWriter out(text);
  write(out);
  out.finish();
  return text.substr(7);
}

/// Byte by byte.
std::string naive_string(std::string_view s) {
  std::string out = "\"";
  for (char c : s) {
    constexpr std::string_view kNamed = "\"\\\b\f\n\r\t", kNames = "\"\\bfnrt";
    char text[8];
    if (size_t i = kNamed.find(c); i != kNamed.npos) out += {'\\', kNames[i]};
    else if (static_cast<unsigned char>(c) < 0x20) out.append(text, static_cast<size_t>(snprintf(text, sizeof text, "\\u%04x", c)));
    else out += c;
  }
  return out + '"';
}

TEST(JsonWriter, StringsOfEveryLengthWithAnEscapeAnywhere) {
  for (size_t n = 0; n < 70; n++) {
    for (size_t at = 0; at <= n; at++) {
      std::string s(n, 'x');
      if (at < n) s[at] = "\"\\\n\x01\x1f\x7f"[(n + at) % 6];
      EXPECT_EQ(written([&](JsonWriter& out) { out.string(s); }), naive_string(s));
    }
  }
}

TEST(JsonWriter, RandomStrings) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 5000; round++) {
    std::string s(random() % 100, ' ');
    for (char& c : s) c = static_cast<char>(random() % 5 ? 'a' + random() % 26 : 1 + random() % 127);
    std::string text = written([&](JsonWriter& out) { out.string(s); });
    ASSERT_EQ(text, naive_string(s));
    ASSERT_EQ(Json::parse(text)->string(), s);
  }
}

TEST(JsonWriter, Integers) {
  std::mt19937_64 random(1);
  auto check = [](int64_t v) { ASSERT_EQ(written([&](JsonWriter& out) { out.integer(v); }), std::to_string(v)); };
  for (int64_t v = 1; v > 0 && v < std::numeric_limits<int64_t>::max() / 10; v *= 10)
    for (int64_t d : {-1, 0, 1}) check(v + d), check(-v + d);
  check(std::numeric_limits<int64_t>::max());
  check(std::numeric_limits<int64_t>::min());
  for (int i = 0; i < 10000; i++) check(static_cast<int64_t>(random()) >> (random() % 64));
}

TEST(JsonWriter, RealsComeBack) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 10000; i++) {
    double d = static_cast<double>(static_cast<int64_t>(random())) / static_cast<double>(1 + random() % 1000000);
    std::string text = written([&](JsonWriter& out) { out.real(d); });
    ASSERT_EQ(Json::parse(text)->number(), d) << text;
  }
  // The text of a fraction whose double is integral: what is read back is an integer, and the same number.
  for (const char* fraction : {"4674407370955161.9", "-46744073709551614.5", "123456789012345678.5", "9223372036854775808", "-9223372036854775809", "1e300"}) {
    Json read = *Json::parse(fraction);
    ASSERT_TRUE(read.is_real()) << fraction;
    ASSERT_EQ(Json::parse(read.to_string())->number(), read.number()) << fraction;
  }
  EXPECT_EQ(written([](JsonWriter& out) { out.real(0.1); }), "0.1");
  EXPECT_EQ(written([](JsonWriter& out) { out.real(1e18); }), "1e+18");
}

TEST(JsonWriter, PiecesOfEverySizeAndCutting) {
  std::string expected;
  std::string got = written([&](JsonWriter& out) {
    for (size_t n = 0; n < 200; n++) {
      std::string piece(n, static_cast<char>('a' + n % 26));
      out.put(std::string_view(piece));
      expected += piece;
      out.put("lit");
      out.put(',');
      expected += "lit,";
      if (n % 7) continue;
      size_t size = out.size();
      out.put("gone");
      out.cut(size);
    }
    out.boolean(true);
    out.uuid_name({1, 2});
    out.uuid_atom({3, 4});
  });
  EXPECT_EQ(got, expected + "true\"00000000-0000-0001-0000-000000000002\":[\"uuid\",\"00000000-0000-0003-0000-000000000004\"]");
}

TEST(JsonWriter, TheStringIsCutToWhatWasWritten) {
  std::string text;
  { JsonWriter out(text); }
  EXPECT_EQ(text, "");
  {
    JsonWriter out(text);
    out.reserve(1000);
    out.put("x");
  }
  EXPECT_EQ(text, "x");
  JsonWriter again(text);
  again.put("y");
  EXPECT_EQ(again.size(), 2u);
  again.finish();
  again.finish();
  EXPECT_EQ(text, "xy");
}

}  // namespace
}  // namespace sluice
