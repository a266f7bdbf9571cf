// SPDX-License-Identifier: Apache-2.0
// See date.h.
#include "lib/date.h"

#include <fmt/core.h>
#include <time.h>

namespace sluice {

std::string format_date(int64_t wall_ms, bool utc, std::string_view format) {
  std::string f(format);
  std::string ms = fmt::format("{:03}", wall_ms % 1000);
  for (size_t i = 0, digit = 0; i < f.size(); i++)
    if (f[i] == '#') f[i] = digit < ms.size() ? ms[digit++] : '0';
  time_t seconds = wall_ms / 1000;
  tm parts;
  utc ? gmtime_r(&seconds, &parts) : localtime_r(&seconds, &parts);
  char out[256];
  return std::string(out, strftime(out, sizeof out, f.c_str(), &parts));
}

}  // namespace sluice
