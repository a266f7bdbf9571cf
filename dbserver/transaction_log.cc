// SPDX-License-Identifier: Apache-2.0
#include "dbserver/transaction_log.h"

#include "dbserver/ovsdb/value_text.h"
#include "lib/log.h"

namespace sluice::ovsdb {
namespace {

Log log_("transaction");

std::string row_text(const TableSchema& table, const Row& row) {
  std::string out;
  auto add = [&](const ColumnSchema& c) { out += fmt::format(",{}:{}", c.name, datum_to_text(row.get(c), c.type)); };
  add(table.uuid_column);
  add(table.version_column);
  for (const ColumnSchema& c : table.columns) add(c);
  return out;
}

}  // namespace

void TransactionLog::set(const std::string& table, bool on) {
  if (on) tables_.insert(table);
  else tables_.erase(table);
}

void TransactionLog::note(const DatabaseSchema& schema, const Commit& commit) const {
  if (tables_.empty()) return;
  for (const RowChange& c : commit.changes) {
    const TableSchema& table = schema.tables[c.table];
    if (!is_on(table.name)) continue;
    const Row& row = c.after ? *c.after : *c.before;
    log_.info("table:{},op:{}{}", table.name, !c.before ? "inserted" : c.after ? "updated" : "deleted", row_text(table, row));
  }
}

}  // namespace sluice::ovsdb
