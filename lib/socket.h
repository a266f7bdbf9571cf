// SPDX-License-Identifier: Apache-2.0
// Opening stream sockets: the system calls and options that connections and listeners share.  Descriptors returned are non-blocking and close on exec.
#pragma once

#include <sys/stat.h>

#include <expected>
#include <string>

#include "lib/target.h"

namespace sluice {

/// A socket whose connection has begun; it is writable when that has ended, and socket_error() then says how.  The error is an errno.
std::expected<int, int> open_stream(const SocketAddress& address);
std::expected<int, int> open_unix_stream(const std::string& path);
/// A listening socket.  A unix one replaces a socket file that is there (pid file locks keep out a second daemon).
std::expected<int, int> open_passive(const SocketAddress& address, int backlog);
std::expected<int, int> open_passive_unix(const std::string& path, mode_t mode, int backlog);

int socket_error(int fd);  // SO_ERROR: 0 or an errno
void set_no_delay(int fd);
void set_dscp(int fd, int family, int dscp);  // 0..63

}  // namespace sluice
