// SPDX-License-Identifier: Apache-2.0
// See tunnel.h.
#include "ofproto/tunnel.h"

#include <algorithm>
#include <charconv>

#include <fmt/core.h>

#include "lib/address.h"

namespace sluice {
namespace {

using Options = std::map<std::string, std::string>;

std::optional<uint64_t> number(std::string_view s) {
  int base = 10;
  if (s.starts_with("0x")) s.remove_prefix(2), base = 16;
  uint64_t v = 0;
  auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), v, base);
  return error == std::errc() && end == s.data() + s.size() && !s.empty() ? std::optional(v) : std::nullopt;
}

const std::string* find(const Options& options, const std::string& name) {
  auto it = options.find(name);
  return it == options.end() ? nullptr : &it->second;
}

bool read_address(const std::string& s, TunnelSettings::Address& to) {
  if (s == "flow") return to.flow = true;
  if (auto v4 = parse_ipv4(s)) return to.ip = *v4, static_cast<bool>(*v4);
  auto v6 = parse_ipv6(s);
  if (v6) to.ip6 = *v6, to.v6 = true;
  return v6 && !v6->is_zero();
}

TunnelSettings::Key read_key(const Options& options, const std::string& name) {
  const std::string* s = find(options, name);
  if (!s) s = find(options, "key");
  if (!s) return {};
  if (*s == "flow") return {.present = true, .flow = true};
  return {.present = true, .value = number(*s).value_or(0)};
}

bool is_multicast(const TunnelSettings::Address& a) { return a.v6 ? a.ip6.b[0] == 0xff : a.ip.host() >> 28 == 0xe; }

/// "flow", or a number of at most `most` in the base that Open vSwitch reads it in; what is none is 0.
template <typename T>
bool read_erspan(const Options& options, const std::string& name, int base, uint32_t most, std::optional<T>& to) {
  const std::string* s = find(options, name);
  if (!s) return true;
  if (*s == "flow") return to.reset(), true;
  std::string_view digits = *s;
  if (digits.starts_with("0x")) digits.remove_prefix(2), base = 16;
  uint32_t v = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), v, base);
  to = static_cast<T>(v);
  return v <= most;
}

/// The option that is wrong, or "".
std::string_view read_erspan(const Options& options, TunnelSettings::Erspan& e, const std::string*& bad) {
  constexpr uint32_t kLastVersion = 2, kLargestIndex = 0xfffff, kLargestDirection = 1, kLargestHardware = 0x3f;
  auto is = [&](const char* name, bool ok) { return ok ? false : (bad = find(options, name), true); };
  if (is("erspan_ver", read_erspan(options, "erspan_ver", 10, kLastVersion, e.version))) return "version";
  if (is("erspan_idx", read_erspan(options, "erspan_idx", 16, kLargestIndex, e.index))) return "index";
  if (is("erspan_dir", read_erspan(options, "erspan_dir", 10, kLargestDirection, e.direction))) return "direction";
  if (is("erspan_hwid", read_erspan(options, "erspan_hwid", 10, kLargestHardware, e.hardware))) return "hardware ID";
  if (!e.version) e.index.reset(), e.direction.reset(), e.hardware.reset();
  return "";
}

void erspan_text(const TunnelSettings::Erspan& e, Options& out) {
  auto number = [](const auto& v) { return v ? fmt::format("{}", *v) : std::string("flow"); };
  auto hex = [](const auto& v) { return v ? fmt::format("{:#x}", *v) : std::string("flow"); };
  out["erspan_ver"] = number(e.version);
  if (!e.version || *e.version == 1) out["erspan_idx"] = hex(e.index);
  if (!e.version || *e.version == 2) out["erspan_dir"] = number(e.direction), out["erspan_hwid"] = hex(e.hardware);
}

std::string address_text(const TunnelSettings::Address& a) { return a.flow ? "flow" : a.v6 ? format(a.ip6) : a.ip ? format_ipv4(a.ip) : "::"; }

}  // namespace

std::expected<TunnelSettings, std::string> parse_tunnel(const NetdevSpec& spec) {
  const TunnelKindRow& row = *find_tunnel_kind(spec.type);
  TunnelSettings t{.kind = row.kind, .remote = {}, .local = {}, .in_key = read_key(spec.options, "in_key"), .out_key = read_key(spec.options, "out_key"), .dst_port = row.default_port};
  auto invalid = [&](std::string_view option) { return std::unexpected(fmt::format("{}: bad {} '{}'", spec.name, spec.type, option)); };
  const std::string* remote = find(spec.options, "remote_ip");
  if (!remote || !read_address(*remote, t.remote)) return std::unexpected(fmt::format("{}: {} type requires valid 'remote_ip' argument", spec.name, spec.type));
  if (const std::string* local = find(spec.options, "local_ip"); local && !read_address(*local, t.local)) return invalid("local_ip");
  if (!t.remote.flow && is_multicast(t.remote)) return std::unexpected(fmt::format("{}: multicast remote_ip={} not allowed", spec.name, *remote));
  if (t.local.flow && !t.remote.flow) return std::unexpected(fmt::format("{}: {} type requires 'remote_ip=flow' with 'local_ip=flow'", spec.name, spec.type));
  if (!t.remote.flow && !t.local.flow && (t.local.ip || t.local.v6) && t.local.v6 != t.remote.v6)
    return std::unexpected(fmt::format("{}: remote_ip and local_ip have to be of the same address family", spec.name));
  if (const std::string* port = find(spec.options, "dst_port"); port && row.default_port) {
    auto n = number(*port);
    if (!n || *n > UINT16_MAX) return invalid("dst_port");
    t.dst_port = *n ? static_cast<uint16_t>(*n) : row.default_port;
  }
  if (const std::string* tos = find(spec.options, "tos")) {
    auto n = number(*tos);
    if (*tos == "inherit") t.tos_inherit = true;
    else if (n && !(*n & ~uint64_t{0xfc})) t.tos = static_cast<uint8_t>(*n);
    else return invalid("tos");
  }
  if (const std::string* ttl = find(spec.options, "ttl")) {
    if (*ttl == "inherit") t.ttl_inherit = true;
    else t.ttl = static_cast<uint8_t>(number(*ttl).value_or(64));
  }
  if (const std::string* df = find(spec.options, "df_default")) t.df = *df == "true";
  if (const std::string* csum = find(spec.options, "csum")) t.csum = *csum == "true";
  if (const std::string* exts = find(spec.options, "exts")) t.gbp = t.kind == TunnelKind::kVxlan && *exts == kGbpExtension;
  if (const std::string* bad = nullptr; is_erspan(t.kind))
    if (auto what = read_erspan(spec.options, t.erspan, bad); !what.empty()) return std::unexpected(fmt::format("{}: invalid erspan {}: {}", spec.name, what, *bad));
  if (const std::string* mark = find(spec.options, "egress_pkt_mark")) t.sets_mark = true, t.egress_mark = static_cast<uint32_t>(number(*mark).value_or(0));
  return t;
}

NetdevSpec TunnelSettings::vport() const {
  NetdevSpec spec{.name = tunnel_device_name(kind, dst_port), .type = std::string(row().type), .options = {}, .mac = {}, .mtu = {}};
  if (dst_port) spec.options["dst_port"] = std::to_string(dst_port);
  if (gbp) spec.options["exts"] = kGbpExtension;
  return spec;
}

std::string TunnelSettings::options_text() const {
  Options out;
  auto key_text = [](const Key& k) { return k.flow ? std::string("flow") : fmt::format("{}", k.value); };
  if (in_key == out_key) {
    if (in_key.flow || in_key.value) out["key"] = key_text(in_key);
  } else {
    if (in_key.flow || in_key.value) out["in_key"] = key_text(in_key);
    if (out_key.flow || out_key.value) out["out_key"] = key_text(out_key);
  }
  out["remote_ip"] = address_text(remote);
  if (local.flow || local.ip || local.v6) out["local_ip"] = address_text(local);
  if (dst_port != row().default_port) out["dst_port"] = std::to_string(dst_port);
  if (tos_inherit) out["tos"] = "inherit";
  else if (tos) out["tos"] = fmt::format("{:#x}", tos);
  if (ttl_inherit) out["ttl"] = "inherit";
  else if (ttl != 64) out["ttl"] = std::to_string(ttl);
  if (csum) out["csum"] = "true";
  if (!df) out["df_default"] = "false";
  if (is_erspan(kind)) erspan_text(erspan, out);
  if (sets_mark) out["egress_pkt_mark"] = std::to_string(egress_mark);
  std::string text;
  for (auto& [name, value] : out) text += fmt::format("{}{}={}", text.empty() ? "" : ", ", name, value);
  return text;
}

std::string TunnelSettings::describe(OdpPort odp) const {
  std::string out = fmt::format("{}: {}->{}", row().type, address_text(local), address_text(remote));
  auto key_text = [](const Key& k) { return k.flow ? std::string("flow") : fmt::format("{:#x}", k.value); };
  out += fmt::format(", key={}, legacy_l2, dp port={}", key_text(in_key), odp.value);
  if (out_key != in_key) out += ", out_key=" + key_text(out_key);
  out += ttl_inherit ? ", ttl=inherit" : fmt::format(", ttl={}", ttl);
  if (tos_inherit) out += ", tos=inherit";
  else if (tos) out += fmt::format(", tos={:#x}", tos);
  if (!df) out += ", df=false";
  if (csum) out += ", csum=true";
  return out;
}

unsigned tunnel_fit(const TunnelSettings& s, const FlowTunnel& p) {
  unsigned fit = 1;
  if (!s.in_key.flow) {
    if (s.in_key.value != p.id.host()) return 0;
    fit += 8;
  }
  if (!s.remote.flow) {
    if (s.remote.v6 ? s.remote.ip6 != p.ipv6_src : s.remote.ip != p.src) return 0;
    fit += 4;
  }
  if (!s.local.flow && (s.local.ip || s.local.v6)) {
    if (s.local.v6 ? s.local.ip6 != p.ipv6_dst : s.local.ip != p.dst) return 0;
    fit += 2;
  }
  return fit;
}

bool same_tunnel_match(const TunnelSettings& a, const TunnelSettings& b) {
  return a.kind == b.kind && a.dst_port == b.dst_port && a.remote == b.remote && a.local == b.local && a.in_key.flow == b.in_key.flow && a.in_key.value == b.in_key.value;
}

}  // namespace sluice
