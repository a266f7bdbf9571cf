// SPDX-License-Identifier: Apache-2.0
// See daemon.h.  Processes: the user's (waits for ready() when detaching) -> monitor (with --monitor) -> worker.
#include "lib/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cstring>

#include "lib/files.h"
#include "lib/log.h"
#include "lib/options.h"
#include "lib/program.h"
#include "lib/unixctl.h"

namespace sluice {
namespace {

Log log("daemon_unix"), signal_log("fatal_signal");
constexpr unsigned kRestartPause_s = 10;  // at most one restart in this time

/// READY=1 to a service manager that asked for it (sd_notify(3)).
void notify_service_manager() {
  const char* path = getenv("NOTIFY_SOCKET");
  if (!path || !*path) return;
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  size_t length = strlen(path);
  if (length >= sizeof address.sun_path) return;
  memcpy(address.sun_path, path, length);
  if (path[0] == '@') address.sun_path[0] = 0;
  UniqueFd fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  constexpr std::string_view kReady = "READY=1";
  if (fd) sendto(fd.get(), kReady.data(), kReady.size(), MSG_NOSIGNAL, reinterpret_cast<sockaddr*>(&address), static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length));
}

/// USER[:GROUP], names or numbers.
void become_user(const std::string& spec) {
  std::string user = spec.substr(0, spec.find(':')), group = spec.find(':') == std::string::npos ? "" : spec.substr(spec.find(':') + 1);
  passwd* pw = getpwnam(user.c_str());
  if (!pw) fatal("Invalid --user option {} (no such user {}), aborting.", spec, user);
  gid_t gid = pw->pw_gid;
  if (!group.empty()) {
    struct group* gr = getgrnam(group.c_str());
    if (!gr) fatal("Invalid --user option {} (unknown group {}), aborting.", spec, group);
    gid = gr->gr_gid;
  }
  if (initgroups(user.c_str(), gid) != 0 || setgid(gid) != 0 || setuid(pw->pw_uid) != 0) fatal("{}: failed to switch user ({}), aborting.", spec, errno_text(errno));
}

flock write_lock() { return {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 0, .l_pid = 0}; }

/// The process that holds the lock of a pidfile, or errno; ESRCH: nobody.
std::expected<int, int> pidfile_holder(const std::string& path) {
  UniqueFd fd(open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!fd) return std::unexpected(errno);
  flock lock = write_lock();
  if (fcntl(fd.get(), F_GETLK, &lock) != 0) return std::unexpected(errno);
  auto content = read_file(path, 64);
  int pid = content ? atoi(content->c_str()) : 0;
  // Nobody holds the lock: the process that made the file is gone, whoever has its number now.  (Our own lock is not shown to ourselves.)
  if (lock.l_type == F_UNLCK) return std::unexpected(ESRCH);
  return pid > 0 ? pid : lock.l_pid;
}

/// The pidfile that goes when the process ends by exit(), as it does by fatal().  A process has one.
struct PidfileAtExit {
  std::string path;
  pid_t owner = 0;

  void remove() {
    if (!path.empty() && owner == getpid()) unlink(path.c_str());
    path.clear();
  }
} pidfile_at_exit;

}  // namespace

struct Daemon::Impl {
  DaemonOptions options;
  Directories directories;
  UniqueFd ready_pipe;   // the worker's end
  UniqueFd pidfile;
  std::string pidfile_path;
  bool keep_stderr = false, keep_stdout = false;

  /// Forks; in the parent waits until the child is ready (returns its pid) or ends the parent with the child's status.
  pid_t fork_and_wait_for_ready();
  void monitor(pid_t child);
  void make_pidfile();
  /// If detached: of the standard streams only what is to be kept stays open.
  void leave_terminal();
};

void add_daemon_options(Options& options, DaemonOptions& out) {
  auto flag = [&](const char* name, bool& to) { options.add(name, 0, Options::kNone, [&to](const char*) { to = true; }); };
  flag("detach", out.detach);
  flag("no-chdir", out.no_chdir);
  flag("monitor", out.monitor);
  flag("overwrite-pidfile", out.overwrite_pidfile);
  flag("no-self-confinement", out.no_self_confinement);
  options.add("pidfile", 0, Options::kOptional, [&](const char* arg) { out.pidfile = arg ? arg : ""; });
  options.add("user", 0, Options::kRequired, [&](const char* arg) { out.user = arg; });
  options.add("unixctl", 0, Options::kRequired, [&](const char* arg) { out.unixctl = arg; });
}

Daemon::Daemon(DaemonOptions options, Directories directories) : impl_(std::make_unique<Impl>()) {
  impl_->options = std::move(options);
  impl_->directories = std::move(directories);
  if (impl_->options.pidfile) {
    std::string name = impl_->options.pidfile->empty() ? fmt::format("{}.pid", program_name()) : *impl_->options.pidfile;
    impl_->pidfile_path = resolve_path(impl_->directories.run, name);
  }
}

Daemon::~Daemon() { finish(); }

void Daemon::start() {
  signal(SIGPIPE, SIG_IGN);
  bool detach = impl_->options.detach;
  if (detach) {
    if (impl_->fork_and_wait_for_ready() > 0) _exit(0);
    setsid();
  }
  if (impl_->options.monitor) {
    UniqueFd to_user(impl_->ready_pipe.release());
    pid_t child = impl_->fork_and_wait_for_ready();
    if (child > 0) {
      if (to_user) write_all(to_user.get(), "\n");
      to_user.reset();
      impl_->leave_terminal();
      impl_->monitor(child);
    }
  }
  if (!impl_->options.user.empty()) become_user(impl_->options.user);
  if (!impl_->pidfile_path.empty()) impl_->make_pidfile();
}

pid_t Daemon::Impl::fork_and_wait_for_ready() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) fatal("pipe failed ({})", errno_text(errno));
  pid_t pid = fork();
  if (pid < 0) fatal("fork failed ({})", errno_text(errno));
  if (pid == 0) {
    close(ends[0]);
    ready_pipe.reset(ends[1]);
    return 0;
  }
  close(ends[1]);
  UniqueFd from_child(ends[0]);
  char byte;
  ssize_t n;
  do n = read(from_child.get(), &byte, 1);
  while (n < 0 && errno == EINTR);
  if (n == 1) return pid;
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status) && WEXITSTATUS(status)) exit(WEXITSTATUS(status));  // it has said why
  fatal("could not initiate process monitoring");
}

/// Starts another worker when one dies of a signal that means a crash; ends with it otherwise.
void Daemon::Impl::monitor(pid_t child) {
  signal(SIGTERM, SIG_DFL);
  time_t last_restart = 0;
  for (;;) {
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    bool crashed = WIFSIGNALED(status) && (WTERMSIG(status) == SIGABRT || WTERMSIG(status) == SIGSEGV || WTERMSIG(status) == SIGBUS || WTERMSIG(status) == SIGFPE ||
                                           WTERMSIG(status) == SIGILL || WTERMSIG(status) == SIGALRM || WTERMSIG(status) == SIGPIPE || WTERMSIG(status) == SIGXCPU || WTERMSIG(status) == SIGXFSZ);
    if (!crashed) {
      if (!pidfile_path.empty()) unlink(pidfile_path.c_str());
      _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
    }
    log.err("{} died, killed ({}), restarting", child, strsignal(WTERMSIG(status)));
    time_t now = time(nullptr);
    if (now < last_restart + static_cast<time_t>(kRestartPause_s)) sleep(kRestartPause_s);
    last_restart = time(nullptr);
    child = fork_and_wait_for_ready();
    if (child == 0) return;
  }
}

void Daemon::Impl::make_pidfile() {
  std::string temporary = fmt::format("{}.tmp{}", pidfile_path, getpid());
  if (auto pid = pidfile_holder(pidfile_path); pid && !options.overwrite_pidfile) fatal("{}: already running as pid {}, aborting", pidfile_path, *pid);
  UniqueFd fd(open(temporary.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
  if (!fd) fatal("{}: create failed ({})", temporary, errno_text(errno));
  flock lock = write_lock();
  if (fcntl(fd.get(), F_SETLK, &lock) != 0) fatal("{}: fcntl(F_SETLK) failed ({})", temporary, errno_text(errno));
  if (int error = write_all(fd.get(), fmt::format("{}\n", getpid()))) fatal("{}: write failed ({})", temporary, errno_text(error));
  if (rename(temporary.c_str(), pidfile_path.c_str()) != 0) fatal("failed to rename \"{}\" to \"{}\" ({})", temporary, pidfile_path, errno_text(errno));
  pidfile = std::move(fd);  // holds the lock
  pidfile_at_exit = {pidfile_path, getpid()};
  static const int registered [[maybe_unused]] = atexit([] { pidfile_at_exit.remove(); });
}

void Daemon::take_signals(Loop& loop) {
  for (int signo : {SIGTERM, SIGINT}) {
    struct sigaction before {};
    if (sigaction(signo, nullptr, &before) == 0 && before.sa_handler == SIG_IGN) continue;
    loop.on_signal(signo, [&loop, signo] {
      signal_log.warn("terminating with signal {} ({})", signo, strsignal(signo));
      loop.stop();
    });
  }
  loop.on_signal(SIGHUP, [] { (void)log_reopen(); });
}

void Daemon::ready() {
  if (impl_->ready_pipe) {
    write_all(impl_->ready_pipe.get(), "\n");
    impl_->ready_pipe.reset();
  }
  notify_service_manager();
  impl_->leave_terminal();
}

void Daemon::Impl::leave_terminal() {
  if (!options.detach) return;
  if (!options.no_chdir && chdir("/") != 0) log.warn("chdir to / failed");
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0) return;
  dup2(null, STDIN_FILENO);
  if (!keep_stdout) dup2(null, STDOUT_FILENO);
  if (!keep_stderr) dup2(null, STDERR_FILENO);
  close(null);
}

void Daemon::keep_stderr() { impl_->keep_stderr = true; }
void Daemon::keep_stdout() { impl_->keep_stdout = true; }

std::optional<std::string> Daemon::unixctl_path() const {
  const auto& wanted = impl_->options.unixctl;
  if (!wanted) return unixctl_default_path(impl_->directories.run);
  if (*wanted == "none") return std::nullopt;
  return resolve_path(impl_->directories.run, *wanted);
}

void Daemon::finish() {
  pidfile_at_exit.remove();
  impl_->pidfile.reset();
}

std::expected<int, std::string> read_pidfile(const std::string& path) {
  auto pid = pidfile_holder(path);
  if (pid) return *pid;
  if (pid.error() != ESRCH) log.warn("{}: open: {}", path, errno_text(pid.error()));
  return std::unexpected(fmt::format("cannot read pidfile \"{}\" ({})", path, errno_text(pid.error())));
}

}  // namespace sluice
