// SPDX-License-Identifier: Apache-2.0
// Who this program is: the name it was called by, the versions it reports, and the ways in which a tool ends with an error.
#pragma once

#include <fmt/core.h>

#include <string>
#include <string_view>

namespace sluice {

/// The release of Open vSwitch that we are compatible with: what tools parse from --version and ovs_version.
inline constexpr std::string_view kCompatVersion = "3.1.0";
inline constexpr std::string_view kSchemaVersion = "8.8.0";

/// Sluice's own version.
std::string_view sluice_version();
/// The last part of argv[0]: "ovs-vsctl" if called by that link, else "sluice-vsctl".  Valid from the start of main().
std::string_view program_name();
/// What --version prints: "NAME (Open vSwitch) 3.1.0", a line with Sluice's own version, then `extra` (whole lines), each with its newline.
std::string version_text(std::string_view extra = {});
/// "DB Schema 8.8.0\n": the extra line of the tools that know the schema.
std::string schema_version_line();

/// Prints "PROGRAM: MESSAGE\n" to stderr and exits with `status`.
[[noreturn]] void fatal_exit(int status, std::string_view message);
template <typename... Args>
[[noreturn]] void fatal(fmt::format_string<Args...> format, Args&&... args) {
  fatal_exit(1, fmt::format(format, std::forward<Args>(args)...));
}
/// Writes all of the text to stdout; a closed pipe ends the program quietly.
void print(std::string_view text);

/// For tools: before a signal that asks programs to end ends this one, a line on stderr says so, as the peer's log does.
void say_which_signal_ends();
/// For tools: the argument of --timeout=SECS.  From then on the program dies of SIGALRM after so many seconds, and says so.  What is no
/// positive number is fatal; `name` is how the option is called in the message ("-T or --timeout").
void limit_run_time(const char* seconds, std::string_view name);

/// strerror without its locks: "No such file or directory"; for EOF (-1) "End of file".
std::string errno_text(int error);
inline constexpr int kEofError = -1;

}  // namespace sluice
