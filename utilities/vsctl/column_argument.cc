// SPDX-License-Identifier: Apache-2.0
// COLUMN[:KEY][OPERATOR VALUE]: parsing, and evaluation as a condition.
#include <fmt/core.h>

#include <algorithm>

#include "dbserver/ovsdb/diff.h"
#include "dbserver/ovsdb/value_text.h"
#include "utilities/vsctl/names.h"

namespace sluice::vsctl {
namespace {

struct RelationName {
  std::string_view text;
  Relation relation;
};
/// In the order in which error messages list them; a longer one that begins like a shorter one is preferred when parsing.
constexpr RelationName kRelations[] = {
    {"=", Relation::eq},       {"!=", Relation::ne},       {"<", Relation::lt},       {">", Relation::gt},       {"<=", Relation::le},
    {">=", Relation::ge},      {"{=}", Relation::set_eq},  {"{!=}", Relation::set_ne}, {"{<}", Relation::set_lt}, {"{>}", Relation::set_gt},
    {"{<=}", Relation::set_le}, {"{>=}", Relation::set_ge}, {"{in}", Relation::in},     {"{not-in}", Relation::not_in},
};
constexpr std::string_view kDelimiters = ":=, []{}!<>";

bool is_set_relation(Relation r) { return r >= Relation::set_eq; }

std::string relations_in_words() {
  std::string out;
  size_t n = std::size(kRelations);
  for (size_t i = 0; i < n; i++) out += fmt::format("{}\"{}\"", i == 0 ? "" : i + 1 == n ? ", or " : ", ", kRelations[i].text);
  return out;
}

std::string take_token(std::string_view& rest) {
  auto token = ovsdb::parse_token(rest, kDelimiters);
  if (!token) throw Failure{token.error()};
  return *token;
}

bool compare_scalars(Relation r, std::weak_ordering o) {
  switch (r) {
    case Relation::eq: return o == 0;
    case Relation::ne: return o != 0;
    case Relation::lt: return o < 0;
    case Relation::gt: return o > 0;
    case Relation::le: return o <= 0;
    case Relation::ge: return o >= 0;
    default: return false;
  }
}

bool compare_sets(Relation r, DatumRef a, DatumRef b) {
  switch (r) {
    case Relation::set_eq: return a == b;
    case Relation::set_ne: return !(a == b);
    case Relation::set_lt: return a.size() < b.size() && ovsdb::datum_includes(b, a);
    case Relation::set_gt: return a.size() > b.size() && ovsdb::datum_includes(a, b);
    case Relation::set_le:
    case Relation::in: return ovsdb::datum_includes(b, a);
    case Relation::set_ge: return ovsdb::datum_includes(a, b);
    case Relation::not_in: return ovsdb::datum_excludes(a, b);
    default: return false;
  }
}

/// A type for values that need not fit the column: any number of elements.
ovsdb::ColumnType loosened(ovsdb::ColumnType type) {
  type.n_min = 0;
  type.n_max = ovsdb::kUnlimited;
  return type;
}

}  // namespace

ColumnArgument parse_column_argument(const TableSchema& t, std::string_view text, WantedValue wanted) {
  ColumnArgument out;
  std::string_view rest = text;
  std::string name = take_token(rest);
  if (name.empty()) throw Failure{fmt::format("{}: missing column name", text)};
  out.column = &match_column(t, name, wanted != WantedValue::equals);
  if (rest.starts_with(':')) {
    rest.remove_prefix(1);
    out.key = take_token(rest);
  }
  if (wanted == WantedValue::no) {
    if (!rest.empty()) throw Failure{fmt::format("{}: trailing garbage \"{}\" in argument", text, rest)};
    return out;
  }
  const RelationName* best = nullptr;
  for (const RelationName& r : kRelations) {
    if (wanted == WantedValue::equals && r.relation != Relation::eq) continue;
    if (rest.starts_with(r.text) && (!best || r.text.size() > best->text.size())) best = &r;
  }
  if (!best || rest.size() == best->text.size())
    throw Failure{fmt::format("{}: argument does not end in {} followed by a value.", text, wanted == WantedValue::equals ? "\"=\"" : relations_in_words())};
  out.relation = best->relation;
  out.value = rest.substr(best->text.size());
  return out;
}

Datum parse_value(Context& ctx, std::string_view text, const ovsdb::ColumnType& type) {
  auto d = ovsdb::parse_datum_text(text, type, &ctx.symbols);
  if (!d) throw Failure{d.error()};
  return *d;
}

ovsdb::Atom parse_key(Context& ctx, std::string_view text, const ovsdb::BaseType& type) {
  auto a = ovsdb::parse_atom_text(text, type, &ctx.symbols);
  if (!a) throw Failure{a.error()};
  return *a;
}

bool satisfies(Context& ctx, const RowId& row, const ColumnArgument& condition) {
  const ColumnSchema& c = *condition.column;
  bool sets = is_set_relation(condition.relation);
  if (!condition.key) {
    Datum there = ctx.view.get(row, c), wanted = parse_value(ctx, condition.value, sets ? loosened(c.type) : c.type);
    return sets ? compare_sets(condition.relation, there, wanted) : compare_scalars(condition.relation, compare(there.ref(), wanted.ref()));
  }
  if (!c.type.is_map()) throw Failure{fmt::format("cannot specify key to check for non-map column {}", c.name)};
  ovsdb::Atom key = parse_key(ctx, *condition.key, c.type.key);
  ovsdb::ColumnType value_type{.key = c.type.value};
  Datum wanted = parse_value(ctx, condition.value, sets ? loosened(value_type) : value_type);
  Datum map = ctx.view.get(row, c);
  size_t at = map.ref().find(key);
  if (at == map.size() && !sets) return false;
  Datum there = at == map.size() ? Datum(c.type.value.type) : Datum::scalar(map.ref().value(at));
  return sets ? compare_sets(condition.relation, there, wanted) : compare_scalars(condition.relation, compare(there.ref(), wanted.ref()));
}

}  // namespace sluice::vsctl
