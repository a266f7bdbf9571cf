// SPDX-License-Identifier: Apache-2.0
// One database in memory: its schema and tables, and the commits that were made to it.
//
// A transaction changes the tables in place and keeps an undo list (Changes).  commit() then checks the rules of spec/ovsdb-protocol.md section 7 and
// either completes the list (rows collected, weak references dropped) or undoes everything.  A commit that succeeded in memory is *applied*; once its
// journal record is on disk it is *published*: monitors and history see it.  If the disk fails, applied commits are undone, newest first.
// One thread.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "dbserver/ovsdb/error.h"
#include "dbserver/ovsdb/row.h"
#include "dbserver/ovsdb/schema.h"
#include "dbserver/engine/table.h"
#include "lib/uuid.h"

namespace sluice::ovsdb {

/// What happened to one row.  Both pointers are never null at once.
struct RowChange {
  uint16_t table;
  RowPtr before;  // null: inserted
  RowPtr after;   // null: deleted
  bool cancelled = false;  // inserted and deleted again within one transaction; the row is not in the table
  const Uuid& uuid() const { return after ? after->uuid() : before->uuid(); }
};

/// The rows that a transaction has changed so far, one entry each, in the order of their first change.
class Changes {
 public:
  void clear();
  bool empty() const { return list_.empty(); }
  std::vector<RowChange>& list() { return list_; }
  /// The entry of a row, or nullptr.
  RowChange* find(uint16_t table, const Uuid& uuid);
  void add(RowChange change);

 private:
  struct Key {
    uint16_t table;
    Uuid uuid;
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct KeyHash {
    size_t operator()(const Key& k) const { return UuidHash()(k.uuid) + k.table * 0x9e3779b9u; }
  };
  static constexpr size_t kLinear = 8;  // as many entries are searched one by one
  std::vector<RowChange> list_;
  boost::unordered_flat_map<Key, uint32_t, KeyHash> index_;  // used above kLinear entries
};

/// A transaction that took effect.
struct Commit {
  Uuid id;
  std::string comment;
  bool durable = false;
  std::vector<RowChange> changes;
};

class Database {
 public:
  Database(std::shared_ptr<const DatabaseSchema> schema, UuidSource& uuids);

  const std::string& name() const { return schema_->name; }
  const DatabaseSchema& schema() const { return *schema_; }
  const std::shared_ptr<const DatabaseSchema>& schema_ptr() const { return schema_; }
  std::vector<Table>& tables() { return tables_; }
  Table& table(uint16_t i) { return tables_[i]; }
  Table* find_table(std::string_view name);
  UuidSource& uuids() { return uuids_; }

  // --- changing rows; `changes` is told ---
  /// Its uuid may be that of a row which came and went within the transaction.
  void insert(Changes& changes, uint16_t table, RowPtr row);
  void replace(Changes& changes, uint16_t table, RowPtr row);
  void remove(Changes& changes, uint16_t table, const Uuid& uuid);
  /// Restores the tables to what they were before the transaction.
  void undo(Changes& changes);

  /// Checks and completes.  On an error everything is undone.  Nothing changed: a commit with no changes.
  Result<std::shared_ptr<Commit>> commit(Changes& changes);
  /// Takes back an applied commit.  REQUIRES: the newest one that is not undone.
  void revert(const Commit& commit) { shift(commit.changes, false); }
  /// Puts changes in place with all their book-keeping, unchecked: for journals and replication.
  void apply(const std::vector<RowChange>& changes) { shift(changes, true); }

 private:
  friend class Committer;
  void shift(const std::vector<RowChange>& changes, bool forward);
  void shift_strong(uint16_t table, const RowPtr& row, int32_t delta);
  void shift_weak(uint16_t table, const RowPtr& row, int32_t delta);

  std::shared_ptr<const DatabaseSchema> schema_;
  UuidSource& uuids_;
  std::vector<Table> tables_;
};

}  // namespace sluice::ovsdb
