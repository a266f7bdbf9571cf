// SPDX-License-Identifier: Apache-2.0
// Rows, reference counts and indexes of one table.
#include "dbserver/engine/table.h"

namespace sluice::ovsdb {

Table::Table(const DatabaseSchema& db, const TableSchema& schema) : schema_(&schema) {
  for (const ColumnSchema& c : schema.columns) {
    for (bool in_values : {false, true}) {
      const BaseType& base = in_values ? c.type.value : c.type.key;
      if (base.is_reference()) references_.push_back({&c, db.find(base.ref_table)->index, in_values, base.weak});
    }
  }
  for (const auto& columns : schema.indexes) indexes_.emplace_back(0, IndexHash{&schema, &columns}, IndexEqual{&schema, &columns});
}

void Table::put(const RowPtr& row) {
  auto [it, fresh] = rows_.insert(row);
  if (!fresh) const_cast<RowPtr&>(*it) = row;  // same uuid, same hash
}

std::vector<RowPtr> Table::all_rows() const {
  constexpr size_t kAhead = 16;  // rows whose counters are fetched before they are needed: each lies elsewhere in memory
  std::vector<RowPtr> rows;
  rows.reserve(rows_.size());
  auto ahead = rows_.begin();
  for (size_t i = 0; i < kAhead && ahead != rows_.end(); i++) ++ahead;
  for (const RowPtr& row : rows_) {
    if (ahead != rows_.end()) {
      __builtin_prefetch(ahead->get(), 1);
      ++ahead;
    }
    rows.push_back(row);
  }
  return rows;
}

uint32_t Table::add_strong(const Uuid& uuid, int32_t delta) {
  uint32_t& n = strong_[uuid];
  n += static_cast<uint32_t>(delta);
  if (n) return n;
  strong_.erase(uuid);
  return 0;
}

void Table::add_weak(const Uuid& target, const Referrer& from, int32_t delta) {
  Referrers& all = weak_[target];
  uint32_t& n = all[from];
  n += static_cast<uint32_t>(delta);
  if (!n) all.erase(from);
  if (all.empty()) weak_.erase(target);
}

void Table::index_erase(const RowPtr& row) {
  for (Index& index : indexes_) {
    auto it = index.find(row);
    if (it != index.end() && (*it)->uuid() == row->uuid()) index.erase(it);
  }
}

const RowPtr* Table::index_find(size_t i, const Row& like) const {
  auto it = indexes_[i].find(like);
  return it == indexes_[i].end() ? nullptr : &*it;
}

std::optional<const RowPtr*> Table::find_by_index(const ColumnSchema& column, DatumRef value) const {
  for (size_t i = 0; i < indexes_.size(); i++) {
    const auto& columns = schema_->indexes[i];
    if (columns.size() != 1 || columns[0] != column.index) continue;
    auto it = indexes_[i].find(Value{value});
    return it == indexes_[i].end() ? nullptr : &*it;
  }
  return std::nullopt;
}

size_t Table::IndexHash::operator()(const Row& r) const {
  size_t h = 0;
  for (uint16_t c : *columns) h = h * 0x9e3779b97f4a7c15u + r.get(table->column(c)).hash();
  return h;
}

bool Table::IndexEqual::operator()(const Row& a, const Row& b) const {
  for (uint16_t c : *columns)
    if (!(a.get(table->column(c)) == b.get(table->column(c)))) return false;
  return true;
}

}  // namespace sluice::ovsdb
