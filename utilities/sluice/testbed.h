// SPDX-License-Identifier: Apache-2.0
// Testbed: a database daemon and a switch daemon with dummy devices and stopped time, in a directory of their own, for one scenario.
// The destructor ends everything that was started in it; the directory stays, it is its maker's.
#pragma once

#include <sys/types.h>

#include <expected>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/bytes.h"
#include "lib/time.h"

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

struct SentFrame {
  std::string port;
  Bytes frame;
};

class Testbed {
 public:
  /// scenario_directory: what $SCENARIO_DIR is in commands.  Both paths absolute.
  static std::expected<std::unique_ptr<Testbed>, std::string> start(const Programs& programs, const std::string& directory,
                                                                    const std::string& scenario_directory);
  ~Testbed();
  Testbed(const Testbed&) = delete;
  Testbed& operator=(const Testbed&) = delete;

  const std::string& directory() const { return directory_; }
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
  Testbed(const Programs& programs, std::string directory, const std::string& scenario_directory);
  std::expected<void, std::string> start_all();
  std::expected<void, std::string> start_daemon(Daemon& daemon, std::vector<std::string> options);
  std::expected<void, std::string> await_socket(Daemon& daemon, const std::string& path);
  std::string obituary(const Daemon& daemon, int status) const;
  std::expected<std::vector<SentFrame>, std::string> captured();

  Programs programs_;
  std::string directory_;
  std::vector<std::string> environment_;
  Daemon database_{.name = "ovsdb-server"}, switch_{.name = "ovs-vswitchd"};
  std::map<std::string, size_t> captures_;  // of_ovs: ports whose frames go to PORT.sent.pcap, and how many of them were seen
};

}  // namespace sluice::cli
