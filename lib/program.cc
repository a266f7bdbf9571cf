// SPDX-License-Identifier: Apache-2.0
// See program.h.
#include "lib/program.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <chrono>
#include <climits>
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

namespace {

/// The signals that ask a program to end.
constexpr struct {
  int signo;
  const char* text;
} kEnding[] = {{SIGHUP, "1 (Hangup)"}, {SIGINT, "2 (Interrupt)"}, {SIGALRM, "14 (Alarm clock)"}, {SIGTERM, "15 (Terminated)"}};

/// Only calls that a signal handler may make.
void end_by_signal(int signo) {
  namespace ch = std::chrono;
  timespec ts;
  clock_gettime(CLOCK_REALTIME, &ts);
  ch::sys_seconds now{ch::seconds(ts.tv_sec)};
  auto day = ch::floor<ch::days>(now);
  ch::year_month_day date(day);
  long rest = (now - day).count();
  char text[128] = "0000-00-00T00:00:00Z|00001|fatal_signal|WARN|terminating with signal ";
  auto put = [&](int end, int width, unsigned long value) {
    for (int i = end; i > end - width; i--, value /= 10) text[i] = static_cast<char>('0' + value % 10);
  };
  put(3, 4, static_cast<unsigned long>(static_cast<int>(date.year())));
  put(6, 2, static_cast<unsigned>(date.month()));
  put(9, 2, static_cast<unsigned>(date.day()));
  put(12, 2, static_cast<unsigned long>(rest / 3600));
  put(15, 2, static_cast<unsigned long>(rest / 60 % 60));
  put(18, 2, static_cast<unsigned long>(rest % 60));
  for (const auto& s : kEnding)
    if (s.signo == signo) strcat(text, s.text);
  strcat(text, "\n");
  (void)!write(STDERR_FILENO, text, strlen(text));
  raise(signo);  // SA_RESETHAND: ends the process when this handler returns
}

void take_signal(int signo) {
  struct sigaction before {};
  if (sigaction(signo, nullptr, &before) == 0 && before.sa_handler == SIG_IGN) return;  // by nohup, or a shell for what runs in the background
  struct sigaction action {};
  action.sa_handler = end_by_signal;
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  sigaction(signo, &action, nullptr);
}

}  // namespace

void say_which_signal_ends() {
  for (const auto& s : kEnding) take_signal(s.signo);
}

void limit_run_time(const char* seconds, std::string_view name) {
  char* end = nullptr;
  errno = 0;
  unsigned long n = strtoul(seconds, &end, 10);
  if (!n || *end || errno || *seconds == '-' || n > INT_MAX) fatal("value {} on {} is invalid", seconds, name);
  signal(SIGALRM, SIG_DFL);
  take_signal(SIGALRM);
  sigset_t alarm_only;
  sigemptyset(&alarm_only);
  sigaddset(&alarm_only, SIGALRM);
  sigprocmask(SIG_UNBLOCK, &alarm_only, nullptr);
  alarm(static_cast<unsigned>(n));
}

std::string errno_text(int error) {
  if (error == kEofError) return "End of file";
  char buffer[128];
  return strerror_r(error, buffer, sizeof buffer);
}

}  // namespace sluice
