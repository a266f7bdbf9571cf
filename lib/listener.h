// SPDX-License-Identifier: Apache-2.0
// A passive socket (ptcp:, pssl:, punix:, ws:, wss:) that hands over the connections it accepts.  A unix socket replaces a stale file and is unlinked when closed.
// TLS connections are handed over before their handshake; no data comes from them until it is done, and on_open tells.
// Threads: the loop's.  May be destroyed in its own callback.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <string>

#include "lib/connection.h"

namespace sluice {

inline constexpr int kListenBacklog = 4096;
inline constexpr int kAcceptsPerIteration = 64;  // so that a storm of connections does not hold up everything else

struct ListenError {
  int error = 0;
  std::string text;  // "Address already in use": what follows "listen failed: " in the peer's words
};

class Listener {
 public:
  using Accept = Callback<void(std::unique_ptr<Connection>)>;
  struct Options {
    TlsContext* tls = nullptr;  // for pssl: and wss:
    WebSocketContext* web = nullptr;  // for ws: and wss:
    mode_t unix_mode = 0770;    // of the socket file, less the umask: as a rule 0750, as the peer's
    int dscp = 0;
  };
  static std::expected<std::unique_ptr<Listener>, ListenError> listen(Loop& loop, const Target& target, Accept accept, Options options);
  static std::expected<std::unique_ptr<Listener>, ListenError> listen(Loop& loop, const Target& target, Accept accept) {
    return listen(loop, target, std::move(accept), Options());
  }
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  const Target& target() const;
  uint16_t bound_port() const;  // 0 for a unix socket

 private:
  struct Impl;
  explicit Listener(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice
