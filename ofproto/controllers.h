// SPDX-License-Identifier: Apache-2.0
// Controllers: who may speak OpenFlow to a bridge: the configured active and passive controllers, BRIDGE.mgmt (service) and BRIDGE.snoop.
// Keeps their sessions (OfConnection) while they last.  What a message means is the handler's affair.
// Threads: the control thread.
#pragma once

#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lib/connector.h"
#include "lib/listener.h"
#include "lib/loop.h"
#include "lib/tls.h"
#include "ofproto/of_connection.h"
#include "ofproto/openflow/match_shape.h"

namespace sluice {

inline constexpr size_t kMaxServiceConnections = 1024;  // a bridge; more are closed at once, and counted

/// A Controller row as plain values.
struct ControllerSettings {
  std::string target;
  std::optional<bool> service;                     // Controller.type; unset: passive targets are services
  Duration max_backoff = kDefaultMaxBackoff;
  Duration probe_interval = kDefaultProbeInterval;  // 0: never
  bool async_messages = true;                      // false: none until asked for
  int dscp = 48;
  friend bool operator==(const ControllerSettings&, const ControllerSettings&) = default;
};

struct ControllerStatus {
  std::string target;
  bool is_connected = false;
  std::optional<ofp::Role> role;
  std::map<std::string, std::string> status;  // state, last_error, sec_since_connect, ...
};

class Controllers {
 public:
  struct Options {
    std::string bridge;      // name
    std::string run_dir;     // where BRIDGE.mgmt and BRIDGE.snoop are, and what relative unix paths are relative to
    uint32_t versions = 0;   // bit v = wire version v allowed
    TlsContext* tls = nullptr;
    const ofp::TlvTable* tlv = nullptr;   // of the bridge
  };
  struct Handlers {
    std::move_only_function<void(OfConnection&, ofp::Message&, ByteView raw)> on_message;
    std::move_only_function<void(OfConnection&)> on_ready;
    std::move_only_function<void(OfConnection&)> on_closed;  // it is still there during the call
    std::move_only_function<void(std::string_view)> log;        // of a connection's life
    std::move_only_function<void(std::string_view)> log_error;  // a controller that is refused
  };
  Controllers(Loop& loop, Options options, Handlers handlers);
  ~Controllers();
  Controllers(const Controllers&) = delete;
  Controllers& operator=(const Controllers&) = delete;

  /// Opens what is new, closes what is gone, leaves alone what stayed the same.  Another set of versions reconnects all.
  void configure(const std::vector<ControllerSettings>& wanted, uint32_t versions);
  void reconnect();  // all active ones
  /// Gives waiting messages their turn; true if more wait.
  bool run(Time now);

  bool has_primary() const;
  bool primary_connected() const;
  /// Since when there has been a configured primary but none connected.
  std::optional<Time> primary_lost_since() const { return primary_lost_; }
  /// The longest probe interval of the primaries: fail-open waits for three of them.
  Duration probe_interval() const;
  std::vector<ControllerStatus> status(Time now) const;
  uint64_t refused() const { return refused_; }

  /// All negotiated sessions but snoops.
  template <typename Fn>
  void for_each(Fn fn) {
    for (auto& s : sessions_)
      if (s->session && s->session->is_ready() && s->session->kind() != ConnectionKind::kSnoop) fn(*s->session);
  }

 private:
  struct Session;
  struct Remote;
  void open(Remote& remote);
  /// A database must not make the switch overwrite or talk to any socket of the machine: listeners are RUN_DIR/BRIDGE.*, others below RUN_DIR.
  std::string unsafe_socket(const Target& target) const;
  void listen(const Target& target, ConnectionKind kind, Remote* remote, std::unique_ptr<Listener>& listener);
  Session& add_session(Connection& stream, ConnectionKind kind, Remote* remote, std::unique_ptr<Connection> owned);
  void remove_session(Session* session);
  void update_primary_lost();
  void snoop(ByteView raw);

  struct Session {
    std::unique_ptr<Connection> owned;  // accepted ones
    std::unique_ptr<OfConnection> session;
    Remote* remote = nullptr;
  };

  Loop& loop_;
  Options options_;
  Handlers handlers_;
  std::list<std::unique_ptr<Remote>> remotes_;
  std::list<std::unique_ptr<Session>> sessions_;
  std::unique_ptr<Listener> mgmt_, snoop_;
  std::optional<Time> primary_lost_;
  ofp::MatchShapes shapes_;           // of the flow-mods of all sessions
  size_t snoops_ = 0;
  uint64_t refused_ = 0;
};

}  // namespace sluice
