// SPDX-License-Identifier: Apache-2.0
// Tables as a whole: changes with their undo list, and the book-keeping of references and indexes.  The rules of a commit are in commit.cc.
#include "dbserver/engine/database.h"

namespace sluice::ovsdb {

void Changes::clear() {
  list_.clear();
  if (!index_.empty()) {
    if (index_.bucket_count() > 4096) index_ = {};
    else index_.clear();
  }
}

RowChange* Changes::find(uint16_t table, const Uuid& uuid) {
  if (list_.size() <= kLinear) {
    for (RowChange& c : list_)
      if (c.uuid() == uuid && c.table == table) return &c;
    return nullptr;
  }
  auto it = index_.find(Key{table, uuid});
  return it == index_.end() ? nullptr : &list_[it->second];
}

void Changes::add(RowChange change) {
  list_.push_back(std::move(change));
  if (list_.size() <= kLinear) return;
  if (list_.size() == kLinear + 1) {
    for (uint32_t i = 0; i < kLinear; i++) index_.emplace(Key{list_[i].table, list_[i].uuid()}, i);
  }
  index_.emplace(Key{list_.back().table, list_.back().uuid()}, static_cast<uint32_t>(list_.size() - 1));
}

Database::Database(std::shared_ptr<const DatabaseSchema> schema, UuidSource& uuids) : schema_(std::move(schema)), uuids_(uuids) {
  tables_.reserve(schema_->tables.size());
  for (const TableSchema& t : schema_->tables) tables_.emplace_back(*schema_, t);
}

Table* Database::find_table(std::string_view name) {
  const TableSchema* t = schema_->find(name);
  return t ? &tables_[t->index] : nullptr;
}

void Database::insert(Changes& changes, uint16_t table, RowPtr row) {
  tables_[table].put(row);
  RowChange* cancelled = changes.find(table, row->uuid());
  if (!cancelled) return changes.add({table, {}, std::move(row)});
  cancelled->after = std::move(row);
  cancelled->cancelled = false;
}

void Database::replace(Changes& changes, uint16_t table, RowPtr row) {
  Table& t = tables_[table];
  if (RowChange* c = changes.find(table, row->uuid())) {
    t.put(row);
    c->after = std::move(row);
    return;
  }
  RowPtr before = *t.find(row->uuid());
  t.put(row);
  changes.add({table, std::move(before), std::move(row)});
}

void Database::remove(Changes& changes, uint16_t table, const Uuid& uuid) {
  Table& t = tables_[table];
  RowPtr before = *t.find(uuid);
  t.erase(before->uuid());
  RowChange* c = changes.find(table, before->uuid());
  if (!c) {
    changes.add({table, std::move(before), {}});
  } else if (c->before) {
    c->after = {};
  } else {
    c->cancelled = true;  // stays in the list, so that its uuid stays known
  }
}

void Database::undo(Changes& changes) {
  for (RowChange& c : changes.list()) {
    if (c.cancelled) continue;
    if (c.before) tables_[c.table].put(c.before);
    else tables_[c.table].erase(c.after->uuid());
  }
  changes.clear();
}

// --- book-keeping ---

void Database::shift_strong(uint16_t table, const RowPtr& row, int32_t delta) {
  if (!row) return;
  for (const ReferenceColumn& ref : tables_[table].references()) {
    if (ref.weak) continue;
    ref.for_each(*row, [&](const Uuid& u) {
      if (!ref.is_self(table, *row, u)) tables_[ref.target].add_strong(u, delta);
    });
  }
}

void Database::shift_weak(uint16_t table, const RowPtr& row, int32_t delta) {
  if (!row) return;
  for (const ReferenceColumn& ref : tables_[table].references())
    if (ref.weak) ref.for_each(*row, [&](const Uuid& u) { tables_[ref.target].add_weak(u, {table, row->uuid()}, delta); });
}

/// First all old index entries go out, then the new ones come in: values may have moved from row to row.
void Database::shift(const std::vector<RowChange>& changes, bool forward) {
  for (const RowChange& c : changes)
    if (const RowPtr& from = forward ? c.before : c.after) tables_[c.table].index_erase(from);
  for (const RowChange& c : changes) {
    const RowPtr &from = forward ? c.before : c.after, &to = forward ? c.after : c.before;
    if (!tables_[c.table].references().empty()) {
      shift_strong(c.table, to, 1);
      shift_strong(c.table, from, -1);
      shift_weak(c.table, to, 1);
      shift_weak(c.table, from, -1);
    }
    if (to) tables_[c.table].put(to);
    else tables_[c.table].erase(from->uuid());
  }
  for (const RowChange& c : changes)
    if (const RowPtr& to = forward ? c.after : c.before) tables_[c.table].index_insert(to);
}

}  // namespace sluice::ovsdb
