// SPDX-License-Identifier: Apache-2.0
// RBAC_Role.permissions maps a table's name to its RBAC_Permission; "authorization" says whose rows (a column with the client's id, a map's COLUMN:KEY
// with it, or "" for all), "update" which columns, whole ones, "insert_delete" whether rows may come and go.  Whoever has no permission row for a table may
// not write it.
#include "dbserver/engine/permissions.h"

#include <fmt/core.h>

#include <algorithm>

namespace sluice::ovsdb {

const Row* Permissions::permission(const Table& table) const {
  Table *roles = db_.find_table("RBAC_Role"), *permissions = db_.find_table("RBAC_Permission");
  if (!roles || !permissions) return nullptr;
  const ColumnSchema *name = roles->schema().find("name"), *map = roles->schema().find("permissions");
  if (!name || !map) return nullptr;
  for (const RowPtr& role : *roles) {
    if (role->get(*name).string() != role_) continue;
    DatumRef d = role->get(*map);
    if (d.key_type() != AtomType::string || d.value_type() != AtomType::uuid) return nullptr;
    size_t at = d.find(std::string_view(table.schema().name));
    if (at == d.size()) return nullptr;
    const RowPtr* found = permissions->find(d.value(at).uuid());
    return found ? found->get() : nullptr;
  }
  return nullptr;
}

DatumRef Permissions::get(const Row& permission, std::string_view column) const {
  const ColumnSchema* c = db_.find_table("RBAC_Permission")->schema().find(column);
  return c ? permission.get(*c) : DatumRef();
}

bool Permissions::is_authorized(const Row& permission, const Table& table, const Row& row) const {
  DatumRef list = get(permission, "authorization");
  if (list.key_type() != AtomType::string) return false;
  for (size_t i = 0; i < list.size(); i++) {
    std::string_view entry = list.key(i).string();
    if (entry.empty()) return true;
    size_t colon = entry.find(':');
    const ColumnSchema* c = table.schema().find(entry.substr(0, colon));
    if (!c) continue;
    DatumRef d = row.get(*c);
    if (colon == entry.npos) {
      // Of one string, or none: a set of several gives nobody a right, as with the peer.
      if (c->type.n_max == 1 && !d.is_map() && d.key_type() == AtomType::string && d.contains(std::string_view(id_))) return true;
    } else if (d.get(entry.substr(colon + 1), "") == id_ && !id_.empty()) {
      return true;
    }
  }
  return false;
}

std::unexpected<DbError> Permissions::refuse(std::string_view verb, const Table& table) const {
  return fail("permission error", fmt::format("RBAC rules for client \"{}\" role \"{}\" prohibit {} table \"{}\".", id_, role_, verb, table.schema().name));
}

Status Permissions::may_insert(const Table& table, const Row& row) const {
  const Row* p = permission(table);
  if (p && get(*p, "insert_delete").boolean() && is_authorized(*p, table, row)) return {};
  return refuse("row insertion into", table);
}

Status Permissions::may_delete(const Table& table, std::span<const RowPtr> rows) const {
  const Row* p = permission(table);
  auto may = [&](const RowPtr& row) { return get(*p, "insert_delete").boolean() && is_authorized(*p, table, *row); };
  if (p && std::all_of(rows.begin(), rows.end(), may)) return {};
  return refuse("row deletion from", table);
}

bool Permissions::is_column_permitted(const Row& permission, const ColumnSchema& column) const {
  DatumRef columns = get(permission, "update");
  return columns.key_type() == AtomType::string && columns.contains(std::string_view(column.name));
}

Status Permissions::may_change(const Table& table, std::span<const ColumnSchema* const> columns, std::span<const RowPtr> rows, std::string_view verb) const {
  const Row* p = permission(table);
  bool all_columns = p && std::all_of(columns.begin(), columns.end(), [&](const ColumnSchema* c) { return is_column_permitted(*p, *c); });
  auto may = [&](const RowPtr& row) { return all_columns && is_authorized(*p, table, *row); };
  if (p && std::all_of(rows.begin(), rows.end(), may)) return {};
  return refuse(verb, table);
}

}  // namespace sluice::ovsdb
