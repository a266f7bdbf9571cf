// SPDX-License-Identifier: Apache-2.0
// TcpTrack: what a bystander knows of a TCP connection: the state of each end, and which sequence numbers can still come from it.
//
// The windows are those of van Rooij, "Real Stateful TCP Packet Filtering in IP Filter": a segment's data lies between what its receiver has acknowledged less one window and
// what it has offered, and an acknowledgement between what was sent and one window before.  Pure: no clock, no packet.
#pragma once

#include <cstdint>
#include <optional>

#include "datapath/ct_entry.h"
#include "datapath/ct_settings.h"
#include "lib/bytes.h"

namespace sluice {

enum TcpFlag : uint8_t { kTcpFin = 1, kTcpSyn = 2, kTcpRst = 4, kTcpPsh = 8, kTcpAck = 16, kTcpUrg = 32 };

struct TcpSegment {
  uint8_t flags = 0;
  uint32_t seq = 0, ack = 0, length = 0;   // of the data
  uint16_t window = 0;
  std::optional<uint8_t> window_scale;     // the option, of a SYN
};
/// `l4`: header and data, complete.  Nothing if the header's length can't be.
std::optional<TcpSegment> parse_tcp(ByteView l4);

enum class TcpVerdict : uint8_t {
  kInvalid,
  kOpening,   // more of the first SYN: the connection is still new
  kValid,
  kReused,    // a SYN for a connection that is over: it is a new one
};

class TcpTrack {
 public:
  /// The first segment can begin a connection, or be of one whose beginning was not seen.
  static bool can_begin(const TcpSegment& s);
  explicit TcpTrack(const TcpSegment& first);
  TcpVerdict track(const TcpSegment& s, bool is_reply, bool check_sequence);
  CtPhase phase() const;
  CtTcpState state(bool reply) const { return ends_[reply].state; }
  bool liberal() const { return liberal_; }

 private:
  struct End {
    CtTcpState state = CtTcpState::kClosed;
    uint8_t scale = 0;             // of the windows that it offers
    bool scale_known = false;
    uint32_t seq_low = 0;          // the end of what it has sent
    uint32_t seq_high = 0;         // what it may send at most
    uint16_t max_window = 1;
  };
  bool in_window(const TcpSegment& s, const End& from, const End& to, uint32_t seq, uint32_t end) const;
  void advance(const TcpSegment& s, End& from, End& to, uint32_t end);
  End ends_[2];
  bool liberal_ = false;
};

}  // namespace sluice
