// SPDX-License-Identifier: Apache-2.0
// Mutations: parsing and arithmetic with OVS's texts.
#include "dbserver/ovsdb/mutation.h"

#include <fmt/core.h>

#include <array>
#include <cmath>
#include <optional>

#include "dbserver/ovsdb/diff.h"

namespace sluice::ovsdb {
namespace {

constexpr std::array<std::string_view, 7> kNames = {"+=", "-=", "*=", "/=", "%=", "insert", "delete"};
std::string_view name_of(Mutator m) { return kNames[static_cast<size_t>(m)]; }
bool is_arithmetic(Mutator m) { return m < Mutator::insert; }

bool may_apply(Mutator m, const ColumnType& t) {
  if (!is_arithmetic(m)) return !t.is_scalar();
  if (t.is_map()) return false;
  return t.key.type == AtomType::integer || (t.key.type == AtomType::real && m != Mutator::modulo);
}

std::unexpected<DbError> out_of_range(Mutator m) { return fail("range error", fmt::format("Result of \"{}\" operation is out of range.", name_of(m))); }

Result<int64_t> compute(Mutator m, int64_t a, int64_t b) {
  int64_t r = 0;
  bool overflow = false;
  switch (m) {
    case Mutator::add: overflow = __builtin_add_overflow(a, b, &r); break;
    case Mutator::subtract: overflow = __builtin_sub_overflow(a, b, &r); break;
    case Mutator::multiply: overflow = __builtin_mul_overflow(a, b, &r); break;
    default:
      if (b == 0) return fail("domain error", "Division by zero.");
      if (b == -1) {  // INT64_MIN / -1 overflows
        if (m == Mutator::modulo) return 0;
        overflow = __builtin_sub_overflow(int64_t{0}, a, &r);
      } else {
        r = m == Mutator::divide ? a / b : a % b;
      }
  }
  if (overflow) return out_of_range(m);
  return r;
}

Result<double> compute(Mutator m, double a, double b) {
  double r = 0;
  switch (m) {
    case Mutator::add: r = a + b; break;
    case Mutator::subtract: r = a - b; break;
    case Mutator::multiply: r = a * b; break;
    default:
      if (b == 0) return fail("domain error", "Division by zero.");
      r = a / b;
  }
  if (!std::isfinite(r)) return out_of_range(m);
  return r;
}

Result<Datum> apply_arithmetic(const Mutation& m, DatumRef value) {
  DatumBuilder b(value.key_type());
  AtomRef operand = m.argument.ref().key(0);
  for (size_t i = 0, n = value.size(); i < n; i++) {
    AtomRef result;
    if (value.key_type() == AtomType::integer) {
      auto r = compute(m.mutator, value.key(i).integer(), operand.integer());
      if (!r) return std::unexpected(r.error());
      result = *r;
    } else {
      auto r = compute(m.mutator, value.key(i).real(), operand.real());
      if (!r) return std::unexpected(r.error());
      result = *r;
    }
    if (auto s = m.column->type.key.check(result); !s) return std::unexpected(s.error());
    b.add(result);
  }
  if (!b.sort()) return constraint_violation(fmt::format("Result of \"{}\" operation contains duplicates.", name_of(m.mutator)));
  return b.finish();
}

}  // namespace

Result<Datum> Mutation::apply(DatumRef value) const {
  if (is_arithmetic(mutator)) return apply_arithmetic(*this, value);
  Datum result = mutator == Mutator::insert ? datum_union(value, argument) : datum_subtract(value, argument);
  const ColumnType& t = column->type;
  size_t n = result.size();
  if (n < t.n_min || n > t.n_max) return constraint_violation(fmt::format("Attempted to store {} elements in {}.", n, t.to_english()));
  return result;
}

Result<Mutation> Mutation::from_json(const TableSchema& table, const Json& j, SymbolTable* symbols) {
  if (j.size() != 3 || !j.is_array() || !j[0].is_string() || !j[1].is_string()) return syntax_error(j, "Parse error in mutation.");
  Mutation m;
  m.column = table.find(j[0].string());
  if (!m.column)
    return std::unexpected(DbError{"unknown column", fmt::format("No column {} in table {}.", j[0].string(), table.name), j.to_error_text(), {}});
  if (!m.column->is_mutable)
    return std::unexpected(
        DbError{"constraint violation", fmt::format("Cannot mutate immutable column {} in table {}.", m.column->name, table.name), j.to_error_text(), {}});
  size_t at = 0;
  while (at < kNames.size() && kNames[at] != j[1].string()) at++;
  if (at == kNames.size()) return fail("unknown mutator", fmt::format("No mutator named {}.", j[1].string()));
  m.mutator = static_cast<Mutator>(at);

  const ColumnType& type = m.column->type;
  if (!may_apply(m.mutator, type))
    return syntax_error(j, fmt::format("Type mismatch: \"{}\" operator may not be applied to column {} of type {}.", j[1].string(), m.column->name,
                                       type.to_english()));
  ColumnType argument = type;
  if (is_arithmetic(m.mutator)) {
    argument = ColumnType{BaseType{type.key.type}, {}, 1, 1};
  } else {
    argument.n_min = 0;
    if (m.mutator == Mutator::remove) argument.n_max = kUnlimited;
  }
  auto datum = parse_datum(j[2], argument, symbols);
  if (!datum && m.mutator == Mutator::remove && type.is_map()) {
    argument.value = BaseType{};  // keys, whatever their values
    datum = parse_datum(j[2], argument, symbols);
  }
  if (!datum) return std::unexpected(datum.error());
  m.argument = std::move(*datum);
  return m;
}

Result<std::vector<Mutation>> parse_mutations(const TableSchema& table, const Json& j, SymbolTable* symbols) {
  std::vector<Mutation> all;
  all.reserve(j.size());
  for (const Json& e : j.elements()) {
    auto m = Mutation::from_json(table, e, symbols);
    if (!m) return std::unexpected(m.error());
    all.push_back(std::move(*m));
  }
  return all;
}

}  // namespace sluice::ovsdb
