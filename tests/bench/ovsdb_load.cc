// SPDX-License-Identifier: Apache-2.0
// ovsdb_load SOCKET insert|update|batch CLIENTS COUNT DEPTH: sends COUNT transactions through CLIENTS connections, up to DEPTH waiting for their reply on each,
// to the database T of the bench schema, and prints "SECONDS TRANSACTIONS_PER_SECOND".  batch: 1000 inserts a transaction.
#include <poll.h>

#include <fmt/core.h>

#include <vector>

#include "tests/bench/load.h"

namespace {

using namespace sluice::bench;

struct Client {
  int fd = -1;
  int sent = 0, answered = 0, depth_of_braces = 0;
  bool in_string = false, escaped = false;
};

std::string operation(std::string_view kind, int n) {
  if (kind == "update") return fmt::format(R"(,{{"op":"update","table":"small","where":[["name","==","row"]],"row":{{"number":{}}}}})", n);
  return fmt::format(R"(,{{"op":"insert","table":"small","row":{{"name":"n{}","number":{}}}}})", n, n);
}

std::string transaction(std::string_view kind, int n) {
  std::string text = R"({"method":"transact","params":["Bench")";
  int operations = kind == "batch" ? 1000 : 1;
  for (int i = 0; i < operations; i++) text += operation(kind == "batch" ? "insert" : kind, n * operations + i);
  return text + fmt::format("],\"id\":{}}}", n);
}

/// Counts the whole JSON objects in what has come.
void count_replies(Client& c, std::string_view bytes) {
  for (char ch : bytes) {
    if (c.escaped) c.escaped = false;
    else if (c.in_string) {
      if (ch == '\\') c.escaped = true;
      else if (ch == '"') c.in_string = false;
    } else if (ch == '"') c.in_string = true;
    else if (ch == '{') c.depth_of_braces++;
    else if (ch == '}' && --c.depth_of_braces == 0) c.answered++;
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) {
    fprintf(stderr, "usage: ovsdb_load SOCKET insert|update|batch CLIENTS COUNT DEPTH\n");
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
  if (kind == "update") send_all(clients[0].fd, R"({"method":"transact","params":["Bench",{"op":"insert","table":"small","row":{"name":"row"}}],"id":"first"})"), clients[0].answered = -1;
  double start = seconds_now();
  int sent = 0, answered = 0;
  std::vector<char> buffer(1 << 20);
  while (answered < count) {
    for (Client& c : clients) {
      std::string out;
      while (c.sent - c.answered < depth && sent < count) out += transaction(kind, sent++), c.sent++;
      if (!out.empty()) send_all(c.fd, out);
    }
    poll(polls.data(), polls.size(), 1000);
    answered = 0;
    for (size_t i = 0; i < clients.size(); i++) {
      if (polls[i].revents) {
        ssize_t n = read(clients[i].fd, buffer.data(), buffer.size());
        if (n <= 0) die("read");
        count_replies(clients[i], {buffer.data(), static_cast<size_t>(n)});
      }
      answered += clients[i].answered;
    }
  }
  double took = seconds_now() - start;
  printf("%.4f %.0f\n", took, count / took);
  return 0;
}
