// SPDX-License-Identifier: Apache-2.0
// sluice-appctl (ovs-appctl): one command to the control socket of a running daemon, its answer to stdout.
// Exit status: 0 answered; 1 no answer could be had; 2 the daemon answered with an error.
#include <optional>

#include "lib/directories.h"
#include "lib/log.h"
#include "lib/options.h"
#include "lib/program.h"
#include "lib/unixctl.h"

namespace sluice {
namespace {

constexpr int kStatusServerError = 2;

struct Arguments {
  std::optional<std::string> target;
  bool json = false, pretty = false;
  std::vector<std::string> words;  // command and its arguments
};

std::string usage() {
  return fmt::format(
      "{0}, for querying and controlling Open vSwitch daemon\n"
      "usage: {0} [TARGET] COMMAND [ARG...]\n"
      "Targets:\n"
      "  -t, --target=TARGET  pidfile or socket to contact\n"
      "Common commands:\n"
      "  list-commands      List commands supported by the target\n"
      "  version            Print version of the target\n"
      "  vlog/list          List current logging levels\n"
      "  vlog/list-pattern  List logging patterns for each destination.\n"
      "  vlog/set [SPEC]    Set log levels by SPEC: any of a module's name, a destination\n"
      "                     ('syslog', 'console', 'file') and a level ('off', 'emer',\n"
      "                     'err', 'warn', 'info', 'dbg'; default: 'dbg')\n"
      "  vlog/reopen        Make the program reopen its log file\n"
      "Other options:\n"
      "  -T, --timeout=SECS wait at most SECS seconds for a response\n"
      "  -f, --format=FMT   output format: 'text' (default) or 'json'\n"
      "      --pretty       with --format=json: indented\n"
      "  -vSPEC, --verbose=SPEC, --log-file[=FILE], --syslog-target=HOST:PORT\n"
      "  -h, --help         Print this helpful information\n"
      "  -V, --version      Display {0} version information\n",
      program_name());
}

Arguments parse_arguments(int argc, char** argv, const Directories& directories) {
  Arguments a;
  Options options;
  options.stop_at_first_word();
  options.add("target", 't', Options::kRequired, [&](const char* arg) {
    if (a.target) fatal("-t or --target may be specified only once");
    a.target = arg;
  });
  options.add("execute", 'e', Options::kNone, [](const char*) {});  // of old: a command is executed in any case
  options.add("timeout", 'T', Options::kRequired, [](const char* arg) { limit_run_time(arg, "-T or --timeout"); });
  options.add("format", 'f', Options::kRequired, [&](const char* arg) {
    std::string_view format = arg;
    if (format != "text" && format != "json") fatal("value {} on -f or --format is invalid", arg);
    a.json = format == "json";
  });
  options.add("pretty", 0, Options::kNone, [&](const char*) { a.pretty = true; });
  add_log_options(options, directories.log);
  options.add_standard(usage);
  say_which_signal_ends();
  a.words = options.parse(argc, argv);
  if (a.words.empty()) fatal("at least one non-option argument is required (use --help for help)");
  if (a.pretty && !a.json) fatal("--pretty is supported with --format json only");
  return a;
}

std::string with_newline(std::string text) {
  if (!text.empty() && text.back() != '\n') text += '\n';
  return text;
}

int run(int argc, char** argv) {
  log_init_tool();
  Directories directories = Directories::from_environment();
  Arguments a = parse_arguments(argc, argv, directories);
  std::string target = a.target.value_or("ovs-vswitchd");
  auto path = unixctl_target_path(target, directories.run);
  if (!path) fatal("{}", path.error());
  auto answer = unixctl_call(*path, a.words[0], UnixctlArgs(a.words).subspan(1), a.json, a.pretty);
  if (!answer) fatal("{}", answer.error());
  if (!answer->is_error) {
    print(with_newline(std::move(answer->text)));
    return 0;
  }
  fmt::print(stderr, "{}{}: {}: server returned an error\n", with_newline(std::move(answer->text)), program_name(), target);
  return kStatusServerError;
}

}  // namespace
}  // namespace sluice

int main(int argc, char** argv) { return sluice::run(argc, argv); }
