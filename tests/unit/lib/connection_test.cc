// SPDX-License-Identifier: Apache-2.0
// Connections and listeners over loopback: open, data both ways, close, refusal, back pressure, and being destroyed in any callback.
#include "lib/connection.h"

#include <sys/stat.h>

#include <optional>
#include <vector>

#include "lib/socket.h"
#include "tests/unit/lib/stream_fixture.h"

namespace sluice {
namespace {

struct ConnectionTest : StreamTest {
  std::unique_ptr<Connection> server, client;
  std::string server_got, client_got, server_closed, client_closed;
  bool opened = false;

  std::unique_ptr<Listener> listen(const std::string& where) {
    auto l = Listener::listen(loop, target(where), [this](std::unique_ptr<Connection> c) {
      server = std::move(c);
      server->on_data([this](ByteView v) { server_got += text_of(v); });
      server->on_close([this](std::string_view reason) { server_closed = reason; });
    });
    EXPECT_TRUE(l.has_value()) << l.error().text;
    return std::move(*l);
  }
  void connect(const Target& t) {
    client = Connection::connect(loop, t, t.kind == TransportKind::unix_socket ? SocketAddress() : *numeric_address(t), nullptr);
    client->on_open([this] { opened = true; });
    client->on_data([this](ByteView v) { client_got += text_of(v); });
    client->on_close([this](std::string_view reason) { client_closed = reason; });
  }
  void pair(const std::string& where = "punix:s") {
    listener = listen(where);
    connect(where[1] == 't' ? tcp_target(*listener) : target("unix:s"));
    ASSERT_TRUE(until([&] { return opened && server; }));
  }
  std::unique_ptr<Listener> listener;
};

TEST_F(ConnectionTest, UnixBothWaysAndInOrderClose) {
  pair();
  EXPECT_EQ(server->peer_name(), "unix#1");
  EXPECT_EQ(client->peer_name(), "unix:s");
  client->send(std::string("hello "));
  client->send(Bytes{'w', 'o'});
  client->send(std::make_shared<const std::string>("rld"));
  EXPECT_TRUE(server_got.empty()) << "nothing happens before the loop runs";
  ASSERT_TRUE(until([&] { return server_got.size() == 11; }));
  EXPECT_EQ(server_got, "hello world");
  server->send(std::string("bye"));
  server->close();  // what is queued is still written
  ASSERT_TRUE(until([&] { return !client_closed.empty(); }));
  EXPECT_EQ(client_got, "bye");
  EXPECT_EQ(client_closed, "End of file");
  EXPECT_EQ(server_closed, "") << "close() calls nothing";
  EXPECT_FALSE(client->is_open());
}

TEST_F(ConnectionTest, TcpNamesAndPorts) {
  pair("ptcp:0:127.0.0.1");
  EXPECT_EQ(server->peer_name(), "tcp:" + client->local_address().host_port());
  EXPECT_EQ(client->peer_address().port(), listener->bound_port());
}

TEST_F(ConnectionTest, RefusedAndMissing) {
  int port;
  {
    auto l = listen("ptcp:0:127.0.0.1");
    port = l->bound_port();
  }
  connect(target("tcp:127.0.0.1:" + std::to_string(port)));
  ASSERT_TRUE(until([&] { return !client_closed.empty(); }));
  EXPECT_EQ(client_closed, "Connection refused");
  client_closed.clear();
  connect(target("unix:nothing"));
  EXPECT_TRUE(client_closed.empty()) << "reported by the loop only";
  ASSERT_TRUE(until([&] { return !client_closed.empty(); }));
  EXPECT_EQ(client_closed, "No such file or directory");
  EXPECT_FALSE(opened);
}

TEST_F(ConnectionTest, UnixSocketFileLifeAndLongPath) {
  std::string path = dir + "/s";
  { auto left_over = open_passive_unix(path, 0700, 1); }  // its file stays
  struct stat s{};
  {
    auto l = listen("punix:s");
    ASSERT_EQ(stat(path.c_str(), &s), 0);
    mode_t mask = umask(0);
    umask(mask);
    EXPECT_EQ(s.st_mode & 0777, 0770u & ~mask);
  }
  EXPECT_NE(stat(path.c_str(), &s), 0);
  std::string deep = dir + "/" + std::string(90, 'd');
  std::filesystem::create_directory(deep);
  auto l = listen("punix:" + deep + "/sock");
  connect(target("unix:" + deep + "/sock"));
  EXPECT_TRUE(until([&] { return opened; }));
  auto none = Listener::listen(loop, target("punix:/nonexistent/x"), [](std::unique_ptr<Connection>) {});
  ASSERT_FALSE(none.has_value());
  EXPECT_EQ(none.error().text, "No such file or directory");
}

TEST_F(ConnectionTest, ReplacedListenerLeavesTheNewSocketAlone) {
  auto l = listen("punix:s");
  l = listen("punix:s");  // the old one dies after the new one has taken its place
  connect(target("unix:s"));
  EXPECT_TRUE(until([&] { return opened; }));
}

TEST_F(ConnectionTest, LargeTransferWithSlowReaderArrivesWholeAndInOrder) {
  pair();
  std::string sent;
  int drained = 0;
  client->on_drained([&] { drained++; });
  for (int i = 0; i < 3000; i++) {
    std::string piece(static_cast<size_t>(1 + i * 7919 % 5000), static_cast<char>('a' + i % 26));
    sent += piece;
    switch (i % 3) {
      case 0: client->send(piece); break;
      case 1: client->send(std::make_shared<const std::string>(piece)); break;
      default: client->send(Bytes(piece.begin(), piece.end()));
    }
  }
  server->pause_reading(true);
  settle();
  EXPECT_GT(client->queued(), 1u << 20);
  EXPECT_EQ(drained, 0);
  server->pause_reading(false);
  ASSERT_TRUE(until([&] { return server_got.size() >= sent.size(); }));
  EXPECT_EQ(server_got, sent);
  EXPECT_TRUE(until([&] { return drained == 1; }));
  EXPECT_EQ(client->queued(), 0u);
  EXPECT_EQ(client->bytes_sent(), server->bytes_received());
}

TEST_F(ConnectionTest, CloseWhenDrainedSendsAllFirst) {
  pair();
  std::string big(3 << 20, 'x');
  client->send(big);
  client->close_when_drained("done");
  client->send(std::string("too late"));
  ASSERT_TRUE(until([&] { return !server_closed.empty() && !client_closed.empty(); }));
  EXPECT_EQ(server_got.size(), big.size());
  EXPECT_EQ(client_closed, "done");
}

TEST_F(ConnectionTest, FailReportsFromTheLoopOnce) {
  pair();
  client->fail("because");
  client->fail("of something else");
  EXPECT_EQ(client_closed, "");
  ASSERT_TRUE(until([&] { return !client_closed.empty(); }));
  EXPECT_EQ(client_closed, "because");
}

TEST_F(ConnectionTest, DestroyedInEachCallback) {
  for (int which = 0; which < 4; which++) {
    pair();
    bool reached = false;
    auto witness = std::make_shared<int>(which);
    auto destroy = [&, witness] {
      server.reset();
      reached = *witness == which;
    };
    if (which == 0) server->on_data([destroy](ByteView) { destroy(); });
    if (which == 1) server->on_close([destroy](std::string_view) { destroy(); });
    if (which == 2) server->on_drained(destroy);
    if (which == 3) loop.post(destroy);
    if (which == 2) server->send(std::string("x"));
    client->send(std::string("y"));
    if (which == 1) settle(), client->close();
    ASSERT_TRUE(until([&] { return reached; })) << which;
    settle();
    EXPECT_EQ(witness.use_count(), 2) << "the callback, with its copy, is gone with the connection";
    opened = false, client_closed.clear();
  }
}

TEST_F(ConnectionTest, CallbackReplacedWhileItRuns) {
  pair();
  std::string second;
  server->on_data([&](ByteView) { server->on_data([&](ByteView v) { second += text_of(v); }); });
  client->send(std::string("1"));
  settle();
  client->send(std::string("2"));
  ASSERT_TRUE(until([&] { return !second.empty(); }));
  EXPECT_EQ(second, "2");
}

TEST_F(ConnectionTest, ListenerDestroyedWhileItAccepts) {
  std::unique_ptr<Listener> l;
  int accepted = 0;
  auto made = Listener::listen(loop, target("punix:s"), [&](std::unique_ptr<Connection>) { accepted++, l.reset(); });
  l = std::move(*made);
  connect(target("unix:s"));
  auto first = std::move(client);
  connect(target("unix:s"));
  ASSERT_TRUE(until([&] { return accepted > 0; }));
  settle();
  EXPECT_EQ(accepted, 1);
}

TEST_F(ConnectionTest, ThousandConnections) {
  std::vector<std::unique_ptr<Connection>> servers, clients;
  size_t bytes = 0, opened_count = 0;
  auto l = Listener::listen(loop, target("ptcp:0:127.0.0.1"), [&](std::unique_ptr<Connection> c) {
    Connection* raw = c.get();
    c->on_data([raw](ByteView v) { raw->send(Bytes(v.begin(), v.end())); });
    servers.push_back(std::move(c));
  });
  Target t = tcp_target(**l);
  for (int i = 0; i < 1000; i++) {
    clients.push_back(Connection::connect(loop, t, *numeric_address(t), nullptr));
    Connection* raw = clients.back().get();
    raw->on_open([&, raw] { opened_count++, raw->send(std::string("ping")); });
    raw->on_data([&](ByteView v) { bytes += v.size(); });
  }
  ASSERT_TRUE(until([&] { return bytes == 4000; })) << opened_count << " open";
  EXPECT_EQ(servers.size(), 1000u);
}

}  // namespace
}  // namespace sluice
