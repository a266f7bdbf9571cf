// SPDX-License-Identifier: Apache-2.0
// See log_pattern.h.
#include "lib/log_pattern.h"

#include <fmt/core.h>
#include <unistd.h>

#include "lib/date.h"
#include "lib/program.h"

namespace sluice {
namespace {

/// "{...}" after the letter; `fallback` if there is none.
std::string_view take_braces(std::string_view& rest, std::string_view fallback) {
  if (!rest.starts_with('{')) return fallback;
  size_t end = rest.find('}');
  if (end == std::string_view::npos) end = rest.size();
  std::string_view inside = rest.substr(1, end - 1);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return inside;
}

std::string host_name() {
  char name[256] = "";
  gethostname(name, sizeof name - 1);
  return name;
}

std::string expand(char letter, std::string_view& rest, const LogLine& line) {
  switch (letter) {
    case 'A': return std::string(program_name());
    case 'B': return fmt::format("{}", line.priority);
    case 'c': take_braces(rest, ""); return std::string(line.module);
    case 'd': return format_date(line.wall_ms, false, take_braces(rest, kDateFormat));
    case 'D': return format_date(line.wall_ms, true, take_braces(rest, kDateFormat));
    case 'E': return host_name();
    case 'm': return std::string(line.message);
    case 'N': return fmt::format("{}", line.number);
    case 'n': return "\n";
    case 'p': return std::string(line.level);
    case 'P': return fmt::format("{}", getpid());
    case 'r': return fmt::format("{}", line.wall_ms - line.started_ms);
    case 't': return line.thread.empty() ? "main" : std::string(line.thread);
    case 'T': return std::string(line.thread);
    default: return std::string(1, letter);
  }
}

}  // namespace

std::string format_log_line(std::string_view pattern, const LogLine& line) {
  std::string out;
  while (!pattern.empty()) {
    size_t percent = pattern.find('%');
    out += pattern.substr(0, percent);
    if (percent == std::string_view::npos || percent + 1 >= pattern.size()) break;
    pattern.remove_prefix(percent + 1);
    bool left = false, zero = false;
    size_t width = 0;
    for (; pattern.size() > 1 && (pattern[0] == '-' || isdigit(pattern[0])); pattern.remove_prefix(1)) {
      if (pattern[0] == '-') left = true;
      else if (pattern[0] == '0' && width == 0) zero = true;
      else width = std::min<size_t>(width * 10 + static_cast<size_t>(pattern[0] - '0'), 256);
    }
    char letter = pattern[0];
    pattern.remove_prefix(1);
    std::string text = expand(letter, pattern, line);
    size_t fill = width > text.size() ? width - text.size() : 0;
    out += left ? text + std::string(fill, ' ') : std::string(fill, zero ? '0' : ' ') + text;
  }
  return out;
}

}  // namespace sluice
