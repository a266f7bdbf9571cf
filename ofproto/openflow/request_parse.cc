// SPDX-License-Identifier: Apache-2.0
// Parsing of packet-outs, connection-tracking flushes and flow monitors.
#include <fmt/core.h>

#include <algorithm>

#include "datapath/l4.h"
#include "ofproto/openflow/group_text.h"
#include "ofproto/openflow/match.h"
#include "ofproto/openflow/name_map.h"
#include "ofproto/openflow/port.h"
#include "ofproto/openflow/text.h"

namespace sluice::ofp {
namespace {

using Checked = std::expected<void, std::string>;
TextError bad(std::string text) { return TextError(std::move(text)); }

constexpr size_t kEthernetHeader = 14;

bool is_pipeline_field(FieldId f) {
  return f == FieldId::kMetadata || f == FieldId::kInPort || f == FieldId::kInPortOxm || f == FieldId::kPacketType || f == FieldId::kActsetOutput ||
         (f >= FieldId::kTunId && f <= FieldId::kTunMetadata0Last) || (f >= FieldId::kReg0 && f <= FieldId::kXxreg0Last);
}

Checked set_pipeline_field(const KeyValue& kv, const TextNames& names, Match& m) {
  const Field* f = field_by_name(kv.key);
  if (!f && !kv.has_value()) return bad(fmt::format("field {} missing value", kv.key));
  if (!f) return bad(fmt::format("unknown keyword {}", kv.key));
  if (!is_pipeline_field(f->id)) return bad(fmt::format("{} is not a valid pipeline field for PACKET_OUT", kv.key));
  auto set = parse_match_key(kv.key, kv.value, kv.has_value(), m, names.ports, names.tlv, names.compat);
  if (!set) return bad(fmt::format("unknown keyword {}", kv.key));
  return *set;
}

/// What follows the key of `item` in the text `before` it was taken.
std::string_view behind_key(std::string_view before) { return before.substr(before.find_first_of("=:") + 1); }

}  // namespace

std::expected<Bytes, std::string> parse_packet_hex(std::string_view text) {
  Bytes out;
  int nibble = -1;
  for (char c : text) {
    if (c == ' ' || c == '\t') continue;
    int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
    if (digit < 0) return bad("Trailing garbage in packet data");
    if (nibble < 0) {
      nibble = digit;
    } else {
      out.push_back(static_cast<uint8_t>(nibble << 4 | digit));
      nibble = -1;
    }
  }
  if (nibble >= 0) return bad("Trailing garbage in packet data");
  if (out.size() < kEthernetHeader) return bad("Packet data too short for Ethernet");
  return out;
}

std::expected<ParsedPacketOut, std::string> parse_packet_out(std::string_view text, const TextNames& names) {
  ParsedPacketOut p;
  bool has_actions = false, other_fields = false;
  Said said;
  std::string_view rest = text;
  while (!has_actions) {
    std::string_view before = rest;
    auto item = next_item(rest);
    if (!item) return bad(item.error());
    if (!*item) break;
    const KeyValue& kv = **item;
    if (equal_ignoring_case(kv.key, "actions") || equal_ignoring_case(kv.key, "action")) {
      auto actions = parse_actions(trim(behind_key(before)), names, false);
      if (!actions) return bad(actions.error());
      p.out.actions = std::move(actions->actions);
      if (std::ranges::any_of(p.out.actions, [](const Action& a) { return a.as<Meter>() != nullptr; })) p.usable &= kOxm15;   // an instruction before
      p.usable &= actions->usable;
      has_actions = true;
    } else if (auto once = said.add(kv); !once && kv.has_value() && !names.compat) {
      return bad(once.error());
    } else if (kv.key == "in_port") {
      auto port = parse_port(kv.value, names.ports);
      if (!port) return bad(fmt::format("{} is not a valid OpenFlow port", kv.value));
      if (port->value > OFPP_MAX && *port != OFPP_LOCAL && *port != OFPP_NONE && *port != OFPP_CONTROLLER)
        return bad(fmt::format("{} is not a valid OpenFlow port for PACKET_OUT", kv.value));
      p.out.metadata.set_in_port(*port);
    } else if (kv.key == "packet") {
      auto frame = parse_packet_hex(kv.value);
      if (!frame) return bad("packet: " + frame.error());
      p.out.data = std::move(*frame);
    } else {
      if (auto ok = set_pipeline_field(kv, names, p.out.metadata); !ok) return bad(ok.error());
      other_fields |= kv.key != "packet_type" || p.out.metadata.value.packet_type;   // Ethernet is what all are
    }
  }
  if (p.out.data.empty()) return bad("must specify packet");
  if (!has_actions) return bad("must specify actions");
  if (!p.out.metadata.mask.in_port) p.out.metadata.set_in_port(OFPP_CONTROLLER);
  if (other_fields) p.usable &= kOxm15;  // older packet-outs have the port only
  return p;
}

namespace {

Ipv6Addr v4_mapped(be32 ip) {
  Ipv6Addr a;
  a.b[10] = a.b[11] = 0xff;
  std::memcpy(&a.b[12], &ip, 4);
  return a;
}

std::optional<Ipv6Addr> parse_address(std::string_view key, std::string_view value) {
  if (key.find("ipv6") != std::string_view::npos) return parse_ipv6(value);
  auto ip = parse_ipv4(value);
  return ip ? std::optional(v4_mapped(*ip)) : std::nullopt;
}

template <typename T>
bool take(std::string_view value, std::optional<T>& out) {
  auto n = parse_number(value);
  if (!n || *n > std::numeric_limits<T>::max()) return false;
  out = static_cast<T>(*n);
  return true;
}

/// family: true if addresses are IPv6, of both tuples of a connection; nothing until there is one.
Checked parse_tuple(std::string_view text, CtTuple& t, uint8_t& proto, std::optional<bool>& family) {
  for (;;) {
    auto item = next_item(text);
    if (!item) return bad(item.error());
    if (!*item) return {};
    std::string_view key = (*item)->key, value = (*item)->value;
    bool ok = true, known = true;
    if (key == "ct_nw_src" || key == "ct_ipv6_src") ok = (t.src = parse_address(key, value)).has_value();
    else if (key == "ct_nw_dst" || key == "ct_ipv6_dst") ok = (t.dst = parse_address(key, value)).has_value();
    else if (key == "ct_tp_src") ok = take(value, t.src_port);
    else if (key == "ct_tp_dst") ok = take(value, t.dst_port);
    else if (key == "icmp_id") ok = take(value, t.icmp_id);
    else if (key == "icmp_type") ok = take(value, t.icmp_type);
    else if (key == "icmp_code") ok = take(value, t.icmp_code);
    else if (key == "ct_nw_proto") {
      std::optional<uint8_t> n;
      ok = take(value, n);
      proto = n.value_or(0);
    } else {
      known = false;
    }
    if ((*item)->form == KeyValue::Form::kBare) return bad(fmt::format("Failed to parse ct-tuple: field {} missing value", key));
    bool v6 = key.find("ipv6") != key.npos, address = v6 || key.starts_with("ct_nw_s") || key.starts_with("ct_nw_d");
    if (known && address) {
      if (family.value_or(v6) != v6) return bad(fmt::format("Failed to parse ct-tuple: the L3 protocol does not match {}", value));
      family = v6;
    }
    if (!known) return bad(fmt::format("Failed to parse ct-tuple: invalid conntrack tuple field: {}", key));
    if (!ok) return bad(fmt::format("Failed to parse ct-tuple: failed to parse field {}", key));
  }
}

/// Ports are those of a protocol; ids, types and codes are ICMP's.
Checked check_l4(const CtTuple& t, uint8_t proto) {
  if ((t.icmp_id || t.icmp_type || t.icmp_code) && !is_icmp(proto)) return bad("Failed to parse ct-tuple: invalid L4 fields");
  if ((t.src_port || t.dst_port) && !proto) return bad("Failed to parse ct-tuple: port is set without protocol");
  return {};
}

}  // namespace

std::expected<CtFlush, std::string> parse_ct_flush(std::span<const std::string> words) {
  CtFlush m;
  size_t next = 0;
  constexpr std::string_view kZone = "zone=";
  if (next < words.size() && words[next].starts_with(kZone)) {
    std::optional<uint16_t> zone;
    if (!take(std::string_view(words[next]).substr(kZone.size()), zone)) return bad("Failed to parse zone");
    m.zone = zone;
    next++;
  }
  std::optional<bool> family;
  for (CtTuple* t : {&m.original, &m.reply})
    if (next < words.size())
      if (auto ok = parse_tuple(words[next++], *t, m.ip_proto, family); !ok) return bad(ok.error());
  if (next < words.size()) return bad("Invalid arguments");
  for (const CtTuple* t : {&m.original, &m.reply})
    if (auto ok = check_l4(*t, m.ip_proto); !ok) return bad(ok.error());
  return m;
}

std::expected<ParsedMonitor, std::string> parse_flow_monitor(std::string_view text, const TextNames& names) {
  constexpr struct { std::string_view word; uint16_t flag; } kFlags[] = {
      {"!initial", OFPFMF_INITIAL}, {"!add", OFPFMF_ADD}, {"!delete", OFPFMF_REMOVED}, {"!modify", OFPFMF_MODIFY}, {"!actions", OFPFMF_INSTRUCTIONS},
      {"!own", OFPFMF_ONLY_OWN}};
  ParsedMonitor p;
  Said said;
  FlowMonitor& m = p.monitor;
  m.flags = OFPFMF_INITIAL | OFPFMF_ADD | OFPFMF_REMOVED | OFPFMF_MODIFY | OFPFMF_INSTRUCTIONS | OFPFMF_ONLY_OWN;
  for (;;) {
    auto item = next_item(text);
    if (!item) return bad(item.error());
    if (!*item) break;
    const KeyValue& kv = **item;
    bool flag = false;
    for (auto f : kFlags) {
      if (kv.key != f.word || kv.has_value()) continue;
      m.flags &= static_cast<uint16_t>(~f.flag);
      flag = true;
    }
    if (flag) continue;
    if (auto once = said.add(kv); !once && kv.has_value() && !names.compat) return bad(once.error());
    if (kv.key == "table") {
      std::optional<uint64_t> n = parse_number(kv.value);
      if (!n && names.tables) n = names.tables->number(kv.value);
      if (!n || *n >= kTableAll) return bad(fmt::format("unknown table \"{}\"", kv.value));
      m.table_id = static_cast<uint8_t>(*n);
    } else if (kv.key == "out_port") {
      auto port = parse_port(kv.value, names.ports);
      if (!port) return bad(fmt::format("{} is not a valid OpenFlow port", kv.value));
      m.out_port = *port;
    } else if (kv.key == "out_group") {
      auto n = parse_number_in(kv.value, kv.key, UINT32_MAX);
      if (!n) return bad(n.error());
      m.out_group = static_cast<uint32_t>(*n);
      p.usable &= kOxm14 | kOxm15;
    } else {
      auto set = parse_match_key(kv.key, kv.value, kv.has_value(), m.match, names.ports, names.tlv, names.compat);
      if (!set) return bad(kv.has_value() ? fmt::format("{}: unknown keyword {}", kv.all, kv.key) : fmt::format("field {} missing value", kv.key));
      if (!*set) return bad(set->error());
    }
  }
  Match before = m.match;
  if (normalize(m.match)) return bad(missing_prerequisite(before));   // as in flows: what would be ignored is refused
  return p;
}

}  // namespace sluice::ofp
