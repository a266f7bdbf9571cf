// SPDX-License-Identifier: Apache-2.0
// --config-file: what a server has, as a JSON file that it reads again when told to (spec/ovsdb-protocol.md section 11).
//
//   {"remotes":   {"punix:db.sock": {}, "pssl:6641": {"inactivity-probe": 16000, "read-only": false, "role": "ovn-controller"}},
//    "databases": {"conf.db": {},
//                  "OVN_Southbound": {"service-model": "relay", "source": {"tcp:10.0.0.1:6642": {}}},
//                  "nb.db": {"service-model": "active-backup", "backup": true, "source": {"tcp:10.0.0.1:6641": {}}, "exclude-tables": ["Connection"]}}}
#pragma once

#include <expected>
#include <string>

#include "dbserver/saved_configuration.h"
#include "lib/json.h"

namespace sluice::ovsdb {

/// The error names the file, and the member that is wrong.
std::expected<Configuration, std::string> read_configuration_file(const std::string& path);
std::expected<Configuration, std::string> parse_configuration(const Json& j);

Json remote_options_to_json(const RemoteOptions& o);
std::expected<RemoteOptions, std::string> remote_options_from_json(const Json& j);

}  // namespace sluice::ovsdb
