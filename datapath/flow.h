// SPDX-License-Identifier: Apache-2.0
// Flow: everything that can be matched of one packet.  The mask over it is the same struct: a set bit is a bit that matters.
//
// Invariants:
//  1. All members hold wire (big-endian) order, metadata and registers too, so a field of any width is a run of bytes, and
//     reg pairs and quads are xregs and xxregs without conversion.
//  2. No implicit padding: a Flow may be compared, hashed and masked as 8-byte words (kFlowWords of them).
//  3. Members of an absent protocol layer are zero.
//  4. The first 64 bytes hold what most packets need (one cache line, one vector register); the blocks after it are
//     mostly zero and are skipped whole by masks.
// In the datapath in_port is an OdpPort number; inside a bridge's OpenFlow tables it is an OfpPort number.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>

#include "lib/address.h"
#include "lib/bytes.h"

namespace sluice {

inline constexpr unsigned kRegs = 32;          // reg0..reg31
inline constexpr unsigned kMplsLabels = 3;     // outermost first
inline constexpr unsigned kTunMetadataBytes = 256;
inline constexpr uint16_t kVlanPresent = 0x1000;  // in vlan tci: a tag is there (the CFI bit's place)
inline constexpr uint16_t kEthTypeNone = 0x05ff;  // eth_type of 802.2 frames without SNAP type (OF1.0 5.2.3)

// ip_frag bits
inline constexpr uint8_t kFragAny = 1;    // any fragment
inline constexpr uint8_t kFragLater = 2;  // offset > 0

// ct_state bits
enum CtState : uint8_t { kCtNew = 1, kCtEst = 2, kCtRel = 4, kCtRpl = 8, kCtInv = 16, kCtTrk = 32, kCtSnat = 64, kCtDnat = 128 };

struct FlowVlan {
  be16 tpid;  // 0 if there is no tag
  be16 tci;   // PCP, kVlanPresent, VID; 0 if there is no tag
};

// Bits of FlowTunnel::dp_flags: don't fragment, checksum, key present.
inline constexpr uint16_t kTunnelDf = 1, kTunnelCsum = 2, kTunnelKey = 4;

struct FlowTunnel {
  be64 id;
  be32 src, dst;               // IPv4 outer addresses, 0 if IPv6 or none
  Ipv6Addr ipv6_src, ipv6_dst;
  be16 flags;                  // OpenFlow tun_flags: bit 0 OAM
  uint8_t tos, ttl;
  be16 tp_src, tp_dst;
  be16 gbp_id;
  uint8_t gbp_flags;
  uint8_t erspan_ver;
  be32 erspan_idx;
  uint8_t erspan_dir, erspan_hwid;
  uint8_t gtpu_flags, gtpu_msgtype;
  be16 dp_flags;               // datapath only: kTunnel*
  be16 pad;

  /// The packet came through one, or is to go into one.
  bool is_present() const { return dst || !ipv6_dst.is_zero(); }
};

struct Flow {
  // --- the first cache line ---
  be32 in_port;
  be32 recirc_id;
  uint8_t ct_state;
  uint8_t nw_frag;
  be16 ct_zone;
  be32 packet_type;            // namespace << 16 | type; 0 = Ethernet
  MacAddr eth_dst, eth_src;
  be16 eth_type;               // outermost that is no VLAN tag; kEthTypeNone for 802.2
  be16 vlan_tci;               // outermost tag
  be32 nw_src, nw_dst;         // IPv4, or ARP SPA, TPA
  uint8_t nw_proto;            // IP protocol, or ARP opcode (0 if > 255)
  uint8_t nw_tos;              // DSCP << 2 | ECN
  uint8_t nw_ttl;
  uint8_t pad0;
  be16 tp_src, tp_dst;         // TCP, UDP, SCTP ports; ICMP type, code
  be16 tcp_flags;              // 12 bits
  be16 vlan_tpid;              // of the outermost tag
  be16 vlan2_tci, vlan2_tpid;  // of the second tag
  be32 dp_hash;
  be32 pkt_mark;
  // --- IPv6 (offset 64) ---
  Ipv6Addr ipv6_src, ipv6_dst;
  be32 ipv6_label;             // 20 bits
  be16 ipv6_exthdr;            // OFPIEH bits (OF1.3.5 7.2.3.8)
  be16 pad1;
  // --- ARP hardware addresses, or ND source/target link-layer addresses; ND ---
  MacAddr arp_sha, arp_tha;    // ND: sll, tll
  be32 nd_reserved;
  Ipv6Addr nd_target;
  uint8_t nd_options_type;
  uint8_t pbb_uca;
  be16 pad2;
  be32 pbb_isid;               // 24 bits
  // --- MPLS ---
  be32 mpls_lse[kMplsLabels];
  be32 skb_priority;
  // --- NSH ---
  uint8_t nsh_flags, nsh_mdtype, nsh_np, nsh_ttl;
  be32 nsh_path;               // SPI << 8 | SI
  be32 nsh_context[4];
  // --- OpenFlow pipeline metadata ---
  be64 metadata;
  be32 conj_id;
  be32 actset_output;
  be32 in_phy_port;
  be32 pad3;
  be32 reg[kRegs];
  // --- conntrack ---
  be32 ct_mark;
  uint8_t ct_nw_proto;
  uint8_t pad4[3];
  uint8_t ct_label[16];
  be32 ct_nw_src, ct_nw_dst;
  Ipv6Addr ct_ipv6_src, ct_ipv6_dst;
  be16 ct_tp_src, ct_tp_dst;
  be32 pad5;
  // --- tunnel ---
  FlowTunnel tunnel;
  be64 tun_present;            // in tables, bit N: option tun_metadataN is there; in the datapath, how many bytes of options there are
  uint8_t tun_metadata[kTunMetadataBytes];  // laid out by the bridge's TLV table; in the datapath, as in the packet (geneve.h)

  std::span<uint64_t> words() { return {reinterpret_cast<uint64_t*>(this), sizeof *this / 8}; }
  std::span<const uint64_t> words() const { return {reinterpret_cast<const uint64_t*>(this), sizeof *this / 8}; }
  friend bool operator==(const Flow& a, const Flow& b) { return std::memcmp(&a, &b, sizeof a) == 0; }

  bool is_ip() const { return eth_type == be16(0x0800) || eth_type == be16(0x86dd); }
  bool is_mpls() const { return eth_type == be16(0x8847) || eth_type == be16(0x8848); }
  bool is_arp() const { return eth_type == be16(0x0806) || eth_type == be16(0x8035); }
};
static_assert(offsetof(Flow, ipv6_src) == 64);
static_assert(sizeof(Flow) % 8 == 0 && std::is_trivially_copyable_v<Flow>);
static_assert(std::has_unique_object_representations_v<Flow>);  // invariant 2
static_assert(sizeof(FlowTunnel) == 72);
inline constexpr size_t kFlowWords = sizeof(Flow) / 8;

/// A zero Flow (be-types have default constructors, so `Flow f{}` is zero too; this says so).
inline Flow zero_flow() { return Flow{}; }

/// Calls fn(first word, number) for all words up to an end, eight at a time, which compilers can do at once.
template <size_t kEnd, typename Fn>
constexpr void for_blocks(const Fn& fn) {
  constexpr size_t kBlock = 8;
  for (size_t i = 0; i + kBlock <= kEnd; i += kBlock) fn(i, std::integral_constant<size_t, kBlock>{});
  if constexpr (kEnd % kBlock) fn(kEnd - kEnd % kBlock, std::integral_constant<size_t, kEnd % kBlock>{});
}

/// True if mask has all bits of asked.
inline bool covers(const Flow& mask, const Flow& asked) {
  uint64_t lacks = 0;
  for_blocks<kFlowWords>([m = mask.words(), a = asked.words(), &lacks](size_t from, auto n) {
    uint64_t bits = 0;
    for (size_t i = 0; i < n; i++) bits |= a[from + i] & ~m[from + i];
    lacks |= bits;
  });
  return !lacks;
}

/// key &= mask, word by word.
inline void mask_flow(Flow& key, const Flow& mask) {
  auto k = key.words();
  auto m = mask.words();
  for (size_t i = 0; i < kFlowWords; i++) k[i] &= m[i];
}
/// True if a and b agree in all bits of mask.
inline bool equal_under(const Flow& a, const Flow& b, const Flow& mask) {
  auto x = a.words(), y = b.words(), m = mask.words();
  for (size_t i = 0; i < kFlowWords; i++)
    if ((x[i] ^ y[i]) & m[i]) return false;
  return true;
}

}  // namespace sluice
