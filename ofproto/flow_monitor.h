// SPDX-License-Identifier: Apache-2.0
// FlowMonitors: the flow monitors of one OpenFlow session: which changes of the flow tables it hears of, and in which form (Nicira's extension,
// ONF's for 1.3, OF1.4.0 7.3.5.15; the three behave alike).
//
// Changes are collected while a request is handled and sent as one message by flush(), before the reply to a later barrier.  A session that does
// not read gets "paused" when its output queue is above kMonitorHighWater; from then on only the removal of flows that it knows is told, and when
// it has caught up, "resumed" after what was added and modified meanwhile.
// Threads: the control thread.
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <unordered_map>
#include <optional>
#include <vector>

#include "lib/time.h"
#include "ofproto/flow_change.h"
#include "ofproto/of_connection.h"

namespace sluice {

class Bridge;

inline constexpr size_t kMaxFlowMonitors = 1024;          // of one session
inline constexpr size_t kMonitorHighWater = 128 << 10;    // bytes in the output queue

class FlowMonitors {
 public:
  using Outcome = std::expected<void, ofp::Error>;

  /// All of the request, or none of it; what the new monitors match at first is appended to `initial`.
  Outcome request(const ofp::FlowMonitorRequest& request, const Bridge& bridge, std::vector<ofp::FlowUpdate>& initial);
  Outcome cancel(uint32_t id);
  bool empty() const { return watches_.empty(); }

  /// own_xid: of the request of this very session that made the change.
  void report(const FlowChange& change, std::optional<uint32_t> own_xid);
  void flush(OfConnection& c);
  /// Ends a pause when the queue is empty.
  void resume_if_drained(OfConnection& c, const Bridge& bridge);

 private:
  /// Flags of all monitors that the flow concerns, or'ed; 0: none.
  uint16_t interest(const Rule& rule, const ofp::Actions* old_actions, uint16_t event) const;
  /// Notes a change during a pause; false: it must be told nevertheless.
  bool miss(const FlowChange& change);
  void send(OfConnection& c, std::vector<ofp::FlowUpdate> updates) const;
  void send_event(OfConnection& c, ofp::FlowEvent event) const;

  struct Watch {
    ofp::FlowMonitor wanted;
    ofp::MiniMatch match;
    bool concerns(const Rule& rule, const ofp::Actions* old_actions) const;
  };
  std::map<uint32_t, Watch> watches_;
  std::vector<ofp::FlowUpdate> pending_;
  bool paused_ = false;
  std::unordered_map<RuleId, bool> missed_;  // while paused: what was added (true) or modified; at most one entry a rule
};

}  // namespace sluice
