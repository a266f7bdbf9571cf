// SPDX-License-Identifier: Apache-2.0
// The virtio_net_hdr that packet sockets and tap devices put before each frame, to and from PacketOffload.
#pragma once

#include "datapath/packet.h"

namespace sluice {

/// struct virtio_net_hdr of linux/virtio_net.h, which C++ can't read; host order.
struct VnetHeader {
  uint8_t flags;
  uint8_t gso_type;
  uint16_t hdr_len;
  uint16_t gso_size;
  uint16_t csum_start;
  uint16_t csum_offset;
};
static_assert(sizeof(VnetHeader) == 10);
inline constexpr uint8_t VIRTIO_NET_HDR_F_NEEDS_CSUM = 1, VIRTIO_NET_HDR_F_DATA_VALID = 2;
inline constexpr uint8_t VIRTIO_NET_HDR_GSO_NONE = 0, VIRTIO_NET_HDR_GSO_UDP_L4 = 5, VIRTIO_NET_HDR_GSO_ECN = 0x80;

/// REQUIRES: the frame is that to which the header belongs (no VLAN tag added yet).  Offsets that don't fit the frame are ignored.
void offload_from_vnet(const VnetHeader& vnet, Packet& packet);
VnetHeader vnet_from_offload(const Packet& packet);

}  // namespace sluice
