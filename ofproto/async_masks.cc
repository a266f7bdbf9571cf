// SPDX-License-Identifier: Apache-2.0
// See async_masks.h.
#include "ofproto/async_masks.h"

#include "ofproto/openflow/flow_messages.h"
#include "ofproto/openflow/packet_messages.h"
#include "ofproto/openflow/port_messages.h"

namespace sluice {

namespace {
constexpr uint32_t up_to(auto last) { return (2u << static_cast<unsigned>(last)) - 1; }
constexpr uint32_t kPacketInReasons = up_to(ofp::PacketInReason::kPacketOut), kPacketInReasons13 = up_to(ofp::PacketInReason::kInvalidTtl);
constexpr uint32_t kPortReasons = up_to(ofp::PortReason::kModify);
constexpr uint32_t kFlowRemovedReasons = up_to(ofp::FlowRemovedReason::kEviction), kFlowRemovedReasons13 = up_to(ofp::FlowRemovedReason::kGroupDelete);
}  // namespace

AsyncMasks AsyncMasks::defaults() {
  AsyncMasks m;
  m.primary[ofp::kAsyncPacketIn] = kPacketInReasons & ~(1u << static_cast<unsigned>(ofp::PacketInReason::kInvalidTtl));
  m.primary[ofp::kAsyncPortStatus] = m.secondary[ofp::kAsyncPortStatus] = kPortReasons;
  m.primary[ofp::kAsyncFlowRemoved] = kFlowRemovedReasons;
  return m;
}

void AsyncMasks::apply(const ofp::AsyncConfig& change) {
  for (size_t k = 0; k < ofp::kAsyncKinds; k++) {
    if (change.primary_set & (1u << k)) primary[k] = change.primary[k];
    if (change.secondary_set & (1u << k)) secondary[k] = change.secondary[k];
  }
}

ofp::AsyncConfig AsyncMasks::to_config(ofp::Version version) const {
  ofp::AsyncConfig c;
  c.primary = primary;
  c.secondary = secondary;
  if (version < ofp::Version::k14)  // reasons that came later
    for (auto* masks : {&c.primary, &c.secondary}) {
      (*masks)[ofp::kAsyncPacketIn] &= kPacketInReasons13;
      (*masks)[ofp::kAsyncFlowRemoved] &= kFlowRemovedReasons13;
    }
  c.primary_set = c.secondary_set = (1u << ofp::kAsyncKinds) - 1;
  return c;
}

void AsyncMasks::set(ofp::AsyncKind kind, unsigned reason, bool on) {
  uint32_t bit = 1u << reason;
  primary[kind] = on ? primary[kind] | bit : primary[kind] & ~bit;
}

}  // namespace sluice
