// SPDX-License-Identifier: Apache-2.0
// Carries out a list of commands as one transaction: compose, commit, try again if the database has changed meanwhile, wait for the switch, say what
// came of it.  Blocks in its Link.  No global state: scenarios run it in-process.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "utilities/vsctl/command.h"
#include "utilities/vsctl/link.h"

namespace sluice::vsctl {

struct RunOptions {
  bool wait = true;  // for the switch, until cur_cfg has reached our next_cfg
  bool dry_run = false, oneline = false;
  ovsdb::TableStyle style;
  std::string comment;        // for the journal: how we were called
  std::string log_directory;  // named in a message
};

struct RunResult {
  int exit_status = 0;
  std::string out, err;                // err: lines after "PROGRAM: "
  std::vector<std::string> warnings;   // "vsctl|WARN|..." for the log
};

inline constexpr int kSetupFailed = 65;  // exit status when an interface could not be set up

RunResult run(std::span<const Command> commands, const RunOptions& options, Link link, UuidSource& uuids);

}  // namespace sluice::vsctl
