// SPDX-License-Identifier: Apache-2.0
// See alarm.h.  The handler only writes to standard error and dies: both are async-signal-safe.
#include "lib/alarm.h"

#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <cstring>

namespace sluice {
namespace {

void put_number(char* to, int width, int value) {
  for (int i = width - 1; i >= 0; i--, value /= 10) to[i] = static_cast<char>('0' + value % 10);
}

void die(int) {
  // As the log would print it; gmtime_r does no locking for UTC in practice, and there is nothing left to break.
  char line[] = "0000-00-00T00:00:00Z|00001|fatal_signal|WARN|terminating with signal 14 (Alarm clock)\n";
  time_t now = time(nullptr);
  tm t{};
  gmtime_r(&now, &t);
  put_number(line, 4, t.tm_year + 1900);
  put_number(line + 5, 2, t.tm_mon + 1);
  put_number(line + 8, 2, t.tm_mday);
  put_number(line + 11, 2, t.tm_hour);
  put_number(line + 14, 2, t.tm_min);
  put_number(line + 17, 2, t.tm_sec);
  [[maybe_unused]] ssize_t n = write(STDERR_FILENO, line, std::strlen(line));
  signal(SIGALRM, SIG_DFL);
  raise(SIGALRM);
}

}  // namespace

void set_process_timeout(unsigned seconds) {
  struct sigaction action {};
  action.sa_handler = die;
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_NODEFER);
  sigaction(SIGALRM, &action, nullptr);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGALRM);
  sigprocmask(SIG_UNBLOCK, &set, nullptr);
  alarm(seconds);
}

}  // namespace sluice
