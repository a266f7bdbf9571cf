// SPDX-License-Identifier: Apache-2.0
// See tcp_track.h.
#include "datapath/user/tcp_track.h"

#include <algorithm>

namespace sluice {
namespace {

constexpr uint32_t kMaxAckSkew = 65535 + 1500;   // how far behind an acknowledgement, or a segment in a closing connection, may be
constexpr uint8_t kMaxScale = 14;                // RFC 7323 2.3
constexpr uint8_t kOptionEnd = 0, kOptionNop = 1, kOptionScale = 3;

/// Sequence numbers wrap (RFC 9293 3.4).
bool at_least(uint32_t a, uint32_t b) { return static_cast<int32_t>(a - b) >= 0; }

bool are_possible(uint8_t flags) {
  flags &= kTcpFin | kTcpSyn | kTcpRst | kTcpAck | kTcpUrg | kTcpPsh;
  if (flags & kTcpSyn) return !(flags & (kTcpRst | kTcpFin));
  return flags & (kTcpAck | kTcpRst);
}

std::optional<uint8_t> find_scale(ByteView options) {
  for (size_t at = 0; at < options.size();) {
    if (options[at] == kOptionEnd) break;
    if (options[at] == kOptionNop) {
      at++;
      continue;
    }
    if (at + 1 >= options.size() || options[at + 1] < 2 || at + options[at + 1] > options.size()) break;
    if (options[at] == kOptionScale && options[at + 1] == 3) return std::min(options[at + 2], kMaxScale);
    at += options[at + 1];
  }
  return std::nullopt;
}

}  // namespace

std::optional<TcpSegment> parse_tcp(ByteView l4) {
  if (l4.size() < 20) return std::nullopt;
  size_t header = (l4[12] >> 4) * 4u;
  if (header < 20 || header > l4.size()) return std::nullopt;
  TcpSegment s{.flags = l4[13], .seq = load_be<uint32_t>(l4.data() + 4), .ack = load_be<uint32_t>(l4.data() + 8), .length = static_cast<uint32_t>(l4.size() - header),
               .window = load_be<uint16_t>(l4.data() + 14), .window_scale = {}};
  if (s.flags & kTcpSyn) s.window_scale = find_scale(l4.subspan(20, header - 20));
  return s;
}

bool TcpTrack::can_begin(const TcpSegment& s) { return are_possible(s.flags) && (s.flags & (kTcpSyn | kTcpAck)) != (kTcpSyn | kTcpAck); }

TcpTrack::TcpTrack(const TcpSegment& s) {
  End& from = ends_[0];
  from.state = CtTcpState::kSynSent;
  from.scale = s.window_scale.value_or(0);
  from.scale_known = s.window_scale.has_value();
  from.seq_low = s.seq + s.length + !!(s.flags & kTcpSyn) + !!(s.flags & kTcpFin);
  from.seq_high = from.seq_low + 1;
  from.max_window = std::max<uint16_t>(s.window, 1);
  liberal_ = !(s.flags & kTcpSyn);   // the scales are not known
  if (liberal_) from.seq_high += UINT16_MAX << kMaxScale;
}

TcpVerdict TcpTrack::track(const TcpSegment& s, bool is_reply, bool check_sequence) {
  End &from = ends_[is_reply], &to = ends_[!is_reply];
  if (!are_possible(s.flags)) return TcpVerdict::kInvalid;
  if ((s.flags & (kTcpSyn | kTcpAck)) == kTcpSyn) {
    if (to.state >= CtTcpState::kFinWait2 && from.state >= CtTcpState::kFinWait2) return TcpVerdict::kReused;
    if (from.state <= CtTcpState::kSynSent && to.state == CtTcpState::kClosed && !is_reply) return TcpVerdict::kOpening;
  }
  uint32_t seq = s.seq, end = seq + s.length + !!(s.flags & kTcpSyn) + !!(s.flags & kTcpFin);
  if (from.state < CtTcpState::kSynSent) {   // the first from this end
    if (s.flags & kTcpSyn) {
      // Scaling is used if both offer it (RFC 7323 2.2).
      if (s.window_scale && to.scale_known) from.scale = *s.window_scale, from.scale_known = true;
      else to.scale = 0, to.scale_known = false;
    }
    from.seq_low = seq;
    from.state = CtTcpState::kSynSent;
    from.seq_high = end + std::max<uint32_t>(1, uint32_t{to.max_window} << to.scale);
    from.max_window = std::max<uint16_t>(from.max_window, s.window);
  }
  if (seq == end) seq = end = from.seq_low;   // without data its place means nothing
  if (check_sequence && !liberal_ && !in_window(s, from, to, seq, end)) return TcpVerdict::kInvalid;
  advance(s, from, to, end);
  return TcpVerdict::kValid;
}

bool TcpTrack::in_window(const TcpSegment& s, const End& from, const End& to, uint32_t seq, uint32_t end) const {
  uint32_t ack = s.flags & kTcpAck ? s.ack : to.seq_low;
  if ((s.flags & (kTcpAck | kTcpRst)) == (kTcpAck | kTcpRst) && ack == 0) ack = to.seq_low;   // some stacks
  auto skew = static_cast<int32_t>(to.seq_low - ack);
  bool ack_fits = skew >= -static_cast<int32_t>(kMaxAckSkew) && skew <= static_cast<int32_t>(kMaxAckSkew << from.scale);
  if (!ack_fits) return false;
  if (at_least(from.seq_high, end) && at_least(seq, from.seq_low - (uint32_t{to.max_window} << to.scale))) return true;
  bool loose = to.state < CtTcpState::kSynSent || to.state >= CtTcpState::kFinWait2 || from.state >= CtTcpState::kFinWait2;
  return loose && at_least(from.seq_high + kMaxAckSkew, end) && at_least(seq, from.seq_low - kMaxAckSkew);
}

void TcpTrack::advance(const TcpSegment& s, End& from, End& to, uint32_t end) {
  from.max_window = std::max(from.max_window, s.window);
  if (at_least(end, from.seq_low)) from.seq_low = end;
  if (s.flags & kTcpAck) {
    uint8_t scale = s.flags & kTcpSyn ? 0 : from.scale;   // the window of a SYN is never scaled
    uint32_t offered = s.ack + std::max<uint32_t>(1, uint32_t{s.window} << scale);
    if (at_least(offered, to.seq_high)) to.seq_high = offered;
  }
  if (s.flags & kTcpSyn && from.state < CtTcpState::kSynSent) from.state = CtTcpState::kSynSent;
  if (s.flags & kTcpFin && from.state < CtTcpState::kClosing) from.state = CtTcpState::kClosing;
  if (s.flags & kTcpAck) {
    if (to.state == CtTcpState::kSynSent) to.state = CtTcpState::kEstablished;
    else if (to.state == CtTcpState::kClosing) to.state = CtTcpState::kFinWait2;
  }
  if (s.flags & kTcpRst) from.state = to.state = CtTcpState::kTimeWait;
}

CtPhase TcpTrack::phase() const {
  CtTcpState a = ends_[0].state, b = ends_[1].state;
  auto both = [&](CtTcpState s) { return a >= s && b >= s; };
  auto one = [&](CtTcpState s) { return a >= s || b >= s; };
  if (both(CtTcpState::kFinWait2)) return CtPhase::kTcpClose;
  if (both(CtTcpState::kClosing)) return CtPhase::kTcpTimeWait;
  if (!both(CtTcpState::kEstablished)) return both(CtTcpState::kSynSent) ? CtPhase::kTcpSynRecv : CtPhase::kTcpSynSent;
  if (one(CtTcpState::kClosing)) return CtPhase::kTcpFinWait;
  return CtPhase::kTcpEstablished;
}

}  // namespace sluice
