// SPDX-License-Identifier: Apache-2.0
// The commands of ovsdb-client, one table.  They print to standard output and end the program by fatal() when something is wrong.
#pragma once

#include <climits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dbserver/ovsdb/schema.h"
#include "dbserver/ovsdb/table_text.h"
#include "lib/daemon.h"
#include "lib/directories.h"
#include "lib/jsonrpc.h"
#include "lib/options.h"

namespace sluice::dbclient {

struct Session {
  std::string server;  // as it was given
  std::string database;                   // only for Need::database
  ovsdb::TableStyle style;
  bool force = false;
  TlsContext* tls = nullptr;
  std::string run_directory;
  std::optional<bool> db_change_aware;  // stays connected when databases come, go and are converted; nothing: "monitor" does, others don't
  DaemonOptions daemon;
  Directories directories;

  /// Connects on first use: what is wrong with a command's arguments is told before.
  JsonRpcClient& client();

  /// The result of a call; an error ends the program.
  Json call(std::string_view method, const Json& params);
  std::shared_ptr<const ovsdb::DatabaseSchema> schema();
  void set_db_change_aware();

 private:
  std::unique_ptr<JsonRpcClient> client_;
};

enum class Need : uint8_t { connection, database };
using Words = std::span<const std::string>;
struct CommandSpec {
  std::string_view name, arguments, help;
  Need need;
  int min_args, max_args;  // after server and database
  void (*run)(Session&, Words);
};
std::span<const CommandSpec> commands();

/// Prints a table, with an empty line before any but the first of this process, and those right under a line that belongs to them.
void print_table(const ovsdb::TextTable& table, const ovsdb::TableStyle& style, bool under_a_line = false);
/// At once: who watches a monitor through a pipe waits for it.
void print_text(std::string_view text);
void print_json(const Json& j, const ovsdb::TableStyle& style);
Json parse_json(const std::string& text);
Json read_json_file(const std::string& path);  // "failed to read schema: ..."

// schema_commands.cc
void list_dbs(Session&, Words);
void get_schema(Session&, Words);
void get_schema_version(Session&, Words);
void get_schema_cksum(Session&, Words);
void list_tables(Session&, Words);
void list_columns(Session&, Words);
void needs_conversion(Session&, Words);
void convert(Session&, Words);
// data_commands.cc
void transact(Session&, Words);
void query(Session&, Words);
void dump(Session&, Words);
void lock(Session&, Words);
void steal(Session&, Words);
void unlock(Session&, Words);
void wait(Session&, Words);
// backup_commands.cc
void backup(Session&, Words);
void restore(Session&, Words);
// monitor_commands.cc
void monitor(Session&, Words);
void monitor_cond(Session&, Words);
void monitor_cond_since(Session&, Words);

}  // namespace sluice::dbclient
