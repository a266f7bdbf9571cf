// SPDX-License-Identifier: Apache-2.0
// EtherTypes that the datapath knows.
#pragma once

#include "lib/bytes.h"

namespace sluice {

inline constexpr be16 kEthIpv4{0x0800}, kEthArp{0x0806}, kEthRarp{0x8035}, kEthIpv6{0x86dd}, kEthMpls{0x8847}, kEthMplsMulticast{0x8848};
inline constexpr be16 kEthVlan{0x8100}, kEthServiceVlan{0x88a8}, kEthNsh{0x894f};

/// Of an Ethernet frame that says in it that an Ethernet frame follows (Transparent Ethernet Bridging).
inline constexpr be16 kEthTeb{0x6558};

/// Packet types as in Flow::packet_type, in host order: namespace (0: Ethernet, 1: what an EtherType says, without an Ethernet header), then type.
inline constexpr uint32_t kPacketTypeEthernet = 0;
inline constexpr uint32_t kPacketTypeUnknown = 0xffff;   // of nothing that we know
inline constexpr uint32_t bare_packet_type(be16 eth_type) { return uint32_t{1} << 16 | eth_type.host(); }

/// What is less is a length (IEEE 802.3).
inline constexpr uint16_t kLeastEtherType = 0x600;
/// Of an entry of a stack of labels: it is the last (RFC 3032 2.1).
inline constexpr uint32_t kMplsBottom = 0x100;

inline constexpr bool is_vlan_type(be16 t) { return t == kEthVlan || t == kEthServiceVlan; }
inline constexpr bool is_mpls_type(be16 t) { return t == kEthMpls || t == kEthMplsMulticast; }

}  // namespace sluice
