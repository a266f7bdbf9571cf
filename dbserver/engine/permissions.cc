// SPDX-License-Identifier: Apache-2.0
// RBAC_Role.permissions maps a table's name to its RBAC_Permission; "authorization" says whose rows, "update" which columns, "insert_delete" whether
// rows may come and go.  Whoever has no permission row for a table may not write it.
#include "dbserver/engine/permissions.h"

#include <fmt/core.h>

#include "dbserver/ovsdb/diff.h"

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
      if (!d.is_map() && d.key_type() == AtomType::string && d.contains(std::string_view(id_))) return true;
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

Status Permissions::may_delete(const Table& table, const Row& row) const {
  const Row* p = permission(table);
  if (p && get(*p, "insert_delete").boolean() && is_authorized(*p, table, row)) return {};
  return refuse("row deletion from", table);
}

Status Permissions::may_update(const Table& table, const Row& row, const ColumnSchema& column, DatumRef to, std::string_view verb) const {
  auto refused = [&] { return refuse(verb == "mutate" ? "mutate operation on" : "modification of", table); };
  if (row.get(column) == to) return {};
  const Row* p = permission(table);
  if (!p || !is_authorized(*p, table, row)) return refused();
  DatumRef columns = get(*p, "update");
  if (columns.key_type() != AtomType::string) return refused();
  if (columns.contains(std::string_view(column.name))) return {};
  if (!to.is_map() || to.key_type() != AtomType::string) return refused();
  Datum changed = datum_diff(row.get(column), to, column.type);
  for (size_t i = 0; i < changed.size(); i++)
    if (!columns.contains(std::string_view(fmt::format("{}:{}", column.name, changed.ref().key(i).string())))) return refused();
  return {};
}

}  // namespace sluice::ovsdb
