// SPDX-License-Identifier: Apache-2.0
// See connection_text.h.
#include "datapath/kernel/dpctl/connection_text.h"

#include <algorithm>
#include <cstring>

#include <fmt/core.h>

#include "datapath/l4.h"
#include "lib/decimal.h"
#include "lib/text.h"

namespace sluice {
namespace {

struct ProtocolName { uint8_t proto; std::string_view name; };
constexpr ProtocolName kProtocols[] = {{kProtoIcmp, "icmp"}, {kProtoTcp, "tcp"}, {kProtoUdp, "udp"}, {kProtoIcmpv6, "icmpv6"}, {kProtoSctp, "sctp"}};

be32 ipv4_of(const Ipv6Addr& a) {
  be32 v;
  std::memcpy(&v, a.b.data(), sizeof v);
  return v;
}

std::string address(const CtTuple& t, const Ipv6Addr& a) { return t.ipv6 ? format(a) : format_ipv4(ipv4_of(a)); }

std::string tuple_text(const CtTuple& t, uint16_t id) {
  std::string ports = is_icmp(t.proto) ? fmt::format("id={},type={},code={}", id, t.tp_src.host(), t.tp_dst.host())
                                       : fmt::format("sport={},dport={}", t.tp_src.host(), t.tp_dst.host());
  return fmt::format("(src={},dst={},{})", address(t, t.src), address(t, t.dst), ports);
}

std::string label_text(const std::array<uint8_t, 16>& label) {
  std::string s = hex(label);
  s.erase(0, std::min(s.find_first_not_of('0'), s.size()));
  return s;
}

template <typename T>
bool take_number(std::string_view s, std::optional<T>& to) {
  to = parse_decimal<T>(s);
  return to.has_value();
}

bool take_field(TuplePattern& p, std::string_view name, std::string_view value, bool& known) {
  known = true;
  if (name == "ct_nw_src") return (p.nw_src = parse_ipv4(value)).has_value();
  if (name == "ct_nw_dst") return (p.nw_dst = parse_ipv4(value)).has_value();
  if (name == "ct_ipv6_src") return (p.ipv6_src = parse_ipv6(value)).has_value();
  if (name == "ct_ipv6_dst") return (p.ipv6_dst = parse_ipv6(value)).has_value();
  if (name == "ct_nw_proto") return take_number(value, p.proto);
  if (name == "ct_tp_src") return take_number(value, p.tp_src);
  if (name == "ct_tp_dst") return take_number(value, p.tp_dst);
  if (name == "icmp_type") return take_number(value, p.icmp_type);
  if (name == "icmp_code") return take_number(value, p.icmp_code);
  if (name == "icmp_id") return take_number(value, p.icmp_id);
  return known = false;
}

}  // namespace

std::string protocol_name(const CtEntry& e) {
  auto* p = std::ranges::find(kProtocols, e.orig.proto, &ProtocolName::proto);
  return p == std::end(kProtocols) ? fmt::format("{}", e.orig.proto) : std::string(p->name);
}

CtTcpState tcp_state_of(const CtEntry& e) {
  CtTcpState state = std::max(e.tcp_orig, e.tcp_reply);
  // Trackers differ here: the kernel's calls a connection established, or waiting, where others still know better.
  return state == CtTcpState::kSynRecv ? CtTcpState::kEstablished : state == CtTcpState::kFinWait2 ? CtTcpState::kTimeWait : state;
}

namespace {

struct BitName { unsigned bit; std::string_view name; };
constexpr BitName kStatusNames[] = {{0, "EXPECTED"}, {1, "SEEN_REPLY"}, {2, "ASSURED"}, {3, "CONFIRMED"}, {4, "SRC_NAT"}, {5, "DST_NAT"}, {6, "SEQ_ADJUST"},
                                    {7, "SRC_NAT_DONE"}, {8, "DST_NAT_DONE"}, {9, "DYING"}, {10, "FIXED_TIMEOUT"}, {11, "TEMPLATE"}, {12, "UNTRACKED"}};
constexpr BitName kTcpFlagNames[] = {{0, "WINDOW_SCALE"}, {1, "SACK_PERM"}, {2, "CLOSE_INIT"}, {3, "BE_LIBERAL"}, {4, "DATA_UNACKNOWLEDGED"}, {5, "MAXACK_SET"}};

std::string bits_text(uint32_t bits, std::span<const BitName> names) {
  std::string out;
  for (const BitName& n : names)
    if (bits >> n.bit & 1) out += (out.empty() ? "" : "|") + std::string(n.name);
  return out.empty() ? "0" : out;
}

std::string tcp_text(const CtEntry& e, bool more) {
  if (!more) return fmt::format("state={}", ct_tcp_state_name(tcp_state_of(e)));
  std::string scales = e.tcp_wscale_orig || e.tcp_wscale_reply ? fmt::format(",wscale_orig={},wscale_reply={}", e.tcp_wscale_orig, e.tcp_wscale_reply) : "";
  return fmt::format("state_orig={},state_reply={}{},flags_orig={},flags_reply={}", ct_tcp_state_name(e.tcp_orig), ct_tcp_state_name(e.tcp_reply), scales,
                     bits_text(e.tcp_flags_orig, kTcpFlagNames), bits_text(e.tcp_flags_reply, kTcpFlagNames));
}

std::string sctp_text(const CtSctp& s) {
  std::string_view state = s.state < std::size(kCtSctpStateNames) ? kCtSctpStateNames[s.state] : "UNKNOWN";
  return fmt::format("state={},vtag_orig={},vtag_reply={}", state, s.vtag_orig, s.vtag_reply);
}

}  // namespace

std::string format_connection(const CtEntry& e, bool more, bool statistics) {
  std::string out = fmt::format("{},orig={},reply={}", protocol_name(e), tuple_text(e.orig, e.icmp_id_orig), tuple_text(e.reply, e.icmp_id_reply));
  if (more) out += fmt::format(",id={}", e.id);
  if (e.zone) out += fmt::format(",zone={}", e.zone);
  if (more) out += ",status=" + bits_text(e.status, kStatusNames);
  if (statistics) out += fmt::format(",timeout={}", to_seconds(e.timeout));
  if (e.mark) out += fmt::format(",mark={}", e.mark);
  if (std::string label = label_text(e.label); !label.empty()) out += ",labels=0x" + label;
  if (e.orig.proto == kProtoTcp) out += ",protoinfo=(" + tcp_text(e, more) + ")";
  if (e.sctp) out += ",protoinfo=(" + sctp_text(*e.sctp) + ")";
  if (!e.helper.empty()) out += ",helper=" + e.helper;
  if (e.parent && more) out += ",parent=" + tuple_text(*e.parent, 0);
  return out;
}

bool TuplePattern::matches(const CtTuple& t, uint16_t id) const {
  auto is = [](const auto& wanted, const auto& has) { return !wanted || *wanted == has; };
  if ((nw_src || nw_dst) && t.ipv6) return false;
  if ((ipv6_src || ipv6_dst) && !t.ipv6) return false;
  if (!is(nw_src, ipv4_of(t.src)) || !is(nw_dst, ipv4_of(t.dst)) || !is(ipv6_src, t.src) || !is(ipv6_dst, t.dst) || !is(proto, t.proto)) return false;
  if (is_icmp(t.proto)) return is(icmp_type, t.tp_src.host()) && is(icmp_code, t.tp_dst.host()) && is(icmp_id, id);
  return is(tp_src, t.tp_src.host()) && is(tp_dst, t.tp_dst.host());
}

std::expected<TuplePattern, std::string> parse_tuple(std::string_view text) {
  TuplePattern p;
  while (!text.empty()) {   // "" asks for nothing
    std::string_view item = text.substr(0, text.find(','));
    size_t equals = item.find('=');
    std::string_view name = item.substr(0, equals);
    if (equals == item.npos || equals + 1 == item.size()) return std::unexpected(fmt::format("field {} missing value", name));
    bool known;
    if (!take_field(p, name, item.substr(equals + 1), known))
      return std::unexpected(known ? fmt::format("failed to parse field {}", name) : fmt::format("invalid conntrack tuple field: {}", name));
    if (text.find(',') == text.npos) return p;
    text.remove_prefix(text.find(',') + 1);
  }
  return p;
}

}  // namespace sluice
