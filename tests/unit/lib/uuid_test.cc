// SPDX-License-Identifier: Apache-2.0
// Text of uuids both ways; every byte at every place.
#include "lib/uuid.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

const std::string kText = "01234567-89ab-cdef-fedc-ba9876543210";
constexpr Uuid kValue{0x0123456789abcdef, 0xfedcba9876543210};

TEST(Uuid, BothWays) {
  EXPECT_EQ(format(kValue), kText);
  EXPECT_EQ(parse_uuid(kText), kValue);
  EXPECT_EQ(parse_uuid("01234567-89AB-CDEF-FEDC-BA9876543210"), kValue);
  UuidSource source{{1, 2, 3, 4}};
  for (int i = 0; i < 1000; i++) {
    Uuid u = source.next();
    ASSERT_EQ(parse_uuid(format(u)), u);
  }
}

TEST(Uuid, EveryByteAtEveryPlace) {
  constexpr std::string_view kDigits = "0123456789abcdef0123456789ABCDEF";
  for (size_t at = 0; at < kText.size(); at++) {
    bool dash = kText[at] == '-';
    for (int c = 0; c < 256; c++) {
      std::string text = kText;
      text[at] = static_cast<char>(c);
      size_t digit = kDigits.find(static_cast<char>(c));
      auto u = parse_uuid(text);
      ASSERT_EQ(u.has_value(), dash ? c == '-' : digit != kDigits.npos) << at << " " << c;
      if (!u || dash) continue;
      text[at] = kDigits[digit % 16];
      ASSERT_EQ(format(*u), text);
    }
  }
  EXPECT_FALSE(parse_uuid(kText.substr(1)));
  EXPECT_FALSE(parse_uuid(kText + "0"));
  EXPECT_FALSE(parse_uuid(""));
}

}  // namespace
}  // namespace sluice
