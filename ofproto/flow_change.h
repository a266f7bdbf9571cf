// SPDX-License-Identifier: Apache-2.0
// FlowChange: something that happened to a flow entry that OpenFlow can see.  Valid during the call that tells it.
#pragma once

#include <cstdint>

#include "lib/time.h"
#include "ofproto/openflow/flow_messages.h"
#include "ofproto/rule.h"

namespace sluice {

enum class RuleEnd : uint8_t { kIdleTimeout, kHardTimeout, kDelete, kGroupDelete, kMeterDelete, kEviction };

struct FlowChange {
  enum class Kind : uint8_t { kAdded, kModified, kRemoved } kind;
  const Rule& rule;                        // as it is now, or was at its end
  RuleId replaced = 0;                     // kAdded: the rule in whose place it came
  const ofp::Actions* old_actions = nullptr;  // kModified
  RuleEnd reason = RuleEnd::kDelete;       // kRemoved
  Time now{};
};

/// The wire's reason (OF1.4.0 7.4.2).
ofp::FlowRemovedReason wire_reason(RuleEnd end);

}  // namespace sluice
