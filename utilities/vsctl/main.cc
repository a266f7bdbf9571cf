// SPDX-License-Identifier: Apache-2.0
// ovs-vsctl: configures the switch through its database.  main() is: options, commands, connection, run, output.
#include <fmt/core.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <thread>

#include "lib/directories.h"
#include "lib/log.h"
#include "lib/options.h"
#include "lib/program.h"
#include "lib/reconnect.h"
#include "utilities/vsctl/help.h"
#include "utilities/vsctl/run.h"

using namespace sluice;

namespace {

Log vsctl_log("vsctl");
Log ctl_base_log("db_ctl_base");
Log client_log("ovsdb_idl");

struct Arguments {
  std::string db;
  bool retry = false;
  vsctl::RunOptions run;
  TlsConfig tls;
  std::vector<std::pair<std::string, std::optional<std::string>>> first_options;
  std::vector<std::string> words;
};

void set_timeout(const char* text) { limit_run_time(text, "-t or --timeout"); }

void add_own_options(Options& options, Arguments& a) {
  options.add("db", 0, Options::kRequired, [&](const char* arg) { a.db = arg; });
  options.add("no-syslog", 0, Options::kNone, [](const char*) { log_set("vsctl:syslog:warn").value(); });
  options.add("no-wait", 0, Options::kNone, [&](const char*) { a.run.wait = false; });
  options.add("dry-run", 0, Options::kNone, [&](const char*) { a.run.dry_run = true; });
  options.add("oneline", 0, Options::kNone, [&](const char*) { a.run.oneline = true; });
  options.add("timeout", 't', Options::kRequired, set_timeout);
  options.add("retry", 0, Options::kNone, [&](const char*) { a.retry = true; });
  // Of a cluster; a single server needs neither.
  for (const char* name : {"leader-only", "no-leader-only", "shuffle-remotes", "no-shuffle-remotes"})
    options.add(name, 0, Options::kNone, [](const char*) {});
  options.add("commands", 0, Options::kNone, [](const char*) {
    print(vsctl::list_commands());
    std::exit(0);
  });
}

Arguments parse_arguments(int argc, char** argv, const Directories& dirs) {
  Arguments a;
  a.db = dirs.db_socket();
  a.run.style.format = ovsdb::TableStyle::Format::list;
  a.run.log_directory = dirs.log;
  if (const char* env = std::getenv("OVS_CTL_TIMEOUT"); env && *env) set_timeout(env);
  Options options;
  options.stop_at_first_word();
  // Options of the first command stand among ours.
  for (const auto& [name, takes_value] : vsctl::all_command_options())
    options.add(name, 0, takes_value ? Options::kRequired : Options::kNone, [&a, name](const char* arg) {
      a.first_options.emplace_back("--" + name, arg ? std::optional<std::string>(arg) : std::nullopt);
    });
  add_own_options(options, a);
  ovsdb::add_table_options(options, a.run.style);
  add_log_options(options, dirs.log);
  add_tls_options(options, a.tls);
  options.add_standard([&dirs] { return vsctl::help_text(dirs.db_socket()); }, schema_version_line());
  say_which_signal_ends();
  a.words = options.parse(argc, argv);
  return a;
}

/// An argument as a shell would need it.
std::string quoted(std::string_view s) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=,@+%";
  if (!s.empty() && s.find_first_not_of(kPlain) == s.npos) return std::string(s);
  std::string out;
  append_json_string(out, s);
  return out;
}

/// "ovs-vsctl (invoked by bash): ovs-vsctl add-br br0", for the database's log.
std::string invocation(int argc, char** argv) {
  std::string parent, line;
  std::ifstream comm(fmt::format("/proc/{}/comm", getppid()));
  std::getline(comm, parent);
  for (int i = 0; i < argc; i++) line += (i ? " " : "") + quoted(argv[i]);
  return fmt::format("{}{}: {}", program_name(), parent.empty() ? "" : fmt::format(" (invoked by {})", parent), line);
}

std::unique_ptr<JsonRpcClient> connect(const Arguments& a, const Directories& dirs, TlsContext& tls) {
  std::expected<std::vector<Target>, TargetError> targets;
  if (!looks_like_passive_target(a.db)) targets = parse_remotes(a.db, kOvsdbPort, dirs.run);
  else if (auto passive = parse_passive_target(a.db, kOvsdbPort, dirs.run)) targets->push_back(*passive);
  else targets = std::unexpected(passive.error());
  if (!targets) fatal("{}: database connection failed ({})", a.db, targets.error().text());
  for (;;) {
    auto client = JsonRpcClient::connect(*targets, {.timeout = std::nullopt, .tls = &tls, .try_again_after_bootstrap = a.retry});
    if (client) return std::move(*client);
    if (!a.retry) fatal("{}: database connection failed ({})", a.db, client.error());
    std::this_thread::sleep_for(kDefaultMinBackoff);
  }
}

void log_warning(std::string_view w) {
  std::string_view module = w.substr(0, w.find('|')), text = w.substr(w.find("|WARN|") + 6);
  (module == "db_ctl_base" ? ctl_base_log : module == "ovsdb_idl" ? client_log : vsctl_log).warn("{}", text);
}

}  // namespace

int main(int argc, char** argv) {
  log_init_tool();
  Directories dirs = Directories::from_environment();
  Arguments a = parse_arguments(argc, argv, dirs);
  auto commands = vsctl::parse_commands(a.words, a.first_options);
  if (!commands) fatal("{}", commands.error());
  a.run.comment = invocation(argc, argv);
  TlsContext tls(a.tls);
  std::unique_ptr<JsonRpcClient> client = connect(a, dirs, tls);
  UuidSource uuids(Random::from_system());
  vsctl::RunResult result = vsctl::run(*commands, a.run, vsctl::connection_link(*client), uuids);
  for (const std::string& w : result.warnings) log_warning(w);
  print(result.out);
  for (size_t i = 0, end; i < result.err.size(); i = end + 1) {
    end = result.err.find('\n', i);
    fmt::print(stderr, "{}: {}\n", program_name(), std::string_view(result.err).substr(i, end - i));
  }
  return result.exit_status;
}
