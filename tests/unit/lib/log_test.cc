// SPDX-License-Identifier: Apache-2.0
// The logger: the grammar of vlog/set, where lines go, rate limits, lists.
#include "lib/log.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <thread>
#include <vector>

#include "lib/files.h"
#include "lib/unixctl.h"

namespace sluice {
namespace {

Log alpha("test_alpha"), beta("test_beta");

struct LogTest : testing::Test {
  LogTest() {
    std::string name = (std::filesystem::temp_directory_path() / "sluice.XXXXXX").string();
    dir = mkdtemp(name.data());
    path = dir + "/test.log";
    set("console:off");
    set("syslog:off");
    set("file:info");
    EXPECT_TRUE(log_set_file(path));
    set("PATTERN:file:%c|%p|%m");
    read();  // forgets "opened log file"
  }
  ~LogTest() override {
    (void)log_set_file("");
    set("PATTERN:file:%m");
    std::filesystem::remove_all(dir);
  }
  void set(std::string_view spec) {
    auto done = log_set(spec);
    EXPECT_TRUE(done) << done.error();
  }
  std::string error(std::string_view spec) {
    auto done = log_set(spec);
    return done ? "" : done.error();
  }
  /// What came since the last call.
  std::string read() {
    auto all = read_file(path);
    if (!all) return "?";
    std::string fresh = all->substr(seen);
    seen = all->size();
    return fresh;
  }
  /// "console syslog file" levels of a module, as vlog/list shows them.
  std::string levels(const std::string& module) {
    std::string list = log_list();
    size_t at = list.find("\n" + module + " ");
    if (at == std::string::npos) return "none";
    std::string row = list.substr(at + 1, list.find('\n', at + 1) - at - 1), out;
    for (char c : row.substr(module.size()))
      if (c != ' ' || (!out.empty() && out.back() != ' ')) out += c;
    return out;
  }

  std::string dir, path;
  size_t seen = 0;
};

TEST_F(LogTest, LevelsDecide) {
  alpha.info("one {}", 1);
  alpha.dbg("hidden");
  alpha.err("two");
  EXPECT_EQ(read(), "test_alpha|INFO|one 1\ntest_alpha|ERR|two\n");
  set("file:off");
  alpha.emer("hidden");
  EXPECT_EQ(read(), "");
  EXPECT_FALSE(alpha.enabled(LogLevel::emer));
}

TEST_F(LogTest, WordsInAnyOrderAndSeparator) {
  set("off");
  for (std::string_view spec : {"test_alpha:file:warn", "warn,file,test_alpha", "file test_alpha WARN", "test_alpha::file,,warn:"}) {
    set("test_alpha:off");
    set(spec);
    EXPECT_EQ(levels("test_alpha"), "OFF OFF WARN") << spec;
    EXPECT_EQ(levels("test_beta"), "OFF OFF OFF") << spec;
  }
  set("test_beta");
  EXPECT_EQ(levels("test_beta"), "DBG DBG DBG");
  set("off");
  set("console:test_alpha:err");
  EXPECT_EQ(levels("test_alpha"), "ERR OFF OFF");
  set("ANY:syslog:info");
  EXPECT_EQ(levels("test_alpha"), "ERR INFO OFF");
  EXPECT_EQ(levels("test_beta"), "OFF INFO OFF");
  set("off");
}

TEST_F(LogTest, Errors) {
  std::string before = log_list();
  EXPECT_EQ(error("foo"), "no destination, level, or module \"foo\"");
  EXPECT_EQ(error("file:foo:info"), "no destination, level, or module \"foo\"");
  EXPECT_EQ(error("PATTERN:foo:x"), "unknown destination \"foo\"");
  EXPECT_EQ(error("FACILITY:foo"), "invalid facility");
  EXPECT_EQ(error("FACILITY:daemon"), "");
  EXPECT_EQ(error("FACILITY:local0"), "");
  EXPECT_EQ(log_list(), before);
  EXPECT_FALSE(log_set_file(dir + "/nowhere/x.log"));
  alpha.info("still there");
  EXPECT_EQ(read(), "test_alpha|INFO|still there\n");
}

TEST_F(LogTest, RateLimit) {
  LogLimit limit(1, 3);
  for (int i = 0; i < 10; i++) alpha.info(limit, "{}", i);
  std::string text = read();
  EXPECT_TRUE(text.starts_with("test_alpha|INFO|0\n")) << text;
  EXPECT_EQ(std::ranges::count(text, '\n'), 3);
}

TEST_F(LogTest, RateLimitCanBeSwitchedOff) {
  Clock clock(Time{}, 0);
  Loop loop(clock);
  UnixctlServer server(loop);
  log_add_commands(server);
  std::vector<std::string> alpha_only{"test_alpha"}, unknown{"foo"};
  ASSERT_TRUE(server.call("vlog/disable-rate-limit", alpha_only));
  LogLimit limit(1, 1);
  for (int i = 0; i < 10; i++) alpha.info(limit, "{}", i);
  std::string text = read();
  EXPECT_EQ(std::ranges::count(text, '\n'), 10);
  EXPECT_NE(levels("test_alpha").find("(rate limiting disabled)"), std::string::npos);
  EXPECT_EQ(levels("test_beta").find("(rate limiting disabled)"), std::string::npos);
  EXPECT_EQ(server.call("vlog/enable-rate-limit", unknown).error(), "unknown module");
  ASSERT_TRUE(server.call("vlog/enable-rate-limit", {}));
  for (int i = 0; i < 10; i++) alpha.info(limit, "{}", i);
  EXPECT_LT(std::ranges::count(read(), '\n'), 10);
}

TEST_F(LogTest, ReopenFollowsARotatedFile) {
  alpha.info("old");
  std::filesystem::rename(path, path + ".1");
  alpha.info("still old");
  ASSERT_TRUE(log_reopen());
  alpha.info("new");
  EXPECT_NE(read_file(path + ".1")->find("still old"), std::string::npos);
  EXPECT_NE(read_file(path)->find("test_alpha|INFO|new"), std::string::npos);
  EXPECT_EQ(read_file(path)->find("still old"), std::string::npos);
}

TEST_F(LogTest, LinesOfThreadsStayWhole) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; t++)
    threads.emplace_back([t] {
      log_set_thread_name("w" + std::to_string(t));
      for (int i = 0; i < 200; i++) (t % 2 ? alpha : beta).info("{}", std::string(100, static_cast<char>('a' + t)));
    });
  for (int i = 0; i < 50; i++) set(i % 2 ? "file:info" : "test_alpha:file:dbg");
  for (auto& t : threads) t.join();
  std::string text = read();
  EXPECT_EQ(std::ranges::count(text, '\n'), 800);
  for (int t = 0; t < 4; t++) {
    std::string line = "|INFO|" + std::string(100, static_cast<char>('a' + t)) + "\n";
    size_t n = 0;
    for (size_t at = 0; (at = text.find(line, at)) != std::string::npos; at++) n++;
    EXPECT_EQ(n, 200u);
  }
}

TEST_F(LogTest, ListPattern) {
  std::string list = log_list_pattern();
  EXPECT_TRUE(list.starts_with("         prefix                            format\n         ------                            ------\nSYSLOG   ")) << list;
  EXPECT_NE(list.find("\nFILE     none                              %c|%p|%m\n"), std::string::npos) << list;
}

}  // namespace
}  // namespace sluice
