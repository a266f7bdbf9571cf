// SPDX-License-Identifier: Apache-2.0
// learn from text.
#include <fmt/core.h>

#include "ofproto/openflow/action_parse.h"

namespace sluice::ofp {
namespace {

/// The number's bytes as a spec has them; nothing if it has more than n_bits.
std::optional<FieldValue> fit(const FieldValue& number, uint16_t n_bits) {
  for (unsigned i = n_bits; i < number.size() * 8; i++)
    if (number.bit(i)) return std::nullopt;
  FieldValue v((n_bits + 7u) / 8);
  copy_bits(number.bytes(), 0, v.bytes(), 0, n_bits);
  return v;
}

/// FIELD=VALUE, FIELD[a..b]=SRC, FIELD: what the learned flow matches.
TextResult<LearnSpec> parse_match_spec(std::string_view all, const KeyValue& kv, const ParseContext& ctx) {
  LearnSpec s;
  s.kind = LearnSpec::Kind::kMatch;
  auto dst = parse_subfield(kv.key);
  if (!dst && !field_by_name(kv.key.substr(0, kv.key.find('[')))) return TextError(fmt::format("{}: unknown keyword {}", all, kv.key));
  if (!dst) return TextError(dst.error());
  s.dst = *dst;
  s.n_bits = dst->n_bits;
  if (!kv.has_value()) {
    s.src = s.dst;
    return s;
  }
  auto with_immediate = [&](const FieldValue& number) -> TextResult<LearnSpec> {
    auto immediate = fit(number, s.n_bits);
    if (!immediate) return TextError(fmt::format("{}: value {} does not fit into {} bits", all, kv.value, s.n_bits));
    s.immediate = std::move(*immediate);
    return s;
  };
  std::string immediate_error;
  if (s.dst.is_whole()) {
    if (auto t = parse_value(s.dst.field, kv.value, ctx.names.ports, ctx.names.tlv, ctx.names.compat)) {
      if (t->has_mask && !(t->mask == FieldValue::ones(field(s.dst.field), t->mask.size())))
        return TextError(fmt::format("{}: a learned match cannot have a mask", all));
      return with_immediate(t->value);
    } else {
      immediate_error = t.error();
    }
  } else if (FieldValue v(kMaxFieldBytes); parse_big_number(kv.value, v.data(), v.size())) {
    return with_immediate(v);
  }
  auto src = parse_subfield(kv.value);
  if (!src)
    return TextError(fmt::format("{}: {} value {} cannot be parsed as a subfield ({}) or an immediate value{}", all, kv.key, kv.value, src.error(),
                                 immediate_error.empty() ? "" : " (" + immediate_error + ")"));
  if (src->n_bits != dst->n_bits)
    return TextError(fmt::format("{}: bit widths of {} ({}) and {} ({}) differ", all, kv.value, src->n_bits, kv.key, dst->n_bits));
  s.src = *src;
  return s;
}

TextResult<LearnSpec> from_nested(const Action& a, std::string_view all) {
  LearnSpec s;
  s.kind = LearnSpec::Kind::kLoad;
  if (auto* m = a.as<Move>()) {
    s.src = m->src;
    s.dst = m->dst;
    s.n_bits = m->dst.n_bits;
    return s;
  }
  auto* f = a.as<SetField>();
  if (!f) return TextError(fmt::format("{}: not a load", all));
  unsigned bits = static_cast<unsigned>(f->mask.size() * 8), first = 0, n = 0;
  while (first < bits && !f->mask.bit(first)) first++;
  while (first + n < bits && f->mask.bit(first + n)) n++;
  s.dst = {f->field, static_cast<uint16_t>(first), static_cast<uint16_t>(n)};
  s.n_bits = static_cast<uint16_t>(n);
  s.immediate = FieldValue((n + 7) / 8);
  copy_bits(f->value.bytes(), first, s.immediate.bytes(), 0, n);
  return s;
}

/// load:NUMBER->DST with a number of more than 64 bits.
std::optional<TextResult<LearnSpec>> parse_wide_load(std::string_view text) {
  size_t arrow = text.find("->");
  if (arrow == text.npos) return std::nullopt;
  std::string_view digits = text.substr(0, arrow);
  FieldValue v(kMaxFieldBytes);
  auto dst = parse_subfield(text.substr(arrow + 2));
  if (!dst || parse_number(digits) || !parse_big_number(digits, v.data(), v.size())) return std::nullopt;
  LearnSpec s;
  s.kind = LearnSpec::Kind::kLoad;
  s.dst = *dst;
  s.n_bits = dst->n_bits;
  auto immediate = fit(v, s.n_bits);
  if (!immediate) return TextError(fmt::format("{}: value does not fit into {} bits", text, s.n_bits));
  s.immediate = std::move(*immediate);
  return s;
}

/// load:SRC->DST, SRC a number or a field.
TextResult<LearnSpec> parse_load_spec(const KeyValue& kv, const ParseContext& ctx) {
  if (auto wide = parse_wide_load(kv.value)) return *wide;
  KeyValue as = kv;
  as.form = KeyValue::Form::kColon;
  bool immediate = !kv.value.empty() && kv.value[0] >= '0' && kv.value[0] <= '9';
  as.key = immediate ? "load" : "move";
  auto a = parse_action(as, ctx);
  if (!a) return TextError(a.error());
  return from_nested(*a, kv.all);
}

TextResult<void> take_learn_table(const KeyValue& kv, const ParseContext& ctx, Learn& l) {
  auto t = parse_table(kv.value, ctx.names.tables);
  if (!t) return TextError(fmt::format("table={}: unknown table", kv.value));
  if (*t == kTableAll) return TextError(fmt::format("table={}: table id 255 not valid for `learn' action", kv.value));
  l.table = *t;
  return {};
}

TextResult<void> take_result_dst(const KeyValue& kv, const ParseContext&, Learn& l) {
  auto s = parse_subfield(kv.value);
  if (!s) return TextError(s.error());
  if (s->n_bits != 1) return TextError(fmt::format("result_dst in 'learn' action must be a single bit, not {}", kv.value));
  if (field(s->field).access == Access::kReadOnly) return TextError(fmt::format("{} is read-only", field(s->field).name));
  l.result_dst = *s;
  return {};
}

using LearnArgument = Argument<Learn>;
constexpr LearnArgument kLearnArguments[] = {
    {"idle_timeout", LearnArgument::Form::kValue, take_number<Learn, &Learn::idle_timeout, 0xffff>},
    {"hard_timeout", LearnArgument::Form::kValue, take_number<Learn, &Learn::hard_timeout, 0xffff>},
    {"priority", LearnArgument::Form::kValue, take_number<Learn, &Learn::priority, 0xffff>},
    {"fin_idle_timeout", LearnArgument::Form::kValue, take_number<Learn, &Learn::fin_idle_timeout, 0xffff>},
    {"fin_hard_timeout", LearnArgument::Form::kValue, take_number<Learn, &Learn::fin_hard_timeout, 0xffff>},
    {"table", LearnArgument::Form::kValue, take_learn_table},
    {"cookie", LearnArgument::Form::kValue, take_number<Learn, &Learn::cookie, UINT64_MAX>},
    {"limit", LearnArgument::Form::kValue, take_number<Learn, &Learn::limit, UINT32_MAX>},
    {"result_dst", LearnArgument::Form::kValue, take_result_dst},
    {"send_flow_rem", LearnArgument::Form::kWord, take_word<Learn, &Learn::send_flow_rem>},
    {"delete_learned", LearnArgument::Form::kWord, take_word<Learn, &Learn::delete_learned>},
};

}  // namespace

TextResult<Action> parse_learn(std::string_view arg, const ParseContext& ctx) {
  Learn l;
  Said said;
  for (std::string_view rest = arg;;) {
    auto item = next_item(rest);
    if (!item) return TextError(item.error());
    if (!*item) break;
    const KeyValue& kv = **item;
    auto option = take_argument(kv, kLearnArguments, ctx, said, l);
    if (!option) return TextError(option.error());
    if (*option) continue;
    if (!kv.rest.empty()) return TextError(fmt::format("{}: trailing garbage after {}", kv.rest, kv.key));
    TextResult<LearnSpec> spec;
    if (kv.key == "load") {
      spec = parse_load_spec(kv, ctx);
    } else if (kv.key == "output") {
      auto src = parse_subfield(kv.value);
      if (!src) return TextError(src.error());
      LearnSpec s;
      s.kind = LearnSpec::Kind::kOutput;
      s.src = *src;
      s.n_bits = src->n_bits;
      spec = s;
    } else {
      spec = parse_match_spec(arg, kv, ctx);
    }
    if (!spec) return TextError(spec.error());
    l.specs.push_back(std::move(*spec));
  }
  return l;
}

}  // namespace sluice::ofp
