// SPDX-License-Identifier: Apache-2.0
// Operations read from the text of a request straight into what they do: inserts, updates and deletes of the usual forms.  It says no to all others, and to what
// is wrong: then the request is read by way of a JSON value (operations.cc), which knows all operations, and what is wrong.  So where this one says yes, both
// read the same.  Nothing happens before all of a request has been read.
#include "dbserver/engine/transaction.h"
#include "dbserver/ovsdb/value_scan.h"

namespace sluice::ovsdb {

/// The operations up to the end of "params".  Each may have its members in any order, but the table must be known to read a row: until then it is put off.
bool Transaction::scan(Database& db, JsonScanner& s) {
  constexpr size_t kMost = 4096;  // a longer transaction goes the other way, and takes its memory there
  db_ = &db;
  column_scan_.use(db.schema_ptr());
  columns_.clear();
  values_.clear();
  scanned_count_ = 0;
  while (s.take(',')) {
    if (scanned_count_ == kMost) return false;
    if (scanned_count_ == scanned_.size()) scanned_.emplace_back();
    if (!scan_operation(s, scanned_[scanned_count_++])) return false;
  }
  return scanned_count_ && s.take(']');
}

bool Transaction::scan_operation(JsonScanner& s, ScannedOperation& op) {
  using Kind = ScannedOperation::Kind;
  op.kind = Kind::none;
  op.table = nullptr;
  op.uuid_name = {};
  op.where.clauses.clear();
  op.first = op.count = 0;
  Part where{&Transaction::scan_where}, row{&Transaction::scan_row};
  std::string_view name;
  if (!s.take('{')) return false;
  do {
    if (s.literal("\"op\":")) {
      if (op.kind != Kind::none || !s.string(name)) return false;
      op.kind = ScannedOperation::kind_of(name);
    } else if (s.literal("\"table\":")) {
      if (op.table || !s.string(name)) return false;
      op.table = db_->find_table(name);
      if (!op.table) return false;
    } else if (s.literal("\"where\":")) {
      if (!scan_part(s, op, where)) return false;
    } else if (s.literal("\"row\":")) {
      if (!scan_part(s, op, row)) return false;
    } else if (s.literal("\"uuid-name\":")) {
      if (!op.uuid_name.empty() || !s.string(op.uuid_name) || !is_id(op.uuid_name)) return false;
    } else {
      return false;
    }
  } while (s.take(','));
  if (!s.take('}') || !op.table || op.kind == Kind::none) return false;
  if (where.met == (op.kind == Kind::insert) || row.met == (op.kind == Kind::remove)) return false;
  if (!op.uuid_name.empty() && op.kind != Kind::insert) return false;
  return scan_what_was_put_off(op, where) && scan_what_was_put_off(op, row);
}

/// Now, if it is known of which table.
bool Transaction::scan_part(JsonScanner& s, ScannedOperation& op, Part& part) {
  if (std::exchange(part.met, true)) return false;
  if (op.table && op.kind != ScannedOperation::Kind::none) return (this->*part.scan)(s, op);
  part.begin = s;
  if (!s.skip_value()) return false;
  part.end = s;
  return true;
}

bool Transaction::scan_what_was_put_off(ScannedOperation& op, Part& part) {
  return !part.begin || ((this->*part.scan)(*part.begin, op) && part.begin->is_where(*part.end));
}

Transaction::ScannedOperation::Kind Transaction::ScannedOperation::kind_of(std::string_view name) {
  if (name == "insert") return Kind::insert;
  if (name == "update") return Kind::update;
  return name == "delete" ? Kind::remove : Kind::none;
}

/// Equal values only.
bool Transaction::scan_where(JsonScanner& s, ScannedOperation& op) {
  if (!s.take('[')) return false;
  if (s.take(']')) return true;
  do {
    std::string_view name;
    if (!s.take('[') || !s.string(name) || !s.literal(",\"==\",")) return false;
    const ColumnSchema* c = op.table->schema().find(name);
    argument_.clear();
    if (!c || !scan_datum(s, c->type, argument_, datum_builder_) || !s.take(']')) return false;
    DatumRef argument(reinterpret_cast<const uint8_t*>(argument_.data()), static_cast<uint32_t>(argument_.size()), c->type.key.type, c->type.value.type);
    op.where.clauses.push_back({c, Function::equal, Datum(argument)});
  } while (s.take(','));
  return s.take(']');
}

bool Transaction::scan_row(JsonScanner& s, ScannedOperation& op) {
  const bool is_update = op.kind == ScannedOperation::Kind::update;
  op.first = columns_.size();
  bool read = column_scan_.scan(s, op.table->schema(), [&](JsonScanner& t, const ColumnSchema& c) __attribute__((always_inline)) {
    const size_t from = values_.size();
    if ((is_update && !c.is_mutable) || !scan_value(t, c.type, values_, datum_builder_)) return false;
    columns_.push_back({&c, static_cast<uint32_t>(from), static_cast<uint32_t>(values_.size() - from)});
    return true;
  });
  op.count = columns_.size() - op.first;
  return read;
}

Status Transaction::run_scanned_operation(const ScannedOperation& op) {
  const Values values = std::span(columns_).subspan(op.first, op.count);
  if (op.kind == ScannedOperation::Kind::insert) {
    auto fresh = take_new_uuid(*op.table, nullptr, op.uuid_name);
    return fresh ? insert_row(*op.table, *fresh, values) : std::unexpected(fresh.error());
  }
  find_rows(*op.table, op.where);
  return op.kind == ScannedOperation::Kind::update ? update_rows(*op.table, values) : remove_rows(*op.table);
}

}  // namespace sluice::ovsdb
