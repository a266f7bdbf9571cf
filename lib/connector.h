// SPDX-License-Identifier: Apache-2.0
// An active client: keeps a connection to one of its targets up, with backoff and probes (Reconnect), resolving names without blocking the loop.
//
// It owns the Connection and its on_open and on_close; the user sets on_data and on_drained in on_connected, and drops what refers to the connection
// in on_disconnected.  With several targets it tries them in turn, starting with the first; backoff only after all of them have failed.
// May be destroyed in its callbacks.  Threads: the loop's (name look-ups run in a thread of their own).
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lib/connection.h"
#include "lib/reconnect.h"
#include "lib/target.h"

namespace sluice {

class Connector {
 public:
  struct Options {
    Duration min_backoff = kDefaultMinBackoff;
    Duration max_backoff = kDefaultMaxBackoff;
    Duration probe_interval = kDefaultProbeInterval;  // 0: never.  Unix sockets are not probed in any case.
    TlsContext* tls = nullptr;                        // for ssl: targets
    int dscp = 0;
  };
  struct Handlers {
    Callback<void(Connection&)> on_connected;
    Callback<void(std::string_view reason)> on_disconnected;  // only after on_connected
    Callback<void(Connection&)> probe;                        // send something that the peer must answer
    Callback<void(std::string_view)> log;                     // "tcp:1.2.3.4:6640: connecting...", may be empty
  };
  Connector(Loop& loop, std::vector<Target> targets, Options options, Handlers handlers);
  ~Connector();
  Connector(const Connector&) = delete;
  Connector& operator=(const Connector&) = delete;

  void set_options(const Options& options);
  void force_reconnect();
  /// Drop this target now and go on with the next (a follower of a cluster, a server without the database).
  void next_target(std::string reason);

  Connection* connection();  // nullptr unless connected
  const Reconnect& state() const;
  const Target& target() const;  // the one in use or tried last
  /// For status columns: state, last_error, sec_since_connect, sec_since_disconnect (the last three once they have a meaning).
  std::map<std::string, std::string> status(Time now) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice
