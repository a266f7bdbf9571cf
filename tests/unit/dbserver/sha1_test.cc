// SPDX-License-Identifier: Apache-2.0
// Sums of many texts at once are those of each alone, whatever their lengths.
#include "dbserver/engine/sha1.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace sluice::ovsdb {
namespace {

std::string_view text(const Sha1Text& t) { return t; }

TEST(Sha1, KnownSums) {
  EXPECT_EQ(text(sha1("")), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
  EXPECT_EQ(text(sha1("abc")), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(text(sha1(std::string(1000000, 'a'))), "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
}

void expect_same(const std::vector<std::string>& texts) {
  std::vector<std::string_view> views(texts.begin(), texts.end());
  std::vector<Sha1Text> together(texts.size());
  sha1(views, together.data());
  for (size_t i = 0; i < texts.size(); i++) ASSERT_EQ(text(together[i]), text(sha1(texts[i]))) << i << " of " << texts.size() << ", length " << texts[i].size();
}

TEST(Sha1, ManyAtOnceOfEveryLength) {
  std::vector<std::string> texts;
  for (size_t n = 0; n < 300; n++) texts.push_back(std::string(n, static_cast<char>('a' + n % 26)));
  expect_same(texts);
}

TEST(Sha1, ManyAtOnceOfRandomLengths) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 300; round++) {
    std::vector<std::string> texts(random() % 40);
    for (std::string& t : texts) {
      t.resize(random() % (random() % 10 ? 300 : 20000));
      for (char& c : t) c = static_cast<char>(random());
    }
    expect_same(texts);
  }
}

}  // namespace
}  // namespace sluice::ovsdb
