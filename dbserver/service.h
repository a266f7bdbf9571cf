// SPDX-License-Identifier: Apache-2.0
// The database daemon put together: server, remotes, TLS, status write-back, compaction, control commands.  main() makes one and runs the loop.
// One thread.
#pragma once

#include <memory>
#include <set>
#include <string>

#include "dbserver/db_config.h"
#include "dbserver/engine/open.h"
#include "dbserver/remotes.h"
#include "dbserver/saved_configuration.h"
#include "dbserver/server.h"
#include "dbserver/source.h"
#include "dbserver/standby.h"
#include "lib/loop.h"
#include "lib/tls.h"
#include "lib/unixctl.h"

namespace sluice::ovsdb {

inline constexpr Duration kStatusInterval = milliseconds(2500);
inline constexpr Duration kCompactionCheckInterval = seconds(60);

class Service {
 public:
  /// tls: file names, or db: references to them.
  Service(Loop& loop, UuidSource& uuids, TlsConfig tls, std::string run_dir, std::string db_dir);
  ~Service();

  /// A file, or relay:DB:REMOTES.
  Status add_database(const std::string& file);
  Status remove_database(const std::string& name);
  /// "punix:..." or "db:...".  The error: the reference is wrong.
  std::expected<void, std::string> add_remote(const std::string& remote);
  bool remove_remote(const std::string& remote);
  void set_column_diff(bool on) { column_diff_ = on; }
  void set_on_damage(OnDamage what) { on_damage_ = what; }
  /// Makes databases, remotes, and what to be the standby of, be these.  Checks db: references, of TLS files too.
  std::expected<void, std::string> configure(const Configuration& wanted);
  /// The same as a file says, which "ovsdb-server/reload" reads again.  Commands can't change it then.
  std::expected<void, std::string> configure_from(const std::string& file);
  /// Told when control commands have changed it.
  void on_configured(std::move_only_function<void(const Configuration&)> fn) { on_configured_ = std::move(fn); }
  /// Opens remotes; from here on it keeps itself up to date.  Returns listen errors.
  std::map<std::string, std::string> start();
  /// Relays have reached the other server.
  bool has_contents() const;
  void add_commands(UnixctlServer& unixctl);
  void set_exit_handler(std::move_only_function<void()> fn) { exit_ = std::move(fn); }

  Server& server() { return server_; }
  Remotes& remotes() { return remotes_; }

 private:
  void run(Time now);
  Time deadline() const;
  void configured();
  std::expected<void, std::string> reload();
  /// Opens and closes sockets if what names them has changed.
  void update_remotes();
  void update_tls();
  std::vector<uint64_t> configuration_stamp();
  Status add_relay(const std::string& spec);
  /// Starts it; `done` is called when it has ended.
  void compact(HostedDatabase& db, std::move_only_function<void(const Status&)> done);
  UnixctlText set_transaction_log(const std::string& what, const std::string& state);
  void add_database_commands(UnixctlServer& u);
  void add_configuration_commands(UnixctlServer& u);
  void add_session_commands(UnixctlServer& u);
  void measure_memory(std::map<std::string, uint64_t>& sizes);

  Loop& loop_;
  UuidSource& uuids_;
  TlsConfig tls_wanted_;
  TlsContext tls_;
  std::string run_dir_, db_dir_, configuration_file_;
  Server server_;
  Remotes remotes_;
  std::map<std::string, std::unique_ptr<Source>> relays_;  // by database
  Duration relay_probe_interval_ = kSourceProbeInterval;
  Standby standby_;
  RemoteMap remote_specs_;
  std::vector<uint64_t> stamp_;
  bool column_diff_ = true, started_ = false;
  OnDamage on_damage_ = OnDamage::refuse;
  Time next_status_{}, next_compaction_check_{};
  Runner runner_;
  std::move_only_function<void()> exit_;
  std::move_only_function<void(const Configuration&)> on_configured_;
};

}  // namespace sluice::ovsdb
