// SPDX-License-Identifier: Apache-2.0
// The control socket: argument checks and their texts, answers in order and late, output formats, garbage.
#include "lib/unixctl.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <deque>
#include <thread>

#include "lib/files.h"
#include "tests/unit/lib/stream_fixture.h"

namespace sluice {
namespace {

struct UnixctlTest : StreamTest {
  UnixctlTest() {
    path = dir + "/test.ctl";
    server.add_text("say", "ARG...", 1, 3, [](UnixctlArgs args) -> UnixctlText {
      std::string out;
      for (const std::string& a : args) out += a + "\n";
      return out;
    });
    server.add_text("fail", "", 0, 0, [](UnixctlArgs) -> UnixctlText { return std::unexpected("it failed"); });
    server.add("late", "", 0, 0, [this](UnixctlArgs, UnixctlReply reply) { waiting.push_back(std::move(reply)); });
    server.add("forget", "", 0, 0, [](UnixctlArgs, UnixctlReply) {});
    server.add("rich", "", 0, 0, [](UnixctlArgs, UnixctlReply reply) {
      reply.wants_json() ? reply.json(Json::object({{"a", 1}})) : reply.ok("a is 1\n");
    });
    auto listening = server.listen(path);
    EXPECT_TRUE(listening) << listening.error();
  }
  /// A blocking client on a thread while the loop runs here.
  std::expected<UnixctlAnswer, std::string> call(std::string command, std::vector<std::string> args = {}, bool json = false, bool pretty = false) {
    std::optional<std::expected<UnixctlAnswer, std::string>> answer;
    std::atomic<bool> done = false;
    std::thread client([&] {
      answer = unixctl_call(path, command, args, json, pretty);
      done = true;
    });
    bool in_time = until([&] { return done.load(); });
    EXPECT_TRUE(in_time) << command;
    if (!in_time) server.remove("late"), waiting.clear();
    client.join();
    return *answer;
  }
  std::string text(std::string command, std::vector<std::string> args = {}) {
    auto answer = call(std::move(command), std::move(args));
    return !answer ? "no answer: " + answer.error() : (answer->is_error ? "error: " : "") + answer->text;
  }
  UniqueFd connect() {
    UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    EXPECT_EQ(::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    return fd;
  }
  /// Adds what has come; false at the end of the stream.
  static bool receive(int fd, std::string& to) {
    char buffer[4096];
    ssize_t n;
    while ((n = read(fd, buffer, sizeof buffer)) > 0) to.append(buffer, static_cast<size_t>(n));
    return n != 0;
  }

  std::string path;
  std::deque<UnixctlReply> waiting;
  UnixctlServer server{loop};
};

TEST_F(UnixctlTest, AnswersAndErrors) {
  EXPECT_EQ(text("say", {"one", "", "drei \"3\" ä"}), "one\n\ndrei \"3\" ä\n");
  EXPECT_EQ(text("fail"), "error: it failed\n");
  EXPECT_EQ(text("forget"), "");
  EXPECT_EQ(text("say"), "error: \"say\" command requires at least 1 arguments\n");
  EXPECT_EQ(text("say", {"1", "2", "3", "4"}), "error: \"say\" command takes at most 3 arguments\n");
  EXPECT_EQ(text("foo"), "error: \"foo\" is not a valid command (use \"list-commands\" to see a list of valid commands)\n");
}

TEST_F(UnixctlTest, ListsItsCommands) {
  std::string list = text("list-commands");
  EXPECT_TRUE(list.starts_with("The available commands are:\n")) << list;
  EXPECT_NE(list.find("\n  say                     ARG...\n"), std::string::npos) << list;
  EXPECT_NE(list.find("\n  fail                    \n"), std::string::npos) << list;
  server.remove("fail");
  EXPECT_EQ(text("list-commands").find("\n  fail "), std::string::npos);
}

TEST_F(UnixctlTest, JsonFormat) {
  EXPECT_EQ(call("say", {"x"}, true)->text, R"({"reply":"x\n","reply-format":"plain"})");
  EXPECT_EQ(call("rich", {}, true)->text, R"({"a":1})");
  EXPECT_EQ(call("rich", {}, true, true)->text, "{\n  \"a\": 1}");
  EXPECT_EQ(call("rich")->text, "a is 1\n");
  auto error = call("fail", {}, true);
  EXPECT_TRUE(error->is_error);
  EXPECT_EQ(error->text, "it failed\n");
}

TEST_F(UnixctlTest, LateAnswersKeepTheOrder) {
  UniqueFd fd = connect();
  write_all(fd.get(), R"({"method":"late","params":[],"id":1}{"method":"say","params":["x"],"id":2})");
  ASSERT_TRUE(until([&] { return waiting.size() == 1; }));
  EXPECT_EQ(text("say", {"other client"}), "other client\n");  // nobody else waits
  std::string got;
  EXPECT_TRUE(receive(fd.get(), got));
  EXPECT_EQ(got, "");
  waiting.front().ok("first");
  ASSERT_TRUE(until([&] { return receive(fd.get(), got) && got.find("\"id\":2") != std::string::npos; })) << got;
  EXPECT_LT(got.find("\"id\":1"), got.find("\"id\":2"));
}

TEST_F(UnixctlTest, AClientThatWentAwayIsNoHarm) {
  {
    UniqueFd fd = connect();
    write_all(fd.get(), R"({"method":"late","params":[],"id":1})");
    ASSERT_TRUE(until([&] { return waiting.size() == 1; }));
  }
  settle();
  waiting.front().ok("to nobody");
  waiting.clear();
  EXPECT_EQ(text("say", {"alive"}), "alive\n");
}

TEST_F(UnixctlTest, ArgumentsMustBeStrings) {
  UniqueFd fd = connect();
  write_all(fd.get(), R"({"method":"say","params":["a",1],"id":7})");
  std::string got;
  ASSERT_TRUE(until([&] { return receive(fd.get(), got) && !got.empty() && got.back() == '}'; }));
  EXPECT_EQ(got, R"({"error":"\"say\" command has non-string argument\n","id":7})");
}

TEST_F(UnixctlTest, GarbageEndsTheConnectionAndNothingElse) {
  for (std::string_view bytes : {"hello\n", "{", "{}", "[]", "[1,2]", "{\"method\":1,\"params\":[],\"id\":0}", "{\"method\":\"say\",\"params\":{},\"id\":0}",
                                 "{\"method\":\"say\",\"params\":[\"x\"]}", "{\"method\":\"say\",\"params\":[\"x\"],\"id\":null}",
                                 "{\"result\":1,\"error\":null,\"id\":0}", "{\"method\":\"say\",\"params\":[\"\xff\"],\"id\":0}", "\0\0\0\0", "]]]]"}) {
    UniqueFd fd = connect();
    write_all(fd.get(), bytes);
    shutdown(fd.get(), SHUT_WR);
    std::string got;
    EXPECT_TRUE(until([&] { return !receive(fd.get(), got); })) << bytes;
  }
  UniqueFd deep = connect();
  write_all(deep.get(), std::string(100'000, '['));
  std::string got;
  EXPECT_TRUE(until([&] { return !receive(deep.get(), got); }));
  EXPECT_EQ(text("say", {"alive"}), "alive\n");
}

TEST_F(UnixctlTest, ManyClients) {
  std::vector<UniqueFd> fds;
  for (int i = 0; i < 200; i++) {
    fds.push_back(connect());
    write_all(fds.back().get(), R"({"method":"say","params":["x"],"id":0})");
  }
  for (UniqueFd& fd : fds) {
    std::string got;
    EXPECT_TRUE(until([&] { return receive(fd.get(), got) && !got.empty() && got.back() == '}'; }));
  }
}

TEST_F(UnixctlTest, WithoutASocket) {
  std::vector<std::string> one{"x"};
  EXPECT_EQ(*server.call("say", one), "x\n");
  EXPECT_EQ(server.call("say", {}).error(), "\"say\" command requires at least 1 arguments");
  EXPECT_EQ(server.call("fail", {}).error(), "it failed");
}

TEST_F(UnixctlTest, TargetsOfTheClient) {
  EXPECT_EQ(*unixctl_target_path("/x/y.ctl", dir), "/x/y.ctl");
  EXPECT_EQ(unixctl_target_path("nobody", dir).error(), "cannot read pidfile \"" + dir + "/nobody.pid\" (No such file or directory)");
  EXPECT_EQ(unixctl_call(dir + "/none.ctl", "version", {}).error(), "cannot connect to \"" + dir + "/none.ctl\" (No such file or directory)");
}

}  // namespace
}  // namespace sluice
