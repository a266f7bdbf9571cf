// SPDX-License-Identifier: Apache-2.0
// The choice of the reader, and the one that knows everything.  The other is in transaction_scan.cc.
#include "dbserver/engine/transaction_reader.h"

#include <fmt/core.h>

#include "dbserver/engine/records.h"
#include "dbserver/ovsdb/diff.h"
#include "dbserver/ovsdb/value_json.h"

namespace sluice::ovsdb {
namespace {

std::unexpected<DbError> bad(std::string details, const Json& j) { return std::unexpected(DbError{"syntax error", std::move(details), j.to_error_text(), {}}); }

}  // namespace

TransactionReader::TransactionReader(Database& db) : db_(db) { columns_.use(db.schema_ptr()); }

Result<ReadTransaction*> TransactionReader::read(std::string_view text) {
  if (scan(text)) return &out_;
  if (auto s = parse(text); !s) return std::unexpected(s.error());
  return &out_;
}

void TransactionReader::start() {
  out_.changes.clear();
  out_.comment.clear();
  out_.date_ms.reset();
  is_diff_.reset();
  expected_diff_.reset();
}

Status TransactionReader::parse(std::string_view text) {
  start();
  auto j = arena_.parse(text);
  if (!j) return fail("syntax error", fmt::format("not valid JSON ({})", j.error().text));
  return parse_members(**j);
}

Status TransactionReader::parse_members(const Json& j) {
  if (!j.is_object()) return bad("object expected", j);
  bool is_diff = j.get("_is_diff").boolean();
  for (const JsonMember& m : j.members()) {
    if (m.name() == "_date") {
      if (m.value.is_integer()) out_.date_ms = record_date_ms(m.value.integer());
    } else if (m.name() == "_comment") {
      out_.comment = m.value.string();
    } else if (m.name() != "_is_diff") {
      Table* table = db_.find_table(m.name());
      if (!table) return std::unexpected(DbError{"unknown table", fmt::format("No table named {}.", m.name()), j.to_error_text(), {}});
      if (auto s = parse_table(*table, m.value, is_diff); !s) return s;
    }
  }
  return {};
}

Status TransactionReader::parse_table(Table& t, const Json& j, bool is_diff) {
  if (!j.is_object()) return bad("object expected", j);
  for (const JsonMember& m : j.members()) {
    auto uuid = parse_uuid(m.name());
    if (!uuid) return bad(fmt::format("\"{}\" is not a valid UUID", m.name()), m.key);
    const RowPtr* found = t.find(*uuid);
    RowPtr before = found ? *found : RowPtr();
    if (m.value.is_null()) {
      if (!before) return bad(fmt::format("transaction deletes row {} that does not exist", m.name()), m.key);
      out_.changes.push_back({t.schema().index, std::move(before), {}});
      continue;
    }
    if (auto s = parse_row(t.schema(), before, m.value, is_diff); !s) return s;
    out_.changes.push_back({t.schema().index, std::move(before), builder_.build(*uuid, db_.uuids().next())});
  }
  return {};
}

Status TransactionReader::parse_row(const TableSchema& table, const RowPtr& before, const Json& j, bool is_diff) {
  if (!j.is_object()) return bad("row must be JSON object", j);
  if (before) builder_.start(table, *before);
  else builder_.start(table);
  for (const JsonMember& m : j.members()) {
    const ColumnSchema* c = table.find(m.name());
    if (!c || c->index >= kVersionColumn)
      return std::unexpected(DbError{"unknown column", fmt::format("No column {} in table {}.", m.name(), table.name), j.to_error_text(), {}});
    if (!is_diff || !before || c->type.is_scalar()) {
      size_t from = builder_.buffer().size();
      if (auto s = parse_datum_to(builder_.buffer(), m.value, c->type, nullptr, datum_); !s) return s;
      builder_.set_from_buffer(*c, from);
      continue;
    }
    auto value = parse_datum_lenient(m.value, c->type);
    if (value) value = datum_apply_diff(builder_.get(*c), *value, c->type);
    if (!value) return std::unexpected(value.error());
    builder_.set(*c, *value);
  }
  return {};
}

}  // namespace sluice::ovsdb
