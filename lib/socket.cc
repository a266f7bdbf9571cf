// SPDX-License-Identifier: Apache-2.0
#include "lib/socket.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <functional>

namespace sluice {
namespace {

constexpr int kSocketFlags = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;

std::unexpected<int> fail_and_close(int fd) {
  int error = errno;
  ::close(fd);
  return std::unexpected(error);
}

/// Calls fn with the address of a unix socket.  Paths longer than sockaddr_un holds go by way of a descriptor of their directory.
int with_unix_address(const std::string& path, const std::function<int(const sockaddr*, socklen_t)>& fn) {
  sockaddr_un un{};
  un.sun_family = AF_UNIX;
  if (path.size() < sizeof un.sun_path) {
    std::memcpy(un.sun_path, path.c_str(), path.size() + 1);
    return fn(reinterpret_cast<sockaddr*>(&un), sizeof un);
  }
  size_t slash = path.rfind('/');
  std::string dir = slash == path.npos ? "." : path.substr(0, slash);
  std::string name = slash == path.npos ? path : path.substr(slash + 1);
  int dir_fd = ::open(dir.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (dir_fd < 0) return -1;
  std::string shorter = fmt::format("/proc/self/fd/{}/{}", dir_fd, name);
  int result = -1;
  if (shorter.size() < sizeof un.sun_path) {
    std::memcpy(un.sun_path, shorter.c_str(), shorter.size() + 1);
    result = fn(reinterpret_cast<sockaddr*>(&un), sizeof un);
  } else {
    errno = ENAMETOOLONG;
  }
  int error = errno;
  ::close(dir_fd);
  errno = error;
  return result;
}

}  // namespace

std::expected<int, int> open_stream(const SocketAddress& address) {
  int fd = ::socket(address.family(), kSocketFlags, 0);
  if (fd < 0) return std::unexpected(errno);
  set_no_delay(fd);
  if (::connect(fd, address.get(), address.length) < 0 && errno != EINPROGRESS) return fail_and_close(fd);
  return fd;
}

std::expected<int, int> open_unix_stream(const std::string& path) {
  int fd = ::socket(AF_UNIX, kSocketFlags, 0);
  if (fd < 0) return std::unexpected(errno);
  // EAGAIN (a full backlog) is an error here: the kernel will not tell of its end.
  if (with_unix_address(path, [&](const sockaddr* a, socklen_t n) { return ::connect(fd, a, n); }) < 0) return fail_and_close(fd);
  return fd;
}

std::expected<int, int> open_passive(const SocketAddress& address, int backlog) {
  int fd = ::socket(address.family(), kSocketFlags, 0);
  if (fd < 0) return std::unexpected(errno);
  int one = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (::bind(fd, address.get(), address.length) < 0 || ::listen(fd, backlog) < 0) return fail_and_close(fd);
  return fd;
}

std::expected<int, int> open_passive_unix(const std::string& path, mode_t mode, int backlog) {
  int fd = ::socket(AF_UNIX, kSocketFlags, 0);
  if (fd < 0) return std::unexpected(errno);
  struct stat s{};
  if (::lstat(path.c_str(), &s) == 0) {
    if (!S_ISSOCK(s.st_mode)) {
      errno = EADDRINUSE;
      return fail_and_close(fd);
    }
    ::unlink(path.c_str());
  }
  // fchmod on the socket before bind decides the mode of the file, without a moment in which it is wider.
  ::fchmod(fd, mode);
  auto bind = [&](const sockaddr* a, socklen_t n) { return ::bind(fd, a, n); };
  if (with_unix_address(path, bind) < 0 || ::listen(fd, backlog) < 0) return fail_and_close(fd);
  return fd;
}

int socket_error(int fd) {
  int error = 0;
  socklen_t length = sizeof error;
  return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0 ? errno : error;
}

void set_no_delay(int fd) {
  int one = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);  // fails on unix sockets, which need no such thing
}

void set_dscp(int fd, int family, int dscp) {
  int tos = (dscp & 63) << 2;
  if (family == AF_INET6) {
    ::setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &tos, sizeof tos);
  } else if (family == AF_INET) {
    ::setsockopt(fd, IPPROTO_IP, IP_TOS, &tos, sizeof tos);
  }
}

}  // namespace sluice
