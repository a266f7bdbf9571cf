// SPDX-License-Identifier: Apache-2.0
// The databases of one server, the sessions on them, the locks, and the _Server database that tells clients about the others.
// No sockets here: see remotes.h and main.cc.  One thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "dbserver/hosted.h"
#include "dbserver/locks.h"
#include "dbserver/session.h"

namespace sluice::ovsdb {

class Server {
 public:
  explicit Server(UuidSource& uuids);
  ~Server();

  /// The error names what is wrong: the name is taken.
  Status add_database(std::unique_ptr<Database> db, std::unique_ptr<Journal> journal, std::string file);
  /// False if there is none of that name.
  bool remove_database(const std::string& name);
  HostedDatabase* find(std::string_view name);
  std::vector<std::string> names() const;  // sorted by bytes
  std::map<std::string, std::unique_ptr<HostedDatabase>, std::less<>>& databases() { return databases_; }

  /// Writes what _Server says of a database.
  void announce(const HostedDatabase& db);
  /// Puts other contents, with a schema of their own, in a database's place.  Clients that would not understand are disconnected.
  void replace_contents(HostedDatabase& db, std::unique_ptr<Database> contents, const std::function<void()>& reply = {});
  /// Replaces a database's schema, converting its rows, in the background: the file is rewritten first.
  /// `done` is called when it has ended, before clients that would not understand are disconnected; not after an error that is returned.
  Status convert(HostedDatabase& db, std::shared_ptr<const DatabaseSchema> schema, std::move_only_function<void(const Status&)> done);

  /// Writes to disk what is pending, tells clients.  Called once an iteration, before output is sent.
  void run(Time now, int64_t wall_ms);
  Time deadline() const;

  const Uuid& id() const { return id_; }
  LockTable& locks() { return locks_; }
  Counters& counters() { return counters_; }
  const Counters& counters() const { return counters_; }
  LimitCounters& limits() { return limits_; }
  void told(const std::string& lock, const LockTable::Effect& effect);
  UuidSource& uuids() { return uuids_; }
  /// For texts that are copied at once; valid until the next use.
  std::string& scratch() { return scratch_; }
  /// Likewise for strings of a message.
  ByteBuffer& spare() { return spare_; }
  SessionMap& sessions() { return sessions_; }
  uint64_t add_session(Session& s);
  void remove_session(Session& s);
  void add_behind(uint64_t session) { behind_.push_back(session); }

  /// A backup server: clients may not write.
  bool is_read_only() const { return read_only_; }
  void set_read_only(bool on);
  /// For tests of clients: new monitors with conditions are refused as if there were none.
  void forbid_conditions() { allows_conditions_ = false; }
  bool allows_conditions() const { return allows_conditions_; }
  int64_t wall_ms() const { return wall_ms_; }
  void set_wall_ms(int64_t ms) { wall_ms_ = ms; }

 private:
  void disconnect_unaware(std::string_view why);

  UuidSource& uuids_;
  Uuid id_;
  Counters counters_;
  LimitCounters limits_{counters_};
  Transaction runner_;
  SessionMap sessions_;
  uint64_t next_session_ = 1;
  std::vector<uint64_t> behind_;  // sessions whose monitors wait for room
  LockTable locks_;
  std::map<std::string, std::unique_ptr<HostedDatabase>, std::less<>> databases_;
  std::string scratch_;
  ByteBuffer spare_;
  bool read_only_ = false, allows_conditions_ = true;
  int64_t wall_ms_ = 0;
};

extern const char kServerSchema[];  // of _Server

}  // namespace sluice::ovsdb
