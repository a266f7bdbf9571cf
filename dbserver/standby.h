// SPDX-License-Identifier: Apache-2.0
// Active-backup replication (--sync-from): while this server is the standby of another one, its databases follow those of the same names there and its
// clients may only read.  Without a connection, or told to be active, it serves what it has like any other server.  One thread, the loop's.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "dbserver/source.h"
#include "lib/unixctl.h"

namespace sluice::ovsdb {

class Standby {
 public:
  /// changed: commands have changed what it is the standby of, or whether.
  Standby(Loop& loop, Server& server, TlsContext* tls, std::string run_dir, Callback<void()> changed)
      : loop_(loop), server_(server), tls_(tls), run_dir_(std::move(run_dir)), changed_(std::move(changed)) {}

  /// The server to follow; takes effect at the next connect().  "" = none.
  void set_active_server(std::string server) { active_server_ = std::move(server); }
  /// DB:TABLE,... that are not followed.  The error says what is wrong with the text.
  std::expected<void, std::string> set_excluded(const std::string& text);
  /// All three at once; what follows already goes on.
  std::expected<void, std::string> follow(const std::string& server, const std::string& excluded, bool active);
  /// Begins to follow, or begins afresh.  The error: there is no active server, or it is no target.
  std::expected<void, std::string> connect();
  /// The databases are this server's own again.
  void disconnect();
  bool is_standby() const { return standby_; }
  const std::string& active_server() const { return active_server_; }
  std::string excluded_text() const;
  /// Databases come and go: from the next run() on it follows what is there.
  void databases_changed();
  void run();
  void add_commands(UnixctlServer& unixctl);

 private:
  std::string status_text() const;
  void find_databases();

  Loop& loop_;
  Server& server_;
  TlsContext* tls_;
  std::string run_dir_;
  std::string active_server_, following_;  // following_: what connect() took
  std::map<std::string, std::set<std::string>> excluded_;
  Duration probe_interval_ = kSourceProbeInterval;
  std::map<std::string, std::unique_ptr<Source>> sources_;  // by database
  bool standby_ = false, databases_changed_ = false;
  Callback<void()> changed_;
};

}  // namespace sluice::ovsdb
