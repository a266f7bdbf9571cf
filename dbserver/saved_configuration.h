// SPDX-License-Identifier: Apache-2.0
// What the server was told to have: on the command line first, by control commands later.  Kept in memory that outlives a crash of the process that serves
// (--monitor starts another one, which goes on with this).  One thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dbserver/remotes.h"
#include "lib/files.h"

namespace sluice::ovsdb {

struct Configuration {
  RemoteMap remotes;
  std::vector<std::string> databases;
  std::string sync_from, sync_exclude;  // see standby.h
  bool active = false;                  // --active: not a standby, though it knows of whom it could be
};

class SavedConfiguration {
 public:
  /// REQUIRES: made before the process forks.
  SavedConfiguration();
  void save(const Configuration& c);
  /// Nothing was saved yet: this process is the first one.
  std::optional<Configuration> load() const;

 private:
  UniqueFd fd_;  // no name, shared by all processes that come of this one
};

}  // namespace sluice::ovsdb
