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

/// How Open vSwitch refuses some things without naming them, or with the empty text that they are: its words stay, for recordings and scripts compare them.
inline constexpr std::string_view kNamelessRefusals[] = {
    "cannot set CT fields outside of ct action", "\"conjunction\" syntax is ", "conjunction must have ", "clause index must be ", "bad hex digit in `", "actions are invalid with specified match (",
    "invalid numeric format ", "invalid metadata value \"\"", "invalid mac address ", "invalid TOS \"\"", "invalid ECN \"\"", "unknown table \"\"", ": unknown field `'", ": not a valid VLAN ",
    ": missing `->'", ": invalid IP address", " is not a valid OpenFlow port", " is not a valid OXM field name",
};

/// A result that is an error whose text has the token, or is such a refusal.
template <typename T>
testing::AssertionResult names_what_is_wrong(const T& parsed, std::string_view token) {
  if (parsed) return testing::AssertionFailure() << "taken, with " << token;
  if (parsed.error().find(token) != std::string::npos) return testing::AssertionSuccess();
  for (std::string_view words : kNamelessRefusals)
    if (parsed.error().starts_with(words)) return testing::AssertionSuccess();
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
