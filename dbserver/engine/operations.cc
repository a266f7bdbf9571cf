// SPDX-License-Identifier: Apache-2.0
// The ten operations of "transact" (RFC 7047 5.2).  Each takes its members, and does nothing unless they are all right.
#include "dbserver/engine/operations.h"

#include <fmt/core.h>

#include <algorithm>
#include <boost/unordered/unordered_flat_set.hpp>
#include <set>

#include "dbserver/ovsdb/mutation.h"
#include "dbserver/engine/permissions.h"
#include "dbserver/engine/transaction.h"

namespace sluice::ovsdb {
namespace {

using R = ObjectReader;

std::unexpected<DbError> with_syntax(std::string_view tag, std::string details, const Json& j) {
  return std::unexpected(DbError{std::string(tag), std::move(details), j.to_error_text(), {}});
}

/// OVS's "sort" member of "select".
void sort_rows(std::vector<RowPtr>& rows, const std::vector<const ColumnSchema*>& order) {
  std::stable_sort(rows.begin(), rows.end(), [&](const RowPtr& a, const RowPtr& b) {
    for (const ColumnSchema* c : order)
      if (auto o = compare(a->get(*c), b->get(*c)); o != 0) return o < 0;
    return false;
  });
}

/// A row's value in a column, as bytes that are equal exactly if the values are.
void append_key(std::string& key, DatumRef d) {
  uint32_t size = static_cast<uint32_t>(d.bytes().size());
  key.append(reinterpret_cast<const char*>(&size), sizeof size);
  key.append(d.bytes());
}

/// One row of those that look the same in these columns: RFC 7047 calls "rows" a set.
void keep_distinct(std::vector<RowPtr>& rows, const std::vector<const ColumnSchema*>& columns) {
  if (std::any_of(columns.begin(), columns.end(), [](const ColumnSchema* c) { return c->index == kUuidColumn; })) return;
  boost::unordered_flat_set<std::string> seen;
  std::erase_if(rows, [&](const RowPtr& row) {
    std::string key;
    for (const ColumnSchema* c : columns) append_key(key, row->get(*c));
    return !seen.insert(std::move(key)).second;
  });
}

}  // namespace

Result<Uuid> Transaction::take_new_uuid(Table& table, const Json* uuid, std::string_view uuid_name) {
  Uuid fresh;
  if (uuid) {
    auto u = parse_uuid(uuid->string());
    if (!u) return syntax_error(*uuid, "bad uuid");
    const RowChange* change = changes_.find(table.schema().index, *u);
    if (table.find(*u) || (change && !change->cancelled)) return with_syntax("duplicate uuid", std::string(kDuplicateUuid), *uuid);
    fresh = *u;
  }
  if (!uuid_name.empty()) {
    SymbolTable::Symbol& symbol = symbols_.get(uuid_name);
    if (symbol.created) return with_syntax("duplicate uuid-name", std::string(kDuplicateUuidName), uuid_name);
    symbol.created = true;
    if (uuid) symbol.uuid = fresh;
    else fresh = symbol.uuid;
  } else if (!uuid) {
    fresh = uuids_.next();
  }
  return fresh;
}

Status Transaction::insert(const Json&, ObjectReader& reader) {
  Table* table = take_table(reader);
  const Json* uuid = reader.optional("uuid", R::kString);
  const Json* uuid_name = reader.optional("uuid-name", R::kId);
  const Json* row = reader.required("row", R::kObject);
  if (!reader.done()) return {};

  auto fresh = take_new_uuid(*table, uuid, uuid_name ? uuid_name->string() : std::string_view());
  if (!fresh) return std::unexpected(fresh.error());
  if (auto s = parse_row(*table, *row, true); !s) return s;
  return insert_row(*table, *fresh, columns_);
}

Status Transaction::insert_row(Table& table, const Uuid& fresh, Values values) {
  const TableSchema& schema = table.schema();
  for (const ColumnSchema& c : schema.columns) {
    if (c.default_allowed) continue;
    bool given = std::any_of(values.begin(), values.end(), [&](const ColumnValue& v) { return v.column == &c; });
    if (!given) return c.type.check(c.default_value);
  }
  builder_.start(schema);
  builder_.use_values(values_);
  for (const ColumnValue& v : values) builder_.set_from_buffer(*v.column, v.offset, v.size);
  RowPtr made = builder_.build(fresh, uuids_.next());
  if (context_->permissions)
    if (auto s = context_->permissions->may_insert(table, *made); !s) return s;
  db_->insert(changes_, schema.index, std::move(made));

  char text[] = "{\"uuid\":[\"uuid\",\"00000000-0000-0000-0000-000000000000\"]}";
  format_to(text + 17, fresh);
  results_.append(text, sizeof text - 1);
  return {};
}

Status Transaction::select(const Json&, ObjectReader& reader) {
  Table* table = take_table(reader);
  const Json* where = reader.required("where", R::kArray);
  const Json* names = reader.optional("columns", R::kArray);
  const Json* sort = reader.optional("sort", R::kArray);
  if (!reader.done()) return {};

  if (auto s = find_rows(*table, *where); !s) return s;
  auto columns = parse_columns(table->schema(), names);
  if (!columns) return std::unexpected(columns.error());
  keep_distinct(rows_, *columns);
  if (sort) {
    auto order = parse_columns(table->schema(), sort);
    if (!order) return std::unexpected(order.error());
    sort_rows(rows_, *order);
  }
  // The members of a JSON object in the files and on the terminals of OVS are in this order, whatever was asked for.
  std::sort(columns->begin(), columns->end(), [](const ColumnSchema* a, const ColumnSchema* b) { return a->name < b->name; });
  results_ += "{\"rows\":[";
  bool first = true;
  for (const RowPtr& row : rows_) {
    if (!std::exchange(first, false)) results_ += ',';
    append_row(*table, *row, *columns);
  }
  results_ += "]}";
  return {};
}

Status Transaction::update(const Json& op, ObjectReader& reader) {
  Table* table = take_table(reader);
  const Json* where = reader.required("where", R::kArray);
  const Json* row = reader.required("row", R::kObject);
  if (!reader.done()) return {};

  if (auto s = parse_row(*table, *row, false); !s) return s;
  const TableSchema& schema = table->schema();
  for (const ColumnValue& v : columns_)
    if (!v.column->is_mutable)
      return with_syntax("constraint violation", fmt::format("Cannot update immutable column {} in table {}.", v.column->name, schema.name), op);
  if (auto s = find_rows(*table, *where); !s) return s;
  if (context_->permissions) {
    std::vector<const ColumnSchema*> changed;
    for (const ColumnValue& v : columns_) changed.push_back(v.column);
    if (auto s = context_->permissions->may_change(*table, changed, rows_, "modification of"); !s) return s;
  }
  return update_rows(*table, columns_);
}

Status Transaction::update_rows(Table& table, Values values) {
  const TableSchema& schema = table.schema();
  for (const RowPtr& old : rows_) {
    bool differs = std::any_of(values.begin(), values.end(), [&](const ColumnValue& v) { return !(old->get(*v.column) == value(v)); });
    if (!differs) continue;
    builder_.start(schema, *old);
    builder_.use_values(values_);
    for (const ColumnValue& v : values) builder_.set_from_buffer(*v.column, v.offset, v.size);
    db_->replace(changes_, schema.index, builder_.build(old->uuid(), uuids_.next()));
  }
  append_count(rows_.size());
  return {};
}

Status Transaction::mutate(const Json&, ObjectReader& reader) {
  Table* table = take_table(reader);
  const Json* where = reader.required("where", R::kArray);
  const Json* list = reader.required("mutations", R::kArray);
  if (!reader.done()) return {};

  const TableSchema& schema = table->schema();
  auto mutations = parse_mutations(schema, *list, &symbols_);
  if (!mutations) return std::unexpected(mutations.error());
  if (auto s = find_rows(*table, *where); !s) return s;
  if (context_->permissions) {
    std::vector<const ColumnSchema*> changed;
    for (const Mutation& m : *mutations) changed.push_back(m.column);
    if (auto s = context_->permissions->may_change(*table, changed, rows_, "mutate operation on"); !s) return s;
  }
  for (const RowPtr& old : rows_) {
    builder_.start(schema, *old);
    for (const Mutation& m : *mutations) {
      auto changed = m.apply(builder_.get(*m.column));
      if (!changed) return std::unexpected(changed.error());
      builder_.set(*m.column, *changed);
    }
    bool differs = std::any_of(mutations->begin(), mutations->end(), [&](const Mutation& m) { return !(builder_.get(*m.column) == old->get(*m.column)); });
    if (differs) db_->replace(changes_, schema.index, builder_.build(old->uuid(), uuids_.next()));
  }
  append_count(rows_.size());
  return {};
}

Status Transaction::remove(const Json&, ObjectReader& reader) {
  Table* table = take_table(reader);
  const Json* where = reader.required("where", R::kArray);
  if (!reader.done()) return {};

  if (auto s = find_rows(*table, *where); !s) return s;
  if (context_->permissions)
    if (auto s = context_->permissions->may_delete(*table, rows_); !s) return s;
  return remove_rows(*table);
}

Status Transaction::remove_rows(Table& table) {
  for (const RowPtr& row : rows_) db_->remove(changes_, table.schema().index, row->uuid());
  append_count(rows_.size());
  return {};
}

Status Transaction::wait(const Json&, ObjectReader& reader) {
  Table* table = take_table(reader);
  const Json* timeout = reader.optional("timeout", R::kInteger);
  const Json* where = reader.required("where", R::kArray);
  const Json* names = reader.optional("columns", R::kArray);
  const Json* until = reader.required("until", R::kString);
  const Json* wanted_rows = reader.required("rows", R::kArray);
  if (!reader.done()) return {};

  if (auto s = find_rows(*table, *where); !s) return s;
  auto columns = parse_columns(table->schema(), names);
  if (!columns) return std::unexpected(columns.error());
  if (until->string() != "==" && until->string() != "!=") return syntax_error(*until, "\"until\" must be \"==\" or \"!=\"");
  std::set<std::string> wanted, present;
  for (const Json& j : wanted_rows->elements()) {
    if (auto s = parse_row(*table, j, false); !s) return s;
    std::string key;
    for (const ColumnSchema* c : *columns) {
      auto given = std::find_if(columns_.begin(), columns_.end(), [&](const ColumnValue& v) { return v.column == c; });
      append_key(key, given != columns_.end() ? value(*given) : c->default_value.ref());
    }
    wanted.insert(std::move(key));
  }
  if (timeout && timeout->number() < 0) return syntax_error(*timeout, "timeout must be nonnegative");
  for (const RowPtr& row : rows_) {
    std::string key;
    for (const ColumnSchema* c : *columns) append_key(key, row->get(*c));
    present.insert(std::move(key));
  }
  if ((wanted == present) == (until->string() == "==")) {
    results_ += "{}";
    return {};
  }
  int64_t limit = timeout ? static_cast<int64_t>(std::min(timeout->number(), 1e15)) : 0;
  if (timeout && limit == 0) return fail("timed out", "\"where\" clause test failed");
  if (timeout && context_->elapsed_ms >= limit) return fail("timed out", fmt::format("\"wait\" timed out after {} ms", context_->elapsed_ms));
  outcome_.must_wait = true;
  if (timeout) outcome_.timeout_ms = limit;
  return {};
}

Status Transaction::commit(const Json&, ObjectReader& reader) {
  const Json* durable = reader.required("durable", R::kBoolean);
  if (!reader.done()) return {};
  if (durable->boolean() && !context_->durable_storage && !context_->reserved) return fail("not supported", "durable commit not supported: database is not on disk");
  outcome_.durable |= durable->boolean();
  results_ += "{}";
  return {};
}

Status Transaction::abort(const Json&, ObjectReader& reader) {
  if (!reader.done()) return {};
  return fail("aborted", "aborted by request");
}

Status Transaction::comment(const Json&, ObjectReader& reader) {
  const Json* text = reader.required("comment", R::kString);
  if (!reader.done()) return {};
  if (!comment_.empty()) comment_ += '\n';
  comment_ += text->string();
  results_ += "{}";
  return {};
}

Status Transaction::assert_lock(const Json&, ObjectReader& reader) {
  const Json* lock = reader.required("lock", R::kId);
  if (!reader.done()) return {};
  if (!context_->owns_lock || !context_->owns_lock(lock->string())) return fail("not owner", fmt::format("Asserted lock {} not held.", lock->string()));
  results_ += "{}";
  return {};
}

}  // namespace sluice::ovsdb
