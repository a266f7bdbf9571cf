// SPDX-License-Identifier: Apache-2.0
// sluice: what is new and has no counterpart among Open vSwitch's tools.  One row a command.
#include <fmt/core.h>

#include <string_view>

#include "lib/log.h"
#include "lib/program.h"
#include "utilities/sluice/test_command.h"

namespace sluice {
namespace {

struct Command {
  std::string_view name, summary;
  int (*run)(int argc, char** argv);  // argv[0] is the command's name
};
constexpr Command kCommands[] = {
    {"test", "replay scenarios of configuration, packets and virtual time; for CI", cli::test_command},
};

std::string help() {
  std::string out = fmt::format("{0}: tools for the Sluice software switch\nusage: {0} COMMAND [ARG...]\n\nCommands (\"{0} COMMAND --help\" tells more):\n", program_name());
  for (const Command& c : kCommands) out += fmt::format("  {:<10}  {}\n", c.name, c.summary);
  return out + "\nOptions:\n  -h, --help     display this help message\n  -V, --version  display version information\n";
}

int run(int argc, char** argv) {
  log_init_tool();
  std::string_view word = argc > 1 ? argv[1] : "";
  if (word == "--help" || word == "-h" || word == "help") {
    print(help());
    return 0;
  }
  if (word == "--version" || word == "-V") {
    print(version_text());
    return 0;
  }
  for (const Command& c : kCommands)
    if (c.name == word) return c.run(argc - 1, argv + 1);
  if (word.empty()) fatal_exit(2, "missing command name; use --help for help");
  fatal_exit(2, fmt::format("unknown command '{}'; use --help for help", word));
}

}  // namespace
}  // namespace sluice

int main(int argc, char** argv) { return sluice::run(argc, argv); }
