// SPDX-License-Identifier: Apache-2.0
// Applying monitor updates (RFC 7047 4.1.6; update2 and update3 as spec/ovsdb-protocol.md section 9).
#include "dbserver/ovsdb/replica_tables.h"

#include <boost/unordered/unordered_flat_set.hpp>

#include "dbserver/ovsdb/diff.h"
#include "dbserver/ovsdb/value_json.h"

namespace sluice::ovsdb {

void ReplicaTables::configure(std::shared_ptr<const DatabaseSchema> ours, const DatabaseSchema& server, std::vector<TableSelection> selection) {
  if (schema_ != ours) {
    schema_ = std::move(ours);
    tables_.clear();
    tables_.resize(schema_->tables.size());
    changes_.clear();
    for (const TableSchema& t : schema_->tables)
      for (const auto& columns : t.indexes)
        if (columns.size() == 1) tables_[t.index].indexes.push_back({columns[0], {}});
  }
  for (const TableSchema& t : schema_->tables) {
    Table& table = tables_[t.index];
    const TableSchema* there = server.find(t.name);
    table.exists = there != nullptr;
    table.selected = false;
    table.use.assign(t.columns.size(), ColumnUse::unused);
    table.on_server.assign(t.columns.size(), false);
    for (const ColumnSchema& c : t.columns) table.on_server[c.index] = there && there->find(c.name);
  }
  for (TableSelection& s : selection) {
    const TableSchema* t = schema_->find(s.table);
    if (!t) continue;
    Table& table = tables_[t->index];
    table.selected = true;
    table.where = std::move(s.where);
    for (size_t i = 0; i < s.columns.size() && i < table.use.size(); i++)
      if (table.on_server[i]) table.use[i] = s.columns[i];
  }
}

Json ReplicaTables::monitor_requests(MonitorKind kind) const {
  Json out = Json::object();
  for (const TableSchema& t : schema_->tables) {
    const Table& table = tables_[t.index];
    if (!table.selected || !table.exists) continue;
    Json columns = Json::array();
    for (const ColumnSchema& c : t.columns)
      if (table.use[c.index] != ColumnUse::unused) columns.push_back(c.name);
    Json request = Json::object({{"columns", std::move(columns)}});
    if (kind != MonitorKind::plain && !table.where.is_null()) request.set("where", table.where);
    out.set(t.name, Json::array({std::move(request)}));
  }
  return out;
}

void ReplicaTables::set_condition(std::string_view name, Json where) {
  if (const TableSchema* t = schema_ ? schema_->find(name) : nullptr) tables_[t->index].where = std::move(where);
}

void ReplicaTables::replace(const Json& updates, MonitorKind kind) {
  for (const TableSchema& t : schema_->tables) {
    Table& table = tables_[t.index];
    if (table.rows.empty()) continue;
    const Json& there = updates.get(t.name);
    std::vector<Uuid> gone;
    boost::unordered_flat_set<Uuid, UuidHash> stay;
    for (const JsonMember& m : there.members())
      if (auto uuid = parse_uuid(m.name())) stay.insert(*uuid);
    for (const auto& [uuid, row] : table.rows)
      if (!stay.contains(uuid)) gone.push_back(uuid);
    for (const Uuid& u : gone) put(t, u, {}, true);
  }
  apply(updates, kind);
}

void ReplicaTables::apply(const Json& updates, MonitorKind kind) {
  for (const JsonMember& by_table : updates.members()) {
    const TableSchema* t = schema_->find(by_table.name());
    if (!t) continue;
    for (const JsonMember& m : by_table.value.members()) {
      auto uuid = parse_uuid(m.name());
      if (uuid && m.value.is_object()) apply_row(*t, *uuid, m.value, kind);
    }
  }
}

void ReplicaTables::apply_row(const TableSchema& t, const Uuid& uuid, const Json& update, MonitorKind kind) {
  RowPtr before = row(t, uuid);
  bool alert = false;
  if (kind == MonitorKind::plain) {
    const Json& after = update.get("new");
    RowPtr version = after.is_object() ? build(t, uuid, nullptr, after, false, &alert) : RowPtr();
    put(t, uuid, std::move(version), true);
    return;
  }
  if (update.find("delete")) {
    put(t, uuid, {}, true);
  } else if (const Json* difference = update.find("modify")) {
    if (!before) return;  // by the protocol it can't be
    RowPtr version = build(t, uuid, before.get(), *difference, true, &alert);
    put(t, uuid, std::move(version), alert);
  } else {
    const Json* contents = update.find("insert");
    if (!contents) contents = update.find("initial");
    if (contents) put(t, uuid, build(t, uuid, nullptr, *contents, false, &alert), true);
  }
}

RowPtr ReplicaTables::build(const TableSchema& t, const Uuid& uuid, const Row* base, const Json& columns, bool differences, bool* alert) {
  if (base)
    builder_.start(t, *base);
  else
    builder_.start(t);
  for (const JsonMember& m : columns.members()) {
    const ColumnSchema* c = t.find(m.name());
    if (!c || c->index >= kVersionColumn) continue;
    auto value = parse_datum_lenient(m.value, c->type);
    if (!value) {
      problem_ = t.name + "." + c->name + ": " + value.error().to_string();
      continue;
    }
    if (differences && !c->type.is_scalar()) {
      auto result = datum_apply_diff(builder_.get(*c), *value, c->type);
      if (!result) {
        problem_ = t.name + "." + c->name + ": " + result.error().to_string();
        continue;
      }
      value = std::move(*result);
    }
    if (tables_[t.index].use[c->index] == ColumnUse::read && value->ref() != builder_.get(*c)) *alert = true;
    builder_.set(*c, *value);
  }
  return builder_.build(uuid, uuids_.next());
}

void ReplicaTables::index_row(const TableSchema& t, const Row& row, bool add) {
  for (auto& [column, map] : tables_[t.index].indexes) {
    std::string key(row.get(t.columns[column]).bytes());
    if (add) {
      map[std::move(key)] = row.uuid();
      continue;
    }
    // Within one update another row may have got the value already.
    auto it = map.find(key);
    if (it != map.end() && it->second == row.uuid()) map.erase(it);
  }
}

void ReplicaTables::put(const TableSchema& t, const Uuid& uuid, RowPtr after, bool alert) {
  Table& table = tables_[t.index];
  RowPtr before = row(t, uuid);
  if (!before && !after) return;
  if (before && after && alert) {
    // Contents after a reconnection mostly repeat what is known.
    alert = false;
    for (const ColumnSchema& c : t.columns)
      if (table.use[c.index] == ColumnUse::read && before->get(c) != after->get(c)) alert = true;
  }
  if (before) index_row(t, *before, false);
  if (after) index_row(t, *after, true);
  if (after)
    table.rows.insert_or_assign(uuid, after);
  else
    table.rows.erase(uuid);
  auto noted = changes_.find(uuid);
  if (noted != changes_.end()) {
    noted->second.after = after;
  } else if (alert || !before || !after) {
    changes_.emplace(uuid, ReplicaChange{&t, uuid, before, after});
  }
  if (alert || !before || !after) alert_ = true;
}

bool ReplicaTables::take_alert() { return std::exchange(alert_, false); }

RowPtr ReplicaTables::row(const TableSchema& t, const Uuid& uuid) const {
  const Rows& rows = tables_[t.index].rows;
  auto it = rows.find(uuid);
  return it == rows.end() ? RowPtr() : it->second;
}

RowPtr ReplicaTables::find(const TableSchema& t, const ColumnSchema& c, AtomRef value) const {
  Datum wanted = Datum::scalar(value);
  const Table& table = tables_[t.index];
  for (const auto& [column, map] : table.indexes) {
    if (column != c.index) continue;
    auto it = map.find(std::string(wanted.ref().bytes()));
    return it == map.end() ? RowPtr() : row(t, it->second);
  }
  RowPtr found;
  for (const auto& [uuid, row] : table.rows) {
    if (row->get(c) != wanted.ref()) continue;
    if (found) return {};
    found = row;
  }
  return found;
}

std::vector<ReplicaChange> ReplicaTables::take_changes() {
  std::vector<ReplicaChange> out;
  for (auto& [uuid, change] : changes_) {
    if (!change.before && !change.after) continue;  // came and went between two looks
    out.push_back(std::move(change));
  }
  changes_.clear();
  return out;
}

std::optional<DatumRef> ReplicaTables::value(const TableSchema& t, const Uuid& uuid, const ColumnSchema& c) const {
  const Table& table = tables_[t.index];
  auto it = table.rows.find(uuid);
  if (it == table.rows.end() || (c.index < kVersionColumn && table.use[c.index] == ColumnUse::unused)) return std::nullopt;
  return it->second->get(c);
}

bool ReplicaTables::supported(const TableSchema& t, const ColumnSchema* c) const {
  const Table& table = tables_[t.index];
  return table.exists && (!c || c->index >= kVersionColumn || table.on_server[c->index]);
}

}  // namespace sluice::ovsdb
