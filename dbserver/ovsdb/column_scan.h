// SPDX-License-Identifier: Apache-2.0
// The columns of a row as members of a JSON object: {"name":VALUE,...}.  Rows of a table have their columns in the same order mostly, so what came behind a
// column is expected there the next time.  As with all of JsonScanner, "no" means: read it by way of a JSON value.
//
// Reusable: one object is kept for many rows.  One thread.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "dbserver/ovsdb/schema.h"
#include "lib/json_scanner.h"

namespace sluice::ovsdb {

class ColumnScan {
 public:
  /// The tables will be those of this schema.
  void use(const std::shared_ptr<const DatabaseSchema>& schema) {
    if (schema == schema_) return;
    schema_ = schema;
    expected_.clear();
    for (const TableSchema& t : schema->tables) expected_.emplace_back(t.columns.size() + 1);
  }

  /// Calls value(scanner, column) for each column but _uuid and _version, to read what it is.
  template <typename Fn>
  [[gnu::always_inline]] bool scan(JsonScanner& scanner, const TableSchema& table, Fn value) {
    JsonScanner s = scanner;
    if (!s.take('{')) return false;
    Expected *first = expected_[table.index].data(), *next = first;
    for (;;) {
      if (!next->column || !s.literal(next->text)) {
        if (s.take('}')) break;
        if (!apart(s, [&](JsonScanner& t) { return find(t, table, next == first, *next); })) return false;
      }
      const ColumnSchema& c = *next->column;
      next = first + c.index + 1;
      if (!value(s, c)) return false;
    }
    scanner = s;
    return true;
  }

 private:
  struct Expected {
    const ColumnSchema* column = nullptr;
    std::string_view text;  // ,"name":
  };
  [[gnu::noinline]] static bool find(JsonScanner& s, const TableSchema& table, bool first, Expected& out);

  std::shared_ptr<const DatabaseSchema> schema_;
  std::vector<std::vector<Expected>> expected_;  // for each table and column, one ahead: what came behind it the last time
};

}  // namespace sluice::ovsdb
