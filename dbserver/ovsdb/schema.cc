// SPDX-License-Identifier: Apache-2.0
// Schemas: parsing with OVS's checks and texts, and printing.
#include "dbserver/ovsdb/schema.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "dbserver/ovsdb/object_reader.h"

namespace sluice::ovsdb {
namespace {

using R = ObjectReader;

std::optional<std::array<unsigned, 3>> parse_version(std::string_view s) {
  std::array<unsigned, 3> parts{};
  const char *p = s.data(), *end = p + s.size();
  for (int i = 0; i < 3; i++) {
    if (i && (p == end || *p++ != '.')) return std::nullopt;
    auto [next, ec] = std::from_chars(p, end, parts[i]);
    if (ec != std::errc()) return std::nullopt;
    p = next;
  }
  return p == end ? std::optional(parts) : std::nullopt;
}

/// Names of tables and columns.
Status check_name(const Json& owner, std::string_view name) {
  if (name.starts_with('_')) return syntax_error(owner, "names beginning with \"_\" are reserved");
  if (!is_id(name)) return syntax_error(owner, "name must be a valid id");
  return {};
}

Result<ColumnSchema> column_from_json(std::string_view name, const Json& j) {
  R reader(j);
  const Json* is_mutable = reader.optional("mutable", R::kBoolean);
  const Json* ephemeral = reader.optional("ephemeral", R::kBoolean);
  const Json* type = reader.required("type", R::kString | R::kObject);
  if (auto s = reader.finish(fmt::format("schema for column {}", name)); !s) return std::unexpected(s.error());
  auto column_type = ColumnType::from_json(*type);
  if (!column_type) return std::unexpected(column_type.error());
  ColumnSchema c;
  c.name = name;
  c.json_name = MemberName(name);
  c.type = *column_type;
  bool weak = c.type.key.is_weak_ref() || c.type.value.is_weak_ref();
  c.is_mutable = weak || !is_mutable || is_mutable->boolean();
  c.persistent = !ephemeral || !ephemeral->boolean();
  c.default_value = c.type.default_datum();
  c.default_allowed = c.type.check(c.default_value).has_value();
  return c;
}

ColumnSchema uuid_pseudo_column(std::string name, uint16_t index) {
  ColumnSchema c;
  c.json_name = MemberName(name);
  c.name = std::move(name);
  c.index = index;
  c.is_mutable = false;
  c.persistent = false;
  c.type.key.type = AtomType::uuid;
  c.default_value = c.type.default_datum();
  return c;
}

Result<std::vector<uint16_t>> index_from_json(const Json& table_json, const Json& j, const TableSchema& table) {
  std::vector<uint16_t> index;
  if (!j.is_array()) return syntax_error(j, "array of distinct column names expected");
  for (const Json& e : j.elements()) {
    if (!e.is_string()) return syntax_error(j, "array of distinct column names expected");
    const ColumnSchema* c = table.find(e.string());
    if (!c) return syntax_error(j, fmt::format("{} is not a valid column name", e.string()));
    if (std::find(index.begin(), index.end(), c->index) != index.end()) return syntax_error(j, "array of distinct column names expected");
    if (!c->persistent && c->index != kUuidColumn)
      return syntax_error(table_json, fmt::format("ephemeral columns (such as {}) may not be indexed", c->name));
    index.push_back(c->index);
  }
  if (index.empty()) return syntax_error(table_json, "index must have at least one column");
  return index;
}

Result<TableSchema> table_from_json(std::string_view name, const Json& j) {
  R reader(j);
  const Json* columns = reader.required("columns", R::kObject);
  const Json* max_rows = reader.optional("maxRows", R::kInteger);
  const Json* is_root = reader.optional("isRoot", R::kBoolean);
  const Json* indexes = reader.optional("indexes", R::kArray);
  reader.optional("mutable", R::kBoolean);
  if (auto s = reader.finish(fmt::format("table schema for table {}", name)); !s) return std::unexpected(s.error());

  TableSchema t;
  t.name = name;
  t.json_name = MemberName(name);
  t.uuid_column = uuid_pseudo_column("_uuid", kUuidColumn);
  t.version_column = uuid_pseudo_column("_version", kVersionColumn);
  if (max_rows) {
    if (max_rows->integer() <= 0) return syntax_error(j, "maxRows must be at least 1");
    t.max_rows = static_cast<uint32_t>(std::min<int64_t>(max_rows->integer(), kUnlimited));
  }
  t.declared_root = t.is_root = is_root && is_root->boolean();
  if (columns->size() == 0) return syntax_error(j, "table must have at least one column");
  if (columns->size() >= kVersionColumn) return syntax_error("table has too many columns");
  for (const JsonMember& m : columns->members()) {
    if (auto s = check_name(j, m.name()); !s) return std::unexpected(s.error());
    auto c = column_from_json(m.name(), m.value);
    if (!c) return std::unexpected(c.error());
    c->index = static_cast<uint16_t>(t.columns.size());
    t.default_row.bytes += c->default_value.ref().bytes();
    t.default_row.ends.push_back(static_cast<uint32_t>(t.default_row.bytes.size()));
    t.columns.push_back(std::move(*c));
  }
  for (const Json& e : indexes ? indexes->elements() : std::span<const Json>()) {
    auto index = index_from_json(j, e, t);
    if (!index) return std::unexpected(index.error());
    t.indexes.push_back(std::move(*index));
  }
  return t;
}

Status check_reference(const DatabaseSchema& db, ColumnSchema& c, const BaseType& base, std::string_view which) {
  if (!base.is_reference()) return {};
  const TableSchema* target = db.find(base.ref_table);
  if (!target) return syntax_error(fmt::format("column {} {} refers to undefined table {}", c.name, which, base.ref_table));
  // A row that is kept alive by nothing but this reference must not be lost at a restart.
  if (base.is_strong_ref() && !target->is_root) c.persistent = true;
  return {};
}

}  // namespace

bool is_id(std::string_view s) {
  static constexpr auto kWithin = [] {
    std::array<bool, 256> within{};
    for (int c = 0; c < 256; c++) within[static_cast<size_t>(c)] = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    return within;
  }();
  bool digit_first = !s.empty() && s[0] >= '0' && s[0] <= '9';
  return !s.empty() && !digit_first && std::all_of(s.begin(), s.end(), [](char c) { return kWithin[static_cast<unsigned char>(c)]; });
}

bool is_version(std::string_view s) { return parse_version(s).has_value(); }

std::optional<int> compare_versions(std::string_view a, std::string_view b) {
  auto x = parse_version(a), y = parse_version(b);
  if (!x || !y) return std::nullopt;
  return *x < *y ? -1 : *x > *y;
}

namespace {

/// Of few, most are told apart by their length.  REQUIRES: sorted.
template <typename T>
const T* find_by_name(const std::vector<T>& all, std::string_view name) {
  constexpr size_t kFew = 16;
  if (all.size() <= kFew) {
    for (const T& x : all)
      if (equal_short(x.name, name)) return &x;
    return nullptr;
  }
  auto it = std::lower_bound(all.begin(), all.end(), name, [](const T& x, std::string_view n) { return x.name < n; });
  return it != all.end() && it->name == name ? &*it : nullptr;
}

}  // namespace

const ColumnSchema* TableSchema::find(std::string_view name) const {
  if (const ColumnSchema* c = find_by_name(columns, name)) return c;
  if (name == "_uuid") return &uuid_column;
  if (name == "_version") return &version_column;
  return nullptr;
}

const TableSchema* DatabaseSchema::find(std::string_view name) const {
  return find_by_name(tables, name);
}

Json ColumnSchema::to_json() const {
  Json j = Json::object({{"type", type.to_json()}});
  bool weak = type.key.is_weak_ref() || type.value.is_weak_ref();
  if (!is_mutable && !weak) j.set("mutable", false);
  if (!persistent) j.set("ephemeral", true);
  return j;
}

Json TableSchema::to_json(bool with_root) const {
  Json all = Json::object();
  for (const ColumnSchema& c : columns) all.set(c.name, c.to_json());
  Json j = Json::object({{"columns", std::move(all)}});
  if (with_root && declared_root) j.set("isRoot", true);
  if (max_rows != kUnlimited) j.set("maxRows", max_rows);
  if (!indexes.empty()) {
    Json list = Json::array();
    for (const auto& index : indexes) {
      Json names = Json::array();
      for (uint16_t c : index) names.push_back(column(c).name);
      list.push_back(std::move(names));
    }
    j.set("indexes", std::move(list));
  }
  return j;
}

Json DatabaseSchema::to_json() const {
  Json all = Json::object();
  bool all_root = std::all_of(tables.begin(), tables.end(), [](const TableSchema& t) { return t.is_root; });
  for (const TableSchema& t : tables) all.set(t.name, t.to_json(!all_root));
  Json j = Json::object({{"name", name}, {"tables", std::move(all)}});
  if (!version.empty()) j.set("version", version);
  if (!cksum.empty()) j.set("cksum", cksum);
  return j;
}

Result<std::shared_ptr<const DatabaseSchema>> DatabaseSchema::from_json(const Json& j) {
  R reader(j);
  const Json* name = reader.required("name", R::kId);
  const Json* version = reader.optional("version", R::kString);
  const Json* cksum = reader.optional("cksum", R::kString);
  const Json* tables = reader.required("tables", R::kObject);
  if (auto s = reader.finish("database schema"); !s) return std::unexpected(s.error());
  auto db = std::make_shared<DatabaseSchema>();
  db->name = name->string();
  if (version) db->version = version->string();
  if (version && !is_version(db->version)) return syntax_error(j, fmt::format("schema version \"{}\" not in format x.y.z", db->version));
  if (cksum) db->cksum = cksum->string();
  bool any_root = false;
  for (const JsonMember& m : tables->members()) {
    if (auto s = check_name(j, m.name()); !s) return std::unexpected(s.error());
    auto t = table_from_json(m.name(), m.value);
    if (!t) return std::unexpected(t.error());
    t->index = static_cast<uint16_t>(db->tables.size());
    any_root |= t->is_root;
    db->tables.push_back(std::move(*t));
  }
  for (TableSchema& t : db->tables) t.is_root |= !any_root;
  for (TableSchema& t : db->tables) {
    for (ColumnSchema& c : t.columns) {
      if (auto s = check_reference(*db, c, c.type.key, "key"); !s) return std::unexpected(s.error());
      if (auto s = check_reference(*db, c, c.type.value, "value"); !s) return std::unexpected(s.error());
    }
  }
  return std::shared_ptr<const DatabaseSchema>(std::move(db));
}

Result<std::shared_ptr<const DatabaseSchema>> DatabaseSchema::from_file(const std::string& path) {
  auto unreadable = [&](const std::string& why) {
    return fail("I/O error", fmt::format("\"{}\" could not be read as JSON ({})", path, why));
  };
  std::ifstream file(path, std::ios::binary);
  if (!file) return unreadable(fmt::format("error opening \"{}\": {}", path, std::strerror(errno)));
  std::ostringstream text;
  text << file.rdbuf();
  auto j = Json::parse(text.str());
  if (!j) return unreadable(j.error().text);
  auto schema = from_json(*j);
  if (!schema) schema.error().details = fmt::format("failed to parse \"{}\" as ovsdb schema: {}", path, schema.error().details);
  return schema;
}

}  // namespace sluice::ovsdb
