// SPDX-License-Identifier: Apache-2.0
// The reader that goes through a record's text once.  It says no to what it does not know, and to what would depend on the order of members: then
// the other one reads the record.
#include "dbserver/engine/records.h"
#include "dbserver/engine/transaction_reader.h"
#include "dbserver/ovsdb/diff.h"
#include "dbserver/ovsdb/value_scan.h"

namespace sluice::ovsdb {

bool TransactionReader::scan(std::string_view text) {
  start();
  text_ = text;
  JsonScanner s(text, spare_);
  return s.take('{') && scan_members(s) && s.take('}') && s.at_end() && is_diff_.value_or(false) == expected_diff_.value_or(is_diff_.value_or(false));
}

/// It may stand behind the tables: then what it will be is looked up, and checked in the end.
bool TransactionReader::is_diff() {
  if (is_diff_) return *is_diff_;
  if (!expected_diff_) expected_diff_ = text_.find("\"_is_diff\":true") != text_.npos;
  return *expected_diff_;
}

bool TransactionReader::scan_members(JsonScanner& s) {
  do {
    int64_t date = 0;
    std::string_view name;
    if (s.literal("\"_date\":")) {
      if (!s.integer(date)) return false;
      out_.date_ms = record_date_ms(date);
    } else if (s.literal("\"_is_diff\":")) {
      bool value = false;
      if (is_diff_ || !s.boolean(value)) return false;
      is_diff_ = value;
    } else if (s.literal("\"_comment\":")) {
      if (!s.string(name)) return false;
      out_.comment = name;
    } else {
      Table* table = scan_table_name(s);
      if (!table || !scan_table(s, *table)) return false;
    }
  } while (s.take(','));
  return true;
}

Table* TransactionReader::scan_table_name(JsonScanner& s) {
  if (expected_table_ && s.literal(expected_table_->schema().json_name.at(true))) return expected_table_;
  std::string_view name;
  if (!s.string(name) || !s.take(':')) return nullptr;
  return expected_table_ = db_.find_table(name);
}

bool TransactionReader::scan_table(JsonScanner& s, Table& table) {
  uint16_t index = table.schema().index;
  size_t first = out_.changes.size();
  for (const RowChange& c : out_.changes)
    if (c.table == index) return false;  // the table is there twice
  if (!s.take('{')) return false;
  do {
    Uuid uuid;
    s.forget_strings();
    if (!s.uuid(uuid) || !s.take(':')) return false;
    const RowPtr* found = table.find(uuid);
    RowPtr before = found ? *found : RowPtr();
    if (s.literal("null")) {
      if (!before) return false;
      out_.changes.push_back({index, std::move(before), {}});
    } else {
      if (!scan_row(s, table.schema(), before)) return false;
      out_.changes.push_back({index, std::move(before), builder_.build(uuid, db_.uuids().next())});
    }
  } while (s.take(','));
  if (!s.take('}')) return false;
  if (out_.changes.size() - first == 1) return true;
  seen_.clear();
  seen_.reserve(out_.changes.size() - first);
  for (size_t i = first; i < out_.changes.size(); i++)
    if (!seen_.insert(out_.changes[i].uuid()).second) return false;  // a row is there twice
  return true;
}

bool TransactionReader::scan_row(JsonScanner& s, const TableSchema& table, const RowPtr& before) {
  if (before) builder_.start(table, *before);
  else builder_.start(table);
  ByteBuffer& values = builder_.buffer();
  return columns_.scan(s, table, [&](JsonScanner& t, const ColumnSchema& c) __attribute__((always_inline)) {
    if (before && !c.type.is_scalar() && is_diff()) return apart(t, [&](JsonScanner& u) { return scan_diff(u, c); });
    const size_t from = values.size();
    if (!scan_value(t, c.type, values, datum_)) return false;
    builder_.set_from_buffer(c, from);
    return true;
  });
}

/// Of a set or map.
bool TransactionReader::scan_diff(JsonScanner& s, const ColumnSchema& c) {
  Datum diff;
  if (builder_.is_set(c) || !scan_datum_lenient(s, c.type, diff, datum_)) return false;
  auto value = datum_apply_diff(builder_.get(c), diff, c.type);
  if (!value) return false;
  builder_.set(c, *value);
  return true;
}

}  // namespace sluice::ovsdb
