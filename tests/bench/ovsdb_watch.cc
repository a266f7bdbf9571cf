// SPDX-License-Identifier: Apache-2.0
// ovsdb_watch SOCKET WHAT CLIENTS COUNT: what the database Bench does for those who watch it; prints "SECONDS PER_SECOND".
//   snapshot  one client asks COUNT times for the contents of table flow
//   fanout    CLIENTS monitor table small, of which one row is updated COUNT times, each time when all have heard of the last
//   idle      CLIENTS connect and have one echo answered; then waits for the end of its input
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>

#include <fmt/core.h>

#include <vector>

#include "tests/bench/json_counter.h"
#include "tests/bench/load.h"

namespace {

using namespace sluice::bench;

struct Client {
  int fd;
  JsonCounter messages;
};

std::vector<char> buffer(1 << 20);

/// Until this many messages have come in all since the beginning.
void read_until(Client& c, int count) {
  while (c.messages.count() < count) {
    ssize_t n = read(c.fd, buffer.data(), buffer.size());
    if (n <= 0) die("read");
    c.messages.feed({buffer.data(), static_cast<size_t>(n)});
  }
}

void ask(Client& c, std::string_view text) {
  int before = c.messages.count();
  send_all(c.fd, text);
  read_until(c, before + 1);
}

double snapshots(const char* path, int count) {
  Client c{connect_unix(path), {}};
  double start = seconds_now();
  for (int i = 0; i < count; i++) ask(c, fmt::format(R"({{"method":"monitor_cond","params":["Bench","m{}",{{"flow":[{{}}]}}],"id":{}}})", i, i));
  return seconds_now() - start;
}

std::vector<Client> open_clients(const char* path, int n) {
  std::vector<Client> all;
  for (int i = 0; i < n; i++) all.push_back({connect_unix(path), {}});
  return all;
}

double fan_out(const char* path, int clients, int count) {
  Client writer{connect_unix(path), {}};
  ask(writer, R"({"method":"transact","params":["Bench",{"op":"insert","table":"small","row":{"name":"row"}}],"id":0})");
  std::vector<Client> all = open_clients(path, clients);
  for (Client& c : all) ask(c, R"({"method":"monitor_cond","params":["Bench","m",{"small":[{"columns":["name","number"]}]}],"id":1})");
  double start = seconds_now();
  for (int i = 1; i <= count; i++) {
    ask(writer, fmt::format(R"({{"method":"transact","params":["Bench",{{"op":"update","table":"small","where":[],"row":{{"number":{}}}}}],"id":2}})", i));
    for (Client& c : all) read_until(c, 1 + i);
  }
  return seconds_now() - start;
}

double idle(const char* path, int clients) {
  double start = seconds_now();
  std::vector<Client> all = open_clients(path, clients);
  for (Client& c : all) ask(c, R"({"method":"echo","params":[],"id":1})");
  double took = seconds_now() - start;
  printf("%.4f %.0f\n", took, clients / took);
  fflush(stdout);
  while (read(0, buffer.data(), buffer.size()) > 0) {}
  return took;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    fprintf(stderr, "usage: ovsdb_watch SOCKET snapshot|fanout|idle CLIENTS COUNT\n");
    return 2;
  }
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  std::string what = argv[2];
  int clients = atoi(argv[3]), count = atoi(argv[4]);
  if (what == "idle") return idle(argv[1], clients), 0;
  double took = what == "snapshot" ? snapshots(argv[1], count) : fan_out(argv[1], clients, count);
  printf("%.4f %.0f\n", took, count * (what == "snapshot" ? 1 : clients) / took);
  return 0;
}
