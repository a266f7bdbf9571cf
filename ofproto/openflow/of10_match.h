// SPDX-License-Identifier: Apache-2.0
// The fixed match of 1.0 as it is on the wire (OF1.0.1 5.2.3).
#pragma once

#include <cstdint>

#include "lib/address.h"
#include "lib/bytes.h"

namespace sluice::ofp {

// Wildcard bits.  Of the addresses it is the number of low bits that are wild; 32 and more: all.
enum : uint32_t {
  OFPFW10_IN_PORT = 1 << 0, OFPFW10_DL_VLAN = 1 << 1, OFPFW10_DL_SRC = 1 << 2, OFPFW10_DL_DST = 1 << 3, OFPFW10_DL_TYPE = 1 << 4,
  OFPFW10_NW_PROTO = 1 << 5, OFPFW10_TP_SRC = 1 << 6, OFPFW10_TP_DST = 1 << 7, OFPFW10_NW_SRC_SHIFT = 8, OFPFW10_NW_DST_SHIFT = 14,
  OFPFW10_DL_VLAN_PCP = 1 << 20, OFPFW10_NW_TOS = 1 << 21, OFPFW10_ALL = (1 << 22) - 1,
};

struct Of10Match {
  uint32_t wildcards;
  uint16_t in_port;
  MacAddr src, dst;
  uint16_t vlan;
  uint8_t pcp;
  uint16_t type;
  uint8_t tos, proto;
  be32 nw_src, nw_dst;
  uint16_t tp_src, tp_dst;

  /// Reads kOf10MatchSize bytes; whether they are there, the reader knows.
  explicit Of10Match(ByteReader& r) {
    wildcards = r.u32() & OFPFW10_ALL;
    in_port = r.u16();
    r.copy(src.b.data(), src.b.size());
    r.copy(dst.b.data(), dst.b.size());
    vlan = r.u16();
    pcp = r.u8();
    r.skip(1);
    type = r.u16();
    tos = r.u8();
    proto = r.u8();
    r.skip(2);
    nw_src = be32(r.u32()), nw_dst = be32(r.u32());
    tp_src = r.u16(), tp_dst = r.u16();
  }
  bool has(uint32_t bit) const { return !(wildcards & bit); }
  unsigned wild_bits(unsigned shift) const { return wildcards >> shift & 63; }
};

}  // namespace sluice::ofp
