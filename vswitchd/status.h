// SPDX-License-Identifier: Apache-2.0
// The status columns of the database, written from what bridges and sessions are.  A value that is there already is not sent (ClientTransaction::set).
#pragma once

#include <string>
#include <vector>

#include "dbserver/ovsdb/client_transaction.h"
#include "dbserver/ovsdb/replica.h"
#include "ofproto/bridge.h"
#include "vswitchd/config.h"
#include "vswitchd/datapaths.h"

namespace sluice {

struct StatusWriter {
  ovsdb::ClientTransaction& txn;
  const ovsdb::Replica& replica;
  bool statistics;  // also the columns that change all the time

  void root(const Config& config, const std::vector<std::string>& datapath_types, const std::vector<std::string>& interface_types);
  /// bridge == nullptr: it could not be made.  fallback: why it is not on the datapath that it was to be on, "" if it is.
  void bridge(const BridgeConfig& config, const Bridge* bridge, const std::string& datapath_version, const std::string& fallback);
  void mirrors(const BridgeConfig& config, const Bridge& bridge);
  /// Rows that tools have made for datapath types in use: what those can.
  void datapaths(const Datapaths& datapaths);
  void controllers(const BridgeConfig& config, const std::vector<ControllerStatus>& status);
};

}  // namespace sluice
