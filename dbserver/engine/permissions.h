// SPDX-License-Identifier: Apache-2.0
// Role-based access control (spec/ovsdb-protocol.md section 12): what a client with a role and an id may do.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "dbserver/engine/database.h"

namespace sluice::ovsdb {

class Permissions {
 public:
  /// role: of the remote, not empty.  id: the certificate's common name.  REQUIRES: db lives longer.
  Permissions(Database& db, std::string role, std::string id) : db_(db), role_(std::move(role)), id_(std::move(id)) {}

  Status may_insert(const Table& table, const Row& row) const;
  /// Whoever has no permission row is refused with no rows too; with one, what it says is asked of each row.
  Status may_delete(const Table& table, std::span<const RowPtr> rows) const;
  Status may_change(const Table& table, std::span<const ColumnSchema* const> columns, std::span<const RowPtr> rows, std::string_view verb) const;

 private:
  /// The RBAC_Permission row for the table, or nullptr.
  const Row* permission(const Table& table) const;
  bool is_authorized(const Row& permission, const Table& table, const Row& row) const;
  bool is_column_permitted(const Row& permission, const ColumnSchema& column) const;
  DatumRef get(const Row& permission, std::string_view column) const;
  std::unexpected<DbError> refuse(std::string_view verb, const Table& table) const;

  Database& db_;
  std::string role_, id_;
};

}  // namespace sluice::ovsdb
