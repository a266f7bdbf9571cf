// SPDX-License-Identifier: Apache-2.0
#include "utilities/sluice/testbed.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "datapath/odp_text.h"
#include "datapath/pcap_file.h"
#include "lib/files.h"
#include "lib/text.h"
#include "lib/unixctl.h"
#include "utilities/sluice/child.h"
#include "utilities/sluice/packet_text.h"
#include "utilities/sluice/text_expectation.h"

namespace sluice::cli {
namespace {

namespace fs = std::filesystem;

constexpr Duration kStartLimit = seconds(30);
constexpr Duration kCommandLimit = seconds(30);
constexpr Duration kEndGrace = seconds(5);
constexpr Duration kPollStep = milliseconds(1);
constexpr size_t kFramesPerCall = 64;
constexpr int64_t kWarpSteps = 1000;  // of one passing of time: timers come at most a thousandth of it late
constexpr int64_t kOvsWarpSteps = 20;  // Open vSwitch sleeps for 10 ms at each
constexpr int kQuietTurns = 3;              // with real devices: so often is nothing sent by a switch that is done,
constexpr Duration kQuietStep = milliseconds(4);  // so long apart
constexpr size_t kLogTail = 10;       // lines of a dead daemon's log

bool can_connect(const std::string& path) {
  UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  if (path.size() >= sizeof address.sun_path) return false;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
}

std::string tail(const std::string& path, std::string_view indent) {
  auto text = read_file(path);
  if (!text) return "";
  auto lines = split_lines(*text);
  std::string out;
  for (size_t i = lines.size() > kLogTail ? lines.size() - kLogTail : 0; i < lines.size(); i++) out += fmt::format("{}{}\n", indent, lines[i]);
  return out;
}

UniqueFd create(const std::string& path) { return UniqueFd(open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)); }

std::vector<std::string> make_environment(const Programs& programs, const std::string& directory, const std::string& scenario_directory) {
  std::vector<std::string> out;
  std::string path;
  for (char** e = environ; *e; e++) {
    std::string_view v = *e;
    if (v.starts_with("PATH=")) path = v.substr(5);
    else if (!v.starts_with("OVS_") && !v.starts_with("LC_") && !v.starts_with("LANG") && !v.starts_with("TZ=")) out.emplace_back(v);
  }
  out.push_back(fmt::format("PATH={}:{}:/usr/sbin:/sbin", programs.directory, path));
  for (const char* name : {"OVS_RUNDIR", "OVS_LOGDIR", "OVS_DBDIR", "OVS_SYSCONFDIR"}) out.push_back(fmt::format("{}={}", name, directory));
  out.push_back("OVS_PKGDATADIR=" + fs::path(programs.schema).parent_path().string());
  out.push_back("SCENARIO_DIR=" + scenario_directory);
  for (const char* fixed : {"SLUICE_HASH_SEED=1", "LC_ALL=C", "TZ=UTC", "OVS_USER_ID="}) out.emplace_back(fixed);
  return out;
}

}  // namespace

std::expected<Programs, std::string> own_programs() {
  std::error_code error;
  fs::path here = fs::read_symlink("/proc/self/exe", error).parent_path();
  std::string tried;
  for (const char* place : {"../compat", "../libexec/sluice/compat", "../lib/sluice/compat"}) {
    fs::path dir = (here / place).lexically_normal();
    tried += (tried.empty() ? "" : ", ") + dir.string();
    if (!fs::exists(dir / "ovs-vswitchd", error)) continue;
    for (const fs::path& schema : {dir / "vswitch.ovsschema", (here / "../share/sluice/vswitch.ovsschema").lexically_normal()})
      if (fs::exists(schema, error)) return Programs{dir.string(), schema.string()};
    return std::unexpected(fmt::format("{}: no vswitch.ovsschema there", dir.string()));
  }
  return std::unexpected(fmt::format("the programs to test are not in {}", tried));
}

Programs ovs_programs() { return {.directory = "/usr/sbin:/usr/bin", .schema = "/usr/share/openvswitch/vswitch.ovsschema", .of_ovs = true}; }

Testbed::Testbed(TestbedOptions options)
    : options_(std::move(options)), environment_(make_environment(options_.programs, options_.directory, options_.scenario_directory)) {}

std::expected<std::unique_ptr<Testbed>, std::string> Testbed::start(TestbedOptions options) {
  std::unique_ptr<Testbed> bed(new Testbed(std::move(options)));
  if (auto ok = bed->start_all(); !ok) return std::unexpected(ok.error());
  return bed;
}

Testbed::~Testbed() {
  for (Daemon* d : {&switch_, &database_})
    if (d->pid > 0 && !d->ended) end_child(d->pid, kEndGrace);
}

std::expected<void, std::string> Testbed::start_all() {
  auto created = shell(fmt::format("ovsdb-tool create '{}/conf.db' '{}'", options_.directory, options_.programs.schema));
  if (!created) return std::unexpected(created.error());
  if (created->status) return std::unexpected("no database could be made: " + created->err);
  if (auto ok = start_daemon(database_, {options_.directory + "/conf.db", "--remote=punix:" + options_.directory + "/db.sock",
                                         "--remote=db:Open_vSwitch,Open_vSwitch,manager_options"});
      !ok)
    return ok;
  if (auto ok = await_socket(database_, options_.directory + "/db.sock"); !ok) return ok;
  if (auto ok = make_wires(); !ok) return ok;
  if (auto ok = start_daemon(switch_, switch_options()); !ok) return ok;
  auto init = shell("ovs-vsctl --no-wait init");  // while the switch starts
  if (!init) return std::unexpected(init.error());
  if (init->status) return std::unexpected("the database could not be initialised: " + init->err);
  if (auto ok = await_socket(switch_, fmt::format("{}/ovs-vswitchd.{}.ctl", options_.directory, switch_.pid)); !ok) return ok;
  if (!is_exact()) return {};
  if (auto stopped = control("time/stop", {}); !stopped) return std::unexpected(stopped.error());
  if (options_.programs.of_ovs) return {};
  if (auto recording = sent(); !recording) return std::unexpected(recording.error());
  return {};
}

std::vector<std::string> Testbed::switch_options() const {
  std::vector<std::string> out = {"unix:" + options_.directory + "/db.sock"};
  if (options_.world == World::kTest) out.insert(out.end(), {"--enable-dummy=override", "--disable-system"});
  if (options_.world == World::kUser) out.emplace_back("--disable-system");  // bridges fall back to the userspace datapath
  return out;
}

std::expected<void, std::string> Testbed::make_wires() {
  if (is_exact()) return {};
  if (auto ok = enter_network_namespace(); !ok) return ok;
  auto made = shell("ip -batch -", Wires::recipe(options_.devices));
  if (!made) return std::unexpected(made.error());
  if (made->status) return std::unexpected("no veth pairs could be made: " + made->err);
  return wires_.open(options_.devices);
}

std::expected<void, std::string> Testbed::start_daemon(Daemon& daemon, std::vector<std::string> options) {
  UniqueFd log = create(fmt::format("{}/{}.err", options_.directory, daemon.name));
  ChildOptions child{.argv = {daemon.name}, .environment = environment_, .directory = options_.directory, .out = log.get(), .err = log.get()};
  child.argv.insert(child.argv.end(), options.begin(), options.end());
  for (const std::string& o : {std::string("--no-chdir"), fmt::format("--pidfile={}/{}.pid", options_.directory, daemon.name),
                               fmt::format("--log-file={}/{}.log", options_.directory, daemon.name), std::string("-vconsole:off")})
    child.argv.push_back(o);
  // execvpe() searches the PATH of the caller, not that of the new environment: name the program whole.
  std::string_view directories = options_.programs.directory;
  while (!directories.empty()) {
    std::string path = fmt::format("{}/{}", directories.substr(0, directories.find(':')), daemon.name);
    if (access(path.c_str(), X_OK) == 0) {
      child.argv[0] = path;
      break;
    }
    size_t next = directories.find(':');
    directories = next == directories.npos ? "" : directories.substr(next + 1);
  }
  daemon.pid = start_child(child);
  if (daemon.pid < 0) return std::unexpected(fmt::format("{} could not be started", daemon.name));
  return {};
}

std::expected<void, std::string> Testbed::await_socket(Daemon& daemon, const std::string& path) {
  for (Duration waited{}; !can_connect(path); waited += kPollStep) {
    if (auto status = wait_child(daemon.pid, kPollStep)) {
      daemon.ended = true;
      return std::unexpected(obituary(daemon, *status));
    }
    if (interrupted()) return std::unexpected("interrupted");
    if (waited > kStartLimit) return std::unexpected(fmt::format("{} does not listen at {}", daemon.name, path));
  }
  return {};
}

std::string Testbed::obituary(const Daemon& daemon, int status) const {
  std::string out = fmt::format("{} ended: {}\n", daemon.name, status_text(status));
  out += tail(fmt::format("{}/{}.err", options_.directory, daemon.name), "  ");
  return out + tail(fmt::format("{}/{}.log", options_.directory, daemon.name), "  ");
}

std::optional<std::string> Testbed::death() {
  for (Daemon* d : {&switch_, &database_}) {
    if (d->ended) continue;
    if (auto status = wait_child(d->pid, Duration::zero())) {
      d->ended = true;
      return obituary(*d, *status);
    }
  }
  return std::nullopt;
}

std::expected<void, std::string> Testbed::stop() {
  if (auto dead = death()) return std::unexpected(*dead);
  for (Daemon* d : {&switch_, &database_}) {
    if (d->ended) continue;
    int status = end_child(d->pid, kEndGrace);
    d->ended = true;
    // Those that don't catch SIGTERM die of it.
    bool by_us = WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM;
    if (status != 0 && !by_us) return std::unexpected(obituary(*d, status));
  }
  return {};
}

std::expected<ShellResult, std::string> Testbed::shell(const std::string& command, std::string_view input) {
  std::string out_path = options_.directory + "/.stdout", err_path = options_.directory + "/.stderr", in_path = options_.directory + "/.stdin";
  UniqueFd out = create(out_path), err = create(err_path), in = input.empty() ? UniqueFd() : create(in_path);
  if (in && (write_all(in.get(), input) || lseek(in.get(), 0, SEEK_SET) != 0)) return std::unexpected("no space for the standard input");
  pid_t pid = start_child({.argv = {"/bin/sh", "-c", command},
                           .environment = environment_,
                           .directory = options_.directory,
                           .in = in.get(),
                           .out = out.get(),
                           .err = err.get()});
  if (pid < 0) return std::unexpected("no process could be started");
  auto status = wait_child(pid, kCommandLimit);
  if (!status) {
    kill(-pid, SIGKILL);
    end_child(pid, Duration::zero());
    return std::unexpected(interrupted() ? "interrupted" : fmt::format("the command did not end within {} s", to_seconds(kCommandLimit)));
  }
  ShellResult result;
  result.status = WIFSIGNALED(*status) ? 128 + WTERMSIG(*status) : WEXITSTATUS(*status);
  result.out = read_file(out_path).value_or("");
  result.err = read_file(err_path).value_or("");
  // A process in the background may hold the files and write to them later: they must not be the next command's.
  unlink(out_path.c_str());
  unlink(err_path.c_str());
  return result;
}

bool Testbed::kernel_has(const std::string& capability) {
  // The row is there as long as there is a bridge.
  auto answer = shell(fmt::format("ovs-vsctl add-br probe && ovs-vsctl get datapath system capabilities:{} && ovs-vsctl del-br probe", capability));
  return answer && answer->out.find("true") != std::string::npos;
}

std::expected<std::string, std::string> Testbed::control(std::string_view command, std::vector<std::string> args) {
  auto answer = unixctl_call(fmt::format("{}/ovs-vswitchd.{}.ctl", options_.directory, switch_.pid), command, args);
  if (!answer) {
    auto dead = death();
    return std::unexpected(dead ? *dead : fmt::format("{}: {}", command, answer.error()));
  }
  if (answer->is_error) return std::unexpected(fmt::format("{}: {}", command, answer->text));
  return std::move(answer->text);
}

std::expected<void, std::string> Testbed::warp(Duration total) {
  if (!is_exact()) {
    usleep(static_cast<useconds_t>(total / std::chrono::microseconds(1)));
    return {};
  }
  int64_t step = std::max<int64_t>(1, to_ms(total) / (options_.programs.of_ovs ? kOvsWarpSteps : kWarpSteps));
  if (auto done = control("time/warp", {std::to_string(to_ms(total)), std::to_string(step)}); !done) return std::unexpected(done.error());
  return {};
}

std::expected<void, std::string> Testbed::receive(const std::string& port, std::span<const Bytes> frames) {
  if (!is_exact()) {
    for (const Bytes& f : frames)
      if (auto done = wires_.send(port, f); !done) return done;
    return {};
  }
  while (!frames.empty()) {
    std::vector<std::string> args = {port};
    for (const Bytes& f : frames.first(std::min(frames.size(), kFramesPerCall))) args.push_back(hex(f));
    frames = frames.subspan(args.size() - 1);
    if (auto done = control("netdev-dummy/receive", std::move(args)); !done) return std::unexpected(done.error());
  }
  return {};
}

std::expected<std::vector<SentFrame>, std::string> Testbed::sent() {
  if (!is_exact()) return arrived();
  if (options_.programs.of_ovs) return captured();
  auto text = control("netdev-dummy/sent", {});
  if (!text) return std::unexpected(text.error());
  std::vector<SentFrame> out;
  for (const std::string& line : split_lines(*text)) {
    size_t blank = line.find(' ');
    auto frame = blank == line.npos ? std::unexpected(std::string()) : parse_frame(std::string_view(line).substr(blank + 1));
    if (!frame) return std::unexpected(fmt::format("netdev-dummy/sent: \"{}\" is no frame", line));
    out.push_back({line.substr(0, blank), std::move(*frame)});
  }
  return out;
}

/// All that comes until the switch has gone through its loop some times with nothing more to send.
std::expected<std::vector<SentFrame>, std::string> Testbed::arrived() {
  for (const std::string& port : options_.own_ports) wires_.open_own(port);
  std::vector<SentFrame> out;
  for (int quiet = 0; quiet < kQuietTurns; quiet = wires_.collect(out) ? 0 : quiet + 1) {
    for (int turn = 0; turn < 2; turn++)
      if (auto answer = control("version", {}); !answer) return std::unexpected(answer.error());
    usleep(static_cast<useconds_t>(kQuietStep / std::chrono::microseconds(1)));
  }
  return out;
}

/// Open vSwitch's dummy devices write what they send to a capture file each, if told to; the order between ports is lost.
std::expected<std::vector<SentFrame>, std::string> Testbed::captured() {
  usleep(20'000);  // it answers before it is done
  std::vector<SentFrame> out;
  for (auto& [port, seen] : captures_) {
    auto frames = read_pcap(fmt::format("{}/{}.sent.pcap", options_.directory, port));
    if (!frames) continue;
    for (size_t i = seen; i < frames->size(); i++) out.push_back({port, (*frames)[i].bytes});
    seen = frames->size();
  }
  auto names = shell("ovs-vsctl --bare --columns=name find interface 'type!=patch'");
  if (!names || names->status) return out;
  for (const std::string& name : split_lines(names->out)) {
    if (name.empty() || captures_.contains(name)) continue;
    captures_[name] = 0;
    if (auto set = shell(fmt::format("ovs-vsctl set interface '{0}' 'options:tx_pcap={1}/{0}.sent.pcap'", name, options_.directory)); !set) return std::unexpected(set.error());
  }
  return out;
}

}  // namespace sluice::cli
