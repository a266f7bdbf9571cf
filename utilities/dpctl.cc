// SPDX-License-Identifier: Apache-2.0
// sluice-dpctl (ovs-dpctl): the dpctl commands on the datapaths of openvswitch.ko, without a daemon.  Datapaths of a daemon are reached by
// `ovs-appctl dpctl/COMMAND`, which is the same code (datapath/kernel/dpctl/).  Exit status: 0 or 1.
#include <climits>

#include "datapath/kernel/dpctl/command.h"
#include "datapath/kernel/dpctl/kernel_datapath.h"
#include "lib/clock.h"
#include "lib/directories.h"
#include "lib/log.h"
#include "lib/options.h"
#include "lib/program.h"
#include "ofproto/openflow/flow_text.h"

namespace sluice {
namespace {

Log log_dpif("dpif"), log_netlink("dpif_netlink");

std::string usage() {
  return fmt::format(
      "{0}: Open vSwitch datapath management utility\n"
      "usage: {0} [OPTIONS] COMMAND [ARG...]\n"
      "  add-dp DP [IFACE...]     add new datapath DP (with IFACEs)\n"
      "  del-dp DP                delete local datapath DP\n"
      "  add-if DP IFACE...       add each IFACE as a port on DP\n"
      "  set-if DP IFACE...       reconfigure each IFACE within DP\n"
      "  del-if DP IFACE...       delete each IFACE from DP\n"
      "  dump-dps                 display names of all datapaths\n"
      "  show                     show basic info on all datapaths\n"
      "  show DP...               show basic info on each DP\n"
      "  dump-flows [DP]          display flows in DP\n"
      "  add-flow [DP] FLOW ACTIONS add FLOW with ACTIONS to DP\n"
      "  add-flows [DP] FILE        add flows from FILE\n"
      "  mod-flow [DP] FLOW ACTIONS change FLOW actions to ACTIONS in DP\n"
      "  mod-flows [DP] FILE        change flows from FILE\n"
      "  get-flow [DP] ufid:UFID    fetch flow corresponding to UFID\n"
      "  del-flow [DP] FLOW         delete FLOW from DP\n"
      "  del-flows [DP] [FILE]      delete all or specified flows from DP\n"
      "  cache-get-size [DP]             Show the current size for all caches\n"
      "  cache-set-size DP CACHE SIZE  Set cache size for a specific cache\n"
      "  dump-conntrack [DP] [zone=ZONE]  display conntrack entries for ZONE\n"
      "  flush-conntrack [DP] [zone=ZONE] [ct-tuple] delete matched conntrack entries in ZONE\n"
      "  ct-stats-show [DP] [zone=ZONE] [verbose] CT connections grouped by protocol\n"
      "  ct-bkts [DP] [gt=N] display connections per CT bucket\n"
      "Each IFACE on add-dp, add-if, and set-if may be followed by\n"
      "comma-separated options, such as type=TYPE and port_no=NUMBER.\n"
      "For COMMAND dump-flows, add-flow, add-flows, mod-flow,\n"
      "mod-flows, del-flow and del-flows, DP is optional if there is\n"
      "only one datapath.  list-commands shows the other commands.\n"
      "\nLogging options:\n"
      "  -vSPEC, --verbose=SPEC   set logging levels\n"
      "  -v, --verbose            set maximum verbosity level\n"
      "  --log-file[=FILE]        enable logging to specified FILE\n"
      "  --syslog-target=HOST:PORT  also send syslog msgs to HOST:PORT via UDP\n"
      "\nOptions for show and mod-flow:\n"
      "  -s,  --statistics           print statistics for port or flow\n"
      "\nOptions for dump-flows:\n"
      "  -m, --more                  increase verbosity of output\n"
      "  --names                     use port names in output\n"
      "\nOptions for mod-flow:\n"
      "  --may-create                create flow if it doesn't exist\n"
      "  --read-only                 do not run read/write commands\n"
      "  --clear                     reset existing stats to zero\n"
      "\nOther options:\n"
      "  -t, --timeout=SECS          give up after SECS seconds\n"
      "  -h, --help                  display this help message\n"
      "  -V, --version               display version information\n",
      program_name());
}

/// The words after the options.
std::vector<std::string> parse_arguments(int argc, char** argv, DpctlOptions& o) {
  Options options;
  auto flag = [&](const char* name, char letter, bool& to) { options.add(name, letter, Options::kNone, [&to](const char*) { to = true; }); };
  flag("statistics", 's', o.statistics);
  flag("more", 'm', o.more);
  flag("may-create", 0, o.may_create);
  flag("read-only", 0, o.read_only);
  flag("clear", 0, o.clear);
  options.add("names", 0, Options::kNone, [&](const char*) { o.names = true; });
  options.add("no-names", 0, Options::kNone, [&](const char*) { o.names = false; });
  options.add("timeout", 't', Options::kRequired, [](const char* arg) { limit_run_time(arg, "-t or --timeout"); });
  add_log_options(options, Directories::from_environment().log);
  options.add_standard(usage);
  say_which_signal_ends();
  return options.parse(argc, argv);
}

const DpctlCommand& check_command(const std::vector<std::string>& words, const DpctlOptions& options) {
  if (words.empty()) fatal("missing command name; use --help for help");
  const DpctlCommand* command = find_dpctl_command(words[0]);
  if (!command) fatal("unknown command '{}'; use --help for help", words[0]);
  int n = static_cast<int>(words.size()) - 1;
  if (n < command->min_args) fatal("'{}' command requires at least {} arguments", command->name, command->min_args);
  if (n > command->max_args) fatal("'{}' command takes at most {} arguments", command->name, command->max_args);
  if (options.read_only && command->changes) fatal("'{}' command does not work in read only mode", command->name);
  return *command;
}

int run(int argc, char** argv) {
  log_init_tool();
  DpctlOptions options{.names = {}};
  auto words = parse_arguments(argc, argv, options);
  const DpctlCommand& command = check_command(words, options);
  if (!command.run) {
    print(usage());
    return 0;
  }
  KernelDpctlSource kernel;
  if (kernel.error() == ENOENT) log_netlink.info("Generic Netlink family 'ovs_datapath' does not exist. The Open vSwitch kernel module is probably not loaded.");
  else if (kernel.error()) log_dpif.warn("failed to enumerate system datapaths: {}", errno_text(kernel.error()));
  Clock clock;
  DpctlRun one(kernel, options, clock.now(), ofp::parse_packet_filter, [](std::string_view text, bool is_error) {
    if (is_error) fwrite(text.data(), 1, text.size(), stderr);
    else print(text);
  });
  int error = command.run(one, std::span(words).subspan(1));
  if (!error && kernel.error() && (words[0] == "show" || words[0] == "dump-dps")) error = kernel.error();
  return error ? 1 : 0;
}

}  // namespace
}  // namespace sluice

int main(int argc, char** argv) { return sluice::run(argc, argv); }
