// SPDX-License-Identifier: Apache-2.0
// See program.h.
#include "lib/program.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace sluice {

std::string_view sluice_version() { return "0.1.0"; }

std::string_view program_name() { return program_invocation_short_name; }

std::string version_text(std::string_view extra) {
  return fmt::format("{} (Open vSwitch) {}\nSluice {}\n{}", program_name(), kCompatVersion, sluice_version(), extra);
}

std::string schema_version_line() { return fmt::format("DB Schema {}\n", kSchemaVersion); }

void fatal_exit(int status, std::string_view message) {
  fflush(stdout);
  std::string line = fmt::format("{}: {}\n", program_name(), message);
  fwrite(line.data(), 1, line.size(), stderr);
  exit(status);
}

void print(std::string_view text) {
  if (fwrite(text.data(), 1, text.size(), stdout) != text.size()) exit(errno == EPIPE ? 0 : 1);
}

std::string errno_text(int error) {
  if (error == kEofError) return "End of file";
  char buffer[128];
  return strerror_r(error, buffer, sizeof buffer);
}

}  // namespace sluice
