// SPDX-License-Identifier: Apache-2.0
// Conditions: parsing with OVS's texts, evaluation.
#include "dbserver/ovsdb/condition.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "dbserver/ovsdb/diff.h"

namespace sluice::ovsdb {
namespace {

struct FunctionName {
  std::string_view name;
  Function function;
};
constexpr std::array kFunctions = {
    FunctionName{"==", Function::equal},         FunctionName{"!=", Function::not_equal}, FunctionName{"<", Function::less},
    FunctionName{"<=", Function::less_equal},    FunctionName{">", Function::greater},    FunctionName{">=", Function::greater_equal},
    FunctionName{"includes", Function::includes}, FunctionName{"excludes", Function::excludes},
};

bool is_order(Function f) {
  return f == Function::less || f == Function::less_equal || f == Function::greater || f == Function::greater_equal;
}

bool is_number(AtomType t) { return t == AtomType::integer || t == AtomType::real; }

/// As many elements as the argument of a function on a column may have.
Result<Datum> parse_argument(const Json& j, Function f, const ColumnType& column, SymbolTable* symbols) {
  if (column.is_scalar() || f == Function::equal || f == Function::not_equal) return parse_datum(j, column, symbols);
  ColumnType t = column;
  t.n_min = is_order(f) ? 1 : 0;
  if (f == Function::excludes) t.n_max = kUnlimited;
  return parse_datum(j, t, symbols);
}

}  // namespace

bool Clause::matches(const Row& row) const {
  if (function == Function::always) return true;
  if (function == Function::never) return false;
  DatumRef value = row.get(*column), other = argument.ref();
  switch (function) {
    case Function::equal: return value == other;
    case Function::not_equal: return !(value == other);
    case Function::includes: return datum_includes(value, other);
    case Function::excludes: return datum_excludes(value, other);
    default: break;
  }
  if (value.empty()) return false;  // an optional number that is not there
  auto order = value.key(0) <=> other.key(0);
  switch (function) {
    case Function::less: return order < 0;
    case Function::less_equal: return order <= 0;
    case Function::greater: return order > 0;
    default: return order >= 0;
  }
}

Json Clause::to_json() const {
  if (!column) return function == Function::always;
  std::string_view name;
  for (const FunctionName& f : kFunctions)
    if (f.function == function) name = f.name;
  return Json::array({column->name, name, datum_to_json(argument)});
}

Result<Clause> Clause::from_json(const TableSchema& table, const Json& j, SymbolTable* symbols) {
  Clause c;
  if (j.is_bool()) {
    c.function = j.boolean() ? Function::always : Function::never;
    return c;
  }
  if (j.size() != 3 || !j.is_array() || !j[0].is_string() || !j[1].is_string()) return syntax_error(j, "Parse error in condition.");
  c.column = table.find(j[0].string());
  if (!c.column)
    return std::unexpected(DbError{"unknown column", fmt::format("No column {} in table {}.", j[0].string(), table.name), j.to_error_text(), {}});
  auto function = std::find_if(kFunctions.begin(), kFunctions.end(), [&](const FunctionName& f) { return f.name == j[1].string(); });
  if (function == kFunctions.end()) return fail("unknown function", fmt::format("No function named {}.", j[1].string()));
  c.function = function->function;
  const ColumnType& type = c.column->type;
  if (is_order(c.function) && !(is_number(type.key.type) && (type.is_scalar() || type.is_optional_scalar())))
    return syntax_error(j, fmt::format("Type mismatch: \"{}\" operator may not be applied to column {} of type {}.", j[1].string(), c.column->name,
                                       type.to_english()));
  auto argument = parse_argument(j[2], c.function, type, symbols);
  if (!argument) return std::unexpected(argument.error());
  c.argument = std::move(*argument);
  return c;
}

bool Condition::matches_all(const Row& row) const {
  for (const Clause& c : clauses)
    if (!c.matches(row)) return false;
  return true;
}

bool Condition::matches_any(const Row& row) const {
  for (const Clause& c : clauses)
    if (c.matches(row)) return true;
  return clauses.empty();
}

bool Condition::is_always() const {
  for (const Clause& c : clauses)
    if (c.function == Function::always) return true;
  return clauses.empty();
}

std::optional<Uuid> Condition::only_uuid() const {
  for (const Clause& c : clauses)
    if (c.function == Function::equal && c.column->index == kUuidColumn) return c.argument.ref().uuid();
  return std::nullopt;
}

Json Condition::to_json() const {
  Json j = Json::array();
  for (const Clause& c : clauses) j.push_back(c.to_json());
  return j;
}

Status Condition::parse(const TableSchema& table, const Json& j, SymbolTable* symbols) {
  if (!j.is_array()) return syntax_error(j, "array expected");
  clauses.clear();
  clauses.reserve(j.size());
  for (const Json& e : j.elements()) {
    auto c = Clause::from_json(table, e, symbols);
    if (!c) return std::unexpected(c.error());
    clauses.push_back(std::move(*c));
  }
  return {};
}

Result<Condition> Condition::from_json(const TableSchema& table, const Json& j, SymbolTable* symbols) {
  Condition c;
  if (auto s = c.parse(table, j, symbols); !s) return std::unexpected(s.error());
  return c;
}

}  // namespace sluice::ovsdb
