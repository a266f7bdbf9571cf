// SPDX-License-Identifier: Apache-2.0
// ovsdb_load SOCKET insert|update|batch|durable CLIENTS COUNT DEPTH: sends COUNT transactions through CLIENTS connections, up to DEPTH waiting for their reply on each,
// to the database Bench, and prints "SECONDS TRANSACTIONS_PER_SECOND".  batch: 1000 inserts a transaction; durable: an insert that is synced.
#include <poll.h>

#include <fmt/core.h>

#include <vector>

#include "tests/bench/json_counter.h"
#include "tests/bench/load.h"

namespace {

using namespace sluice::bench;

struct Client {
  int fd = -1;
  int sent = 0, ignored = 0;  // ignored: of its answers
  JsonCounter answers;
  int answered() const { return answers.count() - ignored; }
};

std::string operation(std::string_view kind, int n) {
  if (kind == "update") return fmt::format(R"(,{{"op":"update","table":"small","where":[["name","==","row"]],"row":{{"number":{}}}}})", n);
  return fmt::format(R"(,{{"op":"insert","table":"small","row":{{"name":"n{}","number":{}}}}})", n, n);
}

std::string transaction(std::string_view kind, int n) {
  std::string text = R"({"method":"transact","params":["Bench")";
  int operations = kind == "batch" ? 1000 : 1;
  for (int i = 0; i < operations; i++) text += operation(kind == "batch" ? "insert" : kind, n * operations + i);
  if (kind == "durable") text += R"(,{"op":"commit","durable":true})";
  return text + fmt::format("],\"id\":{}}}", n);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) {
    fprintf(stderr, "usage: ovsdb_load SOCKET insert|update|batch|durable CLIENTS COUNT DEPTH\n");
    return 2;
  }
  std::string kind = argv[2];
  int n_clients = atoi(argv[3]), count = atoi(argv[4]), depth = atoi(argv[5]);
  std::vector<Client> clients(static_cast<size_t>(n_clients));
  std::vector<pollfd> polls;
  for (Client& c : clients) {
    c.fd = connect_unix(argv[1]);
    polls.push_back({.fd = c.fd, .events = POLLIN, .revents = 0});
  }
  if (kind == "update") send_all(clients[0].fd, R"({"method":"transact","params":["Bench",{"op":"insert","table":"small","row":{"name":"row"}}],"id":"first"})"), clients[0].ignored = 1;
  double start = seconds_now();
  int sent = 0, answered = 0;
  std::vector<char> buffer(1 << 20);
  while (answered < count) {
    for (Client& c : clients) {
      std::string out;
      while (c.sent - c.answered() < depth && sent < count) out += transaction(kind, sent++), c.sent++;
      if (!out.empty()) send_all(c.fd, out);
    }
    poll(polls.data(), polls.size(), 1000);
    answered = 0;
    for (size_t i = 0; i < clients.size(); i++) {
      if (polls[i].revents) {
        ssize_t n = read(clients[i].fd, buffer.data(), buffer.size());
        if (n <= 0) die("read");
        clients[i].answers.feed({buffer.data(), static_cast<size_t>(n)});
      }
      answered += clients[i].answered();
    }
  }
  double took = seconds_now() - start;
  printf("%.4f %.0f\n", took, count / took);
  return 0;
}
