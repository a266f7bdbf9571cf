// SPDX-License-Identifier: Apache-2.0
// Monitor requests with OVS's texts.  Rendering is in monitor_render.cc.
#include "dbserver/monitor.h"

#include <fmt/core.h>

#include <algorithm>

#include "dbserver/ovsdb/object_reader.h"

namespace sluice::ovsdb {
namespace {

using R = ObjectReader;

Result<uint8_t> parse_select(const Json* j, std::string_view table) {
  if (!j) return kSelectAll;
  R reader(*j);
  uint8_t select = 0;
  constexpr std::pair<std::string_view, uint8_t> kKinds[] = {
      {"initial", kSelectInitial}, {"insert", kSelectInsert}, {"delete", kSelectDelete}, {"modify", kSelectModify}};
  for (auto [name, bit] : kKinds) {
    const Json* v = reader.optional(name, R::kBoolean);
    if (!v || v->boolean()) select |= bit;
  }
  if (auto s = reader.finish(fmt::format("table {} select", table)); !s) return std::unexpected(s.error());
  return select;
}

Status add_column(MonitoredTable& t, const ColumnSchema& c, uint8_t select, const Json* names) {
  auto same = [&](const MonitoredColumn& m) { return m.column == &c; };
  if (std::any_of(t.columns.begin(), t.columns.end(), same)) {
    std::string text = fmt::format("column {} mentioned more than once", c.name);
    if (names) return syntax_error(*names, std::move(text));
    return syntax_error(std::move(text));
  }
  t.columns.push_back({&c, select});
  return {};
}

Status parse_request(MonitoredTable& t, const Json& j, bool v1) {
  const TableSchema& schema = *t.schema;
  R reader(j);
  const Json* where = v1 ? nullptr : reader.optional("where", R::kArray);
  const Json* columns = reader.optional("columns", R::kArray);
  const Json* select_json = reader.optional("select", R::kObject);
  if (auto s = reader.finish(fmt::format("table {}", schema.name)); !s) return s;
  auto select = parse_select(select_json, schema.name);
  if (!select) return std::unexpected(select.error());
  t.select |= *select;
  if (columns) {
    for (const Json& e : columns->elements()) {
      if (!e.is_string()) return syntax_error(*columns, "array of column names expected");
      const ColumnSchema* c = schema.find(e.string());
      if (!c) return syntax_error(*columns, fmt::format("{} is not a valid column name", e.string()));
      if (auto s = add_column(t, *c, *select, columns); !s) return s;
    }
  } else {
    if (auto s = add_column(t, schema.version_column, *select, nullptr); !s) return s;
    for (const ColumnSchema& c : schema.columns)
      if (auto s = add_column(t, c, *select, nullptr); !s) return s;
  }
  if (where) {
    auto condition = Condition::from_json(schema, *where, nullptr);
    if (!condition) return std::unexpected(condition.error());
    for (Clause& c : condition->clauses) t.condition.clauses.push_back(std::move(c));
  }
  return {};
}

}  // namespace

Result<std::shared_ptr<const MonitorSpec>> MonitorSpec::parse(const DatabaseSchema& schema, const Json& requests, bool v1) {
  auto spec = std::make_shared<MonitorSpec>();
  spec->v1_ = v1;
  if (!requests.is_object()) return syntax_error(requests, "monitor-requests must be object");
  for (const JsonMember& m : requests.members()) {
    const TableSchema* table = schema.find(m.name());
    if (!table) return syntax_error(fmt::format("no table named {}", m.name()));
    MonitoredTable t;
    t.schema = table;
    std::span<const Json> list = m.value.is_array() ? m.value.elements() : std::span<const Json>(&m.value, 1);
    for (const Json& request : list)
      if (auto s = parse_request(t, request, v1); !s) return std::unexpected(s.error());
    // Rows are rendered with sorted members.
    std::stable_sort(t.columns.begin(), t.columns.end(), [](const MonitoredColumn& a, const MonitoredColumn& b) { return a.column->name < b.column->name; });
    spec->tables_.push_back(std::move(t));
  }
  spec->make_key();
  return std::shared_ptr<const MonitorSpec>(std::move(spec));
}

Result<std::shared_ptr<const MonitorSpec>> MonitorSpec::with_conditions(const DatabaseSchema& schema, const Json& requests) const {
  auto spec = std::make_shared<MonitorSpec>(*this);
  if (!requests.is_object()) return syntax_error("monitor-cond-change-requests must be object");
  for (const JsonMember& m : requests.members()) {
    const TableSchema* table = schema.find(m.name());
    if (!table) return syntax_error(fmt::format("no table named {}", m.name()));
    auto t = std::find_if(spec->tables_.begin(), spec->tables_.end(), [&](const MonitoredTable& x) { return x.schema == table; });
    if (t == spec->tables_.end()) return syntax_error(fmt::format("no table named {} in monitor session", m.name()));
    if (!m.value.is_array()) return syntax_error(fmt::format("table {} no monitor-cond-change JSON array", m.name()));
    t->condition.clauses.clear();
    for (const Json& request : m.value.elements()) {
      R reader(request);
      const Json* where = reader.optional("where", R::kArray);
      bool other_columns = reader.optional("columns", R::kArray);
      if (auto s = reader.finish(fmt::format("table {}", m.name())); !s) return std::unexpected(s.error());
      if (other_columns) return std::unexpected(DbError{"syntax error", "changing columns is unsupported", request.to_error_text(), {}});
      if (!where || v1_) continue;  // plain monitors have no conditions, which is no error
      auto condition = Condition::from_json(*table, *where, nullptr);
      if (!condition) return std::unexpected(condition.error());
      for (Clause& c : condition->clauses) t->condition.clauses.push_back(std::move(c));
    }
  }
  spec->make_key();
  return std::shared_ptr<const MonitorSpec>(std::move(spec));
}

void MonitorSpec::make_key() {
  key_.assign(1, v1_ ? '1' : '2');
  for (const MonitoredTable& t : tables_) {
    key_ += fmt::format("|{}:{}:", t.schema->index, t.select);
    for (const MonitoredColumn& c : t.columns) key_ += fmt::format("{}.{},", c.column->index, c.select);
    t.condition.to_json().append_to(key_);
  }
}

}  // namespace sluice::ovsdb
