// SPDX-License-Identifier: Apache-2.0
// backup and restore: the contents of a database as a file in the journal's format (spec/file-formats.md section 1), from and to a running server.
#include <fmt/core.h>
#include <openssl/sha.h>

#include <algorithm>
#include <iostream>
#include <iterator>
#include <map>
#include <set>

#include "dbserver/ovsdb/diff.h"
#include "dbserver/ovsdb/value_json.h"
#include "lib/clock.h"
#include "lib/json_document.h"
#include "lib/program.h"
#include "lib/text.h"
#include "utilities/dbclient/commands.h"

namespace sluice::dbclient {
namespace {

constexpr std::string_view kMagic = "OVSDB JSON ";

std::string sha1_hex(std::string_view data) {
  unsigned char digest[SHA_DIGEST_LENGTH];
  SHA1(reinterpret_cast<const unsigned char*>(data.data()), data.size(), digest);
  return hex(digest);
}

void print_record(const Json& j) {
  std::string data = j.to_string() + "\n";
  print(fmt::format("{}{} {}\n{}", kMagic, data.size(), sha1_hex(data), data));
}

/// The records of a file, checked.
std::vector<Json> parse_records(std::string_view rest) {
  std::vector<Json> out;
  while (!rest.empty()) {
    size_t line = rest.find('\n');
    std::string header(rest.substr(0, line));
    size_t length = 0;
    char hash[41] = "";
    if (line == rest.npos || !header.starts_with(kMagic) || std::sscanf(header.c_str() + kMagic.size(), "%zu %40s", &length, hash) != 2)
      fatal("standard input is no database file: record {} has a bad header", out.size());
    rest.remove_prefix(line + 1);
    if (length > rest.size()) fatal("standard input ends in record {}", out.size());
    std::string_view data = rest.substr(0, length);
    if (sha1_hex(data) != hash) fatal("record {} does not have the checksum that it names", out.size());
    auto j = Json::parse(data);
    if (!j) fatal("record {}: {}", out.size(), j.error().text);
    out.push_back(std::move(*j));
    rest.remove_prefix(length);
  }
  return out;
}

/// Persistent columns only.
Json row_values(const ovsdb::TableSchema& t, const Json& row) {
  Json out = Json::object();
  for (const JsonMember& m : row.members()) {
    const ovsdb::ColumnSchema* c = t.find(m.name());
    if (c && c->persistent) out.set(m.name(), m.value);
  }
  return out;
}

}  // namespace

void backup(Session& s, Words) {
  Json schema_json = s.call("get_schema", Json::array({s.database}));
  auto schema = s.schema();
  Json request = Json::array({s.database});
  for (const ovsdb::TableSchema& t : schema->tables) request.push_back(Json::object({{"op", "select"}, {"table", t.name}, {"where", Json::array()}}));
  Json result = s.call("transact", request);
  Json record = Json::object({{"_date", Clock().wall_ms()}, {"_comment", fmt::format("produced by \"{} backup\"", program_name())}});
  for (size_t i = 0; i < schema->tables.size(); i++) {
    if (!result[i].find("rows")) fatal("transaction returned error: {}", result[i].to_string());
    Json rows = Json::object();
    for (const Json& row : result[i].get("rows").elements()) rows.set(row.get("_uuid")[1].string(), row_values(schema->tables[i], row));
    if (rows.size()) record.set(schema->tables[i].name, std::move(rows));
  }
  print_record(schema_json);
  print_record(record);
}

namespace {

std::string row_name(std::string_view uuid) {
  std::string out = "row" + std::string(uuid);
  std::replace(out.begin(), out.end(), '-', '_');
  return out;
}

/// References to rows of the file become references to the new rows.
Json with_new_rows(const Json& j, const std::set<std::string, std::less<>>& rows) {
  if (j.is_array() && j.size() == 2 && j[0].string() == "uuid" && rows.contains(j[1].string()))
    return Json::array({"named-uuid", row_name(j[1].string())});
  if (!j.is_array() && !j.is_object()) return j;
  Json out = j.is_array() ? Json::array() : Json::object();
  for (const Json& e : j.elements()) out.push_back(with_new_rows(e, rows));
  for (const JsonMember& m : j.members()) out.set(m.name(), with_new_rows(m.value, rows));
  return out;
}

using Rows = std::map<std::string, Json, std::less<>>;  // by uuid: the values of columns
using Contents = std::map<std::string, Rows, std::less<>>;

/// A row after one more record of it, which has new values, or differences to those before.
Json changed_row(const ovsdb::TableSchema& t, const Json& before, const Json& record, bool is_diff) {
  Json after = before;
  Json values = row_values(t, record);
  for (const JsonMember& m : values.members()) {
    const ovsdb::ColumnSchema& c = *t.find(m.name());
    const Json* old = is_diff ? before.find(m.name()) : nullptr;
    if (!old) {
      after.set(m.name(), m.value);
      continue;
    }
    auto from = ovsdb::parse_datum_lenient(*old, c.type), diff = ovsdb::parse_datum_lenient(m.value, c.type);
    auto to = from && diff ? ovsdb::datum_apply_diff(from->ref(), diff->ref(), c.type) : from;
    if (!from || !diff || !to) fatal("standard input: table {}, column {}: a difference does not fit", t.name, c.name);
    after.set(m.name(), ovsdb::datum_to_json(*to));
  }
  return after;
}

/// What all transaction records of a file come to.  Tables that the schema does not have are left out.
Contents read_contents(const std::vector<Json>& records, const ovsdb::DatabaseSchema& schema) {
  Contents contents;
  for (size_t i = 1; i < records.size(); i++) {
    bool is_diff = records[i].get("_is_diff").boolean();
    for (const JsonMember& by_table : records[i].members()) {
      const ovsdb::TableSchema* t = schema.find(by_table.name());
      if (!t) continue;
      Rows& rows = contents[t->name];
      for (const JsonMember& row : by_table.value.members()) {
        auto [at, is_new] = rows.try_emplace(std::string(row.name()), Json::object());
        if (row.value.is_null()) rows.erase(at);
        else at->second = changed_row(*t, at->second, row.value, is_diff && !is_new);
      }
    }
  }
  return contents;
}

}  // namespace

/// One transaction: everything out, then every row of the file in, as a new row, since a uuid can't go and come in one transaction.
void restore(Session& s, Words) {
  std::string bytes(std::istreambuf_iterator<char>(std::cin), {});
  if (bytes.empty()) fatal("ovsdb error: /dev/stdin: cannot identify file type");
  if (!bytes.starts_with(kMagic)) fatal("ovsdb error: /dev/stdin: unexpected file format");
  std::vector<Json> records = parse_records(bytes);
  auto schema = s.schema(), theirs = ovsdb::DatabaseSchema::from_json(records[0]).value_or(nullptr);
  if (!theirs) fatal("standard input does not begin with a schema");
  if (theirs->name != s.database) fatal("backup is of database {}, not {}", theirs->name, s.database);
  if (!s.force && !(theirs->to_json() == schema->to_json()))
    fatal("backup schema has version \"{}\" but database schema has version \"{}\" (use --force to override differences, or \"ovsdb-client convert\" to "
          "change the schema)",
          theirs->version, schema->version);
  Json request = Json::array({s.database});
  for (const ovsdb::TableSchema& t : schema->tables) request.push_back(Json::object({{"op", "delete"}, {"table", t.name}, {"where", Json::array()}}));
  Contents contents = read_contents(records, *schema);
  std::set<std::string, std::less<>> known;
  for (const auto& [table, rows] : contents)
    for (const auto& [uuid, row] : rows) known.insert(uuid);
  for (const auto& [table, rows] : contents)
    for (const auto& [uuid, row] : rows)
      request.push_back(Json::object({{"op", "insert"}, {"table", table}, {"uuid-name", row_name(uuid)}, {"row", with_new_rows(row, known)}}));
  request.push_back(Json::object({{"op", "comment"}, {"comment", fmt::format("{}: restored database from backup", program_name())}}));
  Json result = s.call("transact", request);
  for (const Json& r : result.elements())
    if (r.find("error")) fatal("transaction returned error: {}", r.to_string());
}

}  // namespace sluice::dbclient
