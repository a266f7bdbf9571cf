// SPDX-License-Identifier: Apache-2.0
// Actions from text.  A table says for every word what its argument looks like; nested and long ones are in action_parse_*.cc.
#include "ofproto/openflow/action_io.h"
#include "ofproto/openflow/action_parse.h"
#include "ofproto/openflow/action_walk.h"

#include <fmt/core.h>

#include <algorithm>

#include "ofproto/openflow/action_words.h"
#include "ofproto/openflow/port.h"

namespace sluice::ofp {
namespace {

using Parsed = TextResult<Action>;

// --- Arguments ---

/// A number up to max for `name`, in the words of Open vSwitch.
TextResult<uint64_t> number(std::string_view s, std::string_view name, uint64_t max) {
  auto n = parse_number(s);
  if (!n) return TextError(fmt::format("invalid {} \"{}\"", name, s));
  if (*n > max) return TextError(fmt::format("{}: value too large for {} (maximum {})", s, name, max));
  return *n;
}

TextResult<uint64_t> u32_number(std::string_view s) {
  auto n = parse_number(s);
  if (!n || *n > UINT32_MAX) return TextError(fmt::format("invalid numeric format {}", s));
  return *n;
}

template <typename T, auto Member>
Parsed one_u32(std::string_view arg, const ParseContext&) {
  auto n = u32_number(arg);
  if (!n) return TextError(n.error());
  T t{};
  t.*Member = static_cast<uint32_t>(*n);
  return t;
}

/// A byte or short with its own limit and name.
template <typename T, auto Member, uint64_t Max>
Parsed one_small(std::string_view arg, const ParseContext& ctx) {
  auto n = number(arg, ctx.word, Max);
  if (!n) return TextError(n.error());
  T t{};
  t.*Member = static_cast<std::remove_reference_t<decltype(t.*Member)>>(*n);
  return t;
}

template <typename T>
Parsed no_argument(std::string_view arg, const ParseContext& ctx) {
  if (!arg.empty()) return TextError(fmt::format("{}: {} takes no argument", arg, ctx.word));
  return T{};
}

template <typename T>
Parsed one_mac(std::string_view arg, const ParseContext&) {
  auto mac = parse_mac(arg);
  if (!mac) return TextError(fmt::format("invalid mac address {}", arg));
  return T{*mac};
}

template <typename T>
Parsed one_ipv4(std::string_view arg, const ParseContext&) {
  auto ip = parse_ipv4(arg);
  if (!ip) return TextError(fmt::format("{}: invalid IP address", arg));
  return T{*ip};
}

template <typename T, uint16_t... Allowed>
Parsed one_ethertype(std::string_view arg, const ParseContext& ctx) {
  auto n = number(arg, ctx.word, 0xffff);
  if (!n) return TextError(n.error());
  if constexpr (sizeof...(Allowed) > 0) {
    if (((*n != Allowed) && ...)) return TextError(fmt::format("{}: not a valid {} ethertype", arg, ctx.word == "push_vlan" ? "VLAN" : ctx.word == "push_mpls" ? "MPLS" : "PBB"));
  }
  return T{static_cast<uint16_t>(*n)};
}

Parsed set_vlan(std::string_view arg, bool vid, bool push) {
  auto n = parse_number(arg);
  if (vid) {
    if (!n || *n > 0xfff) return TextError(fmt::format("{}: not a valid VLAN VID", arg));
    return SetVlanVid{static_cast<uint16_t>(*n), push, false};
  }
  if (!n || *n > 7) return TextError(fmt::format("{}: not a valid VLAN PCP", arg));
  return SetVlanPcp{static_cast<uint8_t>(*n), push, false};
}
template <bool Vid, bool Push>
Parsed vlan(std::string_view arg, const ParseContext&) { return set_vlan(arg, Vid, Push); }

Parsed nw_tos(std::string_view arg, const ParseContext&) {
  auto n = parse_number_in(arg, "TOS", 0xff);
  if (!n) return TextError(n.error());
  if (*n & 3) return TextError(fmt::format("{}: not a valid TOS", arg));
  return SetIpTos{static_cast<uint8_t>(*n)};
}

Parsed nw_ecn(std::string_view arg, const ParseContext&) {
  auto n = parse_number_in(arg, "ECN", 0xff);
  if (!n) return TextError(n.error());
  if (*n > 3) return TextError(fmt::format("{}: not a valid ECN", arg));
  return SetIpEcn{static_cast<uint8_t>(*n)};
}

Parsed set_tunnel(std::string_view arg, const ParseContext& ctx) {
  auto n = number(arg, ctx.word, UINT64_MAX);
  if (!n) return TextError(n.error());
  return SetTunnel{*n, ctx.word == "set_tunnel64" || *n > UINT32_MAX};
}

Parsed dec_ttl(std::string_view arg, const ParseContext&) {
  DecTtl d;
  for (std::string_view rest = arg;;) {
    auto item = next_item(rest);
    if (!item) return TextError(item.error());
    if (!*item) break;
    auto n = number((*item)->all, "controller id", 0xffff);
    if (!n) return TextError(n.error());
    d.controller_ids.push_back(static_cast<uint16_t>(*n));
  }
  if (!arg.empty() && d.controller_ids.empty()) return TextError("dec_ttl_cnt_ids: expected at least one controller id.");
  return d;
}

// --- Output and its like ---

Parsed to_port(OfpPort p) {
  if (p == OFPP_CONTROLLER) return Output{p, kNoBufferLen};
  return Output{p, 0};
}

TextResult<void> take_truncated_port(const KeyValue& kv, const ParseContext& ctx, OutputTrunc& o) {
  auto p = parse_port(kv.value, ctx.names.ports);
  if (!p) return TextError(fmt::format("output to unknown truncate port: {}", kv.value));
  bool several = *p == OFPP_NORMAL || *p == OFPP_FLOOD || *p == OFPP_ALL || *p == OFPP_CONTROLLER || *p == OFPP_TABLE || *p == OFPP_NONE;
  if (several) return TextError(fmt::format("output to unsupported truncate port: {}", kv.value));
  o.port = *p;
  return {};
}

Parsed output_trunc(std::string_view arg, const ParseContext& ctx) {
  using A = Argument<OutputTrunc>;
  static constexpr A kArguments[] = {{"port", A::Form::kValue, take_truncated_port},
                                     {"max_len", A::Form::kValue, take_number<OutputTrunc, &OutputTrunc::max_len, UINT32_MAX>}};
  auto o = parse_arguments(arg, kArguments, ctx, +[](std::string_view key) { return fmt::format("invalid key '{}' in output_trunc argument", key); },
                           OutputTrunc{OFPP_NONE, 0});
  if (!o) return TextError(o.error());
  if (o->port == OFPP_NONE) return TextError(fmt::format("{}: output needs a port", arg));
  if (o->max_len < 14) return TextError(fmt::format("max_len {} is less than the minimum value 14", o->max_len));
  return *o;
}

Parsed output(std::string_view arg, const ParseContext& ctx) {
  if (ctx.parens && arg.find('=') != arg.npos) return output_trunc(arg, ctx);
  if (auto p = parse_port(arg, ctx.names.ports)) return to_port(*p);
  std::string_view word = arg;
  if (auto s = parse_subfield(word)) return OutputReg{*s, kNoBufferLen};
  bool numeric = !arg.empty() && arg.find_first_not_of("0123456789") == arg.npos;
  if (numeric || arg.find('[') == arg.npos) return TextError(fmt::format("{}: output to unknown port", arg));
  return TextError(parse_subfield(arg).error());
}

Parsed enqueue(std::string_view arg, const ParseContext& ctx) {
  size_t colon = arg.find_first_of(":,");
  if (colon == arg.npos) return TextError("\"enqueue\" syntax is \"enqueue:PORT:QUEUE\" or \"enqueue(PORT,QUEUE)\"");
  auto p = parse_port(arg.substr(0, colon), ctx.names.ports);
  if (!p) return TextError(fmt::format("{}: enqueue to unknown port", arg.substr(0, colon)));
  auto q = u32_number(trim(arg.substr(colon + 1)));
  if (!q) return TextError(q.error());
  return Enqueue{*p, static_cast<uint32_t>(*q)};
}

Parsed group(std::string_view arg, const ParseContext&) {
  auto n = u32_number(arg);
  if (!n) return TextError(n.error());
  if (*n > OFPG_MAX) return TextError(fmt::format("invalid group id {}", arg));
  return Group{static_cast<uint32_t>(*n)};
}

TextResult<void> take_reason(const KeyValue& kv, const ParseContext&, Controller& c) {
  auto it = std::find_if(std::begin(kReasonNames), std::end(kReasonNames), [&](auto n) { return equal_ignoring_case(n, kv.value); });
  if (it == std::end(kReasonNames)) return TextError(fmt::format("unknown reason \"{}\"", kv.value));
  c.reason = static_cast<PacketInReason>(it - std::begin(kReasonNames));
  return {};
}

TextResult<void> take_userdata(const KeyValue& kv, const ParseContext&, Controller& c) {
  auto b = parse_dotted_hex(kv.value);
  if (!b) return TextError("bad hex digit in `controller' action `userdata'");
  c.userdata = std::move(*b);
  return {};
}

Parsed controller(std::string_view arg, const ParseContext& ctx) {
  if (arg.empty()) return to_port(OFPP_CONTROLLER);
  if (!ctx.parens) {
    auto n = number(arg, "max_len", 0xffff);
    if (!n) return TextError(n.error());
    return Output{OFPP_CONTROLLER, static_cast<uint16_t>(*n)};
  }
  using A = Argument<Controller>;
  static constexpr A kArguments[] = {{"reason", A::Form::kValue, take_reason},
                                     {"max_len", A::Form::kValue, take_number<Controller, &Controller::max_len, 0xffff>},
                                     {"id", A::Form::kValue, take_number<Controller, &Controller::controller_id, 0xffff>},
                                     {"userdata", A::Form::kValue, take_userdata},
                                     {"pause", A::Form::kWord, take_word<Controller, &Controller::pause>},
                                     {"meter_id", A::Form::kValue, take_number<Controller, &Controller::meter_id, UINT32_MAX>}};
  auto c = parse_arguments(arg, kArguments, ctx, +[](std::string_view key) { return fmt::format("unknown key \"{}\" parsing controller action", key); });
  if (!c) return TextError(c.error());
  Controller plain;
  plain.max_len = c->max_len;
  if (*c == plain) return Output{OFPP_CONTROLLER, c->max_len};
  return std::move(*c);
}

Parsed note(std::string_view arg, const ParseContext&) {
  auto b = parse_dotted_hex(arg);
  if (!b) return TextError("bad hex digit in `note' argument");
  // The body of the wire form is always filled to 8 bytes with the head.
  while ((b->size() + 10) % 8) b->push_back(0);
  return Note{std::move(*b)};
}

// --- Fields ---

struct Arrow {
  std::string_view from, to;
};
std::optional<Arrow> split_arrow(std::string_view s) {
  size_t at = s.find("->");
  if (at == s.npos) return std::nullopt;
  return Arrow{trim(s.substr(0, at)), trim(s.substr(at + 2))};
}

Parsed set_field(std::string_view arg, const ParseContext& ctx) {
  auto a = split_arrow(arg);
  if (!a) return TextError(fmt::format("{}: missing `->'", arg));
  if (a->to.empty()) return TextError(fmt::format("{}: missing field name following `->'", arg));
  const Field* f = field_by_name(a->to);
  if (!f) return TextError(fmt::format("{} is not a valid OXM field name", a->to));
  if (f->access == Access::kReadOnly) return TextError(fmt::format("{} is read-only", a->to));
  if (!wire_id_of(f->id, Version::k15)) return TextError(fmt::format("{}: OpenFlow has no number for this field", a->to));
  auto t = parse_value(f->id, a->from, ctx.names.ports, ctx.names.tlv, ctx.names.compat);
  if (!t) return TextError(t.error());
  if (!is_value_valid(f->id, t->value, ctx.names.tlv)) return TextError(fmt::format("{}: value is not valid for field {}", a->from, a->to));
  return SetField{f->id, std::move(t->value), std::move(t->mask), SetField::Form::kSetField};
}

Parsed load(std::string_view arg, const ParseContext& ctx) {
  auto a = split_arrow(arg);
  if (!a) return TextError(fmt::format("{}: missing `->'", arg));
  auto dst = parse_subfield(a->to);
  if (!dst) return TextError(dst.error());
  const Field& f = field(dst->field);
  if (f.access == Access::kReadOnly) return TextError(fmt::format("{} is read-only", f.name));
  FieldValue v(16);
  // All of an option, of whatever length that has: as set_field.
  if (is_tun_metadata(f.id) && dst->is_whole() && parse_big_number(a->from, v.data(), v.size())) return set_field(fmt::format("{}->{}", a->from, f.name), ctx);
  unsigned room = make_room(*dst, ctx.names.tlv);
  size_t size = wire_bytes_of(f.id, ctx.names.tlv);
  if (is_tun_metadata(f.id) && room && dst->ofs + dst->n_bits > room) return TextError(fmt::format("{}: {} has {} bits", arg, f.name, room));
  if (size == 0) return TextError(fmt::format("{}: no mapping of a tunnel option to {} is known", arg, f.name));
  v.resize(std::max<size_t>(16, size));
  if (!parse_big_number(a->from, v.data(), v.size())) return TextError(fmt::format("{}: cannot parse integer value", arg));
  for (unsigned i = dst->n_bits; i < v.size() * 8; i++)
    if (v.bit(i)) return TextError(fmt::format("{}: value {} does not fit into {} bits", arg, a->from, dst->n_bits));
  SetField s{f.id, FieldValue(size), FieldValue(size), SetField::Form::kLoad};
  copy_bits(v.bytes(), 0, s.value.bytes(), dst->ofs, dst->n_bits);
  s.mask.set_bits(dst->ofs, dst->n_bits);
  return s;
}

Parsed move(std::string_view arg, const ParseContext&) {
  std::string_view rest = arg;
  auto src = parse_subfield_prefix(rest);
  if (!src) return TextError(src.error());
  if (!rest.starts_with("->")) return TextError(fmt::format("{}: missing `->' following source", arg));
  rest.remove_prefix(2);
  auto dst = parse_subfield_prefix(rest);
  if (!dst) return TextError(dst.error());
  if (!rest.empty()) return TextError(fmt::format("{}: trailing garbage following destination", arg));
  if (field(dst->field).access == Access::kReadOnly) return TextError(fmt::format("{} is read-only", field(dst->field).name));
  if (src->n_bits != dst->n_bits)
    return TextError(fmt::format("{}: source field is {} bits wide but destination is {} bits wide", arg, src->n_bits, dst->n_bits));
  return Move{*src, *dst};
}

template <typename T, auto Member>
Parsed one_subfield(std::string_view arg, const ParseContext& ctx) {
  auto s = parse_subfield(arg);
  if (!s) return TextError(s.error());
  if (ctx.word == "pop" && field(s->field).access == Access::kReadOnly) return TextError(fmt::format("{} is read-only", field(s->field).name));
  T t{};
  t.*Member = *s;
  return t;
}

Parsed delete_field(std::string_view arg, const ParseContext&) {
  const Field* f = field_by_name(arg);
  if (!f) return TextError(fmt::format("{} is not a valid OXM field name", arg));
  if (!is_tun_metadata(f->id)) return TextError(fmt::format("{}: only tun_metadata fields can be deleted", arg));
  return DeleteField{f->id};
}

Parsed check_pkt_larger(std::string_view arg, const ParseContext& ctx) {
  auto n = parse_number_in(arg, "check_pkt_larger length", 0xffff);
  if (!n) return TextError(n.error());
  if (!ctx.rest.starts_with("->")) return TextError(fmt::format("{}: missing `->'", arg));
  auto dst = parse_subfield(ctx.rest.substr(2));
  if (!dst) return TextError(dst.error());
  if (dst->n_bits != 1) return TextError("Only 1-bit destination field is allowed");
  return CheckPktLarger{static_cast<uint16_t>(*n), *dst};
}

// --- Control ---

Parsed resubmit(std::string_view arg, const ParseContext& ctx) {
  Resubmit r;
  if (!ctx.parens) {
    auto p = parse_port(arg, ctx.names.ports);
    if (!p) return TextError(fmt::format("{}: resubmit to unknown port", arg));
    r.in_port = *p;
    return r;
  }
  size_t c1 = arg.find(','), c2 = c1 == arg.npos ? c1 : arg.find(',', c1 + 1);
  std::string_view port = trim(arg.substr(0, c1));
  std::string_view table = c1 == arg.npos ? std::string_view() : trim(arg.substr(c1 + 1, c2 == arg.npos ? c2 : c2 - c1 - 1));
  std::string_view ct = c2 == arg.npos ? std::string_view() : trim(arg.substr(c2 + 1));
  if (!port.empty()) {
    auto p = parse_port(port, ctx.names.ports);
    if (!p) return TextError(fmt::format("{}: resubmit to unknown port", port));
    r.in_port = *p;
  }
  if (!table.empty()) {
    auto t = parse_table(table, ctx.names.tables);
    if (!t) return TextError(fmt::format("{}: resubmit to unknown table", table));
    r.table = *t;
  }
  if (!ct.empty()) {
    if (ct != "ct") return TextError(fmt::format("{}: unknown parameter", ct));
    r.ct = true;
  }
  bool as_printed = arg == ",";   // of such an action that came from the wire
  if (r.in_port == OFPP_IN_PORT && r.table == kTableAll && !as_printed) return TextError("at least one \"in_port\" or \"table\" must be specified on resubmit");
  return r;
}

Parsed clone(std::string_view arg, const ParseContext& ctx) {
  if (!ctx.parens) return TextError("clone needs actions in parentheses");
  auto list = parse_nested(arg, ctx);
  if (!list) return TextError(list.error());
  return Clone{std::move(*list)};
}

Parsed conjunction(std::string_view arg, const ParseContext&) {
  size_t comma = arg.find(','), slash = arg.find('/');
  constexpr std::string_view kSyntax = "\"conjunction\" syntax is \"conjunction(id,i/n)\"";
  if (comma == arg.npos || slash == arg.npos || slash < comma) return TextError(kSyntax);
  auto id = u32_number(trim(arg.substr(0, comma)));
  auto k = parse_number(trim(arg.substr(comma + 1, slash - comma - 1))), n = parse_number(trim(arg.substr(slash + 1)));
  if (!id) return TextError(id.error());
  if (!k || !n) return TextError(kSyntax);
  if (*n < 2) return TextError("conjunction must have at least 2 clauses");
  if (*n > kMaxConjunctionClauses) return TextError("conjunction must have at most 64 clauses");
  if (*k < 1) return TextError("clause index must be positive");
  if (*k > *n) return TextError("clause index must be less than or equal to number of clauses");
  return Conjunction{static_cast<uint32_t>(*id), static_cast<uint8_t>(*k - 1), static_cast<uint8_t>(*n)};
}

Parsed fin_timeout(std::string_view arg, const ParseContext& ctx) {
  using A = Argument<FinTimeout>;
  static constexpr A kArguments[] = {{"idle_timeout", A::Form::kValue, take_number<FinTimeout, &FinTimeout::idle, 0xffff>},
                                     {"hard_timeout", A::Form::kValue, take_number<FinTimeout, &FinTimeout::hard, 0xffff>}};
  auto f = parse_arguments(arg, kArguments, ctx, +[](std::string_view key) { return fmt::format("invalid key '{}' in 'fin_timeout' argument", key); });
  if (!f) return TextError(f.error());
  return *f;
}

// --- Instructions ---

Parsed goto_table(std::string_view arg, const ParseContext& ctx) {
  auto t = parse_table(arg, ctx.names.tables);
  if (!t) return TextError(fmt::format("unknown table \"{}\"", arg));
  return GotoTable{*t};
}

Parsed write_metadata(std::string_view arg, const ParseContext&) {
  size_t slash = arg.find('/');
  auto value = parse_number(arg.substr(0, slash));
  auto mask = slash == arg.npos ? std::optional<uint64_t>(UINT64_MAX) : parse_number(arg.substr(slash + 1));
  if (!value || !mask) return TextError(fmt::format("invalid metadata value \"{}\"", arg));
  return WriteMetadata{*value, *mask};
}

Parsed write_actions(std::string_view arg, const ParseContext& ctx) {
  auto list = parse_nested(arg, ctx);
  if (!list) return TextError(list.error());
  return WriteActions{std::move(*list)};
}

Parsed apply_actions(std::string_view, const ParseContext&) { return TextError("apply_actions is the default instruction"); }

struct Word {
  std::string_view name;
  Parsed (*parse)(std::string_view arg, const ParseContext&);
};
constexpr Word kWords[] = {
    {"output", output}, {"controller", controller}, {"enqueue", enqueue}, {"group", group}, {"set_queue", one_u32<SetQueue, &SetQueue::queue>},
    {"pop_queue", no_argument<PopQueue>}, {"bundle", parse_bundle}, {"bundle_load", parse_bundle},
    {"mod_vlan_vid", vlan<true, true>}, {"set_vlan_vid", vlan<true, false>}, {"mod_vlan_pcp", vlan<false, true>},
    {"set_vlan_pcp", vlan<false, false>}, {"strip_vlan", no_argument<StripVlan>}, {"pop_vlan", no_argument<StripVlan>},
    {"push_vlan", one_ethertype<PushVlan, 0x8100, 0x88a8>}, {"push_mpls", one_ethertype<PushMpls, 0x8847, 0x8848>},
    {"pop_mpls", one_ethertype<PopMpls>}, {"push_pbb", one_ethertype<PushPbb, 0x88e7>}, {"pop_pbb", no_argument<PopPbb>},
    {"copy_ttl_out", no_argument<CopyTtlOut>}, {"copy_ttl_in", no_argument<CopyTtlIn>},
    {"set_mpls_label", one_small<SetMplsLabel, &SetMplsLabel::label, 0xfffff>}, {"set_mpls_tc", one_small<SetMplsTc, &SetMplsTc::tc, 7>},
    {"set_mpls_ttl", one_small<SetMplsTtl, &SetMplsTtl::ttl, 255>}, {"dec_mpls_ttl", no_argument<DecMplsTtl>}, {"dec_ttl", dec_ttl},
    {"dec_nsh_ttl", no_argument<DecNshTtl>}, {"mod_dl_src", one_mac<SetEthSrc>}, {"mod_dl_dst", one_mac<SetEthDst>},
    {"mod_nw_src", one_ipv4<SetIpSrc>}, {"mod_nw_dst", one_ipv4<SetIpDst>}, {"mod_nw_tos", nw_tos},
    {"mod_nw_ecn", nw_ecn}, {"mod_nw_ttl", one_small<SetIpTtl, &SetIpTtl::ttl, 255>},
    {"mod_tp_src", one_small<SetL4Src, &SetL4Src::port, 65535>}, {"mod_tp_dst", one_small<SetL4Dst, &SetL4Dst::port, 65535>},
    {"set_tunnel", set_tunnel}, {"set_tunnel64", set_tunnel}, {"set_field", set_field}, {"load", load}, {"move", move},
    {"push", one_subfield<StackPush, &StackPush::src>}, {"pop", one_subfield<StackPop, &StackPop::dst>}, {"delete_field", delete_field},
    {"resubmit", resubmit}, {"clone", clone}, {"exit", no_argument<Exit>}, {"note", note}, {"conjunction", conjunction},
    {"multipath", parse_multipath}, {"fin_timeout", fin_timeout}, {"learn", parse_learn}, {"sample", parse_sample},
    {"check_pkt_larger", check_pkt_larger}, {"ct", parse_ct}, {"nat", parse_nat}, {"ct_clear", no_argument<CtClear>},
    {"encap", parse_encap}, {"decap", parse_decap}, {"debug_recirc", no_argument<DebugRecirc>}, {"debug_slow", no_argument<DebugSlow>},
    {"meter", one_u32<Meter, &Meter::meter_id>}, {"clear_actions", no_argument<ClearActions>}, {"write_actions", write_actions},
    {"apply_actions", apply_actions}, {"write_metadata", write_metadata}, {"goto_table", goto_table},
};

/// What each instruction must come before, for the error text.
constexpr std::string_view kInstructionNames[] = {"", "goto_table", "write_metadata", "write_actions", "apply_actions", "clear_actions", "meter"};

TextResult<void> check_order(const Actions& actions) {
  constexpr int kRank[] = {0, 6, 5, 4, 2, 3, 1};
  for (size_t i = 1; i < actions.size(); i++) {
    uint16_t a = instruction_type(actions[i - 1]), b = instruction_type(actions[i]);
    if (kRank[a] > kRank[b])
      return TextError(fmt::format("invalid instruction ordering: {} must appear before {}, for OpenFlow 1.1+ compatibility", kInstructionNames[b],
                                   kInstructionNames[a]));
    if (a == b && a != 4) return TextError(fmt::format("duplicate {} instruction not allowed, for OpenFlow 1.1+ compatibility", kInstructionNames[a]));
  }
  return {};
}

/// ct_mark and ct_label, which only ct's own actions may write.
bool sets_ct_fields(const Actions& actions) {
  for (const Action& a : actions) {
    const FieldId* f = written_field(a);
    if (f && (*f == FieldId::kCtMark || *f == FieldId::kCtLabel)) return true;
    if (const Actions* inner = nested(a); inner && !a.as<Ct>() && sets_ct_fields(*inner)) return true;
  }
  return false;
}

TextResult<void> check_conjunction(const Actions& actions) {
  const Action* other = nullptr;
  bool conjunction = false;
  for (const Action& a : actions) {
    conjunction |= a.as<Conjunction>() != nullptr;
    if (!other && !a.as<Conjunction>() && !a.as<Note>()) other = &a;
  }
  if (!conjunction || !other) return {};
  return TextError(fmt::format("\"conjunction\" actions may be used along with \"note\" but not any other kind of action (such as the \"{}\" action used here)",
                               action_name(*other)));
}

TextResult<Actions> parse_list(std::string_view text, const ParseContext& ctx) {
  if (ctx.depth > kMaxActionDepth) return TextError(fmt::format("actions nested more than {} deep", kMaxActionDepth));
  Actions out;
  bool drop = false;
  for (std::string_view rest = text;;) {
    auto item = next_item(rest);
    if (!item) return TextError(item.error());
    if (!*item) break;
    const KeyValue& kv = **item;
    if (equal_ignoring_case(kv.key, "drop") && !kv.has_value()) {
      drop = true;
      continue;
    }
    auto a = parse_action(kv, ctx);
    if (!a) return TextError(a.error());
    out.push_back(std::move(*a));
  }
  if (drop && !out.empty()) return TextError("\"drop\" must not be accompanied by any other action or instruction");
  return out;
}

}  // namespace

TextResult<Action> parse_action(const KeyValue& kv, const ParseContext& outer) {
  ParseContext ctx = outer;
  std::string word = to_lower(kv.key);
  ctx.word = word;
  ctx.parens = kv.form == KeyValue::Form::kParens;
  ctx.rest = kv.rest;
  for (const Word& w : kWords) {
    if (w.name != word) continue;
    if (!kv.rest.empty() && w.name != "check_pkt_larger") return TextError(fmt::format("{}: trailing garbage after {}", kv.rest, word));
    return w.parse(trim(kv.value), ctx);
  }
  // A port by itself.
  if (kv.form == KeyValue::Form::kBare) {
    if (auto p = parse_port(kv.key, ctx.names.ports)) return to_port(*p);
  }
  return TextError(fmt::format("unknown action {}", kv.key));
}

TextResult<Actions> parse_nested(std::string_view text, const ParseContext& ctx) {
  ParseContext inner = ctx;
  inner.depth++;
  auto list = parse_list(text, inner);
  if (!list) return list;
  for (const Action& a : *list)
    if (is_instruction(a)) return TextError(fmt::format("{} action is not allowed here", action_name(a)));
  return list;
}

std::vector<std::string_view> action_words() {
  std::vector<std::string_view> words;
  for (const Word& w : kWords) words.push_back(w.name);
  return words;
}

TextResult<void> check_form(const KeyValue& kv, bool is_word, bool needs_value, const ParseContext& ctx, Said& said) {
  if (ctx.names.compat) return {};
  if (!kv.rest.empty()) return TextError(fmt::format("{}: trailing garbage after {}", kv.rest, kv.key));
  if (is_word && kv.has_value()) return TextError(fmt::format("{}: {} takes no value", kv.all, kv.key));
  if (needs_value && trim(kv.value).empty()) return TextError(fmt::format("{}: {} needs a value", kv.all, kv.key));
  return said.add(kv.key, kv.value);
}

std::optional<uint8_t> parse_table(std::string_view s, const NameMap* tables) {
  if (auto n = parse_number(s)) return *n <= 255 ? std::optional(static_cast<uint8_t>(*n)) : std::nullopt;
  if (!tables) return std::nullopt;
  auto name = unquote_name(s);
  auto n = name ? tables->number(*name) : std::nullopt;
  return n ? std::optional(static_cast<uint8_t>(*n)) : std::nullopt;
}

std::optional<Bytes> parse_dotted_hex(std::string_view s) {
  auto digit = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
  };
  Bytes out;
  for (size_t i = 0; i < s.size();) {
    if (s[i] == '.') {
      i++;
      continue;
    }
    if (i + 1 >= s.size() || digit(s[i]) < 0 || digit(s[i + 1]) < 0) return std::nullopt;
    out.push_back(static_cast<uint8_t>(digit(s[i]) << 4 | digit(s[i + 1])));
    i += 2;
  }
  return out;
}

TextResult<ActionsText> parse_actions(std::string_view text, const TextNames& names, bool allow_instructions) {
  ParseContext ctx{names};
  auto list = parse_list(text, ctx);
  if (!list) return TextError(list.error());
  if (sets_ct_fields(*list)) return TextError("cannot set CT fields outside of ct action");
  if (auto ok = check_conjunction(*list); !ok) return TextError(ok.error());
  if (allow_instructions) {
    if (auto ok = check_order(*list); !ok) return TextError(ok.error());
  } else {
    for (const Action& a : *list)
      if (is_instruction(a) && !a.as<Meter>()) return TextError(fmt::format("{} instruction not allowed here", action_name(a)));
  }
  ActionsText out{std::move(*list)};
  out.usable = usable_protocols(out.actions);
  return out;
}

}  // namespace sluice::ofp
