// SPDX-License-Identifier: Apache-2.0
// From the words of schema.def to RFC 7047 schema JSON, and from there, by the ordinary parser with all its checks, to a DatabaseSchema.
#include "vswitchd/schema.h"

#include <charconv>
#include <cstdlib>
#include <string>

#include "lib/json.h"

namespace sluice::schema {
namespace {

std::string_view trim(std::string_view s) {
  while (s.starts_with(' ')) s.remove_prefix(1);
  while (s.ends_with(' ')) s.remove_suffix(1);
  return s;
}

int64_t number(std::string_view s) {
  int64_t v = 0;
  std::from_chars(s.data(), s.data() + s.size(), v);
  return v;
}

/// "a, b" -> ["set", ["a", "b"]], or [["a"], ["b"]] for an index.
std::vector<std::string_view> split(std::string_view list) {
  std::vector<std::string_view> out;
  while (!list.empty()) {
    size_t comma = list.find(',');
    out.push_back(trim(list.substr(0, comma)));
    list = comma == list.npos ? std::string_view() : list.substr(comma + 1);
  }
  return out;
}

Json strings(std::string_view list) {
  Json out = Json::array();
  for (std::string_view s : split(list)) out.push_back(s);
  return out;
}

/// "string {a, b}", "integer 0..5", "weak ref Port".  Takes what it understands off the front of `s`.
Json base_type(std::string_view& s) {
  auto word = [&s] {
    s = trim(s);
    std::string_view w = s.substr(0, s.find(' '));
    s = trim(s.substr(w.size()));
    return w;
  };
  std::string_view first = word();
  bool weak = first == "weak";
  if (weak) first = word();
  if (first == "ref") {
    Json j = Json::object({{"type", "uuid"}, {"refTable", word()}});
    if (weak) j.set("refType", "weak");
    return j;
  }
  Json j = Json::object({{"type", first}});
  size_t dots = s.substr(0, s.find(' ')).find("..");
  if (first == "integer" && dots != s.npos && !s.starts_with('{')) {
    std::string_view range = word();
    j.set("minInteger", number(range.substr(0, dots)));
    if (dots + 2 < range.size()) j.set("maxInteger", number(range.substr(dots + 2)));
  } else if (s.starts_with('{') && (s[1] < '0' || s[1] > '9')) {
    size_t end = s.find('}');
    j.set("enum", Json::array({"set", strings(s.substr(1, end - 1))}));
    s = trim(s.substr(end + 1));
  }
  return j;
}

Json simplest(Json base) { return base.size() == 1 ? base.get("type") : base; }

Json column_type(std::string_view s) {
  Json key = base_type(s), value;
  if (s.starts_with("=>")) {
    s.remove_prefix(2);
    value = base_type(s);
  }
  if (s.empty() && value.is_null()) return key.size() == 1 ? key.get("type") : Json::object({{"key", std::move(key)}});
  Json j = Json::object({{"key", simplest(std::move(key))}});
  if (!value.is_null()) j.set("value", simplest(std::move(value)));
  if (s == "?" || s == "*" || s.starts_with('{')) j.set("min", 0);
  if (s == "*" || s == "+") j.set("max", "unlimited");
  if (s.starts_with('{')) j.set("max", number(s.substr(s.find("..") + 2)));
  return j;
}

Json column_json(const ColumnInfo& c) {
  Json j = Json::object({{"type", column_type(c.type)}});
  if (c.flags & kEphemeral) j.set("ephemeral", true);
  if (c.flags & kImmutable) j.set("mutable", false);
  return j;
}

Json table_json(const TableInfo& t) {
  Json columns = Json::object();
  for (const ColumnInfo& c : kColumns)
    if (c.table == t.name) columns.set(c.name, column_json(c));
  Json j = Json::object({{"columns", std::move(columns)}});
  if (t.is_root) j.set("isRoot", true);
  if (t.max_rows) j.set("maxRows", static_cast<int64_t>(t.max_rows));
  if (!t.index.empty()) j.set("indexes", Json::array({strings(t.index)}));
  return j;
}

}  // namespace

std::shared_ptr<const ovsdb::DatabaseSchema> make_vswitch_schema() {
  Json tables = Json::object();
  for (const TableInfo& t : kTables) tables.set(t.name, table_json(t));
  Json j = Json::object({{"name", kDatabase}, {"version", kVersion}, {"cksum", kChecksum}, {"tables", std::move(tables)}});
  auto schema = ovsdb::DatabaseSchema::from_json(j);
  if (!schema) std::abort();  // our own table is wrong: the unit test says where
  return *schema;
}

unsigned column_flags(const ovsdb::TableSchema& t, const ovsdb::ColumnSchema& c) {
  for (const ColumnInfo& i : kColumns)
    if (i.table == t.name && i.name == c.name) return i.flags;
  return 0;
}

}  // namespace sluice::schema
