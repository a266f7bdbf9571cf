// SPDX-License-Identifier: Apache-2.0
// Text of packet-ins, packet-outs, and of the frames in them.
#include "datapath/ethertype.h"
#include "datapath/nsh.h"
#include "datapath/packet.h"
#include "lib/text.h"
#include "ofproto/openflow/text_body.h"

namespace sluice::ofp {
namespace {

constexpr uint16_t kIp = 0x0800, kIpv6 = 0x86dd;
constexpr uint8_t kIcmp = 1, kTcp = 6, kUdp = 17, kIcmp6 = 58, kSctp = 132;

template <typename T>
void fill(T& member) { std::memset(static_cast<void*>(&member), 0xff, sizeof member); }

/// Mask of the fields that a frame of this kind has.
void mask_l3(const Flow& f, Flow& m) {
  if (f.eth_type == be16(kIp)) {
    fill(m.nw_src);
    fill(m.nw_dst);
  } else if (f.eth_type == be16(kIpv6)) {
    fill(m.ipv6_src);
    fill(m.ipv6_dst);
    m.ipv6_label = be32(0xfffff);
  } else if (f.is_arp()) {
    fill(m.nw_src);
    fill(m.nw_dst);
    fill(m.nw_proto);
    fill(m.arp_sha);
    fill(m.arp_tha);
    return;
  } else if (f.is_mpls()) {
    for (unsigned i = 0; i < kMplsLabels && f.mpls_lse[i]; i++) fill(m.mpls_lse[i]);
    return;
  } else if (f.eth_type == kEthNsh) {
    fill(m.nsh_flags);
    fill(m.nsh_ttl);
    fill(m.nsh_mdtype);
    fill(m.nsh_np);
    fill(m.nsh_path);
    if (f.nsh_mdtype == kNshMd1) fill(m.nsh_context);
  } else {
    return;
  }
  fill(m.nw_proto);
  fill(m.nw_tos);
  fill(m.nw_ttl);
  m.nw_frag = kFragAny | kFragLater;
}

void mask_l4(const Flow& f, Flow& m) {
  if (!f.is_ip() || (f.nw_frag & kFragLater)) return;
  bool v6 = f.eth_type == be16(kIpv6);
  switch (f.nw_proto) {
    case kTcp: m.tcp_flags = be16(0xfff); [[fallthrough]];
    case kUdp:
    case kSctp: break;
    case kIcmp: if (v6) return; break;
    case kIcmp6: if (!v6) return; break;
    default: return;
  }
  fill(m.tp_src);
  fill(m.tp_dst);
  bool nd = v6 && f.nw_proto == kIcmp6 && (f.tp_src == be16(135) || f.tp_src == be16(136));
  if (!nd) return;
  fill(m.nd_target);
  if (f.tp_src == be16(135)) fill(m.arp_sha);
  else fill(m.arp_tha);
}

Match packet_match(const Flow& f) {
  Match m;
  m.value = f;
  fill(m.mask.packet_type);
  if (f.packet_type == be32(0)) {
    fill(m.mask.eth_src);
    fill(m.mask.eth_dst);
    fill(m.mask.vlan_tci);
    if (f.vlan_tci) fill(m.mask.vlan2_tci);
    fill(m.mask.eth_type);
  }
  mask_l3(f, m.mask);
  mask_l4(f, m.mask);
  mask_flow(m.value, m.mask);
  return m;
}

void add_checksum(std::string& out, const Packet& p, const Flow& f) {
  struct Kind { uint8_t proto; std::string_view name; size_t offset, bytes; };
  constexpr Kind kKinds[] = {{kTcp, "tcp", 16, 2}, {kUdp, "udp", 6, 2}, {kSctp, "sctp", 8, 4}, {kIcmp, "icmp", 2, 2}, {kIcmp6, "icmp6", 2, 2}};
  if (!f.is_ip() || p.l4 == kNoOffset || (f.nw_frag & kFragLater)) return;
  for (const Kind& k : kKinds) {
    if (k.proto != f.nw_proto || p.l4 + k.offset + k.bytes > p.size()) continue;
    const uint8_t* at = p.data() + p.l4 + k.offset;
    append(out, " {}_csum:{:x}", k.name, k.bytes == 2 ? load_be<uint16_t>(at) : load_be<uint32_t>(at));
  }
}

/// What parsing finds in the packet, without a line's end.
std::string format_key(const PrintOptions& options, OfpPort in_port, Packet& p, Flow& f) {
  extract(p, f);
  f.in_port = be32(in_port.value);
  std::string out;
  format_match(packet_match(f), out, options.names.ports, options.names.tlv);
  return out;
}

/// metadata: of the message, which says what is no Ethernet frame.
void add_packet(std::string& out, const TextContext& ctx, ByteView frame, const Match& metadata) {
  if (ctx.options.verbosity < 0) return;
  out += format_packet(frame, ctx.options, metadata.value.packet_type.host());
  constexpr int kDumpVerbosity = 3;
  if (ctx.options.verbosity >= kDumpVerbosity) out += plain_hex_dump(frame);
}

}  // namespace

std::string format_packet(ByteView frame, const PrintOptions& options, uint32_t packet_type) {
  Packet p = Packet::from(frame);
  p.packet_type = packet_type;
  Flow f{};
  std::string out = format_key(options, OfpPort{}, p, f);
  add_checksum(out, p, f);
  out += '\n';
  return out;
}

std::string format_frame(ByteView frame, const PrintOptions& options) {
  Packet p = Packet::from(frame);
  Flow f{};
  return format_key(options, OFPP_NONE, p, f);
}

void format_body(std::string& out, const TextContext& ctx, const PacketIn& m) {
  bool is_said = m.table_id != kTableAll || (ctx.type() == MessageType::OFPT_PACKET_IN && ctx.version() > Version::k10);
  if (m.table_id && is_said) append(out, " table_id={}", m.table_id);
  if (m.cookie != kNoCookie) append(out, " cookie=0x{:x}", m.cookie);
  append(out, " total_len={} ", m.total_len);
  add_match(out, ctx, m.metadata);
  append(out, " (via {}) data_len={}", packet_in_reason_name(m.reason), m.data.size());
  if (m.buffer_id == kNoBuffer) {
    out += " (unbuffered)";
    if (m.total_len != m.data.size()) out += " (***total_len != data_len***)";
  } else {
    append(out, " buffer=0x{:08x}", m.buffer_id);
    if (m.total_len < m.data.size()) out += " (***total_len < data_len***)";
  }
  out += '\n';
  if (!m.userdata.empty()) {
    out += " userdata=";
    out += hex(m.userdata, ".");
    out += '\n';
  }
  if (!m.data.empty()) add_packet(out, ctx, m.data, m.metadata);
}

void format_body(std::string& out, const TextContext& ctx, const PacketOut& m) {
  out += ' ';
  add_match(out, ctx, m.metadata);
  out += " actions=";
  format_actions(m.actions, out, ctx.names());
  if (m.buffer_id != kNoBuffer) {
    append(out, " buffer=0x{:08x}", m.buffer_id);
    return;
  }
  append(out, " data_len={}", m.data.size());
  if (m.data.empty()) return;
  out += '\n';
  add_packet(out, ctx, m.data, m.metadata);
}

}  // namespace sluice::ofp
