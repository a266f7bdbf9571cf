// SPDX-License-Identifier: Apache-2.0
// The splitter against one that looks at byte after byte, on streams that are right and on such that are not, however they are cut.
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "lib/json.h"

namespace sluice {
namespace {

/// Where the first value ends, or npos; a backslash counts within strings only.
size_t naive_end(std::string_view text) {
  bool in_string = false;
  size_t depth = 0;
  for (size_t i = 0; i < text.size(); i++) {
    char c = text[i];
    if (in_string) {
      if (c == '\\') i++;
      else if (c == '"') in_string = false;
      continue;
    }
    if (c == '"') in_string = true;
    else if (c == '{' || c == '[') depth++;
    else if ((c == '}' || c == ']') && --depth == 0) return i + 1;
  }
  return text.npos;
}

/// Values up to the first byte that can't begin one.
std::vector<std::string> naive_split(std::string_view text) {
  std::vector<std::string> all;
  while (!text.empty() && (text[0] == '{' || text[0] == '[')) {
    size_t end = naive_end(text);
    if (end == text.npos) break;
    all.emplace_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return all;
}

std::string random_text(std::mt19937_64& random) {
  constexpr std::string_view kPieces[] = {"\"", "\"", "\\", "\\\\", "\\\"", "{", "}", "[", "]", "a", "some longer plain text", "\"a string\"", ":", ",", "\"}]\\\"{\""};
  std::string text = random() % 2 ? "{" : "[";
  for (size_t n = random() % 60; n > 0; n--) text += kPieces[random() % std::size(kPieces)];
  for (size_t n = random() % 20; n > 0; n--) text += random() % 2 ? "}" : "]";
  return text;
}

TEST(JsonSplitter, CutsAsByteByByte) {
  std::mt19937_64 random(1);
  size_t whole = 0;
  for (int round = 0; round < 20000; round++) {
    std::string text = random_text(random);
    auto want = naive_split(text);
    whole += want.size();
    JsonSplitter splitter;
    std::vector<std::string> got;
    for (size_t at = 0; at < text.size() && !splitter.failed();) {
      size_t n = random() % 4 ? 1 + random() % 100 : text.size();
      splitter.feed(std::string_view(text).substr(at, n));
      at += n;
      for (auto v = splitter.next(); !v.empty(); v = splitter.next()) got.emplace_back(v);
    }
    ASSERT_EQ(got, want) << text;
  }
  EXPECT_GT(whole, 10000u);
}

}  // namespace
}  // namespace sluice
