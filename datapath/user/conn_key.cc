// SPDX-License-Identifier: Apache-2.0
// See conn_key.h.  What is checked here is bytes from outside: lengths, checksums, headers inside of ICMP errors.
#include "datapath/user/conn_key.h"

#include <utility>

#include "datapath/checksum.h"
#include "datapath/ethertype.h"

namespace sluice {
namespace {

constexpr uint8_t kIcmpAnswers[][2] = {{8, 0}, {13, 14}, {15, 16}, {17, 18}};   // request, answer (RFC 792, 950)
constexpr uint8_t kIcmp6Answers[][2] = {{128, 129}};

template <size_t N>
std::optional<uint8_t> answer_of(const uint8_t (&pairs)[N][2], uint8_t type) {
  for (auto& p : pairs) {
    if (p[0] == type) return p[1];
    if (p[1] == type) return p[0];
  }
  return std::nullopt;
}
std::optional<uint8_t> answer_of(uint8_t proto, uint8_t type) { return proto == kProtoIcmp ? answer_of(kIcmpAnswers, type) : answer_of(kIcmp6Answers, type); }

bool is_icmp_error(uint8_t proto, uint8_t type) {
  return proto == kProtoIcmp ? type == 3 || type == 4 || type == 5 || type == 11 || type == 12 : type >= 1 && type <= 4;
}

/// Fills ports of a header of which at least 8 bytes are there.
bool read_ports(ByteView l4, ConnKey& k) {
  if (k.proto == kProtoTcp || k.proto == kProtoUdp || k.proto == kProtoSctp) {
    if (l4.size() < 8) return false;
    std::memcpy(&k.src_port, l4.data(), 2);
    std::memcpy(&k.dst_port, l4.data() + 2, 2);
    return k.src_port && k.dst_port;
  }
  if (!is_icmp(k)) return true;
  if (l4.size() < 8) return false;
  k.icmp_type = l4[0];
  k.icmp_code = l4[1];
  if (!answer_of(k.proto, k.icmp_type)) return false;
  std::memcpy(&k.src_port, l4.data() + 4, 2);
  k.dst_port = k.src_port;
  return true;
}

/// The packet that an ICMP error quotes.
bool read_quoted(ByteView inner, ConnKey& k) {
  k = {.zone = k.zone, .ipv6 = k.ipv6};
  size_t header;
  if (!k.ipv6) {
    if (inner.size() < 20 || inner[0] >> 4 != 4) return false;
    header = (inner[0] & 0xf) * 4u;
    if (header < 20 || load_be<uint16_t>(inner.data() + 6) & 0x1fff) return false;
    k.proto = inner[9];
    std::memcpy(k.src.b.data(), inner.data() + 12, 4);
    std::memcpy(k.dst.b.data(), inner.data() + 16, 4);
  } else {
    if (inner.size() < 40 || inner[0] >> 4 != 6) return false;
    header = 40;
    k.proto = inner[6];
    std::memcpy(k.src.b.data(), inner.data() + 8, 16);
    std::memcpy(k.dst.b.data(), inner.data() + 24, 16);
  }
  return header <= inner.size() && read_ports(inner.subspan(header), k);
}

bool checksum_is_right(const Packet& p, const L4& l4) {
  if (p.offload.needs_csum || p.offload.csum_valid) return true;
  size_t at = l4_checksum_offset(l4.proto, l4.ipv6);
  if (!at || l4.proto == kProtoIgmp) return true;
  if (at + 2 > l4.length) return false;
  if (l4.proto == kProtoUdp && !l4.ipv6 && load_be<uint16_t>(l4.header + at) == 0) return true;
  uint32_t sum = l4.proto == kProtoIcmp ? 0 : pseudo_header_sum(l4.addresses, l4.proto, static_cast<uint32_t>(l4.length));
  return checksum_fold(checksum_add(sum, {l4.header, l4.length})) == 0;
}

/// Among the extension headers of an IPv6 packet (RFC 8200 4).
bool has_fragment_header(ByteView ip) {
  constexpr uint8_t kHopByHop = 0, kRouting = 43, kDestination = 60;
  uint8_t next = ip[6];
  for (size_t at = 40; at + 8 <= ip.size();) {
    if (next == kProtoFragment) return true;
    if (next != kHopByHop && next != kRouting && next != kDestination) return false;
    next = ip[at];
    at += (ip[at + 1] + 1u) * 8;
  }
  return next == kProtoFragment;
}

}  // namespace

ConnKey reverse(const ConnKey& key) {
  ConnKey r = key;
  std::swap(r.src, r.dst);
  std::swap(r.src_port, r.dst_port);
  if (is_icmp(key)) r.icmp_type = answer_of(key.proto, key.icmp_type).value_or(key.icmp_type);
  return r;
}

CtTuple tuple_of(const ConnKey& k) {
  CtTuple t{.src = k.src, .dst = k.dst, .tp_src = k.src_port, .tp_dst = k.dst_port, .proto = k.proto, .ipv6 = k.ipv6};
  if (is_icmp(k)) t.tp_src = be16(k.icmp_type), t.tp_dst = be16(k.icmp_code);
  return t;
}

Untrackable read_conn_key(Packet& p, uint16_t zone, TrackedPacket& out) {
  ConnKey& k = out.key;
  k = {.zone = zone};
  if (p.l3 == kNoOffset || p.l3 + 20u > p.size()) return Untrackable::kInvalid;
  const uint8_t* ip = p.data() + p.l3;
  k.ipv6 = ip[0] >> 4 == 6;
  if (!k.ipv6) {
    if (load_be<uint16_t>(ip + 6) & 0x3fff) return Untrackable::kFragment;
    size_t header = (ip[0] & 0xf) * 4u;
    if (ip[0] >> 4 != 4 || p.l3 + header > p.size() || checksum({ip, header}) != 0) return Untrackable::kInvalid;
    k.proto = ip[9];
    std::memcpy(k.src.b.data(), ip + 12, 4);
    std::memcpy(k.dst.b.data(), ip + 16, 4);
  } else {
    if (p.l3 + 40u > p.size()) return Untrackable::kInvalid;
    std::memcpy(k.src.b.data(), ip + 8, 16);
    std::memcpy(k.dst.b.data(), ip + 24, 16);
  }
  out.l4 = find_l4(p);
  if (k.ipv6) {
    if (has_fragment_header({ip, p.size() - p.l3})) return Untrackable::kFragment;
    k.proto = out.l4.length ? out.l4.proto : ip[6];
  }
  bool has_header = k.proto == kProtoTcp || k.proto == kProtoUdp || k.proto == kProtoSctp || k.proto == (k.ipv6 ? kProtoIcmpv6 : kProtoIcmp);
  if (!has_header) return Untrackable::kNo;   // known by its addresses
  if (out.l4.length < 8 || !checksum_is_right(p, out.l4)) return Untrackable::kInvalid;
  ByteView l4{out.l4.header, out.l4.length};
  if (is_icmp(k) && is_icmp_error(k.proto, l4[0])) {
    out.is_error = true;
    if (!read_quoted(l4.subspan(8), k)) return Untrackable::kInvalid;
    k = reverse(k);
    return Untrackable::kNo;
  }
  return read_ports(l4, k) ? Untrackable::kNo : Untrackable::kInvalid;
}

}  // namespace sluice
