// SPDX-License-Identifier: Apache-2.0
// Agent: the OpenFlow side of one bridge.  Requests of its sessions go through one table of handlers (handlers.cc) to the Bridge; what happens in the
// Bridge comes back as asynchronous messages to the sessions that want them.  Also keeps the fail mode.
// Threads: the control thread.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "lib/loop.h"
#include "ofproto/bridge.h"
#include "ofproto/bundle.h"
#include "ofproto/controllers.h"
#include "ofproto/flow_monitor.h"
#include "ofproto/openflow/message.h"

namespace sluice {

inline constexpr Duration kBundleIdle = seconds(10);     // the usual time until a bundle that nothing is done with ends
inline constexpr int kFailOpenProbes = 3;               // standalone takes over after so many probe intervals without a primary

class Agent : public BridgeEvents {
 public:
  Agent(Loop& loop, Bridge& bridge, Controllers::Options options);
  ~Agent();
  Agent(const Agent&) = delete;
  Agent& operator=(const Agent&) = delete;

  void configure(const std::vector<ControllerSettings>& controllers, uint32_t versions, FailMode fail_mode);
  std::vector<ControllerStatus> controller_status(Time now) const { return controllers_.status(now); }
  void reconnect() { controllers_.reconnect(); }
  void set_bundle_idle(Duration d) { bundle_idle_ = d; }

  /// Handles waiting messages within the quantum; true if more wait.
  bool run(Time now);
  Time deadline() const;

  // BridgeEvents
  void packet_in(const PacketInEvent& event) override;
  void flow_removed(const ofp::FlowRemoved& event) override;
  void flow_changed(const FlowChange& change) override;
  void port_status(ofp::PortReason reason, const ofp::PortDesc& port, bool only_live) override;
  void table_status(const ofp::TableStatus& status) override;

  // For handlers.
  Bridge& bridge() { return bridge_; }
  Time now() const { return loop_.now(); }
  Controllers& controllers() { return controllers_; }
  /// Makes c the only primary, the other primaries secondaries.  False: the generation id is stale (OF1.3.5 7.3.9).
  bool set_role(OfConnection& c, const ofp::RoleMessage& request);
  /// Tells the other sessions that asked for it what this one has done (OF1.4.0 7.4.6).
  void forward_request(OfConnection& from, const ofp::GroupMod& mod);
  std::optional<uint64_t> generation_id() const { return generation_id_; }

  Bundles& bundles(OfConnection& c) { return bundles_[&c]; }
  /// After monitors of c have changed: watches the flows as long as there is one.
  FlowMonitors& monitors(OfConnection& c) { return monitors_[&c]; }
  void monitors_changed();

 private:
  void handle(OfConnection& c, ofp::Message& m, ByteView raw);
  void closed(OfConnection& c);
  void update_fail_mode(Time now);
  void update_miss_to_controller();
  void flush_monitors();
  void expire_bundles(Time now);

  Loop& loop_;
  Bridge& bridge_;
  Controllers controllers_;
  FailMode fail_mode_ = FailMode::kStandalone;
  bool had_primary_ = false, fail_open_ = false, configured_ = false;
  std::optional<uint64_t> generation_id_;
  Duration bundle_idle_ = kBundleIdle;
  std::map<OfConnection*, Bundles> bundles_;
  std::map<OfConnection*, FlowMonitors> monitors_;
  const OfConnection* requester_ = nullptr;   // whose request is being handled
  uint32_t requester_xid_ = 0;
};

/// Calls the handler of m.type; errors go back to c.
void handle_message(Agent& agent, OfConnection& c, ofp::Message& m, ByteView raw);

}  // namespace sluice
