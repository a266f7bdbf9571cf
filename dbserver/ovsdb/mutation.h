// SPDX-License-Identifier: Apache-2.0
// Mutations (RFC 7047 5.1): arithmetic on numbers and sets of numbers, insertion and deletion on sets and maps.
#pragma once

#include <vector>

#include "dbserver/ovsdb/row.h"
#include "dbserver/ovsdb/value_json.h"

namespace sluice::ovsdb {

enum class Mutator : uint8_t { add, subtract, multiply, divide, modulo, insert, remove };

struct Mutation {
  const ColumnSchema* column = nullptr;
  Mutator mutator = Mutator::add;
  Datum argument;

  /// The column's new value.  Constraints of the column hold for it.
  Result<Datum> apply(DatumRef value) const;
  static Result<Mutation> from_json(const TableSchema& table, const Json& j, SymbolTable* symbols);
};

Result<std::vector<Mutation>> parse_mutations(const TableSchema& table, const Json& j, SymbolTable* symbols);

}  // namespace sluice::ovsdb
