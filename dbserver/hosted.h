// SPDX-License-Identifier: Apache-2.0
// One database as a server has it: memory, journal, monitors, history, transactions that wait.
//
// transact() applies at once; what follows from it (monitors told, reply sent: it is *published*) happens when the journal has it.  Until then outcomes are
// held, in order: the first `submitted_` of them are being written, the others gather for the next write.  If the journal fails, all held commits are taken
// back and everything held is answered with an I/O error.  One thread; the disk's work is done by others (engine/journal_writer.h).
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <deque>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "dbserver/engine/journal.h"
#include "dbserver/limits.h"
#include "dbserver/monitor.h"
#include "dbserver/transaction_log.h"
#include "dbserver/engine/transaction.h"
#include "lib/json.h"
#include "lib/time.h"

namespace sluice::ovsdb {

class Session;
class Source;
/// Who is connected, by number; numbers are never used twice.
using SessionMap = boost::unordered_flat_map<uint64_t, Session*>;

/// A client's interest in a database.
struct Monitor {
  Session* session;
  Json id;
  MonitorVersion version;
  std::shared_ptr<const MonitorSpec> spec;
  uint64_t seen = 0;  // commits up to this number have been told
};

class HostedDatabase {
 public:
  HostedDatabase(std::unique_ptr<Database> db, std::unique_ptr<Journal> journal, Transaction& runner, SessionMap& sessions, LimitCounters& limits)
      : db_(std::move(db)), journal_(std::move(journal)), runner_(runner), sessions_(sessions), limits_(limits), table_changed_(db_->tables().size()) {}

  const std::string& name() const { return db_->name(); }
  Database& db() { return *db_; }
  Journal* journal() { return journal_.get(); }
  bool reserved = false;
  std::string file;         // name given by the user, "" if it has none
  Source* relay = nullptr;  // of a relay: where requests that write go.  Not owned
  TransactionLog log;

  // --- transactions ---
  /// Runs it, now or later; the session gets its reply.
  void transact(Session& session, const Json& params, const Json& id, Time now);
  /// A transaction can be run now.
  bool runs_at_once() const;
  /// Runs what runner().scan() has read.  REQUIRES: runs_at_once(); the session may write all.
  void transact_scanned(Session& session, const Json& id, Time now);
  Transaction& runner() { return runner_; }
  /// Of the server itself, for status columns and the like.  No reply.
  TransactOutcome transact_internal(const Json& params, int64_t wall_ms);
  /// What another server has committed: journaled and told like a commit of our own.
  void apply_remote(std::vector<RowChange> changes, const Uuid& id, int64_t wall_ms);
  /// Drops a waiting transaction.  True if there was one.
  bool cancel(Session& session, const Json& id);
  bool is_waiting(const Session& session, const Json& id) const;
  /// Sees to the journal, tells everybody what is written, and runs what waited for it.  Does not wait for the disk.
  void flush(Time now, int64_t wall_ms);
  /// flush() until nothing is held, waiting for the disk.
  void drain(Time now, int64_t wall_ms);
  /// Calls fn while the tables hold what has been published and no more: for what is shown to clients at once.
  template <typename Fn>
  auto as_published(Fn fn) {
    shift_held(false);
    auto result = fn();
    shift_held(true);
    return result;
  }
  /// Compacts the file when the journal is free for it, then calls `done`.  False if that is already going on, or there is no file.
  using CompactionDone = std::move_only_function<void(const IoStatus&)>;
  bool compact(std::string comment, CompactionDone done);
  bool is_compacting() const { return compaction_ || conversion_; }  // a conversion writes the file anew, too
  /// Converts the rows to another schema and writes the file anew, when what was committed before is on disk, then calls `done` with the converted
  /// contents, which are for replace().  Meanwhile transactions have to wait; the loop does not.  False if that is already going on.
  using ConversionDone = std::move_only_function<void(Result<std::unique_ptr<Database>>)>;
  bool convert(std::shared_ptr<const DatabaseSchema> schema, UuidSource& uuids, ConversionDone done);
  bool has_pending() const { return !held_.empty(); }
  Time deadline() const;
  /// For a database that goes: ends what postponed transactions wait for.
  void give_up_conversion();
  /// All waiting transactions end: those of clients that know what it means are answered "canceled"; the others are about to be disconnected.
  void cancel_all();

  // --- monitors ---
  Monitor* find_monitor(Session& session, const Json& id);
  Monitor& add_monitor(Session& session, const Json& id, MonitorVersion version, std::shared_ptr<const MonitorSpec> spec);
  void remove_monitor(Monitor& m);
  void change_spec(Monitor& m, std::shared_ptr<const MonitorSpec> spec);
  std::vector<Monitor*> monitors_of(const Session& session);
  std::vector<Monitor*> all_monitors();
  void forget(Session& session);
  /// Sends a lagging monitor what it missed.
  void catch_up(Monitor& m);
  size_t monitor_count() const;

  // --- history ---
  const Uuid& last_id() const { return last_id_; }
  uint64_t last_number() const { return first_number_ + history_.size() - 1; }
  /// Number of the commit with this id, if it is in the history.
  std::optional<uint64_t> find_commit(const Uuid& id) const;
  /// Net changes of all commits after this number; nullopt if the history does not go back that far.
  std::optional<std::vector<RowChange>> changes_since(uint64_t number) const;

  /// Puts another database in place: after a conversion.
  void replace(std::unique_ptr<Database> db);
  uint64_t total_transactions = 0;
  /// Number of the last commit that changed a table.
  uint64_t table_changed(uint16_t table) const { return table_changed_[table]; }
  /// Grows when replace() puts another database in place.
  uint64_t generation() const { return generation_; }
  /// Of the last journal failure, for status.
  const std::string& last_error() const { return last_error_; }

 private:
  struct Held {
    uint64_t session;  // 0: nobody waits for a reply
    Json id;
    std::string results;
    std::shared_ptr<Commit> commit;
  };
  struct Waiting {
    uint64_t session;
    Json params, id;
    Time started;
    Time deadline;
    uint64_t tried = 0;            // at this commit
    std::vector<uint16_t> tables;  // that it looks at: without a change of one of them it would go as before
  };
  struct SpecEntry {
    std::shared_ptr<const MonitorSpec> spec;
    std::list<Monitor> monitors;
  };
  void settle(Session& session, TransactOutcome outcome, const Json& params, const Json& id, Time started);
  bool run_journal(Time now, int64_t wall_ms);
  bool run_compaction(int64_t wall_ms);
  bool run_conversion(Time now, int64_t wall_ms);
  void postpone(Session& session, const Json& params, const Json& id);
  /// A limit is reached.
  static void refuse(Session& session, const Json& id, std::string why);
  void end_conversion(Result<std::unique_ptr<Database>> outcome, Time now);
  void publish(size_t count);
  void refuse_all(const IoError& error);
  void shift_held(bool forward);
  void tell_monitors(const std::shared_ptr<Commit>& commit);
  void run_waiting(Time now);
  bool is_worth_a_try(const Waiting& w, Time now) const;
  bool try_again(Waiting& w, Time now);
  void wait(Session& session, const TransactOutcome& outcome, const Json& params, const Json& id, Time started);
  TransactContext context_for(Session& session, Time now, Time started);
  void remember(std::shared_ptr<const Commit> commit);

  std::unique_ptr<Database> db_;
  std::unique_ptr<Journal> journal_;
  Transaction& runner_;
  SessionMap& sessions_;
  LimitCounters& limits_;
  std::vector<uint64_t> table_changed_;
  uint64_t generation_ = 0;
  struct Compaction {
    std::string comment;
    CompactionDone done;
    bool started = false;
  };
  struct Conversion {
    std::shared_ptr<const DatabaseSchema> schema;
    UuidSource& uuids;
    ConversionDone done;
    std::unique_ptr<Database> converted;  // is being written
  };
  struct Postponed {
    uint64_t session;
    Json params, id;
  };
  std::vector<Held> held_;
  size_t submitted_ = 0;  // of held_; 0: no write is going on
  std::optional<Compaction> compaction_;
  std::optional<Conversion> conversion_;
  std::list<Postponed> postponed_;  // until the conversion has ended
  std::list<Waiting> waiting_;
  boost::unordered_flat_map<std::string, std::unique_ptr<SpecEntry>> specs_;
  std::deque<std::shared_ptr<const Commit>> history_;
  size_t history_changes_ = 0;
  uint64_t first_number_ = 1;  // of history_.front(); numbers count published commits from 1
  Uuid last_id_;
  std::string last_error_;
};

}  // namespace sluice::ovsdb
