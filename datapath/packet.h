// SPDX-License-Identifier: Apache-2.0
// Packet: one frame in a buffer with headroom, where its layers begin, and what its device said about it.
// Owned by one thread at a time; move-only; copy() is explicit.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>

#include "datapath/flow.h"
#include "datapath/port_no.h"
#include "lib/bytes.h"

namespace sluice {

inline constexpr size_t kPacketHeadroom = 128;         // for tags and tunnel headers
inline constexpr size_t kMaxPacketSize = 65535 + 64;   // GSO super-packets
inline constexpr uint16_t kNoOffset = UINT16_MAX;

/// What a device with offloads left undone or promised (the virtio_net_hdr of PACKET_VNET_HDR and tap devices).
struct PacketOffload {
  bool needs_csum = false;      // the L4 checksum is partial: sum from csum_start, store at csum_start + csum_offset
  bool csum_valid = false;
  uint16_t csum_start = 0;      // from the start of the frame
  uint16_t csum_offset = 0;
  uint8_t gso_type = 0;         // VIRTIO_NET_HDR_GSO_*; 0 = none
  uint16_t gso_size = 0;        // payload bytes a segment
  uint16_t hdr_len = 0;
};

/// One direction of a connection, for the original direction of a tracked packet (ct_nw_src and so on).
struct CtTuple {
  Ipv6Addr src{}, dst{};               // IPv4: the first four bytes
  be16 tp_src, tp_dst;                 // ICMP: type and code
  uint8_t proto = 0;
  bool ipv6 = false;
  friend bool operator==(const CtTuple&, const CtTuple&) = default;
};

/// What is known of a packet besides its bytes; back to defaults when a buffer is used again.
struct PacketMetadata {
  // Layer offsets from data(), kNoOffset if absent; set by extract(), kept true by the header edits of actions.
  uint16_t l3 = kNoOffset;      // after Ethernet and VLAN tags (and MPLS labels)
  uint16_t l4 = kNoOffset;

  OdpPort in_port = kOdpNone;
  uint32_t packet_type = 0;     // as Flow::packet_type: Ethernet, or what the bytes are without an Ethernet header
  uint32_t recirc_id = 0;
  uint32_t dp_hash = 0;
  uint32_t pkt_mark = 0;
  uint32_t skb_priority = 0;
  uint32_t truncate_to = UINT32_MAX;   // of the next output only
  uint32_t ct_mark = 0;
  uint16_t ct_zone = 0;
  uint16_t mru = 0;                    // the largest of the IP fragments that a kernel put it together from, bytes: it leaves in fragments of that size.  0: it was whole
  uint8_t ct_state = 0;
  bool has_ct_tuple = false;           // Packet::ct_tuple counts
  uint64_t kernel_hash = 0;            // as the kernel gave it (OVS_PACKET_ATTR_HASH), so that the packet hashes as those of its flow that never come up.  0: none
  uint32_t ct_slot = 0, ct_serial = 0; // the tracker's handle to the connection; serial 0: none
  PacketOffload offload;
  std::array<uint8_t, 16> ct_label{};
};

/// What a packet came through, or is to go into.
struct PacketTunnel : FlowTunnel {
  Bytes options;                       // of Geneve, as on the wire
};
std::unique_ptr<PacketTunnel> tunnel_of(const Flow& key);

class Packet : public PacketMetadata {
 public:
  Packet() = default;
  Packet(Packet&&) noexcept = default;
  Packet& operator=(Packet&&) noexcept = default;
  /// An uninitialised frame of `size` bytes with kPacketHeadroom before it.
  static Packet with_size(size_t size);
  static Packet from(ByteView frame);
  Packet copy() const;

  uint8_t* data() { return buf_.get() + head_; }
  const uint8_t* data() const { return buf_.get() + head_; }
  size_t size() const { return size_; }
  ByteView view() const { return {data(), size_}; }
  size_t headroom() const { return head_; }
  size_t capacity() const { return capacity_; }
  /// Grows at the front by n bytes (content undefined), reallocating if the headroom is spent.  Layer offsets move along.
  uint8_t* push_front(size_t n);
  /// REQUIRES: n <= size().  Layer offsets move along.
  void pull_front(size_t n);
  void resize(size_t n);        // keeps the first min(n, size()) bytes
  void truncate(size_t n) { if (n < size_) size_ = static_cast<uint32_t>(n); }

  /// True if something besides in_port and the frame counts for the key.
  bool has_metadata() const {
    return (packet_type | recirc_id | dp_hash | pkt_mark | skb_priority | ct_state | ct_zone | ct_mark) || tunnel || ct_label != std::array<uint8_t, 16>{};
  }

  /// Forgets all that the connection tracker said.
  void clear_ct() {
    ct_state = 0, ct_zone = 0, ct_mark = 0, ct_serial = 0, has_ct_tuple = false;
    ct_label = {};
  }

  std::unique_ptr<PacketTunnel> tunnel;  // null if it did not come through a tunnel
  CtTuple ct_tuple;                    // if has_ct_tuple

 private:
  friend class PacketPool;
  void reset(size_t size);     // an uninitialised frame without metadata, in the old buffer if it is large enough
  std::unique_ptr<uint8_t[]> buf_;
  uint32_t capacity_ = 0, head_ = 0, size_ = 0;
  uint32_t references_ = 1;    // of a pooled packet
};

/// Computes the key of a packet and its layer offsets.  Total: any bytes give a Flow (a cut header ends the parse, its
/// fields stay zero).  Tags beyond vlan_limit (0..2) are payload, as if they were of unknown EtherType.  Cost: one pass, only the headers.
void extract(Packet& packet, Flow& key, unsigned vlan_limit = 2);
/// What a packet has besides its frame: port, marks, connection, tunnel; to a packet also its type, which decides how it is read.
void copy_metadata(const Packet& from, Flow& to);
void copy_metadata(const Flow& from, Packet& to);

}  // namespace sluice
