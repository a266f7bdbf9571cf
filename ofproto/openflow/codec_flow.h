// SPDX-License-Identifier: Apache-2.0
// Codec: what messages about flow entries share: padded NXM matches, and the OXS statistics of 1.5 (OF1.5.1 7.2.4.4).
#pragma once

#include <cstdint>
#include <optional>

#include "ofproto/openflow/codec_body.h"

namespace sluice::ofp {


/// match_len bytes of TLVs and zeros to a multiple of 8.
Status decode_padded_nxm(ByteReader& r, size_t match_len, const BodyContext& ctx, CookieMatch* cookie, Match& out);

struct FlowCounters {
  uint32_t duration_sec = 0, duration_nsec = 0;
  std::optional<uint32_t> idle_sec;
  uint64_t packet_count = 0, byte_count = 0;
  uint32_t flow_count = 0;
};
Status decode_oxs(ByteReader& r, FlowCounters& c);
/// Duration, idle time (if known), packets, bytes.
void encode_oxs(ByteWriter& w, const FlowCounters& c);
/// Packets, bytes, flows.
void encode_aggregate_oxs(ByteWriter& w, const FlowCounters& c);

}  // namespace sluice::ofp
