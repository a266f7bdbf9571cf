// SPDX-License-Identifier: Apache-2.0
// JSON-RPC sessions: kinds of messages, echo, what ends a connection, flow control, probes, and the blocking client.
#include "lib/jsonrpc.h"

#include <sys/socket.h>

#include <thread>

#include "tests/unit/lib/stream_fixture.h"

namespace sluice {
namespace {

struct JsonRpcTest : StreamTest {
  /// A server session at one end of a socket pair, and a plain connection at the other.
  JsonRpcTest() {
    int fds[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    server = Connection::accepted(loop, fds[0], "unix#1", nullptr);
    peer = Connection::accepted(loop, fds[1], "unix#2", nullptr);
    server->on_close([this](std::string_view reason) { closed = reason; });
    peer->on_data([this](ByteView v) { got += text_of(v); });
    JsonRpcSession::Handlers h;
    h.on_request = [this](std::string_view method, const Json& params, const Json& id) {
      log += std::string(method) + params.to_string() + id.to_string() + " ";
      if (method == "quit") {
        session.reset();
      } else if (method == "fail") {
        session->error("no such luck", id);
      } else if (method == "big") {
        session->reply(std::string(300'000, 'x'), id);
      } else {
        session->reply(params, id);
      }
    };
    h.on_notification = [this](std::string_view method, const Json& params) { log += std::string(method) + params.to_string() + " "; };
    h.on_reply = [this](const Json& id, const Json& result, const Json& error) {
      log += "reply" + id.to_string() + result.to_string() + error.to_string() + " ";
    };
    session = std::make_unique<JsonRpcSession>(*server, arena, std::move(h));
  }
  std::string exchange(const std::string& text) {
    got.clear();
    peer->send(text);
    settle();
    return got;
  }
  JsonArena arena;
  std::unique_ptr<Connection> server, peer;
  std::unique_ptr<JsonRpcSession> session;
  std::string log, got, closed;
};

TEST_F(JsonRpcTest, RequestsNotificationsReplies) {
  EXPECT_EQ(exchange(R"({"id":7,"method":"m","params":[1,"a"]})"), R"({"error":null,"result":[1,"a"],"id":7})");
  EXPECT_EQ(exchange(R"({"id":["x"],"method":"fail","params":[]})"), R"({"error":"no such luck","id":["x"]})");
  EXPECT_EQ(exchange(R"({"id":null,"method":"n","params":[2]} {"method":"n","params":[3]})"), "");
  EXPECT_EQ(exchange(R"({"id":"e","method":"echo","params":[{"a":1}]})"), R"({"error":null,"result":[{"a":1}],"id":"e"})");
  int64_t id = session->request("hello", Json::array({1}));
  EXPECT_EQ(exchange(""), R"({"method":"hello","params":[1],"id":)" + std::to_string(id) + "}");
  exchange(R"({"error":null,"id":0,"result":{}})" R"({"error":"bad","id":1})");
  session->notify("update", Json::array());
  EXPECT_EQ(exchange(""), R"({"method":"update","params":[],"id":null})");
  EXPECT_EQ(log, R"(m[1,"a"]7 fail[]["x"] n[2] n[3] reply0{}null reply1null"bad" )");
  EXPECT_EQ(closed, "");
}

TEST_F(JsonRpcTest, MessagesInPieces) {
  std::string all;
  for (char c : std::string(R"({"id":1,"method":"m","params":["}{\""]})")) all += exchange(std::string(1, c));
  EXPECT_EQ(all, R"({"error":null,"result":["}{\""],"id":1})");
}

TEST_F(JsonRpcTest, DestroyedInItsHandler) {
  exchange(R"({"id":1,"method":"quit","params":[]}{"id":2,"method":"m","params":[]})");
  EXPECT_EQ(log, "quit[]1 ");
  exchange("more");
}

struct BadMessage {
  const char *text, *reason;
};
struct JsonRpcBadTest : JsonRpcTest, testing::WithParamInterface<BadMessage> {};
TEST_P(JsonRpcBadTest, EndsTheConnection) {
  exchange(GetParam().text);
  EXPECT_NE(closed.find(GetParam().reason), std::string::npos) << closed;
  EXPECT_EQ(log, "");
}
INSTANTIATE_TEST_SUITE_P(Messages, JsonRpcBadTest, testing::Values(
    BadMessage{"hello", "error parsing stream: line 0, column 5, byte 5: invalid keyword 'hello'"},
    BadMessage{"[]", "message is not a JSON object"},
    BadMessage{R"({"id":1,"method":"m","params":{}})", "request must have \"params\" that are a JSON array"},
    BadMessage{R"({"id":1,"method":"m","params":[],"jsonrpc":"2.0"})", "unexpected member \"jsonrpc\""},
    BadMessage{R"({"id":1,"method":3,"params":[]})", "\"method\" is not a JSON string"},
    BadMessage{R"({"id":1,"method":"m","params":[],"result":1})", "request must not have \"result\""},
    BadMessage{R"({"id":null,"result":1,"error":null})", "reply must have \"id\""},
    BadMessage{R"({"id":1,"result":1,"error":2})", "both"},
    BadMessage{R"({"id":1})", "neither"},
    BadMessage{R"({"id":1,"method":"m","params":[1e400]})", "error parsing stream"},
    BadMessage{R"({"id":1,"method":"m","params":["\ud800"]})", "error parsing stream"}));

TEST_F(JsonRpcTest, TooDeep) {
  exchange(std::string(1100, '[') + std::string(1100, ']'));
  EXPECT_NE(closed, "");
}

TEST_F(JsonRpcTest, ClientThatDoesNotReadIsNotServedOn) {
  peer->pause_reading(true);
  std::string requests;
  for (int i = 0; i < 100; i++) requests += R"({"id":1,"method":"big","params":[]})";
  exchange(requests);
  size_t answered = log.size() / sizeof("big[]1 ");
  EXPECT_LT(answered, 10u);
  EXPECT_LE(session->queued(), kOutputHighWater + 400'000);
  EXPECT_TRUE(server->reading_paused());
  peer->pause_reading(false);
  ASSERT_TRUE(until([&] { return got.size() > 100u * 300'000; }));
  EXPECT_FALSE(server->reading_paused());
  EXPECT_EQ(closed, "");
}

TEST_F(JsonRpcTest, PauseHoldsMessagesBack) {
  session->pause(true);
  exchange(R"({"id":1,"method":"m","params":[]})");
  EXPECT_EQ(log, "");
  session->pause(false);
  settle();
  EXPECT_EQ(log, "m[]1 ");
}

TEST_F(JsonRpcTest, ManyMessagesAtOnce) {
  std::string requests;
  for (int i = 0; i < 1000; i++) requests += R"({"id":1,"method":"m","params":[]})";
  exchange(requests);
  ASSERT_TRUE(until([&] { return log.size() == 1000 * std::string("m[]1 ").size(); }));
  EXPECT_FALSE(server->reading_paused());
}

TEST_F(JsonRpcTest, ProbeOfASilentPeer) {
  clock.stop();
  session->set_probe_interval(seconds(5));
  const std::string echo = R"({"method":"echo","params":[],"id":"echo"})";
  clock.warp(seconds(4));
  EXPECT_EQ(exchange(""), "");
  clock.warp(seconds(1));
  EXPECT_EQ(exchange(""), echo);
  clock.warp(seconds(1));
  exchange(R"({"id":"echo","result":[],"error":null})");
  EXPECT_EQ(log, "") << "the answer to a probe is not for the user";
  clock.warp(seconds(4));
  EXPECT_EQ(exchange(""), "");
  clock.warp(seconds(1));
  EXPECT_EQ(exchange(""), echo);
  clock.warp(seconds(5));
  exchange("");
  EXPECT_EQ(closed, "no response to inactivity probe after 5 seconds");
}

struct JsonRpcClientTest : StreamTest {};

TEST_F(JsonRpcClientTest, CallsAndNotifications) {
  std::unique_ptr<Connection> c;
  std::unique_ptr<JsonRpcSession> s;
  JsonArena arena;
  auto l = Listener::listen(loop, target("punix:s"), [&](std::unique_ptr<Connection> accepted) {
    c = std::move(accepted);
    JsonRpcSession::Handlers h;
    h.on_request = [&](std::string_view method, const Json& params, const Json& id) {
      if (method == "bye") return s.reset(), c.reset(), loop.stop();
      s->notify("update", params);
      if (method == "ok") s->reply(params, id);
      if (method == "bad") s->error("unknown method", id);
    };
    s = std::make_unique<JsonRpcSession>(*c, arena, std::move(h));
  });
  ASSERT_TRUE(l.has_value());
  std::thread server([&] { loop.run(); });
  Target t = target("unix:s");
  auto client = JsonRpcClient::connect({target("unix:missing"), t}, {.timeout = seconds(5)});
  ASSERT_TRUE(client.has_value()) << client.error();
  EXPECT_EQ((*client)->call("ok", Json::array({5}))->to_string(), "[5]");
  auto bad = (*client)->call("bad", Json::array());
  ASSERT_FALSE(bad.has_value());
  EXPECT_EQ(bad.error().error->string(), "unknown method");
  auto update = (*client)->receive(seconds(5));
  ASSERT_TRUE(update.has_value() && *update);
  EXPECT_EQ((**update).method + (**update).params.to_string(), "update[5]");
  EXPECT_TRUE((*client)->receive(seconds(5))->has_value());
  EXPECT_FALSE((*client)->receive(milliseconds(1))->has_value());
  auto gone = (*client)->call("bye", Json::array());
  ASSERT_FALSE(gone.has_value());
  EXPECT_FALSE(gone.error().error);
  EXPECT_EQ(gone.error().text, "End of file");
  server.join();
  auto none = JsonRpcClient::connect(target("unix:missing"), {.timeout = seconds(5)});
  ASSERT_FALSE(none.has_value());
  EXPECT_EQ(none.error(), "No such file or directory");
}

}  // namespace
}  // namespace sluice
