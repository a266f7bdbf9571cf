// SPDX-License-Identifier: Apache-2.0
#include "lib/target.h"
#include "lib/decimal.h"

#include <arpa/inet.h>
#include <fmt/core.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>

namespace sluice {
namespace {

struct Method {
  std::string_view name;
  TransportKind kind;
  bool passive;
};
constexpr std::array<Method, 6> kMethods{{
    {"tcp", TransportKind::tcp, false},
    {"ssl", TransportKind::tls, false},
    {"unix", TransportKind::unix_socket, false},
    {"ptcp", TransportKind::tcp, true},
    {"pssl", TransportKind::tls, true},
    {"punix", TransportKind::unix_socket, true},
}};

const Method* find_method(std::string_view text) {
  size_t colon = text.find(':');
  if (colon == text.npos) return nullptr;
  for (const Method& m : kMethods) {
    if (text.substr(0, colon) == m.name) return &m;
  }
  return nullptr;
}

std::unexpected<TargetError> bad(std::string detail = {}) { return std::unexpected(TargetError{EAFNOSUPPORT, std::move(detail)}); }

/// Cuts "A:B" at the first colon outside of brackets, and takes the brackets off a part that has them.
struct Parts {
  std::string_view first;
  std::optional<std::string_view> second;
  bool ok = true;
};
std::string_view strip_brackets(std::string_view s) {
  return s.size() >= 2 && s.front() == '[' && s.back() == ']' ? s.substr(1, s.size() - 2) : s;
}
Parts split(std::string_view s) {
  size_t from = 0;
  if (s.starts_with('[')) {
    from = s.find(']');
    if (from == s.npos) return {s, {}, false};
    if (from + 1 < s.size() && s[from + 1] != ':') return {s, {}, false};
  }
  size_t colon = s.find(':', from);
  if (colon == s.npos) return {s, {}};
  return {s.substr(0, colon), s.substr(colon + 1)};
}

/// HOST[:PORT]
std::expected<void, TargetError> parse_active_inet(std::string_view rest, uint16_t default_port, Target& t) {
  Parts p = split(rest);
  if (!p.ok) return bad(fmt::format("{}: port must be specified", rest));
  t.host = strip_brackets(p.first);
  t.port = default_port;
  if (p.second && !p.second->empty()) {
    std::optional<uint16_t> port = parse_decimal<uint16_t>(*p.second);
    if (!port || *port == 0) return bad(fmt::format("{}: bad port number \"{}\"", rest, *p.second));
    t.port = *port;
  }
  if (t.host.empty()) return bad(fmt::format("{}: host must be specified", rest));
  return {};
}

/// [PORT][:HOST]
std::expected<void, TargetError> parse_passive_inet(std::string_view rest, uint16_t default_port, Target& t) {
  Parts p = split(rest);
  t.port = default_port;
  if (!p.first.empty()) {
    std::optional<uint16_t> port = parse_decimal<uint16_t>(p.first);
    if (!port) return bad(fmt::format("{}: bad port number \"{}\"", rest, p.first));
    t.port = *port;
  }
  if (p.second) t.host = strip_brackets(*p.second);
  return {};
}

}  // namespace

std::string TargetError::text() const { return std::strerror(error); }

std::string_view transport_name(TransportKind kind, bool passive) {
  for (const Method& m : kMethods) {
    if (m.kind == kind && m.passive == passive) return m.name;
  }
  return {};
}

std::expected<Target, TargetError> parse_target(std::string_view text, uint16_t default_port, std::string_view unix_dir) {
  const Method* m = find_method(text);
  if (!m) return bad();
  Target t{.kind = m->kind, .passive = m->passive, .text = std::string(text)};
  std::string_view rest = text.substr(m->name.size() + 1);
  if (m->kind == TransportKind::unix_socket) {
    if (rest.empty()) return bad();
    t.path = rest.starts_with('/') || unix_dir.empty() ? std::string(rest) : fmt::format("{}/{}", unix_dir, rest);
    return t;
  }
  auto parsed = m->passive ? parse_passive_inet(rest, default_port, t) : parse_active_inet(rest, default_port, t);
  if (!parsed) return std::unexpected(parsed.error());
  return t;
}

std::expected<Target, TargetError> parse_active_target(std::string_view text, uint16_t default_port, std::string_view unix_dir) {
  if (looks_like_passive_target(text)) return bad();
  return parse_target(text, default_port, unix_dir);
}

std::expected<Target, TargetError> parse_passive_target(std::string_view text, uint16_t default_port, std::string_view unix_dir) {
  if (looks_like_active_target(text)) return bad();
  return parse_target(text, default_port, unix_dir);
}

bool looks_like_web_target(std::string_view text) { return text.starts_with("ws:") || text.starts_with("wss:"); }

std::expected<Target, TargetError> parse_web_target(std::string_view text, uint16_t default_port) {
  if (!looks_like_web_target(text)) return bad();
  bool tls = text.starts_with("wss:");
  Target t{.kind = tls ? TransportKind::tls : TransportKind::tcp, .passive = true, .web = true, .text = std::string(text)};
  auto parsed = parse_passive_inet(text.substr(text.find(':') + 1), default_port, t);
  if (!parsed) return std::unexpected(parsed.error());
  return t;
}

std::expected<std::vector<Target>, TargetError> parse_remotes(std::string_view text, uint16_t default_port, std::string_view unix_dir) {
  std::vector<Target> targets;
  while (!text.empty()) {
    size_t comma = text.find(',');
    while (comma != text.npos && !looks_like_active_target(text.substr(comma + 1))) comma = text.find(',', comma + 1);
    auto t = parse_active_target(text.substr(0, comma), default_port, unix_dir);
    if (!t) return std::unexpected(t.error());
    targets.push_back(std::move(*t));
    text = comma == text.npos ? std::string_view() : text.substr(comma + 1);
  }
  if (targets.empty()) return bad();
  return targets;
}

bool looks_like_active_target(std::string_view text) {
  const Method* m = find_method(text);
  return m && !m->passive;
}

bool looks_like_passive_target(std::string_view text) {
  const Method* m = find_method(text);
  return m && m->passive;
}

uint16_t SocketAddress::port() const {
  if (family() == AF_INET) return ntohs(reinterpret_cast<const sockaddr_in*>(&storage)->sin_port);
  if (family() == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6*>(&storage)->sin6_port);
  return 0;
}

std::string SocketAddress::host() const {
  char name[NI_MAXHOST];
  if (family() != AF_INET && family() != AF_INET6) return {};
  if (getnameinfo(get(), length, name, sizeof name, nullptr, 0, NI_NUMERICHOST)) return {};
  return name;
}

std::string SocketAddress::host_port() const {
  return family() == AF_INET6 ? fmt::format("[{}]:{}", host(), port()) : fmt::format("{}:{}", host(), port());
}

std::expected<SocketAddress, TargetError> numeric_address(const Target& target) {
  SocketAddress a;
  if (target.host.empty()) {
    if (!target.passive) return bad();
    auto* in = reinterpret_cast<sockaddr_in*>(&a.storage);
    in->sin_family = AF_INET;
    in->sin_port = htons(target.port);
    a.length = sizeof *in;
    return a;
  }
  addrinfo hints{.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM};
  addrinfo* found = nullptr;
  if (getaddrinfo(target.host.c_str(), nullptr, &hints, &found) || !found) return bad(fmt::format("{}: bad IP address", target.host));
  std::memcpy(&a.storage, found->ai_addr, found->ai_addrlen);
  a.length = found->ai_addrlen;
  freeaddrinfo(found);
  if (a.family() == AF_INET) reinterpret_cast<sockaddr_in*>(&a.storage)->sin_port = htons(target.port);
  if (a.family() == AF_INET6) reinterpret_cast<sockaddr_in6*>(&a.storage)->sin6_port = htons(target.port);
  return a;
}

std::expected<std::vector<SocketAddress>, std::string> resolve_now(const Target& target) {
  if (auto numeric = numeric_address(target)) return std::vector{*numeric};
  addrinfo hints{.ai_socktype = SOCK_STREAM};
  addrinfo* found = nullptr;
  if (int error = getaddrinfo(target.host.c_str(), std::to_string(target.port).c_str(), &hints, &found)) {
    return std::unexpected(fmt::format("{}: {}", target.host, gai_strerror(error)));
  }
  std::vector<SocketAddress> all;
  for (addrinfo* a = found; a; a = a->ai_next) {
    SocketAddress& s = all.emplace_back();
    std::memcpy(&s.storage, a->ai_addr, a->ai_addrlen);
    s.length = a->ai_addrlen;
  }
  freeaddrinfo(found);
  return all;
}

}  // namespace sluice
