// SPDX-License-Identifier: Apache-2.0
#include "ofproto/openflow/text.h"

#include "lib/text.h"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstring>

namespace sluice::ofp {
namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool is_separator(char c) { return c == ',' || is_space(c); }

/// Index behind the quoted string that begins at i, or npos.
size_t skip_quoted(std::string_view s, size_t i) {
  for (i++; i < s.size(); i++) {
    if (s[i] == '\\') i++;
    else if (s[i] == '"') return i + 1;
  }
  return s.npos;
}

/// Index behind the parenthesis that closes the one at i, or npos.
size_t skip_parens(std::string_view s, size_t i) {
  int depth = 0;
  while (i < s.size()) {
    if (s[i] == '"') {
      i = skip_quoted(s, i);
      if (i == s.npos) return i;
      continue;
    }
    if (s[i] == '(') depth++;
    if (s[i] == ')' && --depth == 0) return i + 1;
    i++;
  }
  return s.npos;
}

}  // namespace

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](unsigned char x, unsigned char y) {
    return std::tolower(x) == std::tolower(y);
  });
}

std::string to_lower(std::string_view s) {
  std::string out(s);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

std::string_view trim(std::string_view s) {
  while (!s.empty() && is_space(s.front())) s.remove_prefix(1);
  while (!s.empty() && is_space(s.back())) s.remove_suffix(1);
  return s;
}

TextResult<uint64_t> parse_number_in(std::string_view s, std::string_view what, uint64_t max, uint64_t min) {
  auto n = parse_number(s);
  if (!n || *n > max || *n < min) return TextError(fmt::format("invalid {} \"{}\"", what, s));
  return *n;
}

bool parse_big_number(std::string_view s, uint8_t* bytes, size_t size) {
  std::memset(bytes, 0, size);
  bool hex = s.size() > 2 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X');
  if (hex) s.remove_prefix(2);
  if (s.empty()) return false;
  unsigned base = hex ? 16 : 10;
  for (char c : s) {
    unsigned digit;
    if (c >= '0' && c <= '9') digit = static_cast<unsigned>(c - '0');
    else if (hex && std::isxdigit(static_cast<unsigned char>(c))) digit = static_cast<unsigned>(std::tolower(c) - 'a') + 10;
    else return false;
    unsigned carry = digit;
    for (size_t i = size; i-- > 0;) {
      unsigned v = bytes[i] * base + carry;
      bytes[i] = static_cast<uint8_t>(v);
      carry = v >> 8;
    }
    if (carry) return false;
  }
  return true;
}

TextResult<void> Said::add(std::string_view key, std::string_view value) {
  auto before = std::ranges::find(said_, key, &std::pair<std::string, std::string_view>::first);
  if (before == said_.end()) said_.emplace_back(key, value);
  else if (before->second != value) return TextError(fmt::format("{} is given twice, as {} and {}", key, before->second, value));
  return {};
}

TextResult<void> Said::add(const KeyValue& kv) {
  if (!kv.rest.empty()) return TextError(fmt::format("{}: trailing garbage after {}", kv.rest, kv.key));
  if (trim(kv.value).empty()) return TextError(fmt::format("field {} missing value", kv.key));
  return add(to_lower(kv.key), kv.value);
}

void append_name(std::string_view name, std::string& out) {
  bool plain = !name.empty() && std::isalpha(static_cast<unsigned char>(name[0]));
  for (char c : name) plain = plain && std::isalnum(static_cast<unsigned char>(c));
  if (plain) {
    out += name;
    return;
  }
  out += '"';
  for (char c : name) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) < 0x20) append(out, "\\u{:04x}", static_cast<unsigned char>(c));
    else out += c;
  }
  out += '"';
}

std::optional<std::string> unquote_name(std::string_view word) {
  if (word.empty() || word[0] != '"') return std::string(word);
  if (word.size() < 2 || word.back() != '"') return std::nullopt;
  std::string out;
  for (size_t i = 1; i + 1 < word.size(); i++) {
    if (word[i] != '\\') {
      out += word[i];
      continue;
    }
    if (++i + 1 >= word.size()) return std::nullopt;
    switch (word[i]) {
      case 'n': out += '\n'; break;
      case 't': out += '\t'; break;
      case 'r': out += '\r'; break;
      case 'u': {
        if (i + 5 >= word.size()) return std::nullopt;
        auto n = parse_number(fmt::format("0x{}", word.substr(i + 1, 4)));
        if (!n || *n > 0x7f) return std::nullopt;
        out += static_cast<char>(*n);
        i += 4;
        break;
      }
      default: out += word[i];
    }
  }
  return out;
}

TextResult<std::optional<KeyValue>> next_item(std::string_view& list) {
  while (!list.empty() && is_separator(list.front())) list.remove_prefix(1);
  if (list.empty()) return std::optional<KeyValue>();
  KeyValue kv;
  size_t i = 0;
  if (list[0] == '"') {  // a quoted port name as a bare item
    i = skip_quoted(list, 0);
    if (i == list.npos) return TextError(fmt::format("{}: missing closing quote", list));
  } else {
    while (i < list.size() && !is_separator(list[i]) && list[i] != '=' && list[i] != ':' && list[i] != '(') i++;
  }
  kv.key = list.substr(0, i);
  if (i < list.size() && (list[i] == '=' || list[i] == ':')) kv.form = list[i] == '=' ? KeyValue::Form::kEquals : KeyValue::Form::kColon;
  if (i < list.size() && list[i] == '(') {
    // The end of the text closes what is open, as for the peer: nothing could follow.
    size_t close = std::min(skip_parens(list, i), list.size() + 1);
    kv.form = KeyValue::Form::kParens;
    kv.value = list.substr(i + 1, close - i - 2);
    i = std::min(close, list.size());
    size_t rest = i;
    while (i < list.size() && !is_separator(list[i])) i++;
    kv.rest = list.substr(rest, i - rest);
  } else if (kv.form != KeyValue::Form::kBare) {
    size_t start = ++i;
    while (i < list.size() && !is_separator(list[i])) {
      if (list[i] == '(') i = skip_parens(list, i);
      else if (list[i] == '"') i = skip_quoted(list, i);
      else i++;
      if (i == list.npos) return TextError(fmt::format("{}: unbalanced parentheses or quotes", list));
    }
    kv.value = list.substr(start, i - start);
  }
  kv.all = list.substr(0, i);
  list.remove_prefix(i);
  return std::optional(kv);
}

}  // namespace sluice::ofp
