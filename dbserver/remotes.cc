// SPDX-License-Identifier: Apache-2.0
// A Client is one connection with its JSON-RPC framing and its session.
#include "dbserver/remotes.h"

#include <fmt/core.h>
#include <sys/stat.h>

#include <list>

#include "lib/log.h"

namespace sluice::ovsdb {
namespace {

Log log_("ovsdb_jsonrpc_server"), log_reconnect_("reconnect");
constexpr mode_t kSocketMode = 0660;

/// In the peer's words, for those who look for them.
void log_end(std::string_view who, std::string_view reason, bool wanted) {
  if (wanted) log_.info("{}: disconnecting ({})", who, reason);
  else if (reason.starts_with("no response to inactivity probe")) log_reconnect_.err("{}: {}, disconnecting", who, reason);
  else if (reason != "End of file") log_.warn("{}: connection dropped ({})", who, reason);
}

}  // namespace

class Remotes::Client : public SessionOutput {
 public:
  Client(Remotes& remotes, Connection& connection, const RemoteOptions& options)
      : loop_(remotes.loop_),
        connection_(connection),
        session_(remotes.server_, *this, {options.read_only, options.role, connection.peer_certificate_name()}),
        rpc_(connection, remotes.arena_,
             {[this](std::string_view method, const Json& params, const Json& id) { request(method, params, id); },
              [this](std::string_view method, const Json& params) { session_.notification(method, params, loop_.now()); },
              {},
              {},
              [&limits = remotes.server_.limits()](JsonRpcLimit l) { limits.of(l).add(); },
              [this](std::string_view text, bool& taken) { taken = is_ready() && session_.transact_text(text, loop_.now()); }}) {
    probe(options);
    rpc_.set_shares(remotes.shares_);
  }

  /// The options of its remote are these now.
  void set_options(const RemoteOptions& options) {
    session_.set_options({options.read_only, options.role, session_.options().id});
    probe(options);
  }

  void send(std::string message) override { rpc_.send_text(std::move(message)); }
  void send_copy(std::string_view message) override { connection_.send_copy(message); }
  void send(std::shared_ptr<const std::string> part) override { rpc_.send_text(std::move(part)); }
  size_t queued() const override { return connection_.queued(); }
  void close(std::string_view reason) override {
    if (std::exchange(closing_, true)) return;
    connection_.close_when_drained(std::string(reason));
  }

  bool is_closing() const { return closing_; }
  Connection& connection() { return connection_; }
  Session& session() { return session_; }

 private:
  void probe(const RemoteOptions& options) { rpc_.set_probe_interval(options.probe_interval.value_or(connection_.is_unix() ? Duration{} : kDefaultProbeInterval)); }
  void request(std::string_view method, const Json& params, const Json& id) {
    if (is_ready()) session_.request(method, params, id, loop_.now());
  }
  bool is_ready() {
    if (closing_) return false;
    if (connection_.is_tls()) session_.set_options({session_.options().read_only, session_.options().role, connection_.peer_certificate_name()});
    return true;
  }

  Loop& loop_;
  Connection& connection_;
  Session session_;
  JsonRpcSession rpc_;
  bool closing_ = false;
};

struct Remotes::Remote {
  struct Accepted {
    std::unique_ptr<Connection> connection;
    std::unique_ptr<Client> client;  // dies first
  };
  RemoteOptions options;
  bool passive = false;
  std::unique_ptr<Listener> listener;
  std::list<Accepted> accepted;
  std::unique_ptr<Connector> connector;
  std::unique_ptr<Client> active;
  std::string last_error;  // of a session that ended

  /// Those of a client: the connector probes active ones.
  RemoteOptions client_options() const {
    RemoteOptions o = options;
    if (!passive) o.probe_interval = Duration{};
    return o;
  }
  Connector::Options connector_options(TlsContext* tls) const {
    Connector::Options how;
    how.tls = tls;
    how.dscp = options.dscp;
    if (options.max_backoff) how.max_backoff = *options.max_backoff;
    if (options.probe_interval) how.probe_interval = *options.probe_interval;
    return how;
  }
  /// False if that needs new sockets.
  bool change(const RemoteOptions& wanted, TlsContext* tls) {
    if (wanted == options) return true;
    if (wanted.dscp != options.dscp) return false;
    options = wanted;
    if (connector) connector->set_options(connector_options(tls));
    for (Accepted& a : accepted)
      if (a.client) a.client->set_options(client_options());
    if (active) active->set_options(client_options());
    return true;
  }

  ~Remote() {
    active.reset();
    connector.reset();
    for (Accepted& a : accepted) a.client.reset();
  }
};

Remotes::Remotes(Loop& loop, Server& server, TlsContext* tls, std::string run_dir)
    : loop_(loop), server_(server), tls_(tls), run_dir_(std::move(run_dir)) {}
Remotes::~Remotes() = default;

std::expected<std::unique_ptr<Remotes::Remote>, std::string> Remotes::open(const std::string& text, const RemoteOptions& options) {
  auto remote = std::make_unique<Remote>();
  remote->options = options;
  Remote* r = remote.get();
  if (looks_like_passive_target(text) || looks_like_web_target(text)) {
    auto target = looks_like_web_target(text) ? parse_web_target(text, kOvsdbPort) : parse_passive_target(text, kOvsdbPort, run_dir_);
    if (!target) return std::unexpected(target.error().text());
    remote->passive = true;
    Listener::Options how;
    how.tls = tls_;
    how.web = &web_;
    how.unix_mode = kSocketMode;
    how.dscp = options.dscp;
    auto accept = [this, r](std::unique_ptr<Connection> connection) {
      if (session_count() >= kMaxSessions) {
        server_.limits().sessions.add();
        connection->send(jsonrpc_error(DbError{"resources exhausted", fmt::format("there are {} sessions", kMaxSessions), {}, {}}.to_json(), nullptr));
        return connection->close();
      }
      r->accepted.push_back({std::move(connection), nullptr});
      auto at = std::prev(r->accepted.end());
      at->client = std::make_unique<Client>(*this, *at->connection, r->client_options());
      at->connection->on_close([r, at](std::string_view reason) {
        log_end(at->connection->peer_name(), reason, at->client && at->client->is_closing());
        r->last_error = reason;
        at->client.reset();
        auto dying = std::move(at->connection);
        r->accepted.erase(at);
      });
    };
    auto listener = Listener::listen(loop_, *target, std::move(accept), how);
    if (!listener) return std::unexpected(listener.error().text);
    if (target->kind == TransportKind::unix_socket) ::chmod(target->path.c_str(), kSocketMode);  // whatever the umask: a group may be clients
    remote->listener = std::move(*listener);
    return remote;
  }
  auto target = parse_active_target(text, kOvsdbPort, run_dir_);
  if (!target) return std::unexpected(target.error().text());
  Connector::Handlers handlers;
  handlers.on_connected = [this, r](Connection& c) { r->active = std::make_unique<Client>(*this, c, r->client_options()); };
  handlers.on_disconnected = [r](std::string_view) { r->active.reset(); };
  handlers.probe = [](Connection& c) { c.send(std::string(R"({"id":"echo","method":"echo","params":[]})")); };
  handlers.log = [](std::string_view line) { log_reconnect_.info("{}", line); };
  remote->connector = std::make_unique<Connector>(loop_, std::vector<Target>{*target}, remote->connector_options(tls_), std::move(handlers));
  return remote;
}

void Remotes::set(const RemoteMap& wanted) {
  errors_.clear();
  std::erase_if(remotes_, [&](const auto& r) {
    auto w = wanted.find(r.first);
    if (w == wanted.end()) log_.info("{}: remote deconfigured", r.first);
    return w == wanted.end() || !r.second->change(w->second, tls_);
  });
  for (const auto& [target, options] : wanted) {
    if (remotes_.contains(target)) continue;
    auto remote = open(target, options);
    if (remote) remotes_.emplace(target, std::move(*remote));
    else errors_.emplace(target, remote.error());
  }
}

void Remotes::reconnect(std::string_view reason) {
  for (auto& [target, r] : remotes_) {
    for (auto& a : r->accepted)
      if (a.client) a.client->close(reason);
    if (r->active) r->active->close(reason);
  }
}

RemoteStatus Remotes::status(const std::string& target, Time now) const {
  RemoteStatus s;
  auto it = remotes_.find(target);
  if (it == remotes_.end()) {
    if (auto error = errors_.find(target); error != errors_.end()) s.status = {{"last_error", error->second}, {"state", "BACKOFF"}};
    return s;
  }
  Remote& r = *it->second;
  const Client* client = r.active.get();
  if (r.passive) {
    if (r.listener->bound_port()) s.status["bound_port"] = std::to_string(r.listener->bound_port());
    if (r.accepted.size() > 1) s.status["n_connections"] = std::to_string(r.accepted.size());
    if (!r.accepted.empty()) client = r.accepted.front().client.get();
    // As the peer has it: of many sessions no time means anything, and a status that stays is not written again and again.
    s.status["sec_since_connect"] = s.status["sec_since_disconnect"] = "0";
  } else {
    s.status = r.connector->status(now);
  }
  s.is_connected = client != nullptr;
  if (client && !r.passive) {
    Session& session = const_cast<Client*>(client)->session();
    auto note = [&](const char* name, uint64_t n) {
      if (n) s.status[name] = std::to_string(n);
    };
    note("locks_held", session.locks_held());
    note("locks_waiting", session.locks_waiting());
    note("locks_lost", session.locks_lost);
  }
  return s;
}

size_t Remotes::session_count() const {
  size_t n = 0;
  for (const auto& [target, r] : remotes_) n += r->accepted.size() + (r->active != nullptr);
  return n;
}

size_t Remotes::backlog() const {
  size_t n = 0;
  for (const auto& [target, r] : remotes_) {
    for (const auto& a : r->accepted) n += a.connection->queued();
    if (r->active) n += r->active->connection().queued();
  }
  return n;
}

}  // namespace sluice::ovsdb
