// SPDX-License-Identifier: Apache-2.0
#include "lib/text.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

TEST(Text, HexBothWays) {
  const Bytes bytes{0x00, 0x1a, 0xff};
  EXPECT_EQ(hex(bytes), "001aff");
  EXPECT_EQ(hex(bytes, "."), "00.1a.ff");
  EXPECT_EQ(parse_hex("001aFF"), bytes);
  EXPECT_EQ(parse_hex("00.1a ff", ". "), bytes);
  EXPECT_EQ(parse_hex("0 01aff", " "), bytes);
  EXPECT_EQ(parse_hex(""), Bytes());
}

TEST(Text, HexRefuses) {
  for (const char* text : {"1", "1g", "g1", "001", "0x12", "-1", "12 34"}) EXPECT_FALSE(parse_hex(text)) << text;
}

TEST(Text, Joins) {
  EXPECT_EQ(join(std::vector<std::string>{}, ", "), "");
  EXPECT_EQ(join(std::vector<std::string_view>{"a", "", "c"}, ", "), "a, , c");
  std::string out = "x";
  append(out, "{}-{:02x}", 1, 10);
  EXPECT_EQ(out, "x1-0a");
}

}  // namespace
}  // namespace sluice
