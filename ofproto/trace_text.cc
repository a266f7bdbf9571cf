// SPDX-License-Identifier: Apache-2.0
// See trace_text.h.
#include "ofproto/trace_text.h"

#include <fmt/core.h>

#include <algorithm>

#include "datapath/port_no.h"
#include "ofproto/openflow/match.h"

namespace sluice {
namespace {

/// The fields that a packet of this kind always shows, whether zero or not.
Flow shown_fields(const Flow& f) {
  Flow m{};
  auto all = [](auto& member) { std::memset(static_cast<void*>(&member), 0xff, sizeof member); };
  all(m.in_port), all(m.eth_dst), all(m.eth_src), all(m.eth_type);
  all(m.vlan_tci);
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
    if (f.nw_proto == 6) m.tcp_flags = be16(0xfff);
    if (f.eth_type == be16(0x86dd) && f.nw_proto == 58 && (f.tp_src == be16(135) || f.tp_src == be16(136))) all(m.nd_target), all(m.arp_sha), all(m.arp_tha);
  }
  if (f.is_mpls()) all(m.mpls_lse[0]);
  return m;
}

}  // namespace

std::string format_flow_line(const Flow& flow) {
  ofp::Match m{.value = flow, .mask = shown_fields(flow)};
  auto nonzero = [](const auto& v, auto& mask) {
    if (v != std::decay_t<decltype(v)>{}) std::memset(static_cast<void*>(&mask), 0xff, sizeof mask);
  };
  nonzero(flow.metadata, m.mask.metadata);
  nonzero(flow.pkt_mark, m.mask.pkt_mark);
  nonzero(flow.tunnel.id, m.mask.tunnel.id);
  nonzero(flow.tunnel.src, m.mask.tunnel.src);
  nonzero(flow.tunnel.dst, m.mask.tunnel.dst);
  for (unsigned i = 0; i < kRegs; i++) nonzero(flow.reg[i], m.mask.reg[i]);
  mask_flow(m.value, m.mask);
  std::string out;
  ofp::format_match(m, out);
  // The place of the second tag is shown even if there is none, behind the first one's.
  if (auto at = out.find("dl_vlan_pcp="); flow.vlan_tci && at != std::string::npos) {
    uint16_t tci = flow.vlan2_tci.host();
    std::string second = tci ? fmt::format(",dl_vlan1={},dl_vlan_pcp1={}", tci & 0xfff, tci >> 13) : ",vlan_tci1=0x0000";
    out.insert(std::min(out.find(',', at), out.size()), second);
  }
  return out;
}

std::string format_megaflow_line(const Flow& key, const Flow& mask) {
  ofp::Match m{.value = key, .mask = mask};
  m.mask.packet_type = m.mask.recirc_id = be32();
  if (!key.vlan_tci) m.mask.vlan_tci = m.mask.vlan2_tci = be16();  // of an untagged packet it goes without saying
  m.mask.vlan_tpid = m.mask.vlan2_tpid = be16();
  mask_flow(m.value, m.mask);
  std::string match;
  ofp::format_match(m, match);
  return fmt::format("recirc_id={},eth{}{}", key.recirc_id.host(), match.empty() ? "" : ",", match);
}

}  // namespace sluice
