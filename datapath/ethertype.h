// SPDX-License-Identifier: Apache-2.0
// EtherTypes that the datapath knows.
#pragma once

#include "lib/bytes.h"

namespace sluice {

inline constexpr be16 kEthIpv4{0x0800}, kEthArp{0x0806}, kEthRarp{0x8035}, kEthIpv6{0x86dd}, kEthMpls{0x8847}, kEthMplsMulticast{0x8848};
inline constexpr be16 kEthVlan{0x8100}, kEthServiceVlan{0x88a8}, kEthNsh{0x894f};

inline constexpr bool is_vlan_type(be16 t) { return t == kEthVlan || t == kEthServiceVlan; }
inline constexpr bool is_mpls_type(be16 t) { return t == kEthMpls || t == kEthMplsMulticast; }

}  // namespace sluice
