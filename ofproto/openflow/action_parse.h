// SPDX-License-Identifier: Apache-2.0
// Shared by the action parsers (action_parse*.cc): what is around the word, and the words with grammars of their own.
#pragma once

#include <optional>
#include <string>
#include <string_view>

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
