// SPDX-License-Identifier: Apache-2.0
// Connection methods as Open vSwitch writes them.  Active: tcp:HOST[:PORT], ssl:HOST[:PORT], unix:FILE.  Passive: ptcp:[PORT][:HOST],
// pssl:[PORT][:HOST], punix:FILE, and for the database server JSON-RPC over WebSocket: ws:[PORT][:HOST], wss:[PORT][:HOST].  HOST is an IPv4 address, an IPv6 address (in brackets where a port may follow) or a name.
// Plain values; nothing here does input or output except resolve_now().
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

inline constexpr uint16_t kOvsdbPort = 6640;
inline constexpr uint16_t kOpenFlowPort = 6653;

enum class TransportKind : uint8_t { tcp, tls, unix_socket };

struct Target {
  TransportKind kind = TransportKind::tcp;
  bool passive = false;
  bool web = false;   // WebSocket over it
  std::string host;   // "" for a passive one: all addresses.  IPv6 without brackets.
  uint16_t port = 0;  // passive: 0 = the kernel chooses
  std::string path;   // of a unix socket, absolute if a directory was given
  std::string text;   // as it was written: what logs, status columns and errors show
  friend bool operator==(const Target&, const Target&) = default;
};

/// Why a text is no target.  The peer gives EAFNOSUPPORT for all of these, and logs the details.
struct TargetError {
  int error = 0;       // errno
  std::string detail;  // `1.2.3.4:xx: bad port number "xx"`, or empty
  std::string text() const;  // "Address family not supported by protocol": what the peer shows in its final message
};

/// unix_dir: what a relative file name is relative to (the run directory); empty: the name stays as it is.
std::expected<Target, TargetError> parse_target(std::string_view text, uint16_t default_port, std::string_view unix_dir = {});
/// Same, with "bad" if it is not of the wanted direction.
std::expected<Target, TargetError> parse_active_target(std::string_view text, uint16_t default_port, std::string_view unix_dir = {});
std::expected<Target, TargetError> parse_passive_target(std::string_view text, uint16_t default_port, std::string_view unix_dir = {});
/// ws: or wss:, which only servers that say so offer.
std::expected<Target, TargetError> parse_web_target(std::string_view text, uint16_t default_port);
bool looks_like_web_target(std::string_view text);
/// Comma-separated active targets, "tcp:a:1,tcp:b:2"; "A,B" where B has no method is one target with a comma in it.
std::expected<std::vector<Target>, TargetError> parse_remotes(std::string_view text, uint16_t default_port, std::string_view unix_dir = {});
/// Whether the text begins with one of the methods: what tools use to tell a bridge name from a connection method.
bool looks_like_active_target(std::string_view text);
bool looks_like_passive_target(std::string_view text);
/// The methods that a target can have, with what follows them, for --help texts.
std::string_view transport_name(TransportKind kind, bool passive);  // "tcp", "pssl", ...

/// An address for the kernel.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;
  int family() const { return storage.ss_family; }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  uint16_t port() const;
  std::string host() const;       // "10.0.0.1", "fe80::1%eth0", without brackets; "" for unix
  std::string host_port() const;  // "10.0.0.1:80", "[::1]:80"
};
/// Only if the host is numeric (or empty and passive): never blocks.
std::expected<SocketAddress, TargetError> numeric_address(const Target& target);
/// Asks the system's resolver and may block for long: for command line tools and for the resolver's own thread.
std::expected<std::vector<SocketAddress>, std::string> resolve_now(const Target& target);

}  // namespace sluice
