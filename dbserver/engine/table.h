// SPDX-License-Identifier: Apache-2.0
// The rows of one table, with what must be known about them at commit: how many strong references each has, who refers to it weakly, and the
// unique indexes.  put() keeps all of it; nothing is checked here.  Memory per row: its version, and one pointer in a hash table; counts and
// referrers exist only for rows that are referred to.  One thread.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>
#include <optional>
#include <vector>

#include "dbserver/ovsdb/row.h"
#include "dbserver/ovsdb/schema.h"

namespace sluice::ovsdb {

/// A column that refers to rows of another table, by its keys or its values.
struct ReferenceColumn {
  const ColumnSchema* column;
  uint16_t target;  // table
  bool in_values, weak;

  template <typename Fn>
  void for_each(const Row& row, Fn fn) const {
    DatumRef d = row.get(*column);
    for (size_t i = 0, n = d.size(); i < n; i++) fn((in_values ? d.value(i) : d.key(i)).uuid());
  }
  /// A row's reference to itself neither keeps it alive nor keeps it from being deleted.
  bool is_self(uint16_t table, const Row& row, const Uuid& to) const { return target == table && to == row.uuid(); }
};

class Table {
 public:
  Table(const DatabaseSchema& db, const TableSchema& schema);

  const TableSchema& schema() const { return *schema_; }
  size_t size() const { return rows_.size(); }
  /// nullptr if there is none.
  const RowPtr* find(const Uuid& uuid) const {
    auto it = rows_.find(uuid);
    return it == rows_.end() ? nullptr : &*it;
  }
  auto begin() const { return rows_.begin(); }
  auto end() const { return rows_.end(); }
  /// Inserts or replaces.
  void put(const RowPtr& row);
  void erase(const Uuid& uuid) { rows_.erase(uuid); }
  void reserve(size_t n) { rows_.reserve(n); }
  /// Shared, in the order of iteration.
  std::vector<RowPtr> all_rows() const;

  const std::vector<ReferenceColumn>& references() const { return references_; }

  uint32_t strong_count(const Uuid& uuid) const {
    auto it = strong_.find(uuid);
    return it == strong_.end() ? 0 : it->second;
  }
  uint32_t add_strong(const Uuid& uuid, int32_t delta);

  struct Referrer {
    uint16_t table;
    Uuid row;
    friend bool operator==(const Referrer&, const Referrer&) = default;
  };
  struct ReferrerHash {
    size_t operator()(const Referrer& r) const { return UuidHash()(r.row) + r.table; }
  };
  using Referrers = boost::unordered_flat_map<Referrer, uint32_t, ReferrerHash>;  // how often it refers
  const Referrers* weak_referrers(const Uuid& target) const {
    auto it = weak_.find(target);
    return it == weak_.end() ? nullptr : &it->second;
  }
  void add_weak(const Uuid& target, const Referrer& from, int32_t delta);

  /// The row of index i that has the same values in its columns, or nullptr.
  const RowPtr* index_find(size_t i, const Row& like) const;
  /// In all indexes.  A row whose values are taken by another is left out of that index.
  void index_insert(const RowPtr& row) {
    for (Index& index : indexes_) index.insert(row);
  }
  void index_erase(const RowPtr& row);
  size_t index_count() const { return indexes_.size(); }
  /// Rows whose index consisting of just this column has the value; nullopt if there is no such index.
  std::optional<const RowPtr*> find_by_index(const ColumnSchema& column, DatumRef value) const;

 private:
  struct RowHash {
    using is_transparent = void;
    size_t operator()(const RowPtr& r) const { return UuidHash()(r->uuid()); }
    size_t operator()(const Uuid& u) const { return UuidHash()(u); }
  };
  struct RowEqual {
    using is_transparent = void;
    bool operator()(const RowPtr& a, const RowPtr& b) const { return a->uuid() == b->uuid(); }
    bool operator()(const Uuid& a, const RowPtr& b) const { return a == b->uuid(); }
    bool operator()(const RowPtr& a, const Uuid& b) const { return a->uuid() == b; }
  };
  struct Value {
    DatumRef datum;  // of an index with one column
  };
  struct IndexHash {
    using is_transparent = void;
    const TableSchema* table;
    const std::vector<uint16_t>* columns;
    size_t operator()(const Row& r) const;
    size_t operator()(const RowPtr& r) const { return (*this)(*r); }
    size_t operator()(const Value& v) const { return v.datum.hash(); }
  };
  struct IndexEqual {
    using is_transparent = void;
    const TableSchema* table;
    const std::vector<uint16_t>* columns;
    bool operator()(const Row& a, const Row& b) const;
    bool operator()(const RowPtr& a, const RowPtr& b) const { return (*this)(*a, *b); }
    bool operator()(const Row& a, const RowPtr& b) const { return (*this)(a, *b); }
    bool operator()(const RowPtr& a, const Row& b) const { return (*this)(*a, b); }
    bool operator()(const Value& a, const RowPtr& b) const { return a.datum == b->get(table->column((*columns)[0])); }
    bool operator()(const RowPtr& a, const Value& b) const { return (*this)(b, a); }
  };
  using Index = boost::unordered_flat_set<RowPtr, IndexHash, IndexEqual>;

  const TableSchema* schema_;
  boost::unordered_flat_set<RowPtr, RowHash, RowEqual> rows_;
  boost::unordered_flat_map<Uuid, uint32_t, UuidHash> strong_;
  boost::unordered_flat_map<Uuid, Referrers, UuidHash> weak_;
  std::vector<Index> indexes_;
  std::vector<ReferenceColumn> references_;
};

}  // namespace sluice::ovsdb
