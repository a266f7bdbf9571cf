// SPDX-License-Identifier: Apache-2.0
// Connections as a datapath's tracker tells of them: what a dump shows, what a flush chooses by, and the limits.  The same for every Dpif.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "datapath/packet.h"
#include "lib/time.h"

namespace sluice {

/// Of one end of a TCP connection (RFC 9293 3.3.2, as far as a bystander can tell).
enum class CtTcpState : uint8_t { kClosed, kListen, kSynSent, kSynRecv, kEstablished, kCloseWait, kFinWait1, kClosing, kLastAck, kFinWait2, kTimeWait };
inline constexpr std::string_view kCtTcpStateNames[] = {"CLOSED",     "LISTEN",     "SYN_SENT", "SYN_RECV", "ESTABLISHED", "CLOSE_WAIT",
                                                        "FIN_WAIT_1", "CLOSING", "LAST_ACK", "FIN_WAIT_2",  "TIME_WAIT"};
inline std::string_view ct_tcp_state_name(CtTcpState s) { return kCtTcpStateNames[static_cast<size_t>(s)]; }

/// Of an SCTP association; states of the kernel's tracker.
struct CtSctp { uint8_t state = 0; uint32_t vtag_orig = 0, vtag_reply = 0; };
inline constexpr std::string_view kCtSctpStateNames[] = {"CLOSED", "CLOSED", "COOKIE_WAIT", "COOKIE_ECHOED", "ESTABLISHED", "SHUTDOWN_SENT", "SHUTDOWN_RECD", "SHUTDOWN_ACK_SENT",
                                                         "HEARTBEAT_SENT", "HEARTBEAT_ACKED"};

struct CtEntry {
  CtTuple orig, reply;                     // ICMP: tp_src is the type, tp_dst the code; `icmp_id` of each direction
  uint16_t icmp_id_orig = 0, icmp_id_reply = 0;
  std::optional<CtTuple> parent;           // of a connection that a helper expected
  uint16_t zone = 0;
  uint32_t mark = 0;
  std::array<uint8_t, 16> label{};
  std::string helper;
  Duration timeout{};                      // until it ends, if no packet comes
  CtTcpState tcp_orig = CtTcpState::kClosed, tcp_reply = CtTcpState::kClosed;
  // Of the kernel's tracker alone; 0: not known.
  uint32_t id = 0, status = 0;             // status: IPS_*
  uint8_t tcp_wscale_orig = 0, tcp_wscale_reply = 0, tcp_flags_orig = 0, tcp_flags_reply = 0;   // IP_CT_TCP_FLAG_*
  std::optional<CtSctp> sctp;
  bool tcp_liberal = false;                // picked up in the middle: sequence numbers are not checked
};

struct CtZoneLimit {
  int32_t zone = -1;                       // -1: the default
  uint32_t limit = 0, count = 0;           // limit 0: none
  friend bool operator==(const CtZoneLimit&, const CtZoneLimit&) = default;
};

struct CtStats {
  uint64_t connections = 0, max_connections = 0;
  bool tcp_sequence_check = true;
  // Packets that were not tracked.
  uint64_t invalid = 0, fragments = 0, full = 0, zone_full = 0, nat_exhausted = 0;
};

}  // namespace sluice
