// SPDX-License-Identifier: Apache-2.0
// JSON-RPC 1.0 (the 2005 kind, RFC 7047 4) over a Connection, and a small blocking client for command line tools.
//
// A session reads messages, answers "echo" itself, and calls a handler for each other one.  What is no message ends the connection through
// Connection::fail(), with the reason.  Values given to handlers borrow from the arena: copy what must live longer.  Flow control: while more than
// kOutputHighWater bytes wait to be sent, nothing more is read, so that a client that does not read cannot make us grow.
// Threads: the loop's.  A session may be destroyed in its handlers, and must die before its connection.
#pragma once

#include <cstdint>
#include <deque>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "lib/connection.h"
#include "lib/json.h"
#include "lib/loop.h"
#include "lib/target.h"

namespace sluice {

inline constexpr size_t kOutputHighWater = 1u << 20;  // bytes queued above which a session stops reading
inline constexpr int kMessagesPerIteration = 256;     // of one session, so that others are served too
inline constexpr Duration kTurn = milliseconds(5);    // likewise: after so long no further message is begun; less if many sessions have much to do
inline constexpr Duration kLongMessage = milliseconds(10);  // what takes longer is followed by a rest, if others were served since the message before,
inline constexpr int kRest = 10;                            // so many times as long as it took,
inline constexpr Duration kMostRest = seconds(2);           // at most: so that nearly all messages of the others find the server free
inline constexpr size_t kFreeInput = 64u << 10;       // bytes of an unfinished message that a session may always keep

/// What the sessions of a server have to share.  One thread.
struct SessionShares {
  size_t input_limit;     // bytes of messages that have not come whole, of all sessions together
  size_t input_used = 0;
  size_t busy = 0;        // sessions that have more messages than they could handle in their last turn
  uint64_t handled = 0;   // messages, of all sessions
};

/// Told when a session has reached a limit.  By the first two it is ended.
enum class JsonRpcLimit : uint8_t { message_size, input_budget, rest };

/// One message of any kind, rendered.  Members that are null are left out where the peer leaves them out.
std::string jsonrpc_request(std::string_view method, const Json& params, const Json& id);
std::string jsonrpc_notification(std::string_view method, const Json& params);
std::string jsonrpc_reply(const Json& result, const Json& id);
std::string jsonrpc_error(const Json& error, const Json& id);

/// A parsed message: borrows from the Json it was made of.
struct JsonRpcMessage {
  enum class Kind : uint8_t { request, notification, reply, error };
  Kind kind;
  std::string_view method;
  const Json* params;  // of request and notification: an array
  const Json* id;
  const Json* result;  // of reply
  const Json* error;   // of error
};
/// The text says what is wrong.
std::expected<JsonRpcMessage, std::string> classify_jsonrpc(const Json& message);

class JsonRpcSession {
 public:
  struct Handlers {
    Callback<void(std::string_view method, const Json& params, const Json& id)> on_request;
    Callback<void(std::string_view method, const Json& params)> on_notification;          // may be empty: ignored
    /// error is null if it succeeded.  May be empty: then a reply ends the connection.
    Callback<void(const Json& id, const Json& result, const Json& error)> on_reply;
    Callback<void()> on_drained;  // all output has been sent; may be empty
    Callback<void(JsonRpcLimit)> on_limit;  // may be empty
    /// A message as it came; if it is not `taken` it is parsed and given to the others.  May be empty.
    Callback<void(std::string_view text, bool& taken)> on_text;
  };
  /// Takes over on_data and on_drained of the connection.  The arena may be shared by all sessions of a thread.
  JsonRpcSession(Connection& connection, JsonArena& arena, Handlers handlers);
  ~JsonRpcSession();
  JsonRpcSession(const JsonRpcSession&) = delete;
  JsonRpcSession& operator=(const JsonRpcSession&) = delete;

  /// Sends a request with an id of its own, which is returned: ids are integers that count up.
  int64_t request(std::string_view method, const Json& params);
  void request(std::string_view method, const Json& params, const Json& id);
  void notify(std::string_view method, const Json& params);
  void reply(const Json& result, const Json& id);
  /// The result as JSON text that is already there.
  void reply_text(std::string_view result_text, const Json& id);
  void error(const Json& error, const Json& id);
  /// A whole message that is already text.
  void send_text(std::string text);
  void send_text(std::shared_ptr<const std::string> text);

  /// For servers.  REQUIRES: it lives longer.
  void set_shares(SessionShares& shares);
  /// For servers: when nothing came for d, sends an echo; when nothing came for another d, ends the connection.  0 = never (the default).
  /// Clients have their Connector do this, with send_probe().
  void set_probe_interval(Duration d);
  void send_probe();
  /// While true, messages are left unread: the user is busy with an earlier one.
  void pause(bool paused);
  size_t queued() const;  // bytes waiting to be sent
  Connection& connection();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

struct JsonRpcFailure {
  /// Set if the server answered with an error: that value.  Otherwise the connection broke, and text says why.
  std::optional<Json> error;
  std::string text;
};

/// A blocking client with a loop of its own.  One thread.
class JsonRpcClient {
 public:
  struct Options {
    std::optional<Duration> timeout;  // for connecting and for each call; nothing: for ever
    TlsContext* tls = nullptr;
    bool try_again_after_bootstrap = true;
  };
  /// Tries the targets in turn, once; of a passive one, waits for the first who connects.  The error is the last one's text, e.g. "Connection refused".
  static std::expected<std::unique_ptr<JsonRpcClient>, std::string> connect(const std::vector<Target>& targets, Options options);
  static std::expected<std::unique_ptr<JsonRpcClient>, std::string> connect(const Target& target, Options options) {
    return connect(std::vector<Target>{target}, options);
  }
  ~JsonRpcClient();

  /// Sends and waits for the reply.  Notifications that come meanwhile are kept for receive().
  std::expected<Json, JsonRpcFailure> call(std::string_view method, const Json& params);
  void notify(std::string_view method, const Json& params);
  /// Sends without waiting; the reply comes through receive().
  int64_t send(std::string_view method, const Json& params);
  struct Message {
    std::string method;  // "" for a reply
    Json params;         // of a reply: the result
    Json id;
    Json error;          // of a reply
  };
  /// The next message that is no echo; nothing if none came in time.  The failure tells that the connection is gone.
  std::expected<std::optional<Message>, JsonRpcFailure> receive(std::optional<Duration> timeout);
  void reply(const Json& result, const Json& id);
  const std::string& peer_name() const;
  /// For others who want to be called while receive() waits.  They may end that wait (it returns nothing), or have messages left unread for a while.
  Loop& loop();
  void interrupt();
  void pause(bool paused);

 private:
  struct Impl;
  explicit JsonRpcClient(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice
