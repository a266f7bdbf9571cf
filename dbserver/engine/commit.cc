// SPDX-License-Identifier: Apache-2.0
// The end of a transaction: the rules in the order of spec/ovsdb-protocol.md section 7, which decides which error wins.
#include <fmt/core.h>

#include <algorithm>

#include "dbserver/engine/database.h"
#include "dbserver/ovsdb/value_text.h"

namespace sluice::ovsdb {

class Committer {
 public:
  Committer(Database& db, Changes& changes) : db_(db), changes_(changes) {}

  Result<std::shared_ptr<Commit>> run() {
    drop_what_did_not_change();
    count_references();
    Status status = check_references();
    if (status) collect_garbage();
    if (status) status = check_row_limits();
    if (status) status = drop_weak_references();
    if (status) status = update_indexes();
    if (!status) {
      uncount_references();
      db_.undo(changes_);
      return std::unexpected(status.error());
    }
    return finish();
  }

 private:
  Table& table(const RowChange& c) { return db_.tables_[c.table]; }

  void drop_what_did_not_change() {
    for (RowChange& c : changes_.list()) {
      if (c.cancelled || !c.before || !c.after || !c.before->same_content(*c.after)) continue;
      table(c).put(c.before);  // with its old version
      c.after = c.before;
      c.cancelled = true;
    }
  }

  void count_references() {
    for (const RowChange& c : changes_.list()) {
      if (c.cancelled || table(c).references().empty()) continue;
      db_.shift_strong(c.table, c.after, 1);
      db_.shift_strong(c.table, c.before, -1);
    }
  }

  void uncount_references() {
    for (const RowChange& c : changes_.list()) {
      if (c.cancelled || table(c).references().empty()) continue;
      db_.shift_strong(c.table, c.after, -1);
      db_.shift_strong(c.table, c.before, 1);
    }
  }

  /// Strong references need their row, and rows that are referred to may not be deleted.
  Status check_references() {
    for (const RowChange& c : changes_.list()) {
      if (c.cancelled || !c.after) continue;
      for (const ReferenceColumn& ref : table(c).references()) {
        if (ref.weak) continue;
        const Uuid* missing = nullptr;
        Uuid found;
        ref.for_each(*c.after, [&](const Uuid& u) {
          if (missing || db_.tables_[ref.target].find(u)) return;
          RowChange* deleted = changes_.find(ref.target, u);
          if (deleted && !deleted->after) return;  // the loop below says so
          found = u;
          missing = &found;
        });
        if (missing)
          return fail("referential integrity violation",
                      fmt::format("Table {} column {} row {} references nonexistent row {} in table {}.", table(c).schema().name, ref.column->name,
                                  format(c.uuid()), format(*missing), db_.tables_[ref.target].schema().name));
      }
    }
    for (const RowChange& c : changes_.list()) {
      if (c.cancelled || c.after) continue;
      if (uint32_t n = table(c).strong_count(c.uuid()))
        return fail("referential integrity violation", fmt::format("cannot delete {} row {} because of {} remaining reference(s)",
                                                                  table(c).schema().name, format(c.uuid()), n));
    }
    return {};
  }

  struct Candidate {
    uint16_t table;
    Uuid uuid;
  };

  void add_targets(uint16_t from, const RowPtr& row, std::vector<Candidate>& out) {
    for (const ReferenceColumn& ref : db_.tables_[from].references()) {
      if (ref.weak || db_.tables_[ref.target].schema().is_root) continue;
      ref.for_each(*row, [&](const Uuid& u) { out.push_back({ref.target, u}); });
    }
  }

  void collect_garbage() {
    std::vector<Candidate> candidates;
    for (const RowChange& c : changes_.list()) {
      if (c.cancelled) continue;
      if (c.after && !table(c).schema().is_root) candidates.push_back({c.table, c.uuid()});
      if (c.before) add_targets(c.table, c.before, candidates);
    }
    collect(candidates);
  }

  void collect(std::vector<Candidate>& candidates) {
    while (!candidates.empty()) {
      Candidate next = candidates.back();
      candidates.pop_back();
      Table& t = db_.tables_[next.table];
      const RowPtr* found = t.find(next.uuid);
      if (!found || t.strong_count(next.uuid)) continue;
      RowPtr row = *found;
      db_.shift_strong(next.table, row, -1);
      add_targets(next.table, row, candidates);
      db_.remove(changes_, next.table, next.uuid);
    }
  }

  Status check_row_limits() {
    for (const RowChange& c : changes_.list()) {
      const Table& t = table(c);
      if (c.cancelled || c.before || t.size() <= t.schema().max_rows) continue;
      return constraint_violation(fmt::format("transaction causes \"{}\" table to contain {} rows, greater than the schema-defined limit of {} row(s)",
                                              t.schema().name, t.size(), t.schema().max_rows));
    }
    return {};
  }

  /// From rows that were written with references to nothing, and from rows that refer to rows now deleted.
  Status drop_weak_references() {
    std::vector<Candidate> garbage;
    for (size_t i = 0; i < changes_.list().size(); i++) {  // grows meanwhile
      if (const RowChange& r = changes_.list()[i]; r.cancelled || (r.after && table(r).references().empty())) continue;
      RowChange c = changes_.list()[i];
      if (c.after) {
        if (auto s = drop_weak_of(c.table, c.after, garbage); !s) return s;
        continue;
      }
      const Table::Referrers* referrers = table(c).weak_referrers(c.uuid());
      if (!referrers) continue;
      for (const auto& [from, count] : *referrers) {
        const RowPtr* row = db_.tables_[from.table].find(from.row);
        if (!row) continue;
        if (auto s = drop_weak_of(from.table, *row, garbage); !s) return s;
      }
    }
    collect(garbage);
    return {};
  }

  Status drop_weak_of(uint16_t index, RowPtr row, std::vector<Candidate>& garbage) {
    const Table& t = db_.tables_[index];
    RowBuilder builder;
    bool changed = false;
    for (const ReferenceColumn& ref : t.references()) {
      if (!ref.weak) continue;
      DatumRef d = changed ? builder.get(*ref.column) : row->get(*ref.column);
      DatumBuilder kept(d.key_type(), d.value_type());
      size_t zeros = 0;
      for (size_t i = 0; i < d.size(); i++) {
        Uuid u = (ref.in_values ? d.value(i) : d.key(i)).uuid();
        if (db_.tables_[ref.target].find(u)) kept.add(d.key(i), d.is_map() ? d.value(i) : AtomRef());
        else zeros += u.is_zero();
      }
      if (kept.size() == d.size()) continue;
      if (kept.size() < ref.column->type.n_min) return emptied(t, *ref.column, *row, d.size() - kept.size(), zeros);
      Datum rest = kept.finish();
      if (!changed) builder.start(t.schema(), *row);
      changed = true;
      builder.set(*ref.column, rest);
    }
    if (!changed) return {};
    RowPtr fresh = builder.build(row->uuid(), db_.uuids_.next());
    db_.shift_strong(index, fresh, 1);
    db_.shift_strong(index, row, -1);
    add_targets(index, row, garbage);
    db_.replace(changes_, index, std::move(fresh));
    return {};
  }

  DbError emptied_error(std::string details) { return {"constraint violation", std::move(details), {}, {}}; }
  Status emptied(const Table& t, const ColumnSchema& c, const Row& row, size_t dropped, size_t zeros) {
    RowChange* change = changes_.find(t.schema().index, row.uuid());
    std::string_view fresh = change && !change->before ? " (inserted within this transaction)" : "";
    if (zeros == dropped)
      return std::unexpected(emptied_error(fmt::format(
          "Weak reference column \"{}\" in \"{}\" row {}{} contained all-zeros UUID (probably as the default value for this column) but deleting this "
          "value caused a constraint volation because this column is not allowed to be empty.",
          c.name, t.schema().name, format(row.uuid()), fresh)));
    return std::unexpected(emptied_error(fmt::format(
        "Deletion of {} weak reference(s) to deleted (or never-existing) rows from column \"{}\" in \"{}\" row {}{} caused this column to become empty, "
        "but constraints on this column disallow an empty column.",
        dropped, c.name, t.schema().name, format(row.uuid()), fresh)));
  }

  Status update_indexes() {
    auto& list = changes_.list();
    for (const RowChange& c : list)
      if (!c.cancelled && c.before) table(c).index_erase(c.before);
    for (size_t done = 0; done < list.size(); done++) {
      const RowChange& c = list[done];
      if (c.cancelled || !c.after) continue;
      Table& t = table(c);
      for (size_t i = 0; i < t.index_count(); i++) {
        const RowPtr* other = t.index_find(i, *c.after);
        if (!other) continue;
        DbError error = goes_first(t.schema(), *c.after, **other) ? index_violation(t, i, c.after, *other) : index_violation(t, i, *other, c.after);
        for (size_t k = 0; k < done; k++)
          if (!list[k].cancelled && list[k].after) table(list[k]).index_erase(list[k].after);
        for (const RowChange& r : list)
          if (!r.cancelled && r.before) table(r).index_insert(r.before);
        return std::unexpected(std::move(error));
      }
      t.index_insert(c.after);
    }
    return {};
  }

  /// Of two rows with the same index values, the one with the greater contents is named first, as in Open vSwitch.
  static bool goes_first(const TableSchema& t, const Row& a, const Row& b) {
    for (const ColumnSchema& c : t.columns)
      if (auto order = compare(a.get(c), b.get(c)); order != 0) return order > 0;
    return false;
  }

  static std::string list_values(const Table& t, size_t index, const Row& row) {
    const auto& columns = t.schema().indexes[index];
    std::string s;
    for (size_t i = 0; i < columns.size(); i++) {
      if (i) s += columns.size() == 2 ? " and " : i + 1 == columns.size() ? ", and " : ", ";
      const ColumnSchema& c = t.schema().column(columns[i]);
      s += datum_to_text(row.get(c), c.type);
    }
    return s;
  }

  std::string row_history(const Table& t, size_t index, const RowPtr& row) {
    RowChange* c = changes_.find(t.schema().index, row->uuid());
    if (!c || c->cancelled) return "existed in the database before this transaction and was not modified by the transaction";
    if (!c->before) return "was inserted by this transaction";
    const auto& columns = t.schema().indexes[index];
    bool moved = std::any_of(columns.begin(), columns.end(), [&](uint16_t i) {
      const ColumnSchema& column = t.schema().column(i);
      return !(c->before->get(column) == row->get(column));
    });
    if (moved) return fmt::format("had the following index values before the transaction: {}", list_values(t, index, *c->before));
    return "existed in the database before this transaction, which modified some of the row's columns but not any columns in this index";
  }

  DbError index_violation(const Table& t, size_t index, const RowPtr& first, const RowPtr& second) {
    const auto& columns = t.schema().indexes[index];
    std::string names;
    for (size_t i = 0; i < columns.size(); i++) {
      if (i) names += columns.size() == 2 ? " and " : i + 1 == columns.size() ? ", and " : ", ";
      names += '"' + t.schema().column(columns[i]).name + '"';
    }
    return {"constraint violation",
            fmt::format("Transaction causes multiple rows in \"{}\" table to have identical values ({}) for index on column{} {}.  First row, with "
                        "UUID {}, {}.  Second row, with UUID {}, {}.",
                        t.schema().name, list_values(t, index, *first), columns.size() > 1 ? "s" : "", names, format(first->uuid()),
                        row_history(t, index, first), format(second->uuid()), row_history(t, index, second)),
            {}, {}};
  }

  std::shared_ptr<Commit> finish() {
    auto commit = std::make_shared<Commit>();
    auto& list = changes_.list();
    commit->changes.reserve(list.size());
    for (RowChange& c : list) {
      if (c.cancelled) continue;
      if (!table(c).references().empty()) {
        db_.shift_weak(c.table, c.after, 1);
        db_.shift_weak(c.table, c.before, -1);
      }
      commit->changes.push_back(std::move(c));
    }
    changes_.clear();
    return commit;
  }

  Database& db_;
  Changes& changes_;
};

Result<std::shared_ptr<Commit>> Database::commit(Changes& changes) { return Committer(*this, changes).run(); }

}  // namespace sluice::ovsdb
