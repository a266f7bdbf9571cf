// SPDX-License-Identifier: Apache-2.0
// Typed reading of a replica of the Open_vSwitch database, and typed writing of a transaction on it.  Thin: everything is inline templates.
// REQUIRES: the replica was made with make_vswitch_schema() as its schema.  Threads: the replica's.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dbserver/ovsdb/client_transaction.h"
#include "dbserver/ovsdb/replica.h"
#include "vswitchd/schema.h"

namespace sluice::schema {

inline const ovsdb::TableSchema& table_of(const ovsdb::DatabaseSchema& s, TableId id) { return s.tables[static_cast<uint16_t>(id)]; }

/// The row, if it is there.
template <typename T>
std::optional<T> get(const ovsdb::Replica& replica, const Uuid& uuid) {
  const ovsdb::TableSchema& t = table_of(*replica.schema(), T::kTable);
  ovsdb::RowPtr row = replica.row(t, uuid);
  return row ? std::optional<T>(T(t, std::move(row))) : std::nullopt;
}

/// The row whose `column` (a string, an index of the table: name, target) is `value`.
template <typename T>
std::optional<T> find(const ovsdb::Replica& replica, typename T::Column column, std::string_view value) {
  const ovsdb::TableSchema& t = table_of(*replica.schema(), T::kTable);
  ovsdb::RowPtr row = replica.find(t, t.columns[static_cast<uint16_t>(column)], value);
  return row ? std::optional<T>(T(t, std::move(row))) : std::nullopt;
}

/// All rows, in no order.
template <typename T>
std::vector<T> all(const ovsdb::Replica& replica) {
  const ovsdb::TableSchema& t = table_of(*replica.schema(), T::kTable);
  std::vector<T> out;
  for (const auto& [uuid, row] : replica.rows(t)) out.push_back(T(t, row));
  return out;
}

/// The first row, for the tables that have at most one.
template <typename T>
std::optional<T> only(const ovsdb::Replica& replica) {
  const ovsdb::TableSchema& t = table_of(*replica.schema(), T::kTable);
  const auto& rows = replica.rows(t);
  return rows.empty() ? std::nullopt : std::optional<T>(T(t, rows.begin()->second));
}

// C++ values as datums.  An empty optional is an empty set.
inline ovsdb::Datum to_datum(std::string_view v) { return ovsdb::Datum::scalar(v); }
inline ovsdb::Datum to_datum(const std::string& v) { return ovsdb::Datum::scalar(v); }
inline ovsdb::Datum to_datum(const char* v) { return ovsdb::Datum::scalar(v); }
inline ovsdb::Datum to_datum(int64_t v) { return ovsdb::Datum::scalar(v); }
inline ovsdb::Datum to_datum(int v) { return ovsdb::Datum::scalar(int64_t{v}); }
inline ovsdb::Datum to_datum(bool v) { return ovsdb::Datum::scalar(v); }
inline ovsdb::Datum to_datum(const Uuid& v) { return ovsdb::Datum::scalar(v); }
inline ovsdb::Datum to_datum(const std::optional<std::string>& v) { return v ? to_datum(*v) : ovsdb::Datum(ovsdb::AtomType::string); }
inline ovsdb::Datum to_datum(const std::optional<int64_t>& v) { return v ? to_datum(*v) : ovsdb::Datum(ovsdb::AtomType::integer); }
inline ovsdb::Datum to_datum(const std::optional<bool>& v) { return v ? to_datum(*v) : ovsdb::Datum(ovsdb::AtomType::boolean); }
ovsdb::Datum to_datum(const std::vector<std::string>& v);
ovsdb::Datum to_datum(const std::vector<int64_t>& v);
ovsdb::Datum to_datum(const std::vector<Uuid>& v);
ovsdb::Datum to_datum(const std::map<std::string, std::string>& v);
ovsdb::Datum to_datum(const std::map<std::string, int64_t>& v);

/// column = value; nothing is sent if that is what is there.
template <typename C>
struct TableOf;
#define TABLE(name, root, max_rows, index) \
  template <>                              \
  struct TableOf<name##Column> {           \
    using Row = name;                      \
  };
#include "vswitchd/schema.def"

template <typename C, typename V>
void set(ovsdb::ClientTransaction& txn, const Uuid& row, C column, const V& value) {
  const ovsdb::TableSchema& t = table_of(txn.schema(), TableOf<C>::Row::kTable);
  txn.set(t, row, t.columns[static_cast<uint16_t>(column)], to_datum(value));
}
template <typename C>
void clear(ovsdb::ClientTransaction& txn, const Uuid& row, C column) {
  const ovsdb::TableSchema& t = table_of(txn.schema(), TableOf<C>::Row::kTable);
  const ovsdb::ColumnSchema& c = t.columns[static_cast<uint16_t>(column)];
  txn.set(t, row, c, ovsdb::Datum(c.type.key.type, c.type.value.type));
}
/// A new row; its provisional uuid.
template <typename T>
Uuid insert(ovsdb::ClientTransaction& txn) {
  return txn.insert(table_of(txn.schema(), T::kTable));
}

/// What the switch daemon copies of a database: everything, with the columns that it writes itself as `quiet`.
std::vector<ovsdb::TableSelection> select_everything(const ovsdb::DatabaseSchema& s);

}  // namespace sluice::schema
