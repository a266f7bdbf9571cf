// SPDX-License-Identifier: Apache-2.0
// Where files live: Open vSwitch's directories, each with the environment variable that overrides it.
#pragma once

#include <string>
#include <string_view>

namespace sluice {

struct Directories {
  std::string run = "/var/run/openvswitch";        // OVS_RUNDIR
  std::string log = "/var/log/openvswitch";        // OVS_LOGDIR
  std::string sysconf = "/etc";                    // OVS_SYSCONFDIR
  std::string db = "/etc/openvswitch";             // OVS_DBDIR, else OVS_SYSCONFDIR/openvswitch
  std::string pkgdata = "/usr/share/openvswitch";  // OVS_PKGDATADIR

  /// Reads the environment: for main() and nobody else.
  static Directories from_environment();

  std::string db_socket() const { return "unix:" + run + "/db.sock"; }
  std::string conf_db() const { return db + "/conf.db"; }
  std::string schema_file() const { return pkgdata + "/vswitch.ovsschema"; }
};

/// `path` itself if it is absolute, else dir/path.
std::string resolve_path(std::string_view dir, std::string_view path);

}  // namespace sluice
