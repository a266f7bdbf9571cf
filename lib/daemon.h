// SPDX-License-Identifier: Apache-2.0
// What makes a process a daemon: detaching, the locked pidfile, the monitor that restarts it after a crash, its user, readiness.
//
//   DaemonOptions o; add_daemon_options(options, o); options.parse(...);
//   Daemon daemon(o, dirs);
//   daemon.start();            // forks (--detach, --monitor); only the worker process returns
//   ...open sockets, databases...
//   daemon.ready();            // the parent exits 0 now; until here errors reach the user's terminal and exit status
//   loop.run();
// Threads: before any is started.
#pragma once

#include <expected>
#include <memory>
#include <optional>
#include <string>

#include "lib/directories.h"
#include "lib/options.h"

namespace sluice {

class Loop;
class UnixctlServer;

struct DaemonOptions {
  bool detach = false;
  bool no_chdir = false;
  bool monitor = false;
  bool overwrite_pidfile = false;
  bool no_self_confinement = false;
  std::optional<std::string> pidfile;  // "" = RUNDIR/PROGRAM.pid
  std::string user;                    // USER[:GROUP]
  std::optional<std::string> unixctl;  // a path, or "none"
};

/// --detach --no-chdir --pidfile[=FILE] --overwrite-pidfile --no-self-confinement --monitor --user=USER[:GROUP] --unixctl=PATH.
void add_daemon_options(Options& options, DaemonOptions& out);

class Daemon {
 public:
  Daemon(DaemonOptions options, Directories directories);
  ~Daemon();  // removes the pidfile
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  /// Ends the program with a message if it cannot be done ("already running as pid N").
  void start();
  void ready();
  /// SIGTERM and SIGINT stop the loop, and the log says so (not if the process was started with them ignored); SIGHUP opens the log file anew.
  static void take_signals(Loop& loop);
  /// A detached process closes its standard streams in ready(); not its standard error after this: a tool that goes on printing.
  void keep_stderr();
  void keep_stdout();
  /// Where the control socket must be; nothing for --unixctl=none.
  std::optional<std::string> unixctl_path() const;
  /// Restores the worker's exit status for the monitor: the process ends wanted, not by a crash.  Removes the pidfile.
  void finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// The process id in a pidfile whose lock is held; an error otherwise ("cannot read pidfile ...").
std::expected<int, std::string> read_pidfile(const std::string& path);

}  // namespace sluice
