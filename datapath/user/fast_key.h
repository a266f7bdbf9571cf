// SPDX-License-Identifier: Apache-2.0
// FastKey: the 40 bytes that tell simple packets apart, for the exact-match cache: its entries fit a cache line.
//
// A packet is simple if all other members of its Flow are zero: no recirculation, marks, conntrack or tunnel, at most one VLAN tag, and IPv4 or an EtherType
// that we don't look into.  For such packets FastKey::of(flow) == fast_key(packet) (a test checks it), so equal FastKeys meet the same megaflow.
#pragma once

#include <cstdint>
#include <cstring>

#include "datapath/ethertype.h"
#include "datapath/l4.h"
#include "datapath/packet.h"

namespace sluice {

struct FastKey {
  uint16_t in_port = 0;          // host order; larger port numbers are never simple
  be16 eth_type, vlan_tci, vlan_tpid;
  MacAddr eth_dst;
  uint8_t nw_frag = 0, nw_proto = 0;
  MacAddr eth_src;
  uint8_t nw_tos = 0, nw_ttl = 0;
  be32 nw_src, nw_dst;
  be16 tp_src, tp_dst, tcp_flags;
  uint16_t pad = 0;

  static constexpr size_t kWords = 5;
  uint64_t* words() { return reinterpret_cast<uint64_t*>(this); }
  const uint64_t* words() const { return reinterpret_cast<const uint64_t*>(this); }
  void mask(const FastKey& m) {
    for (size_t i = 0; i < kWords; i++) words()[i] &= m.words()[i];
  }
  void merge(const FastKey& m) {
    for (size_t i = 0; i < kWords; i++) words()[i] |= m.words()[i];
  }
  friend bool operator==(const FastKey& a, const FastKey& b) {
    uint64_t diff = 0;
    for (size_t i = 0; i < kWords; i++) diff |= a.words()[i] ^ b.words()[i];
    return diff == 0;
  }
  /// The same members of a key, or of a mask.
  static FastKey of(const Flow& f) {
    FastKey k;
    k.in_port = static_cast<uint16_t>(f.in_port.host());
    k.eth_type = f.eth_type;
    k.vlan_tci = f.vlan_tci;
    k.vlan_tpid = f.vlan_tpid;
    k.eth_dst = f.eth_dst;
    k.eth_src = f.eth_src;
    k.nw_frag = f.nw_frag;
    k.nw_proto = f.nw_proto;
    k.nw_tos = f.nw_tos;
    k.nw_ttl = f.nw_ttl;
    k.nw_src = f.nw_src;
    k.nw_dst = f.nw_dst;
    k.tp_src = f.tp_src;
    k.tp_dst = f.tp_dst;
    k.tcp_flags = f.tcp_flags;
    return k;
  }
};
static_assert(sizeof(FastKey) == 40 && alignof(FastKey) <= 8);

inline be16 fast_get16(const uint8_t* p) { be16 v; std::memcpy(&v, p, 2); return v; }

/// L4 ports and flags of an IPv4 packet whose L4 begins at p; false if that is left to extract().
inline bool fast_l4(const uint8_t* p, size_t left, FastKey& k) {
  switch (k.nw_proto) {
    case kProtoTcp:
      if (left < 20) return false;
      k.tcp_flags = fast_get16(p + 12) & be16(0x0fff);
      break;
    case kProtoUdp:
      if (left < 8) return false;
      break;
    default: return false;
  }
  k.tp_src = fast_get16(p);
  k.tp_dst = fast_get16(p + 2);
  return true;
}

/// Fills `k` and the packet's layer offsets; false if the packet isn't simple or is of a rare kind.
/// REQUIRES: the metadata other than in_port are default.
inline bool fast_key(Packet& packet, uint32_t in_port, FastKey& k) {
  const uint8_t* p = packet.data();
  size_t left = packet.size();
  if (left < 34 || in_port > UINT16_MAX) return false;
  k.in_port = static_cast<uint16_t>(in_port);
  std::memcpy(k.eth_dst.b.data(), p, 6);
  std::memcpy(k.eth_src.b.data(), p + 6, 6);
  size_t l3 = 14;
  be16 type = fast_get16(p + 12);
  k.vlan_tci = k.vlan_tpid = {};
  if (is_vlan_type(type)) {
    if (left < 38) return false;
    k.vlan_tpid = type;
    k.vlan_tci = fast_get16(p + 14) | be16(kVlanPresent);
    type = fast_get16(p + 16);
    l3 = 18;
  }
  k.eth_type = type;
  if (type != kEthIpv4) return false;
  const uint8_t* ip = p + l3;
  left -= l3;
  size_t header = (ip[0] & 0xf) * 4u, total = load_be<uint16_t>(ip + 2);
  if (header < 20 || header > total || total > left || left - total > UINT16_MAX) return false;
  if (load_be<uint16_t>(ip + 6) & 0x3fff) return false;
  k.nw_frag = 0;
  k.nw_proto = ip[9];
  k.nw_tos = ip[1];
  k.nw_ttl = ip[8];
  std::memcpy(&k.nw_src, ip + 12, 8);
  k.tcp_flags = {};
  k.pad = 0;
  packet.l3 = static_cast<uint16_t>(l3);
  packet.l4 = static_cast<uint16_t>(l3 + header);
  return fast_l4(ip + header, total - header, k);
}

}  // namespace sluice
