// SPDX-License-Identifier: Apache-2.0
// See async_masks.h.
#include "ofproto/async_masks.h"

#include "ofproto/openflow/flow_messages.h"
#include "ofproto/openflow/packet_messages.h"

namespace sluice {

AsyncMasks AsyncMasks::defaults() {
  AsyncMasks m;
  const uint32_t all = UINT32_MAX;
  m.primary[ofp::kAsyncPacketIn] = all & ~(1u << static_cast<unsigned>(ofp::PacketInReason::kInvalidTtl));
  m.primary[ofp::kAsyncPortStatus] = m.secondary[ofp::kAsyncPortStatus] = all;
  m.primary[ofp::kAsyncFlowRemoved] = all;
  m.primary[ofp::kAsyncRoleStatus] = m.secondary[ofp::kAsyncRoleStatus] = all;
  m.primary[ofp::kAsyncTableStatus] = m.secondary[ofp::kAsyncTableStatus] = all;
  return m;
}

void AsyncMasks::apply(const ofp::AsyncConfig& change) {
  for (size_t k = 0; k < ofp::kAsyncKinds; k++) {
    if (change.primary_set & (1u << k)) primary[k] = change.primary[k];
    if (change.secondary_set & (1u << k)) secondary[k] = change.secondary[k];
  }
}

ofp::AsyncConfig AsyncMasks::to_config() const {
  ofp::AsyncConfig c;
  c.primary = primary;
  c.secondary = secondary;
  c.primary_set = c.secondary_set = (1u << ofp::kAsyncKinds) - 1;
  return c;
}

void AsyncMasks::set(ofp::AsyncKind kind, unsigned reason, bool on) {
  uint32_t bit = 1u << reason;
  primary[kind] = on ? primary[kind] | bit : primary[kind] & ~bit;
}

}  // namespace sluice
