// SPDX-License-Identifier: Apache-2.0
// Vswitchd: keeps the bridges as the database wants them, and the database's status columns as the bridges are.
//
//   replica changes -> read_config() -> plan() -> apply() each step -> cur_cfg and status columns back in one transaction
//
// Threads: the control thread.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "dbserver/ovsdb/replica.h"
#include "lib/loop.h"
#include "lib/tls.h"
#include "ofproto/agent.h"
#include "vswitchd/datapaths.h"
#include "vswitchd/plan.h"

namespace sluice {

class Vswitchd {
 public:
  struct Options {
    std::string run_dir;
    TlsConfig tls;                                // from the command line; an SSL row replaces it
    std::vector<std::string> interface_types;     // iface_types
    std::string dummy_type;                       // datapath type whose internal ports are dummies, "" if none
  };
  Vswitchd(Loop& loop, Datapaths& datapaths, ovsdb::Replica& replica, Options options);
  ~Vswitchd();

  /// Once an iteration; true if more waits to be done at once.
  bool run(Time now);
  Time deadline(Time now) const;
  /// The bridges were configured at least once.
  bool is_configured() const { return configured_; }
  /// exit --cleanup: removes all bridges and their devices.
  void remove_all();
  /// An interface may have come or gone, or changed its state: failed ones are tried again and status is written soon.
  void devices_changed() { devices_changed_ = true; }
  bool reconnect(const std::string& bridge);      // "": all; false: no such bridge
  /// What a reconfiguration to the database's present contents would do, a line a step.
  std::string dry_run() const;

 private:
  void report_contention();
  void reconfigure(Time now);
  void log_datapath_ids();
  void apply(const Step& step, Time now);
  void add_bridge(const BridgeSettings& settings, Time now);
  void remove_bridge(const std::string& name, Time now);
  void retry_failed_interfaces(Time now);
  void write_status(Time now, bool statistics);

  Loop& loop_;
  Datapaths& datapaths_;
  ovsdb::Replica& replica_;
  Options options_;
  TlsContext tls_;
  std::map<std::string, std::unique_ptr<Agent>> agents_;  // by bridge
  Config running_;
  uint64_t seen_ = 0;                             // replica_.seqno() that running_ was made from
  std::map<std::string, uint64_t> datapath_ids_;  // of bridges, as the log has told them
  bool contended_ = false;  // another process has the lock
  bool configured_ = false, devices_changed_ = false, status_in_flight_ = false, status_wanted_ = false;
  std::map<std::string, uint64_t> written_;       // Bridge::status_changes() that the status columns of a bridge tell of
  Time next_statistics_{}, next_status_{};
};

}  // namespace sluice
