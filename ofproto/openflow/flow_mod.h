// SPDX-License-Identifier: Apache-2.0
// FlowMod: a request to change flow entries, the same for text and wire of all versions.  FlowStats: what a flow entry says of itself.
#pragma once

#include <cstdint>
#include <optional>

#include "datapath/port_no.h"
#include "ofproto/openflow/action.h"
#include "ofproto/openflow/match.h"

namespace sluice::ofp {

inline constexpr uint16_t kDefaultPriority = 0x8000;
inline constexpr uint32_t kNoBuffer = UINT32_MAX;      // OFP_NO_BUFFER

enum class FlowModCommand : uint8_t { kAdd, kModify, kModifyStrict, kDelete, kDeleteStrict };
enum FlowModFlags : uint16_t {                         // numbers of OF1.3
  OFPFF_SEND_FLOW_REM = 1, OFPFF_CHECK_OVERLAP = 2, OFPFF_RESET_COUNTS = 4, OFPFF_NO_PKT_COUNTS = 8, OFPFF_NO_BYT_COUNTS = 16,
  kFlowHiddenFields = 1 << 15,                         // not on the wire: allow_hidden_fields
  kFlowEmergency = 1 << 14,                            // not on the wire of 1.1+: OFPFF_EMERG of 1.0
};
/// What flow statistics show of an entry's flags.
inline constexpr uint16_t kStatsFlags = OFPFF_SEND_FLOW_REM | OFPFF_CHECK_OVERLAP | OFPFF_RESET_COUNTS | OFPFF_NO_PKT_COUNTS | OFPFF_NO_BYT_COUNTS;

struct FlowMod {
  FlowModCommand command = FlowModCommand::kAdd;
  MiniMatch match;                                     // packed: flow-mods wait by the thousand in bundles
  uint16_t priority = kDefaultPriority;
  // Which entries (modify, delete): those with (cookie ^ entry) & cookie_mask == 0.
  uint64_t cookie = 0, cookie_mask = 0;
  // What entries get.  modify_cookie: an existing entry's cookie changes too (1.0, not all ones).
  uint64_t new_cookie = UINT64_MAX;
  bool modify_cookie = false;
  uint8_t table_id = kTableAll;                        // kTableAll: not said (1.0: table 0; delete: all)
  uint16_t idle_timeout = 0, hard_timeout = 0, importance = 0;
  uint32_t buffer_id = kNoBuffer;
  OfpPort out_port = OFPP_NONE;                        // NONE: no filter
  uint32_t out_group = OFPG_ANY;
  uint16_t flags = 0;
  Actions actions;
};

/// One entry of a flow-stats reply without what it matches and does.
struct FlowStatsHead {
  uint8_t table_id = 0;
  uint16_t priority = kDefaultPriority;
  uint64_t cookie = 0;
  uint32_t duration_sec = 0, duration_nsec = 0;
  uint16_t idle_timeout = 0, hard_timeout = 0, importance = 0, flags = 0;
  std::optional<uint32_t> idle_age, hard_age;          // seconds; nothing: not told
  uint64_t packet_count = 0, byte_count = 0;           // UINT64_MAX: unknown
};
struct FlowStats : FlowStatsHead {
  Match match;
  Actions actions;
};
/// The same of a flow entry where it is.
struct FlowEntry {
  const FlowStatsHead& head;
  MatchView match;
  const Actions& actions;
  FlowEntry(const FlowStats& s) : head(s), match(s.match), actions(s.actions) {}  // NOLINT: that is one
  FlowEntry(const FlowStatsHead& h, MatchView m, const Actions& a) : head(h), match(m), actions(a) {}
};

/// Which flows a statistics request is about.
struct FlowFilter {
  Match match;
  uint8_t table_id = kTableAll;
  OfpPort out_port = OFPP_NONE;
  uint32_t out_group = OFPG_ANY;
  uint64_t cookie = 0, cookie_mask = 0;
};

}  // namespace sluice::ofp
