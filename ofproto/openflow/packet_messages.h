// SPDX-License-Identifier: Apache-2.0
// Packets between switch and controller: PACKET_IN in its three forms (standard, NXT_PACKET_IN, NXT_PACKET_IN2), NXT_RESUME, PACKET_OUT.
#pragma once

#include <cstdint>

#include "datapath/port_no.h"
#include "lib/bytes.h"
#include "ofproto/openflow/action.h"
#include "ofproto/openflow/flow_mod.h"
#include "ofproto/openflow/match.h"

namespace sluice::ofp {

inline constexpr uint64_t kNoCookie = UINT64_MAX;

/// PacketInReason is in action.h (numbers of 1.4); encode writes kAction for those that an older version lacks.
inline constexpr uint8_t kPacketInReasons = 6;

struct PacketIn {
  uint32_t buffer_id = kNoBuffer;
  uint32_t total_len = 0;        // of the whole frame; data may be cut
  PacketInReason reason = PacketInReason::kNoMatch;
  uint8_t table_id = 0xff;       // 0xff unknown
  uint64_t cookie = kNoCookie;
  Match metadata;                // in_port and the non-zero pipeline fields
  Bytes data;
  Bytes userdata;                // NXT_PACKET_IN2 only, like continuation
  Bytes continuation;            // opaque; non-empty: the switch waits for NXT_RESUME
};

struct PacketOut {
  uint32_t buffer_id = kNoBuffer;
  Match metadata;                // in_port always; other pipeline fields from 1.5 only
  Actions actions;
  Bytes data;
};

}  // namespace sluice::ofp
