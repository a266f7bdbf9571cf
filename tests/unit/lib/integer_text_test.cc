// SPDX-License-Identifier: Apache-2.0
// Digits of integers, beside those of the standard library.
#include "lib/integer_text.h"

#include <gtest/gtest.h>

#include <charconv>
#include <limits>
#include <random>
#include <string>

namespace sluice {
namespace {

std::string ours(int64_t i) {
  char text[kIntegerRoom];
  return {text, format_integer(text, i)};
}

std::string theirs(int64_t i) {
  char text[kIntegerRoom];
  return {text, std::to_chars(text, text + sizeof text, i).ptr};
}

TEST(IntegerText, EveryLength) {
  int64_t power = 1;
  for (int digits = 1; digits <= 19; digits++) {
    for (int64_t i : {power - 1, power, power + 1, 1 - power, -power}) EXPECT_EQ(ours(i), theirs(i));
    if (digits < 19) power *= 10;
  }
  for (int64_t i : {std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max()}) EXPECT_EQ(ours(i), theirs(i));
}

TEST(IntegerText, RandomOnes) {
  std::mt19937_64 random(1);
  for (int n = 0; n < 200000; n++) {
    auto i = static_cast<int64_t>(random() >> random() % 64);
    ASSERT_EQ(ours(i), theirs(i));
  }
  for (int64_t i = 0; i < 20000; i++) ASSERT_EQ(ours(i), theirs(i));
}

}  // namespace
}  // namespace sluice
