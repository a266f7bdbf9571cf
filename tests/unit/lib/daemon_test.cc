// SPDX-License-Identifier: Apache-2.0
// Pidfiles and their locks, detaching, the monitor.  Each daemon of these tests is a child process.
#include "lib/daemon.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <thread>

#include "lib/files.h"
#include "lib/log.h"

namespace sluice {
namespace {

struct DaemonTest : testing::Test {
  DaemonTest() {
    std::string name = (std::filesystem::temp_directory_path() / "sluice.XXXXXX").string();
    dir = mkdtemp(name.data());
    directories.run = dir;
    pidfile = dir + "/d.pid";
    options.pidfile = "d.pid";
    options.no_chdir = true;
  }
  ~DaemonTest() override { std::filesystem::remove_all(dir); }

  /// Runs fn in a child; its exit status comes back through wait().  stderr goes to the file "err".
  pid_t child(const std::function<int()>& fn) {
    pid_t pid = fork();
    if (pid) return pid;
    int err = open((dir + "/err").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    dup2(err, STDERR_FILENO);
    (void)log_set("off");
    _exit(fn());
  }
  static int wait(pid_t pid) {
    int status = 0;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }
  static bool until(const std::function<bool()>& done) {
    for (int i = 0; i < 500; i++) {
      if (done()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }
  /// A daemon that is ready at once and lives until SIGTERM.
  int serve() {
    sigset_t term;
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    sigprocmask(SIG_BLOCK, &term, nullptr);  // before there is a pidfile by which somebody could signal us
    Daemon daemon(options, directories);
    daemon.start();
    daemon.ready();
    int signo;
    sigwait(&term, &signo);
    daemon.finish();
    return 0;
  }
  std::string errors() { return read_file(dir + "/err").value_or(""); }

  std::string dir, pidfile;
  Directories directories;
  DaemonOptions options;
};

TEST_F(DaemonTest, PidfileIsHeldAndRemoved) {
  pid_t pid = child([&] { return serve(); });
  ASSERT_TRUE(until([&] { return read_pidfile(pidfile).has_value(); }));
  EXPECT_EQ(*read_pidfile(pidfile), pid);
  pid_t second = child([&] { return serve(); });
  EXPECT_EQ(wait(second), 1);
  EXPECT_NE(errors().find(pidfile + ": already running as pid " + std::to_string(pid) + ", aborting"), std::string::npos) << errors();
  kill(pid, SIGTERM);
  EXPECT_EQ(wait(pid), 0);
  EXPECT_FALSE(std::filesystem::exists(pidfile));
}

TEST_F(DaemonTest, StalePidfileIsReplaced) {
  ASSERT_TRUE(replace_file(pidfile, std::to_string(getpid()) + "\n"));  // nobody holds the lock
  EXPECT_EQ(read_pidfile(pidfile).error(), "cannot read pidfile \"" + pidfile + "\" (No such process)");
  pid_t pid = child([&] { return serve(); });
  ASSERT_TRUE(until([&] { return read_pidfile(pidfile).has_value(); }));
  EXPECT_EQ(*read_pidfile(pidfile), pid);
  kill(pid, SIGTERM);
  EXPECT_EQ(wait(pid), 0);
}

TEST_F(DaemonTest, UnreadablePidfiles) {
  EXPECT_EQ(read_pidfile(dir + "/no.pid").error(), "cannot read pidfile \"" + dir + "/no.pid\" (No such file or directory)");
  for (std::string_view content : {"", "abc\n", "-5\n", "99999999999999999999\n"}) {
    ASSERT_TRUE(replace_file(pidfile, content));
    EXPECT_FALSE(read_pidfile(pidfile)) << content;
  }
}

TEST_F(DaemonTest, TheParentWaitsUntilReady) {
  options.detach = true;
  std::string mark = dir + "/mark";
  pid_t parent = child([&] {
    Daemon daemon(options, directories);
    daemon.start();
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    (void)replace_file(mark, "ready");
    daemon.ready();
    std::this_thread::sleep_for(std::chrono::seconds(20));
    return 0;
  });
  EXPECT_EQ(wait(parent), 0);
  EXPECT_TRUE(std::filesystem::exists(mark));
  auto pid = read_pidfile(pidfile);
  ASSERT_TRUE(pid);
  EXPECT_NE(*pid, parent);
  kill(*pid, SIGKILL);
}

TEST_F(DaemonTest, FailureBeforeReadyIsTheParentsStatus) {
  options.detach = true;
  pid_t parent = child([&] {
    Daemon daemon(options, directories);
    daemon.start();
    return 3;
  });
  EXPECT_EQ(wait(parent), 3);
}

TEST_F(DaemonTest, MonitorRestartsAfterACrashOnly) {
  options.detach = options.monitor = true;
  pid_t parent = child([&] { return serve(); });
  EXPECT_EQ(wait(parent), 0);
  auto first = read_pidfile(pidfile);
  ASSERT_TRUE(first);
  kill(*first, SIGABRT);
  ASSERT_TRUE(until([&] { auto p = read_pidfile(pidfile); return p && *p != *first; }));
  auto second = read_pidfile(pidfile);
  kill(*second, SIGTERM);
  EXPECT_TRUE(until([&] { return !std::filesystem::exists(pidfile); }));
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_FALSE(std::filesystem::exists(pidfile));
}

TEST_F(DaemonTest, ControlSocketPath) {
  EXPECT_EQ(Daemon({.unixctl = "none"}, directories).unixctl_path(), std::nullopt);
  EXPECT_EQ(Daemon({.unixctl = "x.ctl"}, directories).unixctl_path(), dir + "/x.ctl");
  EXPECT_EQ(Daemon({.unixctl = "/x.ctl"}, directories).unixctl_path(), "/x.ctl");
  EXPECT_TRUE(Daemon({}, directories).unixctl_path()->ends_with("." + std::to_string(getpid()) + ".ctl"));
}

}  // namespace
}  // namespace sluice
