// SPDX-License-Identifier: Apache-2.0
// The story of a transaction, and what its operations share.  The operations themselves are in operations.cc.
#include "dbserver/engine/transaction.h"

#include <fmt/core.h>

#include <algorithm>

#include "dbserver/engine/operations.h"

namespace sluice::ovsdb {

TransactOutcome Transaction::run(Database& db, const Json& params, const TransactContext& context) {
  size_t total = params.size() - 1;
  return run_all(db, context, total, [&](size_t i) { return run_operation(params[i + 1], i + 1, total); });
}

TransactOutcome Transaction::run_scanned(const TransactContext& context) {
  return run_all(*db_, context, scanned_count_, [&](size_t i) { return run_scanned_operation(scanned_[i]); });
}

/// run_one(i): operation i of them.
template <typename Fn>
TransactOutcome Transaction::run_all(Database& db, const TransactContext& context, size_t total, Fn run_one) {
  db_ = &db;
  context_ = &context;
  symbols_.clear();
  changes_.clear();
  comment_.clear();
  outcome_ = {};
  std::string& out = results_;
  out.clear();
  out += '[';
  Status status;
  size_t done = 0;
  for (; done < total && status && !outcome_.must_wait; done++) {
    if (done) out += ',';
    status = run_one(done);
  }
  if (outcome_.must_wait) {
    db.undo(changes_);
    return std::move(outcome_);
  }
  if (status) {
    auto commit = db.commit(changes_);
    if (commit) {
      if (!(*commit)->changes.empty()) {
        (*commit)->id = uuids_.next();
        (*commit)->comment = comment_;
        (*commit)->durable = outcome_.durable;
        outcome_.commit = std::move(*commit);
      }
    } else {
      status = std::unexpected(commit.error());
      if (total) out += ',';
    }
  } else {
    db.undo(changes_);
  }
  if (!status) {
    outcome_.failed = true;
    status.error().to_json().append_to(out);
    for (; done < total; done++) out += ",null";
  }
  out += ']';
  constexpr size_t kCopyBelow = 1024;
  if (out.size() < kCopyBelow) outcome_.results = out;  // the room stays
  else outcome_.results = std::move(out);
  return std::move(outcome_);
}

struct Transaction::Operation {
  std::string_view name;
  bool writes;
  Status (Transaction::*run)(const Json&, ObjectReader&);
};

const Transaction::Operation Transaction::kOperations[] = {
    {"insert", true, &Transaction::insert},   {"select", false, &Transaction::select},
    {"update", true, &Transaction::update},   {"mutate", true, &Transaction::mutate},
    {"delete", true, &Transaction::remove},   {"wait", false, &Transaction::wait},
    {"commit", true, &Transaction::commit},   {"abort", false, &Transaction::abort},
    {"comment", false, &Transaction::comment}, {"assert", false, &Transaction::assert_lock},
};

Status Transaction::run_operation(const Json& op, size_t number, size_t total) {
  ObjectReader reader(op);
  const Json* name = reader.required("op", ObjectReader::kId);
  Status status;
  if (name) {
    const Operation* found = std::find_if(std::begin(kOperations), std::end(kOperations), [&](const Operation& o) { return o.name == name->string(); });
    if (found == std::end(kOperations)) reader.fail(fmt::format("No operation \"{}\"", name->string()));
    else status = execute(*found, op, reader);
  }
  // What is wrong with the operation's form wins over what went wrong in doing it.
  if (!reader.ok()) return reader.finish(fmt::format("ovsdb operation {} of {}", number, total));
  return status;
}

Status Transaction::execute(const Operation& o, const Json& op, ObjectReader& reader) {
  size_t length = results_.size();
  auto status = (this->*o.run)(op, reader);
  if (status && reader.ok() && o.writes) {
    if (context_->reserved)
      status = fail("not allowed", fmt::format("{} operation not allowed on table in reserved database {}", o.name, db_->name()));
    else if (context_->read_only)
      status = fail("not allowed", fmt::format("{} operation not allowed when database server is in read only mode", o.name));
  }
  if (!status || !reader.ok()) results_.resize(length);
  return status;
}

Table* Transaction::take_table(ObjectReader& reader) {
  const Json* name = reader.required("table", ObjectReader::kId);
  if (!name) return nullptr;
  Table* t = db_->find_table(name->string());
  if (!t) reader.fail(fmt::format("No table named {}.", name->string()));
  return t;
}

Status Transaction::find_rows(Table& table, const Json& where) {
  if (auto s = condition_.parse(table.schema(), where, &symbols_); !s) return s;
  find_rows(table, condition_);
  return {};
}

void Transaction::find_rows(Table& table, const Condition& where) {
  rows_.clear();
  auto consider = [&](const RowPtr* row) {
    if (row && where.matches_all(**row)) rows_.push_back(*row);
  };
  for (const Clause& c : where.clauses)
    if (c.function == Function::equal && c.column->index == kUuidColumn) return consider(table.find(c.argument.ref().uuid()));
  // The unique indexes are brought up to date at the commit only.
  for (const Clause& c : where.clauses) {
    if (c.function != Function::equal || !changes_.empty()) continue;
    if (auto found = table.find_by_index(*c.column, c.argument)) return consider(*found);
  }
  for (const RowPtr& row : table) consider(&row);
}

/// Fills columns_ and their values.
Status Transaction::parse_row(const Table& table, const Json& j, bool inserting) {
  columns_.clear();
  values_.clear();
  if (!j.is_object()) return syntax_error(j, "row must be JSON object");
  for (const JsonMember& m : j.members()) {
    const ColumnSchema* c = table.schema().find(m.name());
    if (!c)
      return std::unexpected(
          DbError{"unknown column", fmt::format("No column {} in table {}.", m.name(), table.schema().name), j.to_error_text(), {}});
    uint32_t from = static_cast<uint32_t>(values_.size());
    if (auto s = parse_datum_to(values_, m.value, c->type, &symbols_, datum_builder_); !s) return s;
    if (inserting && c->index >= kVersionColumn) continue;  // silently, as the peer does
    columns_.push_back({c, from, static_cast<uint32_t>(values_.size()) - from});
  }
  return {};
}

void Transaction::append_row(const Table& table, const Row& row, const std::vector<const ColumnSchema*>& columns) {
  (void)table;
  JsonWriter out(results_);
  out.put('{');
  bool first = true;
  for (const ColumnSchema* c : columns) {
    out.put(c->json_name.at(std::exchange(first, false)));
    write_datum(out, row.get(*c));
  }
  out.put('}');
}

void Transaction::append_count(size_t n) {
  results_ += "{\"count\":";
  append_json_integer(results_, static_cast<int64_t>(n));
  results_ += '}';
}

Result<std::vector<const ColumnSchema*>> parse_columns(const TableSchema& table, const Json* j) {
  std::vector<const ColumnSchema*> columns;
  if (!j) {
    columns.push_back(&table.uuid_column);
    columns.push_back(&table.version_column);
    for (const ColumnSchema& c : table.columns) columns.push_back(&c);
    return columns;
  }
  for (const Json& e : j->elements()) {
    if (!e.is_string()) return syntax_error(*j, "array of distinct column names expected");
    const ColumnSchema* c = table.find(e.string());
    if (!c) return syntax_error(*j, fmt::format("{} is not a valid column name", e.string()));
    if (std::find(columns.begin(), columns.end(), c) != columns.end()) return syntax_error(*j, "array of distinct column names expected");
    columns.push_back(c);
  }
  return columns;
}

}  // namespace sluice::ovsdb
