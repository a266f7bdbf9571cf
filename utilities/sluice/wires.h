// SPDX-License-Identifier: Apache-2.0
// Wires: real devices for the ports of one scenario.  Each is a veth pair; the switch gets one end, this object has a packet socket at the other ("NAME~").
// A bridge's own port has no other end: the socket is at the port itself, in the host's place.  All of it is in a network namespace that this process and
// its children have for themselves, and ends with them.
#pragma once

#include <expected>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "lib/bytes.h"
#include "lib/files.h"

namespace sluice::cli {

struct SentFrame {
  std::string port;
  Bytes frame;
};

/// This process, which must have one thread, and its children get a network namespace in which nothing talks by itself; a user namespace too if it is
/// not root's.  The error says what is missing.
std::expected<void, std::string> enter_network_namespace();

class Wires {
 public:
  /// Input of `ip -batch` that makes the pairs.
  static std::string recipe(const std::set<std::string>& devices);
  /// Opens the far ends of `devices`.
  std::expected<void, std::string> open(const std::set<std::string>& devices);
  /// A bridge's own port: opened as soon as the device is there, and again if it is another one now.
  void open_own(const std::string& port);
  std::expected<void, std::string> send(const std::string& port, ByteView frame);
  /// Appends what came out of the ports since the last call; false if nothing did.
  bool collect(std::vector<SentFrame>& out);

 private:
  struct End { UniqueFd fd; unsigned ifindex = 0; };
  static std::expected<End, std::string> attach(const std::string& device);
  std::map<std::string, End> ends_;  // by port
};

}  // namespace sluice::cli
