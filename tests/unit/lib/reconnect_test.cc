// SPDX-License-Identifier: Apache-2.0
// The reconnection state machine, as stories: a line is "seconds event", then what run() said and where it stands.
#include "lib/reconnect.h"

#include <gtest/gtest.h>

#include <string>

namespace sluice {
namespace {

const Time kStart = Time(seconds(50));

struct Story {
  Reconnect r{kStart};
  Time now = kStart;
  void at(double s) { now = kStart + milliseconds(static_cast<int64_t>(s * 1000)); }
  std::string run() {
    static const char* names[] = {"none", "connect", "disconnect", "probe"};
    std::string action = names[static_cast<int>(r.run(now))];
    Time d = r.deadline();
    return action + " " + std::string(r.state_name()) + " " + (d == kNever ? "never" : std::to_string(to_ms(d - kStart)));
  }
};

TEST(ReconnectTest, BackoffDoublesUpToTheMaximum) {
  Story s;
  EXPECT_EQ(s.run(), "none VOID never");
  s.r.enable(s.now);
  EXPECT_EQ(s.run(), "connect CONNECTING 1000");
  s.r.disconnected(s.now, "Connection refused");
  EXPECT_EQ(s.run(), "none BACKOFF 1000");
  double t = 0, backoff = 1;
  for (double next : {2, 4, 8, 8, 8}) {
    t += backoff;
    s.at(t);
    EXPECT_EQ(s.r.run(s.now), Reconnect::Action::connect) << t;
    s.r.disconnected(s.now, "Connection refused");
    EXPECT_EQ(to_seconds(s.r.backoff()), next);
    backoff = next;
  }
  EXPECT_EQ(s.r.last_error(), "Connection refused");
  EXPECT_EQ(s.r.attempts(), 6u);
  EXPECT_EQ(s.r.successes(), 0u);
  EXPECT_FALSE(s.r.last_connected());
}

TEST(ReconnectTest, StableConnectionResetsTheBackoff) {
  Story s;
  s.r.enable(s.now);
  s.run();
  s.r.disconnected(s.now, "x");
  s.at(1), s.run();
  s.r.disconnected(s.now, "x");  // backoff is 2 s now
  s.at(3), s.run();
  s.r.connected(s.now);
  EXPECT_EQ(s.run(), "none ACTIVE 8000");
  s.at(4);
  s.r.disconnected(s.now, "End of file");  // up for 1 s only
  EXPECT_EQ(s.run(), "none BACKOFF 8000");
  s.at(8), s.run();
  s.r.connected(s.now);
  s.at(20);
  s.r.activity(s.now);
  s.r.disconnected(s.now, "End of file");
  EXPECT_EQ(s.run(), "none BACKOFF 21000");
}

TEST(ReconnectTest, ProbeAndItsEnd) {
  Story s;
  s.r.enable(s.now);
  s.run();
  s.r.connected(s.now);
  s.at(5);
  EXPECT_EQ(s.run(), "probe IDLE 10000");
  s.at(6);
  s.r.activity(s.now);
  EXPECT_EQ(s.run(), "none ACTIVE 11000");
  s.at(11);
  EXPECT_EQ(s.run(), "probe IDLE 16000");
  s.at(16);
  EXPECT_EQ(s.run(), "disconnect IDLE never");
  s.r.disconnected(s.now, "Connection timed out");
  EXPECT_EQ(s.run(), "none BACKOFF 17000");
  EXPECT_EQ(*s.r.last_disconnected(), s.now);
}

TEST(ReconnectTest, WithoutProbes) {
  Story s;
  s.r.set_probe_interval({});
  s.r.enable(s.now);
  s.run();
  s.r.connected(s.now);
  s.at(10000);
  EXPECT_EQ(s.run(), "none ACTIVE never");
}

TEST(ReconnectTest, ShortProbeIntervalsAreRaised) {
  Story s;
  s.r.set_probe_interval(milliseconds(1));
  EXPECT_EQ(s.r.probe_interval(), seconds(1));
}

TEST(ReconnectTest, AttemptThatHangsIsGivenUp) {
  Story s;
  s.r.enable(s.now);
  s.run();
  s.at(1);
  EXPECT_EQ(s.run(), "disconnect CONNECTING never");
  s.r.disconnected(s.now, "Connection timed out");
  EXPECT_EQ(s.run(), "none BACKOFF 2000");
}

TEST(ReconnectTest, ForceReconnectsAtOnce) {
  Story s;
  s.r.enable(s.now);
  s.run();
  s.r.connected(s.now);
  s.at(3);
  s.r.force(s.now);
  EXPECT_EQ(s.r.run(s.now), Reconnect::Action::disconnect);
  s.r.disconnected(s.now, "");
  EXPECT_EQ(s.run(), "connect CONNECTING 4000");
  s.r.disconnected(s.now, "x");
  s.r.force(s.now);
  EXPECT_EQ(s.run(), "connect CONNECTING 4000");
}

TEST(ReconnectTest, FailingOverNeitherWaitsNorGrowsTheBackoff) {
  Story s;
  s.r.enable(s.now);
  for (int i = 0; i < 3; i++) {
    EXPECT_EQ(s.run(), "connect CONNECTING 1000");
    s.r.failed_over(s.now, "x");
  }
  s.run();
  s.r.disconnected(s.now, "x");
  EXPECT_EQ(s.run(), "none BACKOFF 1000");
}

TEST(ReconnectTest, MaxTriesAndDisable) {
  Story s;
  s.r.set_max_tries(1);
  s.r.enable(s.now);
  s.run();
  s.r.disconnected(s.now, "x");
  EXPECT_EQ(s.run(), "none VOID never");
  Story t;
  t.r.enable(t.now);
  t.run();
  t.r.connected(t.now);
  t.r.disable(t.now);
  EXPECT_EQ(t.run(), "none VOID never");
  EXPECT_TRUE(t.r.last_disconnected());
}

}  // namespace
}  // namespace sluice
