// SPDX-License-Identifier: Apache-2.0
// ct and nat from text.
#include <fmt/core.h>

#include "ofproto/openflow/action_parse.h"

namespace sluice::ofp {
namespace {

using Parsed = TextResult<Action>;

TextResult<void> parse_exec(std::string_view arg, const ParseContext& ctx, Ct& ct) {
  auto list = parse_nested(arg, ctx);
  if (!list) return TextError(list.error());
  for (Action& a : *list) {
    const SetField* s = a.as<SetField>();
    const Move* m = a.as<Move>();
    FieldId f = s ? s->field : m ? m->dst.field : FieldId::kNone;
    if (f == FieldId::kNone) return TextError(fmt::format("ct action doesn't support nested action {}", action_name(a)));
    if (f != FieldId::kCtMark && f != FieldId::kCtLabel)
      return TextError(fmt::format("ct action doesn't support nested modification of {}", field(f).name));
    ct.actions.push_back(std::move(a));
  }
  return {};
}

TextResult<void> parse_zone(std::string_view value, Ct& ct) {
  if (auto n = parse_number(value); n && *n <= 0xffff) {
    ct.zone = static_cast<uint16_t>(*n);
    return {};
  }
  auto s = parse_subfield(value);
  if (!s) return TextError(s.error());
  if (s->n_bits != 16) return TextError(fmt::format("{}: zone needs 16 bits, this field has {}", value, s->n_bits));
  ct.zone_src = *s;
  return {};
}

/// ct's own, and its nat, which comes first wherever it is said.
struct CtText {
  Ct ct;
  std::optional<Action> nat;
  bool commit = false, force = false;
};

TextResult<void> take_ct_table(const KeyValue& kv, const ParseContext& ctx, CtText& t) {
  auto table = parse_table(kv.value, ctx.names.tables);
  if (!table) return TextError(fmt::format("unknown table {}", kv.value));
  if (*table == kTableAll) return TextError("invalid table 0xff");
  t.ct.recirc_table = *table;
  return {};
}
TextResult<void> take_zone(const KeyValue& kv, const ParseContext&, CtText& t) { return parse_zone(kv.value, t.ct); }
TextResult<void> take_alg(const KeyValue& kv, const ParseContext&, CtText& t) {
  if (kv.value == "ftp") t.ct.alg = 21;
  else if (kv.value == "tftp") t.ct.alg = 69;
  else return TextError(fmt::format("invalid alg \"{}\"", kv.value));
  return {};
}
TextResult<void> take_nat(const KeyValue& kv, const ParseContext& ctx, CtText& t) {
  auto n = parse_action(kv, ctx);
  if (!n) return TextError(n.error());
  t.nat = std::move(*n);
  return {};
}
TextResult<void> take_exec(const KeyValue& kv, const ParseContext& ctx, CtText& t) { return parse_exec(kv.value, ctx, t.ct); }

std::string_view without_brackets(std::string_view s) {
  return s.size() >= 2 && s.front() == '[' && s.back() == ']' ? s.substr(1, s.size() - 2) : s;
}

/// "A[-B]" of addresses, together or each in brackets or without.
TextResult<void> parse_addresses(std::string_view s, Nat& n) {
  if (s.find("]-[") == s.npos) s = without_brackets(s);
  size_t dash = s.find('-');
  std::string_view a = without_brackets(s.substr(0, dash)), b = dash == s.npos ? std::string_view() : without_brackets(s.substr(dash + 1));
  if (dash != s.npos && b.empty()) return TextError(fmt::format("invalid NAT range \"{}\"", s));
  if (auto ip = parse_ipv4(a)) {
    n.ipv4_min = *ip;
    if (b.empty()) return {};
    auto max = parse_ipv4(b);
    if (!max || *max < *ip) return TextError(fmt::format("invalid NAT range \"{}\"", s));
    if (*max != *ip) n.ipv4_max = *max;
    return {};
  }
  auto ip = parse_ipv6(a);
  if (!ip) return TextError(fmt::format("failure parsing NAT address \"{}\"", a));
  n.ipv6_min = *ip;
  if (b.empty()) return {};
  auto max = parse_ipv6(b);
  if (!max || *max < *ip) return TextError(fmt::format("invalid NAT range \"{}\"", s));
  if (*max != *ip) n.ipv6_max = *max;
  return {};
}

TextResult<void> parse_ports(std::string_view s, Nat& n) {
  size_t dash = s.find('-');
  auto a = parse_number(s.substr(0, dash));
  auto b = dash == s.npos ? a : parse_number(s.substr(dash + 1));
  if (!a || !b || *a > 0xffff || *b > 0xffff || *a > *b) return TextError(fmt::format("invalid NAT port range \"{}\"", s));
  n.port_min = static_cast<uint16_t>(*a);
  if (*b != *a) n.port_max = static_cast<uint16_t>(*b);
  return {};
}

/// "A[-B][:P[-Q]]"; IPv6 with ports needs brackets.
TextResult<void> parse_range(std::string_view s, Nat& n) {
  std::string_view addresses = s, ports;
  if (s.ends_with(':') && !s.ends_with("::")) return TextError(fmt::format("invalid NAT range \"{}\"", s));
  if (s.starts_with('[')) {
    size_t close = s.find(']');
    if (s.substr(close == s.npos ? s.size() : close + 1).starts_with("-[")) close = s.find(']', close + 1);
    if (close == s.npos) return TextError(fmt::format("missing ] in NAT range \"{}\"", s));
    addresses = s.substr(0, close + 1);
    std::string_view rest = s.substr(close + 1);
    if (!rest.empty() && rest[0] != ':') return TextError(fmt::format("garbage in NAT range \"{}\"", s));
    if (!rest.empty()) ports = rest.substr(1);
  } else if (size_t colon = s.find(':'); colon != s.npos && s.find(':', colon + 1) == s.npos) {
    addresses = s.substr(0, colon);
    ports = s.substr(colon + 1);
  }
  if (!addresses.empty())
    if (auto ok = parse_addresses(addresses, n); !ok) return ok;
  if (!ports.empty()) return parse_ports(ports, n);
  return {};
}

}  // namespace

Parsed parse_ct(std::string_view arg, const ParseContext& ctx) {
  using A = Argument<CtText>;
  static constexpr A kArguments[] = {
      {"commit", A::Form::kWord, take_word<CtText, &CtText::commit>}, {"force", A::Form::kWord, take_word<CtText, &CtText::force>},
      {"table", A::Form::kValue, take_ct_table}, {"zone", A::Form::kValue, take_zone}, {"alg", A::Form::kValue, take_alg},
      {"nat", A::Form::kList, take_nat}, {"exec", A::Form::kList, take_exec},
  };
  auto text = parse_arguments(arg, kArguments, ctx, +[](std::string_view key) { return fmt::format("invalid argument to \"ct\" action: `{}'", key); });
  if (!text) return TextError(text.error());
  auto& [ct, nat, commit, force] = *text;
  ct.commit = commit;
  ct.force = force;
  if (ct.force && !ct.commit) return TextError("\"force\" flag requires \"commit\" flag.");
  if (nat) {
    const Nat& n = std::get<Nat>(nat->v);
    if ((n.src || n.dst) && !ct.commit) return TextError("\"nat(src)\" and \"nat(dst)\" need the \"commit\" flag");
    ct.actions.insert(ct.actions.begin(), std::move(*nat));
  }
  bool has_exec = ct.actions.size() > (nat ? 1u : 0u);
  if (has_exec && !ct.commit) return TextError("\"exec\" needs the \"commit\" flag");
  return std::move(ct);
}

namespace {

template <auto Member>
TextResult<void> take_nat_range(const KeyValue& kv, const ParseContext&, Nat& n) {
  if (n.src || n.dst) return TextError("May only specify one of \"src\" or \"dst\".");
  n.*Member = true;
  return kv.has_value() ? parse_range(kv.value, n) : TextResult<void>();
}

}  // namespace

Parsed parse_nat(std::string_view arg, const ParseContext& ctx) {
  using A = Argument<Nat>;
  static constexpr A kArguments[] = {
      {"src", A::Form::kList, take_nat_range<&Nat::src>}, {"dst", A::Form::kList, take_nat_range<&Nat::dst>},
      {"persistent", A::Form::kWord, take_word<Nat, &Nat::persistent>}, {"hash", A::Form::kWord, take_word<Nat, &Nat::hash>},
      {"random", A::Form::kWord, take_word<Nat, &Nat::random>},
  };
  auto parsed = parse_arguments(arg, kArguments, ctx, +[](std::string_view key) { return fmt::format("invalid key \"{}\" in \"nat\" argument", key); });
  if (!parsed) return TextError(parsed.error());
  const Nat& n = *parsed;
  bool flags = n.persistent || n.hash || n.random;
  if (flags && !n.src && !n.dst) return TextError("Flags allowed only with \"src\" or \"dst\".");
  if (n.hash && n.random) return TextError("Both \"hash\" and \"random\" are not allowed.");
  return n;
}

}  // namespace sluice::ofp
