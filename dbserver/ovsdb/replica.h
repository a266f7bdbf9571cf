// SPDX-License-Identifier: Apache-2.0
// A client's copy of chosen tables and columns of a database, kept up to date over a connection that is kept up.
//
// Sequence of a connection: monitor _Server.Database (to follow the database's coming, going and leadership), set_db_change_aware, get_schema,
// then monitor_cond_since, or monitor_cond, or plain monitor, whichever the server knows first.  An old server without _Server works too.
// Rows are immutable versions (row.h) of *our* schema if Options::schema is set, else of the server's.  With a schema of our own, tables and columns
// that the server lacks are left out: they read as defaults, and writes to them are dropped.
// After a loss of the connection the rows stay, stale, until the next connection's contents replace them; what changed meanwhile shows as ordinary changes.
// Threads: the loop's.  The handlers are called from the loop, after a whole message has been applied.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "dbserver/ovsdb/client_transaction.h"
#include "dbserver/ovsdb/row.h"
#include "dbserver/ovsdb/schema.h"
#include "lib/connector.h"
#include "lib/loop.h"

namespace sluice::ovsdb {

enum class ColumnUse : uint8_t {
  unused,  // not monitored: reads as default
  quiet,   // monitored, so that set() can tell what is already there; but its changes do not count (what we write ourselves)
  read,
};

/// What of a table to copy.
struct TableSelection {
  std::string table;
  std::vector<ColumnUse> columns;  // by ColumnSchema::index; shorter or empty: the rest unused
  Json where;                      // RFC 7047 conditions, an array; null: all rows
};

struct ReplicaChange {
  const TableSchema* table;
  Uuid uuid;
  RowPtr before, after;  // null before: new; null after: gone.  The versions at the two looks, whatever was between
};

class Replica {
 public:
  using Rows = boost::unordered_flat_map<Uuid, RowPtr, UuidHash>;
  struct Options {
    std::string database;
    std::shared_ptr<const DatabaseSchema> schema;  // null: the server's
    Connector::Options connector;
    bool leader_only = false;                      // of a cluster
    std::string lock;                              // to be asked for on each connection; "" = none
    /// Called at each connection with the schema in use.  Tables not mentioned are not copied.
    std::function<std::vector<TableSelection>(const DatabaseSchema&)> select;
  };
  struct Handlers {
    Callback<void()> on_change;                     // seqno() grew.  May be empty
    Callback<void(bool has_lock)> on_lock;          // has_lock() changed.  May be empty
    Callback<void(std::string_view)> log;           // lines for the log, may be empty
  };
  Replica(Loop& loop, std::vector<Target> targets, Options options, Handlers handlers, UuidSource& uuids);
  ~Replica();
  Replica(const Replica&) = delete;
  Replica& operator=(const Replica&) = delete;

  /// The contents were complete at least once.
  bool has_contents() const;
  /// Connected, complete and following.
  bool is_live() const;
  bool has_lock() const;
  /// Someone else has the lock that we ask for.
  bool lock_contended() const;
  /// Grows whenever a row came, went, or changed in a column of ColumnUse::read, and when contents became complete.
  uint64_t seqno() const;
  const DatabaseSchema* schema() const;  // nullptr until known
  std::shared_ptr<const DatabaseSchema> shared_schema() const;
  const DatabaseSchema* server_schema() const;  // nullptr until known
  Connector& connector();

  const Rows& rows(const TableSchema& t) const;
  RowPtr row(const TableSchema& t, const Uuid& uuid) const;  // null if there is none
  /// The row whose value in `c` is this one; null if there is none or several.  Fast for columns that are an index of the schema on their own.
  RowPtr find(const TableSchema& t, const ColumnSchema& c, AtomRef value) const;
  /// Changes since the last call, each row once, in columns of ColumnUse::read.
  std::vector<ReplicaChange> take_changes();
  bool has_changes() const;

  /// Replaces the conditions of tables (monitor_cond_change); null: all rows.  The rows follow by and by.
  void set_condition(std::string_view table, Json where);

  /// Reads through this replica's rows.  REQUIRES: schema() is known.
  ClientTransaction transaction();
  /// Sends it; done is called from the loop, also when the connection breaks (try_again).  An empty one, or one without a connection (try_again), is
  /// done within the iteration too.  The updates that a transaction causes are applied before its done().
  using Done = Callback<void(ClientTransaction&, const CommitOutcome&)>;
  void commit(ClientTransaction txn, Done done);
  size_t commits_in_flight() const;

  /// A request of the user's own on the connection.  Without one, or if it breaks before the reply, the error is "canceled".
  using Reply = Callback<void(const Json& result, const Json& error)>;
  void request(std::string_view method, const Json& params, Reply reply);
  /// Of the last update that was applied, if the server numbers them; else zero.
  Uuid last_transaction() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::ovsdb
