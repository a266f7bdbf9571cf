// SPDX-License-Identifier: Apache-2.0
// The loop in virtual time, with real descriptors, and with entries that destroy themselves and each other.
#include "lib/loop.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace sluice {
namespace {

const Time kStart = Time(seconds(1000));

struct VirtualLoop : testing::Test {
  Clock clock{kStart, 1'700'000'000'000};
  Loop loop{clock};
};

TEST_F(VirtualLoop, TimersRunInOrderOfTimeThenOfSetting) {
  std::string order;
  Timer a(loop, [&] { order += 'a'; }, "a"), b(loop, [&] { order += 'b'; }, "b"), c(loop, [&] { order += 'c'; }, "c");
  a.set(kStart + seconds(2));
  b.set(kStart + seconds(1));
  c.set(kStart + seconds(2));
  loop.advance(seconds(1));
  EXPECT_EQ(order, "b");
  EXPECT_EQ(loop.now(), kStart + seconds(1));
  a.set(kStart + seconds(2));  // set anew: now after c
  loop.advance(seconds(3600));
  EXPECT_EQ(order, "bca");
  EXPECT_FALSE(a.armed());
  EXPECT_EQ(clock.wall_ms(), 1'700'000'000'000 + 3'601'000);
}

TEST_F(VirtualLoop, ManyTimersKeepTheirOrder) {
  std::vector<Timer> timers;
  std::vector<int64_t> seen;
  uint64_t x = 88172645463325252u;
  for (int i = 0; i < 2000; i++) {
    x ^= x << 13, x ^= x >> 7, x ^= x << 17;
    int64_t at = static_cast<int64_t>(x % 100'000);
    timers.emplace_back(loop, [&seen, at] { seen.push_back(at); }, "t");
    timers.back().set(kStart + milliseconds(at));
  }
  for (size_t i = 0; i < timers.size(); i += 3) timers[i].cancel();
  loop.advance(seconds(200));
  EXPECT_EQ(seen.size(), 2000u - 667u);
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
}

TEST_F(VirtualLoop, TimerThatAnEarlierOneCancelsDoesNotRun) {
  std::optional<Timer> victim;
  int ran = 0;
  Timer killer(loop, [&] { victim.reset(); }, "killer");
  victim.emplace(loop, [&] { ran++; }, "victim");
  killer.set(kStart + seconds(1));
  victim->set(kStart + seconds(1));
  loop.advance(seconds(2));
  EXPECT_EQ(ran, 0);
}

TEST_F(VirtualLoop, TimerMayDestroyItselfAndUseItsCaptures) {
  auto text = std::make_shared<std::string>("still here");
  std::optional<Timer> t;
  std::string seen;
  t.emplace(loop, [&t, &seen, text] { t.reset(); seen = *text; }, "self");
  t->set(kStart);
  loop.advance(seconds(1));
  EXPECT_EQ(seen, "still here");
  EXPECT_EQ(text.use_count(), 1);
}

TEST_F(VirtualLoop, PeriodicTimer) {
  int ticks = 0;
  Timer t;
  t = Timer(loop, [&] { ticks++, t.set(loop.now() + milliseconds(100)); }, "tick");
  t.set(kStart);
  loop.advance(seconds(1));
  EXPECT_EQ(ticks, 11);
}

TEST_F(VirtualLoop, RunnerIsAskedForItsDeadline) {
  std::vector<int64_t> ran;
  Time next = kStart + seconds(5);
  Runner r = loop.add_runner("bridge", [&](Time now) {
    if (now < next) return;
    ran.push_back(to_seconds(now - kStart));
    next = now + seconds(10);
  }, [&] { return next; });
  loop.advance(seconds(30));
  EXPECT_EQ(ran, (std::vector<int64_t>{5, 15, 25}));
  r.reset();
  loop.advance(seconds(30));
  EXPECT_EQ(ran.size(), 3u);
}

TEST_F(VirtualLoop, WarpTakesStepsAndThenTells) {
  std::vector<int64_t> seen;
  bool done = false;
  Runner r = loop.add_runner("watcher", [&](Time now) {
    int64_t ms = to_ms(now - kStart);
    if (seen.empty() || seen.back() != ms) seen.push_back(ms);
  }, [] { return kNever; });
  loop.warp(milliseconds(1000), milliseconds(300), [&] { done = true; });
  for (int i = 0; i < 100 && !done; i++) loop.run_once(seconds(1));
  EXPECT_TRUE(done);
  EXPECT_EQ(seen, (std::vector<int64_t>{300, 600, 900, 1000}));
}

TEST_F(VirtualLoop, DeferredRunsOnceAtTheEnd) {
  std::string order;
  Deferred d(loop, [&] { order += 'd'; }, "d");
  loop.post([&] { d.schedule(), d.schedule(), order += 'p'; });
  loop.run_once(seconds(1));
  EXPECT_EQ(order, "pd");
  EXPECT_FALSE(loop.run_once(Duration::zero()));
}

TEST(LoopTest, WatchIsLevelTriggeredAndMayDieInItsCallback) {
  Clock clock;
  Loop loop(clock);
  int fds[2];
  ASSERT_EQ(pipe(fds), 0);
  int calls = 0;
  Watch w = loop.watch(fds[0], true, false, [&](bool readable, bool) { calls += readable; }, "pipe");
  ASSERT_EQ(write(fds[1], "x", 1), 1);
  EXPECT_TRUE(loop.run_once(seconds(5)));
  EXPECT_TRUE(loop.run_once(seconds(5)));
  EXPECT_EQ(calls, 2);
  w.set(false, false);
  EXPECT_FALSE(loop.run_once(milliseconds(1)));
  w = loop.watch(fds[0], true, false, [&](bool, bool) { w.reset(), calls = 10; }, "pipe");
  EXPECT_TRUE(loop.run_once(seconds(5)));
  EXPECT_FALSE(loop.run_once(milliseconds(1)));
  EXPECT_EQ(calls, 10);
  close(fds[0]), close(fds[1]);
}

TEST(LoopTest, OneWatchDestroysAnotherThatIsReadyToo) {
  Clock clock;
  Loop loop(clock);
  int a[2], b[2];
  ASSERT_EQ(pipe(a), 0);
  ASSERT_EQ(pipe(b), 0);
  Watch wa, wb;
  int calls = 0;
  wa = loop.watch(a[0], true, false, [&](bool, bool) { calls++, wb.reset(); }, "a");
  wb = loop.watch(b[0], true, false, [&](bool, bool) { calls++, wa.reset(); }, "b");
  ASSERT_EQ(write(a[1], "x", 1), 1);
  ASSERT_EQ(write(b[1], "x", 1), 1);
  loop.run_once(seconds(1));
  EXPECT_EQ(calls, 1);
  for (int fd : {a[0], a[1], b[0], b[1]}) close(fd);
}

TEST(LoopTest, PostFromAnotherThreadWakes) {
  Clock clock;
  Loop loop(clock);
  std::thread t([&] { loop.post([&] { loop.stop(); }); });
  loop.run();
  t.join();
}

TEST(LoopTest, RealTimerSleepsLongEnough) {
  Clock clock;
  Loop loop(clock);
  Time begin = clock.now();
  Timer t(loop, [&] { loop.stop(); }, "t");
  t.set(begin + milliseconds(20));
  loop.run();
  EXPECT_GE(clock.now() - begin, milliseconds(20));
  EXPECT_LT(clock.now() - begin, seconds(5));
}

TEST(LoopTest, StalledCallbackIsReportedByName) {
  Clock clock;
  Loop loop(clock);
  std::string name;
  loop.set_stall_reporter([&](std::string_view n, Duration took) { name = n; EXPECT_GE(took, milliseconds(110)); });
  Timer t(loop, [] { usleep(120'000); }, "slow one");
  t.set(loop.now());
  loop.run_once(seconds(1));
  EXPECT_EQ(name, "slow one");
}

TEST(LoopTest, StoppedClockStandsStillUntilWarped) {
  Clock clock;
  clock.stop();
  Loop loop(clock);
  Time begin = clock.now();
  int64_t wall = clock.wall_ms();
  bool fired = false;
  Timer t(loop, [&] { fired = true; }, "t");
  t.set(begin + milliseconds(5));
  loop.run_once(milliseconds(20));
  EXPECT_EQ(clock.now(), begin);
  EXPECT_FALSE(fired);
  clock.warp(milliseconds(5));
  loop.run_once(Duration::zero());
  EXPECT_TRUE(fired);
  EXPECT_EQ(clock.wall_ms(), wall + 5);
}

TEST(LoopTest, Signals) {
  Clock clock;
  Loop loop(clock);
  int got = 0;
  loop.on_signal(SIGUSR1, [&] { got++; });
  kill(getpid(), SIGUSR1);
  for (int i = 0; i < 10 && !got; i++) loop.run_once(milliseconds(100));
  EXPECT_EQ(got, 1);
}

}  // namespace
}  // namespace sluice
