// SPDX-License-Identifier: Apache-2.0
// Patterns of log lines; expected texts are the peer's, observed.
#include "lib/log_pattern.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace sluice {
namespace {

const LogLine kLine{.module = "bridge", .level = "WARN", .message = "port eth0 is gone", .thread = "(handler1)", .number = 42, .priority = 132,
                    .wall_ms = 1'700'000'000'123, .started_ms = 1'700'000'000'000};

std::string shown(std::string_view pattern) { return format_log_line(pattern, kLine); }

TEST(LogPattern, DefaultOfFiles) {
  EXPECT_EQ(shown("%D{%Y-%m-%dT%H:%M:%S.###Z}|%05N|%c%T|%p|%m"), "2023-11-14T22:13:20.123Z|00042|bridge(handler1)|WARN|port eth0 is gone");
}

TEST(LogPattern, Words) {
  EXPECT_EQ(shown("%c %p %N"), "bridge WARN 42");
  EXPECT_EQ(shown("%P"), std::to_string(getpid()));
  EXPECT_EQ(shown("%r"), "123");
  EXPECT_EQ(shown("%B"), "132");
  EXPECT_EQ(shown("a%nb"), "a\nb");
  EXPECT_EQ(shown("100%%"), "100%");
  EXPECT_EQ(format_log_line("%t%T", {}), "main");
}

TEST(LogPattern, Widths) {
  EXPECT_EQ(shown("[%10c]"), "[    bridge]");
  EXPECT_EQ(shown("[%-10c]"), "[bridge    ]");
  EXPECT_EQ(shown("[%3c]"), "[bridge]");
  EXPECT_EQ(shown("[%5N]"), "[   42]");
}

TEST(LogPattern, UnfinishedOnesDoNoHarm) {
  for (std::string_view p : {"%", "abc%", "%5", "%-", "%D{%Y", "%D{", "%D{}", "%99999999999999999999c", "%-0-0c", "%{"}) shown(p);
  std::string all(256, '\0');
  for (int c = 0; c < 256; c++) {
    all[static_cast<size_t>(c)] = static_cast<char>(c);
    shown(std::string("%") + static_cast<char>(c) + "{x");
  }
  shown(all);
}

}  // namespace
}  // namespace sluice
