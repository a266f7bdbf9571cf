// SPDX-License-Identifier: Apache-2.0
// A log line by a pattern of vlog (spec/unixctl.md): %A program, %c module, %p level, %m message, %N number, %D{strftime with ### for
// milliseconds} UTC, %d local, %P pid, %r ms since start, %t and %T thread, %E host, %B syslog priority, %n newline, %%; a width may precede the letter.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice {

struct LogLine {
  std::string_view module, level, message, thread;
  unsigned number = 0;
  int priority = 0;  // of syslog: facility and severity
  int64_t wall_ms = 0, started_ms = 0;
};

std::string format_log_line(std::string_view pattern, const LogLine& line);

}  // namespace sluice
