// SPDX-License-Identifier: Apache-2.0
// show-log, verify and salvage: commands that read a journal record by record, whole or damaged.
#include <fmt/core.h>

#include <ctime>
#include <map>

#include "dbserver/ovsdb/value_text.h"
#include "lib/date.h"
#include "lib/program.h"
#include "dbserver/tool/dbtool.h"

namespace sluice::ovsdb {
namespace {

/// Names of rows, from their column "name", as seen so far.
using RowNames = std::map<std::string, std::string, std::less<>>;

/// A value of a record as text, by the column's type if the schema has it.  Differences may have any number of elements.
std::string value_text(const TableSchema* table, std::string_view column, const Json& value) {
  const ColumnSchema* c = table ? table->find(column) : nullptr;
  if (!c) return value.to_string();
  auto datum = parse_datum_lenient(value, c->type);
  return datum ? datum_to_text(*datum, c->type) : value.to_string();
}

void show_row(const TableSchema* table, std::string_view table_name, const JsonMember& row, RowNames& names, int verbosity, std::string& out) {
  std::string uuid(row.name()), key = fmt::format("{} {}", table_name, uuid);
  std::string short_uuid = uuid.substr(0, 8);
  auto known = names.find(key);
  const Json* name_json = row.value.find("name");
  std::string name = name_json && !name_json->is_array() ? name_json->to_string() : "";
  if (known == names.end()) {
    if (name.empty()) out += fmt::format("  table {} insert row {}:\n", table_name, short_uuid);
    else out += fmt::format("  table {} insert row {} ({}):\n", table_name, name, short_uuid);
    names[key] = name.empty() ? short_uuid : name;
  } else {
    out += fmt::format("  table {} row {} ({}) diff:\n", table_name, known->second, short_uuid);
    if (!name.empty()) known->second = name;
  }
  if (row.value.is_null()) {
    out += "    delete row\n";
    names.erase(key);
    return;
  }
  if (verbosity < 2) return;
  for (const JsonMember& m : row.value.members()) out += fmt::format("    {}={}\n", m.name(), value_text(table, m.name(), m.value));
}

void show_transaction(const DatabaseSchema* schema, const Json& j, uint64_t number, RowNames& names, int verbosity, std::string& out) {
  out += fmt::format("record {}:", number);
  const Json &date = j.get("_date"), &comment = j.get("_comment");
  if (date.is_integer()) out += " " + format_date(record_date_ms(date.integer()), true);
  if (comment.is_string()) out += fmt::format(" \"{}\"", comment.string());
  out += '\n';
  if (verbosity > 0) {
    for (const JsonMember& t : j.members()) {
      if (t.name().starts_with('_')) continue;
      const TableSchema* table = schema ? schema->find(t.name()) : nullptr;
      for (const JsonMember& row : t.value.members()) show_row(table, t.name(), row, names, verbosity, out);
    }
  }
}

}  // namespace

int show_log(const ToolContext& context, Words args) {
  std::string name = args.empty() ? context.dirs.conf_db() : args[0];
  std::string bytes = read_database_or_die(name);
  RecordReader reader(bytes, name);
  std::shared_ptr<const DatabaseSchema> schema;
  RowNames names;
  for (uint64_t number = 0;; number++) {
    auto record = reader.next();
    if (!record) die(record.error().error);
    if (!*record) return 0;
    std::string out;
    auto j = Json::parse((*record)->data);
    if (!j) die({"syntax error", fmt::format("{}: {} bytes starting at offset {} are not valid JSON ({})", name, (*record)->data.size(), (*record)->offset, j.error().text), {}, {}});
    if (number == 0) {
      auto parsed = DatabaseSchema::from_json(*j);
      if (!parsed) die(parsed.error());
      schema = *parsed;
      out = fmt::format("record 0: \"{}\" schema, version=\"{}\", cksum=\"{}\"\n\n", schema->name, schema->version, schema->cksum);
    } else {
      show_transaction(schema.get(), *j, number, names, context.verbosity, out);
      if (context.verbosity > 0) out += '\n';
    }
    print(out);
  }
}

int verify(const ToolContext& context, Words args) {
  std::string name = args.empty() ? context.dirs.conf_db() : args[0];
  std::string bytes = read_or_die(name);
  auto loaded = load_journal(bytes, name, *context.uuids);
  if (!loaded) die(loaded.error());
  size_t rows = 0;
  for (const Table& t : loaded->db->tables()) rows += t.size();
  std::string what = fmt::format("database {}, {} transaction record(s), {} rows, {} bytes", loaded->db->name(), loaded->records, rows, loaded->size);
  if (!loaded->damage) {
    print(fmt::format("{}: ok: {}\n", name, what));
    return 0;
  }
  bool torn = is_torn_write(bytes, loaded->damage->offset);
  print(fmt::format("{}: {} at offset {} of {}: {}\n", name, torn ? "unfinished write" : "damaged", loaded->damage->offset, bytes.size(),
                    loaded->damage->error.to_string()));
  print(fmt::format("{}: good before it: {}\n", name, what));
  return torn ? 2 : 1;
}

int salvage(const ToolContext& context, Words args) {
  std::string bytes = read_or_die(args[0]);
  auto loaded = load_journal(bytes, args[0], *context.uuids);
  if (!loaded) die(loaded.error());
  write_new_file(args[1], std::string_view(bytes).substr(0, loaded->size));
  print(fmt::format("{}: {} transaction record(s), {} of {} bytes written to {}\n", args[0], loaded->records, loaded->size, bytes.size(), args[1]));
  if (!loaded->damage) return 0;
  // Later records may be whole, but what they change may depend on what is lost.
  size_t later = 0;
  std::string_view rest = std::string_view(bytes).substr(loaded->size + 1);
  for (size_t at = rest.find("\nOVSDB JSON "); at != rest.npos; at = rest.find("\nOVSDB JSON ", at + 1)) {
    RecordReader reader(rest, args[0], at + 1);
    if (reader.next()) later++;
  }
  print(fmt::format("{}: not salvaged: what follows offset {} ({}), {} whole record(s) among it\n", args[0], loaded->size, loaded->damage->error.to_string(), later));
  return 0;
}

}  // namespace sluice::ovsdb
