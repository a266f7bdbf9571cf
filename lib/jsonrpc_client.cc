// SPDX-License-Identifier: Apache-2.0
// The blocking client: runs a loop of its own until what it waits for has come.
#include <cerrno>
#include <cstring>
#include <utility>

#include "lib/jsonrpc.h"
#include "lib/listener.h"

namespace sluice {

struct JsonRpcClient::Impl {
  explicit Impl(Options o) : options(o) {}

  /// Runs the loop until done() or the connection is gone or the time is over.  True if done().
  template <typename F>
  bool wait(std::optional<Duration> timeout, F done) {
    Time end = timeout ? clock.now() + *timeout : kNever;
    while (!done()) {
      if (closed || clock.now() >= end) return false;
      loop.run_once(end == kNever ? Duration::max() : end - clock.now());
    }
    return true;
  }
  void open(const Target& target, const SocketAddress& address);
  bool try_target(const Target& target);
  bool wait_for_peer(const Target& target);
  void begin_session();
  JsonRpcFailure failure() const { return {std::nullopt, closed ? *closed : std::strerror(ETIMEDOUT)}; }

  Options options;
  Clock clock;
  Loop loop{clock};
  JsonArena arena;
  std::unique_ptr<Connection> connection;
  std::unique_ptr<JsonRpcSession> session;
  std::deque<Message> inbox;
  std::optional<std::string> closed;  // why
  bool interrupted = false;
};

void JsonRpcClient::Impl::open(const Target& target, const SocketAddress& address) {
  closed.reset();
  connection = Connection::connect(loop, target, address, options.tls);
  connection->on_close([this](std::string_view reason) { closed = reason; });
}

bool JsonRpcClient::Impl::try_target(const Target& target) {
  std::vector<SocketAddress> addresses(1);
  if (target.kind != TransportKind::unix_socket) {
    auto resolved = resolve_now(target);
    if (!resolved) {
      closed = resolved.error();
      return false;
    }
    addresses = std::move(*resolved);
  }
  for (const SocketAddress& a : addresses) {
    open(target, a);
    bool up = wait(options.timeout, [this] { return connection->is_open(); });
    if (!up && closed == kBootstrapped && options.try_again_after_bootstrap) {
      open(target, a);
      up = wait(options.timeout, [this] { return connection->is_open(); });
    }
    if (up) {
      begin_session();
      return true;
    }
    if (!closed) closed = std::strerror(ETIMEDOUT);
  }
  return false;
}

bool JsonRpcClient::Impl::wait_for_peer(const Target& target) {
  auto accept = [this](std::unique_ptr<Connection> c) {
    if (connection) return;
    connection = std::move(c);
    connection->on_close([this](std::string_view reason) { closed = reason; });
  };
  Listener::Options how;
  how.tls = options.tls;
  auto listener = Listener::listen(loop, target, std::move(accept), how);
  if (!listener) {
    closed = listener.error().text;
    return false;
  }
  if (!wait(options.timeout, [this] { return connection && connection->is_open(); })) return false;
  begin_session();
  return true;
}

void JsonRpcClient::Impl::begin_session() {
  JsonRpcSession::Handlers h;
  h.on_request = [this](std::string_view method, const Json& params, const Json& id) {
    inbox.push_back({std::string(method), params, id, {}});
  };
  h.on_notification = [this](std::string_view method, const Json& params) { inbox.push_back({std::string(method), params, {}, {}}); };
  h.on_reply = [this](const Json& id, const Json& result, const Json& error) { inbox.push_back({{}, result, id, error}); };
  session = std::make_unique<JsonRpcSession>(*connection, arena, std::move(h));
}

JsonRpcClient::JsonRpcClient(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
JsonRpcClient::~JsonRpcClient() = default;

std::expected<std::unique_ptr<JsonRpcClient>, std::string> JsonRpcClient::connect(const std::vector<Target>& targets, Options options) {
  auto impl = std::make_unique<Impl>(options);
  for (const Target& t : targets) {
    if (t.passive ? impl->wait_for_peer(t) : impl->try_target(t)) return std::unique_ptr<JsonRpcClient>(new JsonRpcClient(std::move(impl)));
  }
  return std::unexpected(impl->closed.value_or(std::strerror(EAFNOSUPPORT)));
}

std::expected<Json, JsonRpcFailure> JsonRpcClient::call(std::string_view method, const Json& params) {
  Impl& i = *impl_;
  const Json id = i.session->request(method, params);
  size_t looked = 0;
  auto arrived = [&] {
    for (; looked < i.inbox.size(); looked++) {
      if (i.inbox[looked].method.empty() && i.inbox[looked].id == id) return true;
    }
    return false;
  };
  if (!i.wait(i.options.timeout, arrived)) return std::unexpected(i.failure());
  Message m = std::move(i.inbox[looked]);
  i.inbox.erase(i.inbox.begin() + static_cast<ptrdiff_t>(looked));
  if (!m.error.is_null()) return std::unexpected(JsonRpcFailure{m.error, m.error.is_string() ? std::string(m.error.string()) : m.error.to_string()});
  return std::move(m.params);
}

void JsonRpcClient::notify(std::string_view method, const Json& params) { impl_->session->notify(method, params); }
int64_t JsonRpcClient::send(std::string_view method, const Json& params) { return impl_->session->request(method, params); }
void JsonRpcClient::reply(const Json& result, const Json& id) { impl_->session->reply(result, id); }

std::expected<std::optional<JsonRpcClient::Message>, JsonRpcFailure> JsonRpcClient::receive(std::optional<Duration> timeout) {
  Impl& i = *impl_;
  if (!i.wait(timeout, [&] { return !i.inbox.empty() || i.interrupted; })) {
    if (i.closed) return std::unexpected(i.failure());
    return std::nullopt;
  }
  if (std::exchange(i.interrupted, false)) return std::nullopt;
  Message m = std::move(i.inbox.front());
  i.inbox.pop_front();
  return m;
}

Loop& JsonRpcClient::loop() { return impl_->loop; }
void JsonRpcClient::interrupt() { impl_->interrupted = true; }
void JsonRpcClient::pause(bool paused) { impl_->session->pause(paused); }

const std::string& JsonRpcClient::peer_name() const { return impl_->connection->peer_name(); }

}  // namespace sluice
