// SPDX-License-Identifier: Apache-2.0
// Writing the journal: records, batches, compaction.  Reading is in journal_read.cc.
#include "dbserver/engine/journal.h"

#include <algorithm>
#include <cstring>

#include "dbserver/ovsdb/diff.h"
#include "dbserver/ovsdb/value_json.h"
#include "dbserver/engine/sha1.h"

namespace sluice::ovsdb {

std::string IoError::text() const { return error ? std::strerror(error) : ""; }

namespace {

void append_header(std::string& out, std::string_view data) {
  out += "OVSDB JSON ";
  append_json_integer(out, static_cast<int64_t>(data.size()));
  out += ' ';
  append_sha1(out, data);
  out += '\n';
}

}  // namespace

void append_record(std::string& out, std::string_view data) {
  append_header(out, data);
  out += data;
}

namespace {

void append_name(std::string& out, bool& first, std::string_view json_name) {
  if (!first) out += ',';
  first = false;
  out += json_name;
}

void append_uuid_name(std::string& out, bool& first, const Uuid& u) {
  if (!first) out += ',';
  first = false;
  char text[] = "\"00000000-0000-0000-0000-000000000000\":";
  format_to(text + 1, u);
  out.append(text, sizeof text - 1);
}

/// The columns that a record must say: persistent, and not at their default (new rows) or not as before.
void append_change(std::string& out, const TableSchema& table, const RowChange& change, bool as_diff) {
  if (!change.after) {
    out += "null";
    return;
  }
  out += '{';
  bool first = true;
  for (const ColumnSchema& c : table.columns) {
    if (!c.persistent) continue;
    DatumRef to = change.after->get(c);
    if (!change.before) {
      if (to == c.default_value.ref()) continue;
      append_name(out, first, c.json_name);
      append_datum(out, to);
      continue;
    }
    DatumRef from = change.before->get(c);
    if (from == to) continue;
    append_name(out, first, c.json_name);
    if (as_diff && !c.type.is_single()) append_datum(out, datum_diff(from, to, c.type));
    else append_datum(out, to);
  }
  out += '}';
}

/// False if nothing but ephemeral columns changed.
bool is_worth_writing(const TableSchema& table, const RowChange& change) {
  if (!change.before || !change.after) return true;
  for (const ColumnSchema& c : table.columns)
    if (c.persistent && !(change.before->get(c) == change.after->get(c))) return true;
  return false;
}

void append_head(std::string& out, std::string_view comment, int64_t date_ms, bool as_diff) {
  out += '{';
  if (!comment.empty()) {
    out += "\"_comment\":";
    append_json_string(out, comment);
    out += ',';
  }
  out += "\"_date\":";
  append_json_integer(out, date_ms);
  if (as_diff) out += ",\"_is_diff\":true";
}

}  // namespace

void render_transaction(std::string& out, const DatabaseSchema& schema, const Commit& commit, int64_t date_ms, bool as_diff) {
  bool any = false;
  for (size_t t = 0; t < schema.tables.size(); t++) {
    bool open = false, first = true;
    for (const RowChange& c : commit.changes) {
      if (c.table != t || !is_worth_writing(schema.tables[t], c)) continue;
      if (!any) append_head(out, commit.comment, date_ms, as_diff);
      any = true;
      if (!open) {
        bool not_first = false;
        append_name(out, not_first, schema.tables[t].json_name);
        out += '{';
        open = true;
      }
      append_uuid_name(out, first, c.uuid());
      append_change(out, schema.tables[t], c, as_diff);
    }
    if (open) out += '}';
  }
  if (any) out += "}\n";
}

// --- snapshots ---

Snapshot::Snapshot(Database& db) : schema_(db.schema_ptr()) {
  for (Table& t : db.tables()) tables_.push_back(t.all_rows());
}

std::string Snapshot::render_file(std::string_view comment, int64_t date_ms) const {
  std::string front, data;  // as large as the file: there must not be two of them
  append_record(front, schema_->to_json().to_string() + "\n");
  append_head(data, comment, date_ms, true);
  for (const TableSchema& table : schema_->tables) {
    const std::vector<RowPtr>& rows = tables_[table.index];
    if (rows.empty()) continue;
    bool not_first = false, first = true;
    append_name(data, not_first, table.json_name);
    data += '{';
    for (const RowPtr& row : rows) {
      append_uuid_name(data, first, row->uuid());
      append_change(data, table, {table.index, {}, row}, true);
    }
    data += '}';
  }
  data += "}\n";
  append_header(front, data);
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
  append_record(batch_, scratch_);
  records_++;
}

void Journal::submit() {
  constexpr size_t kMostReserved = 64u << 10;
  size_t size = batch_.size();
  writer_.write(std::exchange(batch_, {}), std::exchange(batch_durable_, false));
  batch_.reserve(std::min(size, kMostReserved));  // the next one is likely to be like it
}

void Journal::drop_batch() {
  batch_.clear();
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
