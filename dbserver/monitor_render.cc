// SPDX-License-Identifier: Apache-2.0
// From row changes to the text of updates, versions 1 (old and new rows) and 2 (differences).
#include "dbserver/monitor.h"
#include "dbserver/ovsdb/diff.h"
#include "dbserver/ovsdb/value_json.h"

namespace sluice::ovsdb {
namespace {

/// Writes {table: {uuid: ...}} and opens and closes the objects as needed.
class UpdateWriter {
 public:
  /// Begins a row's member in the table.
  JsonWriter& row(const TableSchema& table, const Uuid& uuid) {
    if (table_ != &table) {
      if (table_) out_.put('}');
      out_.put(table_ ? ',' : '{');
      out_.put(table.json_name.at(true));
      out_.put('{');
      table_ = &table;
    } else {
      out_.put(',');
    }
    out_.uuid_name(uuid);
    return out_;
  }
  /// More rows like the `done` ones that are there will come.
  void reserve(size_t done, size_t more) { out_.reserve(out_.size() / done * more * 9 / 8); }
  std::string finish() {
    if (table_) out_.put("}}");
    out_.finish();
    return std::move(text_);
  }

 private:
  std::string text_;
  JsonWriter out_{text_};
  const TableSchema* table_ = nullptr;
};

void append_member(JsonWriter& out, bool& first, const ColumnSchema& c) {
  out.put(c.json_name.at(std::exchange(first, false)));
}

/// The row's columns that have one of the bits; without those at their default if asked.
void append_row(JsonWriter& out, const MonitoredTable& t, const Row& row, uint8_t bits, bool skip_defaults) {
  out.put('{');
  bool first = true;
  for (const MonitoredColumn& m : t.columns) {
    if (!(m.select & bits)) continue;
    const ColumnSchema& c = *m.column;
    DatumRef d = row.get(c);
    if (skip_defaults && d.bytes() == m.default_bytes) continue;
    out.put(c.json_name.at(std::exchange(first, false)));
    write_datum(out, d);
  }
  out.put('}');
}

bool is_changed(const MonitoredTable& t, const Row& before, const Row& after) {
  for (const MonitoredColumn& m : t.columns)
    if ((m.select & kSelectModify) && !(before.get(*m.column) == after.get(*m.column))) return true;
  return false;
}

void append_modify_v1(JsonWriter& out, const MonitoredTable& t, const Row& before, const Row& after) {
  out.put("{\"new\":");
  append_row(out, t, after, kSelectModify, false);
  out.put(",\"old\":{");
  bool first = true;
  for (const MonitoredColumn& m : t.columns) {
    if (!(m.select & kSelectModify)) continue;
    DatumRef old = before.get(*m.column);
    if (old == after.get(*m.column)) continue;
    append_member(out, first, *m.column);
    write_datum(out, old);
  }
  out.put("}}");
}

void append_modify_v2(JsonWriter& out, const MonitoredTable& t, const Row& before, const Row& after) {
  out.put("{\"modify\":{");
  bool first = true;
  for (const MonitoredColumn& m : t.columns) {
    if (!(m.select & kSelectModify)) continue;
    DatumRef from = before.get(*m.column), to = after.get(*m.column);
    if (from == to) continue;
    append_member(out, first, *m.column);
    if (m.column->type.is_single()) write_datum(out, to);
    else write_datum(out, datum_diff(from, to, m.column->type));
  }
  out.put("}}");
}

void append_present(JsonWriter& out, const MonitoredTable& t, const Row& row, uint8_t bit, bool v1) {
  if (v1) out.put("{\"new\":");
  else if (bit == kSelectInitial) out.put("{\"initial\":");
  else out.put("{\"insert\":");
  append_row(out, t, row, bit, !v1);
  out.put('}');
}

void append_deleted(JsonWriter& out, const MonitoredTable& t, const Row& row, bool v1) {
  if (!v1) {
    out.put("{\"delete\":null}");
    return;
  }
  out.put("{\"old\":");
  append_row(out, t, row, kSelectDelete, false);
  out.put('}');
}

/// One row's change, as it is seen through the conditions.
void render_change(UpdateWriter& writer, const MonitoredTable& t, const Row* before, const Row* after, bool v1) {
  const Row& any = after ? *after : *before;
  if (before && after) {
    if ((t.select & kSelectModify) && is_changed(t, *before, *after)) {
      JsonWriter& out = writer.row(*t.schema, any.uuid());
      if (v1) append_modify_v1(out, t, *before, *after);
      else append_modify_v2(out, t, *before, *after);
    }
  } else if (after) {
    if (t.select & kSelectInsert) append_present(writer.row(*t.schema, any.uuid()), t, *after, kSelectInsert, v1);
  } else if (before) {
    if (t.select & kSelectDelete) append_deleted(writer.row(*t.schema, any.uuid()), t, *before, v1);
  }
}

}  // namespace

std::string MonitorSpec::initial(Database& db) const {
  UpdateWriter writer;
  for (const MonitoredTable& t : tables_) {
    if (!(t.select & kSelectInitial)) continue;
    constexpr size_t kSample = 64;
    size_t done = 0;
    const Table& table = db.table(t.schema->index);
    for (const RowPtr& row : table) {
      if (!t.condition.matches_any(*row)) continue;
      append_present(writer.row(*t.schema, row->uuid()), t, *row, kSelectInitial, v1_);
      if (++done == kSample && t.condition.is_always()) writer.reserve(done, table.size() - done);
    }
  }
  std::string text = writer.finish();
  return text.empty() ? "{}" : text;
}

std::string MonitorSpec::update(const std::vector<RowChange>& changes) const {
  UpdateWriter writer;
  for (const MonitoredTable& t : tables_) {
    for (const RowChange& c : changes) {
      if (c.table != t.schema->index) continue;
      const Row* before = c.before && t.condition.matches_any(*c.before) ? c.before.get() : nullptr;
      const Row* after = c.after && t.condition.matches_any(*c.after) ? c.after.get() : nullptr;
      if (before || after) render_change(writer, t, before, after, v1_);
    }
  }
  return writer.finish();
}

std::string MonitorSpec::condition_change(Database& db, const MonitorSpec& next) const {
  UpdateWriter writer;
  for (size_t i = 0; i < tables_.size(); i++) {
    const MonitoredTable &from = tables_[i], &to = next.tables_[i];
    if (from.condition == to.condition) continue;
    for (const RowPtr& row : db.table(from.schema->index)) {
      bool was = from.condition.matches_any(*row), is = to.condition.matches_any(*row);
      if (was != is) render_change(writer, to, was ? row.get() : nullptr, is ? row.get() : nullptr, v1_);
    }
  }
  return writer.finish();
}

}  // namespace sluice::ovsdb
