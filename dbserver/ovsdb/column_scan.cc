// SPDX-License-Identifier: Apache-2.0
// The column whose value comes next, if it is another than the last time.
#include "dbserver/ovsdb/column_scan.h"

namespace sluice::ovsdb {

bool ColumnScan::find(JsonScanner& s, const TableSchema& table, bool first, Expected& out) {
  std::string_view name;
  if ((!first && !s.take(',')) || !s.string(name) || !s.take(':')) return false;
  const ColumnSchema* c = table.find(name);
  if (!c || c->index >= kVersionColumn) return false;
  out = {c, c->json_name.at(first)};
  return true;
}

}  // namespace sluice::ovsdb
