// SPDX-License-Identifier: Apache-2.0
// One client's conversation: JSON-RPC methods in, messages out.  Pure: bytes, sockets and time belong to others, so that it can be tested without them.
// One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "dbserver/limits.h"
#include "dbserver/ovsdb/error.h"
#include "lib/json.h"
#include "lib/time.h"
#include "lib/uuid.h"

namespace sluice::ovsdb {

class Server;
class HostedDatabase;
class Permissions;
struct Monitor;

/// Where a session's messages go: a connection, or a recorder in tests.
class SessionOutput {
 public:
  virtual ~SessionOutput() = default;
  virtual void send(std::string message) = 0;
  virtual void send_copy(std::string_view message) { send(std::string(message)); }
  virtual void send(std::shared_ptr<const std::string> part) = 0;  // a part of a message, shared with other sessions
  virtual size_t queued() const = 0;                               // bytes not yet sent
  virtual void close(std::string_view reason) = 0;                 // after what is queued
};

struct SessionOptions {
  bool read_only = false;
  std::string role;  // "" = no RBAC
  std::string id;    // the certificate's common name
};

class Session {
 public:
  Session(Server& server, SessionOutput& output, SessionOptions options);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void request(std::string_view method, const Json& params, const Json& id, Time now);
  /// Runs the transaction that the text of a message is.  False if it is none, or must be read by way of request().
  bool transact_text(std::string_view text, Time now);
  void notification(std::string_view method, const Json& params, Time now);
  /// The output has room again.
  void drained();

  uint64_t number() const { return number_; }
  const SessionOptions& options() const { return options_; }
  void set_options(SessionOptions options) { options_ = std::move(options); }
  bool is_change_aware() const { return change_aware_; }
  bool is_congested() const { return output_.queued() > kMonitorHighWater; }
  /// Updates wait for room in the output: the server calls drained() when there is some.
  void note_behind();
  std::unique_ptr<Permissions> permissions(HostedDatabase& db) const;
  Server& server() { return server_; }

  // --- called by the server's other parts ---
  void reply_text(std::string_view result, const Json& id);
  void reply(const Json& result, const Json& id) { reply_text(result.to_string(), id); }
  void error(const Json& error, const Json& id);
  void notify(std::string_view method, std::string_view params);
  void send_update(const Monitor& m, const Uuid& txn, const std::shared_ptr<const std::string>& body);
  /// A whole message, shared with others.
  void send_shared(std::shared_ptr<const std::string> message) { output_.send(std::move(message)); }
  /// The message of an update to a monitor.
  static void append_update(std::string& out, const Monitor& m, const Uuid& txn, std::string_view body);
  void close(std::string_view reason) { output_.close(reason); }

  // For the status columns of remotes.
  size_t locks_held() const;
  size_t locks_waiting() const;
  uint64_t locks_lost = 0;

 private:
  struct Method;
  static const Method kMethods[];
  using Reply = std::expected<void, Json>;  // the error to send, if any

  Reply list_dbs(const Json& params, const Json& id, Time now);
  Reply get_schema(const Json& params, const Json& id, Time now);
  Reply get_server_id(const Json& params, const Json& id, Time now);
  Reply transact(const Json& params, const Json& id, Time now);
  Reply monitor(const Json& params, const Json& id, Time now);
  Reply monitor_cond(const Json& params, const Json& id, Time now);
  Reply monitor_cond_since(const Json& params, const Json& id, Time now);
  Reply monitor_cond_change(const Json& params, const Json& id, Time now);
  Reply monitor_cancel(const Json& params, const Json& id, Time now);
  Reply lock(const Json& params, const Json& id, Time now);
  Reply steal(const Json& params, const Json& id, Time now);
  Reply unlock(const Json& params, const Json& id, Time now);
  Reply echo(const Json& params, const Json& id, Time now);
  Reply set_db_change_aware(const Json& params, const Json& id, Time now);
  Reply convert(const Json& params, const Json& id, Time now);

  std::expected<HostedDatabase*, Json> find_database(std::string_view method, const Json& params);
  Reply start_monitor(HostedDatabase& db, const Json& params, const Json& id, int version, Time now);
  Reply take_lock(std::string_view method, const Json& params, const Json& id, bool steal);
  std::expected<std::string, Json> lock_name(std::string_view method, const Json& params);
  std::pair<HostedDatabase*, Monitor*> find_monitor(const Json& id);

  Server& server_;
  SessionOutput& output_;
  SessionOptions options_;
  uint64_t number_;
  bool change_aware_ = false;
  size_t monitors_ = 0;
  bool behind_ = false;
};

}  // namespace sluice::ovsdb
