// SPDX-License-Identifier: Apache-2.0
// Conversion: every row is written anew by the other schema's types; then the rules of a commit must hold.
#include "dbserver/engine/convert.h"

#include "dbserver/ovsdb/value_json.h"

namespace sluice::ovsdb {
namespace {

Result<RowPtr> convert_row(const TableSchema& from, const Row& row, const TableSchema& to, UuidSource& uuids) {
  RowBuilder builder;
  builder.start(to);
  for (const ColumnSchema& c : to.columns) {
    const ColumnSchema* old = from.find(c.name);
    if (!old) {
      if (auto s = c.type.check(c.default_value); !s) return std::unexpected(s.error());
      continue;
    }
    auto value = parse_datum(datum_to_json(row.get(*old)), c.type);
    if (!value) return std::unexpected(value.error());
    builder.set(c, *value);
  }
  return builder.build(row.uuid(), uuids.next());
}

}  // namespace

Result<std::unique_ptr<Database>> convert_database(Database& from, std::shared_ptr<const DatabaseSchema> schema, UuidSource& uuids) {
  auto to = std::make_unique<Database>(std::move(schema), uuids);
  Changes changes;
  for (Table& old : from.tables()) {
    Table* t = to->find_table(old.schema().name);
    if (!t) continue;
    for (const RowPtr& row : old) {
      auto converted = convert_row(old.schema(), *row, t->schema(), uuids);
      if (!converted) return std::unexpected(converted.error());
      to->insert(changes, t->schema().index, *converted);
    }
  }
  auto commit = to->commit(changes);
  if (!commit) return std::unexpected(commit.error());
  return to;
}

}  // namespace sluice::ovsdb
