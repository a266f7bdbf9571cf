// SPDX-License-Identifier: Apache-2.0
// The database as the commands of one transaction see it: rows fetched on demand with "select", kept, and overlaid with the transaction's own changes.
//
// Nothing is fetched that no command asks for: adding a port to a bridge of a thousand reads a handful of rows.
// Column arguments of the loading functions name what the caller is going to read of those rows, so that it comes in one answer.
// Throws Failure if the server refuses or the connection breaks.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <initializer_list>
#include <memory>
#include <string_view>
#include <vector>

#include "dbserver/ovsdb/client_transaction.h"
#include "dbserver/ovsdb/schema.h"
#include "utilities/vsctl/link.h"

namespace sluice::vsctl {

using ovsdb::AtomRef, ovsdb::AtomType, ovsdb::ClientTransaction, ovsdb::ColumnSchema, ovsdb::Datum, ovsdb::DatumRef, ovsdb::TableSchema;

/// A row of a table.
struct RowId {
  const TableSchema* table = nullptr;
  Uuid uuid;
  friend bool operator==(const RowId&, const RowId&) = default;
};

class View {
 public:
  using Columns = std::initializer_list<std::string_view>;

  View(Link& link, std::shared_ptr<const ovsdb::DatabaseSchema> schema, UuidSource& uuids);
  View(const View&) = delete;
  View& operator=(const View&) = delete;

  ClientTransaction& txn() { return txn_; }
  const ovsdb::DatabaseSchema& schema() const { return *schema_; }
  /// Tables and columns by their exact names; throws Failure if the server's schema lacks them.
  const TableSchema& table(std::string_view name) const;
  const ColumnSchema& column(const TableSchema& t, std::string_view name) const;

  /// All rows, in the server's order, then the new ones.
  std::vector<RowId> rows(const TableSchema& t, Columns also = {});
  std::vector<RowId> rows(const TableSchema& t, const std::vector<const ColumnSchema*>& also);
  /// Rows whose column is exactly this value.
  std::vector<RowId> find(const TableSchema& t, std::string_view column, AtomRef value, Columns also = {});
  /// Rows whose set has this element.
  std::vector<RowId> find_including(const TableSchema& t, std::string_view column, AtomRef element, Columns also = {});
  /// These rows' columns in one go, where not known yet.
  void load(const TableSchema& t, const std::vector<Uuid>& uuids, Columns columns);
  void load(const TableSchema& t, const Uuid& uuid, const std::vector<const ColumnSchema*>& columns);
  bool exists(const TableSchema& t, const Uuid& uuid);

  Datum get(const RowId& row, std::string_view column) { return get(row, this->column(*row.table, column)); }
  Datum get(const RowId& row, const ColumnSchema& c);
  std::string get_string(const RowId& row, std::string_view column) { return std::string(get(row, column).ref().string()); }
  /// The rows that a column of references points to (of a map: its values), as far as they exist.
  std::vector<RowId> referenced(const RowId& row, std::string_view column);

  void set(const RowId& row, std::string_view column, DatumRef value) { txn_.set(*row.table, row.uuid, this->column(*row.table, column), value); }
  void add(const RowId& row, std::string_view column, DatumRef elements) { txn_.add(*row.table, row.uuid, this->column(*row.table, column), elements); }
  void remove(const RowId& row, std::string_view column, DatumRef elements) { txn_.remove(*row.table, row.uuid, this->column(*row.table, column), elements); }
  void verify(const RowId& row, std::string_view column);
  RowId insert(std::string_view table);
  void erase(const RowId& row) { txn_.erase(*row.table, row.uuid); }

  /// Forgets everything, changes too: for another try.
  void restart();

 private:
  using Row = boost::unordered_flat_map<uint16_t, Datum>;
  struct Cache {
    boost::unordered_flat_map<Uuid, Row, UuidHash> rows;
    std::vector<Uuid> order;
    std::vector<bool> complete;  // by column: known of all rows
    bool all = false;            // all rows are known to exist
  };
  std::vector<RowId> search(const TableSchema& t, const ColumnSchema& c, std::string_view function, AtomRef value, Columns also);
  std::vector<Uuid> select(const TableSchema& t, Json where, const std::vector<const ColumnSchema*>& columns);
  std::vector<const ColumnSchema*> resolve(const TableSchema& t, Columns columns) const;
  std::optional<DatumRef> known(const TableSchema& t, const Uuid& uuid, const ColumnSchema& c) const;
  void append_inserted(const TableSchema& t, std::vector<RowId>& out) const;

  Link& link_;
  std::shared_ptr<const ovsdb::DatabaseSchema> schema_;
  ClientTransaction txn_;
  std::vector<Cache> caches_;  // by table
};

}  // namespace sluice::vsctl
