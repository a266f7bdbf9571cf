// SPDX-License-Identifier: Apache-2.0
// TLS over loopback with certificates that the openssl program makes here: both ways verified, strangers refused, bootstrap, new files.
#include "lib/tls.h"

#include <fmt/core.h>

#include <fstream>

#include "lib/connection.h"
#include "tests/unit/lib/stream_fixture.h"

namespace sluice {
namespace {

struct TlsTest : StreamTest {
  void sh(const std::string& command) {
    std::string all = fmt::format("cd {} && ( {} ) >log 2>&1", dir, command);
    ASSERT_EQ(std::system(all.c_str()), 0) << command;
  }
  void make_ca(const std::string& ca) {
    sh(fmt::format("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout {0}.key -out {0}.pem -days 2 -subj /CN={0}", ca));
  }
  void make_cert(const std::string& name, const std::string& ca) {
    sh(fmt::format("openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout {0}.key -out {0}.csr -subj '/O=Sluice/CN={0}' && "
                   "openssl x509 -req -in {0}.csr -CA {1}.pem -CAkey {1}.key -CAcreateserial -days 2 -out {0}.pem", name, ca));
  }
  TlsConfig config(const std::string& name, const std::string& ca) {
    return {.private_key = dir + "/" + name + ".key", .certificate = dir + "/" + name + ".pem", .ca_cert = dir + "/" + ca + ".pem"};
  }
  void SetUp() override {
    make_ca("ca");
    make_cert("switch", "ca");
    make_cert("controller", "ca");
  }
  void listen(TlsContext& tls) {
    auto l = Listener::listen(loop, target("pssl:0:127.0.0.1"), [this](std::unique_ptr<Connection> c) {
      server = std::move(c);
      server_closed.clear();
      server->on_data([this](ByteView v) { server_got += text_of(v); });
      server->on_close([this](std::string_view reason) { server_closed = reason; });
    }, {.tls = &tls});
    ASSERT_TRUE(l.has_value()) << l.error().text << *tls.check(loop.now());
    listener = std::move(*l);
  }
  void connect(TlsContext& tls) {
    Target t = target("ssl:127.0.0.1:" + std::to_string(listener->bound_port()));
    opened = false, client_closed.clear();
    client = Connection::connect(loop, t, *numeric_address(t), &tls);
    client->on_open([this] { opened = true; });
    client->on_data([this](ByteView v) { client_got += text_of(v); });
    client->on_close([this](std::string_view reason) { client_closed = reason; });
  }
  bool outcome() {
    return until([&] { return !client_closed.empty() || (opened && server && server->is_open()); });
  }
  std::unique_ptr<Listener> listener;
  std::unique_ptr<Connection> server, client;
  std::string server_got, client_got, server_closed, client_closed;
  bool opened = false;
};

TEST_F(TlsTest, RoundTripWithNames) {
  TlsContext s(config("switch", "ca")), c(config("controller", "ca"));
  listen(s);
  connect(c);
  client->send(std::string("early"));  // waits for the handshake
  ASSERT_TRUE(outcome());
  ASSERT_EQ(client_closed, "");
  EXPECT_EQ(server->peer_certificate_name(), "controller");
  EXPECT_EQ(client->peer_certificate_name(), "switch");
  EXPECT_TRUE(server->peer_name().starts_with("ssl:127.0.0.1:"));
  std::string big(5 << 20, 'q');
  server->send(std::string("a"));
  server->send(std::make_shared<const std::string>(big));
  server->send(std::string("z"));
  ASSERT_TRUE(until([&] { return client_got.size() == big.size() + 2 && server_got == "early"; }));
  EXPECT_EQ(client_got, "a" + big + "z");
  server->close();
  ASSERT_TRUE(until([&] { return !client_closed.empty(); }));
  EXPECT_EQ(client_closed, "End of file");
}

TEST_F(TlsTest, PausedReaderLosesNothing) {
  TlsContext s(config("switch", "ca")), c(config("controller", "ca"));
  listen(s);
  connect(c);
  ASSERT_TRUE(outcome());
  server->on_data([&](ByteView v) { server_got += text_of(v), server->pause_reading(true); });
  client->send(std::string(100'000, 'x'));
  settle();
  EXPECT_LT(server_got.size(), 100'000u);
  for (int i = 0; i < 100 && server_got.size() < 100'000; i++) server->pause_reading(false), settle();
  EXPECT_EQ(server_got.size(), 100'000u);
}

TEST_F(TlsTest, StrangersAreRefused) {
  make_ca("otherca");
  make_cert("stranger", "otherca");
  TlsContext s(config("switch", "ca")), trusting(config("stranger", "ca")), suspicious(config("controller", "otherca"));
  listen(s);
  connect(suspicious);  // the client does not believe the server
  ASSERT_TRUE(outcome());
  EXPECT_NE(client_closed.find("certificate verify failed"), std::string::npos) << client_closed;
  connect(trusting);  // the server does not believe the client, which learns of it after its side of the handshake
  ASSERT_TRUE(until([&] { return !client_closed.empty() && !server_closed.empty(); }));
  EXPECT_NE(server_closed.find("certificate verify failed"), std::string::npos) << server_closed;
  EXPECT_NE(client_closed.find("alert"), std::string::npos) << client_closed;
}

TEST_F(TlsTest, PlainTextClientIsTurnedAway) {
  TlsContext s(config("switch", "ca"));
  listen(s);
  Target t = target("tcp:127.0.0.1:" + std::to_string(listener->bound_port()));
  client = Connection::connect(loop, t, *numeric_address(t), nullptr);
  client->send(std::string("{\"method\":\"echo\",\"params\":[],\"id\":0}"));
  ASSERT_TRUE(until([&] { return !server_closed.empty(); }));
  EXPECT_TRUE(server_closed.starts_with("TLS: ")) << server_closed;
  EXPECT_EQ(server_got, "");
}

TEST_F(TlsTest, ClientThatNeverShakesHandsIsDropped) {
  TlsContext s(config("switch", "ca"));
  listen(s);
  Target t = target("tcp:127.0.0.1:" + std::to_string(listener->bound_port()));
  client = Connection::connect(loop, t, *numeric_address(t), nullptr);
  ASSERT_TRUE(until([&] { return server != nullptr; }));
  settle();
  clock.warp(kHandshakeTimeout);
  settle();
  EXPECT_EQ(server_closed, "TLS: handshake timed out");
}

TEST_F(TlsTest, BootstrapThenVerify) {
  TlsConfig sc = config("switch", "ca");
  sc.peer_ca_cert = dir + "/ca.pem";
  TlsConfig cc = config("controller", "fetched");
  cc.bootstrap_ca_cert = true;
  TlsContext s(sc), c(cc);
  listen(s);
  connect(c);
  ASSERT_TRUE(outcome());
  EXPECT_EQ(client_closed, kBootstrapped);
  EXPECT_FALSE(opened);
  auto content = [&](const char* name) {
    std::ifstream in(dir + "/" + name);
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  EXPECT_EQ(content("fetched.pem"), content("ca.pem"));
  connect(c);
  ASSERT_TRUE(outcome());
  EXPECT_EQ(client_closed, "");
  EXPECT_TRUE(opened);
}

TEST_F(TlsTest, ChangedFilesAreTaken) {
  TlsContext s(config("switch", "ca")), c(config("controller", "ca"));
  listen(s);
  connect(c);
  ASSERT_TRUE(outcome());
  make_cert("replacement", "ca");
  sh("mv replacement.key switch.key && mv replacement.pem switch.pem");
  clock.warp(seconds(2));
  loop.run_once(Duration::zero());
  connect(c);
  server.reset();
  ASSERT_TRUE(outcome());
  EXPECT_EQ(client->peer_certificate_name(), "replacement");
}

TEST_F(TlsTest, RevokedCertificatesAreRefused) {
  TlsContext s(config("switch", "ca")), c(config("controller", "ca"));
  listen(s);
  connect(c);
  ASSERT_TRUE(outcome());
  EXPECT_TRUE(opened);
  // A list that names the client, behind the CA's certificate.  The session that is there goes on.
  sh("touch index && echo 01 >crlnumber && printf '[ca]\ndefault_ca=d\n[d]\ndatabase=index\ndefault_md=sha256\ndefault_crl_days=2\ncrlnumber=crlnumber\n' >conf && "
     "openssl ca -config conf -keyfile ca.key -cert ca.pem -revoke controller.pem && openssl ca -config conf -keyfile ca.key -cert ca.pem -gencrl -out crl && "
     "cat ca.pem crl >both && mv both ca.pem");
  clock.warp(seconds(2));
  loop.run_once(Duration::zero());
  client->send(std::string("still here"));
  ASSERT_TRUE(until([&] { return server_got == "still here"; }));
  connect(c);
  ASSERT_TRUE(until([&] { return !server_closed.empty(); }));
  EXPECT_NE(server_closed.find("certificate verify failed"), std::string::npos) << server_closed;
  make_cert("controller", "ca");  // another one
  clock.warp(seconds(2));
  loop.run_once(Duration::zero());
  server.reset();
  connect(c);
  ASSERT_TRUE(outcome());
  EXPECT_EQ(client_closed, "");
}

TEST_F(TlsTest, ServerName) {
  TlsConfig cc = config("controller", "ca");
  cc.server_name = "switch";  // without a subjectAltName the CN counts
  TlsContext s(config("switch", "ca")), good(cc);
  cc.server_name = "elsewhere";
  TlsContext bad(cc);
  listen(s);
  connect(good);
  ASSERT_TRUE(outcome());
  EXPECT_EQ(client_closed, "");
  connect(bad);
  ASSERT_TRUE(outcome());
  EXPECT_NE(client_closed.find("hostname mismatch"), std::string::npos) << client_closed;
}

TEST_F(TlsTest, ConfigurationErrors) {
  auto problem = [&](TlsConfig c) { return TlsContext(std::move(c)).check(loop.now()).value_or("none"); };
  EXPECT_EQ(problem({}), "Private key must be configured to use SSL");
  EXPECT_EQ(problem({.private_key = "/x"}), "Certificate must be configured to use SSL");
  EXPECT_EQ(problem({.private_key = "/x", .certificate = "/y"}), "CA certificate must be configured to use SSL");
  TlsConfig c = config("switch", "ca");
  EXPECT_EQ(problem(c), "none");
  c.certificate = "/nonexistent.pem";
  EXPECT_EQ(problem(c), "certificate /nonexistent.pem: No such file or directory");
  c = config("switch", "ca");
  c.private_key = dir + "/controller.key";
  EXPECT_NE(problem(c).find("match"), std::string::npos) << problem(c);
  c = config("switch", "ca");
  c.protocols = "TLSv1,TLSv1.1";
  EXPECT_EQ(problem(c), "TLSv1,TLSv1.1: no protocol that is still allowed (TLSv1.2 or later)");
  c.protocols = "TLSv9";
  EXPECT_EQ(problem(c), "TLSv9: SSL protocol not recognized");
  c.protocols = "TLSv1.2";
  EXPECT_EQ(problem(c), "none");
}

}  // namespace
}  // namespace sluice
