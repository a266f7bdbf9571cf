// SPDX-License-Identifier: Apache-2.0
// Runs one "transact": the operations one after another on the database in place, then the commit.  The outcome is either a finished result
// array (with a commit, if anything changed) or "must wait": then nothing was changed, and it is to be run again after another commit or at the deadline.
// One Transaction object is reused for all transactions of a server: its buffers are warm.  One thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "dbserver/engine/database.h"
#include "dbserver/ovsdb/column_scan.h"
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
  /// Reads what follows the database's name in "params", up to the end of the array, from its text.  False: it must be read by way of a JSON value.
  bool scan(Database& db, JsonScanner& s);
  /// Runs what scan() has read from a text that is still there.  It does not wait.  REQUIRES: the context lets it write, and has no permissions.
  TransactOutcome run_scanned(const TransactContext& context);

 private:
  struct Operation;
  static const Operation kOperations[];

  template <typename Fn>
  TransactOutcome run_all(Database& db, const TransactContext& context, size_t total, Fn run_one);
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

  struct ColumnValue {
    const ColumnSchema* column;
    uint32_t offset, size;  // in values_
  };
  using Values = std::span<const ColumnValue>;
  Table* take_table(ObjectReader& reader);
  Result<Uuid> take_new_uuid(Table& table, const Json* uuid, std::string_view uuid_name);
  /// The rows that match, in rows_.
  Status find_rows(Table& table, const Json& where);
  void find_rows(Table& table, const Condition& where);
  Status parse_row(const Table& table, const Json& j, bool inserting);
  // What the operations do, when they have been read, with their results.
  Status insert_row(Table& table, const Uuid& fresh, Values values);
  Status update_rows(Table& table, Values values);
  Status remove_rows(Table& table);
  void append_row(const Table& table, const Row& row, const std::vector<const ColumnSchema*>& columns);
  void append_count(size_t n);

  // transact_scan.cc
  struct ScannedOperation {
    enum class Kind : uint8_t { none, insert, update, remove };
    static Kind kind_of(std::string_view name);
    Kind kind = Kind::none;
    Table* table = nullptr;
    std::string_view uuid_name;  // of the text
    Condition where;
    size_t first = 0, count = 0;  // of columns_
  };
  struct Part {  // of an operation
    bool (Transaction::*scan)(JsonScanner& s, ScannedOperation& op);
    bool met = false;
    std::optional<JsonScanner> begin{}, end{};  // where it is, if it was put off
  };
  bool scan_operation(JsonScanner& s, ScannedOperation& op);
  bool scan_part(JsonScanner& s, ScannedOperation& op, Part& part);
  bool scan_what_was_put_off(ScannedOperation& op, Part& part);
  bool scan_where(JsonScanner& s, ScannedOperation& op);
  bool scan_row(JsonScanner& s, ScannedOperation& op);
  Status run_scanned_operation(const ScannedOperation& op);

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

  // What scan() has read: columns_, values_, and
  std::vector<ScannedOperation> scanned_;  // the first so many of them
  size_t scanned_count_ = 0;
  ColumnScan column_scan_;
  ByteBuffer argument_;
};

/// A list of distinct column names; nullptr: all, with _uuid and _version.
Result<std::vector<const ColumnSchema*>> parse_columns(const TableSchema& table, const Json* j);

}  // namespace sluice::ovsdb
