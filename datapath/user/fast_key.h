// SPDX-License-Identifier: Apache-2.0
// FastKey: the 40 bytes that tell simple packets apart, for the exact-match cache: its entries fit a cache line.
//
// A packet is simple if all other members of its Flow are zero: no recirculation, marks, conntrack or tunnel, at most one VLAN tag, and IPv4 or an EtherType
// that we don't look into.  For such packets FastKey::of(flow) and fast_key(packet) agree under FastKey::of(any mask)
// (a test checks it), so keys that are equal under the union of all masks meet the same megaflow.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "datapath/ethertype.h"
#include "datapath/l4.h"
#include "datapath/packet.h"

namespace sluice {

/// Five words, four of them straight from the frame (so that making a key is mostly loads; what lies between is never in a mask):
///   0: eth_dst, eth_src[0..1]   1: eth_src[2..5], eth_type, (version, IHL), nw_tos   2: nw_ttl, nw_proto, (checksum), nw_src   3: nw_dst, tp_src, tp_dst
///   4: in_port (host order), tcp_flags, vlan_tci, vlan_tpid
struct FastKey {
  static constexpr size_t kWords = 5;
  uint64_t w[kWords];

  void mask(const FastKey& m) { w[0] &= m.w[0], w[1] &= m.w[1], w[2] &= m.w[2], w[3] &= m.w[3], w[4] &= m.w[4]; }
  void merge(const FastKey& m) {
    for (size_t i = 0; i < kWords; i++) w[i] |= m.w[i];
  }
  friend bool operator==(const FastKey& a, const FastKey& b) {
    return ((a.w[0] ^ b.w[0]) | (a.w[1] ^ b.w[1]) | (a.w[2] ^ b.w[2]) | (a.w[3] ^ b.w[3]) | (a.w[4] ^ b.w[4])) == 0;
  }
  be16 tcp_flags() const { return be16::from_raw(static_cast<uint16_t>(w[4] >> 16)); }
  /// The same members of a key, or of a mask.
  static FastKey of(const Flow& f);
};
static_assert(sizeof(FastKey) == 40 && std::endian::native == std::endian::little);

template <typename T>
inline T load_raw(const void* p) {
  T v;
  std::memcpy(&v, p, sizeof v);
  return v;
}

inline FastKey FastKey::of(const Flow& f) {
  FastKey k;
  static_assert(offsetof(Flow, eth_src) == offsetof(Flow, eth_dst) + 6 && offsetof(Flow, tp_dst) == offsetof(Flow, tp_src) + 2);
  k.w[0] = load_raw<uint64_t>(f.eth_dst.b.data());
  k.w[1] = load_raw<uint32_t>(f.eth_src.b.data() + 2) | uint64_t{f.eth_type.raw()} << 32 | uint64_t{f.nw_tos} << 56;
  k.w[2] = f.nw_ttl | uint64_t{f.nw_proto} << 8 | uint64_t{f.nw_src.raw()} << 32;
  k.w[3] = f.nw_dst.raw() | uint64_t{load_raw<uint32_t>(&f.tp_src)} << 32;
  k.w[4] = static_cast<uint16_t>(f.in_port.host()) | uint64_t{f.tcp_flags.raw()} << 16 | uint64_t{f.vlan_tci.raw()} << 32 | uint64_t{f.vlan_tpid.raw()} << 48;
  return k;
}

/// Fills `k` and the packet's layer offsets; false if the packet isn't simple or is of a rare kind: those are left to extract().
/// Bits that no member of Flow has are whatever the frame has there: mask() before comparing.
/// REQUIRES: the metadata other than in_port are default.
inline __attribute__((always_inline)) bool fast_key(Packet& packet, uint32_t in_port, FastKey& k) {
  constexpr uint16_t kIpv4Raw = kEthIpv4.raw();
  constexpr uint16_t kFragmentBits = be16(0x3fff).raw(), kTcpFlagBits = be16(0x0fff).raw();
  const uint8_t* p = packet.data();
  size_t size = packet.size();
  if (size < 42 || size > UINT16_MAX || in_port > UINT16_MAX) [[unlikely]] return false;  // Ethernet, IPv4, UDP
  uint16_t type = load_raw<uint16_t>(p + 12);
  const uint8_t* ip = p + 14;
  uint64_t tag = 0;
  if (type != kIpv4Raw) {
    if (!is_vlan_type(be16::from_raw(type)) || size < 46) return false;
    tag = uint64_t{type} << 48 | uint64_t{static_cast<uint16_t>(load_raw<uint16_t>(p + 14) | be16(kVlanPresent).raw())} << 32;
    type = load_raw<uint16_t>(p + 16);
    if (type != kIpv4Raw) return false;
    ip += 4;
  }
  size_t left = size - static_cast<size_t>(ip - p), header = (ip[0] & 0xf) * 4u, total = load_be<uint16_t>(ip + 2);
  uint8_t proto = ip[9];
  size_t needed = header + (proto == kProtoTcp ? 20 : 8);
  bool rare = (header < 20) | (total > left) | (total < needed) | ((load_raw<uint16_t>(ip + 6) & kFragmentBits) != 0);
  if (rare | ((proto != kProtoTcp) & (proto != kProtoUdp))) [[unlikely]] return false;
  const uint8_t* l4 = ip + header;
  uint64_t flags = proto == kProtoTcp ? load_raw<uint16_t>(l4 + 12) & kTcpFlagBits : 0;
  packet.l3 = static_cast<uint16_t>(ip - p);
  packet.l4 = static_cast<uint16_t>(l4 - p);
  k.w[0] = load_raw<uint64_t>(p);
  k.w[1] = load_raw<uint32_t>(p + 8) | uint64_t{load_raw<uint32_t>(ip - 2)} << 32;
  k.w[2] = load_raw<uint64_t>(ip + 8);
  k.w[3] = load_raw<uint32_t>(ip + 16) | uint64_t{load_raw<uint32_t>(l4)} << 32;
  k.w[4] = tag | flags << 16 | in_port;
  return true;
}

}  // namespace sluice
