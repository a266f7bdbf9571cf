// SPDX-License-Identifier: Apache-2.0
// Header edits.
#include "datapath/edits.h"

#include "datapath/checksum.h"
#include "datapath/ethertype.h"
#include "datapath/l4.h"
#include "datapath/nsh.h"

namespace sluice {

namespace {

/// The L4 checksum that covers the packet, kept right while words under it change.
class L4Checksum {
 public:
  explicit L4Checksum(Packet& p) {
    L4 l4 = find_l4(p);
    size_t at = l4.length ? l4_checksum_offset(l4.proto, l4.ipv6) : 0;
    if (!at || at + 2 > l4.length) return;
    uint8_t* field = l4.header + at;
    partial_ = p.offload.needs_csum;
    udp_ = l4.proto == kProtoUdp;
    bare_ = l4.proto == kProtoIcmp || l4.proto == kProtoIgmp;  // no pseudo header
    if (udp_ && !partial_ && load_be<uint16_t>(field) == 0) return;  // none was sent (RFC 768)
    field_ = field;
  }
  /// Bytes of the pseudo header change.
  void pseudo(ByteView from, ByteView to) {
    if (!field_ || bare_) return;
    uint16_t old = load_be<uint16_t>(field_);
    // A partial checksum is the plain sum of the pseudo header, not its complement.
    if (partial_) store_be(field_, static_cast<uint16_t>(~checksum_update(static_cast<uint16_t>(~old), from, to)));
    else store(checksum_update(old, from, to));
  }
  /// Bytes of the L4 header or data change; a partial checksum doesn't hold them yet.
  void covered(ByteView from, ByteView to) {
    if (field_ && !partial_) store(checksum_update(load_be<uint16_t>(field_), from, to));
  }

 private:
  void store(uint16_t v) { store_be(field_, static_cast<uint16_t>(udp_ && v == 0 ? 0xffff : v)); }
  uint8_t* field_ = nullptr;
  bool partial_ = false, udp_ = false, bare_ = false;
};

/// bytes = bytes & ~mask | value & mask.
template <size_t N>
void merge(uint8_t (&bytes)[N], const void* value, const void* mask) {
  auto v = static_cast<const uint8_t*>(value);
  auto m = static_cast<const uint8_t*>(mask);
  for (size_t i = 0; i < N; i++) bytes[i] = static_cast<uint8_t>((bytes[i] & ~m[i]) | (v[i] & m[i]));
}

/// Edits N bytes at `at`; returns false if nothing changes.
template <size_t N>
struct Edit {
  uint8_t from[N], to[N];
  Edit(const uint8_t* at, const void* value, const void* mask) {
    std::memcpy(from, at, N);
    std::memcpy(to, at, N);
    merge(to, value, mask);
  }
  bool changes() const { return std::memcmp(from, to, N) != 0; }
  void apply(uint8_t* at) const { std::memcpy(at, to, N); }
};

void set_ethernet(Packet& p, const Flow& v, const Flow& m) {
  if (p.packet_type != kPacketTypeEthernet || p.size() < 12) return;
  Edit<12> edit(p.data(), v.eth_dst.b.data(), m.eth_dst.b.data());
  edit.apply(p.data());
}
static_assert(offsetof(Flow, eth_src) == offsetof(Flow, eth_dst) + 6);

template <size_t N>
void edit_ipv4(uint8_t* ip, size_t at, const void* value, const void* mask, L4Checksum* l4) {
  Edit<N> edit(ip + at, value, mask);
  if (!edit.changes()) return;
  edit.apply(ip + at);
  store_be(ip + 10, checksum_update(load_be<uint16_t>(ip + 10), edit.from, edit.to));
  if (l4) l4->pseudo(edit.from, edit.to);
}

uint8_t* ip_header(Packet& p, unsigned version, size_t size) {
  if (p.l3 == kNoOffset || p.l3 + size > p.size()) return nullptr;
  uint8_t* ip = p.data() + p.l3;
  return ip[0] >> 4 == version ? ip : nullptr;
}

void set_ipv4(Packet& p, const Flow& v, const Flow& m) {
  uint8_t* ip = ip_header(p, 4, 20);
  if (!ip) return;
  if (m.nw_src || m.nw_dst) {
    L4Checksum l4(p);
    edit_ipv4<4>(ip, 12, &v.nw_src, &m.nw_src, &l4);
    edit_ipv4<4>(ip, 16, &v.nw_dst, &m.nw_dst, &l4);
  }
  const uint8_t tos[2] = {0, v.nw_tos}, tos_mask[2] = {0, m.nw_tos};
  const uint8_t ttl[2] = {v.nw_ttl, 0}, ttl_mask[2] = {m.nw_ttl, 0};
  edit_ipv4<2>(ip, 0, tos, tos_mask, nullptr);
  edit_ipv4<2>(ip, 8, ttl, ttl_mask, nullptr);
}

void set_ipv6(Packet& p, const Flow& v, const Flow& m) {
  uint8_t* ip = ip_header(p, 6, 40);
  if (!ip) return;
  if (!m.ipv6_src.is_zero() || !m.ipv6_dst.is_zero()) {
    L4Checksum l4(p);
    for (auto [at, value, mask] : {std::tuple{8, &v.ipv6_src, &m.ipv6_src}, std::tuple{24, &v.ipv6_dst, &m.ipv6_dst}}) {
      Edit<16> edit(ip + at, value->b.data(), mask->b.data());
      if (!edit.changes()) continue;
      edit.apply(ip + at);
      l4.pseudo(edit.from, edit.to);
    }
  }
  uint32_t word = load_be<uint32_t>(ip);
  uint32_t value = uint32_t{v.nw_tos} << 20 | (v.ipv6_label.host() & 0xfffff), mask = uint32_t{m.nw_tos} << 20 | (m.ipv6_label.host() & 0xfffff);
  store_be(ip, (word & ~mask) | (value & mask));
  ip[7] = static_cast<uint8_t>((ip[7] & ~m.nw_ttl) | (v.nw_ttl & m.nw_ttl));
}

void set_ports(Packet& p, uint8_t proto, const Flow& v, const Flow& m) {
  L4 l4 = find_l4(p);
  if (l4.proto != proto || l4.length < 8) return;
  Edit<4> edit(l4.header, &v.tp_src, &m.tp_src);
  static_assert(offsetof(Flow, tp_dst) == offsetof(Flow, tp_src) + 2);
  if (!edit.changes()) return;
  if (proto == kProtoSctp) {   // a CRC has no short update, and a wrong one stays wrong
    if (l4.length < 12) return;
    uint8_t wrong[4], *field = l4.header + 8;
    std::memcpy(wrong, field, 4);
    write_l4_checksum(p);
    for (int i = 0; i < 4; i++) wrong[i] ^= field[i];
    edit.apply(l4.header);
    write_l4_checksum(p);
    for (int i = 0; i < 4; i++) field[i] ^= wrong[i];
    return;
  }
  L4Checksum sum(p);
  edit.apply(l4.header);
  sum.covered(edit.from, edit.to);
}

void set_icmp(Packet& p, uint8_t proto, const Flow& v, const Flow& m) {
  L4 l4 = find_l4(p);
  if (l4.proto != proto || l4.length < 8) return;
  const uint8_t value[2] = {static_cast<uint8_t>(v.tp_src.host()), static_cast<uint8_t>(v.tp_dst.host())};
  const uint8_t mask[2] = {static_cast<uint8_t>(m.tp_src.host()), static_cast<uint8_t>(m.tp_dst.host())};
  Edit<2> edit(l4.header, value, mask);
  L4Checksum sum(p);
  edit.apply(l4.header);
  sum.covered(edit.from, edit.to);
}

void set_arp(Packet& p, const Flow& v, const Flow& m) {
  if (p.l3 == kNoOffset || p.l3 + 28u > p.size()) return;
  uint8_t* arp = p.data() + p.l3;
  auto edit = [arp](size_t at, auto& value, auto& mask) {
    Edit<sizeof value> e(arp + at, &value, &mask);
    e.apply(arp + at);
  };
  const be16 op(v.nw_proto), op_mask(m.nw_proto ? 0xff00 | m.nw_proto : 0);
  edit(6, op, op_mask);
  edit(8, v.arp_sha, m.arp_sha);
  edit(14, v.nw_src, m.nw_src);
  edit(18, v.arp_tha, m.arp_tha);
  edit(24, v.nw_dst, m.nw_dst);
}

void set_nd(Packet& p, const Flow& v, const Flow& m) {
  L4 l4 = find_l4(p);
  if (l4.proto != kProtoIcmpv6 || l4.length < 24) return;
  L4Checksum sum(p);
  auto edit = [&](size_t at, auto& value, auto& mask) {
    Edit<sizeof value> e(l4.header + at, &value, &mask);
    e.apply(l4.header + at);
    sum.covered(e.from, e.to);
  };
  edit(4, v.nd_reserved, m.nd_reserved);
  edit(8, v.nd_target, m.nd_target);
  for (size_t at = 24; at + 8 <= l4.length;) {
    size_t length = l4.header[at + 1] * 8u;
    if (!length) return;
    if (length == 8 && l4.header[at] == 1) edit(at + 2, v.arp_sha, m.arp_sha);
    if (length == 8 && l4.header[at] == 2) edit(at + 2, v.arp_tha, m.arp_tha);
    at += length;
  }
}

void set_mpls(Packet& p, const Flow& v, const Flow& m) {
  auto place = network_header(p);
  if (!place || !is_mpls_type(place->type) || place->at + 4 > p.size()) return;
  Edit<4> edit(p.data() + place->at, &v.mpls_lse[0], &m.mpls_lse[0]);
  edit.apply(p.data() + place->at);
}

void set_service_header(Packet& p, const Flow& v, const Flow& m) {
  auto place = network_header(p);
  if (place && place->type == kEthNsh && nsh_bytes(p.view().subspan(place->at))) set_nsh(p.data() + place->at, v, m);
}

template <typename T>
void set_metadata(T& field, be32 value, be32 mask) { field = (field & ~mask.host()) | (value.host() & mask.host()); }

void set_tunnel(Packet& p, const Flow& v) { p.tunnel = tunnel_of(v); }

}  // namespace

void set_fields(Packet& p, const FieldEdit& edit) {
  const Flow &v = edit.value, &m = edit.mask;
  switch (edit.kind) {
    case OdpSetKind::kEthernet: return set_ethernet(p, v, m);
    case OdpSetKind::kIpv4: return set_ipv4(p, v, m);
    case OdpSetKind::kIpv6: return set_ipv6(p, v, m);
    case OdpSetKind::kTcp: return set_ports(p, kProtoTcp, v, m);
    case OdpSetKind::kUdp: return set_ports(p, kProtoUdp, v, m);
    case OdpSetKind::kSctp: return set_ports(p, kProtoSctp, v, m);
    case OdpSetKind::kIcmp: return set_icmp(p, kProtoIcmp, v, m);
    case OdpSetKind::kIcmpv6: return set_icmp(p, kProtoIcmpv6, v, m);
    case OdpSetKind::kArp: return set_arp(p, v, m);
    case OdpSetKind::kNd: return set_nd(p, v, m);
    case OdpSetKind::kMpls: return set_mpls(p, v, m);
    case OdpSetKind::kTunnel: return set_tunnel(p, v);
    case OdpSetKind::kSkbMark: return set_metadata(p.pkt_mark, v.pkt_mark, m.pkt_mark);
    case OdpSetKind::kSkbPriority: return set_metadata(p.skb_priority, v.skb_priority, m.skb_priority);
    case OdpSetKind::kNsh: return set_service_header(p, v, m);
  }
}

}  // namespace sluice
