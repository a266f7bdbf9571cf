// SPDX-License-Identifier: Apache-2.0
// sluice-dpctl (ovs-dpctl): commands on datapaths.  The datapaths live in the switch daemon, so every command goes to its control socket, as
// "dpctl/COMMAND" with the options in front; the peer's tool talks to the kernel instead.  Exit status: 0 or 1.
#include <climits>

#include "lib/directories.h"
#include "lib/log.h"
#include "lib/options.h"
#include "lib/program.h"
#include "lib/unixctl.h"

namespace sluice {
namespace {

struct Command {
  std::string_view name, usage, help;
  int min_args, max_args;
};
constexpr Command kCommands[] = {
    {"add-dp", "DP [IFACE...]", "add new datapath DP (with IFACEs)", 1, INT_MAX},
    {"del-dp", "DP", "delete local datapath DP", 1, 1},
    {"add-if", "DP IFACE...", "add each IFACE as a port on DP", 2, INT_MAX},
    {"set-if", "DP IFACE...", "reconfigure each IFACE within DP", 2, INT_MAX},
    {"del-if", "DP IFACE...", "delete each IFACE from DP", 2, INT_MAX},
    {"dump-dps", "", "display names of all datapaths", 0, 0},
    {"show", "[DP...]", "show basic info on all datapaths or each DP", 0, INT_MAX},
    {"dump-flows", "[DP] [FILTER]", "display flows in DP", 0, 6},
    {"add-flow", "[DP] FLOW ACTIONS", "add FLOW with ACTIONS to DP", 2, 3},
    {"add-flows", "[DP] FILE", "add flows from FILE", 1, 2},
    {"mod-flow", "[DP] FLOW ACTIONS", "change FLOW actions to ACTIONS in DP", 2, 3},
    {"mod-flows", "[DP] FILE", "change flows from FILE", 1, 2},
    {"get-flow", "[DP] ufid:UFID", "fetch flow corresponding to UFID", 1, 2},
    {"del-flow", "[DP] FLOW", "delete FLOW from DP", 1, 2},
    {"del-flows", "[DP] [FILE]", "delete all or specified flows from DP", 0, 2},
    {"cache-get-size", "[DP]", "show the current size of all caches", 0, 1},
    {"cache-set-size", "DP CACHE SIZE", "set the size of a cache", 3, 3},
    {"dump-conntrack", "[DP] [zone=ZONE]", "display conntrack entries for ZONE", 0, 2},
    {"flush-conntrack", "[DP] [zone=ZONE] [CT-TUPLE]", "delete matched conntrack entries in ZONE", 0, 3},
    {"ct-stats-show", "[DP] [zone=ZONE] [verbose]", "connections grouped by protocol", 0, 3},
    {"ct-bkts", "[DP] [gt=N]", "connections per conntrack bucket", 0, 2},
    {"ct-set-maxconns", "[DP] MAXCONNS", "set the limit of connections", 1, 2},
    {"ct-get-maxconns", "[DP]", "show the limit of connections", 0, 1},
    {"ct-get-nconns", "[DP]", "show the number of connections", 0, 1},
    {"ct-enable-tcp-seq-chk", "[DP]", "enable checks of TCP sequence numbers", 0, 1},
    {"ct-disable-tcp-seq-chk", "[DP]", "disable checks of TCP sequence numbers", 0, 1},
    {"ct-get-tcp-seq-chk", "[DP]", "show whether TCP sequence numbers are checked", 0, 1},
    {"ct-set-limits", "[DP] [default=L] [zone=N,limit=L]...", "limit connections per zone", 1, INT_MAX},
    {"ct-del-limits", "[DP] zone=N[,N...]", "remove limits of zones", 1, 2},
    {"ct-get-limits", "[DP] [zone=N[,N...]]", "show limits of zones", 0, 2},
    {"list-commands", "", "list the commands, one a line", 0, 0},
};

std::string usage() {
  std::string out = fmt::format("{0}: Open vSwitch datapath management utility\nusage: {0} [OPTIONS] COMMAND [ARG...]\n", program_name());
  for (const Command& c : kCommands) out += fmt::format("  {:<46} {}\n", fmt::format("{} {}", c.name, c.usage), c.help);
  return out +
         "\nThe commands are answered by the running switch daemon.\n"
         "\nOptions for show and mod-flow:\n"
         "  -s, --statistics           print statistics for port or flow\n"
         "Options for dump-flows:\n"
         "  -m, --more                 increase verbosity of output\n"
         "  --names, --no-names        use port names, or numbers, in output\n"
         "Options for mod-flow:\n"
         "  --may-create               create flow if it doesn't exist\n"
         "  --read-only                do not run read/write commands\n"
         "  --clear                    reset existing stats to zero\n"
         "Other options:\n"
         "  -T, --target=TARGET        pidfile name or control socket of the daemon (default: ovs-vswitchd)\n"
         "  -t, --timeout=SECS         give up after SECS seconds\n"
         "  -vSPEC, --verbose=SPEC, --log-file[=FILE], --syslog-target=HOST:PORT\n"
         "  -h, --help                 display this help message\n"
         "  -V, --version              display version information\n";
}

struct Arguments {
  std::string target = "ovs-vswitchd";
  std::vector<std::string> flags;  // as the daemon takes them
  std::vector<std::string> words;
};

Arguments parse_arguments(int argc, char** argv, const Directories& directories) {
  Arguments a;
  Options options;
  options.stop_at_first_word();
  auto pass = [&](const char* name, char letter) {
    options.add(name, letter, Options::kNone, [&a, name](const char*) { a.flags.push_back(fmt::format("--{}", name)); });
  };
  pass("statistics", 's');
  pass("more", 'm');
  pass("names", 0);
  pass("no-names", 0);
  pass("may-create", 0);
  pass("read-only", 0);
  pass("clear", 0);
  options.add("target", 'T', Options::kRequired, [&](const char* arg) { a.target = arg; });
  options.add("timeout", 't', Options::kRequired, [](const char* arg) { limit_run_time(arg, "-t or --timeout"); });
  add_log_options(options, directories.log);
  options.add_standard(usage);
  a.words = options.parse(argc, argv);
  return a;
}

void check_command(const Arguments& a) {
  if (a.words.empty()) fatal("missing command name; use --help for help");
  const Command* command = nullptr;
  for (const Command& c : kCommands)
    if (c.name == a.words[0]) command = &c;
  if (!command) fatal("unknown command '{}'; use --help for help", a.words[0]);
  int n = static_cast<int>(a.words.size()) - 1;
  if (n < command->min_args) fatal("'{}' command requires at least {} arguments", command->name, command->min_args);
  if (n > command->max_args) fatal("'{}' command takes at most {} arguments", command->name, command->max_args);
}

int run(int argc, char** argv) {
  log_init_tool();
  Directories directories = Directories::from_environment();
  Arguments a = parse_arguments(argc, argv, directories);
  check_command(a);
  if (a.words[0] == "list-commands") {
    for (const Command& c : kCommands) print(fmt::format("  {:<22} {}\n", c.name, c.usage));
    return 0;
  }
  auto path = unixctl_target_path(a.target, directories.run);
  if (!path) fatal("no running switch daemon, and the datapaths are in it: {}", path.error());
  std::vector<std::string> args = a.flags;
  args.insert(args.end(), a.words.begin() + 1, a.words.end());
  auto answer = unixctl_call(*path, "dpctl/" + a.words[0], args);
  if (!answer) fatal("{}", answer.error());
  if (answer->is_error) {
    while (answer->text.ends_with('\n')) answer->text.pop_back();
    fatal("{}", answer->text);
  }
  if (!answer->text.empty() && answer->text.back() != '\n') answer->text += '\n';
  print(answer->text);
  return 0;
}

}  // namespace
}  // namespace sluice

int main(int argc, char** argv) { return sluice::run(argc, argv); }
