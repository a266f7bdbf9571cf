// SPDX-License-Identifier: Apache-2.0
// The commands of vsctl: what each takes, and how command lines become a list of them.
// Every command is one row of a table (CommandSpec); parsing, --commands and run() read those rows.
#pragma once

#include <climits>
#include <expected>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dbserver/ovsdb/table_text.h"
#include "dbserver/ovsdb/value_json.h"
#include "utilities/vsctl/view.h"

namespace sluice::vsctl {

struct Context;

struct CommandSpec {
  std::string_view name;
  int min_args, max_args;      // max kAny: any number
  std::string_view arguments;  // as --commands prints them
  std::string_view options;    // "--if-exists,--id=": a '=' wants a value
  void (*run)(Context&);
};
inline constexpr int kAny = INT_MAX;

struct Command {
  const CommandSpec* spec = nullptr;
  std::map<std::string, std::string, std::less<>> options;  // "--id" -> value
  std::vector<std::string> args;                            // without the command's name
  bool has(std::string_view option) const { return options.contains(option); }
};

/// What one command has to say.
struct Output {
  std::string text;
  std::optional<ovsdb::TextTable> table;  // printed instead of the text
  std::optional<RowId> created;           // its real uuid is printed after the commit
};

/// All that a command can use.
struct Context {
  View& view;
  const Command& command;
  ovsdb::SymbolTable& symbols;             // "@x" names that --id gives to rows
  Output& output;
  std::vector<std::string>& warnings;      // "vsctl|WARN|..." without its time
  std::vector<RowId>& new_interfaces;      // whose set-up is checked afterwards
  bool& try_again;                         // set: the condition that it waits for does not hold yet
  std::set<std::string>& waits_for;        // tables whose change may help
  bool alone;                              // there is no other command

  const std::string& arg(size_t i) const { return command.args[i]; }
  size_t arg_count() const { return command.args.size(); }
  void print(std::string_view s) { output.text += s; }
  void print_line(std::string_view s) {
    output.text += s;
    output.text += '\n';
  }
  /// Prints them in order, one a line.
  void print_sorted(std::vector<std::string> lines);
};

/// The tables of commands, by subject.
std::span<const CommandSpec> general_commands();
std::span<const CommandSpec> bridge_commands();
std::span<const CommandSpec> port_commands();
std::span<const CommandSpec> controller_commands();
std::span<const CommandSpec> datapath_commands();
std::span<const CommandSpec> database_commands();
std::vector<const CommandSpec*> all_commands();

/// "if-exists" -> whether it takes a value: all options that some command has.
std::map<std::string, bool> all_command_options();
/// words: commands separated by "--", each with its options in front.  first_options: what the program's own option parser has taken for the
/// first command.  The error is what the user sees.
std::expected<std::vector<Command>, std::string> parse_commands(std::span<const std::string> words, const std::vector<std::pair<std::string, std::optional<std::string>>>& first_options);
/// What --commands prints.
std::string list_commands();

}  // namespace sluice::vsctl
