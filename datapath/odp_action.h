// SPDX-License-Identifier: Apache-2.0
// Datapath actions: what a translation tells the datapath to do with the packets of a megaflow.
// One struct each; text, netlink and execution are derived per type (odp_text, kernel/, user/).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "datapath/flow_patch.h"
#include "datapath/port_no.h"

namespace sluice {

struct OdpAction;
using OdpActions = std::vector<OdpAction>;

/// Why a packet goes to user space although it matched a megaflow.
enum class SlowReason : uint8_t { kNone, kController, kAction, kCfm, kBfd, kLacp, kStp, kLldp, kMatch };

struct OdpOutput { OdpPort port; friend bool operator==(const OdpOutput&, const OdpOutput&) = default; };
/// What is shown of a packet-in's parameters.
struct OdpPacketIn {
  uint64_t rule_cookie = 0;
  uint16_t controller_id = 0;
  uint8_t reason = 1;           // OFPR_*
  bool continuation = false;    // the packet waits for NXT_RESUME
  bool dont_send = false;       // of a trace: nobody gets it
  friend bool operator==(const OdpPacketIn&, const OdpPacketIn&) = default;
};
/// To the brain: an upcall with the slow-path reason, or (controller) a packet-in whose parameters are known by `cookie`.
struct OdpUserspace {
  SlowReason reason;
  uint64_t cookie = 0;
  uint32_t max_len = UINT32_MAX;
  OdpPacketIn packet_in{};
  friend bool operator==(const OdpUserspace&, const OdpUserspace&) = default;
};
/// Sets bits of the packet's headers or metadata; only fields of one layer in one action.
enum class OdpSetKind : uint8_t { kEthernet, kIpv4, kIpv6, kTcp, kUdp, kSctp, kIcmp, kIcmpv6, kArp, kNd, kMpls, kTunnel, kSkbMark, kSkbPriority, kNsh };
struct OdpSet { OdpSetKind kind; FlowPatch fields{}; friend bool operator==(const OdpSet&, const OdpSet&) = default; };
struct OdpPushVlan { be16 tpid; be16 tci; friend bool operator==(const OdpPushVlan&, const OdpPushVlan&) = default; };  // tci with kVlanPresent
struct OdpPopVlan { friend bool operator==(const OdpPopVlan&, const OdpPopVlan&) = default; };
struct OdpPushMpls { be32 lse; be16 eth_type; friend bool operator==(const OdpPushMpls&, const OdpPushMpls&) = default; };
struct OdpPopMpls { be16 eth_type; friend bool operator==(const OdpPopMpls&, const OdpPopMpls&) = default; };
struct OdpRecirc { uint32_t id; friend bool operator==(const OdpRecirc&, const OdpRecirc&) = default; };
struct OdpHash { uint32_t algorithm; uint32_t basis; friend bool operator==(const OdpHash&, const OdpHash&) = default; };
struct OdpTrunc { uint32_t max_len; friend bool operator==(const OdpTrunc&, const OdpTrunc&) = default; };
struct OdpMeter { uint32_t id; friend bool operator==(const OdpMeter&, const OdpMeter&) = default; };
struct OdpClone { OdpActions actions; friend bool operator==(const OdpClone&, const OdpClone&); };
struct OdpSample { uint32_t probability; OdpActions actions; friend bool operator==(const OdpSample&, const OdpSample&); };  // of UINT32_MAX
/// How a connection's addresses are translated when it is committed: to one of a range of addresses and ports.  Without src and dst: as the connection has it already.
struct OdpNat {
  bool src = false, dst = false, persistent = false, hash = false, random = false;
  uint8_t family = 0;                      // 4 or 6: of the addresses; 0: there are none
  Ipv6Addr ip_min{}, ip_max{};             // of family 4: the first four bytes
  uint16_t port_min = 0, port_max = 0;     // 0: any
  friend bool operator==(const OdpNat&, const OdpNat&) = default;
};
/// Through the connection tracker: the packet gets ct_state and what its connection has; commit makes or changes the connection.
struct OdpCt {
  bool commit = false, force = false;
  uint16_t zone = 0;
  uint32_t mark = 0, mark_mask = 0;
  std::array<uint8_t, 16> label{}, label_mask{};
  std::string helper, timeout;             // names; empty: none
  std::optional<OdpNat> nat;
  friend bool operator==(const OdpCt&, const OdpCt&) = default;
};
struct OdpCtClear { friend bool operator==(const OdpCtClear&, const OdpCtClear&) = default; };
struct OdpCheckPktLen { uint16_t length; OdpActions greater, less_or_equal; friend bool operator==(const OdpCheckPktLen&, const OdpCheckPktLen&); };
/// Puts `header` (Ethernet to the tunnel's own) in front, fills in lengths, checksums and the UDP source port.
struct OdpTunnelPush { OdpPort tunnel_port, out_port; std::vector<uint8_t> header; friend bool operator==(const OdpTunnelPush&, const OdpTunnelPush&) = default; };
/// The packet is taken out of its tunnel and comes in at the tunnel port.
struct OdpTunnelPop { OdpPort tunnel_port; friend bool operator==(const OdpTunnelPop&, const OdpTunnelPop&) = default; };
/// An Ethernet header in front of a packet that has none, and away with it.
struct OdpPushEth { MacAddr src, dst; friend bool operator==(const OdpPushEth&, const OdpPushEth&) = default; };
struct OdpPopEth { friend bool operator==(const OdpPopEth&, const OdpPopEth&) = default; };
/// A network service header (RFC 8300) in front of all that the packet has.  metadata: 16 bytes of MD type 1, or the options of MD type 2 (whole words).
struct OdpPushNsh {
  uint8_t flags = 0, ttl = 0, mdtype = 0, np = 0;
  be32 path;                               // SPI << 8 | SI
  std::vector<uint8_t> metadata;
  friend bool operator==(const OdpPushNsh&, const OdpPushNsh&) = default;
};
struct OdpPopNsh { friend bool operator==(const OdpPopNsh&, const OdpPopNsh&) = default; };
/// An MPLS label in front of all that the packet has, its Ethernet header too; behind it if `after_ethernet`.
struct OdpAddMpls { be32 lse; be16 eth_type; bool after_ethernet = false; friend bool operator==(const OdpAddMpls&, const OdpAddMpls&) = default; };
struct OdpDrop { uint32_t reason; friend bool operator==(const OdpDrop&, const OdpDrop&) = default; };
/// Counts the IP TTL down; a packet whose time is over gets the actions inside instead of those that follow.
struct OdpDecTtl { OdpActions exhausted; friend bool operator==(const OdpDecTtl&, const OdpDecTtl&); };
/// One that only openvswitch.ko does and no translation asks for: an OVS_ACTION_ATTR_* and what it carries, as the kernel has it (odp_other).
struct OdpOther { uint16_t type; std::vector<uint8_t> payload; friend bool operator==(const OdpOther&, const OdpOther&) = default; };

struct OdpAction {
  std::variant<OdpOutput, OdpUserspace, OdpSet, OdpPushVlan, OdpPopVlan, OdpPushMpls, OdpPopMpls, OdpRecirc, OdpHash, OdpTrunc, OdpMeter,
               OdpClone, OdpSample, OdpDrop, OdpCt, OdpCtClear, OdpCheckPktLen, OdpTunnelPush, OdpTunnelPop, OdpPushEth, OdpPopEth, OdpPushNsh, OdpPopNsh,
               OdpAddMpls, OdpDecTtl, OdpOther> v;
  friend bool operator==(const OdpAction&, const OdpAction&) = default;
};
inline bool operator==(const OdpClone& a, const OdpClone& b) { return a.actions == b.actions; }
inline bool operator==(const OdpCheckPktLen& a, const OdpCheckPktLen& b) {
  return a.length == b.length && a.greater == b.greater && a.less_or_equal == b.less_or_equal;
}
inline bool operator==(const OdpSample& a, const OdpSample& b) { return a.probability == b.probability && a.actions == b.actions; }
inline bool operator==(const OdpDecTtl& a, const OdpDecTtl& b) { return a.exhausted == b.exhausted; }

/// Calls fn for each list of actions that an action holds.
template <typename Action, typename Fn>
void for_each_list(Action& a, const Fn& fn) {
  if (auto* clone = std::get_if<OdpClone>(&a.v)) fn(clone->actions);
  if (auto* sample = std::get_if<OdpSample>(&a.v)) fn(sample->actions);
  if (auto* check = std::get_if<OdpCheckPktLen>(&a.v)) fn(check->greater), fn(check->less_or_equal);
  if (auto* ttl = std::get_if<OdpDecTtl>(&a.v)) fn(ttl->exhausted);
}

/// Calls fn for each action, those inside of others too.
template <typename List, typename Fn>
void for_each_action(List& actions, const Fn& fn) {
  for (auto& a : actions) {
    fn(a);
    for_each_list(a, [&](auto& inner) { for_each_action(inner, fn); });
  }
}

}  // namespace sluice
