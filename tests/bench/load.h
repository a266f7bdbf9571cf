// SPDX-License-Identifier: Apache-2.0
// What the load generators share: unix stream sockets with whole writes, and a clock.  Tools of the benchmarks: they end the process on errors.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

namespace sluice::bench {

[[noreturn]] inline void die(const char* what) {
  perror(what);
  exit(1);
}

inline int connect_unix(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  // A server that is slow, as under callgrind, has bound its socket but does not listen yet.
  constexpr int kTries = 300, kPause_us = 100'000;
  for (int i = 0; fd >= 0 && i < kTries; i++) {
    if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return fd;
    if (errno != ECONNREFUSED && errno != EAGAIN) break;
    usleep(kPause_us);
  }
  die(path.c_str());
}

inline void send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t n = write(fd, bytes.data(), bytes.size());
    if (n <= 0) die("write");
    bytes.remove_prefix(static_cast<size_t>(n));
  }
}

inline double seconds_now() {
  timespec ts;
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return static_cast<double>(ts.tv_sec) + static_cast<double>(ts.tv_nsec) / 1e9;
}

}  // namespace sluice::bench
