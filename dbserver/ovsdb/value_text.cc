// SPDX-License-Identifier: Apache-2.0
// Text of values: a tokenizer (quotes, delimiters), atoms, sets and maps; and printing.
#include "dbserver/ovsdb/value_text.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "lib/decimal.h"
#include "lib/json.h"

namespace sluice::ovsdb {
namespace {

constexpr std::string_view kDelimiters = ":=, []{}!<>";
constexpr int64_t kMaxRange = 1 << 20;  // elements that one "a-b" may stand for
using Error = std::unexpected<std::string>;

bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Decimal, with an optional sign.
std::optional<int64_t> parse_integer(std::string_view s) {
  if (s.starts_with('+')) s.remove_prefix(1);
  return parse_decimal<int64_t>(s);
}

std::optional<std::pair<int64_t, int64_t>> parse_range(std::string_view s) {
  for (size_t dash = s.find('-', 1); dash != s.npos; dash = s.find('-', dash + 1)) {
    auto low = parse_integer(s.substr(0, dash)), high = parse_integer(s.substr(dash + 1));
    if (low && high) return std::pair(*low, *high);
  }
  return std::nullopt;
}

std::expected<std::string, std::string> parse_string(std::string_view s) {
  if (s.empty()) return Error("An empty string is not valid as input; use \"\" to represent the empty string");
  if (s[0] != '"') return std::string(s);
  if (s.size() < 2 || s.back() != '"') return Error(fmt::format("{}: missing quote at end of quoted string", s));
  auto j = Json::parse(fmt::format("[{}]", s));
  if (j) return std::string((*j)[0].string());
  size_t bad = 0;
  for (size_t i = 1; i + 1 < s.size(); i++) {
    if (s[i] != '\\') continue;
    if (std::string_view("\"\\/bfnrtu").find(s[i + 1]) == std::string_view::npos) bad = i;
    i++;
  }
  if (bad) return Error(fmt::format("{}: bad escape \\{}", s, s[bad + 1]));
  return Error(fmt::format("{}: {}", s, j.error().text));
}

std::expected<Atom, std::string> parse_unchecked(std::string_view s, const BaseType& type, SymbolTable* symbols) {
  switch (type.type) {
    case AtomType::integer:
      if (auto v = parse_integer(s)) return Atom(*v);
      return Error(fmt::format("\"{}\" is not a valid integer", s));
    case AtomType::real: {
      std::string text(s);
      char* end = nullptr;
      double v = std::strtod(text.c_str(), &end);
      if (text.empty() || *end || !std::isfinite(v)) return Error(fmt::format("\"{}\" is not a valid real number", s));
      return Atom(v);
    }
    case AtomType::boolean:
      if (s == "true" || s == "yes" || s == "on" || s == "1") return Atom(true);
      if (s == "false" || s == "no" || s == "off" || s == "0") return Atom(false);
      return Error(fmt::format("\"{}\" is not a valid boolean (use \"true\" or \"false\")", s));
    case AtomType::string: {
      auto v = parse_string(s);
      if (!v) return Error(v.error());
      return Atom(std::string_view(*v));
    }
    case AtomType::uuid:
      if (auto v = parse_uuid(s)) return Atom(*v);
      if (s.starts_with('@') && symbols) return Atom(symbols->get(s).uuid);
      return Error(fmt::format("\"{}\" is not a valid UUID", s));
    case AtomType::none: break;
  }
  return Error("no type");
}

void skip_spaces(std::string_view& s) {
  while (!s.empty() && s[0] == ' ') s.remove_prefix(1);
}

/// Parses the elements of one datum's text.
class Elements {
 public:
  Elements(std::string_view text, const ColumnType& type, SymbolTable* symbols) : whole_(text), rest_(text), type_(type), symbols_(symbols) {}

  std::expected<Datum, std::string> parse() {
    skip_spaces(rest_);
    char open = type_.is_map() ? '{' : '[', close = type_.is_map() ? '}' : ']';
    bool bracketed = rest_.starts_with(open);
    if (bracketed) rest_.remove_prefix(1);
    for (;;) {
      skip_spaces(rest_);
      if (rest_.empty() || (bracketed && rest_[0] == close)) break;
      if (kDelimiters.find(rest_[0]) != kDelimiters.npos)
        return Error(fmt::format("{}: unexpected \"{}\" parsing {}", whole_, rest_[0], type_.to_english()));
      if (auto error = element()) return Error(*error);
      skip_spaces(rest_);
      if (rest_.starts_with(',')) rest_.remove_prefix(1);
    }
    if (bracketed) {
      if (rest_.empty()) return Error(fmt::format("{}: missing \"{}\" at end of data", whole_, close));
      rest_.remove_prefix(1);
      skip_spaces(rest_);
      if (!rest_.empty()) return Error(fmt::format("{}: trailing garbage after \"{}\"", whole_, close));
    }
    return finish();
  }

 private:
  std::optional<std::string> element() {
    std::string_view start = rest_;
    auto token = parse_token(rest_, kDelimiters);
    if (!token) return token.error();
    if (!type_.is_map()) return add_key(*token);
    if (type_.key.type == AtomType::integer && !parse_integer(*token)) return fmt::format("\"{}\" is not a valid integer or range", *token);
    auto key = checked(*token, type_.key);
    if (!key) return key.error();
    skip_spaces(rest_);
    if (rest_.empty()) return fmt::format("{}: syntax error at \"", start);
    if (rest_[0] != '=') return fmt::format("{}: syntax error at \"{}\" expecting \"=\"", start, rest_[0]);
    rest_.remove_prefix(1);
    skip_spaces(rest_);
    auto text = parse_token(rest_, kDelimiters);
    if (!text) return text.error();
    auto value = checked(*text, type_.value);
    if (!value) return value.error();
    keys_.push_back(std::move(*key));
    values_.push_back(std::move(*value));
    return std::nullopt;
  }

  std::optional<std::string> add_key(const std::string& token) {
    if (type_.key.type == AtomType::integer && !parse_integer(token)) {
      auto range = parse_range(token);
      if (!range) return fmt::format("\"{}\" is not a valid integer or range", token);
      if (range->second < range->first) return fmt::format("\"{}\" is not a valid range. Range end cannot be before start.", token);
      for (int64_t end : {range->first, range->second})
        if (auto s = type_.key.check(end); !s) return s.error().to_string();
      if (static_cast<uint64_t>(range->second) - static_cast<uint64_t>(range->first) >= static_cast<uint64_t>(kMaxRange))
        return fmt::format("\"{}\" is not a valid range. It has more than {} members.", token, kMaxRange);
      for (int64_t i = range->first;; i++) {
        keys_.push_back(Atom(i));
        if (i == range->second) break;
      }
      return std::nullopt;
    }
    auto key = checked(token, type_.key);
    if (!key) return key.error();
    keys_.push_back(std::move(*key));
    return std::nullopt;
  }

  std::expected<Atom, std::string> checked(const std::string& token, const BaseType& base) {
    return parse_atom_text(token, base, symbols_);
  }

  std::expected<Datum, std::string> finish() {
    size_t n = keys_.size();
    if (n < type_.n_min) return Error(fmt::format("{}: {} value(s) specified but the minimum number is {}", whole_, n, type_.n_min));
    if (n > type_.n_max) return Error(fmt::format("{}: {} value(s) specified but the maximum number is {}", whole_, n, type_.n_max));
    DatumBuilder b(type_.key.type, type_.value.type);
    for (size_t i = 0; i < n; i++) b.add(keys_[i].ref(), type_.is_map() ? values_[i].ref() : AtomRef());
    if (!b.sort()) return Error(fmt::format("{}: {}", whole_, type_.is_map() ? "map contains duplicate key" : "set contains duplicate value"));
    return b.finish();
  }

  std::string_view whole_, rest_;
  const ColumnType& type_;
  SymbolTable* symbols_;
  std::vector<Atom> keys_, values_;
};

}  // namespace

std::expected<Datum, std::string> parse_datum_text(std::string_view text, const ColumnType& type, SymbolTable* symbols) {
  return Elements(text, type, symbols).parse();
}

std::expected<Atom, std::string> parse_atom_text(std::string_view text, const BaseType& type, SymbolTable* symbols) {
  auto a = parse_unchecked(text, type, symbols);
  if (!a) return a;
  if (auto s = type.check(a->ref()); !s) return Error(s.error().to_string());
  return a;
}

std::expected<std::string, std::string> parse_token(std::string_view& text, std::string_view stop) {
  bool quoted = false;
  size_t i = 0;
  for (; i < text.size() && (quoted || stop.find(text[i]) == stop.npos); i++) {
    if (text[i] == '\\' && quoted && i + 1 < text.size()) i++;
    else if (text[i] == '"') quoted = !quoted;
  }
  if (quoted) return Error(fmt::format("{}: quoted string extends past end of argument", text));
  std::string token(text.substr(0, i));
  text.remove_prefix(i);
  return token;
}

bool needs_quotes(std::string_view s) {
  if (s.empty() || (!is_alpha(s[0]) && s[0] != '_')) return true;
  for (char c : s)
    if (!is_alpha(c) && !is_digit(c) && c != '_' && c != '-' && c != '.') return true;
  return s == "true" || s == "false" || parse_uuid(s).has_value();
}

std::string atom_to_bare(AtomRef a) {
  switch (a.type()) {
    case AtomType::none: break;
    case AtomType::integer: return fmt::format("{}", a.integer());
    case AtomType::real: {
      std::string text;
      append_json_real(text, a.real());
      return text;
    }
    case AtomType::boolean: return a.boolean() ? "true" : "false";
    case AtomType::string: return std::string(a.string());
    case AtomType::uuid: return format(a.uuid());
  }
  return {};
}

std::string atom_to_text(AtomRef a) {
  if (a.type() != AtomType::string || !needs_quotes(a.string())) return atom_to_bare(a);
  std::string out;
  append_json_string(out, a.string());
  return out;
}

std::string datum_to_text(DatumRef d, const ColumnType& type) {
  bool brackets = type.is_map() || type.n_max > 1 || d.empty();
  std::string out;
  if (brackets) out += type.is_map() ? '{' : '[';
  for (size_t i = 0, n = d.size(); i < n; i++) {
    if (i) out += ", ";
    out += atom_to_text(d.key(i));
    if (type.is_map()) out += '=' + atom_to_text(d.value(i));
  }
  if (brackets) out += type.is_map() ? '}' : ']';
  return out;
}

std::string datum_to_bare(DatumRef d) {
  std::string out;
  for (size_t i = 0, n = d.size(); i < n; i++) {
    if (i) out += ' ';
    out += atom_to_bare(d.key(i));
    if (d.is_map()) out += '=' + atom_to_bare(d.value(i));
  }
  return out;
}

}  // namespace sluice::ovsdb
