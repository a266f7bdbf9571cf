// SPDX-License-Identifier: Apache-2.0
// Runs one "transact": the operations one after another on the database in place, then the commit.  The outcome is either a finished result
// array (with a commit, if anything changed) or "must wait": then nothing was changed, and it is to be run again after another commit or at the deadline.
// One Transaction object is reused for all transactions of a server: its buffers are warm.  One thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "dbserver/engine/database.h"
#include "dbserver/ovsdb/condition.h"
#include "dbserver/ovsdb/object_reader.h"

namespace sluice::ovsdb {

class Permissions;

/// Who asks, and what the server allows.
struct TransactContext {
  bool read_only = false;  // server or remote
  bool reserved = false;   // the _Server database
  bool durable_storage = true;
  int64_t elapsed_ms = 0;  // since the first try, for "wait"
  std::function<bool(std::string_view lock)> owns_lock;
  const Permissions* permissions = nullptr;  // null: everything is allowed
};

struct TransactOutcome {
  bool must_wait = false;
  std::optional<int64_t> timeout_ms;  // of the wait: since the first try.  Nothing: for ever
  std::string results;                // the JSON array
  std::shared_ptr<Commit> commit;     // null if it failed or changed nothing
  bool failed = false;                // one of the results is an error
  bool durable = false;
};

class Transaction {
 public:
  explicit Transaction(UuidSource& uuids) : uuids_(uuids), symbols_(uuids) {}
  /// params = [db, op...]; the database name is not looked at.
  TransactOutcome run(Database& db, const Json& params, const TransactContext& context);

 private:
  struct Operation;
  static const Operation kOperations[];

  Status run_operation(const Json& op, size_t number, size_t total);
  Status execute(const Operation& o, const Json& op, ObjectReader& reader);
  Status insert(const Json& op, ObjectReader& reader);
  Status select(const Json& op, ObjectReader& reader);
  Status update(const Json& op, ObjectReader& reader);
  Status mutate(const Json& op, ObjectReader& reader);
  Status remove(const Json& op, ObjectReader& reader);
  Status wait(const Json& op, ObjectReader& reader);
  Status commit(const Json& op, ObjectReader& reader);
  Status abort(const Json& op, ObjectReader& reader);
  Status comment(const Json& op, ObjectReader& reader);
  Status assert_lock(const Json& op, ObjectReader& reader);

  Table* take_table(ObjectReader& reader);
  Result<Uuid> take_new_uuid(Table& table, const Json* uuid, const Json* uuid_name);
  /// The rows that match, in rows_.
  Status find_rows(Table& table, const Json& where);
  Status parse_row(const Table& table, const Json& j, bool inserting, ByteBuffer& values);
  void append_row(const Table& table, const Row& row, const std::vector<const ColumnSchema*>& columns);
  void append_count(size_t n);

  struct ColumnValue {
    const ColumnSchema* column;
    uint32_t offset, size;
  };
  /// In values_.
  DatumRef value(const ColumnValue& v) const {
    return {reinterpret_cast<const uint8_t*>(values_.data()) + v.offset, v.size, v.column->type.key.type, v.column->type.value.type};
  }

  UuidSource& uuids_;
  Database* db_ = nullptr;
  const TransactContext* context_ = nullptr;
  SymbolTable symbols_;
  Changes changes_;
  TransactOutcome outcome_;
  std::string results_;
  std::string comment_;

  // Scratch of the operation at hand.
  std::vector<RowPtr> rows_;
  Condition condition_;
  std::vector<ColumnValue> columns_;
  ByteBuffer values_;
  RowBuilder builder_;
  DatumBuilder datum_builder_;
};

/// A list of distinct column names; nullptr: all, with _uuid and _version.
Result<std::vector<const ColumnSchema*>> parse_columns(const TableSchema& table, const Json* j);

}  // namespace sluice::ovsdb
