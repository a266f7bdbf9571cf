// SPDX-License-Identifier: Apache-2.0
// Child processes: started with everything given, waited for with a time limit, and surely ended.
// A child dies with the thread that started it, so that not even kill -9 leaves a daemon behind.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "lib/time.h"

namespace sluice::cli {

struct ChildOptions {
  std::vector<std::string> argv;         // argv[0] is searched on the PATH of `environment` unless it has a slash
  std::vector<std::string> environment;  // "NAME=value"
  std::string directory;
  int in = -1, out = -1, err = -1;       // -1: /dev/null
};

/// -1 with errno if the machine can't start a process; a program that isn't there exits with 127.
pid_t start_child(const ChildOptions& options);
/// The wait status (for WIFEXITED...) if the child ended within `limit`; nothing if not, or if a signal asked this process to end.
std::optional<int> wait_child(pid_t pid, Duration limit);
/// "exit status 1", "killed by signal 11 (Segmentation fault)".
std::string status_text(int status);
/// SIGTERM, then after `grace` SIGKILL; returns the wait status.
int end_child(pid_t pid, Duration grace);
/// This process inherits the orphans of its children (those that detached themselves), so that end_descendants() finds them.
void adopt_orphans();
/// Kills and reaps everything that descends from this process.
void end_descendants();

/// From then on SIGINT, SIGTERM and SIGHUP only make interrupted() true.
void catch_interrupts();
bool interrupted();

}  // namespace sluice::cli
