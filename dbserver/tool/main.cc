// SPDX-License-Identifier: Apache-2.0
// sluice-dbtool (ovsdb-tool): options, then one command.

#include "lib/clock.h"
#include "lib/log.h"
#include "lib/options.h"
#include "lib/program.h"
#include "dbserver/tool/dbtool.h"

namespace sluice::ovsdb {
namespace {

std::string help_text(const Directories& dirs) {
  return fmt::format(
      "{0}: Open vSwitch database management utility\n"
      "usage: {0} [OPTIONS] COMMAND [ARG...]\n"
      "  create [DB [SCHEMA]]    create DB with the given SCHEMA\n"
      "  compact [DB [DST]]      compact DB in-place (or to DST)\n"
      "  convert [DB [SCHEMA [DST]]]   convert DB to SCHEMA (to DST)\n"
      "  needs-conversion [DB [SCHEMA]]  print \"yes\" or \"no\"\n"
      "  db-name [DB]            report name of schema used by DB\n"
      "  db-version [DB]         report version of schema used by DB\n"
      "  db-cksum [DB]           report checksum of schema used by DB\n"
      "  db-is-clustered DB      test whether DB is clustered\n"
      "  db-is-standalone DB     test whether DB is standalone\n"
      "  schema-name [SCHEMA]    report SCHEMA's name\n"
      "  schema-version [SCHEMA] report SCHEMA's schema version\n"
      "  schema-cksum [SCHEMA]   report SCHEMA's checksum\n"
      "  compare-versions A OP B  compare OVSDB schema version numbers\n"
      "  query [DB] TRNS         execute read-only transaction on DB\n"
      "  transact [DB] TRNS      execute read/write transaction on DB\n"
      "  [-m]... show-log [DB]   print DB's log entries\n"
      "  verify [DB]             check every record of DB, say where it is damaged\n"
      "  salvage DB DST          write what is good at the start of a damaged DB to DST\n"
      "The default DB is {1}.\n"
      "The default SCHEMA is {2}.\n"
      "\nOther options:\n"
      "  -m, --more                  increase show-log verbosity\n"
      "  --rbac-role=ROLE            RBAC role for transact and query commands\n"
      "  -vSPEC --verbose[=SPEC] --log-file[=FILE] --syslog-method=METHOD --syslog-target=HOST:PORT\n"
      "  -h, --help                  display this help message\n"
      "  -V, --version               display version information\n",
      program_name(), dirs.conf_db(), dirs.schema_file());
}

int run(int argc, char** argv) {
  ToolContext context;
  context.dirs = Directories::from_environment();
  context.now_ms = Clock().wall_ms();
  UuidSource uuids(Random::from_system());
  context.uuids = &uuids;
  log_init_tool();
  Options options;
  options.add("more", 'm', Options::kNone, [&](const char*) { context.verbosity++; });
  options.add("rbac-role", 0, Options::kRequired, [&](const char* arg) { context.rbac_role = arg; });
  add_log_options(options, context.dirs.log);
  options.add_standard([&] { return help_text(context.dirs); });
  say_which_signal_ends();
  std::vector<std::string> words = options.parse(argc, argv);
  if (words.empty()) fatal("missing command name; use --help for help");
  for (const ToolCommand& c : tool_commands()) {
    if (words[0] != c.name) continue;
    int n = static_cast<int>(words.size()) - 1;
    if (n < c.min_args) fatal("'{}' command requires at least {} arguments", c.name, c.min_args);
    if (n > c.max_args) fatal("'{}' command takes at most {} arguments", c.name, c.max_args);
    return c.run(context, Words(words).subspan(1));
  }
  fatal("unknown command '{}'; use --help for help", words[0]);
}

}  // namespace

int help(const ToolContext& c, Words) { return print(help_text(c.dirs)), 0; }

}  // namespace sluice::ovsdb

int main(int argc, char** argv) { return sluice::ovsdb::run(argc, argv); }
