// SPDX-License-Identifier: Apache-2.0
// Text of the switch description, TLV tables, connection-tracking flushes, IPFIX statistics.
#include "datapath/l4.h"
#include "ofproto/openflow/mapped_address.h"
#include "ofproto/openflow/text_body.h"

namespace sluice::ofp {
namespace {

void add_maps(std::string& out, const std::vector<TlvMap>& maps) {
  out += " mapping table:\n  class  type  length  match field\n ------  ----  ------  --------------";
  for (const TlvMap& m : maps)
    append(out, "\n {:>6}  {:>4}  {:>6}  tun_metadata{}", hex_or_zero(m.option_class), hex_or_zero(m.option_type), m.option_len, m.index);
}

std::string address_text(const Ipv6Addr& a) {
  return is_v4_mapped(a) ? format_ipv4(be32(load_be<uint32_t>(a.b.data() + 12))) : sluice::format(a);
}

void add_tuple(std::string& out, const CtTuple& t, bool v6, uint8_t proto, bool with_proto) {
  Ipv6Addr src = t.src.value_or(Ipv6Addr{}), dst = t.dst.value_or(Ipv6Addr{});
  std::string_view name = v6 ? "ipv6" : "nw";
  append(out, "ct_{}_src={},ct_{}_dst={},", name, address_text(src), name, address_text(dst));
  if (is_icmp(proto)) {
    append(out, "icmp_id={},icmp_type={},icmp_code={}", t.icmp_id.value_or(0), t.icmp_type.value_or(0), t.icmp_code.value_or(0));
  } else {
    append(out, "ct_tp_src={},ct_tp_dst={}", t.src_port.value_or(0), t.dst_port.value_or(0));
  }
  if (with_proto) append(out, ",ct_nw_proto={}", proto);
}

}  // namespace

void format_body(std::string& out, const TextContext&, const DescReply& m) {
  append(out, "\nManufacturer: {}\nHardware: {}\nSoftware: {}\nSerial Num: {}\nDP Description: {}\n", m.mfr_desc, m.hw_desc, m.sw_desc, m.serial_num,
      m.dp_desc);
}

void format_body(std::string& out, const TextContext&, const TlvTableMod& m) {
  constexpr std::string_view kCommands[] = {"ADD", "DEL", "CLEAR"};
  append(out, "\n {}", kCommands[static_cast<size_t>(m.command)]);
  if (m.command != TlvTableCommand::kClear) add_maps(out, m.maps);
}

void format_body(std::string& out, const TextContext&, const TlvTableReply& m) {
  unsigned used = 0;
  for (const TlvMap& map : m.maps) used += map.option_len;
  append(out, "\n max option space={} max fields={}\n allocated option space={}\n\n", m.max_option_space, m.max_fields, used);
  add_maps(out, m.maps);
}

void format_body(std::string& out, const TextContext&, const CtFlush& m) {
  append(out, " zone={} '", m.zone.value_or(0));
  auto is_v4 = [](const std::optional<Ipv6Addr>& a) { return a && is_v4_mapped(*a); };
  bool v6 = !is_v4(m.original.src) && !is_v4(m.original.dst) && !is_v4(m.reply.src) && !is_v4(m.reply.dst);
  add_tuple(out, m.original, v6, m.ip_proto, true);
  out += "' '";
  add_tuple(out, m.reply, v6, m.ip_proto, false);
  out += '\'';
}

void format_body(std::string& out, const TextContext& ctx, const IpfixStatsReply& m) {
  bool bridge = ctx.type() == MessageType::NXST_IPFIX_BRIDGE_REPLY;
  if (!bridge) append(out, " {} ids", m.entries.size());
  for (const IpfixStats& s : m.entries) {
    std::string head = bridge ? "  bridge ipfix: " : fmt::format("  id {:>3}: ", s.collector_set_id);
    append(out, "\n{}flows={}, current flows={}, sampled pkts={}, ipv4 ok={}, ipv6 ok={}, tx pkts={}\n", head, s.total_flows, s.current_flows, s.pkts,
        s.ipv4_pkts, s.ipv6_pkts, s.tx_pkts);
    append(out, "{}pkts errs={}, ipv4 errs={}, ipv6 errs={}, tx errs={}", std::string(head.size(), ' '), s.error_pkts, s.ipv4_error_pkts,
        s.ipv6_error_pkts, s.tx_errors);
  }
}

}  // namespace sluice::ofp
