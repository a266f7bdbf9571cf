// SPDX-License-Identifier: Apache-2.0
// See trace_text.h.
#include "ofproto/trace_text.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "datapath/ethertype.h"
#include "datapath/nsh.h"
#include "datapath/odp_text.h"
#include "datapath/port_no.h"
#include "lib/decimal.h"
#include "ofproto/openflow/match.h"

namespace sluice {
namespace {

/// The fields that a packet of this kind always shows, whether zero or not.
Flow shown_fields(const Flow& f) {
  Flow m{};
  auto all = [](auto& member) { std::memset(static_cast<void*>(&member), 0xff, sizeof member); };
  all(m.in_port);
  if (f.packet_type) all(m.packet_type);
  else all(m.eth_dst), all(m.eth_src), all(m.eth_type), all(m.vlan_tci);
  if (f.eth_type == kEthNsh) {
    all(m.nsh_flags), all(m.nsh_ttl), all(m.nsh_mdtype), all(m.nsh_np), all(m.nsh_path);
    if (f.nsh_mdtype == kNshMd1) all(m.nsh_context);
    all(m.nw_proto), all(m.nw_tos), all(m.nw_ttl);   // Open vSwitch takes it for a network protocol with these
    m.nw_frag = kFragAny | kFragLater;
  }
  if (f.is_arp()) all(m.nw_src), all(m.nw_dst), all(m.nw_proto), all(m.arp_sha), all(m.arp_tha);
  if (f.is_ip()) {
    if (f.eth_type == be16(0x0800))
      all(m.nw_src), all(m.nw_dst);
    else
      all(m.ipv6_src), all(m.ipv6_dst), m.ipv6_label = be32(0xfffff);
    all(m.nw_proto), all(m.nw_tos), all(m.nw_ttl);
    m.nw_frag = kFragAny | kFragLater;
    bool icmp = f.nw_proto == 1 || f.nw_proto == 58;
    if (!(f.nw_frag & kFragLater) && (icmp || f.nw_proto == 6 || f.nw_proto == 17 || f.nw_proto == 132)) all(m.tp_src), all(m.tp_dst);
    if (f.nw_proto == 6 && !(f.nw_frag & kFragLater)) m.tcp_flags = be16(0xfff);
    if (f.eth_type == be16(0x86dd) && f.nw_proto == 58 && (f.tp_src == be16(135) || f.tp_src == be16(136))) all(m.nd_target), all(m.arp_sha), all(m.arp_tha);
  }
  if (f.is_mpls()) all(m.mpls_lse[0]);
  for (unsigned i = 1; f.is_mpls() && i < kMplsLabels && !(f.mpls_lse[i - 1] & be32(kMplsBottom)); i++) all(m.mpls_lse[i]);
  return m;
}

/// "eth," where Open vSwitch has it: after what the datapath knows besides the frame.
void insert_eth(std::string& match) {
  constexpr std::string_view kBefore[] = {"pkt_mark", "dp_hash", "conj_id", "skb_priority", "actset_output", "ct_state", "ct_zone", "ct_mark", "ct_label", "ct_nw_src",
                                          "ct_nw_dst", "ct_ipv6_src", "ct_ipv6_dst", "ct_nw_proto", "ct_tp_src", "ct_tp_dst"};
  size_t at = 0;
  while (at < match.size()) {
    std::string_view item = std::string_view(match).substr(at);
    item = item.substr(0, item.find(','));
    if (std::ranges::find(kBefore, item.substr(0, item.find('='))) == std::end(kBefore)) break;
    at = std::min(at + item.size() + 1, match.size());
  }
  if (at == match.size() && at && match.back() != ',') match += ",eth";
  else match.insert(at, at == match.size() ? "eth" : "eth,");
}

/// All of a tunnel that a packet came through.
std::string tunnel_text(const FlowTunnel& t) {
  FlowTunnel all{};
  all.dp_flags = all.flags = be16(UINT16_MAX);
  return fmt::format("{}tun_src={},tun_dst={},tun_ipv6_src={},tun_ipv6_dst={},tun_gbp_id={},tun_gbp_flags={},tun_tos={},tun_ttl={},tun_erspan_ver={},gtpu_flags={},gtpu_msgtype={},tun_flags={}",
                     t.id ? fmt::format("tun_id={:#x},", t.id.host()) : "", format_ipv4(t.src), format_ipv4(t.dst), format(t.ipv6_src), format(t.ipv6_dst), t.gbp_id.host(), t.gbp_flags, t.tos, t.ttl,
                     t.erspan_ver, t.gtpu_flags, t.gtpu_msgtype, format_tunnel_flags(t, all));
}

/// ICMP types and codes are half of the ports whose room they have, and shown so: "icmp_type=0x8/0xff".
void show_half_ports(std::string& match) {
  for (std::string_view key : {"icmp_type=", "icmp_code="}) {
    size_t at = match.find(key);
    if (at == std::string::npos) continue;
    at += key.size();
    std::string_view value = std::string_view(match).substr(at, match.find(',', at) - at);
    if (auto n = parse_number(value)) match.replace(at, value.size(), fmt::format("{:#x}/0xff", *n));
  }
}

/// Before options and "in_port".
void insert_tunnel(const std::string& text, std::string& match) {
  size_t at = std::min(match.find("tun_metadata"), match.find("in_port="));
  match.insert(at == std::string::npos ? match.size() : at, at == std::string::npos ? "," + text : text + ",");
}

}  // namespace

std::string format_flow_line(const Flow& flow, const ofp::TlvTable* tlv) {
  ofp::Match m{.value = flow, .mask = shown_fields(flow)};
  auto nonzero = [](const auto& v, auto& mask) {
    if (v != std::decay_t<decltype(v)>{}) std::memset(static_cast<void*>(&mask), 0xff, sizeof mask);
  };
  nonzero(flow.ct_state, m.mask.ct_state);
  nonzero(flow.ct_zone, m.mask.ct_zone);
  nonzero(flow.ct_mark, m.mask.ct_mark);
  nonzero(std::to_array(flow.ct_label), m.mask.ct_label);
  nonzero(flow.metadata, m.mask.metadata);
  nonzero(flow.pkt_mark, m.mask.pkt_mark);
  if (!flow.tunnel.is_present()) nonzero(flow.tunnel.id, m.mask.tunnel.id);
  for (unsigned i = 0; i < kRegs; i++) nonzero(flow.reg[i], m.mask.reg[i]);
  if ((m.mask.tun_present = flow.tun_present)) std::memset(m.mask.tun_metadata, 0xff, sizeof m.mask.tun_metadata);
  mask_flow(m.value, m.mask);
  std::string out;
  ofp::format_match(m, out, nullptr, tlv);
  if (flow.tunnel.is_present()) insert_tunnel(tunnel_text(flow.tunnel), out);
  // The place of the second tag is shown even if there is none, behind the first one's.
  if (auto at = out.find("dl_vlan_pcp="); flow.vlan_tci && at != std::string::npos) {
    uint16_t tci = flow.vlan2_tci.host();
    std::string second = tci ? fmt::format(",dl_vlan1={},dl_vlan_pcp1={}", tci & 0xfff, tci >> 13) : ",vlan_tci1=0x0000";
    out.insert(std::min(out.find(',', at), out.size()), second);
  }
  if (flow.recirc_id) {
    if (!flow.packet_type) insert_eth(out);
    out.insert(0, fmt::format("recirc_id={:#x},", flow.recirc_id.host()));
  }
  return out;
}

std::string format_megaflow_line(const Flow& key, const Flow& mask, const ofp::TlvTable* tlv) {
  ofp::Match m{.value = key, .mask = mask};
  m.mask.recirc_id = be32();
  if (!key.packet_type) m.mask.packet_type = be32();
  if (!key.ct_nw_proto) m.mask.ct_nw_proto = 0;
  FlowTunnel asked{};
  asked.dp_flags = mask.tunnel.dp_flags;
  if (!key.tunnel.is_present()) m.mask.tunnel = {}, m.mask.tun_present = {}, std::memset(m.mask.tun_metadata, 0, sizeof m.mask.tun_metadata);
  if (!key.vlan_tci) m.mask.vlan_tci = m.mask.vlan2_tci = be16();  // of an untagged packet it goes without saying
  m.mask.vlan_tpid = m.mask.vlan2_tpid = be16();
  mask_flow(m.value, m.mask);
  std::string match;
  ofp::format_match(m, match, nullptr, tlv);
  if (asked.dp_flags) insert_tunnel("tun_flags=" + format_tunnel_flags(key.tunnel, asked), match);
  show_half_ports(match);
  if (!key.packet_type) insert_eth(match);
  size_t at = match.starts_with("pkt_mark=") ? match.find(',') + 1 : 0;
  return match.insert(at, fmt::format("recirc_id={},", key.recirc_id ? fmt::format("{:#x}", key.recirc_id.host()) : "0"));
}

}  // namespace sluice
