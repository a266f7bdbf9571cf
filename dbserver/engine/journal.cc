// SPDX-License-Identifier: Apache-2.0
// Writing the journal: records, batches, compaction.  Reading is in journal_read.cc.
#include "dbserver/engine/journal.h"

#include <algorithm>
#include <cstring>

#include "dbserver/ovsdb/diff.h"
#include "dbserver/ovsdb/value_json.h"

namespace sluice::ovsdb {

std::string IoError::text() const { return error ? std::strerror(error) : ""; }

namespace {

/// The columns that a record must say: persistent, and not at their default (new rows) or not as before.  False if there is nothing to say.
bool write_change(JsonWriter& out, const TableSchema& table, const RowChange& change, bool as_diff) {
  if (!change.after) {
    out.put("null");
    return true;
  }
  out.put('{');
  bool first = true;
  for (const ColumnSchema& c : table.columns) {
    if (!c.persistent) continue;
    DatumRef to = change.after->get(c), from = change.before ? change.before->get(c) : c.default_value.ref();
    if (from == to) continue;
    out.put(c.json_name.at(std::exchange(first, false)));
    if (change.before && as_diff && !c.type.is_single()) write_datum(out, datum_diff(from, to, c.type));
    else write_datum(out, to);
  }
  out.put('}');
  return !first || !change.before;
}

/// Nothing, if nothing but ephemeral columns changed.
void write_row(JsonWriter& out, bool& first, const TableSchema& table, const RowChange& change, bool as_diff) {
  size_t before = out.size();
  if (!first) out.put(',');
  out.uuid_name(change.uuid());
  if (write_change(out, table, change, as_diff)) first = false;
  else out.cut(before);
}

void write_head(JsonWriter& out, std::string_view comment, int64_t date_ms, bool as_diff) {
  out.put('{');
  if (!comment.empty()) {
    out.put("\"_comment\":");
    out.string(comment);
    out.put(',');
  }
  out.put("\"_date\":");
  out.integer(date_ms);
  if (as_diff) out.put(",\"_is_diff\":true");
}

}  // namespace

void render_transaction(std::string& text, const DatabaseSchema& schema, const Commit& commit, int64_t date_ms, bool as_diff) {
  JsonWriter out(text);
  size_t begin = out.size();
  bool any = false;
  write_head(out, commit.comment, date_ms, as_diff);
  uint32_t done = 0;  // tables before it
  while (done < schema.tables.size()) {
    // The tables that changed, in their order; most transactions have one.
    uint32_t t = static_cast<uint32_t>(schema.tables.size());
    for (const RowChange& c : commit.changes)
      if (c.table >= done) t = std::min<uint32_t>(t, c.table);
    if (t == schema.tables.size()) break;
    size_t before = out.size();
    out.put(schema.tables[t].json_name.at(false));
    out.put('{');
    bool first = true;
    for (const RowChange& c : commit.changes)
      if (c.table == t) write_row(out, first, schema.tables[t], c, as_diff);
    if (first) out.cut(before);
    else out.put('}');
    any |= !first;
    done = t + 1;
  }
  if (any) out.put("}\n");
  else out.cut(begin);
}

// --- snapshots ---

Snapshot::Snapshot(Database& db) : schema_(db.schema_ptr()) {
  for (Table& t : db.tables()) tables_.push_back(t.all_rows());
}

std::string Snapshot::render_file(std::string_view comment, int64_t date_ms) const {
  std::string front, data;  // as large as the file: there must not be two of them
  append_record(front, schema_->to_json().to_string() + "\n");
  JsonWriter out(data);
  write_head(out, comment, date_ms, true);
  for (const TableSchema& table : schema_->tables) {
    const std::vector<RowPtr>& rows = tables_[table.index];
    if (rows.empty()) continue;
    bool first = true;
    out.put(table.json_name.at(false));
    out.put('{');
    for (const RowPtr& row : rows) write_row(out, first, table, {table.index, {}, row}, true);
    out.put('}');
  }
  out.put("}\n");
  out.finish();
  append_record_header(front, data);
  data.insert(0, front);
  return data;
}

// --- the journal ---

Journal::Journal(std::unique_ptr<Storage> storage, uint64_t records, int64_t opened_ms)
    : writer_(std::move(storage)), records_(records), compacted_size_(writer_.size()), compacted_ms_(opened_ms) {}

void Journal::add(const DatabaseSchema& schema, const Commit& commit, int64_t date_ms) {
  scratch_.clear();
  render_transaction(scratch_, schema, commit, date_ms, column_diff_);
  batch_durable_ |= commit.durable;
  if (scratch_.empty()) return;
  batch_records_.append(batch_, scratch_);
  records_++;
}

void Journal::submit() {
  constexpr size_t kMostReserved = 64u << 10;
  size_t size = batch_.size();
  batch_records_.finish(batch_);
  writer_.write(std::exchange(batch_, {}), std::exchange(batch_durable_, false));
  batch_.reserve(std::min(size, kMostReserved));  // the next one is likely to be like it
}

void Journal::drop_batch() {
  batch_.clear();
  batch_records_.clear();
  batch_durable_ = false;
}

IoStatus Journal::flush() {
  submit();
  writer_.wait();
  return *writer_.take_written();
}

void Journal::compact(Database& db, int64_t date_ms, std::string_view comment) {
  records_ = 0;
  compacted_ms_ = date_ms;
  writer_.compact([snapshot = Snapshot(db), text = std::string(comment), date_ms] { return snapshot.render_file(text, date_ms); });
}

std::optional<IoStatus> Journal::take_compacted() {
  auto done = writer_.take_compacted();
  if (done && *done) compacted_size_ = writer_.size();
  return done;
}

IoStatus Journal::compact_now(Database& db, int64_t date_ms, std::string_view comment) {
  compact(db, date_ms, comment);
  for (;;) {
    writer_.wait();
    if (auto done = take_compacted()) return *done;
  }
}

bool Journal::wants_compaction(int64_t now_ms) const {
  constexpr int64_t kMinute = 60'000, kDay = 24 * 60 * kMinute;
  constexpr uint64_t kMinRecords = 100, kMinSize = 10u << 20;
  if (now_ms - compacted_ms_ < 10 * kMinute) return false;
  if (records_ >= kMinRecords && size() > kMinSize && size() > 2 * compacted_size_) return true;
  return records_ > 0 && now_ms - compacted_ms_ > kDay;
}

}  // namespace sluice::ovsdb
