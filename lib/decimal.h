// SPDX-License-Identifier: Apache-2.0
// Decimal integers in texts that hold nothing else.
#pragma once

#include <charconv>
#include <optional>
#include <string_view>

namespace sluice {

/// All of `text` is the number: no space, no '+', '-' only if T is signed.  Nothing: it is no number, or T does not hold it.
template <typename T>
std::optional<T> parse_decimal(std::string_view text) {
  T v{};
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), v);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(v) : std::nullopt;
}

}  // namespace sluice
