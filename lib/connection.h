// SPDX-License-Identifier: Apache-2.0
// A non-blocking byte stream over TCP, a unix socket, TLS or (accepted, JSON only) a WebSocket, with an output queue, driven by a Loop.
//
// Callbacks come from the loop only, never from within a call of a method: also fail() and a failing send() report through on_close later in the
// same iteration.  on_close comes once, and after it nothing.  A Connection may be destroyed in any of its callbacks; destroying or close()ing it
// calls nothing.  Sends are written together at the end of the iteration (one system call).  There is no read buffer per connection: on_data gets a view
// of the loop's, and must copy what it wants to keep.  The output queue is not bounded here: who sends looks at queued() and pauses its source.
// Threads: the loop's.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "lib/bytes.h"
#include "lib/loop.h"
#include "lib/target.h"
#include "lib/tls.h"
#include "lib/websocket.h"

namespace sluice {

inline constexpr std::string_view kEndOfFile = "End of file";  // on_close when the peer closed in order
inline constexpr Duration kHandshakeTimeout = seconds(30);     // of TLS and WebSocket, for accepted connections

class Connection {
 public:
  /// Begins to connect.  `tls` (for ssl: targets) must outlive the connection's handshake.  Problems that show at once are reported through on_close too.
  static std::unique_ptr<Connection> connect(Loop& loop, const Target& target, const SocketAddress& address, TlsContext* tls);
  /// Takes an accepted socket.  name as in peer_name().
  static std::unique_ptr<Connection> accepted(Loop& loop, int fd, std::string name, TlsContext* tls, WebSocketContext* web = nullptr);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Connected, and the TLS handshake is done.  Accepted plain sockets are open from the start and do not call it.
  void on_open(Callback<void()> fn);
  void on_data(Callback<void(ByteView)> fn);
  /// "Connection refused", kEndOfFile, or what fail() was given.
  void on_close(Callback<void(std::string_view reason)> fn);
  /// The output queue became empty.
  void on_drained(Callback<void()> fn);

  bool is_open() const;        // connected and not closed
  bool is_connecting() const;  // not yet open
  void send(Bytes bytes);
  void send(std::string text);
  void send_copy(std::string_view text);
  void send(std::shared_ptr<const std::string> shared);  // one buffer for many connections
  size_t queued() const;  // bytes not yet given to the kernel
  void pause_reading(bool paused);
  bool reading_paused() const;

  /// Writes what it can at once, closes, calls nothing.
  void close();
  /// Closes when the queue is empty, or now; then on_close(reason).  Nothing more is read.  The code is what a WebSocket client is told.
  void close_when_drained(std::string reason, WebSocketClose code = WebSocketClose::normal);
  /// Closes now; on_close(reason) follows.
  void fail(std::string reason);

  /// "tcp:127.0.0.1:43512", "ssl:[::1]:80", "unix#3"; of an active one its target as it was written.
  const std::string& peer_name() const;
  bool is_unix() const;
  bool is_tls() const;
  std::string peer_certificate_name() const;  // CN, or ""
  SocketAddress local_address() const;        // of a closed or unix one: length 0 or no port
  SocketAddress peer_address() const;
  Time last_received() const;  // when bytes came last, or when it opened
  uint64_t bytes_received() const;
  uint64_t bytes_sent() const;
  Loop& loop() const;
  int fd() const;

 private:
  struct Impl;
  explicit Connection(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice
