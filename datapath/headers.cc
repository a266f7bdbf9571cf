// SPDX-License-Identifier: Apache-2.0
// Edits that add headers and take them away (edits.h): VLAN tags, MPLS labels, Ethernet, NSH.
#include <algorithm>

#include "datapath/checksum.h"
#include "datapath/edits.h"
#include "datapath/ethertype.h"
#include "datapath/nsh.h"

namespace sluice {
namespace {

constexpr size_t kEthernetBytes = 14, kTagBytes = 4, kLabelBytes = 4, kSnapBytes = 8;

/// Where the EtherType after all VLAN tags is, or 0 if the frame is cut before.
size_t ether_type_at(const Packet& p) {
  size_t at = 12;
  for (;; at += kTagBytes) {
    if (at + 2 > p.size()) return 0;
    if (!is_vlan_type(be16(load_be<uint16_t>(p.data() + at)))) return at;
  }
}

/// Opens a gap of n bytes at `at`, by moving what is before it.
uint8_t* insert_at(Packet& p, size_t at, size_t n) {
  uint8_t* data = p.push_front(n);
  std::memmove(data, data + n, at);
  return data + at;
}

void remove_at(Packet& p, size_t at, size_t n) {
  std::memmove(p.data() + n, p.data(), at);
  p.pull_front(n);
}

/// The layers that are seen from now on.
void find_layers(Packet& p) {
  Flow now_visible;
  extract(p, now_visible);
}

/// Of a packet that begins with labels or an NSH from now on: what is inside is not looked into.
void begin_with(Packet& p, uint32_t type, size_t l3) {
  p.packet_type = type;
  p.l3 = static_cast<uint16_t>(l3);
  p.l4 = kNoOffset;
}

/// Devices would not find what is left to them behind a header that they don't know.
void complete_before_hiding(Packet& p) {
  complete_checksum(p);
  p.offload = {};
}

}  // namespace

std::optional<HeaderPlace> network_header(const Packet& p) {
  if (p.packet_type != kPacketTypeEthernet) return p.packet_type >> 16 == 1 ? std::optional(HeaderPlace{be16(static_cast<uint16_t>(p.packet_type)), 0}) : std::nullopt;
  size_t at = ether_type_at(p);
  if (!at) return std::nullopt;
  return HeaderPlace{be16(load_be<uint16_t>(p.data() + at)), at + 2};
}

void push_vlan(Packet& p, be16 tpid, be16 tci) {
  if (p.packet_type != kPacketTypeEthernet || p.size() < kEthernetBytes) return;
  uint8_t* tag = insert_at(p, 12, kTagBytes);
  store_be(tag, tpid.host());
  store_be(tag + 2, static_cast<uint16_t>(tci.host() & ~kVlanPresent));
}

void pop_vlan(Packet& p) {
  if (p.packet_type != kPacketTypeEthernet || p.size() < kEthernetBytes + kTagBytes || !is_vlan_type(be16(load_be<uint16_t>(p.data() + 12)))) return;
  remove_at(p, 12, kTagBytes);
}

void push_mpls(Packet& p, be32 lse, be16 eth_type) {
  auto place = network_header(p);
  if (!place) return;
  uint8_t* label = insert_at(p, place->at, kLabelBytes);
  store_be(label, lse.host());
  if (p.packet_type == kPacketTypeEthernet) store_be(label - 2, eth_type.host());
  else p.packet_type = bare_packet_type(eth_type);
}

void pop_mpls(Packet& p, be16 eth_type) {
  auto place = network_header(p);
  if (!place || !is_mpls_type(place->type) || place->at + kLabelBytes > p.size()) return;
  if (p.packet_type == kPacketTypeEthernet) store_be(p.data() + place->at - 2, eth_type.host());
  else p.packet_type = eth_type == kEthTeb ? kPacketTypeEthernet : bare_packet_type(eth_type);
  remove_at(p, place->at, kLabelBytes);
  find_layers(p);
}

void add_mpls(Packet& p, const OdpAddMpls& add) {
  if (add.after_ethernet) return push_mpls(p, add.lse, add.eth_type);
  complete_before_hiding(p);
  bool is_first = add.lse.host() & kMplsBottom;
  store_be(p.push_front(kLabelBytes), add.lse.host());
  begin_with(p, bare_packet_type(add.eth_type), is_first || p.l3 == kNoOffset ? kLabelBytes : p.l3);
}

void push_eth(Packet& p, const OdpPushEth& push) {
  if (p.packet_type >> 16 != 1) return;
  uint8_t* header = p.push_front(kEthernetBytes);
  std::ranges::copy(push.dst.b, header);
  std::ranges::copy(push.src.b, header + 6);
  store_be(header + 12, static_cast<uint16_t>(p.packet_type));
  p.packet_type = kPacketTypeEthernet;
}

void pop_eth(Packet& p) {
  if (p.packet_type != kPacketTypeEthernet || p.size() < kEthernetBytes) return;
  auto type = load_be<uint16_t>(p.data() + 12);
  size_t header = kEthernetBytes;
  if (is_vlan_type(be16(type))) return;
  if (type < kLeastEtherType) {   // IEEE 802.2: extract() has seen a SNAP header, or there is no type
    if (p.size() < kEthernetBytes + kSnapBytes) return;
    header += kSnapBytes;
    type = load_be<uint16_t>(p.data() + header - 2);
  }
  p.pull_front(header);
  p.packet_type = bare_packet_type(be16(type));
}

void push_nsh(Packet& p, const OdpPushNsh& push) {
  complete_before_hiding(p);
  write_nsh(push, p.push_front(nsh_bytes(push)));
  begin_with(p, bare_packet_type(kEthNsh), 0);
}

void pop_nsh(Packet& p) {
  size_t n = p.packet_type == bare_packet_type(kEthNsh) ? nsh_bytes(p.view()) : 0;
  if (!n) return;
  p.packet_type = packet_type_after_nsh(p.data()[3]).value_or(kPacketTypeUnknown);
  p.pull_front(n);
  find_layers(p);
}

}  // namespace sluice
