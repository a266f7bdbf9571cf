// SPDX-License-Identifier: Apache-2.0
// Address translation: choosing what a new connection's ends become, and rewriting packets of it, ICMP errors about it included.
#include <algorithm>

#include "datapath/checksum.h"
#include "datapath/edits.h"
#include "datapath/user/conntrack.h"
#include "datapath/user/hash.h"

namespace sluice {
namespace {

constexpr uint16_t kFirstEphemeral = 1024;

uint64_t low_half(const Ipv6Addr& a, bool ipv6) { return ipv6 ? load_be<uint64_t>(a.b.data() + 8) : load_be<uint32_t>(a.b.data()); }

/// The address `n` after the range's first.  Ranges are counted by their low 64 bits.
Ipv6Addr nth(const OdpNat& nat, uint64_t n) {
  Ipv6Addr a = nat.ip_min;
  if (nat.family == 4) store_be(a.b.data(), static_cast<uint32_t>(low_half(a, false) + n));
  else store_be(a.b.data() + 8, low_half(a, true) + n);
  return a;
}

uint64_t count(const OdpNat& nat) {
  uint64_t from = low_half(nat.ip_min, nat.family == 6), to = low_half(nat.ip_max, nat.family == 6);
  return to >= from ? to - from + 1 : 1;
}

FieldEdit addresses_of(const ConnKey& k) {
  FieldEdit set{.kind = k.ipv6 ? OdpSetKind::kIpv6 : OdpSetKind::kIpv4};
  if (k.ipv6) {
    set.value.ipv6_src = k.src, set.value.ipv6_dst = k.dst;
    set.mask.ipv6_src.b.fill(0xff), set.mask.ipv6_dst.b.fill(0xff);
  } else {
    std::memcpy(&set.value.nw_src, k.src.b.data(), 4);
    std::memcpy(&set.value.nw_dst, k.dst.b.data(), 4);
    set.mask.nw_src = set.mask.nw_dst = be32(UINT32_MAX);
  }
  return set;
}

void set_ports(Packet& p, const ConnKey& k) {
  auto kind = k.proto == kProtoTcp ? OdpSetKind::kTcp : k.proto == kProtoUdp ? OdpSetKind::kUdp : OdpSetKind::kSctp;
  FieldEdit set{.kind = kind};
  set.value.tp_src = k.src_port, set.value.tp_dst = k.dst_port;
  set.mask.tp_src = set.mask.tp_dst = be16(UINT16_MAX);
  set_fields(p, set);
}

void set_icmp_id(const L4& l4, be16 id) {
  uint8_t* at = l4.header + 4;
  size_t sum = l4_checksum_offset(l4.proto, l4.ipv6);
  if (!sum) return;
  store_be(l4.header + sum, checksum_update16(load_be<uint16_t>(l4.header + sum), load_be<uint16_t>(at), id.host()));
  std::memcpy(at, &id, 2);
}

/// The quoted packet of an ICMP error becomes what its sender sent: `k` is its key after that.
void set_quoted(const L4& l4, const ConnKey& k) {
  uint8_t* inner = l4.header + 8;
  size_t header = k.ipv6 ? 40 : (inner[0] & 0xf) * 4u;
  std::memcpy(inner + (k.ipv6 ? 8 : 12), k.src.b.data(), k.ipv6 ? 16 : 4);
  std::memcpy(inner + (k.ipv6 ? 24 : 16), k.dst.b.data(), k.ipv6 ? 16 : 4);
  if (!k.ipv6) write_ipv4_checksum(inner, header);
  if (k.proto == kProtoTcp || k.proto == kProtoUdp || k.proto == kProtoSctp) {
    std::memcpy(inner + header, &k.src_port, 2);
    std::memcpy(inner + header + 2, &k.dst_port, 2);
  }
}

}  // namespace

uint64_t Conntrack::random() {
  random_state_ ^= random_state_ >> 12;
  random_state_ ^= random_state_ << 25;
  random_state_ ^= random_state_ >> 27;
  return random_state_ * 0x2545f4914f6cdd1d;
}

bool Conntrack::is_free(const ConnKey& reply) {
  ConnKey bare = reply;
  bare.icmp_code = 0;
  return !shard(bare).contains(bare);
}

/// A port for the translated end of `reply`: its own if that may be and is free, else one of the range.
bool Conntrack::choose_port(ConnKey& reply, bool of_source, const OdpNat& nat, uint64_t start) {
  // The answers' destination is what the source becomes, and the other way round.
  be16& port = of_source ? reply.dst_port : reply.src_port;
  bool has_ports = reply.proto == kProtoTcp || reply.proto == kProtoUdp || reply.proto == kProtoSctp;
  if (is_icmp(reply) && of_source) {
    for (unsigned i = 0; i < kNatTries; i++) {
      if (is_free(reply)) return true;
      reply.src_port = reply.dst_port = be16(static_cast<uint16_t>(start + i));
    }
    return false;
  }
  if (!has_ports) return is_free(reply);
  uint16_t own = port.host(), low = nat.port_min ? nat.port_min : kFirstEphemeral, high = nat.port_min ? std::max(nat.port_max, low) : UINT16_MAX;
  if ((!nat.port_min || (own >= low && own <= high)) && is_free(reply)) return true;
  if (!nat.port_min && !of_source) return false;   // a server's port means something
  uint32_t n = high - low + 1u;
  for (uint32_t i = 0; i < std::min(n, uint32_t{kNatTries}); i++) {
    port = be16(static_cast<uint16_t>(low + (start + i) % n));
    if (is_free(reply)) return true;
  }
  port = be16(own);
  return false;
}

/// Sets what the connection's answers will be addressed to.  False: nothing is free.
bool Conntrack::choose_translation(TrackedConnection& c, const OdpNat& nat) {
  ConnKey known = c.orig;
  if (nat.persistent) known.dst = {}, known.dst_port = {}, known.src_port = {};   // the same client: the same address
  uint64_t hash = nat.random ? random() : hash_(known);
  uint64_t start = nat.random || nat.hash ? hash >> 32 : 0, addresses = nat.family ? count(nat) : 1;
  Ipv6Addr& ip = nat.src ? c.reply.dst : c.reply.src;
  const Ipv6Addr own = ip;
  bool keeps_address = !nat.family || nat.ip_min.is_zero();
  uint64_t tries = std::min<uint64_t>(addresses, kNatTries);
  for (uint64_t i = 0; i < tries; i++) {
    ip = keeps_address ? own : nth(nat, (hash + i) % addresses);
    if (!choose_port(c.reply, nat.src, nat, start)) continue;
    bool changed = c.reply != reverse(c.orig);
    c.src_nat = nat.src && changed;
    c.dst_nat = nat.dst && changed;
    return true;
  }
  return false;
}

uint8_t translate_packet(Packet& p, const TrackedPacket& t, const TrackedConnection& c, bool is_reply) {
  ConnKey becomes = reverse(is_reply ? c.orig : c.reply);
  uint8_t done = c.src_nat != is_reply ? kCtSnat : kCtDnat;
  if (!t.is_error) {
    set_fields(p, addresses_of(becomes));
    if (is_icmp(becomes)) set_icmp_id(find_l4(p), becomes.src_port);
    else if (becomes.src_port || becomes.dst_port) set_ports(p, becomes);
    return done;
  }
  // Its sender may be a router in between, which has no other name.
  Flow seen;
  extract(p, seen);
  Ipv6Addr sender = seen.ipv6_src;
  if (!becomes.ipv6) std::memcpy(sender.b.data(), &seen.nw_src, 4);
  if (sender != (is_reply ? c.reply : c.orig).src) becomes.src = sender;
  set_quoted(find_l4(p), is_reply ? c.orig : c.reply);
  set_fields(p, addresses_of(becomes));
  write_l4_checksum(p);
  return done;
}

}  // namespace sluice
