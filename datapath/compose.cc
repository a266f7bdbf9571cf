// SPDX-License-Identifier: Apache-2.0
// Headers are appended outside in; then, with everything there, lengths and checksums are filled in inside out.
#include "datapath/compose.h"

#include <array>

#include "datapath/checksum.h"
#include "datapath/ethertype.h"
#include "datapath/l4.h"
#include "datapath/nsh.h"

namespace sluice {
namespace {

constexpr uint16_t kLaterOffset = 100;  // of later fragments, in units of 8 bytes

struct Composer {
  const Flow& flow;
  ByteView payload;
  Bytes bytes{};
  ByteWriter out{bytes};
  size_t l3 = 0, l4 = 0;

  void ethernet();
  void network();
  void nsh();
  void mpls();
  void ipv4();
  void ipv6();
  void arp();
  void transport(bool v6);
  void neighbor();
};

void Composer::ethernet() {
  out.bytes(flow.eth_dst.b.data(), 6);
  out.bytes(flow.eth_src.b.data(), 6);
  auto tag = [&](be16 tpid, be16 tci) {
    if (!(tci.host() & kVlanPresent)) return;
    out.u16(tpid ? tpid.host() : kEthVlan.host());
    out.u16(tci.host() & ~kVlanPresent);
  };
  tag(flow.vlan_tpid, flow.vlan_tci);
  tag(flow.vlan2_tpid, flow.vlan2_tci);
  bool typed = flow.eth_type.host() >= kLeastEtherType;
  out.u16(typed ? flow.eth_type.host() : 0);  // 0: an 802.3 length
  network();
}

void Composer::network() {
  l3 = out.size();
  if (flow.is_mpls()) mpls();
  else if (flow.eth_type == kEthIpv4) ipv4();
  else if (flow.eth_type == kEthIpv6) ipv6();
  else if (flow.is_arp()) arp();
  else if (flow.eth_type == kEthNsh) nsh();
}

/// With the payload behind it, whatever its next protocol says that it is.
void Composer::nsh() {
  OdpPushNsh header = nsh_of(flow);
  size_t at = out.size();
  out.zeros(nsh_bytes(header));
  write_nsh(header, bytes.data() + at);
  out.bytes(payload);
}

void Composer::mpls() {
  for (be32 lse : flow.mpls_lse) {
    out.u32(lse.host());
    if (lse.host() & kMplsBottom) break;
  }
  l3 = out.size();
}

void Composer::ipv4() {
  out.u8(0x45);
  out.u8(flow.nw_tos);
  out.zeros(4);  // length, id
  uint16_t fragment = 0;
  if (flow.nw_frag & kFragAny) fragment = 0x2000 | (flow.nw_frag & kFragLater ? kLaterOffset : 0);
  out.u16(fragment);
  out.u8(flow.nw_ttl);
  out.u8(flow.nw_proto);
  out.zeros(2);
  out.u32(flow.nw_src.host());
  out.u32(flow.nw_dst.host());
  transport(false);
}

void Composer::ipv6() {
  bool fragment = flow.nw_frag & kFragAny;
  out.u32(6u << 28 | uint32_t{flow.nw_tos} << 20 | (flow.ipv6_label.host() & 0xfffff));
  out.zeros(2);
  out.u8(fragment ? kProtoFragment : flow.nw_proto);
  out.u8(flow.nw_ttl);
  out.bytes(flow.ipv6_src.b.data(), 16);
  out.bytes(flow.ipv6_dst.b.data(), 16);
  if (fragment) {
    out.u8(flow.nw_proto);
    out.u8(0);
    out.u16((flow.nw_frag & kFragLater ? kLaterOffset << 3 : 0) | 1);
    out.zeros(4);
  }
  transport(true);
}

void Composer::arp() {
  for (uint16_t v : {uint16_t{1}, uint16_t{0x0800}, uint16_t{0x0604}}) out.u16(v);
  out.u16(flow.nw_proto);
  out.bytes(flow.arp_sha.b.data(), 6);
  out.u32(flow.nw_src.host());
  out.bytes(flow.arp_tha.b.data(), 6);
  out.u32(flow.nw_dst.host());
}

void Composer::transport(bool v6) {
  l4 = out.size();
  if (flow.nw_frag & kFragLater) return;
  switch (flow.nw_proto) {
    case kProtoTcp: {
      out.u16(flow.tp_src.host());
      out.u16(flow.tp_dst.host());
      out.zeros(8);
      out.u16(0x5000 | (flow.tcp_flags.host() & 0xfff));
      out.zeros(6);
      constexpr uint16_t kFinSynRst = 7;
      if (flow.tcp_flags.host() & kFinSynRst) return;  // such segments carry no data
      break;
    }
    case kProtoUdp:
      out.u16(flow.tp_src.host());
      out.u16(flow.tp_dst.host());
      out.zeros(4);
      break;
    case kProtoSctp:
      out.u16(flow.tp_src.host());
      out.u16(flow.tp_dst.host());
      out.zeros(8);
      return;
    case kProtoIcmp:
    case kProtoIgmp:
    case kProtoIcmpv6:
      if (v6 != (flow.nw_proto == kProtoIcmpv6)) return;
      out.u8(static_cast<uint8_t>(flow.tp_src.host()));
      out.u8(static_cast<uint8_t>(flow.tp_dst.host()));
      out.zeros(2);
      if (v6 && flow.tp_dst == be16(0) && (flow.tp_src == be16(135) || flow.tp_src == be16(136))) return neighbor();
      out.zeros(4);
      if (flow.nw_proto == kProtoIgmp || (v6 && flow.tp_src != be16(128) && flow.tp_src != be16(129))) return;  // data: echoes only
      break;
    default: return;
  }
  out.bytes(payload);
}

void Composer::neighbor() {
  out.u32(flow.nd_reserved.host());
  out.bytes(flow.nd_target.b.data(), 16);
  auto option = [&](uint8_t type, const MacAddr& mac) {
    if (mac.is_zero()) return;
    out.u8(type);
    out.u8(1);
    out.bytes(mac.b.data(), 6);
  };
  option(flow.nd_options_type == 2 ? 2 : 1, flow.nd_options_type == 2 ? flow.arp_tha : flow.arp_sha);
  option(flow.nd_options_type == 2 ? 1 : 2, flow.nd_options_type == 2 ? flow.arp_sha : flow.arp_tha);
}

/// Fills in what depends on the final size.
void finish(Packet& packet, const Flow& flow, size_t l3, size_t l4) {
  if (flow.is_arp() || !flow.is_ip()) return;
  uint8_t* ip = packet.data() + l3;
  packet.l3 = static_cast<uint16_t>(l3);
  packet.l4 = static_cast<uint16_t>(l4);
  auto length = static_cast<uint16_t>(packet.size() - l3);
  if (flow.eth_type == kEthIpv4) {
    store_be(ip + 2, length);
    write_ipv4_checksum(ip, 20);
  } else {
    store_be(ip + 4, static_cast<uint16_t>(length - 40));
  }
  if (flow.nw_frag & kFragLater) return;
  if (flow.nw_proto == kProtoUdp && packet.size() >= l4 + 8) store_be(packet.data() + l4 + 4, static_cast<uint16_t>(packet.size() - l4));
  write_l4_checksum(packet);
}

Packet build(const Flow& flow, ByteView payload, size_t size) {
  Composer c{flow, payload};
  if (flow.packet_type) c.network();
  else c.ethernet();
  if (size > c.bytes.size()) c.bytes.resize(std::min(size, size_t{65535}));
  Packet packet = Packet::from(c.bytes);
  finish(packet, flow, c.l3, c.l4);
  packet.l3 = packet.l4 = kNoOffset;
  copy_metadata(flow, packet);
  return packet;
}

constexpr auto kDefaultPayload = [] {
  std::array<uint8_t, kComposePayload> a{};
  for (size_t i = 0; i < a.size(); i++) a[i] = static_cast<uint8_t>(i);
  return a;
}();

}  // namespace

Packet compose(const Flow& flow, ByteView payload) { return build(flow, payload.first(std::min<size_t>(payload.size(), 65000)), 0); }
Packet compose(const Flow& flow, size_t size) { return build(flow, size ? ByteView{} : ByteView{kDefaultPayload}, size); }

}  // namespace sluice
