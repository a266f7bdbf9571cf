// SPDX-License-Identifier: Apache-2.0
// Printing datapath flows and actions.
#include "datapath/odp_text.h"

#include <algorithm>

#include <fmt/format.h>

#include "datapath/ethertype.h"
#include "datapath/geneve.h"
#include "datapath/odp_encap.h"
#include "datapath/odp_fields.h"
#include "datapath/odp_other.h"
#include "lib/text.h"

namespace sluice {

uint64_t get_part(const Flow& flow, const OdpPart& part) {
  auto* p = reinterpret_cast<const uint8_t*>(&flow) + part.offset;
  uint64_t v = 0;
  for (unsigned i = 0; i < part.size; i++) v = v << 8 | p[i];
  return part.bits ? v >> part.shift & ((uint64_t{1} << part.bits) - 1) : v;
}

void put_part(Flow& flow, const OdpPart& part, uint64_t value) {
  auto* p = reinterpret_cast<uint8_t*>(&flow) + part.offset;
  value <<= part.shift;
  for (unsigned i = part.size; i-- > 0; value >>= 8) p[i] |= static_cast<uint8_t>(value);
}

namespace {

std::string alternate_hex(uint64_t v) { return v ? fmt::format("{:#x}", v) : "0"; }

/// The part's bytes as a wire value of its type.
template <typename T>
T bytes_of(const Flow& flow, const OdpPart& part) {
  T v;
  std::memcpy(&v, reinterpret_cast<const uint8_t*>(&flow) + part.offset, sizeof v);
  return v;
}

std::string label_text(const Flow& flow, const OdpPart& part) {
  auto b = bytes_of<std::array<uint8_t, 16>>(flow, part);
  std::string s = hex(b);
  s.erase(0, std::min(s.find_first_not_of('0'), s.size()));
  return s.empty() ? "0" : "0x" + s;
}

enum class MaskKind { kNone, kSome, kAll };

MaskKind mask_kind(const Flow& mask, const OdpPart& part) {
  if (part.form == kFragment) return get_part(mask, part) ? MaskKind::kAll : MaskKind::kNone;
  if (part.size <= 8) {
    uint64_t m = get_part(mask, part), all = part.width() == 64 ? UINT64_MAX : (uint64_t{1} << part.width()) - 1;
    return m == 0 ? MaskKind::kNone : m == all ? MaskKind::kAll : MaskKind::kSome;
  }
  auto* p = reinterpret_cast<const uint8_t*>(&mask) + part.offset;
  bool none = std::all_of(p, p + part.size, [](uint8_t b) { return b == 0; }), all = std::all_of(p, p + part.size, [](uint8_t b) { return b == 0xff; });
  return none ? MaskKind::kNone : all ? MaskKind::kAll : MaskKind::kSome;
}

std::string fragment_text(uint64_t v) { return v & kFragLater ? "later" : v & kFragAny ? "first" : "no"; }

std::string value_text(const Flow& flow, const OdpPart& part, const OdpTextOptions& options) {
  switch (part.form) {
    case kDecimal: return fmt::format("{}", get_part(flow, part));
    case kHex: case kRecirc: return alternate_hex(get_part(flow, part));
    case kMac: return format(bytes_of<MacAddr>(flow, part));
    case kIpv4: return format_ipv4(bytes_of<be32>(flow, part));
    case kIpv6: return format(bytes_of<Ipv6Addr>(flow, part));
    case kFragment: return fragment_text(get_part(flow, part));
    case kLabel: return label_text(flow, part);
    case kPort: {
      OdpPort port{static_cast<uint32_t>(get_part(flow, part))};
      return options.port_name ? options.port_name(port) : fmt::format("{}", port.value);
    }
  }
  return "";
}

std::string mask_text(const Flow& mask, const OdpPart& part) {
  switch (part.form) {
    case kMac: return format(bytes_of<MacAddr>(mask, part));
    case kIpv4: return format_ipv4(bytes_of<be32>(mask, part));
    case kIpv6: return format(bytes_of<Ipv6Addr>(mask, part));
    case kLabel: return label_text(mask, part);
    default: return alternate_hex(get_part(mask, part));
  }
}

/// "name=value[/mask],..." of the parts that matter.
std::string parts_text(std::span<const OdpPart> parts, const Flow& key, const Flow& mask, const OdpTextOptions& options) {
  std::string out;
  for (const OdpPart& part : parts) {
    MaskKind kind = mask_kind(mask, part);
    if (kind == MaskKind::kNone && (!options.verbose || part.form == kFragment)) continue;
    if (!out.empty()) out += ',';
    if (!part.name.empty()) out += fmt::format("{}=", part.name);
    out += value_text(key, part, options);
    if (kind != MaskKind::kAll) out += "/" + mask_text(mask, part);
  }
  return out;
}

std::string flags_text(std::span<const OdpFlag> flags, uint16_t value, uint16_t mask) {
  uint16_t all = 0;
  for (const OdpFlag& f : flags) all |= f.bit;
  std::string out;
  if (!mask) return "0/0";
  bool exact = (mask & all) == all;
  for (const OdpFlag& f : flags) {
    if (exact && value & f.bit) out += fmt::format("{}{}", out.empty() ? "" : "|", f.name);
    if (!exact && mask & f.bit) out += fmt::format("{}{}", value & f.bit ? '+' : '-', f.name);
  }
  return out.empty() ? "0" : out;
}

uint16_t tunnel_flags(const FlowTunnel& t) { return static_cast<uint16_t>((t.dp_flags.host() & 7) << 1 | (t.flags.host() & 1)); }

/// Of the version that the key has.  Open vSwitch shows masks of megaflows there even if they are whole.
std::string erspan_text(const Flow& key, const Flow& mask, bool masked) {
  if (!mask.tunnel.erspan_ver || !key.tunnel.erspan_ver) return "";
  std::string out = fmt::format("ver={}", key.tunnel.erspan_ver);
  for (const OdpPart& part : key.tunnel.erspan_ver == 2 ? std::span(kErspan2Parts).subspan(1) : std::span(kErspan1Parts).subspan(1)) {
    uint64_t value = get_part(key, part), bits = get_part(mask, part);
    if (!bits) continue;
    append(out, ",{}={}{}", part.name, part.form == kHex ? alternate_hex(value) : std::to_string(value), masked ? fmt::format("/{:#x}", bits) : "");
  }
  return out;
}

/// flags: which of them to show; `masked`: of a megaflow, not of an action.
std::string tunnel_text(const Flow& key, const Flow& mask, OdpTextOptions options, uint16_t flags, bool masked) {
  options.verbose = false;
  std::string out = parts_text(kTunnelParts, key, mask, options);
  auto add = [&](std::string_view form, const std::string& body, bool wanted) {
    if (wanted) out += (out.empty() ? "" : ",") + fmt::format(fmt::runtime(form), body);
  };
  std::string gbp = parts_text(kGbpParts, key, mask, options), erspan = erspan_text(key, mask, masked), gtpu = parts_text(kGtpuParts, key, mask, options);
  add("vxlan(gbp({}))", gbp, !gbp.empty());
  add("geneve({})", format_geneve(key, mask), mask.tun_present && key.tunnel.is_present());   // "geneve()": that there are none
  add("erspan({})", erspan, !erspan.empty());
  add("gtpu({})", gtpu, !gtpu.empty());
  add("flags({})", flags_text(kTunnelFlags, tunnel_flags(key.tunnel), flags), flags != 0);
  return out;
}

/// As many labels as the mask asks about, and no more than there are; not part by part: if one is masked, all show their masks.
std::string mpls_text(const Flow& key, const Flow& mask, const OdpTextOptions& options) {
  size_t n = kMplsLabels;
  while (n && !mask.mpls_lse[n - 1]) n--;
  for (size_t i = 1; i < n; i++)
    if (key.mpls_lse[i - 1] & mask.mpls_lse[i - 1] & be32(kMplsBottom)) n = i;
  if (!n && !options.verbose) return "";
  bool exact = n && std::all_of(mask.mpls_lse, mask.mpls_lse + n, [](be32 m) { return m == be32(UINT32_MAX); });
  std::string out;
  for (size_t i = 0; i < std::max<size_t>(n, 1); i++) {
    unsigned v[4], m[4];
    for (int p = 0; p < 4; p++) v[p] = static_cast<unsigned>(get_part(key, mpls_part(p, i))), m[p] = static_cast<unsigned>(get_part(mask, mpls_part(p, i)));
    if (i) out += ',';
    if (exact) append(out, "label={},tc={},ttl={},bos={}", v[0], v[1], v[2], v[3]);
    else append(out, "label={}/{:#x},tc={}/{:x},ttl={}/{:#x},bos={}/{:x}", v[0], m[0], v[1], m[1], v[2], m[2], v[3], m[3]);
  }
  return out;
}

std::string attribute_body(const OdpAttribute& a, const Flow& key, const Flow& mask, const OdpTextOptions& options) {
  if (a.name == "ct_state") return mask.ct_state || options.verbose ? flags_text(kCtFlags, key.ct_state, mask.ct_state) : "";
  if (a.name == "tcp_flags") return mask.tcp_flags ? flags_text(kTcpFlags, key.tcp_flags.host(), mask.tcp_flags.host()) : "";
  if (a.name == "tunnel") return tunnel_text(key, mask, options, tunnel_flags(mask.tunnel), true);
  if (a.name == "mpls") return mpls_text(key, mask, options);
  if (a.name == "nsh") return format_nsh_key(key, mask);
  if (a.name == "ct_tuple4" || a.name == "ct_tuple6") {
    bool asks_v6 = !mask.ct_ipv6_src.is_zero() || !mask.ct_ipv6_dst.is_zero(), asks_v4 = mask.ct_nw_src || mask.ct_nw_dst;
    bool v6 = a.name == "ct_tuple6", is_v6 = !key.ct_ipv6_src.is_zero() || !key.ct_ipv6_dst.is_zero() || (asks_v6 && !asks_v4);
    OdpTextOptions whole = options;
    whole.verbose &= key.ct_nw_proto != 0 && v6 == is_v6;
    return v6 == is_v6 ? parts_text(a.parts, key, mask, whole) : "";
  }
  return parts_text(a.parts, key, mask, options);
}

class KeyPrinter {
 public:
  KeyPrinter(const Flow& key, const Flow& mask, const OdpTextOptions& options) : key_(key), mask_(mask), options_(options) {}
  std::string print() {
    for (const OdpAttribute& a : kMetadataAttributes) metadata(a);
    unsigned closing = 0;
    closing += tag(key_.vlan_tpid, key_.vlan_tci, mask_.vlan_tci, kVlanParts);
    closing += tag(key_.vlan2_tpid, key_.vlan2_tci, mask_.vlan2_tci, kVlan2Parts);
    network();
    out_.append(closing, ')');
    return std::move(out_);
  }

 private:
  void add(std::string_view name, std::string_view body) {
    if (!out_.empty() && out_.back() != '(') out_ += ',';
    out_ += fmt::format("{}({})", name, body);
  }
  void metadata(const OdpAttribute& a);
  bool tag(be16 tpid, be16 tci, be16 tci_mask, std::span<const OdpPart> parts);
  void network();

  const Flow &key_, &mask_;
  const OdpTextOptions& options_;
  std::string out_;
};

void KeyPrinter::metadata(const OdpAttribute& a) {
  if ((a.name == "packet_type" && !options_.packet_type) || (a.name == "eth" && key_.packet_type)) return;
  if (a.name == "recirc_id") return add(a.name, value_text(key_, a.parts[0], options_));
  std::string body = attribute_body(a, key_, mask_, options_);
  bool wild_ethernet = a.name == "eth" && (!options_.packet_type || mask_kind(mask_, kPacketTypeParts[1]) == MaskKind::kNone);
  if (!body.empty() || wild_ethernet) add(a.name, body);
}

/// "eth_type(TPID),vlan(...),encap(": true if the parenthesis is open.
bool KeyPrinter::tag(be16 tpid, be16 tci, be16 tci_mask, std::span<const OdpPart> parts) {
  if (!tci_mask || !(tci.host() & kVlanPresent)) return false;
  add("eth_type", fmt::format("{:#06x}", tpid ? tpid.host() : kEthVlan.host()));
  add("vlan", parts_text(parts, key_, mask_, options_));
  out_ += ",encap(";
  return true;
}

void KeyPrinter::network() {
  if (mask_.eth_type) {
    std::string mask = mask_.eth_type == be16(UINT16_MAX) ? "" : fmt::format("/{:#06x}", mask_.eth_type.host());
    add("eth_type", fmt::format("{:#06x}{}", key_.eth_type.host(), mask));
  }
  for (const auto& [a, applies] : kProtocolAttributes) {
    std::string body = applies(key_) ? attribute_body(a, key_, mask_, options_) : "";
    if (!body.empty()) add(a.name, body);
  }
}

void clear_ct_tuple(Flow& f) {
  f.ct_nw_proto = 0;
  f.ct_nw_src = f.ct_nw_dst = {};
  f.ct_ipv6_src = f.ct_ipv6_dst = {};
  f.ct_tp_src = f.ct_tp_dst = {};
}

/// What a packet's own key has: everything of its layers, and metadata that is not zero.
Flow whole_mask(const Flow& key) {
  Flow mask;
  std::memset(static_cast<void*>(&mask), 0xff, sizeof mask);
  if (!key.skb_priority) mask.skb_priority = {};
  if (!key.pkt_mark) mask.pkt_mark = {};
  if (!key.ct_state) mask.ct_state = 0;
  if (!key.ct_zone) mask.ct_zone = {};
  if (!key.ct_mark) mask.ct_mark = {};
  if (std::all_of(std::begin(key.ct_label), std::end(key.ct_label), [](uint8_t b) { return b == 0; })) std::memset(mask.ct_label, 0, sizeof mask.ct_label);
  if (!key.ct_nw_proto) clear_ct_tuple(mask);
  if (!key.dp_hash) mask.dp_hash = {};
  if (!key.tunnel.src && !key.tunnel.dst && key.tunnel.ipv6_dst.is_zero()) mask.tunnel = {};
  if (!key.tun_present) mask.tun_present = {};
  if (!key.nd_reserved && !key.nd_options_type) mask.nd_reserved = {}, mask.nd_options_type = 0;
  return mask;
}

}  // namespace

std::string format_tunnel_flags(const FlowTunnel& key, const FlowTunnel& mask) { return flags_text(kTunnelFlags, tunnel_flags(key), tunnel_flags(mask)); }

std::string format_odp_attribute(const OdpAttribute& a, const Flow& key, const Flow& mask, const OdpTextOptions& options) {
  std::string body = attribute_body(a, key, mask, options);
  return body.empty() && a.name != "eth" ? "" : fmt::format("{}({})", a.name, body);
}

std::string format_odp_key(const Flow& key, const Flow& mask, const OdpTextOptions& options) { return KeyPrinter(key, mask, options).print(); }
std::string format_odp_key(const Flow& key, const OdpTextOptions& options) { return format_odp_key(key, whole_mask(key), options); }

std::string format_ufid(const Ufid& u) {
  std::string s = "ufid:";
  for (size_t i = 0; i < u.size(); i++) s += fmt::format("{}{:02x}", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", u[i]);
  return s;
}

namespace {

std::string tcp_flag_letters(uint16_t flags) {
  struct Letter { uint16_t bit; char letter; };
  constexpr Letter kLetters[] = {{2, 'S'}, {1, 'F'}, {8, 'P'}, {4, 'R'}, {32, 'U'}, {16, '.'}, {64, 'E'}, {128, 'C'}, {256, 'N'}};
  std::string s;
  for (auto [bit, letter] : kLetters)
    if (flags & bit) s += letter;
  return s;
}

}  // namespace

std::string format_stats(const FlowStats& stats, Time now) {
  std::string out = fmt::format("packets:{}, bytes:{}, used:", stats.packets, stats.bytes);
  if (stats.used == Time::min()) out += "never";
  else out += fmt::format("{:.3f}s", static_cast<double>(to_ms(now - stats.used)) / 1000);
  if (stats.tcp_flags) out += ", flags:" + tcp_flag_letters(stats.tcp_flags);
  return out;
}

std::string format_megaflow(const Megaflow& flow, Time now, const OdpTextOptions& options) {
  std::string out = options.verbose ? format_ufid(flow.ufid) + ", " : "";
  out += format_odp_key(flow.key, flow.mask, options);
  out += ", " + format_stats(flow.stats, now);
  if (options.verbose) out += ", dp:ovs";
  return out + ", actions:" + format_odp_actions(flow.actions, options);
}

namespace {

struct ActionPrinter {
  const OdpTextOptions& options;

  std::string operator()(const OdpOutput& a) const { return options.port_name ? options.port_name(a.port) : fmt::format("{}", a.port.value); }
  std::string operator()(const OdpUserspace& a) const {
    // The cookie tells the brain what to do, as recirc_id does in Open vSwitch.
    if (const OdpPacketIn& p = a.packet_in; a.reason == SlowReason::kController)
      return fmt::format("userspace(pid={},controller(reason={},dont_send={:d},continuation={:d},recirc_id={},rule_cookie={},controller_id={},max_len={}))", options.upcall_pid, p.reason, p.dont_send, p.continuation,
                         a.cookie, p.rule_cookie ? fmt::format("{:#x}", p.rule_cookie) : "0", p.controller_id, std::min(a.max_len, 65535u));
    auto* name = std::ranges::find(kSlowReasons, a.reason, &SlowReasonName::reason);
    return fmt::format("userspace(pid={},slow_path({}))", options.upcall_pid, name == std::end(kSlowReasons) ? "" : name->name);
  }
  std::string operator()(const OdpSet& a) const {
    auto* set = std::ranges::find(kSetNames, a.kind, &OdpSetName::kind);
    if (set == std::end(kSetNames)) return "set()";
    OdpTextOptions brief = options;
    brief.verbose = false;
    std::string body;
    const Flow value = a.fields.value(), mask = a.fields.mask();
    if (a.kind == OdpSetKind::kMpls) body = mpls_text(value, mask, brief);
    else if (a.kind == OdpSetKind::kTunnel) body = tunnel_text(value, mask, brief, flags_of_set(value, mask), false);
    else if (a.kind == OdpSetKind::kNsh) body = format_nsh_key(value, mask);
    else body = parts_text(set->attribute.parts, value, mask, brief);
    return fmt::format("set({}({}))", set->attribute.name, body);
  }
  /// What it was read with; else all of them, if there is one.
  static uint16_t flags_of_set(const Flow& value, const Flow& mask) {
    uint16_t asked = tunnel_flags(mask.tunnel);
    return asked ? asked : tunnel_flags(value.tunnel) ? UINT16_MAX : 0;
  }
  static std::string lse(be32 v) {
    uint32_t h = v.host();
    return fmt::format("label={},tc={},ttl={},bos={}", h >> 12, h >> 9 & 7, h & 0xff, h >> 8 & 1);
  }
  std::string operator()(const OdpPushVlan& a) const {
    uint16_t tci = a.tci.host();
    std::string tpid = a.tpid == kEthVlan || !a.tpid ? "" : fmt::format("tpid={:#06x},", a.tpid.host());
    return fmt::format("push_vlan({}vid={},pcp={}{})", tpid, tci & 0xfff, tci >> 13, tci & kVlanPresent ? "" : ",cfi=0");
  }
  std::string operator()(const OdpPopVlan&) const { return "pop_vlan"; }
  std::string operator()(const OdpPushMpls& a) const { return fmt::format("push_mpls({},eth_type={:#x})", lse(a.lse), a.eth_type.host()); }
  std::string operator()(const OdpPopMpls& a) const { return fmt::format("pop_mpls(eth_type={:#x})", a.eth_type.host()); }
  std::string operator()(const OdpRecirc& a) const { return fmt::format("recirc({:#x})", a.id); }
  std::string operator()(const OdpHash& a) const { return fmt::format("hash({}({}))", a.algorithm == 1 ? "sym_l4" : "l4", a.basis); }
  std::string operator()(const OdpTrunc& a) const { return fmt::format("trunc({})", a.max_len); }
  std::string operator()(const OdpMeter& a) const { return fmt::format("meter({})", a.id); }
  std::string operator()(const OdpClone& a) const { return fmt::format("clone({})", format_odp_actions(a.actions, options)); }
  std::string operator()(const OdpSample& a) const {
    return fmt::format("sample(sample={:.1f}%,actions({}))", 100.0 * a.probability / UINT32_MAX, format_odp_actions(a.actions, options));
  }
  std::string operator()(const OdpDrop&) const { return "drop"; }
  std::string operator()(const OdpDecTtl& a) const { return fmt::format("dec_ttl(le_1({}))", a.exhausted.empty() ? "" : format_odp_actions(a.exhausted, options)); }
  std::string operator()(const OdpPushEth& a) const { return format_encap(a); }
  std::string operator()(const OdpPopEth&) const { return "pop_eth"; }
  std::string operator()(const OdpPushNsh& a) const { return format_encap(a); }
  std::string operator()(const OdpPopNsh&) const { return "pop_nsh()"; }
  std::string operator()(const OdpAddMpls& a) const { return format_encap(a); }
  std::string operator()(const OdpOther& a) const { return format_other_action(a); }
  std::string operator()(const OdpCt& a) const;
  std::string operator()(const OdpCtClear&) const { return "ct_clear"; }
  std::string operator()(const OdpCheckPktLen& a) const {
    return fmt::format("check_pkt_len(size={},gt({}),le({}))", a.length, format_odp_actions(a.greater, options), format_odp_actions(a.less_or_equal, options));
  }
  std::string operator()(const OdpTunnelPush& a) const {
    return fmt::format("tnl_push(tnl_port({}),header({}),out_port({}))", (*this)(OdpOutput{a.tunnel_port}), hex(a.header), (*this)(OdpOutput{a.out_port}));
  }
  std::string operator()(const OdpTunnelPop& a) const { return fmt::format("tnl_pop({})", (*this)(OdpOutput{a.tunnel_port})); }
};

std::string nat_text(const OdpNat& n) {
  if (!n.src && !n.dst) return "nat";
  auto ip = [&](const Ipv6Addr& a) {
    if (n.family == 4) {
      be32 v;
      std::memcpy(&v, a.b.data(), sizeof v);
      return format_ipv4(v);
    }
    return n.port_min ? "[" + format(a) + "]" : format(a);
  };
  std::string out = n.src ? "nat(src" : "nat(dst";
  if (n.family) {
    out += "=" + ip(n.ip_min);
    if (n.ip_max != n.ip_min) out += "-" + ip(n.ip_max);
  }
  if (n.port_min) {
    out += fmt::format("{}:{}", n.family ? "" : "=", n.port_min);
    if (n.port_max != n.port_min) out += fmt::format("-{}", n.port_max);
  }
  for (auto [on, name] : {std::pair{n.persistent, ",persistent"}, {n.hash, ",hash"}, {n.random, ",random"}})
    if (on) out += name;
  return out + ")";
}

std::string ActionPrinter::operator()(const OdpCt& a) const {
  std::vector<std::string> items;
  if (a.commit) items.push_back(a.force ? "force_commit" : "commit");
  if (a.zone) items.push_back(fmt::format("zone={}", a.zone));
  if (a.mark_mask) items.push_back(fmt::format("mark={:#x}/{:#x}", a.mark, a.mark_mask));
  if (a.label_mask != decltype(a.label_mask){}) {
    Flow value{}, mask{};
    std::ranges::copy(a.label, value.ct_label);
    std::ranges::copy(a.label_mask, mask.ct_label);
    bool whole = mask_kind(mask, kCtLabelPart[0]) == MaskKind::kAll;
    items.push_back("label=" + label_text(value, kCtLabelPart[0]) + (whole ? "" : "/" + label_text(mask, kCtLabelPart[0])));
  }
  if (!a.helper.empty()) items.push_back("helper=" + a.helper);
  if (!a.timeout.empty()) items.push_back("timeout=" + a.timeout);
  if (a.nat) items.push_back(nat_text(*a.nat));
  return items.empty() ? "ct" : fmt::format("ct({})", fmt::join(items, ","));
}

}  // namespace

std::string format_odp_actions(const OdpActions& actions, const OdpTextOptions& options) {
  if (actions.empty()) return "drop";
  std::string out;
  for (const OdpAction& a : actions) out += (out.empty() ? "" : ",") + std::visit(ActionPrinter{options}, a.v);
  return out;
}

}  // namespace sluice
