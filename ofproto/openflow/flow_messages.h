// SPDX-License-Identifier: Apache-2.0
// Flow entries in messages other than the flow mod: removal notices, statistics, aggregates, monitors.
#pragma once

#include <cstdint>
#include <vector>

#include "datapath/port_no.h"
#include "ofproto/openflow/action.h"
#include "ofproto/openflow/flow_mod.h"
#include "ofproto/openflow/match.h"

namespace sluice::ofp {

/// Reasons of 1.4 and 1.5; encode writes kDelete for those that an older version lacks.
enum class FlowRemovedReason : uint8_t { kIdleTimeout, kHardTimeout, kDelete, kGroupDelete, kMeterDelete, kEviction };

struct FlowRemoved {
  Match match;
  uint64_t cookie = 0;
  uint16_t priority = 0;
  FlowRemovedReason reason = FlowRemovedReason::kDelete;
  uint8_t table_id = 0xff;       // 0xff unknown (1.0)
  uint32_t duration_sec = 0, duration_nsec = 0;
  uint16_t idle_timeout = 0, hard_timeout = 0;
  uint64_t packet_count = 0, byte_count = 0;
};

/// Requests of flow and aggregate statistics, standard and NXST.
using FlowStatsRequest = FlowFilter;

/// FlowStats is in flow_mod.h.  Ages are on the wire of NXST_FLOW only (1.5: idle_age).
struct FlowStatsReply { std::vector<FlowStats> flows; };

struct AggregateStats { uint64_t packet_count = 0, byte_count = 0; uint32_t flow_count = 0; };

// Flow monitor flags, the bits of 1.4 (OF1.4.0 7.3.5.15).
inline constexpr uint16_t OFPFMF_INITIAL = 1, OFPFMF_ADD = 2, OFPFMF_REMOVED = 4, OFPFMF_MODIFY = 8, OFPFMF_INSTRUCTIONS = 16, OFPFMF_NO_ABBREV = 32, OFPFMF_ONLY_OWN = 64;
enum class FlowMonitorCommand : uint8_t { kAdd, kModify, kDelete };

struct FlowMonitor {
  uint32_t monitor_id = 0;
  FlowMonitorCommand command = FlowMonitorCommand::kAdd;  // 1.4+; else kAdd
  uint16_t flags = 0;
  OfpPort out_port = OFPP_NONE;
  uint32_t out_group = OFPG_ANY;
  uint8_t table_id = kTableAll;
  Match match;
};
struct FlowMonitorRequest { std::vector<FlowMonitor> monitors; };

/// Numbers of 1.4; the Nicira and ONF forms differ on the wire.
enum class FlowEvent : uint16_t { kInitial, kAdded, kRemoved, kModified, kAbbrev, kPaused, kResumed };
struct FlowUpdate {
  FlowEvent event = FlowEvent::kAdded;
  FlowRemovedReason reason = FlowRemovedReason::kDelete;  // kRemoved only
  uint8_t table_id = 0;
  uint16_t idle_timeout = 0, hard_timeout = 0, priority = 0;
  uint64_t cookie = 0;
  Match match;
  Actions actions;
  uint32_t xid = 0;              // kAbbrev: of the flow mod on this connection
};
struct FlowMonitorReply { std::vector<FlowUpdate> updates; };

}  // namespace sluice::ofp
