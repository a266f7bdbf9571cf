// SPDX-License-Identifier: Apache-2.0
// Command lines.
#include "utilities/vsctl/command.h"

#include <fmt/core.h>

#include <algorithm>

namespace sluice::vsctl {
namespace {

using GivenOption = std::pair<std::string, std::optional<std::string>>;
using Error = std::unexpected<std::string>;

/// The options of a command: name with dashes -> takes a value.
std::map<std::string, bool, std::less<>> options_of(const CommandSpec& spec) {
  std::map<std::string, bool, std::less<>> out;
  std::string_view rest = spec.options;
  while (!rest.empty()) {
    size_t comma = rest.find(',');
    std::string_view option = rest.substr(0, comma);
    bool value = option.ends_with('=');
    if (value) option.remove_suffix(1);
    out.emplace(option, value);
    rest = comma == rest.npos ? std::string_view() : rest.substr(comma + 1);
  }
  return out;
}

std::optional<std::string> take_options(Command& command, const std::vector<GivenOption>& given) {
  auto allowed = options_of(*command.spec);
  std::string_view name = command.spec->name;
  for (const auto& [option, value] : given) {
    auto it = allowed.find(option);
    if (it == allowed.end()) return fmt::format("'{}' command has no '{}' option", name, option);
    if (it->second && !value) return fmt::format("missing argument to '{}' option on '{}' command", option, name);
    if (!it->second && value) return fmt::format("'{}' option on '{}' does not accept an argument", option, name);
    if (!command.options.emplace(option, value.value_or("")).second)
      return fmt::format("'{}{}' option specified multiple times", option, value ? "=" + *value : "");
  }
  return std::nullopt;
}

std::expected<Command, std::string> parse_command(std::span<const std::string> words, std::vector<GivenOption> given) {
  size_t i = 0;
  for (; i < words.size() && words[i].starts_with('-'); i++) {
    size_t equals = words[i].find('=');
    std::string name = words[i].substr(0, equals);
    given.emplace_back(name, equals == std::string::npos ? std::nullopt : std::optional(words[i].substr(equals + 1)));
  }
  if (i == words.size()) return Error("missing command name (use --help for help)");
  const std::string& name = words[i++];
  Command command;
  for (const CommandSpec* spec : all_commands())
    if (spec->name == name) command.spec = spec;
  if (!command.spec) return Error(fmt::format("unknown command '{}'; use --help for help", name));
  if (auto error = take_options(command, given)) return Error(*error);
  command.args.assign(words.begin() + static_cast<ptrdiff_t>(i), words.end());
  int n = static_cast<int>(command.args.size());
  if (n < command.spec->min_args) return Error(fmt::format("'{}' command requires at least {} arguments", name, command.spec->min_args));
  if (n > command.spec->max_args) return Error(fmt::format("'{}' command takes at most {} arguments", name, command.spec->max_args));
  return command;
}

}  // namespace

void Context::print_sorted(std::vector<std::string> lines) {
  std::sort(lines.begin(), lines.end());
  for (const std::string& s : lines) print_line(s);
}

std::vector<const CommandSpec*> all_commands() {
  std::vector<const CommandSpec*> out;
  for (auto table : {general_commands(), bridge_commands(), port_commands(), controller_commands(), datapath_commands(), database_commands()})
    for (const CommandSpec& spec : table) out.push_back(&spec);
  return out;
}

std::map<std::string, bool> all_command_options() {
  std::map<std::string, bool> out;
  for (const CommandSpec* spec : all_commands())
    for (const auto& [name, value] : options_of(*spec)) out.emplace(name.substr(2), value);
  return out;
}

std::expected<std::vector<Command>, std::string> parse_commands(std::span<const std::string> words, const std::vector<GivenOption>& first_options) {
  std::vector<Command> out;
  std::vector<GivenOption> given = first_options;
  for (size_t i = 0; i <= words.size();) {
    size_t end = static_cast<size_t>(std::find(words.begin() + static_cast<ptrdiff_t>(i), words.end(), "--") - words.begin());
    if (end > i || (end == words.size() && out.empty())) {
      auto command = parse_command(words.subspan(i, end - i), std::exchange(given, {}));
      if (!command) return Error(command.error());
      out.push_back(std::move(*command));
    }
    i = end + 1;
  }
  return out;
}

std::string list_commands() {
  std::string out;
  for (const CommandSpec* spec : all_commands()) {
    for (const auto& [name, value] : options_of(*spec)) out += fmt::format("[{}{}] ", name, value ? "=" : "");
    out += fmt::format(",{},{}\n", spec->name, spec->arguments);
  }
  return out;
}

}  // namespace sluice::vsctl
