// SPDX-License-Identifier: Apache-2.0
// Config: what the database wants of this daemon, as plain values.  read_config() makes it from the rows of a replica; plan.h compares two of them.
// Rows that can't be used (no name, a port without interfaces, a second port with a name that is taken) are left out and named in `problems`.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "datapath/ct_settings.h"
#include "lib/tls.h"
#include "lib/uuid.h"
#include "ofproto/controllers.h"
#include "ofproto/settings.h"

namespace sluice {

namespace ovsdb {
class Replica;
}

struct InterfaceConfig {
  Uuid row;
  InterfaceSettings settings;
  friend bool operator==(const InterfaceConfig&, const InterfaceConfig&) = default;
};

struct PortConfig {
  Uuid row;
  PortSettings settings;
  friend bool operator==(const PortConfig&, const PortConfig&) = default;
};

struct ControllerConfig {
  Uuid row;
  ControllerSettings settings;
  friend bool operator==(const ControllerConfig&, const ControllerConfig&) = default;
};

struct BridgeConfig {
  Uuid row;
  BridgeSettings settings;
  std::map<std::string, PortConfig> ports;            // by name
  std::map<std::string, InterfaceConfig> interfaces;  // by name; each in exactly one port
  std::vector<ControllerConfig> controllers;
  friend bool operator==(const BridgeConfig&, const BridgeConfig&) = default;
};

struct Config {
  Uuid root;                                          // the Open_vSwitch row
  int64_t next_cfg = 0;
  TlsConfig tls;
  int64_t stats_interval_ms = 5000;                   // other_config:stats-update-interval
  int64_t max_idle_ms = 10000;                        // other_config:max-idle
  int64_t flow_limit = 1 << 20;                       // other_config:flow-limit
  int64_t bundle_idle_s = 10;                         // other_config:bundle-idle-timeout
  bool flow_restore_wait = false;                     // other_config:flow-restore-wait
  bool datapath_fallback = true;                      // other_config:datapath-fallback: without a kernel datapath, the userspace one
  std::map<std::string, CtSettings> tracking;         // by datapath type
  std::map<std::string, BridgeConfig> bridges;
  std::vector<std::string> problems;                  // for the log
};

/// REQUIRES: the replica has contents.  run_dir: what relative file names in the SSL row are relative to is the working directory, as for the peer.
Config read_config(const ovsdb::Replica& replica);

}  // namespace sluice
