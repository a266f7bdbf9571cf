// SPDX-License-Identifier: Apache-2.0
// Conditions of "where" (RFC 7047 5.1), with OVS's additions: literals true and false, order on optional numbers.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "dbserver/ovsdb/row.h"
#include "dbserver/ovsdb/value_json.h"

namespace sluice::ovsdb {

enum class Function : uint8_t { never, always, less, less_equal, equal, not_equal, greater_equal, greater, includes, excludes };

struct Clause {
  const ColumnSchema* column = nullptr;  // null for never and always
  Function function = Function::always;
  Datum argument;

  bool matches(const Row& row) const;
  Json to_json() const;
  static Result<Clause> from_json(const TableSchema& table, const Json& j, SymbolTable* symbols);
  friend bool operator==(const Clause&, const Clause&) = default;
};

struct Condition {
  std::vector<Clause> clauses;

  /// Transactions: all must hold; none given means every row.
  bool matches_all(const Row& row) const;
  /// Monitors: one must hold; none given means every row.
  bool matches_any(const Row& row) const;
  bool is_always() const;  // for matches_any
  /// The uuid that the row must have, if a clause says so.
  std::optional<Uuid> only_uuid() const;
  Json to_json() const;
  static Result<Condition> from_json(const TableSchema& table, const Json& j, SymbolTable* symbols);
  /// Takes the place of what was there, and its memory.
  Status parse(const TableSchema& table, const Json& j, SymbolTable* symbols);
  friend bool operator==(const Condition&, const Condition&) = default;
};

}  // namespace sluice::ovsdb
