// SPDX-License-Identifier: Apache-2.0
// The control socket that ovs-appctl talks to (spec/unixctl.md): JSON-RPC over a unix stream socket, one request at a time a connection.
//
// Built in: help, list-commands, version, and set-options (output format of this connection).  The server is one thread's; the client blocks.
#pragma once

#include <climits>
#include <expected>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/json.h"
#include "lib/loop.h"

namespace sluice {

namespace unixctl_internal {
struct Session;
}

/// The right and duty to answer one command; may be kept and used later.  If it dies unused, the client gets an empty answer.
class UnixctlReply {
 public:
  explicit UnixctlReply(std::weak_ptr<unixctl_internal::Session> session) : session_(std::move(session)), open_(true) {}
  UnixctlReply(UnixctlReply&& other) noexcept : session_(std::move(other.session_)), open_(std::exchange(other.open_, false)) {}
  UnixctlReply& operator=(UnixctlReply&& other) noexcept;
  ~UnixctlReply();
  void ok(std::string_view text);
  void error(std::string_view text);
  /// For commands that can answer in JSON: call it if wants_json(), else ok().
  void json(const Json& value);
  bool wants_json() const;

 private:
  void finish(const Json& value, bool is_error);
  std::weak_ptr<unixctl_internal::Session> session_;
  bool open_ = false;
};

using UnixctlArgs = std::span<const std::string>;  // without the command's name
using UnixctlText = std::expected<std::string, std::string>;

class UnixctlServer {
 public:
  using Handler = std::move_only_function<void(UnixctlArgs args, UnixctlReply reply)>;
  /// A server that listens nowhere (--unixctl=none) still has a command table: call() works.
  explicit UnixctlServer(Loop& loop);
  ~UnixctlServer();
  UnixctlServer(const UnixctlServer&) = delete;
  UnixctlServer& operator=(const UnixctlServer&) = delete;

  /// Binds PATH.  The error is fit for fatal().
  std::expected<void, std::string> listen(const std::string& path);
  const std::string& path() const;

  /// `usage` is the text behind the name in list-commands ("[bridge]").  max INT_MAX: any number.  A second add of the same name replaces.
  void add(std::string name, std::string usage, int min_args, int max_args, Handler handler);
  /// The same for commands that answer at once.
  void add_text(std::string name, std::string usage, int min_args, int max_args, std::move_only_function<UnixctlText(UnixctlArgs)> fn);
  void remove(std::string_view name);

  /// Runs a command without a socket (tests, scenarios): checks the arguments as for a client.  The handler must answer at once.
  UnixctlText call(std::string_view name, UnixctlArgs args);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// The default path: RUNDIR/PROGRAM.PID.ctl.
std::string unixctl_default_path(std::string_view run_dir);

/// What a server answered: `text` for display, or an error text.
struct UnixctlAnswer {
  bool is_error = false;
  std::string text;
};
/// Blocking client: connects to the socket, runs the command, waits for the answer.  The error says why there was none.
std::expected<UnixctlAnswer, std::string> unixctl_call(const std::string& path, std::string_view command, UnixctlArgs args,
                                                       bool json_format = false, bool pretty = false);
/// The socket of a target as ovs-appctl's -t takes it: a path, or a daemon's name whose pidfile lies in run_dir.
std::expected<std::string, std::string> unixctl_target_path(std::string_view target, std::string_view run_dir);

}  // namespace sluice
