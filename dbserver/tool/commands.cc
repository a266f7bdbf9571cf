// SPDX-License-Identifier: Apache-2.0
// The commands but for those that look into logs (log.cc).
#include <fmt/core.h>
#include <unistd.h>

#include <climits>
#include <cstring>

#include "dbserver/engine/permissions.h"
#include "dbserver/engine/convert.h"
#include "dbserver/engine/transaction.h"
#include "lib/json_document.h"
#include "lib/program.h"
#include "dbserver/tool/dbtool.h"

namespace sluice::ovsdb {

void die(const DbError& error) { fatal("{}", error.to_string()); }

std::string read_or_die(const std::string& name) {
  auto bytes = read_file(name);
  if (!bytes) die(read_error(name, bytes.error()));
  return std::move(*bytes);
}

std::string read_database_or_die(const std::string& name) {
  std::string bytes = read_or_die(name);
  if (!bytes.starts_with("OVSDB ")) die({"ovsdb error", name + (bytes.empty() ? ": cannot identify file type" : ": unexpected file format"), {}, {}});
  return bytes;
}

namespace {

[[noreturn]] void die_of_io(const IoError& e) { die(DbError{"I/O error", e.what, {}, e.text()}); }

}  // namespace

void write_new_file(const std::string& name, std::string_view contents) {
  auto storage = FileStorage::open(name, FileStorage::Open::create);
  if (!storage) die_of_io(storage.error());
  if (auto s = (*storage)->append(contents); !s) die_of_io(s.error());
  if (auto s = (*storage)->sync(); !s) die_of_io(s.error());
}

namespace {

std::string db_argument(const ToolContext& c, Words args, size_t i = 0) { return args.size() > i ? args[i] : c.dirs.conf_db(); }
std::string schema_argument(const ToolContext& c, Words args, size_t i = 0) { return args.size() > i ? args[i] : c.dirs.schema_file(); }

std::shared_ptr<const DatabaseSchema> read_schema(const std::string& name) {
  auto schema = DatabaseSchema::from_file(name);
  if (schema) return *schema;
  DbError e = schema.error();
  if (e.tag == "I/O error") fatal("failed to read schema: {}", e.details);
  die(e);
}

/// The schema that a database file begins with.
std::shared_ptr<const DatabaseSchema> read_db_schema(const ToolContext& c, const std::string& name) {
  std::string bytes = read_or_die(name);
  RecordReader reader(bytes, name);
  if (!bytes.empty() && !bytes.starts_with(kRecordMagic)) die({"ovsdb error", name + ": unexpected file format", {}, {}});
  auto first = reader.next();
  if (!first) die(first.error().error);
  if (!*first) die({"ovsdb error", name + ": cannot identify file type", {}, {}});
  auto loaded = load_journal(std::string_view(bytes).substr(0, (*first)->end), name, *c.uuids);
  if (!loaded) die(loaded.error());
  return loaded->db->schema_ptr();
}

std::string file_start(const Database& db) {
  std::string contents;
  append_record(contents, db.schema().to_json().to_string() + "\n");
  return contents;
}

/// The file may be there already, but not in use.
void write_destination(const std::string& name, const std::string& contents) {
  auto storage = FileStorage::open(name, access(name.c_str(), F_OK) ? FileStorage::Open::create : FileStorage::Open::existing);
  if (!storage) fatal("{} ({})", storage.error().what, storage.error().text());
  if (auto s = replace_contents(**storage, contents); !s) die_of_io(s.error());
}

int create(const ToolContext& c, Words args) {
  std::string name = db_argument(c, args);
  auto schema = read_schema(schema_argument(c, args, 1));
  write_new_file(name, file_start(Database(schema, *c.uuids)));
  return 0;
}

/// Writes all rows of `db` to another file, or in place of the file they came from.
void write_compacted(const ToolContext& c, Database& db, std::unique_ptr<Journal> journal, const std::string* destination, std::string_view comment) {
  if (!destination) {
    if (auto s = journal->compact_now(db, c.now_ms, comment); !s) die_of_io(s.error());
    return;
  }
  write_destination(*destination, Snapshot(db).render_file(comment, c.now_ms));
}

OpenedDatabase open_locked(const ToolContext& c, const std::string& name) {
  auto opened = open_database(name, *c.uuids, c.now_ms);
  if (!opened) die(opened.error());
  if (!opened->warning.empty()) fmt::print(stderr, "{}: {}\n", program_name(), opened->warning);
  return std::move(*opened);
}

int compact(const ToolContext& c, Words args) {
  OpenedDatabase opened = open_locked(c, db_argument(c, args));
  write_compacted(c, *opened.db, std::move(opened.journal), args.size() > 1 ? &args[1] : nullptr, fmt::format("compacted by ovsdb-tool {}", kCompatVersion));
  return 0;
}

int convert(const ToolContext& c, Words args) {
  auto schema = read_schema(schema_argument(c, args, 1));
  OpenedDatabase opened = open_locked(c, db_argument(c, args));
  auto converted = convert_database(*opened.db, schema, *c.uuids);
  if (!converted) die(converted.error());
  write_compacted(c, **converted, std::move(opened.journal), args.size() > 2 ? &args[2] : nullptr, fmt::format("converted by ovsdb-tool {}", kCompatVersion));
  return 0;
}

int needs_conversion(const ToolContext& c, Words args) {
  auto current = read_db_schema(c, db_argument(c, args));
  auto schema = read_schema(schema_argument(c, args, 1));
  print(current->to_json() == schema->to_json() ? "no\n" : "yes\n");
  return 0;
}

int db_name(const ToolContext& c, Words args) { return print(read_db_schema(c, db_argument(c, args))->name + "\n"), 0; }
int db_version(const ToolContext& c, Words args) { return print(read_db_schema(c, db_argument(c, args))->version + "\n"), 0; }
int db_cksum(const ToolContext& c, Words args) { return print(read_db_schema(c, db_argument(c, args))->cksum + "\n"), 0; }
int schema_name(const ToolContext& c, Words args) { return print(read_schema(schema_argument(c, args))->name + "\n"), 0; }
int schema_version(const ToolContext& c, Words args) { return print(read_schema(schema_argument(c, args))->version + "\n"), 0; }
int schema_cksum(const ToolContext& c, Words args) { return print(read_schema(schema_argument(c, args))->cksum + "\n"), 0; }

int not_clustered(const ToolContext& c, Words args) {
  (void)read_db_schema(c, args[0]);
  fatal("{}: not a clustered database", args[0]);
}

int no_clusters(const ToolContext&, Words args) { fatal("{}: clustered databases are not supported", args[0]); }

int db_is_clustered(const ToolContext&, Words args) { return read_database_or_die(args[0]).starts_with("OVSDB CLUSTER ") ? 0 : 2; }
int db_is_standalone(const ToolContext&, Words args) { return read_database_or_die(args[0]).starts_with(kRecordMagic) ? 0 : 2; }

int compare(const ToolContext&, Words args) {
  for (size_t i : {0u, 2u})
    if (!is_version(args[i])) fatal("{}: not an OVSDB version number in format x.y.z", args[i]);
  int order = *compare_versions(args[0], args[2]);
  const std::string& op = args[1];
  bool result = op == "<" ? order < 0 : op == "<=" ? order <= 0 : op == "==" ? order == 0 : op == ">=" ? order >= 0 : op == ">" ? order > 0 : order != 0;
  if (op != "<" && op != "<=" && op != "==" && op != ">=" && op != ">" && op != "!=") fatal("{}: not a relational operator", op);
  return result ? 0 : 2;
}

int run_transaction(const ToolContext& c, Words args, bool read_only) {
  std::string name = args.size() == 2 ? args[0] : c.dirs.conf_db();
  std::unique_ptr<Database> db;
  std::unique_ptr<Journal> journal;
  if (read_only) {
    auto opened = read_database(name, *c.uuids);
    if (!opened) die(opened.error());
    if (opened->damage) fmt::print(stderr, "{}: {}: the last write was cut off at offset {}\n", program_name(), name, opened->size);
    db = std::move(opened->db);
  } else {
    OpenedDatabase opened = open_locked(c, name);
    db = std::move(opened.db), journal = std::move(opened.journal);
  }
  const std::string& text = args.back();
  auto params = parse_json_document(text);
  if (!params) fatal("\"{}\": {}", text, params.error().text);
  if (!params->is_array() || (*params)[0].string() != db->name()) {
    DbError e{"syntax error", params->is_array() ? "database name expected as first parameter" : "array expected", params->to_error_text(), {}};
    print(e.to_json().to_string() + "\n");
    return 0;
  }
  TransactContext context;
  context.read_only = read_only;
  Permissions permissions(*db, c.rbac_role, "ovsdb-tool");
  if (!c.rbac_role.empty()) context.permissions = &permissions;
  TransactOutcome outcome = Transaction(*c.uuids).run(*db, *params, context);
  if (outcome.must_wait) outcome.results = "[{\"details\":\"triggers not supported\",\"error\":\"not supported\"}]";
  if (outcome.commit) {
    outcome.commit->durable = true;
    journal->add(db->schema(), *outcome.commit, c.now_ms);
    if (auto s = journal->flush(); !s) die_of_io(s.error());
  }
  print(outcome.results + "\n");
  return 0;
}
int query(const ToolContext& c, Words args) { return run_transaction(c, args, true); }
int transact(const ToolContext& c, Words args) { return run_transaction(c, args, false); }

int list_commands(const ToolContext&, Words) {
  std::string out = "The available commands are:\n";
  for (const ToolCommand& c : tool_commands()) out += fmt::format("  {:<23} {}\n", c.name, c.usage);
  print(out);
  return 0;
}

constexpr ToolCommand kCommands[] = {
    {"create", "[db [schema]]", 0, 2, create},
    {"create-cluster", "db contents local", 3, 3, no_clusters},
    {"join-cluster", "db name local remote...", 4, INT_MAX, no_clusters},
    {"compact", "[db [dst]]", 0, 2, compact},
    {"convert", "[db [schema [dst]]]", 0, 3, convert},
    {"needs-conversion", "", 0, 2, needs_conversion},
    {"db-name", "[db]", 0, 1, db_name},
    {"db-version", "[db]", 0, 1, db_version},
    {"db-cksum", "[db]", 0, 1, db_cksum},
    {"db-cid", "db", 1, 1, not_clustered},
    {"db-sid", "db", 1, 1, not_clustered},
    {"db-local-address", "db", 1, 1, not_clustered},
    {"db-is-clustered", "db", 1, 1, db_is_clustered},
    {"db-is-standalone", "db", 1, 1, db_is_standalone},
    {"schema-name", "[schema]", 0, 1, schema_name},
    {"schema-version", "[schema]", 0, 1, schema_version},
    {"schema-cksum", "[schema]", 0, 1, schema_cksum},
    {"query", "[db] trns", 1, 2, query},
    {"transact", "[db] trns", 1, 2, transact},
    {"show-log", "[db]", 0, 1, show_log},
    {"check-cluster", "db...", 1, INT_MAX, no_clusters},
    {"compare-versions", "a op b", 3, 3, compare},
    {"help", "", 0, INT_MAX, help},
    {"list-commands", "", 0, INT_MAX, list_commands},
    {"cluster-to-standalone", "db clusterdb", 2, 2, no_clusters},
    {"verify", "[db]", 0, 1, verify},
    {"salvage", "db dst", 2, 2, salvage},
};

}  // namespace

std::span<const ToolCommand> tool_commands() { return kCommands; }

}  // namespace sluice::ovsdb
