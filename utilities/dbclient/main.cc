// SPDX-License-Identifier: Apache-2.0
// ovsdb-client: talks to a database server.  main() is: options, command, connection, database, run.
#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>

#include "lib/directories.h"
#include "lib/log.h"
#include "lib/program.h"
#include "lib/target.h"
#include "utilities/dbclient/commands.h"

using namespace sluice;

namespace {

std::string help(const Directories& dirs) {
  std::string out = fmt::format("{0}: talks to a database server\nusage: {0} [OPTIONS] COMMAND [ARG...]\n\nCommands:\n", program_name());
  for (const dbclient::CommandSpec& c : dbclient::commands()) out += fmt::format("  {} {}\n      {}\n", c.name, c.arguments, c.help);
  out += fmt::format(R"(
The default SERVER is {}, the default DATABASE Open_vSwitch.  SERVER: tcp:HOST[:PORT], ssl:HOST[:PORT], unix:FILE
  -p, --private-key=FILE  -c, --certificate=FILE  -C, --ca-cert=FILE  --bootstrap-ca-cert=FILE
)", dirs.db_socket());
  out += ovsdb::table_options_help();
  out += R"(  --timestamp                 time above each table of "monitor"
  --no-db-change-aware        "monitor" ends when databases come, go or are converted

"monitor" and "lock" can run in the background:
  --detach  --no-chdir  --pidfile[=FILE]  --overwrite-pidfile  --monitor  --user=USER[:GROUP]  --unixctl=SOCKET

Logging: -v, --verbose=[SPEC]  --log-file[=FILE]  --syslog-method=METHOD  --syslog-target=HOST:PORT
Other: -t, --timeout=SECS  --force  -h, --help  -V, --version
)";
  return out;
}

const dbclient::CommandSpec& find_command(const std::string& name) {
  for (const dbclient::CommandSpec& c : dbclient::commands())
    if (c.name == name) return c;
  fatal("unknown command '{}'; use --help for help", name);
}

/// The first word that is left is a server if it looks like one and is not needed as an argument.
bool is_server(const std::vector<std::string>& words, const dbclient::CommandSpec& c) {
  return words.size() > static_cast<size_t>(c.min_args) && !words[0].empty() && std::isalpha(static_cast<unsigned char>(words[0][0])) &&
         words[0].find(':') != std::string::npos;
}

/// Likewise a database; otherwise the usual one, or the only one.
std::string take_database(dbclient::Session& s, std::vector<std::string>& words, const dbclient::CommandSpec& c) {
  Json names = s.call("list_dbs", Json::array());
  auto has = [&](std::string_view name) {
    auto all = names.elements();
    return std::any_of(all.begin(), all.end(), [&](const Json& n) { return n.string() == name; });
  };
  if (words.size() > static_cast<size_t>(c.min_args) && has(words[0])) {
    std::string name = words[0];
    words.erase(words.begin());
    return name;
  }
  if (has("Open_vSwitch")) return "Open_vSwitch";
  std::vector<std::string> own;
  for (const Json& n : names.elements())
    if (!n.string().starts_with('_')) own.emplace_back(n.string());
  if (own.size() != 1) fatal("no default database for '{}' command, please specify a database name", c.name);
  return own[0];
}

}  // namespace

int main(int argc, char** argv) {
  log_set("console:info").value();
  log_set("syslog:off").value();
  Directories dirs = Directories::from_environment();
  dbclient::Session s;
  TlsConfig tls_config;
  Options options;
  options.add("timeout", 't', Options::kRequired, [](const char* arg) { limit_run_time(arg, "-t or --timeout"); });
  options.add("timestamp", 0, Options::kNone, [&](const char*) { s.style.timestamp = true; });
  options.add("force", 0, Options::kNone, [&](const char*) { s.force = true; });
  options.add("db-change-aware", 0, Options::kNone, [&](const char*) { s.db_change_aware = true; });
  options.add("no-db-change-aware", 0, Options::kNone, [&](const char*) { s.db_change_aware = false; });
  add_daemon_options(options, s.daemon);
  for (const char* name : {"leader-only", "no-leader-only"}) options.add(name, 0, Options::kNone, [](const char*) {});
  ovsdb::add_table_options(options, s.style);
  add_log_options(options, dirs.log);
  add_tls_options(options, tls_config);
  options.add_standard([&] { return help(dirs); });
  say_which_signal_ends();
  std::vector<std::string> words = options.parse(argc, argv);
  if (words.empty()) fatal("missing command name; use --help for help");
  const dbclient::CommandSpec& command = find_command(words[0]);
  words.erase(words.begin());

  TlsContext tls(tls_config);
  s.tls = &tls;
  s.run_directory = dirs.run;
  s.directories = dirs;
  s.server = dirs.db_socket();
  if (is_server(words, command)) {
    s.server = words[0];
    words.erase(words.begin());
  }
  // What can be told to be wrong without a server is.
  auto count_is_wrong = [&](size_t extra) { return words.size() < static_cast<size_t>(command.min_args) || words.size() > static_cast<size_t>(command.max_args) + extra; };
  if (count_is_wrong(command.need == dbclient::Need::database ? 1 : 0)) fatal("invalid syntax for '{}' (use --help for help)", command.name);
  if (command.need == dbclient::Need::database) s.database = take_database(s, words, command);
  if (count_is_wrong(0)) fatal("invalid syntax for '{}' (use --help for help)", command.name);
  command.run(s, words);
  return 0;
}
