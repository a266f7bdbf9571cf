// SPDX-License-Identifier: Apache-2.0
// Ethernet and IP addresses as bytes in wire order, with their text forms.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "lib/bytes.h"

namespace sluice {

struct MacAddr {
  std::array<uint8_t, 6> b{};
  friend auto operator<=>(const MacAddr&, const MacAddr&) = default;
  bool is_multicast() const { return b[0] & 1; }
  bool is_zero() const { return to_u64() == 0; }
  bool is_broadcast() const { return to_u64() == 0xffffffffffff; }
  uint64_t to_u64() const {
    uint64_t v = 0;
    for (uint8_t x : b) v = v << 8 | x;
    return v;
  }
  static MacAddr from_u64(uint64_t v) {
    MacAddr m;
    for (int i = 5; i >= 0; i--, v >>= 8) m.b[i] = static_cast<uint8_t>(v);
    return m;
  }
};

struct Ipv6Addr {
  std::array<uint8_t, 16> b{};
  friend auto operator<=>(const Ipv6Addr&, const Ipv6Addr&) = default;
  bool is_zero() const { return *this == Ipv6Addr{}; }
};

std::string format(const MacAddr& mac);               // "aa:bb:cc:dd:ee:ff"
std::string format_ipv4(be32 ip);                     // "10.0.0.1"
std::string format(const Ipv6Addr& ip);               // RFC 5952
std::optional<MacAddr> parse_mac(std::string_view s);  // one or two hex digits a byte
std::optional<be32> parse_ipv4(std::string_view s);    // dotted quad only
std::optional<Ipv6Addr> parse_ipv6(std::string_view s);
/// The prefix length of a contiguous mask, or -1.
int prefix_length(be32 mask);
int prefix_length(const Ipv6Addr& mask);
be32 ipv4_prefix_mask(int bits);       // 0..32
Ipv6Addr ipv6_prefix_mask(int bits);   // 0..128

}  // namespace sluice
