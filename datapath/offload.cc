// SPDX-License-Identifier: Apache-2.0
// Doing in software what a device left to offloads: L4 checksums and segmentation (TCP, and UDP with equal datagrams).
#include <algorithm>

#include "datapath/checksum.h"
#include "datapath/l4.h"

namespace sluice {
namespace {

// linux/virtio_net.h
constexpr uint8_t kGsoTcp4 = 1, kGsoTcp6 = 4, kGsoUdp = 5, kGsoEcn = 0x80;

/// The parts of a packet that its segments are made of.
struct GsoPlan {
  const Packet& packet;
  size_t headers;    // bytes before the payload
  size_t segment;    // payload bytes of one
  bool ipv4, tcp;
};

void write_segment_headers(const GsoPlan& plan, Packet& seg, size_t index, size_t offset, bool last) {
  uint8_t* ip = seg.data() + seg.l3;
  auto from_l3 = static_cast<uint16_t>(seg.size() - seg.l3);
  if (plan.ipv4) {
    store_be(ip + 2, from_l3);
    store_be(ip + 4, static_cast<uint16_t>(load_be<uint16_t>(ip + 4) + index));
    write_ipv4_checksum(ip, (ip[0] & 0xf) * 4u);
  } else {
    store_be(ip + 4, static_cast<uint16_t>(from_l3 - 40));
  }
  uint8_t* l4 = seg.data() + seg.l4;
  if (plan.tcp) {
    store_be(l4 + 4, static_cast<uint32_t>(load_be<uint32_t>(l4 + 4) + offset));
    if (!last) l4[13] &= ~0x09;   // FIN and PSH belong to the last segment,
    if (index) l4[13] &= ~0x80;   // CWR to the first
  } else {
    store_be(l4 + 4, static_cast<uint16_t>(seg.size() - seg.l4));
  }
}

bool plan_gso(const Packet& p, GsoPlan& plan) {
  uint8_t type = p.offload.gso_type & ~kGsoEcn;
  if (p.l3 == kNoOffset || p.l4 == kNoOffset || !p.offload.gso_size) return false;
  if (type != kGsoTcp4 && type != kGsoTcp6 && type != kGsoUdp) return false;
  plan.tcp = type != kGsoUdp;
  size_t l4_header = 8;
  if (plan.tcp) {
    if (p.l4 + 20u > p.size()) return false;
    l4_header = (p.data()[p.l4 + 12] >> 4) * 4u;
    if (l4_header < 20) return false;
  }
  plan.headers = p.l4 + l4_header;
  plan.segment = p.offload.gso_size;
  plan.ipv4 = p.data()[p.l3] >> 4 == 4;
  return plan.headers <= p.size();
}

/// Appends the segments of `p` to `out`; nothing if it can't be segmented.
void segment(const Packet& p, PacketBatch& out) {
  GsoPlan plan{p, 0, 0, false, false};
  if (!plan_gso(p, plan)) return;
  size_t payload = p.size() - plan.headers, offset = 0, index = 0;
  do {
    size_t n = std::min(plan.segment, payload - offset);
    Packet& seg = out.add(plan.headers + n);
    std::memcpy(seg.data(), p.data(), plan.headers);
    std::memcpy(seg.data() + plan.headers, p.data() + plan.headers + offset, n);
    static_cast<PacketMetadata&>(seg) = p;
    seg.offload = {};
    if (p.has_ct_tuple) seg.ct_tuple = p.ct_tuple;
    if (p.tunnel) seg.tunnel = std::make_unique<PacketTunnel>(*p.tunnel);
    write_segment_headers(plan, seg, index++, offset, offset + n == payload);
    write_l4_checksum(seg);
    offset += n;
  } while (offset < payload);
}

}  // namespace

void write_l4_checksum(Packet& packet) {
  L4 l4 = find_l4(packet);
  if (!l4.length) return;
  if (l4.proto == kProtoSctp) {
    if (l4.length < 12) return;
    std::memset(l4.header + 8, 0, 4);
    uint32_t crc = crc32c({l4.header, l4.length});
    for (int i = 0; i < 4; i++) l4.header[8 + i] = static_cast<uint8_t>(crc >> (8 * i));  // little-endian, RFC 9260 appendix A
    return;
  }
  size_t at = l4_checksum_offset(l4.proto, l4.ipv6);
  if (!at || at + 2 > l4.length) return;
  store_be<uint16_t>(l4.header + at, 0);
  bool bare = l4.proto == kProtoIcmp || l4.proto == kProtoIgmp;
  uint32_t sum = bare ? 0 : pseudo_header_sum(l4.addresses, l4.proto, static_cast<uint32_t>(l4.length));
  uint16_t field = checksum_fold(checksum_add(sum, {l4.header, l4.length}));
  if (l4.proto == kProtoUdp && field == 0) field = 0xffff;
  store_be(l4.header + at, field);
}

void complete_checksum(Packet& p) {
  PacketOffload& o = p.offload;
  if (!o.needs_csum) return;
  o.needs_csum = false;
  size_t start = o.csum_start, at = start + o.csum_offset;
  if (at + 2 > p.size() || start >= p.size()) return;  // cut: nobody can check it anyway
  // The field holds the sum of the pseudo header, so it is summed along with the rest.  Padding after the L4 data is zero or not covered.
  L4 l4 = find_l4(p);
  size_t end = l4.length && p.l4 == start ? start + l4.length : p.size();
  uint16_t field = checksum({p.data() + start, end - start});
  if (field == 0 && o.csum_offset == 6) field = 0xffff;  // UDP: 0 means none
  store_be(p.data() + at, field);
}

void complete_offloads(PacketBatch& batch) {
  bool any = false;
  for (size_t i = 0; i < batch.size(); i++) any |= batch[i].offload.needs_csum || batch[i].offload.gso_type;
  if (!any) [[likely]] return;
  PacketBatch out(batch.pool());
  for (size_t i = 0; i < batch.size(); i++) {
    if (batch[i].offload.gso_type) {
      segment(batch[i], out);
    } else {
      complete_checksum(batch[i]);
      out.add_owned(batch.release(i));
    }
  }
  batch.swap(out);
}

}  // namespace sluice
