// SPDX-License-Identifier: Apache-2.0
// What a command's output must be: lines of plain text, regular expressions, and "any lines"; and how to show where it was not.
#pragma once

#include <expected>
#include <optional>
#include <regex>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::cli {

struct LinePattern {
  enum class Kind : uint8_t { kText, kRegex, kAnyLines } kind = Kind::kText;
  std::string text;
  std::optional<std::regex> regex;  // of kRegex
  bool matches(std::string_view line) const;  // not for kAnyLines
};

/// The rest of an expectation line behind its "|" or "!": " TEXT", "~ REGEX", " ...".  The error says what is wrong with the expression.
std::expected<LinePattern, std::string> parse_line_pattern(std::string_view rest);

struct TextExpectation {
  bool wanted = false;  // false: any text will do
  std::vector<LinePattern> lines;  // wanted without lines: no text at all
};

std::vector<std::string> split_lines(std::string_view text);
/// Blanks at the ends of lines do not count.
bool matches(const TextExpectation& expectation, std::string_view text);
/// A unified diff from expected to got, a line each with "-", "+" or " " before it.  Lines that a pattern matches are shown as they came.
std::string diff(const TextExpectation& expectation, std::string_view text);

}  // namespace sluice::cli
