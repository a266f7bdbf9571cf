// SPDX-License-Identifier: Apache-2.0
// A database whose contents come from another server: what relays and standby servers have in common.
//
// A Source follows one database there (through a Replica) and keeps a hosted database here equal to it.  Each set of changes becomes a commit here, which
// is journaled if there is a journal, remembered in the history and told to monitors like any other.  A relay has no contents of its own: it takes over
// the schema too, and what its clients want changed is sent to the other server; the answer is passed on after the changes that it caused.
// A standby keeps its own schema and file, and may leave tables out.  One thread, the loop's.
#pragma once

#include <deque>
#include <set>
#include <string>
#include <vector>

#include "dbserver/hosted.h"
#include "dbserver/ovsdb/replica.h"
#include "lib/loop.h"

namespace sluice::ovsdb {

class Server;

inline constexpr size_t kMaxForwarded = 10'000;                    // transactions that wait for the other server
inline constexpr Duration kSourceProbeInterval = seconds(60);      // unless it is set

class Source {
 public:
  enum class Use : uint8_t { relay, standby };
  struct Options {
    Use use = Use::relay;
    std::vector<Target> targets;
    TlsContext* tls = nullptr;
    Duration probe_interval = kSourceProbeInterval;
    std::set<std::string> excluded;  // tables
  };
  Source(Loop& loop, Server& server, HostedDatabase& db, Options options);
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  /// Takes what came since the last call; follows whether the other server is there.  Called once an iteration.
  void run();
  /// Passes a request of a client on.  The session gets the reply when it comes, if it is still there.
  void forward(Session& session, std::string_view method, const Json& params, const Json& id);

  bool is_live() const { return live_; }
  /// A relay that never reached the other server has nothing to show.
  bool has_contents() const { return contents_; }
  /// It turned out that a standby can't follow: the other server is this one, or its schema does not fit.
  bool is_impossible() const { return impossible_; }
  void set_probe_interval(Duration d);

 private:
  struct Forwarded {
    uint64_t session;
    std::string method;
    Json params, id;
  };
  Replica::Options replica_options();
  std::vector<TableSelection> select(const DatabaseSchema& schema) const;
  void went_live();
  bool schema_fits() const;
  void pull();
  void adopt_schema();
  std::vector<RowChange> whole_difference();
  std::vector<RowChange> recent_changes();
  void send(Forwarded f);
  void answer(const Forwarded& f, const Json& result, const Json& error);

  Loop& loop_;
  Server& server_;
  HostedDatabase& db_;
  Options options_;
  Connector::Options connector_;
  std::deque<Forwarded> unsent_;
  bool live_ = false, contents_ = false, checked_ = false, impossible_ = false, whole_ = true;
  uint64_t seen_ = 0;
  Replica replica_;  // last: its callbacks use all the rest
};

/// Milliseconds, of commands that set it; 0 = never.
std::expected<Duration, std::string> parse_probe_interval(const std::string& text);

/// A relay that was never connected: a database of this name without tables.
std::unique_ptr<Database> empty_database(const std::string& name, UuidSource& uuids);

}  // namespace sluice::ovsdb
