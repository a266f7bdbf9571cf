// SPDX-License-Identifier: Apache-2.0
// Ports and queues in messages: descriptions, changes, statistics.  Bits are those of 1.1+, where 1.0 differs codec converts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "datapath/port_no.h"
#include "lib/address.h"
#include "lib/bytes.h"

namespace sluice::ofp {

// OFPPC_* of all versions (the 1.0-only bits have places of their own).
inline constexpr uint32_t OFPPC_PORT_DOWN = 1 << 0, OFPPC_NO_STP = 1 << 1, OFPPC_NO_RECV = 1 << 2, OFPPC_NO_RECV_STP = 1 << 3, OFPPC_NO_FLOOD = 1 << 4,
                          OFPPC_NO_FWD = 1 << 5, OFPPC_NO_PACKET_IN = 1 << 6;
inline constexpr uint32_t OFPPS_LINK_DOWN = 1 << 0, OFPPS_BLOCKED = 1 << 1, OFPPS_LIVE = 1 << 2;
// OFPPS_STP_* of 1.0: bits 8-9.
inline constexpr uint32_t OFPPS_STP_LISTEN = 0 << 8, OFPPS_STP_LEARN = 1 << 8, OFPPS_STP_FORWARD = 2 << 8, OFPPS_STP_BLOCK = 3 << 8, OFPPS_STP_MASK = 3 << 8;
// OFPPF_* of 1.1+.
inline constexpr uint32_t OFPPF_10MB_HD = 1 << 0, OFPPF_10MB_FD = 1 << 1, OFPPF_100MB_HD = 1 << 2, OFPPF_100MB_FD = 1 << 3, OFPPF_1GB_HD = 1 << 4,
                          OFPPF_1GB_FD = 1 << 5, OFPPF_10GB_FD = 1 << 6, OFPPF_40GB_FD = 1 << 7, OFPPF_100GB_FD = 1 << 8, OFPPF_1TB_FD = 1 << 9,
                          OFPPF_OTHER = 1 << 10, OFPPF_COPPER = 1 << 11, OFPPF_FIBER = 1 << 12, OFPPF_AUTONEG = 1 << 13, OFPPF_PAUSE = 1 << 14,
                          OFPPF_PAUSE_ASYM = 1 << 15;

struct PortDesc {
  OfpPort port_no;
  MacAddr hw_addr;
  std::string name;              // at most 15 bytes on the wire
  uint32_t config = 0;           // OFPPC_*
  uint32_t state = 0;            // OFPPS_*
  uint32_t curr = 0, advertised = 0, supported = 0, peer = 0;  // OFPPF_*
  uint32_t curr_speed_kbps = 0, max_speed_kbps = 0;            // 1.0 derives them from the features
};

enum class PortReason : uint8_t { kAdd, kDelete, kModify };
struct PortStatus {
  PortReason reason = PortReason::kAdd;
  PortDesc port;
};

struct PortMod {
  OfpPort port_no;
  MacAddr hw_addr;
  uint32_t config = 0, mask = 0;  // OFPPC_*
  uint32_t advertise = 0;         // OFPPF_*; 0 = as it is
};

/// Requests of port statistics and port descriptions; OFPP_NONE (ANY) = all ports.
struct PortRequest { OfpPort port_no = OFPP_NONE; };

inline constexpr uint64_t kUnknownCounter = UINT64_MAX;
inline constexpr size_t kRfc2819Counters = 21;
struct CustomStat { std::string name; uint64_t value = 0; };

struct PortStats {
  OfpPort port_no;
  uint64_t rx_packets = kUnknownCounter, tx_packets = kUnknownCounter, rx_bytes = kUnknownCounter, tx_bytes = kUnknownCounter;
  uint64_t rx_dropped = kUnknownCounter, tx_dropped = kUnknownCounter, rx_errors = kUnknownCounter, tx_errors = kUnknownCounter;
  uint64_t rx_frame_err = kUnknownCounter, rx_over_err = kUnknownCounter, rx_crc_err = kUnknownCounter, collisions = kUnknownCounter;
  uint32_t duration_sec = UINT32_MAX, duration_nsec = UINT32_MAX;  // 1.3+
  std::vector<uint64_t> rfc2819;   // the kRfc2819Counters counters of Intel's property (1.4+), or empty
  std::vector<CustomStat> custom;  // 1.4+
};
struct PortStatsReply { std::vector<PortStats> ports; };
struct PortDescReply { std::vector<PortDesc> ports; };

inline constexpr uint32_t OFPQ_ALL = UINT32_MAX;

/// Requests of queue statistics, queue configuration and queue descriptions.
struct QueueRequest {
  OfpPort port_no = OFPP_NONE;
  uint32_t queue_id = OFPQ_ALL;
};
struct QueueStats {
  OfpPort port_no;
  uint32_t queue_id = 0;
  uint64_t tx_bytes = kUnknownCounter, tx_packets = kUnknownCounter, tx_errors = kUnknownCounter;
  uint32_t duration_sec = UINT32_MAX, duration_nsec = UINT32_MAX;  // 1.3+
};
struct QueueStatsReply { std::vector<QueueStats> queues; };

/// Rates in 1/10 %; > 1000 = not set.
inline constexpr uint16_t kQueueRateUnset = UINT16_MAX;
struct QueueDesc {
  OfpPort port_no;
  uint32_t queue_id = 0;
  uint16_t min_rate = kQueueRateUnset, max_rate = kQueueRateUnset;
};
/// QUEUE_GET_CONFIG reply (one port, or ANY) and the queue description multipart.
struct QueueDescReply {
  OfpPort port_no = OFPP_NONE;
  std::vector<QueueDesc> queues;
};

}  // namespace sluice::ofp
