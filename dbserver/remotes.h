// SPDX-License-Identifier: Apache-2.0
// The sockets of a database server: for each remote a listener with its sessions, or a connector with one.  Driven by the loop; one thread.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dbserver/server.h"
#include "lib/connection.h"
#include "lib/connector.h"
#include "lib/json.h"
#include "lib/jsonrpc.h"
#include "lib/listener.h"
#include "lib/loop.h"
#include "lib/tls.h"

namespace sluice::ovsdb {

struct RemoteOptions {
  std::optional<Duration> probe_interval;  // nothing: 5 s, but never on unix sockets
  std::optional<Duration> max_backoff;
  int dscp = 0;
  bool read_only = false;
  std::string role;
  friend bool operator==(const RemoteOptions&, const RemoteOptions&) = default;
};
using RemoteMap = std::map<std::string, RemoteOptions>;

/// What the status columns of a remote's row say.
struct RemoteStatus {
  bool is_connected = false;
  std::map<std::string, std::string> status;
};

class Remotes {
 public:
  Remotes(Loop& loop, Server& server, TlsContext* tls, std::string run_dir);
  ~Remotes();

  /// Makes the open remotes be these: what is new is opened, what is gone is closed, what stays keeps its sessions, which have its new options at once.
  void set(const RemoteMap& wanted);
  /// By target, of those that could not be opened: they are tried again at the next set().
  const std::map<std::string, std::string>& errors() const { return errors_; }
  /// Closes all sessions; active ones connect again.
  void reconnect(std::string_view reason);
  RemoteStatus status(const std::string& target, Time now) const;
  size_t session_count() const;
  /// Which pages may be clients.
  WebSocketContext& web() { return web_; }
  /// Bytes waiting in the outputs of all sessions.
  size_t backlog() const;

 private:
  class Client;
  struct Remote;
  std::expected<std::unique_ptr<Remote>, std::string> open(const std::string& target, const RemoteOptions& options);
  Loop& loop_;
  Server& server_;
  TlsContext* tls_;
  WebSocketContext web_;
  std::string run_dir_;
  JsonArena arena_;
  SessionShares shares_{kMaxUnfinishedInput};
  std::map<std::string, std::unique_ptr<Remote>> remotes_;
  std::map<std::string, std::string> errors_;
};

}  // namespace sluice::ovsdb
