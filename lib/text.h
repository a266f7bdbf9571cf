// SPDX-License-Identifier: Apache-2.0
// Text put together: append(out, "...{}", x), hexadecimal bytes, joined words.  The formatting itself is compiled once, in text.cc; with
// fmt::format_to or fmt::join every file would carry its own copy of it, and take two seconds longer to compile.
#pragma once

#include <fmt/core.h>

#include <optional>
#include <string>
#include <string_view>

#include "lib/bytes.h"

namespace sluice {

void append_formatted(std::string& out, fmt::string_view text, fmt::format_args args);

template <typename... Args>
void append(std::string& out, fmt::format_string<Args...> text, Args&&... args) {
  append_formatted(out, text, fmt::make_format_args(args...));
}

/// Two lower-case digits a byte: "0a1b", or with a separator "0a.1b".
std::string hex(ByteView bytes, std::string_view separator = "");
/// The inverse: pairs of digits of either case, with characters of `ignored` anywhere; nothing if there is anything else.
std::optional<Bytes> parse_hex(std::string_view text, std::string_view ignored = "");

/// Any range of texts.
template <typename Range>
std::string join(const Range& words, std::string_view separator) {
  std::string out;
  bool first = true;
  for (const auto& word : words) {
    if (!first) out += separator;
    first = false;
    out += word;
  }
  return out;
}

}  // namespace sluice
