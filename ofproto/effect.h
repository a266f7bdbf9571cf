// SPDX-License-Identifier: Apache-2.0
// Effects: what a translation says that OpenFlow processing does besides moving the packet.  Values; a megaflow keeps those of its translation, and they are
// applied (Switch, apply_effects) for the first packet and then for each delta of the megaflow's statistics.  Whoever an effect names by id may be gone by then.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "datapath/port_no.h"
#include "lib/address.h"
#include "lib/uuid.h"
#include "ofproto/mac_table.h"
#include "ofproto/openflow/flow_mod.h"
#include "ofproto/recirculation.h"
#include "ofproto/rule.h"

namespace sluice {

/// Of a bridge of the switch; not used again.
using BridgeId = uint32_t;

/// Words of a Flow before the tunnel's, of which it is known whether actions have changed them.
inline constexpr size_t kComparedWords = offsetof(Flow, tunnel) / 8;
static_assert(kComparedWords <= 64);
struct TableLookup {
  BridgeId bridge;
  uint8_t table;
  bool matched;
  uint64_t modified = 0;   // bit i: word i was not what the packet came with
  be64 metadata;           // as the table saw it
  friend bool operator==(const TableLookup&, const TableLookup&) = default;
};
struct RuleHit { BridgeId bridge; RuleId rule; friend bool operator==(const RuleHit&, const RuleHit&) = default; };
struct GroupHit { BridgeId bridge; uint32_t group; uint32_t bucket; friend bool operator==(const GroupHit&, const GroupHit&) = default; };  // bucket: index
struct LearnMac { BridgeId bridge; MacAddr mac; uint16_t vlan; PortId port; friend bool operator==(const LearnMac&, const LearnMac&) = default; };
/// A patch port received or sent: such ports have no device that counts.
struct PatchTraffic { BridgeId bridge; OfpPort port; bool received; friend bool operator==(const PatchTraffic&, const PatchTraffic&) = default; };
/// A packet went to a mirror.
struct Mirrored { BridgeId bridge; Uuid mirror; friend bool operator==(const Mirrored&, const Mirrored&) = default; };
/// A learn action with a limit asked how many flows a table has: nothing to be done, but another number could decide otherwise.
struct FlowsCounted { BridgeId bridge; uint8_t table; friend bool operator==(const FlowsCounted&, const FlowsCounted&) = default; };
/// A learn action's flow, to be added or refreshed.
struct LearnFlow {
  BridgeId bridge;
  std::shared_ptr<const ofp::FlowMod> flow;
  uint32_t limit = 0;   // most flows with the flow's cookie in its table; 0: no limit
};
/// fin_timeout: when a TCP FIN or RST passes.
struct LowerTimeouts { BridgeId bridge; RuleId rule; uint16_t idle, hard; friend bool operator==(const LowerTimeouts&, const LowerTimeouts&) = default; };

using Effect = std::variant<TableLookup, RuleHit, GroupHit, LearnMac, PatchTraffic, Mirrored, FlowsCounted, LearnFlow, LowerTimeouts>;
using Effects = std::vector<Effect>;

/// What an OdpUserspace action with reason kController is about: the parameters of the packet-in.  Its cookie is a number that Switch::Impl::hold() gives it.
struct PacketInSpec {
  BridgeId bridge = 0;
  ofp::PacketInReason reason = ofp::PacketInReason::kAction;
  uint8_t table = 0xff;
  bool is_implicit_miss = false;
  bool is_table_miss = false;   // by the entry with priority 0 that matches everything (OF1.3.5 5.4)
  bool pause = false;
  uint16_t controller_id = 0, max_len = UINT16_MAX;
  uint64_t rule_cookie = UINT64_MAX;
  OfpPort in_port;
  Bytes userdata;
  ofp::Match metadata;   // registers and the like, as they were at the action
  FrozenPtr frozen;      // of a pause: what goes on when the controller says so
  friend bool operator==(const PacketInSpec&, const PacketInSpec&) = default;
};
uint64_t hash_of(const PacketInSpec& spec);

}  // namespace sluice
