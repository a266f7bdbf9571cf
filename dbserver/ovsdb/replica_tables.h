// SPDX-License-Identifier: Apache-2.0
// The rows of a replica: applying table updates of all three kinds of monitors, noting what changed, finding rows.  No input or output.
// Used by replica.cc only.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <memory>
#include <string>
#include <vector>

#include "dbserver/ovsdb/replica.h"

namespace sluice::ovsdb {

enum class MonitorKind : uint8_t { since, cond, plain };

class ReplicaTables {
 public:
  using Rows = Replica::Rows;
  explicit ReplicaTables(UuidSource& uuids) : uuids_(uuids) {}

  /// Takes the schema in use, what to copy, and which of it the server has (`server` may be the same object).  Rows stay if `ours` is the same object.
  void configure(std::shared_ptr<const DatabaseSchema> ours, const DatabaseSchema& server, std::vector<TableSelection> selection);
  const std::shared_ptr<const DatabaseSchema>& schema() const { return schema_; }

  /// {TABLE: [{columns, where}]}, or without where for plain monitors.
  Json monitor_requests(MonitorKind kind) const;
  void set_condition(std::string_view table, Json where);

  /// Whole contents: rows that are not in it are gone.
  void replace(const Json& updates, MonitorKind kind);
  void apply(const Json& updates, MonitorKind kind);
  /// Whether anything that counts has changed since the last call.
  bool take_alert();

  const Rows& rows(const TableSchema& t) const { return tables_[t.index].rows; }
  RowPtr row(const TableSchema& t, const Uuid& uuid) const;
  RowPtr find(const TableSchema& t, const ColumnSchema& c, AtomRef value) const;
  std::vector<ReplicaChange> take_changes();
  bool has_changes() const { return !changes_.empty(); }
  /// Nothing if the row or the column is not copied.
  std::optional<DatumRef> value(const TableSchema& t, const Uuid& row, const ColumnSchema& c) const;
  bool supported(const TableSchema& t, const ColumnSchema* c) const;
  /// Something that an update said could not be used: for the log.
  std::string take_problem() { return std::exchange(problem_, {}); }

 private:
  struct Table {
    std::vector<ColumnUse> use;        // by column
    std::vector<bool> on_server;       // by column
    bool selected = false, exists = false;
    Json where;
    Rows rows;
    // By the bytes of the column's value; only columns that are an index on their own.
    std::vector<std::pair<uint16_t, boost::unordered_flat_map<std::string, Uuid>>> indexes;
  };
  void apply_row(const TableSchema& t, const Uuid& uuid, const Json& update, MonitorKind kind);
  /// Row of `columns` on top of base (null: defaults).  Sets *alert if a column of ColumnUse::read differs.
  RowPtr build(const TableSchema& t, const Uuid& uuid, const Row* base, const Json& columns, bool differences, bool* alert);
  void put(const TableSchema& t, const Uuid& uuid, RowPtr after, bool alert);
  void index_row(const TableSchema& t, const Row& row, bool add);

  UuidSource& uuids_;  // for versions, which the server's updates don't tell
  std::shared_ptr<const DatabaseSchema> schema_;
  std::vector<Table> tables_;
  boost::unordered_flat_map<Uuid, ReplicaChange, UuidHash> changes_;
  RowBuilder builder_;
  bool alert_ = false;
  std::string problem_;
};

}  // namespace sluice::ovsdb
