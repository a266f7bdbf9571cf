// SPDX-License-Identifier: Apache-2.0
// IPv4 addresses that stand in IPv6 fields as ::ffff:a.b.c.d (RFC 4291 2.5.5.2), as NXT_CT_FLUSH carries them.
#pragma once

#include <algorithm>

#include "lib/address.h"

namespace sluice::ofp {

inline bool is_v4_mapped(const Ipv6Addr& a) {
  return std::all_of(a.b.begin(), a.b.begin() + 10, [](uint8_t b) { return b == 0; }) && a.b[10] == 0xff && a.b[11] == 0xff;
}

}  // namespace sluice::ofp
