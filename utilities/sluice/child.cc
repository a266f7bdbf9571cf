// SPDX-License-Identifier: Apache-2.0
#include "utilities/sluice/child.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "lib/files.h"

namespace sluice::cli {
namespace {

volatile sig_atomic_t interrupt_signal = 0;

std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> out;
  for (const std::string& w : words) out.push_back(const_cast<char*>(w.c_str()));
  out.push_back(nullptr);
  return out;
}

[[noreturn]] void become(const ChildOptions& o, char** argv, char** environment, pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(127);  // it died before prctl()
  setpgid(0, 0);                        // the terminal's ^C is for the runner, which ends its children in order
  for (int signo : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) signal(signo, SIG_DFL);
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  dup2(o.in >= 0 ? o.in : null, 0);
  dup2(o.out >= 0 ? o.out : null, 1);
  dup2(o.err >= 0 ? o.err : null, 2);
  if (!o.directory.empty() && chdir(o.directory.c_str()) != 0) _exit(127);
  execvpe(argv[0], argv, environment);
  _exit(127);
}

}  // namespace

pid_t start_child(const ChildOptions& options) {
  auto argv = pointers(options.argv), environment = pointers(options.environment);
  pid_t parent = getpid(), pid = fork();
  if (pid == 0) become(options, argv.data(), environment.data(), parent);
  return pid;
}

std::optional<int> wait_child(pid_t pid, Duration limit) {
  UniqueFd fd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  pollfd p{.fd = fd.get(), .events = POLLIN, .revents = 0};
  if (poll(&p, 1, static_cast<int>(to_ms(limit))) != 1) return std::nullopt;
  int status = 0;
  return waitpid(pid, &status, 0) == pid ? std::optional(status) : std::nullopt;
}

std::string status_text(int status) {
  if (WIFSIGNALED(status)) return fmt::format("killed by signal {} ({})", WTERMSIG(status), strsignal(WTERMSIG(status)));
  return fmt::format("exit status {}", WEXITSTATUS(status));
}

int end_child(pid_t pid, Duration grace) {
  kill(pid, SIGTERM);
  if (auto status = wait_child(pid, grace)) return *status;
  kill(pid, SIGKILL);
  int status = 0;
  waitpid(pid, &status, 0);
  return status;
}

void adopt_orphans() { prctl(PR_SET_CHILD_SUBREAPER, 1); }

void end_descendants() {
  // The death of one hands its children over to us, so look again until none is left.
  for (bool any = true; any;) {
    any = false;
    std::ifstream children("/proc/thread-self/children");
    std::vector<pid_t> pids;
    for (pid_t pid; children >> pid;) pids.push_back(pid);
    for (pid_t pid : pids) {
      kill(pid, SIGKILL);
      any |= waitpid(pid, nullptr, 0) == pid;
    }
  }
}

void catch_interrupts() {
  struct sigaction action {};
  action.sa_handler = [](int signo) { interrupt_signal = signo; };
  for (int signo : {SIGINT, SIGTERM, SIGHUP}) sigaction(signo, &action, nullptr);
}

bool interrupted() { return interrupt_signal != 0; }

}  // namespace sluice::cli
