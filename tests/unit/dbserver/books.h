// SPDX-License-Identifier: Apache-2.0
// Checks a database's book-keeping against its definition: counts of references, indexes, limits, and that nothing refers to what is not there.
#pragma once

#include <fmt/core.h>

#include <map>
#include <string>

#include "dbserver/engine/database.h"

namespace sluice::ovsdb {

namespace books_internal {

inline std::string count_references(Database& db, const Table& to, std::map<Uuid, uint32_t>& strong) {
  std::string wrong;
  for (Table& from : db.tables())
    for (const ReferenceColumn& ref : from.references()) {
      if (ref.target != to.schema().index) continue;
      for (const RowPtr& row : from)
        ref.for_each(*row, [&](const Uuid& u) {
          if (!to.find(u)) wrong = fmt::format("row {} of {} refers to nothing", format(row->uuid()), from.schema().name);
          if (!ref.weak && !ref.is_self(from.schema().index, *row, u)) strong[u]++;
        });
    }
  return wrong;
}

inline std::string wrong_row(const Table& t, const Row& row, uint32_t strong) {
  if (t.strong_count(row.uuid()) != strong) return "wrong count of references";
  if (!t.schema().is_root && strong == 0) return "garbage";
  for (size_t i = 0; i < t.index_count(); i++) {
    const RowPtr* found = t.index_find(i, row);
    if (!found || (*found)->uuid() != row.uuid()) return "not in its index";
  }
  for (const ColumnSchema& c : t.schema().columns)
    if (!c.type.check(row.get(c))) return fmt::format("bad value of {}", c.name);
  return "";
}

}  // namespace books_internal

/// "" or the first thing that is wrong.
inline std::string wrong_books(Database& db) {
  for (Table& t : db.tables()) {
    std::map<Uuid, uint32_t> strong;
    if (std::string wrong = books_internal::count_references(db, t, strong); !wrong.empty()) return wrong;
    for (const RowPtr& row : t)
      if (std::string wrong = books_internal::wrong_row(t, *row, strong[row->uuid()]); !wrong.empty())
        return fmt::format("table {} row {}: {}", t.schema().name, format(row->uuid()), wrong);
    if (t.size() > t.schema().max_rows) return fmt::format("table {} has too many rows", t.schema().name);
  }
  return "";
}

}  // namespace sluice::ovsdb
