// SPDX-License-Identifier: Apache-2.0
// Event counters: rates over the three windows in virtual time, texts of coverage/show and memory/show.
#include "lib/counters.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

/// Without the hash, which stands for the set of counters.
std::string rows(const Counters& counters) {
  std::string text = counters.show();
  EXPECT_TRUE(text.starts_with("Event coverage, avg rate over last: 5 seconds, last minute, last hour,  hash=")) << text;
  return text.substr(text.find('\n') + 1);
}

TEST(Counters, CountAndName) {
  Counters counters;
  counters.get("b").add(3);
  counters.get("a").add();
  counters.get("never");
  EXPECT_EQ(&counters.get("b"), &counters.get("b"));
  EXPECT_EQ(counters.read("b"), 3u);
  EXPECT_EQ(counters.read("never"), 0u);
  EXPECT_EQ(counters.read("x"), std::nullopt);
  EXPECT_EQ(rows(counters),
            "a                          0.0/sec     0.000/sec        0.0000/sec   total: 1\n"
            "b                          0.0/sec     0.000/sec        0.0000/sec   total: 3\n"
            "1 events never hit\n");
}

TEST(Counters, Rates) {
  Counters counters;
  Counter& c = counters.get("packets");
  Time now{};
  counters.run(now);
  // An hour's window is of 60 whole minutes, the current one among them; the minutes begin with the first sample.
  for (int second = 0; second < 3595; second++) {
    c.add(10);
    now += seconds(1);
    if (now >= counters.deadline()) counters.run(now);
  }
  EXPECT_EQ(rows(counters), "packets                   10.0/sec    10.000/sec        9.9861/sec   total: 35950\n0 events never hit\n");
  for (int i = 0; i < 12; i++) counters.run(now += seconds(5));  // a minute of silence
  EXPECT_EQ(rows(counters), "packets                    0.0/sec     0.000/sec        9.8333/sec   total: 35950\n0 events never hit\n");
}

TEST(Counters, Memory) {
  Counters counters;
  EXPECT_EQ(counters.show_memory(), "\n");
  counters.add_memory_source([](auto& m) { m["rules"] = 5, m["cells"] = 2; });
  counters.add_memory_source([](auto& m) { m["rules"] = 1; });
  EXPECT_EQ(counters.show_memory(), "cells:2 rules:6\n");
}

}  // namespace
}  // namespace sluice
