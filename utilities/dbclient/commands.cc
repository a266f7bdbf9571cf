// SPDX-License-Identifier: Apache-2.0
// The table of commands, and what several of them share.
#include "utilities/dbclient/commands.h"

#include <fmt/core.h>

#include <cerrno>
#include <fstream>
#include <sstream>

#include "lib/json_document.h"
#include "lib/log.h"
#include "lib/program.h"
#include "lib/target.h"

namespace sluice::dbclient {
namespace {

Log log("ovsdb_client");

constexpr CommandSpec kCommands[] = {
    {"list-dbs", "[SERVER]", "names of the databases", Need::connection, 0, 0, list_dbs},
    {"get-schema", "[SERVER] [DATABASE]", "the schema as JSON", Need::database, 0, 0, get_schema},
    {"get-schema-version", "[SERVER] [DATABASE]", "the version of the schema", Need::database, 0, 0, get_schema_version},
    {"get-schema-cksum", "[SERVER] [DATABASE]", "the checksum that the schema names", Need::database, 0, 0, get_schema_cksum},
    {"list-tables", "[SERVER] [DATABASE]", "names of the tables", Need::database, 0, 0, list_tables},
    {"list-columns", "[SERVER] [DATABASE] [TABLE]", "columns and their types", Need::database, 0, 1, list_columns},
    {"transact", "[SERVER] TRANSACTION", "carry out the parameters of a \"transact\" request", Need::connection, 1, 1, transact},
    {"query", "[SERVER] TRANSACTION", "the same, but nothing is changed", Need::connection, 1, 1, query},
    {"monitor", "[SERVER] [DATABASE] TABLE [COLUMN,...]... | ALL", "print contents and changes (!initial !insert !delete !modify leave out)",
     Need::database, 1, INT_MAX, monitor},
    {"monitor-cond", "[SERVER] [DATABASE] CONDITION TABLE [COLUMN,...]...", "the same of the rows that satisfy a condition", Need::database, 2, 3, monitor_cond},
    {"monitor-cond-since", "[SERVER] [DATABASE] [LASTID] CONDITION TABLE [COLUMN,...]...", "the same, from a transaction on", Need::database, 2, 4,
     monitor_cond_since},
    {"wait", "[SERVER] DATABASE added|connected|removed", "wait until the database is in that state", Need::connection, 2, 2, wait},
    {"convert", "[SERVER] SCHEMA-FILE", "convert the database to this schema", Need::connection, 1, 1, convert},
    {"needs-conversion", "[SERVER] SCHEMA-FILE", "\"yes\" or \"no\"", Need::connection, 1, 1, needs_conversion},
    {"dump", "[SERVER] [DATABASE] [TABLE [COLUMN]...]", "print contents", Need::database, 0, INT_MAX, dump},
    {"backup", "[SERVER] [DATABASE]", "contents as a database file, to standard output", Need::database, 0, 0, backup},
    {"restore", "[SERVER] [DATABASE]", "replace the contents by those of standard input (--force: of another schema)", Need::database, 0, 0, restore},
    {"lock", "[SERVER] LOCK", "get a lock or queue for it, and keep it", Need::connection, 1, 1, lock},
    {"steal", "[SERVER] LOCK", "take a lock from its owner, and keep it", Need::connection, 1, 1, steal},
    {"unlock", "[SERVER] LOCK", "give a lock back", Need::connection, 1, 1, unlock},
};

std::expected<std::vector<Target>, TargetError> one(std::expected<Target, TargetError> target) {
  if (!target) return std::unexpected(target.error());
  return std::vector<Target>{std::move(*target)};
}

}  // namespace

std::span<const CommandSpec> commands() { return kCommands; }

JsonRpcClient& Session::client() {
  if (client_) return *client_;
  bool passive = looks_like_passive_target(server);  // then the server comes to us
  auto targets = passive ? one(parse_passive_target(server, kOvsdbPort, run_directory)) : parse_remotes(server, kOvsdbPort, run_directory);
  if (!targets) fatal("failed to connect or listen to \"{}\" ({})", server, targets.error().text());
  if (passive) log.info("{}: waiting for connection...", server);
  auto connected = JsonRpcClient::connect(*targets, {.timeout = std::nullopt, .tls = tls});
  if (!connected) fatal("failed to connect{} to \"{}\" ({})", passive ? " or listen" : "", server, connected.error());
  client_ = std::move(*connected);
  return *client_;
}

Json Session::call(std::string_view method, const Json& params) {
  auto result = client().call(method, params);
  if (result) return std::move(*result);
  bool transaction = method == "transact";
  if (!result.error().error && transaction) fatal("transaction failed ({})", result.error().text);
  if (!result.error().error) fatal("{}: receive failed ({})", server, result.error().text);
  std::string error = result.error().error->to_string();
  if (transaction) fatal("transaction returned error: {}", error);
  fatal("{}: {} request failed: {}", server, method, error);
}

/// A server that does not know this keeps clients of databases that change in another way, or not at all: no matter.
void Session::set_db_change_aware() { (void)client().call("set_db_change_aware", Json::array({true})); }

std::shared_ptr<const ovsdb::DatabaseSchema> Session::schema() {
  auto s = ovsdb::DatabaseSchema::from_json(call("get_schema", Json::array({database})));
  if (!s) fatal("failed to parse schema: {}", s.error().to_string());
  return *s;
}

void print_table(const ovsdb::TextTable& table, const ovsdb::TableStyle& style, bool under_a_line) {
  static bool first = true;  // of the process's standard output
  print_text(table.format(style, std::exchange(first, false) || under_a_line));
}

void print_text(std::string_view text) {
  print(text);
  std::fflush(stdout);
}

void print_json(const Json& j, const ovsdb::TableStyle& style) { print_text((style.pretty ? j.to_pretty_string() : j.to_string()) + "\n"); }

Json parse_json(const std::string& text) {
  auto j = parse_json_document(text);
  if (!j) fatal("\"{}\": {}", text, j.error().text);
  return std::move(*j);
}

Json read_json_file(const std::string& path) {
  std::ifstream in(path);
  std::ostringstream text;
  if (!in || !(text << in.rdbuf()))
    fatal("failed to read schema: \"{}\" could not be read as JSON (error opening \"{}\": {})", path, path, errno_text(errno));
  auto j = parse_json_document(text.str());
  if (!j) fatal("failed to read schema: \"{}\" could not be read as JSON ({})", path, j.error().text);
  return std::move(*j);
}

}  // namespace sluice::dbclient
