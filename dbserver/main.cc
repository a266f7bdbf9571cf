// SPDX-License-Identifier: Apache-2.0
// sluice-dbserver (ovsdb-server): options, then the graph of objects, then the loop.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstring>

#include "dbserver/service.h"
#include "lib/clock.h"
#include "lib/daemon.h"
#include "lib/directories.h"
#include "lib/log.h"
#include "lib/options.h"
#include "lib/program.h"

namespace sluice::ovsdb {
namespace {

Log log_("ovsdb_server");

constexpr Duration kRelayPatience = milliseconds(500);

struct Arguments {
  Configuration configuration;
  TlsConfig tls;
  DaemonOptions daemon;
  std::string run, config_file;
  std::vector<std::string> origins;
  bool no_dbs = false, column_diff = true, salvage = false;
};

std::string help_text(const Directories& dirs) {
  return fmt::format(
      "{0}: Open vSwitch database server\n"
      "usage: {0} [OPTIONS] [DATABASE...]\n"
      "where each DATABASE is a database file in ovsdb format, or\n"
      "relay:DB:REMOTE[,REMOTE]... to pass on database DB of another server.\n"
      "The default DATABASE, if none is given, is\n{1}/conf.db.\n"
      "\nJSON-RPC options (may be specified any number of times):\n"
      "  --remote=REMOTE         connect or listen to REMOTE\n"
      "  (punix:FILE ptcp:PORT[:IP] pssl:PORT[:IP] unix:FILE tcp:HOST:PORT ssl:HOST:PORT db:DB,TABLE,COLUMN;\n"
      "  ws:PORT[:IP] wss:PORT[:IP] for JSON-RPC over WebSocket, a message for each text frame)\n"
      "  --websocket-origin=ORIGIN\n"
      "                          let only pages of ORIGIN (https://HOST[:PORT]) use ws: and wss:\n"
      "                          (may be specified any number of times; default: pages of all)\n"
      "\nOther options:\n"
      "  --run COMMAND           run COMMAND as subprocess then exit\n"
      "  --no-dbs                start without a database\n"
      "  --config-file=FILE      databases and remotes as this JSON file says\n"
      "  --sync-from=SERVER      be the standby of SERVER: follow its databases, refuse to write\n"
      "  --sync-exclude-tables=DB:TABLE,...\n"
      "                          don't follow these tables\n"
      "  --active                with --sync-from, start as an active server\n"
      "  --unixctl=SOCKET        override default control socket name\n"
      "  --salvage               keep a damaged database file as FILE.damaged and\n"
      "                          serve what is good before the damage\n"
      "  --disable-file-column-diff\n"
      "                          don't use column diff in database file\n"
      "  TLS: --private-key --certificate --ca-cert (FILE or db:DB,TABLE,COLUMN) --bootstrap-ca-cert --peer-ca-cert\n"
      "       --ssl-protocols --ssl-ciphers --ssl-ciphersuites\n"
      "  Daemon: --detach --no-chdir --pidfile[=FILE] --overwrite-pidfile --monitor --user=USER[:GROUP]\n"
      "  Logging: -vSPEC --verbose[=SPEC] --log-file[=FILE] --syslog-method=METHOD --syslog-target=HOST:PORT\n"
      "  -h, --help              display this help message\n"
      "  -V, --version           display version information\n",
      program_name(), dirs.db);
}

Arguments parse_arguments(int argc, char** argv, const Directories& dirs) {
  Arguments a;
  Options options;
  options.add("remote", 0, Options::kRequired, [&](const char* arg) { a.configuration.remotes.emplace(arg, RemoteOptions{}); });
  options.add("websocket-origin", 0, Options::kRequired, [&](const char* arg) { a.origins.emplace_back(arg); });
  options.add("run", 0, Options::kRequired, [&](const char* arg) { a.run = arg; });
  options.add("no-dbs", 0, Options::kNone, [&](const char*) { a.no_dbs = true; });
  options.add("disable-file-column-diff", 0, Options::kNone, [&](const char*) { a.column_diff = false; });
  options.add("salvage", 0, Options::kNone, [&](const char*) { a.salvage = true; });
  options.add("config-file", 0, Options::kRequired, [&](const char* arg) { a.config_file = arg; });
  options.add("sync-from", 0, Options::kRequired, [&](const char* arg) { a.configuration.sync_from = arg; });
  options.add("sync-exclude-tables", 0, Options::kRequired, [&](const char* arg) { a.configuration.sync_exclude = arg; });
  options.add("active", 0, Options::kNone, [&](const char*) { a.configuration.active = true; });
  add_log_options(options, dirs.log);
  add_tls_options(options, a.tls);
  add_daemon_options(options, a.daemon);
  options.add_standard([&] { return help_text(dirs); });
  a.configuration.databases = options.parse(argc, argv);
  const Configuration& c = a.configuration;
  if (!a.config_file.empty() && (!c.databases.empty() || !c.remotes.empty() || !c.sync_from.empty() || !c.sync_exclude.empty() || c.active))
    fatal("--config-file can't be used together with databases, --remote, --sync-from, --sync-exclude-tables or --active");
  if (a.configuration.databases.empty() && a.config_file.empty() && !a.no_dbs) a.configuration.databases.push_back(dirs.conf_db());
  return a;
}

/// As many clients as the system lets us have.
void raise_descriptor_limit() {
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) || files.rlim_cur == files.rlim_max) return;
  files.rlim_cur = files.rlim_max;
  (void)setrlimit(RLIMIT_NOFILE, &files);
}

/// Starts the command of --run.
pid_t start_child(const std::string& command) {
  pid_t pid = fork();
  if (pid < 0) fatal("fork failed");
  if (pid) return pid;
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  execl("/bin/sh", "/bin/sh", "-c", command.c_str(), static_cast<char*>(nullptr));
  _exit(127);
}

int serve(int argc, char** argv) {
  Directories dirs = Directories::from_environment();
  Arguments a = parse_arguments(argc, argv, dirs);
  signal(SIGPIPE, SIG_IGN);
  raise_descriptor_limit();

  char* cwd = get_current_dir_name();
  std::string db_dir = cwd ? cwd : ".";
  std::free(cwd);
  SavedConfiguration saved;
  Daemon daemon(a.daemon, dirs);
  daemon.start();
  if (auto before = saved.load()) a.configuration = std::move(*before);  // a crash ended the process before this one

  Clock clock;
  log_set_clock(&clock);
  Loop loop(clock);
  UuidSource uuids(Random::from_system());
  Service service(loop, uuids, a.tls, dirs.run, db_dir);
  service.set_column_diff(a.column_diff);
  for (std::string& origin : a.origins) service.remotes().web().allow_origin(std::move(origin));
  if (a.salvage) service.set_on_damage(OnDamage::salvage);
  auto configured = a.config_file.empty() ? service.configure(a.configuration) : service.configure_from(a.config_file);
  if (!configured) fatal("{}", configured.error());

  UnixctlServer unixctl(loop);
  if (auto path = daemon.unixctl_path())
    if (auto s = unixctl.listen(*path); !s) fatal("{}", s.error());
  log_add_commands(unixctl);
  service.add_commands(unixctl);
  service.on_configured([&](const Configuration& c) { saved.save(c); });
  service.set_exit_handler([&] { loop.stop(); });
  Daemon::take_signals(loop);
  int status = 0;
  pid_t child = 0;
  if (!a.run.empty()) {
    loop.on_signal(SIGCHLD, [&] {
      int how = 0;
      if (!child || waitpid(child, &how, WNOHANG) != child) return;
      child = 0;
      if (!WIFEXITED(how) || WEXITSTATUS(how)) {
        std::string what = WIFEXITED(how) ? fmt::format("exit status {}", WEXITSTATUS(how)) : fmt::format("killed ({})", strsignal(WTERMSIG(how)));
        fmt::print(stderr, "{}: {}: child exited, {}\n", program_name(), a.run, what);
        status = 1;
      }
      loop.stop();
    });
  }
  loop.run_once(Duration{});
  for (const auto& [target, error] : service.start()) {
    if (!a.run.empty() || looks_like_passive_target(target) || looks_like_web_target(target)) log_.err("{}: listen failed: {}", target, error);
    else log_.err("{}: {}", target, error);
  }
  // Who waits until we are ready may ask at once: relays get a moment for their contents.
  for (Time end = loop.now() + kRelayPatience; !service.has_contents() && loop.now() < end;) loop.run_once(end - loop.now());
  if (!a.run.empty()) child = start_child(a.run);
  daemon.ready();
  // With --run it is more of a command than of a daemon.
  if (a.run.empty()) log_.info("{}", version_text().substr(0, version_text().find('\n')));
  loop.run();
  if (child) kill(child, SIGTERM);
  daemon.finish();
  log_set_clock(nullptr);
  return status;
}

}  // namespace
}  // namespace sluice::ovsdb

int main(int argc, char** argv) { return sluice::ovsdb::serve(argc, argv); }
