// SPDX-License-Identifier: Apache-2.0
// See address.h.
#include "lib/address.h"

#include <arpa/inet.h>
#include <fmt/core.h>

#include <bit>

namespace sluice {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::string format(const MacAddr& mac) {
  return fmt::format("{:02x}:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}", mac.b[0], mac.b[1], mac.b[2], mac.b[3], mac.b[4], mac.b[5]);
}

std::string format_ipv4(be32 ip) {
  uint32_t v = ip.host();
  return fmt::format("{}.{}.{}.{}", v >> 24, v >> 16 & 255, v >> 8 & 255, v & 255);
}

std::string format(const Ipv6Addr& ip) {
  char text[INET6_ADDRSTRLEN];
  return inet_ntop(AF_INET6, ip.b.data(), text, sizeof text) ? text : "";
}

std::optional<MacAddr> parse_mac(std::string_view s) {
  MacAddr mac;
  for (int i = 0; i < 6; i++) {
    if (i > 0) {
      if (s.empty() || s.front() != ':') return std::nullopt;
      s.remove_prefix(1);
    }
    int value = 0, digits = 0;
    for (; digits < 2 && !s.empty() && hex_digit(s.front()) >= 0; digits++) {
      value = value * 16 + hex_digit(s.front());
      s.remove_prefix(1);
    }
    if (digits == 0) return std::nullopt;
    mac.b[i] = static_cast<uint8_t>(value);
  }
  return s.empty() ? std::optional(mac) : std::nullopt;
}

std::optional<be32> parse_ipv4(std::string_view s) {
  uint32_t raw;
  std::string text(s);
  if (text.find('\0') != std::string::npos) return std::nullopt;  // inet_pton would stop there
  return inet_pton(AF_INET, text.c_str(), &raw) == 1 ? std::optional(be32::from_raw(raw)) : std::nullopt;
}

std::optional<Ipv6Addr> parse_ipv6(std::string_view s) {
  Ipv6Addr ip;
  std::string text(s);
  if (text.find('\0') != std::string::npos) return std::nullopt;
  return inet_pton(AF_INET6, text.c_str(), ip.b.data()) == 1 ? std::optional(ip) : std::nullopt;
}

int prefix_length(be32 mask) {
  uint32_t v = mask.host();
  int bits = std::countl_one(v);
  return v == ipv4_prefix_mask(bits).host() ? bits : -1;
}

int prefix_length(const Ipv6Addr& mask) {
  int bits = 0;
  while (bits < 128 && (mask.b[bits / 8] >> (7 - bits % 8) & 1)) bits++;
  return mask == ipv6_prefix_mask(bits) ? bits : -1;
}

be32 ipv4_prefix_mask(int bits) { return be32(bits <= 0 ? 0 : bits >= 32 ? UINT32_MAX : ~(UINT32_MAX >> bits)); }

Ipv6Addr ipv6_prefix_mask(int bits) {
  Ipv6Addr mask;
  for (int i = 0; i < 16 && bits > 0; i++, bits -= 8) mask.b[i] = static_cast<uint8_t>(bits >= 8 ? 0xff : 0xff00 >> bits);
  return mask;
}

}  // namespace sluice
