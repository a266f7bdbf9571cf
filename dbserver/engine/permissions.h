// SPDX-License-Identifier: Apache-2.0
// Role-based access control (spec/ovsdb-protocol.md section 12): what a client with a role and an id may do.
#pragma once

#include <string>

#include "dbserver/engine/database.h"

namespace sluice::ovsdb {

class Permissions {
 public:
  /// role: of the remote, not empty.  id: the certificate's common name.  REQUIRES: db lives longer.
  Permissions(Database& db, std::string role, std::string id) : db_(db), role_(std::move(role)), id_(std::move(id)) {}

  Status may_insert(const Table& table, const Row& row) const;
  Status may_delete(const Table& table, const Row& row) const;
  /// `to`: the column's new value; what it changes must be permitted.
  Status may_update(const Table& table, const Row& row, const ColumnSchema& column, DatumRef to, std::string_view verb) const;

 private:
  /// The RBAC_Permission row for the table, or nullptr.
  const Row* permission(const Table& table) const;
  bool is_authorized(const Row& permission, const Table& table, const Row& row) const;
  DatumRef get(const Row& permission, std::string_view column) const;
  std::unexpected<DbError> refuse(std::string_view verb, const Table& table) const;

  Database& db_;
  std::string role_, id_;
};

}  // namespace sluice::ovsdb
