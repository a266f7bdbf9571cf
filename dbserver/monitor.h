// SPDX-License-Identifier: Apache-2.0
// What a monitor watches, and the text of its updates.
//
// Monitors that watch the same things share one MonitorSpec, however many clients there are: a commit's update is rendered once for each spec and
// the text is shared by all deliveries.  A spec is immutable; monitor_cond_change makes the monitor point to another one.  One thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "dbserver/engine/database.h"
#include "dbserver/ovsdb/condition.h"

namespace sluice::ovsdb {

enum class MonitorVersion : uint8_t { v1, v2, v3 };  // monitor, monitor_cond, monitor_cond_since

// What is selected: bits.
inline constexpr uint8_t kSelectInitial = 1, kSelectInsert = 2, kSelectDelete = 4, kSelectModify = 8, kSelectAll = 15;

struct MonitoredColumn {
  const ColumnSchema* column;
  uint8_t select;
  std::string_view default_bytes = column->default_value.ref().bytes();  // of the schema
};

struct MonitoredTable {
  const TableSchema* schema;
  std::vector<MonitoredColumn> columns;
  uint8_t select = 0;  // of all its columns together
  Condition condition;
};

class MonitorSpec {
 public:
  /// requests: {table: request or [request...]}.  v1: no conditions allowed.
  static Result<std::shared_ptr<const MonitorSpec>> parse(const DatabaseSchema& schema, const Json& requests, bool v1);
  /// With the conditions of {table: [{where: ...}]} in place of its own.
  Result<std::shared_ptr<const MonitorSpec>> with_conditions(const DatabaseSchema& schema, const Json& requests) const;

  /// Two specs with equal keys watch the same.
  const std::string& key() const { return key_; }
  bool is_v1() const { return v1_; }
  const std::vector<MonitoredTable>& tables() const { return tables_; }

  /// The contents as of now: {table: {uuid: {"new" or "initial": ...}}}.
  std::string initial(Database& db) const;
  /// What the changes mean for this monitor; "" if nothing.
  std::string update(const std::vector<RowChange>& changes) const;
  /// What leads from the contents under this spec's conditions to those under `next`, which has the same tables; "" if nothing.
  std::string condition_change(Database& db, const MonitorSpec& next) const;

 private:
  void make_key();
  std::vector<MonitoredTable> tables_;  // by index
  bool v1_ = false;
  std::string key_;
};

}  // namespace sluice::ovsdb
