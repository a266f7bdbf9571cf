// SPDX-License-Identifier: Apache-2.0
// Testbed: a database daemon and a switch daemon, in a directory of their own, for one scenario; with test devices and stopped time, or (World) with veth pairs
// in a network namespace of this process's own and the machine's time.
// The destructor ends everything that was started in it; the directory stays, it is its maker's.
#pragma once

#include <sys/types.h>

#include <expected>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/bytes.h"
#include "lib/time.h"
#include "utilities/sluice/wires.h"

namespace sluice::cli {

/// Where the programs are that a scenario uses.
struct Programs {
  std::string directory;  // with the programs by Open vSwitch's names; before all others on PATH
  std::string schema;     // vswitch.ovsschema
  bool of_ovs = false;    // the installed Open vSwitch instead of Sluice
};
/// Those that belong to the running program: in ../compat of a build, or where they are installed.  The error says where they were looked for.
std::expected<Programs, std::string> own_programs();
Programs ovs_programs();

struct ShellResult {
  int status = 0;  // as a shell counts: 128 + N for a signal
  std::string out, err;
};

/// What the ports of a scenario are, and by which datapath the switch forwards.
enum class World {
  kTest,    // test devices, stopped time
  kUser,    // veth pairs, the userspace datapath
  kKernel,  // veth pairs, openvswitch.ko
};

struct TestbedOptions {
  Programs programs;
  std::string directory, scenario_directory;  // absolute; the latter is what $SCENARIO_DIR is in commands
  World world = World::kTest;
  std::set<std::string> devices, own_ports;   // not kTest: those to make, and those that the switch makes
};

class Testbed {
 public:
  static std::expected<std::unique_ptr<Testbed>, std::string> start(TestbedOptions options);
  ~Testbed();
  Testbed(const Testbed&) = delete;
  Testbed& operator=(const Testbed&) = delete;

  const std::string& directory() const { return options_.directory; }
  /// Times and what depends on them are as a scenario says, to the digit.
  bool is_exact() const { return options_.world == World::kTest; }
  /// Runs a command by sh -c, with `input` as its standard input.  The error: it did not end in time.
  std::expected<ShellResult, std::string> shell(const std::string& command, std::string_view input = {});
  /// A command to the switch daemon's control socket.
  std::expected<std::string, std::string> control(std::string_view command, std::vector<std::string> args);
  /// Time passes.
  std::expected<void, std::string> warp(Duration total);
  /// Frames come in at a port.
  std::expected<void, std::string> receive(const std::string& port, std::span<const Bytes> frames);
  /// What was sent since the last call, in order.
  std::expected<std::vector<SentFrame>, std::string> sent();
  /// kKernel: whether Datapath.capabilities says so.
  bool kernel_has(const std::string& capability);
  /// Ends the daemons in order.  The error: one of them ended badly, now or before.
  std::expected<void, std::string> stop();
  /// What a daemon that isn't alive any more died of.
  std::optional<std::string> death();

 private:
  struct Daemon {
    std::string name;
    pid_t pid = -1;
    bool ended = false;
  };
  explicit Testbed(TestbedOptions options);
  std::expected<void, std::string> start_all();
  std::expected<void, std::string> start_daemon(Daemon& daemon, std::vector<std::string> options);
  std::expected<void, std::string> await_socket(Daemon& daemon, const std::string& path);
  std::string obituary(const Daemon& daemon, int status) const;
  std::expected<void, std::string> make_wires();
  std::vector<std::string> switch_options() const;
  std::expected<std::vector<SentFrame>, std::string> captured();
  std::expected<std::vector<SentFrame>, std::string> arrived();

  TestbedOptions options_;
  std::vector<std::string> environment_;
  Daemon database_{.name = "ovsdb-server"}, switch_{.name = "ovs-vswitchd"};
  std::map<std::string, size_t> captures_;  // of_ovs: ports whose frames go to PORT.sent.pcap, and how many of them were seen
  Wires wires_;
};

}  // namespace sluice::cli
