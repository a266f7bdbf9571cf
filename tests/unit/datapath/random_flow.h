// SPDX-License-Identifier: Apache-2.0
// Random flows as packets have them: only fields that a frame can carry, consistent with each other.
#pragma once

#include <random>

#include "datapath/ethertype.h"
#include "datapath/flow.h"
#include "datapath/l4.h"

namespace sluice {

inline MacAddr random_mac(std::mt19937& rng) { return MacAddr{{2, 0, 0, 0, static_cast<uint8_t>(rng() % 3), static_cast<uint8_t>(rng())}}; }

inline void random_transport(std::mt19937& rng, Flow& f) {
  bool v6 = f.eth_type == kEthIpv6;
  f.nw_tos = static_cast<uint8_t>(rng());
  f.nw_ttl = static_cast<uint8_t>(rng());
  const uint8_t protos[] = {kProtoTcp, kProtoUdp, kProtoSctp, v6 ? kProtoIcmpv6 : kProtoIcmp, 47};
  f.nw_proto = protos[rng() % 5];
  if (rng() % 6 == 0) f.nw_frag = rng() % 2 ? kFragAny : kFragAny | kFragLater;
  if (f.nw_frag & kFragLater) {
    if (v6) f.nw_proto = kProtoFragment;
    return;
  }
  if (f.nw_proto == 47) return;
  f.tp_src = be16(static_cast<uint16_t>(rng()));
  f.tp_dst = be16(static_cast<uint16_t>(rng() % 4));
  if (f.nw_proto == kProtoTcp) f.tcp_flags = be16(rng() & 0xfff);
  if (f.nw_proto == kProtoIcmp || f.nw_proto == kProtoIcmpv6) f.tp_src = be16(static_cast<uint16_t>(rng() % 3 ? rng() & 0xff : 135 + rng() % 2));
  bool nd = f.nw_proto == kProtoIcmpv6 && !f.tp_dst && (f.tp_src == be16(135) || f.tp_src == be16(136));
  if (!nd) return;
  f.nd_reserved = be32(static_cast<uint32_t>(rng()));
  f.nd_target.b[15] = static_cast<uint8_t>(rng() | 1);
  f.nd_options_type = static_cast<uint8_t>(rng() % 3);
  if (f.nd_options_type == 1) f.arp_sha = random_mac(rng);
  if (f.nd_options_type == 2) f.arp_tha = random_mac(rng);
}

inline Flow random_flow(std::mt19937& rng) {
  Flow f{};
  f.in_port = be32(1 + rng() % 3);
  f.eth_src = random_mac(rng);
  f.eth_dst = random_mac(rng);
  if (rng() % 3 == 0) {
    f.vlan_tpid = rng() % 2 ? kEthVlan : kEthServiceVlan;
    f.vlan_tci = be16(static_cast<uint16_t>((rng() & 0xefff) | kVlanPresent));
    if (rng() % 3 == 0) f.vlan2_tpid = kEthVlan, f.vlan2_tci = be16(static_cast<uint16_t>((rng() & 0xefff) | kVlanPresent));
  }
  switch (rng() % 8) {
    case 0:
      f.eth_type = rng() % 2 ? kEthArp : kEthRarp;
      f.nw_proto = static_cast<uint8_t>(1 + rng() % 4);
      f.nw_src = be32(static_cast<uint32_t>(rng()));
      f.nw_dst = be32(static_cast<uint32_t>(rng()));
      f.arp_sha = random_mac(rng);
      f.arp_tha = random_mac(rng);
      break;
    case 1:
      f.eth_type = rng() % 2 ? kEthMpls : kEthMplsMulticast;
      for (unsigned i = 0, n = rng() % kMplsLabels; i <= n; i++) f.mpls_lse[i] = be32((static_cast<uint32_t>(rng()) & ~0x100u) | (i == n ? 0x100 : 0));
      break;
    case 2: f.eth_type = be16(0x88b5); break;
    case 3:
    case 4:
      f.eth_type = kEthIpv6;
      f.ipv6_src.b[15] = static_cast<uint8_t>(rng());
      f.ipv6_dst.b[0] = 0xfe;
      f.ipv6_dst.b[15] = static_cast<uint8_t>(rng());
      f.ipv6_label = be32(rng() & 0xfffff);
      random_transport(rng, f);
      break;
    default:
      f.eth_type = kEthIpv4;
      f.nw_src = be32(0x0a000000 | (rng() & 0x3ff));
      f.nw_dst = be32(0x0a000000 | (rng() & 0x3ff));
      random_transport(rng, f);
  }
  return f;
}

}  // namespace sluice
