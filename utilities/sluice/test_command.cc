// SPDX-License-Identifier: Apache-2.0
// The parent parses, starts up to N workers (fork), collects what they report through a memory file each, and removes their directories.
// A worker is the one that starts daemons; it dies with the parent, and they with it.
#include "utilities/sluice/test_command.h"

#include <fmt/core.h>
#include <getopt.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <optional>

#include "lib/files.h"
#include "lib/program.h"
#include "utilities/sluice/accept.h"
#include "utilities/sluice/child.h"
#include "utilities/sluice/junit.h"
#include "utilities/sluice/player.h"
#include "utilities/sluice/reality.h"
#include "utilities/sluice/scenario.h"
#include "utilities/sluice/testbed.h"

namespace sluice::cli {
namespace {

namespace fs = std::filesystem;

constexpr int kUsageStatus = 2;
constexpr int kSkipStatus = 77;  // of a worker
constexpr int kMaxJobs = 256;
constexpr size_t kMaxFile = size_t{64} << 20;

struct Arguments {
  Programs programs;
  World world = World::kTest;
  std::vector<std::string> files;
  std::string junit;
  int jobs = 1;
  bool keep = false, accept = false, quiet = false, check = false;
};

/// One file on its way: waiting, running (pid > 0), done (result).
struct Job {
  std::string text;
  std::optional<Scenario> scenario;
  TestResult result;
  std::string directory;
  UniqueFd report;
  pid_t pid = -1;
  bool done = false;
};

std::string usage() {
  return fmt::format(
      "{0} test: replays scenarios against a switch of their own, in virtual time, unprivileged\n"
      "usage: {0} test [OPTIONS] FILE...\n"
      "Exit status: 0 all passed, 1 some failed, 2 the command line was wrong.\n\n"
      "Options:\n"
      "  -j, --jobs=N      run N scenarios at the same time (default: 1)\n"
      "  --junit=FILE      write the results to FILE in JUnit's format\n"
      "  --check           only check that the files are well formed\n"
      "  --accept          write what commands print into the scenarios where it differs\n"
      "  --keep            leave the directories of scenarios (database, logs) and say where they are\n"
      "  --ovs             run against the installed Open vSwitch instead of Sluice\n"
      "  --datapath=NAME   with real devices, in real time: veth pairs on the userspace datapath (\"netdev\")\n"
      "                    or on the kernel's (\"system\"), in a network namespace; packets and exit statuses\n"
      "                    are compared; scenarios without packets, or that need more than {2} s of time\n"
      "                    or test devices, are skipped\n"
      "  -q, --quiet       only print failures\n"
      "  -h, --help        display this help message\n\n{1}",
      program_name(), scenario_help(), to_seconds(kMaxRealTime));
}

int parse_jobs(const char* text) {
  char* end = nullptr;
  long n = strtol(text, &end, 10);
  if (*end || n < 1 || n > kMaxJobs) fatal_exit(kUsageStatus, fmt::format("{}: a number of jobs is 1 to {}", text, kMaxJobs));
  return static_cast<int>(n);
}

World parse_world(std::string_view name) {
  if (name == "netdev") return World::kUser;
  if (name == "system") return World::kKernel;
  fatal_exit(kUsageStatus, fmt::format("{}: a datapath is \"netdev\" or \"system\"", name));
}

Arguments parse_arguments(int argc, char** argv) {
  enum { kJunit = 256, kKeep, kAccept, kOvs, kCheck, kDatapath };
  static constexpr option kOptions[] = {{"jobs", required_argument, nullptr, 'j'}, {"junit", required_argument, nullptr, kJunit},
                                        {"keep", no_argument, nullptr, kKeep},     {"accept", no_argument, nullptr, kAccept},
                                        {"ovs", no_argument, nullptr, kOvs},       {"check", no_argument, nullptr, kCheck},
                                        {"datapath", required_argument, nullptr, kDatapath},
                                        {"quiet", no_argument, nullptr, 'q'},      {"help", no_argument, nullptr, 'h'},
                                        {nullptr, 0, nullptr, 0}};
  Arguments a;
  bool ovs = false;
  for (int c; (c = getopt_long(argc, argv, "j:qh", kOptions, nullptr)) != -1;) {
    switch (c) {
      case 'j': a.jobs = parse_jobs(optarg); break;
      case kJunit: a.junit = optarg; break;
      case kKeep: a.keep = true; break;
      case kAccept: a.accept = true; break;
      case kOvs: ovs = true; break;
      case kCheck: a.check = true; break;
      case kDatapath: a.world = parse_world(optarg); break;
      case 'q': a.quiet = true; break;
      case 'h': print(usage()); std::exit(0);
      default: std::exit(kUsageStatus);
    }
  }
  for (int i = optind; i < argc; i++) a.files.emplace_back(argv[i]);
  if (a.files.empty()) fatal_exit(kUsageStatus, "at least one scenario is required; use \"test --help\" for help");
  if (ovs) {
    a.programs = ovs_programs();
  } else if (!a.check) {
    auto programs = own_programs();
    if (!programs) fatal_exit(kUsageStatus, programs.error());
    a.programs = *programs;
  }
  return a;
}

Job load(const std::string& path, World world) {
  Job job;
  auto text = read_file(path, kMaxFile);
  if (!text) fatal_exit(kUsageStatus, fmt::format("{}: {} failed ({})", path, text.error().what, errno_text(text.error().error)));
  job.text = std::move(*text);
  job.result.path = path;
  auto scenario = parse_scenario(path, job.text);
  if (scenario) {
    job.result.title = scenario->title;
    if (world != World::kTest) job.result.skipped = needs_test_world(*scenario).value_or("");
    job.done = !job.result.skipped.empty();
    job.scenario = std::move(*scenario);
    return job;
  }
  for (const ScenarioError& e : scenario.error()) job.result.report += fmt::format("{}:{}: {}\n", path, e.line, e.text);
  job.result.failed = job.done = true;
  return job;
}

std::string format_failures(const std::string& path, const std::vector<Failure>& failures) {
  std::string out;
  for (const Failure& f : failures) {
    auto lines = split_lines(f.text);
    out += f.line ? fmt::format("{}:{}: ", path, f.line) : path + ": ";
    for (size_t i = 0; i < lines.size(); i++) out += fmt::format("{}{}\n", i ? "    " : "", lines[i]);
  }
  return out;
}

/// In the worker.
std::string skip_worker(const Job& job, const std::string& why) {
  write_all(job.report.get(), why);
  end_descendants();
  _exit(kSkipStatus);
}

/// In the worker: plays the scenario; the failures' text.
std::string play(const Arguments& a, const Job& job) {
  std::error_code error;
  std::string path = fs::absolute(job.result.path, error).string();
  std::string directory = fs::path(path).parent_path().string();
  TestbedOptions options{.programs = a.programs, .directory = job.directory, .scenario_directory = directory, .world = a.world};
  options.devices = devices_to_make(*job.scenario);
  std::ranges::set_difference(mentioned_ports(*job.scenario), options.devices, std::inserter(options.own_ports, options.own_ports.end()));
  auto bed = Testbed::start(std::move(options));
  if (!bed) return format_failures(job.result.path, {{0, bed.error()}});
  if (a.world == World::kKernel)
    for (const std::string& need : kernel_needs(*job.scenario))
      if (!(*bed)->kernel_has(need)) return skip_worker(job, fmt::format("this kernel has no {}", need));
  Player player(*job.scenario, directory, **bed);
  player.play();
  auto failures = player.failures();
  if (auto ended = (*bed)->stop(); !ended) failures.push_back({0, ended.error()});
  if (a.accept && !player.new_outputs().empty())
    if (auto written = replace_file(path, accept_outputs(job.text, player.new_outputs())); !written)
      failures.push_back({0, fmt::format("{}: {} failed\n", path, written.error().what)});
  return format_failures(job.result.path, failures);
}

std::string make_directory() {
  const char* base = getenv("TMPDIR");
  std::string path = fmt::format("{}/sluice-XXXXXX", base && *base ? base : "/tmp");
  if (!mkdtemp(path.data())) fatal_exit(kUsageStatus, fmt::format("{}: no directory could be made ({})", path, errno_text(errno)));
  return path;
}

void start(const Arguments& a, Job& job) {
  job.directory = make_directory();
  job.report.reset(memfd_create("report", MFD_CLOEXEC));
  pid_t parent = getpid();
  job.pid = fork();
  if (job.pid < 0) fatal_exit(kUsageStatus, "no process could be started");
  if (job.pid > 0) return;
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent) _exit(1);
  adopt_orphans();
  std::string report = play(a, job);
  end_descendants();
  write_all(job.report.get(), report);
  _exit(report.empty() ? 0 : 1);
}

void collect(const Arguments& a, Job& job, int status) {
  job.done = true;
  job.result.report = read_file(fmt::format("/proc/self/fd/{}", job.report.get())).value_or("");
  if (WIFSIGNALED(status)) job.result.report += fmt::format("{}: the runner itself was {}\n", job.result.path, status_text(status));
  job.result.failed = status != 0;
  if (WIFEXITED(status) && WEXITSTATUS(status) == kSkipStatus) job.result.skipped.swap(job.result.report), job.result.failed = false;
  // The directory's name differs from run to run, and what is printed must not.
  for (size_t at; (at = job.result.report.find(job.directory)) != std::string::npos;) job.result.report.replace(at, job.directory.size(), "DIR");
  std::error_code error;
  if (!a.keep) fs::remove_all(job.directory, error);
}

void show(const Arguments& a, const Job& job) {
  const TestResult& r = job.result;
  std::string name = r.title.empty() ? r.path : fmt::format("{}: {}", r.path, r.title);
  if (r.failed) print(fmt::format("FAIL  {}\n{}", name, r.report));
  else if (!r.skipped.empty()) print(fmt::format("skip  {} ({})\n", name, r.skipped));
  else if (!a.quiet) print(fmt::format("ok    {}\n", name));
  if (a.keep && !job.directory.empty()) fmt::print(stderr, "{} is in {}\n", r.path, job.directory);
  std::fflush(stdout);
}

/// Runs all jobs, at most a.jobs at a time, and shows each when those before it are shown.
void run_all(const Arguments& a, std::vector<Job>& jobs) {
  size_t next = 0, shown = 0;
  int running = 0;
  while (shown < jobs.size()) {
    while (next < jobs.size() && running < a.jobs && !interrupted()) {
      Job& job = jobs[next++];
      if (job.done) continue;
      if (a.check) job.done = true;
      else start(a, job), running++;
    }
    while (shown < jobs.size() && jobs[shown].done) show(a, jobs[shown++]);
    if (!running) {
      if (interrupted()) return;
      continue;
    }
    int status = 0;
    pid_t pid = waitpid(-1, &status, 0);
    if (pid < 0 && interrupted())  // tell the workers and wait on
      for (Job& j : jobs)
        if (j.pid > 0 && !j.done) kill(j.pid, SIGTERM);
    for (Job& j : jobs)
      if (pid > 0 && j.pid == pid) collect(a, j, status), running--;
  }
}

}  // namespace

int test_command(int argc, char** argv) {
  Arguments a = parse_arguments(argc, argv);
  std::vector<Job> jobs;
  for (const std::string& path : a.files) jobs.push_back(load(path, a.world));
  catch_interrupts();
  run_all(a, jobs);
  std::vector<TestResult> results;
  size_t failed = 0, skipped = 0;
  for (const Job& j : jobs) {
    results.push_back(j.result);
    failed += j.result.failed || !j.done;
    skipped += !j.result.skipped.empty();
  }
  std::string of_skipped = skipped ? fmt::format(", {} skipped", skipped) : "";
  std::string_view noun = jobs.size() == 1 ? "scenario" : "scenarios";
  if (failed || !a.quiet) print(failed ? fmt::format("{} of {} {} failed{}\n", failed, jobs.size(), noun, of_skipped) : fmt::format("{} {} passed{}\n", jobs.size() - skipped, noun, of_skipped));
  if (!a.junit.empty())
    if (auto written = replace_file(a.junit, format_junit(results)); !written)
      fatal_exit(kUsageStatus, fmt::format("{}: {} failed ({})", a.junit, written.error().what, errno_text(written.error().error)));
  if (interrupted()) return 1;
  return failed ? 1 : 0;
}

}  // namespace sluice::cli
