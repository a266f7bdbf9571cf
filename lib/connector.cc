// SPDX-License-Identifier: Apache-2.0
// Reconnect decides, this acts: one timer at its deadline, one connection at a time.
#include "lib/connector.h"

#include <fmt/core.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "lib/lifetime.h"
#include "lib/resolver.h"
#include "lib/socket.h"

namespace sluice {

struct Connector::Impl {
  Impl(Loop& l, std::vector<Target> t, Options o, Handlers h)
      : loop(l),
        targets(std::move(t)),
        options(o),
        on_connected(std::move(h.on_connected)),
        on_disconnected(std::move(h.on_disconnected)),
        probe(std::move(h.probe)),
        log_line(std::move(h.log)),
        fsm(l.now()),
        timer(l, [this] { run(); }, "connector") {}

  void run();
  void apply_options();
  void begin();
  void open(const SocketAddress& address);
  void attempt_failed(std::string_view reason);
  void opened();
  void closed(std::string_view reason);
  bool drop(std::string_view reason);  // false: destroyed by the user
  void note_activity() {
    if (connection && fsm.is_connected()) fsm.activity(connection->last_received());
  }
  void log_backoff();
  void log(std::string_view what, bool last = false) {
    if (log_line && (!quiet || last)) log_line(fmt::format("{}: {}", targets[current].text, what));
  }

  Loop& loop;
  std::vector<Target> targets;
  Options options;
  UserCall<void(Connection&)> on_connected;
  UserCall<void(std::string_view)> on_disconnected;
  UserCall<void(Connection&)> probe;
  Callback<void(std::string_view)> log_line;
  Reconnect fsm;
  Timer timer;
  std::unique_ptr<Connection> connection;
  std::unique_ptr<Resolution> resolution;
  std::vector<SocketAddress> addresses;  // of the current target, still to be tried
  size_t current = 0;
  size_t failures = 0;  // targets in a row that failed
  bool skip_now = false;  // next_target() was called
  bool quiet = false;     // after the backoff has grown to its maximum: no more lines until it connects
  Lifetime lifetime;
};

void Connector::Impl::run() {
  note_activity();
  switch (fsm.run(loop.now())) {
    case Reconnect::Action::none: break;
    case Reconnect::Action::connect: begin(); break;
    case Reconnect::Action::probe:
      if (connection && !probe(lifetime, *connection)) return;
      break;
    case Reconnect::Action::disconnect: {
      bool was_up = fsm.is_connected();
      bool timed_out = fsm.state() == Reconnect::State::idle;
      if (was_up && timed_out) log(fmt::format("no response to inactivity probe after {:.3g} seconds, disconnecting", static_cast<double>(to_ms(fsm.probe_interval())) / 1000));
      if (!was_up) log("connection attempt timed out");
      if (!drop(std::strerror(ETIMEDOUT))) return;
      break;
    }
  }
  timer.set(fsm.deadline());
}

void Connector::Impl::begin() {
  const Target& t = targets[current];
  log("connecting...");
  addresses.clear();
  if (t.kind == TransportKind::unix_socket) return open({});
  if (auto numeric = numeric_address(t)) return open(*numeric);
  resolution = std::make_unique<Resolution>(loop, t, [this](Resolution::Result result) {
    if (!result || result->empty()) {
      attempt_failed(result ? "no addresses" : result.error());
      timer.set(fsm.deadline());
      return;
    }
    addresses.assign(result->begin() + 1, result->end());
    open(result->front());
  });
}

void Connector::Impl::open(const SocketAddress& address) {
  connection = Connection::connect(loop, targets[current], address, options.tls);
  if (options.dscp && connection->fd() >= 0) set_dscp(connection->fd(), address.family(), options.dscp);
  connection->on_open([this] { opened(); });
  connection->on_close([this](std::string_view reason) { closed(reason); });
}

void Connector::Impl::opened() {
  failures = 0;
  quiet = false;
  fsm.connected(loop.now());
  apply_options();
  log("connected");
  timer.set(fsm.deadline());
  on_connected(lifetime, *connection);
}

void Connector::Impl::closed(std::string_view reason) {
  if (!fsm.is_connected() && !addresses.empty()) {  // the name has more addresses
    SocketAddress next = addresses.front();
    addresses.erase(addresses.begin());
    return open(next);
  }
  if (!drop(reason)) return;
  timer.set(fsm.deadline());
}

void Connector::Impl::attempt_failed(std::string_view reason) {
  log(fmt::format("connection attempt failed ({})", reason));
  resolution.reset();
  connection.reset();
  failures++;
  current = (current + 1) % targets.size();
  if (failures % targets.size() != 0) {
    fsm.failed_over(loop.now(), reason);
  } else {
    fsm.disconnected(loop.now(), reason);
    log_backoff();
  }
}

void Connector::Impl::log_backoff() {
  if (fsm.state() != Reconnect::State::backoff || quiet) return;
  quiet = fsm.backoff() >= options.max_backoff;
  if (quiet) {
    log("continuing to reconnect in the background but suppressing further logging", true);
  } else if (fsm.backoff() > options.min_backoff) {
    log(fmt::format("waiting {:g} seconds before reconnect", static_cast<double>(to_ms(fsm.backoff())) / 1000));
  }
}

bool Connector::Impl::drop(std::string_view reason) {
  std::string kept(reason);  // it may live in the connection
  if (!fsm.is_connected()) {
    if (kept != kBootstrapped) {
      attempt_failed(kept);
      return true;
    }
    log(kept);
    connection.reset();
    fsm.failed_over(loop.now(), kept);
    return true;
  }
  log(kept == kEndOfFile ? "connection closed by peer" : fmt::format("connection dropped ({})", kept));
  std::unique_ptr<Connection> old = std::move(connection);
  bool next = std::exchange(skip_now, false);
  if (targets.size() > 1) current = (current + 1) % targets.size();
  next ? fsm.failed_over(loop.now(), kept) : fsm.disconnected(loop.now(), kept);
  return on_disconnected(lifetime, std::string_view(kept));
}

void Connector::Impl::apply_options() {
  fsm.set_backoff(options.min_backoff, options.max_backoff);
  bool unix_socket = targets[current].kind == TransportKind::unix_socket;
  fsm.set_probe_interval(unix_socket ? Duration::zero() : options.probe_interval);
}

Connector::Connector(Loop& loop, std::vector<Target> targets, Options options, Handlers handlers)
    : impl_(std::make_unique<Impl>(loop, std::move(targets), options, std::move(handlers))) {
  if (impl_->targets.empty()) return;  // stays in VOID
  impl_->apply_options();
  impl_->fsm.enable(loop.now());
  impl_->timer.set(loop.now());
}

Connector::~Connector() = default;

void Connector::set_options(const Options& options) {
  impl_->options = options;
  if (impl_->targets.empty()) return;
  impl_->apply_options();
  impl_->note_activity();
  impl_->timer.set(impl_->fsm.deadline());
}

void Connector::force_reconnect() {
  impl_->fsm.force(impl_->loop.now());
  impl_->timer.set(impl_->fsm.deadline());
}

void Connector::next_target(std::string reason) {
  if (!impl_->connection) return;
  impl_->skip_now = impl_->targets.size() > 1;
  impl_->connection->fail(std::move(reason));
}

Connection* Connector::connection() { return impl_->fsm.is_connected() ? impl_->connection.get() : nullptr; }
const Reconnect& Connector::state() const {
  impl_->note_activity();
  return impl_->fsm;
}
const Target& Connector::target() const { return impl_->targets[impl_->current]; }

std::map<std::string, std::string> Connector::status(Time now) const {
  const Reconnect& f = state();
  std::map<std::string, std::string> s;
  s["state"] = f.state_name();
  if (!f.last_error().empty()) s["last_error"] = f.last_error();
  if (f.last_connected()) s["sec_since_connect"] = std::to_string(to_seconds(now - *f.last_connected()));
  if (f.last_disconnected()) s["sec_since_disconnect"] = std::to_string(to_seconds(now - *f.last_disconnected()));
  return s;
}

}  // namespace sluice
