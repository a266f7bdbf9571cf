// SPDX-License-Identifier: Apache-2.0
// CtSettings: what the configuration says of connections in the zones of a datapath (tables CT_Zone and CT_Timeout_Policy).  The same for every Dpif.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "datapath/ct_entry.h"

namespace sluice {

/// What a connection is in between its packets.  A kernel's tracker has not all of them, and neither has that of userspace.
enum class CtPhase : uint8_t {
  kTcpSynSent, kTcpSynRecv, kTcpEstablished, kTcpFinWait, kTcpCloseWait, kTcpLastAck, kTcpTimeWait, kTcpClose, kTcpSynSent2, kTcpRetransmit, kTcpUnack,
  kUdpFirst, kUdpSingle, kUdpMultiple, kIcmpFirst, kIcmpReply,
};
inline constexpr std::string_view kCtPhaseNames[] = {"tcp_syn_sent", "tcp_syn_recv", "tcp_established", "tcp_fin_wait", "tcp_close_wait", "tcp_last_ack", "tcp_time_wait", "tcp_close",
                                                     "tcp_syn_sent2", "tcp_retransmit", "tcp_unack", "udp_first", "udp_single", "udp_multiple", "icmp_first", "icmp_reply"};
/// How long it lives then, in seconds, by CtPhase; nothing: as usual.
using CtTimeouts = std::array<std::optional<uint32_t>, std::size(kCtPhaseNames)>;

struct CtZoneSettings {
  std::optional<uint32_t> limit;        // of connections; 0: none
  std::optional<CtTimeouts> timeouts;
  friend bool operator==(const CtZoneSettings&, const CtZoneSettings&) = default;
};

struct CtSettings {
  std::optional<uint32_t> default_limit;
  std::map<uint16_t, CtZoneSettings> zones;
  friend bool operator==(const CtSettings&, const CtSettings&) = default;
};

/// What has to be done to limits that are as `before` says.
struct CtLimitChanges {
  std::vector<CtZoneLimit> set;
  std::vector<uint16_t> removed;   // zones that have none of their own any more
};
CtLimitChanges limit_changes(const CtSettings& before, const CtSettings& wanted);

}  // namespace sluice
