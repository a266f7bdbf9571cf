// SPDX-License-Identifier: Apache-2.0
// See directories.h.
#include "lib/directories.h"

#include <cstdlib>

namespace sluice {

Directories Directories::from_environment() {
  Directories d;
  auto take = [](const char* variable, std::string& to) {
    if (const char* v = getenv(variable); v && *v) to = v;
  };
  take("OVS_RUNDIR", d.run);
  take("OVS_LOGDIR", d.log);
  take("OVS_SYSCONFDIR", d.sysconf);
  d.db = d.sysconf + "/openvswitch";
  take("OVS_DBDIR", d.db);
  take("OVS_PKGDATADIR", d.pkgdata);
  return d;
}

std::string resolve_path(std::string_view dir, std::string_view path) {
  if (path.starts_with('/') || dir.empty()) return std::string(path);
  return std::string(dir) + "/" + std::string(path);
}

}  // namespace sluice
