// SPDX-License-Identifier: Apache-2.0
// Writing the journal: records, batches, compaction.  Reading is in journal_read.cc.
#include "dbserver/engine/journal.h"

#include <cstring>

#include "dbserver/ovsdb/diff.h"
#include "dbserver/ovsdb/value_json.h"
#include "dbserver/engine/sha1.h"

namespace sluice::ovsdb {

std::string IoError::text() const { return error ? std::strerror(error) : ""; }

void append_record(std::string& out, std::string_view data) {
  out += "OVSDB JSON ";
  append_json_integer(out, static_cast<int64_t>(data.size()));
  out += ' ';
  append_sha1(out, data);
  out += '\n';
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
    if (as_diff && !c.type.is_scalar()) append_datum(out, datum_diff(from, to, c.type));
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

std::string render_snapshot(Database& db, std::string_view comment, int64_t date_ms) {
  std::string out;
  append_head(out, comment, date_ms, true);
  for (Table& t : db.tables()) {
    if (!t.size()) continue;
    bool not_first = false, first = true;
    append_name(out, not_first, t.schema().json_name);
    out += '{';
    for (const RowPtr& row : t) {
      append_uuid_name(out, first, row->uuid());
      append_change(out, t.schema(), {t.schema().index, {}, row}, true);
    }
    out += '}';
  }
  out += "}\n";
  return out;
}

// --- the journal ---

Journal::Journal(std::unique_ptr<Storage> storage, uint64_t records, int64_t opened_ms)
    : storage_(std::move(storage)), records_(records), compacted_size_(storage_->size()), compacted_ms_(opened_ms) {}

void Journal::add(const DatabaseSchema& schema, const Commit& commit, int64_t date_ms) {
  scratch_.clear();
  render_transaction(scratch_, schema, commit, date_ms, column_diff_);
  batch_durable_ |= commit.durable;
  if (scratch_.empty()) return;
  append_record(batch_, scratch_);
  batch_records_++;
}

IoStatus Journal::flush() {
  bool durable = std::exchange(batch_durable_, false);
  IoStatus status;
  uint64_t before = storage_->size();
  if (!batch_.empty()) status = storage_->append(batch_);
  if (status && durable) {
    status = storage_->sync();
    // What was refused must not come back after a restart.
    if (!status && !storage_->is_broken()) (void)storage_->truncate(before);
  }
  if (status) records_ += batch_records_;
  batch_.clear();
  if (batch_.capacity() > (1 << 20)) batch_.shrink_to_fit();
  batch_records_ = 0;
  return status;
}

IoStatus Journal::compact(Database& db, int64_t date_ms, std::string_view comment) {
  std::string contents;
  append_record(contents, db.schema().to_json().to_string() + "\n");
  append_record(contents, render_snapshot(db, comment, date_ms));
  if (auto s = storage_->replace(contents); !s) return s;
  batch_.clear();
  batch_records_ = 0;
  batch_durable_ = false;
  records_ = 0;
  compacted_size_ = storage_->size();
  compacted_ms_ = date_ms;
  return {};
}

bool Journal::wants_compaction(int64_t now_ms) const {
  constexpr int64_t kMinute = 60'000, kDay = 24 * 60 * kMinute;
  constexpr uint64_t kMinRecords = 100, kMinSize = 10u << 20;
  if (now_ms - compacted_ms_ < 10 * kMinute) return false;
  if (records_ >= kMinRecords && storage_->size() > kMinSize && storage_->size() > 2 * compacted_size_) return true;
  return records_ > 0 && now_ms - compacted_ms_ > kDay;
}

}  // namespace sluice::ovsdb
