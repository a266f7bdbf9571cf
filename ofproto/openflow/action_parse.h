// SPDX-License-Identifier: Apache-2.0
// Shared by the action parsers (action_parse*.cc): what is around the word, and the words with grammars of their own.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ofproto/openflow/action.h"
#include "ofproto/openflow/text.h"

namespace sluice::ofp {

struct ParseContext {
  const TextNames& names;
  unsigned depth = 0;             // of nested lists
  std::string_view word{};        // the action's word in lower case
  std::string_view rest{};        // behind the closing parenthesis
  bool parens = false;            // word(argument), not word:argument
};

// --- Arguments by key ---

/// One of an action's arguments that are "key=value", or a word alone.  An action has a table of them.
template <typename T>
struct Argument {
  std::string_view key;
  enum class Form : uint8_t { kValue, kWord, kList } form;   // kList may stand alone or be "key(...)"
  TextResult<void> (*take)(const KeyValue& kv, const ParseContext& ctx, T& out);
};

/// A number of the struct, up to Max.
template <typename T, auto Member, uint64_t Max, uint64_t Min = 0>
TextResult<void> take_number(const KeyValue& kv, const ParseContext&, T& out) {
  auto n = parse_number_in(kv.value, kv.key, Max, Min);
  if (!n) return TextError(n.error());
  out.*Member = static_cast<std::remove_reference_t<decltype(out.*Member)>>(*n);
  return {};
}
/// A word that switches something on.
template <typename T, auto Member, auto Value = true>
TextResult<void> take_word(const KeyValue&, const ParseContext&, T& out) {
  out.*Member = Value;
  return {};
}

/// What is wrong with the form of an argument, whatever it is: a word has no value, nothing is said twice, nothing follows a parenthesis.
TextResult<void> check_form(const KeyValue& kv, bool is_word, bool needs_value, const ParseContext& ctx, Said& said);

/// False: the key is none of the table.
template <typename T, size_t N>
TextResult<bool> take_argument(const KeyValue& kv, const Argument<T> (&table)[N], const ParseContext& ctx, Said& said, T& out) {
  for (const Argument<T>& a : table) {
    if (a.key != kv.key) continue;
    using Form = typename Argument<T>::Form;
    if (auto ok = check_form(kv, a.form == Form::kWord, a.form == Form::kValue, ctx, said); !ok) return TextError(ok.error());
    if (auto ok = a.take(kv, ctx, out); !ok) return TextError(ok.error());
    return true;
  }
  return false;
}

/// All of an action's arguments; `unknown` makes the error about a key that is none of them.
template <typename T, size_t N>
TextResult<T> parse_arguments(std::string_view arg, const Argument<T> (&table)[N], const ParseContext& ctx, std::string (*unknown)(std::string_view key), T out = {}) {
  Said said;
  for (std::string_view rest = arg;;) {
    auto item = next_item(rest);
    if (!item) return TextError(item.error());
    if (!*item) return out;
    auto known = take_argument(**item, table, ctx, said, out);
    if (!known) return TextError(known.error());
    if (!*known) return TextError(unknown((*item)->key));
  }
}

/// All words that actions begin with.
std::vector<std::string_view> action_words();

TextResult<Action> parse_action(const KeyValue& kv, const ParseContext& ctx);
/// A nested list: no instructions in it, one level deeper.
TextResult<Actions> parse_nested(std::string_view text, const ParseContext& ctx);
/// Number or name.
std::optional<uint8_t> parse_table(std::string_view s, const NameMap* tables);
/// "01.02.03", dots optional.
std::optional<Bytes> parse_dotted_hex(std::string_view s);

TextResult<Action> parse_bundle(std::string_view arg, const ParseContext& ctx);      // bundle and bundle_load
TextResult<Action> parse_multipath(std::string_view arg, const ParseContext& ctx);
TextResult<Action> parse_learn(std::string_view arg, const ParseContext& ctx);
TextResult<Action> parse_sample(std::string_view arg, const ParseContext& ctx);
TextResult<Action> parse_ct(std::string_view arg, const ParseContext& ctx);
TextResult<Action> parse_nat(std::string_view arg, const ParseContext& ctx);
TextResult<Action> parse_encap(std::string_view arg, const ParseContext& ctx);
TextResult<Action> parse_decap(std::string_view arg, const ParseContext& ctx);

}  // namespace sluice::ofp
