// SPDX-License-Identifier: Apache-2.0
// A client that keeps its connection up: refused and retried, lost, probed, several targets, names.
#include "lib/connector.h"

#include "lib/socket.h"
#include "tests/unit/lib/stream_fixture.h"

namespace sluice {
namespace {

struct ConnectorTest : StreamTest {
  Connector::Handlers handlers() {
    Connector::Handlers h;
    h.on_connected = [this](Connection& c) { events += "+" + c.peer_name() + " "; };
    h.on_disconnected = [this](std::string_view reason) { events += "-" + std::string(reason) + " "; };
    h.probe = [this](Connection& c) { events += "probe ", c.send(std::string("?")); };
    return h;
  }
  std::unique_ptr<Listener> listen(const std::string& where) {
    auto l = Listener::listen(loop, target(where), [this](std::unique_ptr<Connection> c) { servers.push_back(std::move(c)); });
    EXPECT_TRUE(l.has_value());
    return std::move(*l);
  }
  /// Lets time pass quickly: the machine's clock is stopped, and moved in steps with the sockets served in between.
  bool until_warped(std::function<bool()> done, Duration at_most = seconds(60)) {
    for (Duration passed{}; passed < at_most; passed += milliseconds(100)) {
      settle();
      if (done()) return true;
      clock.warp(milliseconds(100));
    }
    return false;
  }
  std::string events;
  std::vector<std::unique_ptr<Connection>> servers;
};

TEST_F(ConnectorTest, ConnectsWhenTheServerComesUp) {
  clock.stop();
  Connector c(loop, {target("unix:s")}, {}, handlers());
  settle();
  EXPECT_EQ(events, "");
  EXPECT_EQ(c.status(clock.now()), (std::map<std::string, std::string>{{"state", "BACKOFF"}, {"last_error", "No such file or directory"}}));
  auto l = listen("punix:s");
  ASSERT_TRUE(until_warped([&] { return c.connection() != nullptr; }));
  EXPECT_EQ(events, "+unix:s ");
  clock.warp(seconds(7));
  settle();
  EXPECT_EQ(c.status(clock.now()), (std::map<std::string, std::string>{
      {"state", "ACTIVE"}, {"last_error", "No such file or directory"}, {"sec_since_connect", "7"}}));
  servers.clear();
  ASSERT_TRUE(until_warped([&] { return events == "+unix:s -End of file +unix:s "; })) << events;
}

TEST_F(ConnectorTest, ProbesAndGivesUpOnSilence) {
  clock.stop();
  auto l = listen("ptcp:0:127.0.0.1");
  Target t = tcp_target(*l);
  Connector c(loop, {t}, {}, handlers());
  ASSERT_TRUE(until_warped([&] { return servers.size() == 1 && c.connection(); }));
  servers[0]->on_data([&](ByteView v) { servers[0]->send(Bytes(v.begin(), v.end())); });
  ASSERT_TRUE(until_warped([&] { return events.ends_with("probe probe probe "); }, seconds(17))) << events;
  servers[0]->on_data([](ByteView) {});  // the server goes deaf
  ASSERT_TRUE(until_warped([&] { return events.find("-Connection timed out") != events.npos; }, seconds(12))) << events;
  ASSERT_TRUE(until_warped([&] { return servers.size() == 2; }));
}

TEST_F(ConnectorTest, TriesTargetsInTurnWithoutWaiting) {
  auto l = listen("punix:third");
  Connector c(loop, {target("unix:first"), target("unix:second"), target("unix:third")}, {}, handlers());
  Time begin = clock.now();
  ASSERT_TRUE(until([&] { return c.connection() != nullptr; }));
  EXPECT_LT(clock.now() - begin, milliseconds(900));
  EXPECT_EQ(events, "+unix:third ");
  EXPECT_EQ(c.target().text, "unix:third");
}

TEST_F(ConnectorTest, LogsUntilTheBackoffIsAtItsMaximum) {
  clock.stop();
  std::string lines;
  Connector::Handlers h = handlers();
  h.log = [&](std::string_view line) { lines += std::string(line) + "\n"; };
  Connector c(loop, {target("unix:s")}, {}, std::move(h));
  until_warped([] { return false; }, seconds(60));
  auto l = listen("punix:s");
  ASSERT_TRUE(until_warped([&] { return c.connection() != nullptr; }));
  servers.clear();
  ASSERT_TRUE(until_warped([&] { return events.find('-') != events.npos; }));
  const std::string tried = "unix:s: connecting...\nunix:s: connection attempt failed (No such file or directory)\n";
  EXPECT_EQ(lines, tried + tried + "unix:s: waiting 2 seconds before reconnect\n" + tried + "unix:s: waiting 4 seconds before reconnect\n" + tried +
                       "unix:s: continuing to reconnect in the background but suppressing further logging\n"
                       "unix:s: connected\nunix:s: connection closed by peer\n");
}

TEST_F(ConnectorTest, ForceReconnect) {
  auto l = listen("punix:s");
  Connector c(loop, {target("unix:s")}, {}, handlers());
  ASSERT_TRUE(until([&] { return c.connection() != nullptr; }));
  c.force_reconnect();
  Time begin = clock.now();
  ASSERT_TRUE(until([&] { return servers.size() == 2; }));
  EXPECT_LT(clock.now() - begin, milliseconds(900));
}

TEST_F(ConnectorTest, DestroyedInItsCallbacks) {
  auto l = listen("punix:s");
  std::unique_ptr<Connector> c;
  Connector::Handlers h;
  int connected = 0, disconnected = 0;
  h.on_connected = [&](Connection&) { connected++, c.reset(); };
  c = std::make_unique<Connector>(loop, std::vector{target("unix:s")}, Connector::Options(), std::move(h));
  ASSERT_TRUE(until([&] { return connected == 1; }));
  settle();
  h.on_connected = nullptr;
  h.on_disconnected = [&](std::string_view) { disconnected++, c.reset(); };
  servers.clear();
  c = std::make_unique<Connector>(loop, std::vector{target("unix:s")}, Connector::Options(), std::move(h));
  ASSERT_TRUE(until([&] { return !servers.empty() && c->connection(); }));
  servers.clear();
  ASSERT_TRUE(until([&] { return disconnected == 1; }));
  settle();
}

TEST_F(ConnectorTest, NamesAreResolvedOutsideOfTheLoop) {
  auto l = listen("ptcp:0:127.0.0.1");
  std::string port = std::to_string(l->bound_port());
  Connector c(loop, {target("tcp:localhost:" + port)}, {}, handlers());
  ASSERT_TRUE(until([&] { return c.connection() != nullptr; }));
  // One that is dropped before its answer comes, together with its loop.
  Loop other(clock);
  Connector d(other, {target("tcp:no-such-host.invalid:1")}, {}, handlers());
  other.run_once(Duration::zero());
}

}  // namespace
}  // namespace sluice
