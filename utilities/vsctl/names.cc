// SPDX-License-Identifier: Apache-2.0
// Tables, columns and records by the names that people give them.
#include "utilities/vsctl/names.h"

#include <fmt/core.h>

#include <algorithm>

#include "dbserver/ovsdb/value_text.h"

namespace sluice::vsctl {
namespace {

/// How a table's rows can be named other than by uuid.
struct RecordRule {
  std::string_view table;
  std::string_view name_table;   // "" = the table itself
  std::string_view name_column;  // "" = it has one row, named "."
  std::string_view reference;    // column of name_table that leads to the row
};
constexpr RecordRule kRecordRules[] = {
    {"AutoAttach", "Bridge", "name", "auto_attach"},
    {"Bridge", "", "name", ""},
    {"Controller", "Bridge", "name", "controller"},
    {"Flow_Sample_Collector_Set", "", "id", ""},
    {"Flow_Table", "", "name", ""},
    {"IPFIX", "Bridge", "name", "ipfix"},
    {"Interface", "", "name", ""},
    {"Manager", "", "target", ""},
    {"Mirror", "", "name", ""},
    {"NetFlow", "Bridge", "name", "netflow"},
    {"Open_vSwitch", "", "", ""},
    {"Port", "", "name", ""},
    {"QoS", "Port", "name", "qos"},
    {"SSL", "", "", ""},
    {"sFlow", "Bridge", "name", "sflow"},
};
constexpr size_t kMinUuidPrefix = 4;  // hex digits

char fold(char c) { return c == '-' ? '_' : c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string fold(std::string_view s) {
  std::string out(s);
  for (char& c : out) c = fold(c);
  return out;
}

/// Indexes of the names that `text` stands for: the one that it equals, or all that begin with it.
std::vector<size_t> match(const std::vector<std::string_view>& names, std::string_view text) {
  std::string wanted = fold(text);
  std::vector<size_t> out;
  for (size_t i = 0; i < names.size(); i++) {
    std::string name = fold(names[i]);
    if (name == wanted) return {i};
    if (name.starts_with(wanted)) out.push_back(i);
  }
  return out;
}

std::string join(const std::vector<std::string_view>& names, const std::vector<size_t>& which) {
  std::string out;
  for (size_t i : which) out += (out.empty() ? "" : ", ") + std::string(names[i]);
  return out;
}

std::vector<RowId> by_rule(Context& ctx, const TableSchema& t, const RecordRule& rule, std::string_view id) {
  View& view = ctx.view;
  if (rule.name_column.empty()) return id == "." ? view.rows(t) : std::vector<RowId>();
  const TableSchema& names = rule.name_table.empty() ? t : view.table(rule.name_table);
  const ColumnSchema& c = view.column(names, rule.name_column);
  auto value = ovsdb::parse_atom_text(c.type.key.type == AtomType::string ? Json(id).to_string() : std::string(id), c.type.key);
  if (!value) return {};
  std::vector<RowId> rows = view.find(names, rule.name_column, *value);
  if (rule.reference.empty()) return rows;
  if (rows.size() != 1) return {};
  ctx.waits_for.insert(names.name);
  std::vector<RowId> targets = view.referenced(rows[0], rule.reference);
  return targets.size() == 1 ? targets : std::vector<RowId>();
}

}  // namespace

const TableSchema& match_table(const View& view, std::string_view text) {
  std::vector<std::string_view> names;
  for (const TableSchema& t : view.schema().tables) names.push_back(t.name);
  std::vector<size_t> found = match(names, text);
  if (found.empty()) throw Failure{fmt::format("unknown table \"{}\"", text)};
  if (found.size() > 1) throw Failure{fmt::format("\"{}\" matches multiple table names: {}", text, join(names, found))};
  return view.schema().tables[found[0]];
}

const ColumnSchema& match_column(const TableSchema& t, std::string_view text, bool with_uuid) {
  if (with_uuid && fold(text) == "_uuid") return t.uuid_column;
  std::vector<std::string_view> names;
  for (const ColumnSchema& c : t.columns) names.push_back(c.name);
  std::vector<size_t> found = match(names, text);
  if (found.empty()) throw Failure{fmt::format("{} does not contain a column whose name matches \"{}\"", t.name, text)};
  if (found.size() > 1) throw Failure{fmt::format("{} contains more than one column whose name matches \"{}\": {}", t.name, text, join(names, found))};
  return t.columns[found[0]];
}

std::vector<const ColumnSchema*> match_columns(const TableSchema& t, const std::string* text) {
  std::vector<const ColumnSchema*> out;
  if (!text) {
    out.push_back(&t.uuid_column);
    for (const ColumnSchema& c : t.columns) out.push_back(&c);
    return out;
  }
  for (size_t i = 0; i < text->size();) {
    size_t end = std::min(text->find_first_of(", ", i), text->size());
    if (end > i) out.push_back(&match_column(t, std::string_view(*text).substr(i, end - i), true));
    i = end + 1;
  }
  if (out.empty()) throw Failure{"must specify at least one column name"};
  return out;
}

std::optional<RowId> find_record(Context& ctx, const TableSchema& t, std::string_view id) {
  View& view = ctx.view;
  ctx.waits_for.insert(t.name);
  if (auto uuid = parse_uuid(id); uuid && view.exists(t, *uuid)) return RowId{&t, *uuid};  // otherwise it may be a name that looks so
  if (id.starts_with('@')) {
    const auto* symbol = ctx.symbols.find(id);
    if (symbol && symbol->created && view.exists(t, symbol->uuid)) return RowId{&t, symbol->uuid};
  }
  for (const RecordRule& rule : kRecordRules) {
    if (rule.table != t.name) continue;
    std::vector<RowId> rows = by_rule(ctx, t, rule, id);
    if (rows.size() > 1) throw Failure{fmt::format("multiple rows in {} match \"{}\"", t.name, id)};
    if (rows.size() == 1) return rows[0];
  }
  if (id.size() < kMinUuidPrefix || uuid_prefix_length(id) != id.size()) return std::nullopt;
  std::optional<RowId> found;
  for (const RowId& r : view.rows(t)) {
    if (!format(r.uuid).starts_with(fold(id))) continue;
    if (found) throw Failure{fmt::format("{} contains more than one row whose UUID begins with \"{}\"", t.name, id)};
    found = r;
  }
  return found;
}

std::optional<RowId> record(Context& ctx, const TableSchema& t, std::string_view id) {
  auto row = find_record(ctx, t, id);
  if (!row && !ctx.command.has("--if-exists")) throw Failure{fmt::format("no row \"{}\" in table {}", id, t.name)};
  return row;
}

}  // namespace sluice::vsctl
