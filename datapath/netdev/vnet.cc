// SPDX-License-Identifier: Apache-2.0
// Offload headers.
#include "datapath/netdev/vnet.h"

#include "datapath/l4.h"

namespace sluice {

void offload_from_vnet(const VnetHeader& vnet, Packet& packet) {
  PacketOffload& o = packet.offload;
  o.csum_valid = vnet.flags & VIRTIO_NET_HDR_F_DATA_VALID;
  if (vnet.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM && size_t{vnet.csum_start} + vnet.csum_offset + 2 <= packet.size()) {
    o.needs_csum = true;
    o.csum_start = vnet.csum_start;
    o.csum_offset = vnet.csum_offset;
  }
  if (vnet.gso_type != VIRTIO_NET_HDR_GSO_NONE && vnet.gso_size) {
    o.gso_type = vnet.gso_type;
    o.gso_size = vnet.gso_size;
    o.hdr_len = vnet.hdr_len;
  }
}

VnetHeader vnet_from_offload(const Packet& packet) {
  const PacketOffload& o = packet.offload;
  VnetHeader vnet{};
  if (o.needs_csum) {
    vnet.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
    vnet.csum_start = o.csum_start;
    vnet.csum_offset = o.csum_offset;
  } else if (o.csum_valid) {
    vnet.flags = VIRTIO_NET_HDR_F_DATA_VALID;
  }
  if (o.gso_type) {
    vnet.gso_type = o.gso_type;
    vnet.gso_size = o.gso_size;
    vnet.hdr_len = o.hdr_len;
    bool udp = (o.gso_type & ~VIRTIO_NET_HDR_GSO_ECN) == VIRTIO_NET_HDR_GSO_UDP_L4;
    if (packet.l4 != kNoOffset && packet.l4 + 20u <= packet.size())
      vnet.hdr_len = static_cast<uint16_t>(packet.l4 + (udp ? 8 : (packet.data()[packet.l4 + 12] >> 4) * 4));
  }
  return vnet;
}

}  // namespace sluice
