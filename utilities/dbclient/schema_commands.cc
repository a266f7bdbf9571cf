// SPDX-License-Identifier: Apache-2.0
// Commands on schemas.
#include <fmt/core.h>

#include <algorithm>

#include "lib/program.h"
#include "utilities/dbclient/commands.h"

namespace sluice::dbclient {
namespace {

/// The schema in a file, checked.
std::shared_ptr<const ovsdb::DatabaseSchema> schema_from_file(const std::string& path, Json* json) {
  *json = read_json_file(path);
  auto s = ovsdb::DatabaseSchema::from_json(*json);
  if (!s) {
    ovsdb::DbError e = s.error();
    e.details = fmt::format("failed to parse \"{}\" as ovsdb schema: {}", path, e.details);
    fatal("{}", e.to_string());
  }
  return *s;
}

}  // namespace

void list_dbs(Session& s, Words) {
  Json names = s.call("list_dbs", Json::array());
  std::vector<std::string> sorted;
  for (const Json& n : names.elements()) sorted.emplace_back(n.string());
  std::sort(sorted.begin(), sorted.end());
  for (const std::string& n : sorted) print(n + "\n");
}

void get_schema(Session& s, Words) { print_json(s.schema()->to_json(), s.style); }
void get_schema_version(Session& s, Words) { print(s.schema()->version + "\n"); }
void get_schema_cksum(Session& s, Words) { print(s.schema()->cksum + "\n"); }

void list_tables(Session& s, Words) {
  ovsdb::TextTable table;
  table.add_column("Table");
  auto schema = s.schema();
  for (const ovsdb::TableSchema& t : schema->tables) {
    table.add_row();
    table.add(t.name);
  }
  print_table(table, s.style);
}

void list_columns(Session& s, Words words) {
  ovsdb::TextTable table;
  if (words.empty()) table.add_column("Table");
  table.add_column("Column");
  table.add_column("Type");
  auto schema = s.schema();
  for (const ovsdb::TableSchema& t : schema->tables) {
    if (!words.empty() && t.name != words[0]) continue;
    std::vector<const ovsdb::ColumnSchema*> columns{&t.uuid_column, &t.version_column};
    for (const ovsdb::ColumnSchema& c : t.columns) columns.push_back(&c);
    for (const ovsdb::ColumnSchema* c : columns) {
      table.add_row();
      if (words.empty()) table.add(t.name);
      table.add(c->name);
      table.add(c->type.to_json());
    }
  }
  print_table(table, s.style);
}

void needs_conversion(Session& s, Words words) {
  Json json;
  auto wanted = schema_from_file(words[0], &json);
  s.database = wanted->name;
  auto current = s.schema();
  // Texts may differ (defaults said or left out): what the schemas mean counts.
  print(current->to_json() == wanted->to_json() ? "no\n" : "yes\n");
}

void convert(Session& s, Words words) {
  Json json;
  auto wanted = schema_from_file(words[0], &json);
  s.call("convert", Json::array({wanted->name, json}));
}

}  // namespace sluice::dbclient
