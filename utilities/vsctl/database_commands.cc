// SPDX-License-Identifier: Apache-2.0
// The commands that work on any table: list find get set add remove clear create destroy wait-until comment.
#include <fmt/core.h>

#include "dbserver/ovsdb/diff.h"
#include "dbserver/ovsdb/value_text.h"
#include "utilities/vsctl/names.h"

namespace sluice::vsctl {

namespace {

void check_mutable(const TableSchema& t, const ColumnSchema& c) {
  if (!c.is_mutable) throw Failure{fmt::format("cannot modify read-only column {} in table {}", c.name, t.name)};
}

/// Nothing is written if all of it is there: the switch need not wake up.
void add_elements(Context& ctx, const RowId& row, const ColumnSchema& c, const Datum& elements) {
  if (!ovsdb::datum_includes(ctx.view.get(row, c), elements)) ctx.view.add(row, c.name, elements);
}

}  // namespace

void set_column(Context& ctx, const RowId& row, const std::string& argument, bool fresh) {
  const TableSchema& t = *row.table;
  ColumnArgument a = parse_column_argument(t, argument, WantedValue::equals);
  const ColumnSchema& c = *a.column;
  if (!fresh && !ctx.view.txn().is_inserted(row.uuid)) check_mutable(t, c);
  if (!a.key) {
    ctx.view.set(row, c.name, parse_value(ctx, a.value, c.type));
    return;
  }
  if (!c.type.is_map()) throw Failure{fmt::format("cannot specify key to set for non-map column {}", c.name)};
  ovsdb::Atom key = parse_key(ctx, *a.key, c.type.key), value = parse_key(ctx, a.value, c.type.value);
  std::pair<AtomRef, AtomRef> pair{key.ref(), value.ref()};
  add_elements(ctx, row, c, Datum::map(c.type.key.type, c.type.value.type, std::span(&pair, 1)));
}

namespace {

/// The symbol that --id names, which must be new.
ovsdb::SymbolTable::Symbol* new_symbol(Context& ctx) {
  auto id = ctx.command.options.find("--id");
  if (id == ctx.command.options.end()) return nullptr;
  if (!id->second.starts_with('@')) throw Failure{fmt::format("row id \"{}\" does not begin with \"@\"", id->second)};
  auto& symbol = ctx.symbols.get(id->second);
  if (symbol.created) throw Failure{fmt::format("row id \"{}\" may only be specified on one --id option", id->second)};
  symbol.created = true;
  return &symbol;
}

void get(Context& ctx) {
  const TableSchema& t = match_table(ctx.view, ctx.arg(0));
  if (ctx.command.has("--id") && ctx.command.has("--if-exists")) throw Failure{"--if-exists and --id may not be specified together"};
  auto row = record(ctx, t, ctx.arg(1));
  if (!row) return;
  if (auto* symbol = new_symbol(ctx)) symbol->uuid = row->uuid;
  for (size_t i = 2; i < ctx.arg_count(); i++) {
    ColumnArgument a = parse_column_argument(t, ctx.arg(i), WantedValue::no);
    Datum d = ctx.view.get(*row, *a.column);
    ctx.view.txn().verify(t, row->uuid, *a.column);
    if (!a.key) {
      ctx.print_line(ovsdb::datum_to_text(d, a.column->type));
      continue;
    }
    if (!a.column->type.is_map()) throw Failure{fmt::format("cannot specify key to get for non-map column {}", a.column->name)};
    size_t at = d.ref().find(parse_key(ctx, *a.key, a.column->type.key));
    if (at < d.size())
      ctx.print_line(ovsdb::atom_to_text(d.ref().value(at)));
    else if (ctx.command.has("--if-exists"))
      ctx.print_line("");
    else
      throw Failure{fmt::format("no key \"{}\" in {} record \"{}\" column {}", *a.key, t.name, ctx.arg(1), a.column->name)};
  }
}

void set(Context& ctx) {
  const TableSchema& t = match_table(ctx.view, ctx.arg(0));
  auto row = record(ctx, t, ctx.arg(1));
  if (!row) return;
  for (size_t i = 2; i < ctx.arg_count(); i++) set_column(ctx, *row, ctx.arg(i), false);
}

/// The number of elements that "add" or "remove" leaves must be one that the column may have.
void check_size(Context& ctx, const RowId& row, const ColumnSchema& c, std::string_view operation) {
  size_t n = ctx.view.get(row, c).size();
  bool few = n < c.type.n_min;
  if (few || n > c.type.n_max)
    throw Failure{fmt::format("\"{}\" operation would put {} {} in column {} of table {} but the {} number is {}", operation, n, c.type.is_map() ? "pairs" : "values",
                              c.name, row.table->name, few ? "minimum" : "maximum", few ? c.type.n_min : c.type.n_max)};
}

ovsdb::ColumnType of_any_size(ovsdb::ColumnType type) {
  type.n_min = 0;
  type.n_max = ovsdb::kUnlimited;
  return type;
}

void add(Context& ctx) {
  const TableSchema& t = match_table(ctx.view, ctx.arg(0));
  auto row = record(ctx, t, ctx.arg(1));
  if (!row) return;
  const ColumnSchema& c = match_column(t, ctx.arg(2), false);
  check_mutable(t, c);
  ovsdb::ColumnType type = of_any_size(c.type);
  for (size_t i = 3; i < ctx.arg_count(); i++) add_elements(ctx, *row, c, parse_value(ctx, ctx.arg(i), type));
  if (!ctx.alone) check_size(ctx, *row, c, "add");  // alone it does not read the column, says the peer: the server finds out
}

void remove(Context& ctx) {
  const TableSchema& t = match_table(ctx.view, ctx.arg(0));
  auto row = record(ctx, t, ctx.arg(1));
  if (!row) return;
  const ColumnSchema& c = match_column(t, ctx.arg(2), false);
  check_mutable(t, c);
  ovsdb::ColumnType type = of_any_size(c.type), keys = type;
  keys.value = {};
  for (size_t i = 3; i < ctx.arg_count(); i++) {
    auto elements = ovsdb::parse_datum_text(ctx.arg(i), type, &ctx.symbols);
    if (!elements && type.is_map()) elements = ovsdb::parse_datum_text(ctx.arg(i), keys, &ctx.symbols);
    if (!elements) throw Failure{elements.error()};
    // Likewise if nothing of it is there.
    Datum there = ctx.view.get(*row, c);
    if (ovsdb::datum_subtract(there, *elements) == there) continue;
    ctx.view.remove(*row, c.name, *elements);
  }
  check_size(ctx, *row, c, "remove");
}

void clear(Context& ctx) {
  const TableSchema& t = match_table(ctx.view, ctx.arg(0));
  auto row = record(ctx, t, ctx.arg(1));
  if (!row) return;
  for (size_t i = 2; i < ctx.arg_count(); i++) {
    const ColumnSchema& c = match_column(t, ctx.arg(i), false);
    check_mutable(t, c);
    if (c.type.n_min > 0)
      throw Failure{fmt::format("\"clear\" operation cannot be applied to column {} of table {}, which is not allowed to be empty", c.name, t.name)};
    ctx.view.set(*row, c.name, Datum(c.type.key.type, c.type.value.type));
  }
}

void create(Context& ctx) {
  const TableSchema& t = match_table(ctx.view, ctx.arg(0));
  auto id = ctx.command.options.find("--id");
  auto chosen = id == ctx.command.options.end() ? std::nullopt : parse_uuid(id->second);  // of a row that is to have just this uuid
  auto* symbol = chosen ? nullptr : new_symbol(ctx);
  if (!symbol && !chosen && !t.is_root)
    ctx.warnings.push_back(fmt::format("db_ctl_base|WARN|applying \"create\" command to table {} without --id option will have no effect", t.name));
  RowId row{&t, {}};
  if (chosen) {
    row.uuid = *chosen;
    ctx.view.txn().insert_chosen(t, row.uuid);
  } else if (symbol) {
    row.uuid = symbol->uuid;
    ctx.view.txn().insert(t, row.uuid);
  } else {
    row = ctx.view.insert(t.name);
  }
  for (size_t i = 1; i < ctx.arg_count(); i++) set_column(ctx, row, ctx.arg(i), true);
  if (t.name == "Interface") ctx.new_interfaces.push_back(row);
  ctx.output.created = row;
}

void destroy(Context& ctx) {
  const TableSchema& t = match_table(ctx.view, ctx.arg(0));
  bool all = ctx.command.has("--all");
  if (all && ctx.arg_count() > 1) throw Failure{"--all and records argument should not be specified together"};
  if (all && ctx.command.has("--if-exists")) throw Failure{"--all and --if-exists should not be specified together"};
  if (!all && ctx.arg_count() == 1) ctx.warnings.push_back("db_ctl_base|WARN|either --all or records argument should be specified");
  if (all)
    for (const RowId& row : ctx.view.rows(t)) ctx.view.erase(row);
  for (size_t i = 1; i < ctx.arg_count(); i++)
    if (auto row = record(ctx, t, ctx.arg(i))) ctx.view.erase(*row);
}

ovsdb::TextTable empty_table(const std::vector<const ColumnSchema*>& columns) {
  ovsdb::TextTable table;
  for (const ColumnSchema* c : columns) table.add_column(c->name);
  return table;
}

void add_to_table(Context& ctx, const RowId& row, const std::vector<const ColumnSchema*>& columns) {
  ctx.output.table->add_row();
  for (const ColumnSchema* c : columns) ctx.output.table->add(ctx.view.get(row, *c), c->type);
}

const std::string* columns_option(Context& ctx) {
  auto it = ctx.command.options.find("--columns");
  return it == ctx.command.options.end() ? nullptr : &it->second;
}

void list(Context& ctx) {
  const TableSchema& t = match_table(ctx.view, ctx.arg(0));
  auto columns = match_columns(t, columns_option(ctx));
  ctx.output.table = empty_table(columns);
  if (ctx.arg_count() == 1)
    for (const RowId& row : ctx.view.rows(t, columns)) add_to_table(ctx, row, columns);
  for (size_t i = 1; i < ctx.arg_count(); i++)
    if (auto row = record(ctx, t, ctx.arg(i))) {
      ctx.view.load(t, row->uuid, columns);
      add_to_table(ctx, *row, columns);
    }
}

void find(Context& ctx) {
  const TableSchema& t = match_table(ctx.view, ctx.arg(0));
  auto columns = match_columns(t, columns_option(ctx));
  ctx.output.table = empty_table(columns);
  std::vector<ColumnArgument> conditions;
  for (size_t i = 1; i < ctx.arg_count(); i++) conditions.push_back(parse_column_argument(t, ctx.arg(i), WantedValue::relation));
  auto needed = columns;
  for (const ColumnArgument& a : conditions) needed.push_back(a.column);
  for (const RowId& row : ctx.view.rows(t, needed)) {
    bool all = true;
    for (const ColumnArgument& a : conditions) all = all && satisfies(ctx, row, a);
    if (all) add_to_table(ctx, row, columns);
  }
}

void wait_until(Context& ctx) {
  const TableSchema& t = match_table(ctx.view, ctx.arg(0));
  std::vector<ColumnArgument> conditions;
  for (size_t i = 2; i < ctx.arg_count(); i++) conditions.push_back(parse_column_argument(t, ctx.arg(i), WantedValue::relation));
  auto row = find_record(ctx, t, ctx.arg(1));
  bool met = row.has_value();
  for (const ColumnArgument& a : conditions) met = met && satisfies(ctx, *row, a);
  if (!met) ctx.try_again = true;
}

void comment(Context& ctx) {
  std::string text;
  for (const std::string& s : ctx.command.args) text += (text.empty() ? "" : " ") + s;
  ctx.view.txn().comment(text);
}

constexpr CommandSpec kCommands[] = {
    {"comment", 0, kAny, "*ARG", "", comment},
    {"get", 2, kAny, "!TABLE !RECORD *COLUMN?:KEY", "--if-exists,--id=", get},
    {"list", 1, kAny, "!TABLE *RECORD", "--if-exists,--columns=", list},
    {"find", 1, kAny, "!TABLE *COLUMN?:KEY=VALUE", "--columns=", find},
    {"set", 3, kAny, "!TABLE !RECORD +COLUMN?:KEY=VALUE", "--if-exists", set},
    {"add", 4, kAny, "!TABLE !RECORD !COLUMN +?KEY=VALUE", "--if-exists", add},
    {"remove", 4, kAny, "!TABLE !RECORD !COLUMN +KEY|VALUE|KEY=VALUE", "--if-exists", remove},
    {"clear", 3, kAny, "!TABLE !RECORD +COLUMN", "--if-exists", clear},
    {"create", 2, kAny, "!TABLE +COLUMN?:KEY=VALUE", "--id=", create},
    {"destroy", 1, kAny, "!TABLE *RECORD", "--if-exists,--all", destroy},
    {"wait-until", 2, kAny, "!TABLE !RECORD *COLUMN?:KEY=VALUE", "", wait_until},
};

}  // namespace

std::span<const CommandSpec> database_commands() { return kCommands; }

}  // namespace sluice::vsctl
