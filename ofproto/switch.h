// SPDX-License-Identifier: Apache-2.0
// Switch: all bridges on one datapath.  Takes the datapath's upcalls, keeps the pipeline's generation and the megaflows true to it (revalidation),
// and gives statistics back to rules, MAC entries and ports.
// Threads: the control thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "datapath/dpif.h"
#include "lib/time.h"
#include "ofproto/bridge.h"

namespace sluice {

struct SwitchOptions {
  Duration max_idle = seconds(10);   // a megaflow that is unused for this long is deleted
  size_t flow_limit = 1u << 20;      // megaflows
  bool restore_wait = false;         // the flow tables are being filled: no packet is handled, nothing expires, megaflows stay
};

class Switch : public UpcallHandler {
 public:
  /// The Dpif outlives it.
  Switch(Dpif& dpif, SwitchOptions options, uint64_t seed);
  ~Switch() override;
  Switch(const Switch&) = delete;
  Switch& operator=(const Switch&) = delete;

  Bridge& add_bridge(const BridgeSettings& settings, Time now);
  void remove_bridge(const std::string& name, Time now);
  Bridge* find(const std::string& name);
  std::vector<Bridge*> bridges();             // by name
  Dpif& dpif();
  const Dpif& dpif() const;
  /// What the datapath can, less what was lowered.
  std::vector<std::pair<std::string, std::string>> features() const;
  /// dpif/set-dp-features: `value` as features() has it.  Flows that need more go through here, packet by packet.
  void limit_feature(const std::string& title, const std::string& value, Time now);
  void set_options(const SwitchOptions& options);
  void configure_tracking(const CtSettings& settings, Time now);
  /// The configuration is complete: ports that a datapath has from earlier times and nobody wants go, flows that are not right any more too.
  void settle(Time now);

  /// Runs the datapath, expires flows and MACs, revalidates a slice; true if there is more to do at once.
  bool run(Time now);
  Time deadline(Time now) const;

  // UpcallHandler
  void upcall(Upcall upcall, Time now) override;
  void flow_removed(const Megaflow& flow, Time now) override;
  bool still_holds(const FlowHead& flow) override;

  /// A megaflow that somebody wants there (dpctl/add-flow).  It stays until it is idle, or the tables change and would have another there.
  SlowReason put_by_hand(const Flow& key, const Flow& mask, const OdpActions& actions, Time now);

  // --- appctl texts ---
  std::string dpif_show() const;
  std::string dpif_dump_flows(const std::string& bridge, bool more, bool names, Time now) const;
  std::string upcall_show() const;
  std::string list_tunnels() const;
  void revalidate_now(Time now);              // revalidator/wait, revalidator/purge
  void purge(Time now);
  void pause_revalidation(bool paused);       // megaflows stay as they are (tests)
  void enable_megaflows(bool enabled, Time now);   // false: each flow of its own (tests)
  void set_flow_limit(size_t limit);

  struct Impl;  // internal to ofproto

 private:
  friend class Bridge;
  friend std::expected<std::string, std::string> trace_command(const std::vector<Switch*>& switches, const std::vector<std::string>& args, Time now);
  std::unique_ptr<Impl> impl_;
};

/// ofproto/trace over the bridges of several datapaths.  args as the user gave them; the text, or the error that appctl shows.
std::expected<std::string, std::string> trace_command(const std::vector<Switch*>& switches, const std::vector<std::string>& args, Time now);

}  // namespace sluice
