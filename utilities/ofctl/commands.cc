// SPDX-License-Identifier: Apache-2.0
// The command tables together: look-up, number of arguments, --help, list-commands.
#include <algorithm>

#include "lib/program.h"
#include "utilities/ofctl/ofctl.h"

namespace sluice::ofctl {
namespace {

std::vector<std::span<const Command>> all_tables() {
  return {switch_commands(), flow_commands(), group_commands(), extension_commands(), monitor_commands(), test_commands()};
}

std::string help_line(const Command& c) {
  std::string usage(c.usage);
  std::ranges::transform(usage, usage.begin(), [](unsigned char x) { return static_cast<char>(std::toupper(x)); });
  std::string left = fmt::format("  {} {}", c.name, usage);
  constexpr size_t kColumn = 30;
  if (left.size() + 2 > kColumn) return fmt::format("{}\n{:{}}{}\n", left, "", kColumn, c.help);
  return fmt::format("{:{}}{}\n", left, kColumn, c.help);
}

void list_commands(const Settings&, Words) {
  print("The available commands are:\n");
  for (auto table : all_tables())
    for (const Command& c : table) print(fmt::format("  {:<22}  {}\n", c.name, c.usage));
}

void help_command(const Settings&, Words) { print(help_text()); }

constexpr Command kOwn[] = {
    {"help", "", 0, kAnyNumber, kReads, help_command, ""},
    {"list-commands", "", 0, kAnyNumber, kReads, list_commands, ""},
};

const Command* find(std::string_view name) {
  for (auto table : all_tables())
    for (const Command& c : table)
      if (c.name == name) return &c;
  for (const Command& c : kOwn)
    if (c.name == name) return &c;
  return nullptr;
}

}  // namespace

std::string help_text() {
  std::string out = fmt::format("{0}: OpenFlow switch management utility\nusage: {0} [OPTIONS] COMMAND [ARG...]\n\nCommands (SWITCH is a bridge or a connection method):\n",
                                program_name());
  for (auto table : all_tables())
    for (const Command& c : table)
      if (!c.help.empty()) out += help_line(c);
  out += R"(
Active OpenFlow connection methods:
  tcp:HOST[:PORT]         PORT (default: 6653) at remote HOST
  ssl:HOST[:PORT]         SSL PORT (default: 6653) at remote HOST
  unix:FILE               Unix domain socket named FILE
PKI configuration (required to use SSL):
  -p, --private-key=FILE  file with private key
  -c, --certificate=FILE  file with certificate for private key
  -C, --ca-cert=FILE      file with peer CA certificate

Daemon options (monitor, snoop):
  --detach --no-chdir --pidfile[=FILE] --overwrite-pidfile --monitor --user=USER[:GROUP]

OpenFlow version options:
  -O, --protocols         set allowed OpenFlow versions
                          (default: OpenFlow10, OpenFlow11, OpenFlow12, OpenFlow13, OpenFlow14, OpenFlow15)

Other options:
  --strict                    use strict match for flow commands
  --read-only                 do not execute read/write commands
  --readd                     replace flows that haven't changed
  --bundle                    execute flow changes as one bundle: all or none
  --may-create                mod-group: add the group if it is not there
  --compat=ovs                read flows as leniently as Open vSwitch does
  -F, --flow-format=FORMAT    force particular flow format
  -P, --packet-in-format=FRMT force particular packet in format
  -m, --more                  be more verbose printing OpenFlow
  --timestamp                 (monitor, snoop) print timestamps
  -t, --timeout=SECS          give up after SECS seconds
  --sort[=field]              sort in ascending order
  --rsort[=field]             sort in descending order
  --names                     show port names instead of numbers
  --no-names                  show port numbers, but not names
  --no-stats                  dump-flows: without counters and times
  --unixctl=SOCKET            set control socket name
  --color[=always|never|auto] control use of color in output
  -vSPEC, --verbose[=SPEC], --log-file[=FILE], --syslog-method, --syslog-target
  -h, --help                  display this help message
  -V, --version               display version information
)";
  return out;
}

void run_command(const Settings& settings, Words words) {
  if (words.empty()) fatal("missing command name; use --help for help");
  const Command* c = find(words[0]);
  if (!c) fatal("unknown command '{}'; use --help for help", words[0]);
  if (settings.read_only && c->access == kWrites) fatal("'{}' command does not work in read only mode", c->name);
  int n = static_cast<int>(words.size()) - 1;
  if (n < c->min_args) fatal("'{}' command requires at least {} arguments", c->name, c->min_args);
  if (n > c->max_args) fatal("'{}' command takes at most {} arguments", c->name, c->max_args);
  c->run(settings, words.subspan(1));
}

}  // namespace sluice::ofctl
