// SPDX-License-Identifier: Apache-2.0
// The vocabulary of datapath keys: attributes, their parts, and where those are in Flow.  Printing and parsing are derived from it, and the netlink
// attributes of openvswitch.ko (kernel/odp_netlink.cc).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include <linux/openvswitch.h>

#include "datapath/ethertype.h"
#include "datapath/flow.h"
#include "datapath/l4.h"
#include "datapath/odp_action.h"

namespace sluice {

enum class OdpForm : uint8_t { kDecimal, kHex, kMac, kIpv4, kIpv6, kFragment, kLabel /* 128 bits, hex */, kRecirc /* 0 or hex */, kPort };

/// A part "name=value[/mask]"; integers of `size` bytes are `bits` wide from bit `shift`.
struct OdpPart {
  std::string_view name;
  uint16_t offset;
  uint8_t size;
  OdpForm form;
  uint8_t shift = 0;
  uint8_t bits = 0;  // 0: all
  uint8_t wire = 0;  // bytes in a netlink attribute; 0: size
  constexpr unsigned width() const { return bits ? bits : size * 8u; }
  constexpr unsigned wire_size() const { return wire ? wire : size; }
};

#define AT(member) offsetof(Flow, member)
using enum OdpForm;
inline constexpr OdpPart kEthParts[] = {{"src", AT(eth_src), 6, kMac}, {"dst", AT(eth_dst), 6, kMac}};
inline constexpr OdpPart kIpv4Parts[] = {{"src", AT(nw_src), 4, kIpv4}, {"dst", AT(nw_dst), 4, kIpv4}, {"proto", AT(nw_proto), 1, kDecimal},
                                         {"tos", AT(nw_tos), 1, kHex}, {"ttl", AT(nw_ttl), 1, kDecimal}, {"frag", AT(nw_frag), 1, kFragment}};
inline constexpr OdpPart kIpv6Parts[] = {{"src", AT(ipv6_src), 16, kIpv6}, {"dst", AT(ipv6_dst), 16, kIpv6}, {"label", AT(ipv6_label), 4, kHex, 0, 20},
                                         {"proto", AT(nw_proto), 1, kDecimal}, {"tclass", AT(nw_tos), 1, kHex}, {"hlimit", AT(nw_ttl), 1, kDecimal},
                                         {"frag", AT(nw_frag), 1, kFragment}};
inline constexpr OdpPart kPortParts[] = {{"src", AT(tp_src), 2, kDecimal}, {"dst", AT(tp_dst), 2, kDecimal}};
inline constexpr OdpPart kIcmpParts[] = {{"type", AT(tp_src), 2, kDecimal, 0, 8, 1}, {"code", AT(tp_dst), 2, kDecimal, 0, 8, 1}};
inline constexpr OdpPart kArpParts[] = {{"sip", AT(nw_src), 4, kIpv4}, {"tip", AT(nw_dst), 4, kIpv4}, {"op", AT(nw_proto), 1, kDecimal, 0, 0, 2},
                                        {"sha", AT(arp_sha), 6, kMac}, {"tha", AT(arp_tha), 6, kMac}};
inline constexpr OdpPart kNdParts[] = {{"target", AT(nd_target), 16, kIpv6}, {"sll", AT(arp_sha), 6, kMac}, {"tll", AT(arp_tha), 6, kMac}};
inline constexpr OdpPart kNdExtParts[] = {{"nd_reserved", AT(nd_reserved), 4, kHex}, {"nd_options_type", AT(nd_options_type), 1, kDecimal}};
inline constexpr OdpPart kMplsParts[] = {{"label", AT(mpls_lse), 4, kDecimal, 12, 20}, {"tc", AT(mpls_lse), 4, kDecimal, 9, 3},
                                         {"ttl", AT(mpls_lse), 4, kDecimal, 0, 8}, {"bos", AT(mpls_lse), 4, kDecimal, 8, 1}};
/// kMplsParts[which] of a stack entry, 0 being the outermost.
inline OdpPart mpls_part(int which, size_t entry) {
  OdpPart part = kMplsParts[which];
  part.offset = static_cast<uint16_t>(part.offset + entry * sizeof(be32));
  return part;
}
inline constexpr OdpPart kNshParts[] = {{"flags", AT(nsh_flags), 1, kDecimal}, {"ttl", AT(nsh_ttl), 1, kDecimal}, {"mdtype", AT(nsh_mdtype), 1, kDecimal},
                                        {"np", AT(nsh_np), 1, kDecimal}, {"spi", AT(nsh_path), 4, kHex, 8, 24}, {"si", AT(nsh_path), 4, kDecimal, 0, 8},
                                        {"c1", AT(nsh_context), 4, kHex}, {"c2", AT(nsh_context) + 4, 4, kHex}, {"c3", AT(nsh_context) + 8, 4, kHex},
                                        {"c4", AT(nsh_context) + 12, 4, kHex}};
inline constexpr OdpPart kVlanParts[] = {{"vid", AT(vlan_tci), 2, kDecimal, 0, 12}, {"pcp", AT(vlan_tci), 2, kDecimal, 13, 3}};
inline constexpr OdpPart kVlan2Parts[] = {{"vid", AT(vlan2_tci), 2, kDecimal, 0, 12}, {"pcp", AT(vlan2_tci), 2, kDecimal, 13, 3}};
inline constexpr OdpPart kPacketTypeParts[] = {{"ns", AT(packet_type), 4, kDecimal, 16, 16}, {"id", AT(packet_type), 4, kHex, 0, 16}};
inline constexpr OdpPart kTunnelParts[] = {{"tun_id", AT(tunnel.id), 8, kHex}, {"src", AT(tunnel.src), 4, kIpv4}, {"dst", AT(tunnel.dst), 4, kIpv4},
                                           {"ipv6_src", AT(tunnel.ipv6_src), 16, kIpv6}, {"ipv6_dst", AT(tunnel.ipv6_dst), 16, kIpv6},
                                           {"tos", AT(tunnel.tos), 1, kHex}, {"ttl", AT(tunnel.ttl), 1, kDecimal},
                                           {"tp_src", AT(tunnel.tp_src), 2, kDecimal}, {"tp_dst", AT(tunnel.tp_dst), 2, kDecimal}};
// Of tunnels of one kind: the group policy of VXLAN, ERSPAN by its version (its header: version 1 has an index), GTP-U.
inline constexpr OdpPart kGbpParts[] = {{"id", AT(tunnel.gbp_id), 2, kDecimal}, {"flags", AT(tunnel.gbp_flags), 1, kHex}};
inline constexpr OdpPart kErspan1Parts[] = {{"ver", AT(tunnel.erspan_ver), 1, kDecimal}, {"idx", AT(tunnel.erspan_idx), 4, kHex}};
inline constexpr OdpPart kErspan2Parts[] = {{"ver", AT(tunnel.erspan_ver), 1, kDecimal}, {"dir", AT(tunnel.erspan_dir), 1, kDecimal, 0, 1}, {"hwid", AT(tunnel.erspan_hwid), 1, kHex, 0, 6}};
inline constexpr OdpPart kGtpuParts[] = {{"flags", AT(tunnel.gtpu_flags), 1, kHex}, {"msgtype", AT(tunnel.gtpu_msgtype), 1, kDecimal}};
// As text; the kernel has another order.
inline constexpr OdpPart kCtText4Parts[] = {{"src", AT(ct_nw_src), 4, kIpv4}, {"dst", AT(ct_nw_dst), 4, kIpv4}, {"proto", AT(ct_nw_proto), 1, kDecimal},
                                             {"tp_src", AT(ct_tp_src), 2, kDecimal}, {"tp_dst", AT(ct_tp_dst), 2, kDecimal}};
inline constexpr OdpPart kCtText6Parts[] = {{"src", AT(ct_ipv6_src), 16, kIpv6}, {"dst", AT(ct_ipv6_dst), 16, kIpv6}, {"proto", AT(ct_nw_proto), 1, kDecimal},
                                             {"tp_src", AT(ct_tp_src), 2, kDecimal}, {"tp_dst", AT(ct_tp_dst), 2, kDecimal}};
// Attributes of one unnamed part.
inline constexpr OdpPart kPriorityPart[] = {{"", AT(skb_priority), 4, kHex}};
inline constexpr OdpPart kMarkPart[] = {{"", AT(pkt_mark), 4, kHex}};
inline constexpr OdpPart kZonePart[] = {{"", AT(ct_zone), 2, kHex}};
inline constexpr OdpPart kCtStatePart[] = {{"", AT(ct_state), 1, kHex, 0, 0, 4}};
inline constexpr OdpPart kTcpFlagsPart[] = {{"", AT(tcp_flags), 2, kHex}};
inline constexpr OdpPart kCtMarkPart[] = {{"", AT(ct_mark), 4, kHex}};
inline constexpr OdpPart kCtLabelPart[] = {{"", AT(ct_label), 16, kLabel}};
inline constexpr OdpPart kRecircPart[] = {{"", AT(recirc_id), 4, kRecirc}};
inline constexpr OdpPart kHashPart[] = {{"", AT(dp_hash), 4, kHex}};
inline constexpr OdpPart kInPortPart[] = {{"", AT(in_port), 4, kPort}};
#undef AT

/// Flags "a|b" or, masked, "+a-b".
struct OdpFlag { std::string_view name; uint16_t bit; };
inline constexpr OdpFlag kCtFlags[] = {{"new", 1}, {"est", 2}, {"rel", 4}, {"rpl", 8}, {"inv", 16}, {"trk", 32}, {"snat", 64}, {"dnat", 128}};
inline constexpr OdpFlag kTcpFlags[] = {{"fin", 1}, {"syn", 2}, {"rst", 4}, {"psh", 8}, {"ack", 16}, {"urg", 32}, {"ece", 64}, {"cwr", 128}, {"ns", 256},
                                        {"[200]", 0x200}, {"[400]", 0x400}, {"[800]", 0x800}};
inline constexpr OdpFlag kTunnelFlags[] = {{"oam", 1}, {"df", kTunnelDf << 1}, {"csum", kTunnelCsum << 1}, {"key", kTunnelKey << 1}};   // FlowTunnel::flags bit 0, then dp_flags
/// In FlowTunnel::dp_flags, without a name in text: the packet has a group policy, which may be 0.
inline constexpr uint16_t kTunnelGbp = 8;

/// How the parts of an attribute lie in its netlink form.
enum class OdpWire : uint8_t {
  kStruct,   // one after the other, in network order
  kHost,     // one integer in the order of this machine
  kNested,   // a tunnel: attributes of its own
  kNsh,      // attributes of its own
  kStack,    // MPLS labels, as many as there are
  kNone,     // the kernel doesn't know it
};

struct OdpAttribute {
  std::string_view name;
  std::span<const OdpPart> parts;
  uint16_t type = OVS_KEY_ATTR_UNSPEC;   // OVS_KEY_ATTR_*
  OdpWire wire = OdpWire::kStruct;
};

/// Before the Ethernet header, in the order in which they are printed.
inline constexpr OdpAttribute kMetadataAttributes[] = {
    {"skb_priority", kPriorityPart, OVS_KEY_ATTR_PRIORITY, OdpWire::kHost},
    {"tunnel", kTunnelParts, OVS_KEY_ATTR_TUNNEL, OdpWire::kNested},
    {"skb_mark", kMarkPart, OVS_KEY_ATTR_SKB_MARK, OdpWire::kHost},
    {"ct_state", kCtStatePart, OVS_KEY_ATTR_CT_STATE, OdpWire::kHost},
    {"ct_zone", kZonePart, OVS_KEY_ATTR_CT_ZONE, OdpWire::kHost},
    {"ct_mark", kCtMarkPart, OVS_KEY_ATTR_CT_MARK, OdpWire::kHost},
    {"ct_label", kCtLabelPart, OVS_KEY_ATTR_CT_LABELS, OdpWire::kHost},
    {"ct_tuple4", kCtText4Parts, OVS_KEY_ATTR_UNSPEC, OdpWire::kNone},
    {"ct_tuple6", kCtText6Parts, OVS_KEY_ATTR_UNSPEC, OdpWire::kNone},
    {"recirc_id", kRecircPart, OVS_KEY_ATTR_RECIRC_ID, OdpWire::kHost},
    {"dp_hash", kHashPart, OVS_KEY_ATTR_DP_HASH, OdpWire::kHost},
    {"in_port", kInPortPart, OVS_KEY_ATTR_IN_PORT, OdpWire::kHost},
    {"packet_type", kPacketTypeParts, OVS_KEY_ATTR_PACKET_TYPE, OdpWire::kNone},
    {"eth", kEthParts, OVS_KEY_ATTR_ETHERNET},
};

/// After it: those that apply to a key.
struct OdpProtocolAttribute {
  OdpAttribute attribute;
  bool (*applies)(const Flow&);
};
namespace odp {
inline bool v4(const Flow& f, uint8_t proto) { return f.eth_type == kEthIpv4 && f.nw_proto == proto; }
inline bool v6(const Flow& f, uint8_t proto) { return f.eth_type == kEthIpv6 && f.nw_proto == proto; }
inline bool ip(const Flow& f, uint8_t proto) { return v4(f, proto) || v6(f, proto); }
inline bool nd(const Flow& f) { return v6(f, kProtoIcmpv6) && (f.tp_src == be16(135) || f.tp_src == be16(136)) && !f.tp_dst; }
}  // namespace odp
inline constexpr OdpProtocolAttribute kProtocolAttributes[] = {
    {{"mpls", kMplsParts, OVS_KEY_ATTR_MPLS, OdpWire::kStack}, [](const Flow& f) { return f.is_mpls(); }},
    {{"nsh", kNshParts, OVS_KEY_ATTR_NSH, OdpWire::kNsh}, [](const Flow& f) { return f.eth_type == kEthNsh; }},
    {{"ipv4", kIpv4Parts, OVS_KEY_ATTR_IPV4}, [](const Flow& f) { return f.eth_type == kEthIpv4; }},
    {{"ipv6", kIpv6Parts, OVS_KEY_ATTR_IPV6}, [](const Flow& f) { return f.eth_type == kEthIpv6; }},
    {{"arp", kArpParts, OVS_KEY_ATTR_ARP}, [](const Flow& f) { return f.is_arp(); }},
    {{"tcp", kPortParts, OVS_KEY_ATTR_TCP}, [](const Flow& f) { return odp::ip(f, kProtoTcp); }},
    {{"tcp_flags", kTcpFlagsPart, OVS_KEY_ATTR_TCP_FLAGS}, [](const Flow& f) { return odp::ip(f, kProtoTcp); }},
    {{"udp", kPortParts, OVS_KEY_ATTR_UDP}, [](const Flow& f) { return odp::ip(f, kProtoUdp); }},
    {{"sctp", kPortParts, OVS_KEY_ATTR_SCTP}, [](const Flow& f) { return odp::ip(f, kProtoSctp); }},
    {{"icmp", kIcmpParts, OVS_KEY_ATTR_ICMP}, [](const Flow& f) { return odp::v4(f, kProtoIcmp); }},
    {{"icmpv6", kIcmpParts, OVS_KEY_ATTR_ICMPV6}, [](const Flow& f) { return odp::v6(f, kProtoIcmpv6); }},
    {{"nd", kNdParts, OVS_KEY_ATTR_ND}, odp::nd},
    {{"nd_ext", kNdExtParts, OVS_KEY_ATTR_ND_EXTENSIONS, OdpWire::kNone}, odp::nd},
};

/// The attribute that set() of a kind writes, and whether openvswitch.ko has it: what it can't set is set by the daemon.
struct OdpSetName { OdpSetKind kind; OdpAttribute attribute; bool in_kernel = true; };
inline constexpr OdpSetName kSetNames[] = {
    {OdpSetKind::kEthernet, {"eth", kEthParts, OVS_KEY_ATTR_ETHERNET}},
    {OdpSetKind::kIpv4, {"ipv4", kIpv4Parts, OVS_KEY_ATTR_IPV4}},
    {OdpSetKind::kIpv6, {"ipv6", kIpv6Parts, OVS_KEY_ATTR_IPV6}},
    {OdpSetKind::kTcp, {"tcp", kPortParts, OVS_KEY_ATTR_TCP}},
    {OdpSetKind::kUdp, {"udp", kPortParts, OVS_KEY_ATTR_UDP}},
    {OdpSetKind::kSctp, {"sctp", kPortParts, OVS_KEY_ATTR_SCTP}},
    {OdpSetKind::kIcmp, {"icmp", kIcmpParts, OVS_KEY_ATTR_ICMP}, false},
    {OdpSetKind::kIcmpv6, {"icmpv6", kIcmpParts, OVS_KEY_ATTR_ICMPV6}, false},
    {OdpSetKind::kArp, {"arp", kArpParts, OVS_KEY_ATTR_ARP}, false},
    {OdpSetKind::kNd, {"nd", kNdParts, OVS_KEY_ATTR_ND}, false},
    {OdpSetKind::kMpls, {"mpls", kMplsParts, OVS_KEY_ATTR_MPLS, OdpWire::kStack}},
    {OdpSetKind::kNsh, {"nsh", kNshParts, OVS_KEY_ATTR_NSH, OdpWire::kNsh}, false},   // no kernel does it right; Linux 6.18 has it no more
    {OdpSetKind::kTunnel, {"tunnel", kTunnelParts, OVS_KEY_ATTR_TUNNEL, OdpWire::kNested}},
    {OdpSetKind::kSkbMark, {"skb_mark", kMarkPart, OVS_KEY_ATTR_SKB_MARK, OdpWire::kHost}},
    {OdpSetKind::kSkbPriority, {"skb_priority", kPriorityPart, OVS_KEY_ATTR_PRIORITY, OdpWire::kHost}},
};

struct SlowReasonName { SlowReason reason; std::string_view name; };
inline constexpr SlowReasonName kSlowReasons[] = {{SlowReason::kController, "controller"}, {SlowReason::kAction, "action"}, {SlowReason::kCfm, "cfm"},
                                                  {SlowReason::kBfd, "bfd"}, {SlowReason::kLacp, "lacp"}, {SlowReason::kStp, "stp"},
                                                  {SlowReason::kLldp, "lldp"}, {SlowReason::kMatch, "match"}};

/// An integer part of a flow (not of forms kMac, kIpv6, kLabel), host order.
uint64_t get_part(const Flow& flow, const OdpPart& part);
/// Ors the value in.
void put_part(Flow& flow, const OdpPart& part, uint64_t value);

}  // namespace sluice
