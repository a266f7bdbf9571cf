// SPDX-License-Identifier: Apache-2.0
// Names of single bits in fields, in the order in which they are printed.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace sluice::ofp {

struct FlagName {
  uint32_t bit;
  std::string_view name;
};
inline constexpr FlagName kTcpFlagNames[] = {{1, "fin"},   {2, "syn"},  {4, "rst"},   {8, "psh"},    {16, "ack"},    {32, "urg"},
                                             {64, "ece"},  {128, "cwr"}, {256, "ns"}, {512, "[200]"}, {1024, "[400]"}, {2048, "[800]"}};
inline constexpr uint64_t kTcpFlagsAll = 0xfff;
inline constexpr FlagName kCtStateNames[] = {{1, "new"}, {2, "est"}, {4, "rel"}, {8, "rpl"}, {16, "inv"}, {32, "trk"}, {64, "snat"}, {128, "dnat"}};
inline constexpr uint64_t kCtStateAll = 0xff;
inline constexpr FlagName kTunFlagNames[] = {{1, "oam"}};
inline constexpr FlagName kIpv6ExtHdrNames[] = {{1, "nonext"}, {2, "esp"},  {4, "auth"},    {8, "dest"},   {16, "frag"},
                                                {32, "router"}, {64, "hop"}, {128, "unrep"}, {256, "unseq"}};
inline constexpr uint64_t kIpv6ExtHdrAll = 0x1ff;

struct FragName {
  uint8_t value, mask;
  std::string_view name;
};
inline constexpr FragName kFragNames[] = {{0, 3, "no"}, {1, 1, "yes"}, {1, 3, "first"}, {3, 3, "later"}, {0, 2, "not_later"}};

/// "+a-b" for some of the flags, "a|b" if all (the bits of `all`) are asked for.
void format_flags(std::span<const FlagName> names, uint64_t value, uint64_t mask, uint64_t all, std::string& out);

}  // namespace sluice::ofp
