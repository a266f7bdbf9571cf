// SPDX-License-Identifier: Apache-2.0
// Small things of flow text: numbers, words, names in quotes, key=value lists with nested parentheses.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/decimal.h"

namespace sluice::ofp {

/// Text errors are the message without the program's name.
using TextError = std::unexpected<std::string>;
template <typename T>
using TextResult = std::expected<T, std::string>;

bool equal_ignoring_case(std::string_view a, std::string_view b);
std::string to_lower(std::string_view s);
std::string_view trim(std::string_view s);
/// parse_number with limits: `invalid NAME "TEXT"` if it is none, or beyond them.
TextResult<uint64_t> parse_number_in(std::string_view s, std::string_view what, uint64_t max, uint64_t min = 0);
/// A big-endian hexadecimal or decimal number of any length into `size` bytes; false if malformed or too large.
bool parse_big_number(std::string_view s, uint8_t* bytes, size_t size);

/// A name as it is, or with JSON quotes and escapes if it could be taken for something else.
void append_name(std::string_view name, std::string& out);
/// The name meant by a word that may be quoted; nothing if the quotes are broken.
std::optional<std::string> unquote_name(std::string_view word);

/// One "key", "key=value", "key:value", "key(value)" or "key(value)rest".
struct KeyValue {
  std::string_view key;
  std::string_view value;      // without the outer parentheses
  std::string_view rest;       // after the closing parenthesis: "->reg0[1]"
  enum class Form : uint8_t { kBare, kEquals, kColon, kParens } form = Form::kBare;
  std::string_view all;        // the whole item
  bool has_value() const { return form != Form::kBare; }
};
/// Keys of a list so far, with their values: what is said twice must be the same.
class Said {
 public:
  TextResult<void> add(std::string_view key, std::string_view value);
  /// The same of "key=value", which must have a value, and nothing behind its parentheses.
  TextResult<void> add(const KeyValue& kv);

 private:
  std::vector<std::pair<std::string, std::string_view>> said_;
};

/// Takes the next item from `list` (items are separated by commas and white space outside of parentheses and quotes).  Nothing
/// at the end; an error for unbalanced parentheses.
TextResult<std::optional<KeyValue>> next_item(std::string_view& list);

}  // namespace sluice::ofp
