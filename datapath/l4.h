// SPDX-License-Identifier: Apache-2.0
// The transport header of a packet whose l3 and l4 are set: where it is, how long, under which pseudo header.
#pragma once

#include <cstdint>

#include "datapath/packet.h"

namespace sluice {

inline constexpr uint8_t kProtoIcmp = 1, kProtoIgmp = 2, kProtoTcp = 6, kProtoUdp = 17, kProtoFragment = 44, kProtoIcmpv6 = 58, kProtoSctp = 132;
inline bool is_icmp(uint8_t proto) { return proto == kProtoIcmp || proto == kProtoIcmpv6; }

struct L4 {
  uint8_t* header = nullptr;
  size_t length = 0;      // header and data without padding; 0: there is no L4
  ByteView addresses;     // of the IP header: source and destination
  uint8_t proto = 0;
  bool ipv6 = false;
};

/// length 0 if the packet is no IP, a fragment's headers are not whole, or the lengths don't fit.
L4 find_l4(Packet& packet);

/// Where the 16-bit checksum is in the L4 header, 0 if the protocol has none.
inline size_t l4_checksum_offset(uint8_t proto, bool ipv6) {
  switch (proto) {
    case kProtoTcp: return 16;
    case kProtoUdp: return 6;
    case kProtoIcmp: return ipv6 ? 0 : 2;
    case kProtoIgmp: return ipv6 ? 0 : 2;
    case kProtoIcmpv6: return ipv6 ? 2 : 0;
    default: return 0;
  }
}

}  // namespace sluice
