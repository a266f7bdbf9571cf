// SPDX-License-Identifier: Apache-2.0
// See controllers.h.
#include "ofproto/controllers.h"

#include <fmt/core.h>

#include <algorithm>

namespace sluice {

/// One configured controller: a connector, or a listener with the sessions that it accepted.
struct Controllers::Remote {
  ControllerSettings settings;
  bool passive = false;
  std::unique_ptr<Connector> connector;
  std::unique_ptr<Listener> listener;
  std::string error;  // why it could not be opened
  Time retry = kNever;
  ConnectionKind kind() const { return settings.service.value_or(passive) ? ConnectionKind::kService : ConnectionKind::kPrimary; }
};

Controllers::Controllers(Loop& loop, Options options, Handlers handlers) : loop_(loop), options_(std::move(options)), handlers_(std::move(handlers)) {
  auto local = [this](std::string_view suffix) {
    return Target{.kind = TransportKind::unix_socket, .passive = true, .path = fmt::format("{}/{}.{}", options_.run_dir, options_.bridge, suffix),
                  .text = fmt::format("punix:{}/{}.{}", options_.run_dir, options_.bridge, suffix)};
  };
  listen(local("mgmt"), ConnectionKind::kService, nullptr, mgmt_);
  listen(local("snoop"), ConnectionKind::kSnoop, nullptr, snoop_);
}

Controllers::~Controllers() = default;

void Controllers::configure(const std::vector<ControllerSettings>& wanted, uint32_t versions) {
  bool other_versions = versions != options_.versions;
  options_.versions = versions;
  if (other_versions)
    for (auto& s : sessions_) s->session->stream().fail("OpenFlow versions changed");
  remotes_.remove_if([&](const std::unique_ptr<Remote>& r) {
    bool stays = std::ranges::find(wanted, r->settings) != wanted.end();
    if (!stays) sessions_.remove_if([&](const std::unique_ptr<Session>& s) { return s->remote == r.get() && (handlers_.on_closed(*s->session), true); });
    return !stays;
  });
  for (const ControllerSettings& w : wanted) {
    if (std::ranges::any_of(remotes_, [&](auto& r) { return r->settings == w; })) continue;
    remotes_.push_back(std::make_unique<Remote>());
    remotes_.back()->settings = w;
    open(*remotes_.back());
  }
  update_primary_lost();
}

std::string Controllers::unsafe_socket(const Target& target) const {
  if (target.kind != TransportKind::unix_socket) return "";
  std::string permitted = options_.run_dir + "/" + (target.passive ? options_.bridge + "." : "");
  bool inside = target.path.starts_with(permitted) && (target.passive ? target.path.find('/', permitted.size()) == std::string::npos : target.path.find("/../") == std::string::npos);
  if (inside) return "";
  std::string always = fmt::format("or connect to \"unix:{}/{}.mgmt\" (which is always available without special configuration).", options_.run_dir, options_.bridge);
  if (target.passive)
    return fmt::format("Not adding Unix domain socket controller \"{}\" due to possibility of overwriting local files. Instead, specify path in permitted format \"punix:{}*\" {}", target.text,
                       permitted, always);
  return fmt::format("Not connecting to socket controller \"{}\" due to possibility for remote exploit.  Instead, specify socket in permitted directory \"unix:{}\" {}", target.text, permitted,
                     always);
}

void Controllers::open(Remote& remote) {
  remote.retry = kNever;
  remote.error.clear();
  auto target = parse_target(remote.settings.target, kOpenFlowPort, options_.run_dir);
  if (!target) {
    remote.error = target.error().text();
    handlers_.log(fmt::format("{}: {}", remote.settings.target, remote.error));
    return;
  }
  remote.passive = target->passive;
  if (remote.error = unsafe_socket(*target); !remote.error.empty()) return handlers_.log_error(remote.error);
  if (remote.passive) return listen(*target, remote.kind(), &remote, remote.listener);
  Connector::Options options{.max_backoff = remote.settings.max_backoff, .probe_interval = remote.settings.probe_interval, .tls = options_.tls,
                             .dscp = remote.settings.dscp};
  Connector::Handlers handlers;
  handlers.on_connected = [this, &remote](Connection& stream) { add_session(stream, remote.kind(), &remote, nullptr); };
  handlers.on_disconnected = [this, &remote](std::string_view) {
    for (auto& s : sessions_)
      if (s->remote == &remote) return remove_session(s.get());
  };
  handlers.probe = [this, &remote](Connection&) {
    for (auto& s : sessions_)
      if (s->remote == &remote) s->session->probe();
  };
  handlers.log = [this](std::string_view text) { handlers_.log(text); };
  remote.connector = std::make_unique<Connector>(loop_, std::vector{*target}, options, std::move(handlers));
}

void Controllers::listen(const Target& target, ConnectionKind kind, Remote* remote, std::unique_ptr<Listener>& listener) {
  auto accept = [this, kind, remote](std::unique_ptr<Connection> stream) {
    if (sessions_.size() >= kMaxServiceConnections) {
      refused_++;
      return;
    }
    Connection& s = *stream;
    add_session(s, kind, remote, std::move(stream));
  };
  auto opened = Listener::listen(loop_, target, accept, {.tls = options_.tls});
  if (opened) {
    listener = std::move(*opened);
    return;
  }
  handlers_.log(fmt::format("{}: listen failed: {}", target.text, opened.error().text));
  if (!remote) return;
  remote->error = opened.error().text;
  remote->retry = loop_.now() + kDefaultMinBackoff;
}

Controllers::Session& Controllers::add_session(Connection& stream, ConnectionKind kind, Remote* remote, std::unique_ptr<Connection> owned) {
  sessions_.push_back(std::make_unique<Session>());
  Session* s = sessions_.back().get();
  s->remote = remote;
  if (owned) {
    s->owned = std::move(owned);
    stream.on_close([this, s](std::string_view) { remove_session(s); });
  }
  OfConnection::Handlers handlers;
  handlers.on_message = [this](OfConnection& c, ofp::Message& m, ByteView raw) { handlers_.on_message(c, m, raw); };
  handlers.on_ready = [this](OfConnection& c) {
    update_primary_lost();
    handlers_.on_ready(c);
  };
  if (kind == ConnectionKind::kPrimary) handlers.on_traffic = [this](OfConnection&, ByteView raw) { snoop(raw); };
  if (kind == ConnectionKind::kSnoop) snoops_++;
  s->session = std::make_unique<OfConnection>(stream, kind, options_.versions, std::move(handlers));
  s->session->session().codec.shapes = &shapes_;
  s->session->session().codec.tlv = options_.tlv;
  if (remote && !remote->settings.async_messages) s->session->session().async = AsyncMasks::none();
  return *s;
}

void Controllers::remove_session(Session* session) {
  if (session->session->kind() == ConnectionKind::kSnoop) snoops_--;
  handlers_.on_closed(*session->session);
  sessions_.remove_if([&](const std::unique_ptr<Session>& s) { return s.get() == session; });
  update_primary_lost();
}

void Controllers::snoop(ByteView raw) {
  if (!snoops_) return;
  for (auto& s : sessions_)
    if (s->session && s->session->kind() == ConnectionKind::kSnoop && s->session->stream().queued() <= kAsyncHighWater)
      s->session->send_raw(Bytes(raw.begin(), raw.end()));
}

void Controllers::reconnect() {
  for (auto& r : remotes_)
    if (r->connector) r->connector->force_reconnect();
}

bool Controllers::run(Time now) {
  bool more = false;
  // A handler may close sessions only through the loop, so the list holds still.
  for (auto& s : sessions_) more |= s->session->run();
  for (auto& r : remotes_)
    if (now >= r->retry) open(*r);
  return more;
}

bool Controllers::has_primary() const {
  return std::ranges::any_of(remotes_, [](auto& r) { return r->kind() == ConnectionKind::kPrimary; });
}

bool Controllers::primary_connected() const {
  return std::ranges::any_of(sessions_, [](auto& s) { return s->session && s->session->kind() == ConnectionKind::kPrimary && s->session->is_ready(); });
}

void Controllers::update_primary_lost() {
  if (!has_primary() || primary_connected())
    primary_lost_.reset();
  else if (!primary_lost_)
    primary_lost_ = loop_.now();
}

Duration Controllers::probe_interval() const {
  Duration longest{};
  for (auto& r : remotes_)
    if (r->kind() == ConnectionKind::kPrimary) longest = std::max(longest, r->settings.probe_interval);
  return longest;
}

std::vector<ControllerStatus> Controllers::status(Time now) const {
  std::vector<ControllerStatus> all;
  for (auto& r : remotes_) {
    ControllerStatus st{.target = r->settings.target};
    if (r->connector) st.status = r->connector->status(now);
    if (r->listener) st.status["state"] = "ACTIVE";
    if (!r->connector && !r->listener) st.status["state"] = "VOID";
    if (!r->error.empty()) st.status["last_error"] = r->error;
    for (auto& s : sessions_)
      if (s->remote == r.get() && s->session->is_ready()) {
        st.is_connected = true;
        st.role = s->session->session().role;
      }
    all.push_back(std::move(st));
  }
  return all;
}

}  // namespace sluice
