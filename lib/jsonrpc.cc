// SPDX-License-Identifier: Apache-2.0
// Messages as text and as parsed values, and the session.  The blocking client is in jsonrpc_client.cc.
#include "lib/jsonrpc.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <utility>

#include "lib/lifetime.h"
#include "lib/reconnect.h"

namespace sluice {
namespace {

constexpr std::string_view kEchoId = "echo";

std::string call_text(std::string_view method, const Json& params, const Json& id) {
  std::string out = "{\"method\":";
  append_json_string(out, method);
  out += ",\"params\":";
  params.append_to(out);
  out += ",\"id\":";
  id.append_to(out);
  out += '}';
  return out;
}

const Json kNullJson;

}  // namespace

std::string jsonrpc_request(std::string_view method, const Json& params, const Json& id) { return call_text(method, params, id); }
std::string jsonrpc_notification(std::string_view method, const Json& params) { return call_text(method, params, kNullJson); }

std::string jsonrpc_reply(const Json& result, const Json& id) {
  std::string out = "{\"error\":null,\"result\":";
  result.append_to(out);
  out += ",\"id\":";
  id.append_to(out);
  out += '}';
  return out;
}

std::string jsonrpc_error(const Json& error, const Json& id) {
  std::string out = "{\"error\":";
  error.append_to(out);
  out += ",\"id\":";
  id.append_to(out);
  out += '}';
  return out;
}

std::expected<JsonRpcMessage, std::string> classify_jsonrpc(const Json& message) {
  static constexpr std::array<std::string_view, 5> kMembers{"error", "id", "method", "params", "result"};
  if (!message.is_object()) return std::unexpected("message is not a JSON object");
  std::array<const Json*, kMembers.size()> found{};
  size_t next = 0;  // both lists are sorted
  for (const JsonMember& m : message.members()) {
    while (next < kMembers.size() && kMembers[next] != m.name()) next++;
    if (next == kMembers.size()) return std::unexpected(fmt::format("message has unexpected member \"{}\"", m.name()));
    found[next++] = &m.value;
  }
  auto member = [&](size_t i) -> const Json& { return found[i] ? *found[i] : kNullJson; };
  const Json &error = member(0), &id = member(1), &method = member(2), &params = member(3), &result = member(4);
  using Kind = JsonRpcMessage::Kind;
  if (!method.is_null()) {
    Kind kind = id.is_null() ? Kind::notification : Kind::request;
    std::string_view what = kind == Kind::request ? "request" : "notification";
    if (!method.is_string()) return std::unexpected("\"method\" is not a JSON string");
    if (!params.is_array()) return std::unexpected(fmt::format("{} must have \"params\" that are a JSON array", what));
    if (!result.is_null()) return std::unexpected(fmt::format("{} must not have \"result\"", what));
    if (!error.is_null()) return std::unexpected(fmt::format("{} must not have \"error\"", what));
    return JsonRpcMessage{kind, method.string(), &params, &id, &kNullJson, &kNullJson};
  }
  if (!params.is_null()) return std::unexpected("reply must not have \"params\"");
  if (id.is_null()) return std::unexpected("reply must have \"id\"");
  if (!result.is_null() && !error.is_null()) return std::unexpected("reply must not have both \"result\" and \"error\"");
  if (!found[4] && !found[0]) return std::unexpected("message has neither \"method\" nor \"result\" nor \"error\"");
  return JsonRpcMessage{error.is_null() ? Kind::reply : Kind::error, {}, &kNullJson, &id, &result, &error};
}

struct JsonRpcSession::Impl {
  Impl(Connection& c, JsonArena& a, Handlers h)
      : connection(c),
        arena(a),
        on_request(std::move(h.on_request)),
        on_notification(std::move(h.on_notification)),
        on_reply(std::move(h.on_reply)),
        on_drained(std::move(h.on_drained)),
        on_limit(std::move(h.on_limit)),
        on_text(std::move(h.on_text)) {}
  ~Impl() {
    if (!shares) return;
    shares->input_used -= charged;
    shares->busy -= busy;
  }

  void on_data(ByteView data);
  void process();
  void dispatch(std::string_view text);
  void handle(const JsonRpcMessage& m);
  void handle_reply(const JsonRpcMessage& m);
  void continue_later();
  void update_reading(bool stop);
  void charge();
  void note_busy(bool now);
  Duration turn() const;
  bool rest(Duration took);
  void refuse(JsonRpcLimit limit, const std::string& details);
  void probe_due();
  bool is_stopped() const { return paused || (resting && resting->armed()); }
  bool output_full() const { return connection.queued() > kOutputHighWater; }

  Connection& connection;
  JsonArena& arena;
  UserCall<void(std::string_view, const Json&, const Json&)> on_request;
  UserCall<void(std::string_view, const Json&)> on_notification;
  UserCall<void(const Json&, const Json&, const Json&)> on_reply;
  UserCall<void()> on_drained;
  UserCall<void(JsonRpcLimit)> on_limit;
  UserCall<void(std::string_view, bool&)> on_text;
  JsonSplitter splitter;
  std::unique_ptr<Deferred> more;  // messages were left over; made on first need
  std::unique_ptr<Timer> probe;    // likewise
  Duration probe_interval{};
  Time probe_sent{};
  SessionShares* shares = nullptr;
  size_t charged = 0;        // of the input
  uint64_t handled = 0;      // own messages
  uint64_t others = 0;       // those of other sessions, at our last one
  std::unique_ptr<Timer> resting;
  uint64_t sent_at_check = 0;  // bytes sent when the probe timer ran last
  int64_t next_id = 0;
  unsigned probes_unanswered = 0;
  Lifetime lifetime;
  bool paused = false, processing = false, probing = false, busy = false;
};

void JsonRpcSession::Impl::on_data(ByteView data) {
  splitter.feed({reinterpret_cast<const char*>(data.data()), data.size()});
  process();
}

/// Handles what is buffered, as far as the limits let it.
void JsonRpcSession::Impl::process() {
  if (processing) return;
  LifetimeWatch watch(lifetime);
  processing = true;
  bool left_over = false;
  Time begun{}, last{};
  for (int n = 0; !is_stopped() && connection.is_open() && !output_full(); n++) {
    std::string_view text = splitter.next();
    if (text.empty()) {
      if (splitter.too_long()) refuse(JsonRpcLimit::message_size, splitter.error().text);
      else if (splitter.failed()) connection.fail(fmt::format("error parsing stream: {}", splitter.error().text));
      break;
    }
    if (n == 0) begun = last = connection.loop().clock().stopwatch();
    dispatch(text);
    if (watch.ended()) return;
    Time now = connection.loop().clock().stopwatch();
    if (rest(now - std::exchange(last, now))) break;
    if (n + 1 == kMessagesPerIteration || now - begun >= turn()) {
      left_over = true;
      break;
    }
  }
  note_busy(left_over);
  processing = false;
  splitter.shrink();
  charge();
  if (left_over) continue_later();
  update_reading(left_over || is_stopped() || output_full());
}

void JsonRpcSession::Impl::note_busy(bool now) {
  if (shares) shares->busy += now - std::exchange(busy, now);
}

Duration JsonRpcSession::Impl::turn() const { return shares ? kTurn / static_cast<int>(std::max<size_t>(shares->busy, 1)) : kTurn; }

/// Who makes others wait waits himself.  True if there is a rest now.
bool JsonRpcSession::Impl::rest(Duration took) {
  if (!shares) return false;
  shares->handled++;
  handled++;
  bool alone = shares->handled - handled == std::exchange(others, shares->handled - handled);
  if (took < kLongMessage || alone) return false;
  if (!resting) resting = std::make_unique<Timer>(connection.loop(), [this] { process(); }, "jsonrpc rest");
  resting->set(connection.loop().now() + std::min<Duration>(took * kRest, kMostRest));
  on_limit(lifetime, JsonRpcLimit::rest);
  return true;
}

void JsonRpcSession::Impl::charge() {
  if (!shares) return;
  size_t now = splitter.buffered();
  shares->input_used += now - charged;
  charged = now;
  if (shares->input_used > shares->input_limit && now > kFreeInput)
    refuse(JsonRpcLimit::input_budget, fmt::format("unfinished messages of all clients take more than {} bytes", shares->input_limit));
}

/// The client is told why before it is cut off.
void JsonRpcSession::Impl::refuse(JsonRpcLimit limit, const std::string& details) {
  connection.send(jsonrpc_error(Json::object({{"error", "resources exhausted"}, {"details", details}}), kNullJson));
  connection.close_when_drained(details, limit == JsonRpcLimit::message_size ? WebSocketClose::too_big : WebSocketClose::policy);
  on_limit(lifetime, limit);
}

void JsonRpcSession::Impl::update_reading(bool stop) {
  if (connection.is_open()) connection.pause_reading(stop);
}

void JsonRpcSession::Impl::continue_later() {
  if (!more) more = std::make_unique<Deferred>(connection.loop(), [this] { process(); }, "jsonrpc");
  more->schedule();
}

void JsonRpcSession::Impl::dispatch(std::string_view text) {
  bool taken = false;
  if (!on_text(lifetime, text, taken) || taken) return;
  auto parsed = arena.parse(text);
  if (!parsed) return connection.fail(fmt::format("error parsing stream: {}", parsed.error().text));
  auto m = classify_jsonrpc(**parsed);
  if (!m) return connection.fail(fmt::format("received bad JSON-RPC message: {}", m.error()));
  handle(*m);
}

void JsonRpcSession::Impl::handle(const JsonRpcMessage& m) {
  switch (m.kind) {
    case JsonRpcMessage::Kind::request:
      if (m.method == "echo") {
        connection.send(jsonrpc_reply(*m.params, *m.id));
      } else if (on_request) {
        on_request(lifetime, m.method, *m.params, *m.id);
      } else {
        connection.send(jsonrpc_error("unknown method", *m.id));
      }
      break;
    case JsonRpcMessage::Kind::notification:
      on_notification(lifetime, m.method, *m.params);
      break;
    case JsonRpcMessage::Kind::reply:
    case JsonRpcMessage::Kind::error: handle_reply(m); break;
  }
}

void JsonRpcSession::Impl::handle_reply(const JsonRpcMessage& m) {
  if (probes_unanswered > 0 && m.id->string() == kEchoId) {
    probes_unanswered--;
  } else if (on_reply) {
    on_reply(lifetime, *m.id, *m.result, *m.error);
  } else {
    connection.fail("received unexpected reply");
  }
}

void JsonRpcSession::Impl::probe_due() {
  Time now = connection.loop().now();
  if (connection.is_connecting()) return probe->set(now + probe_interval);
  if (!connection.is_open()) return;
  Time heard = connection.last_received();
  bool progress = connection.bytes_sent() != std::exchange(sent_at_check, connection.bytes_sent());
  // While we do not read, silence means nothing; only a peer that does not read either is dead.
  if (connection.reading_paused() && (progress || connection.queued() == 0)) {
    probing = false;
    return probe->set(now + probe_interval);
  }
  if (probing && heard >= probe_sent) probing = false;
  if (!probing && now < heard + probe_interval) return probe->set(heard + probe_interval);
  if (probing) {
    return connection.fail(fmt::format("no response to inactivity probe after {:.3g} seconds", static_cast<double>(to_ms(now - probe_sent)) / 1000));
  }
  probing = true;
  probe_sent = now;
  probes_unanswered++;
  connection.send(jsonrpc_request("echo", Json::array(), kEchoId));
  probe->set(now + probe_interval);
}

JsonRpcSession::JsonRpcSession(Connection& connection, JsonArena& arena, Handlers handlers)
    : impl_(std::make_unique<Impl>(connection, arena, std::move(handlers))) {
  connection.on_data([i = impl_.get()](ByteView data) { i->on_data(data); });
  connection.on_drained([i = impl_.get()] {
    // What was left unread for want of room is read now.
    if (i->on_drained(i->lifetime) && (!i->splitter.empty() || i->connection.reading_paused())) i->process();
  });
}

JsonRpcSession::~JsonRpcSession() {
  impl_->connection.on_data(nullptr);
  impl_->connection.on_drained(nullptr);
}

int64_t JsonRpcSession::request(std::string_view method, const Json& params) {
  int64_t id = impl_->next_id++;
  request(method, params, id);
  return id;
}
void JsonRpcSession::request(std::string_view method, const Json& params, const Json& id) { send_text(jsonrpc_request(method, params, id)); }
void JsonRpcSession::notify(std::string_view method, const Json& params) { send_text(jsonrpc_notification(method, params)); }
void JsonRpcSession::reply(const Json& result, const Json& id) { send_text(jsonrpc_reply(result, id)); }
void JsonRpcSession::error(const Json& error, const Json& id) { send_text(jsonrpc_error(error, id)); }

void JsonRpcSession::reply_text(std::string_view result_text, const Json& id) {
  std::string out;
  out.reserve(result_text.size() + 64);
  out += "{\"error\":null,\"result\":";
  out += result_text;
  out += ",\"id\":";
  id.append_to(out);
  out += '}';
  send_text(std::move(out));
}

void JsonRpcSession::send_text(std::string text) { impl_->connection.send(std::move(text)); }
void JsonRpcSession::send_text(std::shared_ptr<const std::string> text) { impl_->connection.send(std::move(text)); }

void JsonRpcSession::set_shares(SessionShares& shares) { impl_->shares = &shares; }

void JsonRpcSession::set_probe_interval(Duration d) {
  Impl& i = *impl_;
  if (d > Duration::zero()) d = std::max(d, kMinProbeInterval);
  i.probing = false;
  i.probe_interval = d;
  if (d <= Duration::zero()) {
    i.probe.reset();
    return;
  }
  if (!i.probe) i.probe = std::make_unique<Timer>(i.connection.loop(), [&i] { i.probe_due(); }, "jsonrpc probe");
  i.probe->set(i.connection.last_received() + d);
}

void JsonRpcSession::send_probe() {
  impl_->probes_unanswered++;
  send_text(jsonrpc_request("echo", Json::array(), kEchoId));
}

void JsonRpcSession::pause(bool paused) {
  Impl& i = *impl_;
  if (i.paused == paused) return;
  i.paused = paused;
  if (i.processing) return;  // process() looks after each message
  if (paused) {
    i.update_reading(true);
  } else {
    i.continue_later();
  }
}

size_t JsonRpcSession::queued() const { return impl_->connection.queued(); }
Connection& JsonRpcSession::connection() { return impl_->connection; }

}  // namespace sluice
