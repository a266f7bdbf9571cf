// SPDX-License-Identifier: Apache-2.0
// ovsdb-tool: works on database files while no server has them open.  A command gets its words, prints to stdout, and may end the program.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "dbserver/engine/open.h"
#include "lib/directories.h"

namespace sluice::ovsdb {

struct ToolContext {
  Directories dirs;
  int verbosity = 0;      // -m, for show-log
  std::string rbac_role;  // for transact and query
  int64_t now_ms = 0;
  UuidSource* uuids = nullptr;
};
using Words = std::span<const std::string>;

struct ToolCommand {
  const char* name;
  const char* usage;
  int min_args, max_args;
  int (*run)(const ToolContext& context, Words args);  // the exit status
};
std::span<const ToolCommand> tool_commands();

int help(const ToolContext& context, Words args);
int show_log(const ToolContext& context, Words args);
int verify(const ToolContext& context, Words args);
int salvage(const ToolContext& context, Words args);

/// Prints the error as the peer does and exits with status 1.
[[noreturn]] void die(const DbError& error);
/// The file's bytes, or the end of the program.
std::string read_or_die(const std::string& name);
/// The same of a database file of any kind.
std::string read_database_or_die(const std::string& name);
/// The file must not be there.
void write_new_file(const std::string& name, std::string_view contents);

}  // namespace sluice::ovsdb
