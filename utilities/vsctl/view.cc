// SPDX-License-Identifier: Apache-2.0
// Fetching rows on demand.
#include "utilities/vsctl/view.h"

#include <fmt/core.h>

#include <algorithm>

#include "dbserver/ovsdb/diff.h"
#include "dbserver/ovsdb/value_json.h"

namespace sluice::vsctl {
namespace {

Json condition(const ColumnSchema& c, std::string_view function, AtomRef value) {
  return Json::array({Json::array({c.name, function, ovsdb::atom_to_json(value)})});
}

}  // namespace

View::View(Link& link, std::shared_ptr<const ovsdb::DatabaseSchema> schema, UuidSource& uuids)
    : link_(link),
      schema_(std::move(schema)),
      txn_(
          schema_, [this](const TableSchema& t, const Uuid& u, const ColumnSchema& c) { return known(t, u, c); }, uuids),
      caches_(schema_->tables.size()) {}

void View::restart() {
  txn_.clear();
  caches_.assign(schema_->tables.size(), {});
}

const TableSchema& View::table(std::string_view name) const {
  if (const TableSchema* t = schema_->find(name)) return *t;
  throw Failure{fmt::format("database has no table {}", name)};
}

const ColumnSchema& View::column(const TableSchema& t, std::string_view name) const {
  if (const ColumnSchema* c = t.find(name)) return *c;
  throw Failure{fmt::format("table {} has no column {}", t.name, name)};
}

std::vector<const ColumnSchema*> View::resolve(const TableSchema& t, Columns columns) const {
  std::vector<const ColumnSchema*> out;
  for (std::string_view name : columns)
    if (const ColumnSchema* c = t.find(name)) out.push_back(c);
  return out;
}

std::optional<DatumRef> View::known(const TableSchema& t, const Uuid& uuid, const ColumnSchema& c) const {
  const Cache& cache = caches_[t.index];
  auto row = cache.rows.find(uuid);
  if (row == cache.rows.end()) return std::nullopt;
  auto value = row->second.find(c.index);
  return value == row->second.end() ? std::nullopt : std::optional(value->second.ref());
}

/// Fetches rows and keeps what comes.  Returns which rows they are.
std::vector<Uuid> View::select(const TableSchema& t, Json where, const std::vector<const ColumnSchema*>& columns) {
  Json names = Json::array({"_uuid"});
  for (size_t i = 0; i < columns.size(); i++)
    if (columns[i]->index != ovsdb::kUuidColumn && std::find(columns.begin(), columns.begin() + static_cast<ptrdiff_t>(i), columns[i]) == columns.begin() + static_cast<ptrdiff_t>(i))
      names.push_back(columns[i]->name);
  Json op = Json::object({{"op", "select"}, {"table", t.name}, {"where", std::move(where)}, {"columns", std::move(names)}});
  auto result = link_.call("transact", Json::array({schema_->name, std::move(op)}));
  if (!result) throw Failure{result.error().error ? "transaction error: " + result.error().error->to_string() : result.error().text};
  const Json& answer = (*result)[0];
  if (answer.find("error")) throw Failure{"transaction error: " + answer.to_string()};
  Cache& cache = caches_[t.index];
  std::vector<Uuid> out;
  for (const Json& row : answer.get("rows").elements()) {
    auto uuid = parse_uuid(row.get("_uuid")[1].string());
    if (!uuid) continue;
    out.push_back(*uuid);
    auto [it, fresh] = cache.rows.try_emplace(*uuid);
    if (fresh) cache.order.push_back(*uuid);
    for (const ColumnSchema* c : columns) {
      if (it->second.contains(c->index) || c->index == ovsdb::kUuidColumn) continue;  // what was seen stays: one state for one transaction
      auto value = ovsdb::parse_datum_lenient(row.get(c->name), c->type);
      if (!value) throw Failure{fmt::format("{}.{}: {}", t.name, c->name, value.error().to_string())};
      it->second.emplace(c->index, std::move(*value));
    }
  }
  return out;
}

void View::append_inserted(const TableSchema& t, std::vector<RowId>& out) const {
  for (const Uuid& u : txn_.inserted(t)) out.push_back({&t, u});
}

std::vector<RowId> View::rows(const TableSchema& t, Columns also) { return rows(t, resolve(t, also)); }

std::vector<RowId> View::rows(const TableSchema& t, const std::vector<const ColumnSchema*>& also) {
  Cache& cache = caches_[t.index];
  cache.complete.resize(t.columns.size());
  std::vector<const ColumnSchema*> missing;
  for (const ColumnSchema* c : also)
    if (c->index != ovsdb::kUuidColumn && (c->index == ovsdb::kVersionColumn || !cache.complete[c->index])) missing.push_back(c);
  if (!cache.all || !missing.empty()) {
    select(t, Json::array(), missing);
    cache.all = true;
    for (const ColumnSchema* c : missing)
      if (c->index < ovsdb::kVersionColumn) cache.complete[c->index] = true;
  }
  std::vector<RowId> out;
  for (const Uuid& u : cache.order)
    if (!txn_.is_erased(u)) out.push_back({&t, u});
  append_inserted(t, out);
  return out;
}

std::vector<RowId> View::find(const TableSchema& t, std::string_view column, AtomRef value, Columns also) {
  return search(t, this->column(t, column), "==", value, also);
}

std::vector<RowId> View::find_including(const TableSchema& t, std::string_view column, AtomRef element, Columns also) {
  return search(t, this->column(t, column), "includes", element, also);
}

std::vector<RowId> View::search(const TableSchema& t, const ColumnSchema& c, std::string_view function, AtomRef value, Columns also) {
  Cache& cache = caches_[t.index];
  Datum wanted = Datum::scalar(value);
  auto matches = [&](const RowId& row) {
    Datum there = get(row, c);
    return function == "==" ? there == wanted : there.ref().contains(value);
  };
  std::vector<RowId> out;
  bool fetched = c.index < cache.complete.size() && cache.complete[c.index];
  std::vector<Uuid> candidates = cache.order;
  if (!fetched) {
    // A row that this transaction has made is unknown to the server.
    if (value.type() != AtomType::uuid || !txn_.is_inserted(value.uuid())) {
      auto columns = resolve(t, also);
      if (c.index < ovsdb::kVersionColumn && function == "==") columns.push_back(&c);
      candidates = select(t, condition(c, function, value), columns);
      for (const Uuid& u : candidates)
        if (!txn_.is_erased(u) && (!txn_.touches(u, c) || matches({&t, u}))) out.push_back({&t, u});
      candidates.clear();
    }
    // Rows that have the value only through this transaction.
    for (const Uuid& u : txn_.touched(t, c)) {
      RowId row{&t, u};
      if (!txn_.is_erased(u) && std::find(out.begin(), out.end(), row) == out.end() && matches(row)) out.push_back(row);
    }
    return out;
  }
  append_inserted(t, out);
  for (const Uuid& u : candidates)
    if (!txn_.is_erased(u)) out.push_back({&t, u});
  std::erase_if(out, [&](const RowId& r) { return !matches(r); });
  return out;
}

void View::load(const TableSchema& t, const std::vector<Uuid>& uuids, Columns columns) {
  auto list = resolve(t, columns);
  size_t missing = 0;
  const Uuid* last = nullptr;
  for (const Uuid& u : uuids) {
    if (txn_.is_inserted(u)) continue;
    for (const ColumnSchema* c : list)
      if (!known(t, u, *c)) {
        missing++, last = &u;
        break;
      }
  }
  if (missing == 1) select(t, condition(t.uuid_column, "==", *last), list);
  if (missing > 1) rows(t, list);
}

void View::load(const TableSchema& t, const Uuid& uuid, const std::vector<const ColumnSchema*>& columns) {
  if (!txn_.is_inserted(uuid)) select(t, condition(t.uuid_column, "==", uuid), columns);
}

bool View::exists(const TableSchema& t, const Uuid& uuid) {
  if (txn_.is_erased(uuid)) return false;
  Cache& cache = caches_[t.index];
  if (txn_.is_inserted(uuid) || cache.rows.contains(uuid)) return true;
  if (cache.all) return false;
  return !select(t, condition(t.uuid_column, "==", uuid), {}).empty();
}

Datum View::get(const RowId& row, const ColumnSchema& c) {
  if (c.index != ovsdb::kUuidColumn && !txn_.is_inserted(row.uuid) && !known(*row.table, row.uuid, c))
    select(*row.table, condition(row.table->uuid_column, "==", row.uuid), {&c});
  return txn_.get(*row.table, row.uuid, c);
}

std::vector<RowId> View::referenced(const RowId& row, std::string_view column) {
  const ColumnSchema& c = this->column(*row.table, column);
  const ovsdb::BaseType& base = c.type.is_map() ? c.type.value : c.type.key;
  const TableSchema& target = table(base.ref_table);
  Datum d = get(row, c);
  std::vector<RowId> out;
  for (size_t i = 0; i < d.size(); i++) {
    Uuid u = c.type.is_map() ? d.ref().value(i).uuid() : d.ref().key(i).uuid();
    if (!txn_.is_erased(u)) out.push_back({&target, u});
  }
  return out;
}

void View::verify(const RowId& row, std::string_view column) {
  const ColumnSchema& c = this->column(*row.table, column);
  get(row, c);
  txn_.verify(*row.table, row.uuid, c);
}

RowId View::insert(std::string_view name) {
  const TableSchema& t = table(name);
  return {&t, txn_.insert(t)};
}

}  // namespace sluice::vsctl
