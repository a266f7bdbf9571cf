// SPDX-License-Identifier: Apache-2.0
// What tests of refusals share: "is refused, and the text names it", and names with one letter wrong.
#pragma once

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <cctype>
#include <random>
#include <string>
#include <string_view>

namespace sluice::ofp {

/// A result that is an error whose text has the token.
template <typename T>
testing::AssertionResult names_what_is_wrong(const T& parsed, std::string_view token) {
  if (parsed) return testing::AssertionFailure() << "taken, with " << token;
  if (parsed.error().find(token) != std::string::npos) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "does not name \"" << token << "\": " << parsed.error();
}

/// With another letter in one place.  The caller sees to it that it is no other name.
inline std::string misspelt(std::string_view name, std::mt19937_64& random) {
  std::string s(name);
  size_t at;
  do at = random() % s.size();
  while (!std::isalpha(static_cast<unsigned char>(s[at])));
  char was = s[at];
  do s[at] = static_cast<char>('a' + random() % 26);
  while (s[at] == was);
  return s;
}

}  // namespace sluice::ofp
