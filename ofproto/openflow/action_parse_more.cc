// SPDX-License-Identifier: Apache-2.0
// bundle, multipath, sample, encap and decap from text.
#include <fmt/core.h>

#include <algorithm>

#include "ofproto/openflow/action_parse.h"
#include "ofproto/openflow/action_words.h"
#include "ofproto/openflow/port.h"

namespace sluice::ofp {
namespace {

using Parsed = TextResult<Action>;

std::vector<std::string_view> split(std::string_view s, char separator) {
  std::vector<std::string_view> out;
  while (true) {
    size_t n = s.find(separator);
    out.push_back(trim(s.substr(0, n)));
    if (n == s.npos) return out;
    s.remove_prefix(n + 1);
  }
}

template <size_t N>
std::optional<size_t> index_of(const std::string_view (&names)[N], std::string_view s) {
  auto it = std::find_if(std::begin(names), std::end(names), [&](auto n) { return equal_ignoring_case(n, s); });
  if (it == std::end(names)) return std::nullopt;
  return static_cast<size_t>(it - std::begin(names));
}

}  // namespace

/// Which of the two is missing: arguments, or the word before the members.
TextError no_members(std::string_view arg, std::string_view word, size_t head_size) {
  std::vector<std::string_view> words = split(arg, ',');
  if (words.size() <= head_size) return TextError(fmt::format("{}: not enough arguments to {} action", arg, word));
  std::string_view got = words[head_size];
  return TextError(fmt::format("{}: missing member delimiter, expected `members', got `{}'", arg, got.substr(0, got.find(':'))));
}

Parsed parse_bundle(std::string_view arg, const ParseContext& ctx) {
  bool load = ctx.word == "bundle_load";
  size_t members_at = std::min(arg.find("members:"), arg.find("slaves:"));
  if (members_at == arg.npos) return no_members(arg, ctx.word, load ? 5 : 4);
  std::vector<std::string_view> head = split(arg.substr(0, members_at), ',');
  if (!head.empty() && head.back().empty()) head.pop_back();
  if (head.size() != (load ? 5u : 4u)) return TextError(fmt::format("{}: not enough arguments to {} action", arg, ctx.word));
  Bundle b;
  auto fields = index_of(kHashFieldNames, head[0]);
  if (!fields) return TextError(fmt::format("{}: unknown fields `{}'", arg, head[0]));
  auto basis = parse_number(head[1]);
  if (!basis || *basis > 0xffff) return TextError(fmt::format("{}: basis `{}' is not a number from 0 to 65535", arg, head[1]));
  auto algorithm = index_of(kBundleAlgorithmNames, head[2]);
  if (!algorithm) return TextError(fmt::format("{}: unknown algorithm `{}'", arg, head[2]));
  if (!equal_ignoring_case(head[3], "ofport")) return TextError(fmt::format("{}: unknown member_type `{}'", arg, head[3]));
  b.fields = static_cast<HashFields>(*fields);
  b.basis = static_cast<uint16_t>(*basis);
  b.algorithm = static_cast<BundleAlgorithm>(*algorithm);
  if (load) {
    auto dst = parse_subfield(head[4]);
    if (!dst) return TextError(dst.error());
    if (const WireId* id = wire_id_of(dst->field, Version::k10); id && id->header.is_experimenter())  // the wire form has room for 4 bytes
      return TextError(fmt::format("{}: experimenter OXM field '{}' not supported", arg, field(dst->field).name));
    if (field(dst->field).access == Access::kReadOnly) return TextError(fmt::format("{}: {} is read-only", arg, field(dst->field).name));
    b.dst = *dst;
  }
  std::string_view list = arg.substr(arg.find(':', members_at) + 1);
  list = trim(list);
  if (list.starts_with('[') && list.ends_with(']')) list = list.substr(1, list.size() - 2);
  if (list.empty()) return b;
  for (std::string_view m : split(list, ',')) {
    auto p = parse_port(m, ctx.names.ports);
    if (!p) return TextError(fmt::format("{}: bad port number", m));
    b.members.push_back(*p);
  }
  if (b.members.size() > kMaxBundleMembers) return TextError(fmt::format("too many members, at most {}", kMaxBundleMembers));
  return b;
}

Parsed parse_multipath(std::string_view arg, const ParseContext&) {
  std::vector<std::string_view> a = split(arg, ',');
  if (a.size() != 6) return TextError(fmt::format("{}: not enough arguments to multipath action", arg));
  Multipath m;
  auto fields = index_of(kHashFieldNames, a[0]);
  if (!fields) return TextError(fmt::format("{}: unknown fields `{}'", arg, a[0]));
  auto basis = parse_number(a[1]), links = parse_number(a[3]), argument = parse_number(a[4]);
  if (!basis || *basis > 0xffff) return TextError(fmt::format("{}: basis `{}' is not a number from 0 to 65535", arg, a[1]));
  auto algorithm = index_of(kMultipathAlgorithmNames, a[2]);
  if (!algorithm) return TextError(fmt::format("{}: unknown algorithm `{}'", arg, a[2]));
  if (!links || *links < 1 || *links > kMaxMultipathLinks) return TextError(fmt::format("{}: n_links {} is not in valid range 1 to 65536", arg, a[3]));
  if (!argument || *argument > UINT32_MAX) return TextError(fmt::format("{}: arg `{}' is not a number from 0 to 4294967295", arg, a[4]));
  auto dst = parse_subfield(a[5]);
  if (!dst) return TextError(fmt::format("{}: {}", arg, dst.error()));
  if (field(dst->field).access == Access::kReadOnly) return TextError(fmt::format("{}: {} is read-only", arg, field(dst->field).name));
  if (dst->n_bits < 16 && *links > (1u << dst->n_bits))
    return TextError(fmt::format("{}: {}-bit destination field has {} possible values, less than specified n_links {}", arg, dst->n_bits,
                                 1u << dst->n_bits, *links));
  m.fields = static_cast<HashFields>(*fields);
  m.basis = static_cast<uint16_t>(*basis);
  m.algorithm = static_cast<MultipathAlgorithm>(*algorithm);
  m.n_links = static_cast<uint32_t>(*links);
  m.arg = static_cast<uint32_t>(*argument);
  m.dst = *dst;
  return m;
}

namespace {

/// A number, or the field that has it.
template <auto Id, auto Source>
TextResult<void> take_id_or_field(const KeyValue& kv, const ParseContext&, Sample& s) {
  if (auto n = parse_number(kv.value)) {
    if (*n > UINT32_MAX) return TextError(fmt::format("invalid {} \"{}\"", kv.key, kv.value));
    s.*Id = static_cast<uint32_t>(*n);
    return {};
  }
  auto f = parse_subfield(kv.value);
  if (!f) return TextError(fmt::format("invalid {} \"{}\"", kv.key, kv.value));
  s.*Source = *f;
  return {};
}

TextResult<void> take_sampling_port(const KeyValue& kv, const ParseContext& ctx, Sample& s) {
  auto p = parse_port(kv.value, ctx.names.ports);
  if (!p) return TextError(fmt::format("sampling_port: unknown port {}", kv.value));
  s.sampling_port = *p;
  return {};
}

}  // namespace

Parsed parse_sample(std::string_view arg, const ParseContext& ctx) {
  using A = Argument<Sample>;
  static constexpr A kArguments[] = {
      {"probability", A::Form::kValue, take_number<Sample, &Sample::probability, 0xffff, 1>},
      {"collector_set_id", A::Form::kValue, take_number<Sample, &Sample::collector_set_id, UINT32_MAX>},
      {"obs_domain_id", A::Form::kValue, take_id_or_field<&Sample::obs_domain_id, &Sample::obs_domain_src>},
      {"obs_point_id", A::Form::kValue, take_id_or_field<&Sample::obs_point_id, &Sample::obs_point_src>},
      {"sampling_port", A::Form::kValue, take_sampling_port},
      {"ingress", A::Form::kWord, take_word<Sample, &Sample::direction, Sample::Direction::kIngress>},
      {"egress", A::Form::kWord, take_word<Sample, &Sample::direction, Sample::Direction::kEgress>},
  };
  auto s = parse_arguments(arg, kArguments, ctx, +[](std::string_view key) { return fmt::format("invalid key \"{}\" in \"sample\" argument", key); });
  if (!s) return TextError(s.error());
  if (s->probability == 0) return TextError("non-zero \"probability\" must be specified on sample");
  return std::move(*s);
}

namespace {

TextResult<EncapNshTlv> parse_nsh_tlv(std::string_view arg) {
  std::vector<std::string_view> a = split(arg, ',');
  if (a.size() != 3) return TextError(fmt::format("Invalid NSH TLV header: {}", arg));
  auto tlv_class = parse_number(a[0]), type = parse_number(a[1]);
  if (!tlv_class || *tlv_class > 0xffff) return TextError(fmt::format("Invalid TLV class: {}", a[0]));
  if (!type || *type > 0xff) return TextError(fmt::format("Invalid TLV type: {}", a[1]));
  if (a[2] == "0") return EncapNshTlv{static_cast<uint16_t>(*tlv_class), static_cast<uint8_t>(*type), {}};  // none
  std::string_view hex = a[2].starts_with("0x") || a[2].starts_with("0X") ? a[2].substr(2) : a[2];
  auto data = parse_dotted_hex(hex);
  if (!data || data->empty() || data->size() > 240) return TextError(fmt::format("Invalid NSH TLV data: {}", a[2]));
  return EncapNshTlv{static_cast<uint16_t>(*tlv_class), static_cast<uint8_t>(*type), std::move(*data)};
}

TextResult<void> take_md_type(const KeyValue& kv, const ParseContext&, Encap& e) {
  auto n = parse_number(kv.value);
  if (!n || (*n != 1 && *n != 2)) return TextError(fmt::format("invalid md_type {} (1 or 2)", kv.value));
  e.nsh_md_type = static_cast<uint8_t>(*n);
  return {};
}

TextResult<void> parse_nsh_properties(std::string_view arg, const ParseContext& ctx, Encap& e) {
  using A = Argument<Encap>;
  static constexpr A kArguments[] = {{"md_type", A::Form::kValue, take_md_type}};
  Said said;
  for (std::string_view rest = arg;;) {
    auto item = next_item(rest);
    if (!item) return TextError(item.error());
    if (!*item) return {};
    const KeyValue& kv = **item;
    if (kv.key == "tlv" && kv.rest.empty()) {   // any number of them
      auto t = parse_nsh_tlv(kv.value);
      if (!t) return TextError(t.error());
      e.nsh_tlvs.push_back(std::move(*t));
      continue;
    }
    auto known = take_argument(kv, kArguments, ctx, said, e);
    if (!known) return TextError(known.error());
    if (!*known) return TextError(fmt::format("Invalid property: {}", kv.all));
  }
}

}  // namespace

Parsed parse_encap(std::string_view arg, const ParseContext& ctx) {
  Encap e;
  std::string_view rest = arg;
  auto item = next_item(rest);
  if (!item) return TextError(item.error());
  if (!*item) return TextError("encap: missing header");
  const KeyValue& kv = **item;
  auto it = std::find_if(std::begin(kEncapNames), std::end(kEncapNames), [&](const EncapName& n) { return equal_ignoring_case(n.name, kv.key); });
  if (it == std::end(kEncapNames)) return TextError(fmt::format("Encap hdr not supported: {}", arg));
  if (!trim(rest).empty() || !kv.rest.empty()) return TextError(fmt::format("{}{}: trailing garbage in encap", kv.rest, rest));
  e.packet_type = it->packet_type;
  if (trim(kv.value).empty()) return e;
  if (e.packet_type != kPacketTypeNsh) return TextError(fmt::format("{}: {} has no properties", arg, kv.key));
  if (auto ok = parse_nsh_properties(kv.value, ctx, e); !ok) return TextError(ok.error());
  return e;
}

namespace {

struct PacketType {
  std::optional<uint64_t> ns, type;
};
template <auto Member>
TextResult<void> take_optional(const KeyValue& kv, const ParseContext&, PacketType& t) {
  auto n = parse_number_in(kv.value, kv.key, 0xffff);
  if (!n) return TextError(n.error());
  t.*Member = *n;
  return {};
}

}  // namespace

Parsed parse_decap(std::string_view arg, const ParseContext& ctx) {
  if (arg.empty()) return Decap{};
  std::string_view rest = arg;
  auto item = next_item(rest);
  if (!item) return TextError(item.error());
  if (!*item || (*item)->key != "packet_type") return TextError(fmt::format("Invalid decap argument: {}", arg));
  if (!trim(rest).empty() || !(*item)->rest.empty()) return TextError(fmt::format("{}: trailing garbage in decap", arg));
  using A = Argument<PacketType>;
  static constexpr A kArguments[] = {{"ns", A::Form::kValue, take_optional<&PacketType::ns>}, {"type", A::Form::kValue, take_optional<&PacketType::type>}};
  auto t = parse_arguments((*item)->value, kArguments, ctx, +[](std::string_view key) { return fmt::format("Invalid decap argument: {}", key); });
  if (!t) return TextError(t.error());
  if (!t->ns || !t->type) return TextError(fmt::format("Missing packet_type attribute {}: {}", t->ns ? "type" : "ns", arg));
  return Decap{static_cast<uint32_t>(*t->ns << 16 | *t->type)};
}

}  // namespace sluice::ofp
