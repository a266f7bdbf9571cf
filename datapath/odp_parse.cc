// SPDX-License-Identifier: Apache-2.0
// Reading datapath flows and actions.  The error is "syntax error at REST", REST beginning with the attribute or action that can't be read.
#include <algorithm>
#include <charconv>

#include <fmt/core.h>

#include "datapath/compose.h"
#include "datapath/geneve.h"
#include "datapath/odp_encap.h"
#include "datapath/odp_fields.h"
#include "datapath/odp_other.h"
#include "datapath/odp_text.h"
#include "lib/decimal.h"
#include "lib/text.h"

namespace sluice {
namespace {

constexpr unsigned kMaxNesting = 16;
constexpr size_t kMinFrame = 14;

bool is_separator(char c) { return c == ',' || c == ' ' || c == '\t' || c == '\n'; }

/// "name(body)" or "name" at the front of `text`, which shrinks.
struct Item { std::string_view name, body, whole; bool has_body = false, is_closed = true; };

std::optional<Item> take_item(std::string_view& text) {
  while (!text.empty() && is_separator(text.front())) text.remove_prefix(1);
  if (text.empty()) return std::nullopt;
  std::string_view start = text;
  size_t name = 0;
  while (name < text.size() && text[name] != '(' && !is_separator(text[name])) name++;
  Item item{text.substr(0, name), {}, start};
  text.remove_prefix(name);
  if (text.empty() || text.front() != '(') return item;
  size_t depth = 0, end = 0;
  for (; end < text.size(); end++) {
    if (text[end] == '(') depth++;
    if (text[end] == ')' && --depth == 0) break;
  }
  item.is_closed = end < text.size();
  if (!item.is_closed) end--;   // what is there
  item.body = depth ? text.substr(1) : text.substr(1, end - 1);
  item.has_body = true;
  text.remove_prefix(end + 1);
  return item;
}

template <typename T>
bool put_bytes(Flow& flow, const OdpPart& part, const std::optional<T>& v) {
  if (!v) return false;
  std::memcpy(reinterpret_cast<uint8_t*>(&flow) + part.offset, &*v, sizeof *v);
  return true;
}

bool put_integer(Flow& flow, const OdpPart& part, std::optional<uint64_t> v) {
  if (!v || (part.width() < 64 && *v >> part.width())) return false;
  put_part(flow, part, *v);
  return true;
}

bool put_label(Flow& flow, const OdpPart& part, std::string_view s) {
  if (s.starts_with("0x")) s.remove_prefix(2);
  if (s.empty() || s.size() > 32) return false;
  auto* p = reinterpret_cast<uint8_t*>(&flow) + part.offset;
  for (size_t i = 0; i < s.size(); i++) {
    auto digit = parse_number("0x" + std::string(1, s[s.size() - 1 - i]));
    if (!digit) return false;
    p[15 - i / 2] |= static_cast<uint8_t>(*digit << (i % 2 * 4));
  }
  return true;
}

std::optional<uint64_t> parse_fragment(std::string_view s) {
  if (s == "no") return 0;
  if (s == "first") return kFragAny;
  if (s == "later") return kFragAny | kFragLater;
  return std::nullopt;
}

bool put_value(Flow& flow, const OdpPart& part, std::string_view s, const OdpTextOptions& options) {
  switch (part.form) {
    case kMac: return put_bytes(flow, part, parse_mac(s));
    case kIpv4: return put_bytes(flow, part, parse_ipv4(s));
    case kIpv6: return put_bytes(flow, part, parse_ipv6(s));
    case kLabel: return put_label(flow, part, s);
    case kFragment: return put_integer(flow, part, parse_fragment(s));
    case kPort: {
      auto number = parse_number(s);
      if (!number && options.port_number)
        if (auto port = options.port_number(s)) number = port->value;
      return put_integer(flow, part, number);
    }
    default: return put_integer(flow, part, parse_number(s));
  }
}

void put_exact(Flow& mask, const OdpPart& part) {
  if (part.size <= 8) return put_part(mask, part, part.width() == 64 ? UINT64_MAX : (uint64_t{1} << part.width()) - 1);
  std::memset(reinterpret_cast<uint8_t*>(&mask) + part.offset, 0xff, part.size);
}

/// Of an address also a prefix length.
bool put_mask(Flow& mask, const OdpPart& part, std::string_view s, const OdpTextOptions& options) {
  if (part.form == kIpv6 || part.form == kIpv4) {
    if (auto length = parse_number(s)) {
      if (*length > part.size * 8u) return false;
      if (part.form == kIpv6) return put_bytes(mask, part, std::optional(ipv6_prefix_mask(static_cast<int>(*length))));
      return put_bytes(mask, part, std::optional(ipv4_prefix_mask(static_cast<int>(*length))));
    }
  }
  return part.form != kPort && part.form != kFragment && put_value(mask, part, s, options);
}

bool put_masked(OdpKeyMask& km, const OdpPart& part, std::string_view s, const OdpTextOptions& options) {
  size_t slash = s.find('/');
  if (!put_value(km.key, part, s.substr(0, slash), options)) return false;
  if (slash != s.npos) return put_mask(km.mask, part, s.substr(slash + 1), options);
  put_exact(km.mask, part);
  return true;
}

/// "a|b", "+a-b", "V", "V/M".
bool parse_flags(std::string_view s, std::span<const OdpFlag> flags, uint64_t& value, uint64_t& mask) {
  value = mask = 0;
  uint64_t all = 0;
  for (const OdpFlag& f : flags) all |= f.bit;
  auto bit_of = [&](std::string_view name) -> uint64_t {
    auto* f = std::ranges::find(flags, name, &OdpFlag::name).base();
    return f == flags.data() + flags.size() ? 0 : f->bit;
  };
  if (s.starts_with('+') || s.starts_with('-')) {
    while (!s.empty()) {
      size_t end = std::min(s.find_first_of("+-", 1), s.size());
      uint64_t bit = bit_of(s.substr(1, end - 1));
      if (!bit) return false;
      mask |= bit;
      if (s[0] == '+') value |= bit;
      s.remove_prefix(end);
    }
    return true;
  }
  size_t slash = s.find('/');
  mask = all;
  if (auto number = parse_number(s.substr(0, slash))) {
    if (slash != s.npos) {
      auto m = parse_number(s.substr(slash + 1));
      if (!m) return false;
      mask = *m;
    }
    value = *number;
    return (value | mask) <= all;
  }
  while (!s.empty()) {
    size_t end = std::min(s.find('|'), s.size());
    uint64_t bit = bit_of(s.substr(0, end));
    if (!bit) return false;
    value |= bit;
    s.remove_prefix(std::min(end + 1, s.size()));
  }
  return true;
}

/// "name=value[/mask]" items of an attribute.
bool parse_parts(std::string_view body, std::span<const OdpPart> parts, OdpKeyMask& km, const OdpTextOptions& options) {
  if (parts.size() == 1 && parts[0].name.empty()) return put_masked(km, parts[0], body, options);
  while (auto item = take_item(body)) {
    size_t equals = item->name.find('=');
    auto part = std::ranges::find(parts, item->name.substr(0, equals), &OdpPart::name);
    if (item->has_body || equals == item->name.npos || part == parts.end() || !put_masked(km, *part, item->name.substr(equals + 1), options)) return false;
  }
  return true;
}

bool parse_tunnel_flags(std::string_view body, OdpKeyMask& km) {
  uint64_t value, mask;
  if (!parse_flags(body, kTunnelFlags, value, mask)) return false;
  km.key.tunnel.dp_flags |= be16(static_cast<uint16_t>(value >> 1)), km.mask.tunnel.dp_flags |= be16(static_cast<uint16_t>(mask >> 1));
  km.key.tunnel.flags = be16(value & 1), km.mask.tunnel.flags = be16(mask & 1);
  return true;
}

bool parse_gbp(std::string_view body, OdpKeyMask& km, const OdpTextOptions& options) {
  auto gbp = take_item(body);
  if (!gbp || gbp->name != "gbp" || !gbp->has_body || take_item(body)) return false;
  km.key.tunnel.dp_flags |= be16(kTunnelGbp), km.mask.tunnel.dp_flags |= be16(kTunnelGbp);
  return parse_parts(gbp->body, kGbpParts, km, options);
}

bool parse_erspan(std::string_view body, OdpKeyMask& km, const OdpTextOptions& options) {
  bool is_2 = body.starts_with("ver=2");
  if (!is_2 && !body.starts_with("ver=1")) return false;
  return parse_parts(body, is_2 ? std::span<const OdpPart>(kErspan2Parts) : kErspan1Parts, km, options);
}

/// Several stack entries follow each other: "label=5,tc=0,ttl=64,bos=0,label=6,...".
bool parse_labels(std::string_view body, OdpKeyMask& km, const OdpTextOptions& options) {
  size_t entry = 0;
  for (bool first = true; auto item = take_item(body); first = false) {
    size_t equals = item->name.find('=');
    auto* part = std::ranges::find(kMplsParts, item->name.substr(0, equals), &OdpPart::name);
    if (item->has_body || equals == item->name.npos || part == std::end(kMplsParts)) return false;
    if (part == kMplsParts && !first) entry++;
    if (entry == kMplsLabels || !put_masked(km, mpls_part(static_cast<int>(part - kMplsParts), entry), item->name.substr(equals + 1), options)) return false;
  }
  return true;
}

/// Those of an attribute, and what tunnels have besides, "flags(...)" and options of one kind.
bool parse_attribute(std::string_view body, const OdpAttribute& a, OdpKeyMask& km, const OdpTextOptions& options) {
  if (a.wire == OdpWire::kStack) return parse_labels(body, km, options);
  if (a.wire != OdpWire::kNested) return parse_parts(body, a.parts, km, options);
  while (auto item = take_item(body)) {
    bool ok = item->name == "flags"  ? parse_tunnel_flags(item->body, km)
              : item->name == "geneve" ? parse_geneve(item->body, km.key, km.mask)
              : item->name == "vxlan"  ? parse_gbp(item->body, km, options)
              : item->name == "erspan" ? parse_erspan(item->body, km, options)
              : item->name == "gtpu"   ? parse_parts(item->body, kGtpuParts, km, options)
                                       : !item->has_body && parse_parts(item->name, a.parts, km, options);
    if (!ok) return false;
    // A tunnel without a key has no id.
    if (item->name.starts_with("tun_id=")) km.key.tunnel.dp_flags |= be16(kTunnelKey), km.mask.tunnel.dp_flags |= be16(kTunnelKey);
  }
  return true;
}

class KeyParser {
 public:
  explicit KeyParser(const OdpTextOptions& options) : options_(options) {}
  /// Where the error is, or nothing.
  std::optional<std::string_view> parse(std::string_view text, unsigned depth) {
    while (auto item = take_item(text)) {
      if (!item->is_closed) return item->whole;
      if (item->name == "encap" && depth < kMaxNesting) {
        result.given |= uint64_t{1} << OVS_KEY_ATTR_ENCAP;
        if (auto error = parse(item->body, depth + 1)) return error;
      } else if (!attribute(*item)) {
        return item->whole;
      }
    }
    return std::nullopt;
  }
  OdpKeyMask result{};

 private:
  bool attribute(const Item& item);
  bool vlan(std::string_view body);
  bool ether_type(std::string_view body);
  const OdpTextOptions& options_;
  unsigned tags_ = 0;
};

bool KeyParser::vlan(std::string_view body) {
  Flow &key = result.key, &mask = result.mask;
  if (++tags_ > 2) return false;
  be16& tpid = tags_ == 1 ? key.vlan_tpid : key.vlan2_tpid;
  be16& tci = tags_ == 1 ? key.vlan_tci : key.vlan2_tci;
  be16& tci_mask = tags_ == 1 ? mask.vlan_tci : mask.vlan2_tci;
  tpid = is_vlan_type(key.eth_type) ? key.eth_type : kEthVlan;
  key.eth_type = {};
  mask.eth_type = {};
  tci |= be16(kVlanPresent);
  tci_mask |= be16(kVlanPresent);
  std::string rest(body);
  if (size_t at = rest.find(",cfi=1"); at != rest.npos) rest.erase(at, 6);
  return parse_parts(rest, tags_ == 1 ? std::span(kVlanParts) : std::span(kVlan2Parts), result, options_);
}

bool KeyParser::ether_type(std::string_view body) {
  size_t slash = body.find('/');
  auto type = parse_number(body.substr(0, slash));
  auto mask = slash == body.npos ? std::optional<uint64_t>(UINT16_MAX) : parse_number(body.substr(slash + 1));
  if (!type || !mask || *type > UINT16_MAX || *mask > UINT16_MAX) return false;
  result.key.eth_type = be16(static_cast<uint16_t>(*type));
  result.mask.eth_type = be16(static_cast<uint16_t>(*mask));
  return true;
}

bool KeyParser::attribute(const Item& item) {
  if (item.name.starts_with("ufid:") && !item.has_body) return (result.ufid = parse_ufid(item.name)).has_value();
  if (!item.has_body) return false;
  uint64_t value, mask;
  auto given = [&](uint16_t type) { result.given |= uint64_t{1} << type; };
  if (item.name == "ct_state") {
    given(OVS_KEY_ATTR_CT_STATE);
    if (!parse_flags(item.body, kCtFlags, value, mask)) return false;
    result.key.ct_state = static_cast<uint8_t>(value), result.mask.ct_state = static_cast<uint8_t>(mask);
    return true;
  }
  if (item.name == "tcp_flags") {
    given(OVS_KEY_ATTR_TCP_FLAGS);
    if (!parse_flags(item.body, kTcpFlags, value, mask)) return false;
    result.key.tcp_flags = be16(static_cast<uint16_t>(value)), result.mask.tcp_flags = be16(static_cast<uint16_t>(mask));
    return true;
  }
  if (item.name == "eth_type") return given(OVS_KEY_ATTR_ETHERTYPE), ether_type(item.body);
  if (item.name == "vlan") return given(OVS_KEY_ATTR_VLAN), vlan(item.body);
  for (const OdpAttribute& a : kMetadataAttributes)
    if (a.name == item.name) return given(a.type), parse_attribute(item.body, a, result, options_);
  for (const auto& [a, applies] : kProtocolAttributes)
    if (a.name == item.name) return given(a.type), parse_attribute(item.body, a, result, options_);
  return false;
}

std::string syntax_error(std::string_view at) { return fmt::format("syntax error at {}", at); }

}  // namespace

std::expected<OdpKeyMask, std::string> parse_odp_key(std::string_view lines, const OdpTextOptions& options) {
  std::string text(lines);
  std::erase(text, '\n');   // scripts break long keys anywhere
  KeyParser parser(options);
  if (auto error = parser.parse(text, 0)) return std::unexpected(syntax_error(*error));
  return parser.result;
}

bool looks_like_odp_key(std::string_view text) {
  auto item = take_item(text);
  return item && item->has_body;
}

std::optional<Ufid> parse_ufid(std::string_view text) {
  if (text.starts_with("ufid:")) text.remove_prefix(5);
  auto bytes = parse_hex(text, "-");
  Ufid u;
  if (!bytes || bytes->size() != u.size()) return std::nullopt;
  std::ranges::copy(*bytes, u.begin());
  return u;
}

std::expected<Packet, std::string> parse_packet(std::string_view text, size_t size, const OdpTextOptions& options) {
  if (auto frame = parse_hex(text, " ."); frame && frame->size() >= kMinFrame) return Packet::from(*frame);
  auto key = parse_odp_key(text, options);
  if (!key) return std::unexpected(key.error());
  return compose(key->key, size);
}

namespace {

using Parsed = std::expected<OdpActions, std::string>;

std::optional<uint64_t> argument(std::string_view body, std::string_view name, uint64_t fallback) {
  while (auto item = take_item(body)) {
    size_t equals = item->name.find('=');
    if (equals != item->name.npos && item->name.substr(0, equals) == name) return parse_number(item->name.substr(equals + 1));
  }
  return fallback;
}

std::optional<OdpAction> parse_set(std::string_view body, const OdpTextOptions& options) {
  auto item = take_item(body);
  if (!item || !item->has_body) return std::nullopt;
  auto* set = std::ranges::find_if(kSetNames, [&](const OdpSetName& n) { return n.attribute.name == item->name; });
  if (set == std::end(kSetNames)) return std::nullopt;
  OdpKeyMask km{};
  if (!parse_attribute(item->body, set->attribute, km, options)) return std::nullopt;
  return OdpAction{OdpSet{set->kind, {km.key, km.mask}}};
}

std::optional<OdpAction> parse_userspace(std::string_view body) {
  while (auto item = take_item(body)) {
    if (item->name == "slow_path") {
      auto* reason = std::ranges::find(kSlowReasons, item->body, &SlowReasonName::name);
      if (reason == std::end(kSlowReasons)) return std::nullopt;
      return OdpAction{OdpUserspace{reason->reason}};
    }
    if (item->name == "controller") {
      auto cookie = argument(item->body, "recirc_id", 0), length = argument(item->body, "max_len", UINT32_MAX), reason = argument(item->body, "reason", 1),
           rule_cookie = argument(item->body, "rule_cookie", 0), id = argument(item->body, "controller_id", 0), waits = argument(item->body, "continuation", 0),
           dont_send = argument(item->body, "dont_send", 0);
      if (!cookie || !length || !reason || *reason > UINT8_MAX || !rule_cookie || !id || *id > UINT16_MAX || !waits || *waits > 1 || !dont_send || *dont_send > 1) return std::nullopt;
      return OdpAction{OdpUserspace{SlowReason::kController, *cookie, static_cast<uint32_t>(*length),
                                    {*rule_cookie, static_cast<uint16_t>(*id), static_cast<uint8_t>(*reason), *waits != 0, *dont_send != 0}}};
    }
  }
  return std::nullopt;
}

std::optional<uint32_t> parse_lse(std::string_view body) {
  auto label = argument(body, "label", 0), tc = argument(body, "tc", 0), ttl = argument(body, "ttl", 64), bos = argument(body, "bos", 1);
  if (!label || !tc || !ttl || !bos || *label > 0xfffff || *tc > 7 || *ttl > 255 || *bos > 1) return std::nullopt;
  return static_cast<uint32_t>(*label << 12 | *tc << 9 | *bos << 8 | *ttl);
}

std::optional<OdpAction> parse_sample(std::string_view body, const OdpTextOptions& options) {
  OdpSample sample{};
  bool has_probability = false, has_actions = false;
  while (auto item = take_item(body)) {
    if (item->name == "actions") {
      auto actions = parse_odp_actions(item->body, options);
      if (!actions) return std::nullopt;
      sample.actions = *actions, has_actions = true;
    } else if (item->name.starts_with("sample=") && item->name.ends_with('%')) {
      double percent = 0;
      auto [end, error] = std::from_chars(item->name.data() + 7, item->name.data() + item->name.size() - 1, percent);
      if (error != std::errc() || percent < 0 || percent > 100) return std::nullopt;
      sample.probability = static_cast<uint32_t>(percent / 100 * UINT32_MAX), has_probability = true;
    } else {
      return std::nullopt;
    }
  }
  return has_probability && has_actions ? std::optional(OdpAction{sample}) : std::nullopt;
}

std::optional<OdpAction> parse_hash(std::string_view body) {
  auto item = take_item(body);
  if (!item || (item->name != "l4" && item->name != "sym_l4")) return std::nullopt;
  auto basis = parse_number(item->body);
  if (!basis) return std::nullopt;
  return OdpAction{OdpHash{item->name == "l4" ? 0u : 1u, static_cast<uint32_t>(*basis)}};
}

std::optional<OdpAction> parse_vlan(std::string_view body) {
  auto tpid = argument(body, "tpid", kEthVlan.host()), vid = argument(body, "vid", 0), pcp = argument(body, "pcp", 0), cfi = argument(body, "cfi", 1);
  if (!tpid || !vid || !pcp || !cfi || *tpid > UINT16_MAX || *vid > 4095 || *pcp > 7 || *cfi > 1) return std::nullopt;
  return OdpAction{OdpPushVlan{be16(static_cast<uint16_t>(*tpid)), be16(static_cast<uint16_t>(*vid | *pcp << 13 | *cfi << 12))}};
}

std::optional<OdpAction> parse_mpls(const Item& item) {
  auto type = argument(item.body, "eth_type", item.name == "pop_mpls" ? kEthIpv4.host() : kEthMpls.host());
  if (!type || *type > UINT16_MAX) return std::nullopt;
  be16 eth_type(static_cast<uint16_t>(*type));
  if (item.name == "pop_mpls") return OdpAction{OdpPopMpls{eth_type}};
  auto lse = parse_lse(item.body);
  if (!lse) return std::nullopt;
  return OdpAction{OdpPushMpls{be32(*lse), eth_type}};
}

std::optional<OdpAction> parse_port(std::string_view s, const OdpTextOptions& options) {
  auto number = parse_number(s);
  if (!number && options.port_number)
    if (auto port = options.port_number(s)) number = port->value;
  if (!number || *number > UINT32_MAX) return std::nullopt;
  return OdpAction{OdpOutput{OdpPort{static_cast<uint32_t>(*number)}}};
}

/// "src=1.1.1.1-1.1.1.5:10-20,persistent,hash,random" and "src" alone.
std::optional<OdpNat> parse_nat(std::string_view body) {
  OdpNat nat;
  auto ip = [&](std::string_view s, Ipv6Addr& to) {
    if (s.starts_with('[') && s.ends_with(']')) s = s.substr(1, s.size() - 2);
    if (auto v4 = parse_ipv4(s)) return std::memcpy(to.b.data(), &*v4, 4), nat.family = 4, true;
    auto v6 = parse_ipv6(s);
    if (v6) to = *v6, nat.family = 6;
    return v6.has_value();
  };
  auto port = [](std::string_view s, uint16_t& to) {
    auto v = parse_number(s);
    if (!v || *v > UINT16_MAX) return false;
    return to = static_cast<uint16_t>(*v), true;
  };
  while (auto item = take_item(body)) {
    size_t equals = item->name.find('=');
    std::string_view name = item->name.substr(0, equals);
    if (name == "persistent") nat.persistent = true;
    else if (name == "hash") nat.hash = true;
    else if (name == "random") nat.random = true;
    else if (name == "src") nat.src = true;
    else if (name == "dst") nat.dst = true;
    else return std::nullopt;
    if (equals == item->name.npos) continue;
    std::string_view range = item->name.substr(equals + 1), ports;
    bool v6 = std::ranges::count(range, ':') > 1;
    size_t colon = v6 ? range.find("]:", range.rfind('[') == range.npos ? 0 : range.rfind('[')) : range.find(':');
    if (v6 && colon != range.npos) colon++;
    if (colon != range.npos) ports = range.substr(colon + 1), range = range.substr(0, colon);
    if (!range.empty()) {
      size_t dash = range.find('-');
      if (!ip(range.substr(0, dash), nat.ip_min)) return std::nullopt;
      nat.ip_max = nat.ip_min;
      if (dash != range.npos && !ip(range.substr(dash + 1), nat.ip_max)) return std::nullopt;
    }
    if (!ports.empty()) {
      size_t dash = ports.find('-');
      if (!port(ports.substr(0, dash), nat.port_min)) return std::nullopt;
      nat.port_max = nat.port_min;
      if (dash != ports.npos && !port(ports.substr(dash + 1), nat.port_max)) return std::nullopt;
    }
  }
  bool backwards = nat.ip_max.b < nat.ip_min.b || nat.port_max < nat.port_min;
  return backwards || (nat.src && nat.dst) || (nat.hash && nat.random) ? std::nullopt : std::optional(nat);
}

/// A name that has room in `size` bytes with the zero at its end.
bool put_name(std::string& to, std::string_view name, size_t size) {
  to = name;
  return !name.empty() && name.size() < size && name.find('\0') == name.npos;
}

std::optional<OdpAction> parse_ct(std::string_view body) {
  constexpr size_t kHelperName = 16, kTimeoutName = 32;   // NF_CT_HELPER_NAME_LEN, CTNL_TIMEOUT_NAME_MAX
  OdpCt ct;
  while (auto item = take_item(body)) {
    size_t equals = item->name.find('=');
    std::string_view name = item->name.substr(0, equals), value = equals == item->name.npos ? "" : item->name.substr(equals + 1);
    std::string_view bits = value.substr(0, value.find('/')), mask = value.find('/') == value.npos ? "" : value.substr(value.find('/') + 1);
    if (name == "commit") {
      ct.commit = true;
    } else if (name == "force_commit") {
      ct.commit = ct.force = true;
    } else if (name == "zone") {
      auto v = parse_number(value);
      if (!v || *v > UINT16_MAX) return std::nullopt;
      ct.zone = static_cast<uint16_t>(*v);
    } else if (name == "mark") {
      auto v = parse_number(bits), m = mask.empty() ? std::optional<uint64_t>(UINT32_MAX) : parse_number(mask);
      if (!v || !m || *v > UINT32_MAX || *m > UINT32_MAX) return std::nullopt;
      ct.mark = static_cast<uint32_t>(*v), ct.mark_mask = static_cast<uint32_t>(*m);
    } else if (name == "label") {
      Flow v{}, m{};
      if (!put_label(v, kCtLabelPart[0], bits)) return std::nullopt;
      if (mask.empty()) std::memset(m.ct_label, 0xff, sizeof m.ct_label);
      else if (!put_label(m, kCtLabelPart[0], mask)) return std::nullopt;
      std::ranges::copy(v.ct_label, ct.label.begin());
      std::ranges::copy(m.ct_label, ct.label_mask.begin());
    } else if (name == "helper") {
      if (!put_name(ct.helper, value, kHelperName)) return std::nullopt;
    } else if (name == "timeout") {
      if (!put_name(ct.timeout, value, kTimeoutName)) return std::nullopt;
    } else if (name == "nat") {
      ct.nat = parse_nat(item->body);
      if (!ct.nat) return std::nullopt;
    } else {
      return std::nullopt;
    }
  }
  return OdpAction{std::move(ct)};
}

std::optional<OdpAction> parse_check_pkt_len(std::string_view body, const OdpTextOptions& options) {
  OdpCheckPktLen check{};
  bool has_size = false, has_greater = false, has_less = false;
  while (auto item = take_item(body)) {
    if (item->name.starts_with("size=")) {
      auto v = parse_number(item->name.substr(5));
      if (!v || *v > UINT16_MAX) return std::nullopt;
      check.length = static_cast<uint16_t>(*v), has_size = true;
      continue;
    }
    auto actions = parse_odp_actions(item->body, options);
    if (!actions || (item->name != "gt" && item->name != "le")) return std::nullopt;
    (item->name == "gt" ? check.greater : check.less_or_equal) = *actions;
    (item->name == "gt" ? has_greater : has_less) = true;
  }
  return has_size && has_greater && has_less ? std::optional(OdpAction{std::move(check)}) : std::nullopt;
}

std::optional<OdpAction> parse_action(const Item& item, const OdpTextOptions& options) {
  auto number = [&]() -> std::optional<uint32_t> {
    auto v = parse_number(item.body);
    return v && *v <= UINT32_MAX ? std::optional(static_cast<uint32_t>(*v)) : std::nullopt;
  };
  if (item.name == "set") return parse_set(item.body, options);
  if (item.name == "userspace")
    if (auto ours = parse_userspace(item.body)) return ours;
  if (item.name == "push_vlan") return parse_vlan(item.body);
  if (item.name == "pop_vlan") return OdpAction{OdpPopVlan{}};
  if (item.name == "push_mpls" || item.name == "pop_mpls") return parse_mpls(item);
  if (item.name == "hash") return parse_hash(item.body);
  if (item.name == "ct") return parse_ct(item.body);
  if (item.name == "ct_clear") return OdpAction{OdpCtClear{}};
  if (item.name == "check_pkt_len") return parse_check_pkt_len(item.body, options);
  if (item.name == "sample") return parse_sample(item.body, options);
  if (item.name == "clone") {
    auto actions = parse_odp_actions(item.body, options);
    return actions ? std::optional(OdpAction{OdpClone{*actions}}) : std::nullopt;
  }
  if (item.name == "dec_ttl") {
    auto body = item.body;
    auto inner = take_item(body);
    auto actions = inner && inner->name == "le_1" ? parse_odp_actions(inner->body, options) : std::unexpected(std::string());
    return actions ? std::optional(OdpAction{OdpDecTtl{*actions}}) : std::nullopt;
  }
  if (auto encap = parse_encap_action(item.name, item.body)) return encap;
  if (auto other = parse_other_action(item.name, item.body)) return OdpAction{std::move(*other)};
  if (!item.has_body) return parse_port(item.name, options);
  auto v = number();
  if (!v) return std::nullopt;
  if (item.name == "recirc") return OdpAction{OdpRecirc{*v}};
  if (item.name == "trunc") return OdpAction{OdpTrunc{*v}};
  if (item.name == "meter") return OdpAction{OdpMeter{*v}};
  return std::nullopt;
}

}  // namespace

std::expected<OdpActions, std::string> parse_odp_actions(std::string_view text, const OdpTextOptions& options) {
  OdpActions actions;
  size_t depth = 0, deepest = 0;
  for (char c : text) {
    if (c == '(') deepest = std::max(deepest, ++depth);
    if (c == ')' && depth) depth--;
  }
  if (deepest > kMaxNesting) return std::unexpected(syntax_error(text));
  while (auto item = take_item(text)) {
    if (item->name == "drop" && !item->has_body) {   // says that there is nothing else
      if (!actions.empty() || take_item(text)) return std::unexpected(syntax_error(item->whole));
      break;
    }
    auto action = item->is_closed ? parse_action(*item, options) : std::nullopt;
    if (!action) return std::unexpected(syntax_error(item->whole));
    actions.push_back(std::move(*action));
  }
  return actions;
}

}  // namespace sluice
