// SPDX-License-Identifier: Apache-2.0
// From a frame to its key: one function a layer, each gets what is left of the frame and fills its fields only if the whole header is there and sane.
// The checks are those of Open vSwitch, so that the same frames match the same flows.
#include <algorithm>

#include "datapath/ethertype.h"
#include "datapath/geneve.h"
#include "datapath/l4.h"
#include "datapath/nsh.h"
#include "datapath/packet.h"

namespace sluice {
namespace {

constexpr size_t kMaxPadding = UINT16_MAX;

be16 get16(const uint8_t* p) { be16 v; std::memcpy(&v, p, 2); return v; }
be32 get32(const uint8_t* p) { be32 v; std::memcpy(&v, p, 4); return v; }

struct Parse {
  Packet& packet;
  Flow& flow;
  const uint8_t* at;
  size_t left;

  void skip(size_t n) { at += n; left -= n; }
  uint16_t offset() const { return static_cast<uint16_t>(std::min<size_t>(static_cast<size_t>(at - packet.data()), kNoOffset)); }

  void ethernet(unsigned vlan_limit);
  void bare(uint32_t packet_type);
  void network();
  void vlans(unsigned limit);
  be16 ether_type();
  void mpls();
  void ipv4();
  void ipv6();
  bool ipv6_extensions(uint8_t& next);
  void arp();
  void l4(uint8_t proto, bool v6);
  void icmpv6();
  void neighbor_options();
};

void Parse::ethernet(unsigned vlan_limit) {
  if (left < 14) return;
  std::memcpy(flow.eth_dst.b.data(), at, 6);
  std::memcpy(flow.eth_src.b.data(), at + 6, 6);
  skip(12);
  vlans(vlan_limit);
  flow.eth_type = ether_type();
  network();
}

/// A packet without an Ethernet header, whose type is known otherwise.
void Parse::bare(uint32_t packet_type) {
  flow.packet_type = be32(packet_type);
  if (packet_type >> 16 != 1) return;
  flow.eth_type = be16(static_cast<uint16_t>(packet_type));
  network();
}

inline void Parse::network() {
  packet.l3 = offset();
  if (flow.is_mpls()) mpls();
  else if (flow.eth_type == kEthIpv4) ipv4();
  else if (flow.eth_type == kEthIpv6) ipv6();
  else if (flow.is_arp()) arp();
  else if (flow.eth_type == kEthNsh && nsh_bytes({at, left})) read_nsh(at, flow);
}

void Parse::vlans(unsigned limit) {
  for (unsigned i = 0; i < limit && left >= 6; i++) {
    be16 tpid = get16(at);
    if (!is_vlan_type(tpid)) return;
    be16 tci = get16(at + 2) | be16(kVlanPresent);
    if (i == 0) flow.vlan_tpid = tpid, flow.vlan_tci = tci;
    else flow.vlan2_tpid = tpid, flow.vlan2_tci = tci;
    skip(4);
  }
}

/// The type of what follows, after the LLC and SNAP headers if they are there (IEEE 802.2, RFC 1042).
be16 Parse::ether_type() {
  be16 type = get16(at);
  skip(2);
  if (type.host() >= kLeastEtherType) return type;
  static constexpr uint8_t kSnap[6] = {0xaa, 0xaa, 3, 0, 0, 0};
  if (left < 8 || std::memcmp(at, kSnap, sizeof kSnap) != 0) return be16(kEthTypeNone);
  type = get16(at + 6);
  skip(8);
  return type.host() >= kLeastEtherType ? type : be16(kEthTypeNone);
}

void Parse::mpls() {
  for (unsigned i = 0; left >= 4; i++) {
    be32 lse = get32(at);
    if (i < kMplsLabels) flow.mpls_lse[i] = lse;
    skip(4);
    packet.l3 = offset();
    if (lse.host() & kMplsBottom) return;
  }
}

void Parse::ipv4() {
  if (left < 20) return;
  size_t header = (at[0] & 0xf) * 4u;
  size_t total = load_be<uint16_t>(at + 2);
  if (header < 20 || header > total || total > left || left - total > kMaxPadding) return;
  left = total;
  flow.nw_src = get32(at + 12);
  flow.nw_dst = get32(at + 16);
  flow.nw_proto = at[9];
  flow.nw_tos = at[1];
  flow.nw_ttl = at[8];
  uint16_t fragment = load_be<uint16_t>(at + 6) & 0x3fff;
  if (fragment) flow.nw_frag = fragment & 0x1fff ? kFragAny | kFragLater : kFragAny;
  skip(header);
  if (!(flow.nw_frag & kFragLater)) l4(flow.nw_proto, false);
}

void Parse::ipv6() {
  if (left < 40) return;
  size_t payload = load_be<uint16_t>(at + 4);
  if (payload > left - 40 || left - 40 - payload > kMaxPadding) return;
  const uint8_t* header = at;
  std::memcpy(flow.ipv6_src.b.data(), header + 8, 16);
  std::memcpy(flow.ipv6_dst.b.data(), header + 24, 16);
  left = payload + 40;
  skip(40);
  uint8_t next = header[6];
  if (!ipv6_extensions(next)) return;
  uint32_t word = load_be<uint32_t>(header);
  flow.ipv6_label = be32(word & 0xfffff);
  flow.nw_tos = static_cast<uint8_t>(word >> 20);
  flow.nw_ttl = header[7];
  flow.nw_proto = next;
  if (!(flow.nw_frag & kFragLater)) l4(next, true);
}

/// OFPIEH bits (OF1.3.5 7.2.3.8) and the place of each header in the order that RFC 8200 4.1 recommends.
struct ExtensionKind { uint8_t next; uint16_t bit; uint8_t rank; };
constexpr ExtensionKind kExtensions[] = {{0, 64, 1}, {60, 8, 2}, {43, 32, 3}, {44, 16, 4}, {51, 4, 5}, {50, 2, 6}, {59, 1, 9}};

class ExtensionBits {
 public:
  void saw(uint8_t next) {
    for (const ExtensionKind& k : kExtensions) {
      if (k.next != next) continue;
      if (next == 60) {  // destination options may come twice, at two places
        if (++destinations_ > 2) bits_ |= 128;
      } else {
        if (bits_ & k.bit) bits_ |= 128;
        if (k.rank < rank_) bits_ |= 256;
        rank_ = k.rank;
      }
      bits_ |= k.bit;
    }
  }
  uint16_t bits() const { return bits_; }

 private:
  uint16_t bits_ = 0;
  uint8_t rank_ = 0;
  unsigned destinations_ = 0;
};

/// Walks to the first header that is none of the extensions; false if one is cut.
bool Parse::ipv6_extensions(uint8_t& next) {
  ExtensionBits seen;
  for (;;) {
    seen.saw(next);
    flow.ipv6_exthdr = be16(seen.bits());
    bool options = next == 0 || next == 43 || next == 60, ah = next == 51;
    if (!options && !ah && next != kProtoFragment) return true;
    if (left < 8) return false;
    uint8_t following = at[0];
    size_t length = options ? (at[1] + 1u) * 8 : ah ? (at[1] + 2u) * 4 : 8;
    if (length > left) return false;
    if (next == kProtoFragment) {
      uint16_t fragment = load_be<uint16_t>(at + 2) & 0xfff9;  // offset and M
      if (fragment & 0xfff8) {
        flow.nw_frag = kFragAny | kFragLater;
        skip(length);
        return true;  // nw_proto of a later fragment is that of the fragment header
      }
      if (fragment) flow.nw_frag = kFragAny;
    }
    next = following;
    skip(length);
  }
}

void Parse::arp() {
  // Ethernet and IPv4 only: htype 1, ptype 0x0800, hlen 6, plen 4.
  static constexpr uint8_t kKind[6] = {0, 1, 8, 0, 6, 4};
  if (left < 28 || std::memcmp(at, kKind, sizeof kKind) != 0) return;
  if (at[6] == 0) flow.nw_proto = at[7];
  std::memcpy(flow.arp_sha.b.data(), at + 8, 6);
  flow.nw_src = get32(at + 14);
  std::memcpy(flow.arp_tha.b.data(), at + 18, 6);
  flow.nw_dst = get32(at + 24);
}

void Parse::l4(uint8_t proto, bool v6) {
  size_t needed = proto == kProtoTcp ? 20 : proto == kProtoSctp ? 12 : 8;
  bool known = proto == kProtoTcp || proto == kProtoUdp || proto == kProtoSctp || (v6 ? proto == kProtoIcmpv6 : proto == kProtoIcmp || proto == kProtoIgmp);
  if (!known) {
    packet.l4 = offset();
    return;
  }
  if (left < needed) return;
  packet.l4 = offset();
  if (proto == kProtoIcmpv6) return icmpv6();
  if (proto == kProtoIcmp || proto == kProtoIgmp) {
    flow.tp_src = be16(at[0]);
    flow.tp_dst = be16(at[1]);
    return;
  }
  flow.tp_src = get16(at);
  flow.tp_dst = get16(at + 2);
  if (proto == kProtoTcp) flow.tcp_flags = get16(at + 12) & be16(0x0fff);
}

void Parse::icmpv6() {
  uint8_t type = at[0], code = at[1];
  flow.tp_src = be16(type);
  flow.tp_dst = be16(code);
  if (code || (type != 135 && type != 136)) return;  // neighbour solicitation, advertisement (RFC 4861)
  flow.nd_reserved = get32(at + 4);
  skip(8);
  if (left < 16) return;
  std::memcpy(flow.nd_target.b.data(), at, 16);
  skip(16);
  neighbor_options();
}

/// The link-layer addresses; a second option of the same type makes the message invalid as a whole.
void Parse::neighbor_options() {
  while (left >= 8) {
    uint8_t type = at[0];
    size_t length = at[1] * 8u;
    if (!length || length > left) return;
    if ((type == 1 || type == 2) && length == 8) {
      MacAddr& mac = type == 1 ? flow.arp_sha : flow.arp_tha;
      if (!mac.is_zero()) {
        flow.nd_target = {};
        flow.arp_sha = flow.arp_tha = {};
        return;
      }
      std::memcpy(mac.b.data(), at + 2, 6);
      if (!flow.nd_options_type) flow.nd_options_type = type;
    }
    skip(length);
  }
}

void put_ct_tuple(const CtTuple& t, Flow& flow) {
  if (t.ipv6) {
    flow.ct_ipv6_src = t.src;
    flow.ct_ipv6_dst = t.dst;
  } else {
    std::memcpy(&flow.ct_nw_src, t.src.b.data(), 4);
    std::memcpy(&flow.ct_nw_dst, t.dst.b.data(), 4);
  }
  flow.ct_nw_proto = t.proto;
  flow.ct_tp_src = t.tp_src;
  flow.ct_tp_dst = t.tp_dst;
}

CtTuple get_ct_tuple(const Flow& flow) {
  CtTuple t{.src = flow.ct_ipv6_src, .dst = flow.ct_ipv6_dst, .tp_src = flow.ct_tp_src, .tp_dst = flow.ct_tp_dst, .proto = flow.ct_nw_proto, .ipv6 = true};
  if (t.src.is_zero() && t.dst.is_zero()) {
    t.ipv6 = false;
    std::memcpy(t.src.b.data(), &flow.ct_nw_src, 4);
    std::memcpy(t.dst.b.data(), &flow.ct_nw_dst, 4);
  }
  return t;
}

}  // namespace

std::unique_ptr<PacketTunnel> tunnel_of(const Flow& key) {
  ByteView options = geneve_options(key);
  return std::make_unique<PacketTunnel>(PacketTunnel{key.tunnel, {options.begin(), options.end()}});
}

void copy_metadata(const Packet& packet, Flow& flow) {
  flow.in_port = be32(packet.in_port.value);
  flow.recirc_id = be32(packet.recirc_id);
  flow.dp_hash = be32(packet.dp_hash);
  flow.pkt_mark = be32(packet.pkt_mark);
  flow.skb_priority = be32(packet.skb_priority);
  flow.ct_state = packet.ct_state;
  flow.ct_zone = be16(packet.ct_zone);
  flow.ct_mark = be32(packet.ct_mark);
  std::memcpy(flow.ct_label, packet.ct_label.data(), sizeof flow.ct_label);
  if (packet.has_ct_tuple) put_ct_tuple(packet.ct_tuple, flow);
  if (!packet.tunnel) return;
  flow.tunnel = *packet.tunnel;
  if (!packet.tunnel->options.empty()) set_geneve_options(flow, packet.tunnel->options);
}

void copy_metadata(const Flow& flow, Packet& packet) {
  packet.in_port = OdpPort{flow.in_port.host()};
  packet.packet_type = flow.packet_type.host();
  packet.recirc_id = flow.recirc_id.host();
  packet.dp_hash = flow.dp_hash.host();
  packet.pkt_mark = flow.pkt_mark.host();
  packet.skb_priority = flow.skb_priority.host();
  packet.ct_state = flow.ct_state;
  packet.ct_zone = flow.ct_zone.host();
  packet.ct_mark = flow.ct_mark.host();
  std::memcpy(packet.ct_label.data(), flow.ct_label, sizeof flow.ct_label);
  packet.has_ct_tuple = flow.ct_nw_proto != 0;
  if (packet.has_ct_tuple) packet.ct_tuple = get_ct_tuple(flow);
  if (flow.tunnel.src || flow.tunnel.dst || !flow.tunnel.ipv6_dst.is_zero()) packet.tunnel = tunnel_of(flow);
}

void extract(Packet& packet, Flow& flow, unsigned vlan_limit) {
  std::memset(static_cast<void*>(&flow), 0, sizeof flow);
  packet.l3 = packet.l4 = kNoOffset;
  copy_metadata(packet, flow);
  Parse parse{packet, flow, packet.data(), packet.size()};
  if (packet.packet_type != kPacketTypeEthernet) [[unlikely]] parse.bare(packet.packet_type);
  else parse.ethernet(vlan_limit);
}

L4 find_l4(Packet& packet) {
  L4 found;
  if (packet.l3 == kNoOffset || packet.l4 == kNoOffset || packet.l4 <= packet.l3 || packet.l4 > packet.size()) return found;
  uint8_t* ip = packet.data() + packet.l3;
  size_t left = packet.size() - packet.l3, header = packet.l4 - packet.l3, total = 0;
  if (ip[0] >> 4 == 4 && left >= 20) {
    total = load_be<uint16_t>(ip + 2);
    found.addresses = {ip + 12, 8};
    found.proto = ip[9];
  } else if (ip[0] >> 4 == 6 && left >= 40) {
    total = load_be<uint16_t>(ip + 4) + 40u;
    found.addresses = {ip + 8, 32};
    found.ipv6 = true;
    // The protocol is in the last extension header: walk again.
    uint8_t next = ip[6];
    for (size_t at = 40; at < header && at + 8 <= left;) {
      size_t length = next == kProtoFragment ? 8 : next == 51 ? (ip[at + 1] + 2u) * 4 : (ip[at + 1] + 1u) * 8;
      next = ip[at];
      at += length;
    }
    found.proto = next;
  }
  if (total > left || total <= header) return L4{};
  found.header = packet.data() + packet.l4;
  found.length = total - header;
  return found;
}

}  // namespace sluice
