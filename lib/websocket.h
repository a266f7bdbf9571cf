// SPDX-License-Identifier: Apache-2.0
// The server's side of a WebSocket (RFC 6455) over which JSON texts go both ways: HTTP handshake, frames, ping and pong, close codes.
//
// Bytes in, bytes out; the socket is its Connection's.  A message of ours holds one JSON value, so that a browser can parse each; in what comes, messages need
// not begin and end with values.  Text and binary messages count the same.  Nothing is compressed.  Boost.Beast does the work, behind this header.
// Threads: the loop's.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/bytes.h"

namespace sluice {

inline constexpr size_t kHttpHeaderLimit = 16u << 10;     // bytes of a request
inline constexpr size_t kWebSocketMessageLimit = 65u << 20;  // bytes of a message; what is in it has a limit of its own

/// What the close frame says (RFC 6455 7.4.1).
enum class WebSocketClose : uint16_t { normal = 1000, protocol_error = 1002, policy = 1008, too_big = 1009 };

/// What the WebSockets of a server share.
class WebSocketContext {
 public:
  WebSocketContext();
  ~WebSocketContext();
  /// Pages of this origin ("https://example.org") may connect, and clients that name none; as long as there is none, all may.
  void allow_origin(std::string origin) { origins_.push_back(std::move(origin)); }
  bool allows(std::string_view origin) const;

 private:
  friend class WebSocket;
  struct Impl;
  std::unique_ptr<Impl> impl_;
  std::vector<std::string> origins_;
};

class WebSocket {
 public:
  /// The context must live longer.
  explicit WebSocket(WebSocketContext& context);
  ~WebSocket();
  WebSocket(const WebSocket&) = delete;
  WebSocket& operator=(const WebSocket&) = delete;

  /// Takes what came.  What it means is then in take_payload(), take_output() and ended().
  void receive(ByteView bytes);
  /// Puts JSON into frames for take_output(): a part of a value, or several.  Before the handshake is done it is kept.
  void send(std::string_view json);
  /// A close frame for take_output().  Nothing may follow.
  void say_close(WebSocketClose code, std::string_view reason);

  bool is_open() const;  // the handshake is done
  /// Why it is over, once it is: the client closed, or did something wrong, which it is told in the output.
  const std::optional<std::string>& ended() const;
  std::string take_payload();
  std::string take_output();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice
