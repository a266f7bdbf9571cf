// SPDX-License-Identifier: Apache-2.0
// Datapath actions: what a translation tells the datapath to do with the packets of a megaflow.
// One struct each; text, netlink and execution are derived per type (odp_text, kernel/, user/).
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "datapath/flow.h"
#include "datapath/port_no.h"

namespace sluice {

struct OdpAction;
using OdpActions = std::vector<OdpAction>;

/// Why a packet goes to user space although it matched a megaflow.
enum class SlowReason : uint8_t { kNone, kController, kAction, kCfm, kBfd, kLacp, kStp, kLldp, kMatch };

struct OdpOutput { OdpPort port; friend bool operator==(const OdpOutput&, const OdpOutput&) = default; };
/// To the brain: an upcall with the slow-path reason, or (controller) a packet-in whose parameters are the effect `cookie` of the translation.
struct OdpUserspace { SlowReason reason; uint64_t cookie = 0; uint32_t max_len = UINT32_MAX; friend bool operator==(const OdpUserspace&, const OdpUserspace&) = default; };
/// Sets the bits of `mask` in the packet's headers or metadata to those of `value`; only fields of one layer in one action.
enum class OdpSetKind : uint8_t { kEthernet, kIpv4, kIpv6, kTcp, kUdp, kSctp, kIcmp, kIcmpv6, kArp, kNd, kMpls, kTunnel, kSkbMark, kSkbPriority, kNsh };
struct OdpSet { OdpSetKind kind; Flow value{}; Flow mask{}; friend bool operator==(const OdpSet&, const OdpSet&) = default; };
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
struct OdpDrop { uint32_t reason; friend bool operator==(const OdpDrop&, const OdpDrop&) = default; };

struct OdpAction {
  std::variant<OdpOutput, OdpUserspace, OdpSet, OdpPushVlan, OdpPopVlan, OdpPushMpls, OdpPopMpls, OdpRecirc, OdpHash, OdpTrunc, OdpMeter,
               OdpClone, OdpSample, OdpDrop> v;
  friend bool operator==(const OdpAction&, const OdpAction&) = default;
};
inline bool operator==(const OdpClone& a, const OdpClone& b) { return a.actions == b.actions; }
inline bool operator==(const OdpSample& a, const OdpSample& b) { return a.probability == b.probability && a.actions == b.actions; }

}  // namespace sluice
