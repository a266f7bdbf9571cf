// SPDX-License-Identifier: Apache-2.0
// Tunnel ports in a translation: what a packet gets that goes into a tunnel, and what is looked at of one that came out of it.
#include <fmt/core.h>

#include "ofproto/translator.h"
#include "ofproto/tunnel.h"

namespace sluice {
namespace {

constexpr uint8_t kEcn = 3, kEcnCe = 3, kEcnCapable = 2;   // RFC 3168: 2 is ECT(0)

}  // namespace

/// False: the packet is dropped (RFC 6040 4.2).
bool Translator::receive_tunnel(const PortView& in) {
  FlowTunnel& m = out_.mask.tunnel;
  m.id = be64(UINT64_MAX);
  if (in.tunnel->remote.v6 || !flow_.tunnel.ipv6_dst.is_zero()) m.ipv6_src.b.fill(0xff), m.ipv6_dst.b.fill(0xff);
  else m.src = m.dst = be32(UINT32_MAX);
  m.tos = 0xff;
  m.dp_flags = be16(kTunnelDf | kTunnelCsum | kTunnelKey);
  effect(PatchTraffic{bridge_->id, in.ofport, true});
  if (!p_.is_ip()) return true;
  uint8_t inner = p_.get_bits<&Flow::nw_tos>(kEcn);
  if ((flow_.tunnel.tos & kEcn) != kEcnCe) return true;
  if (!inner) {
    warning("dropping tunnel packet marked ECN CE but is not ECN capable");
    return false;
  }
  flow_.nw_tos |= kEcnCe;
  return true;
}

/// What the packet's tunnel is to be; false: it can't go into this one.
bool Translator::enter_tunnel(const TunnelSettings& s) {
  FlowTunnel& t = flow_.tunnel;
  if (!s.remote.flow) {
    t.dst = s.remote.v6 ? be32() : s.remote.ip;
    t.ipv6_dst = s.remote.v6 ? s.remote.ip6 : Ipv6Addr{};
  } else {
    p_.mark<&Flow::tunnel>();
  }
  if (!t.is_present()) {
    warning("Tunneling decided against output");
    return false;
  }
  bool v6 = !t.ipv6_dst.is_zero();
  if (!s.local.flow) {
    t.src = v6 || s.local.v6 ? be32() : s.local.ip ? s.local.ip : t.src;
    t.ipv6_src = v6 ? (s.local.v6 ? s.local.ip6 : t.ipv6_src) : Ipv6Addr{};
  }
  if (s.sets_mark) flow_.pkt_mark = be32(s.egress_mark);
  if (!s.out_key.flow) t.id = be64(s.out_key.value);
  bool ip = p_.is_ip();
  t.ttl = s.ttl_inherit && ip ? p_.get<&Flow::nw_ttl>() : s.ttl;
  t.tos = s.tos_inherit && ip ? p_.get_bits<&Flow::nw_tos>(uint8_t{0xfc}) : s.tos;
  if (ip) {
    uint8_t ecn = p_.get_bits<&Flow::nw_tos>(kEcn);
    t.tos |= ecn == kEcnCe ? kEcnCapable : ecn;
  }
  t.dp_flags = be16((s.df ? kTunnelDf : 0) | (s.csum ? kTunnelCsum : 0) | (s.out_key.present ? kTunnelKey : 0));
  t.tp_src = be16();
  t.tp_dst = be16(s.dst_port);
  return true;
}

void Translator::commit_tunnel() {
  if (std::memcmp(&flow_.tunnel, &base_.tunnel, sizeof flow_.tunnel) == 0) return;
  OdpSet set{.kind = OdpSetKind::kTunnel};
  set.value.tunnel = flow_.tunnel;
  FlowTunnel& m = set.mask.tunnel;
  auto all = [](auto& member, bool on) { if (on) std::memset(static_cast<void*>(&member), 0xff, sizeof member); };
  const FlowTunnel& t = flow_.tunnel;
  all(m.id, (t.dp_flags.host() & kTunnelKey) != 0);
  all(m.src, static_cast<bool>(t.src)), all(m.dst, static_cast<bool>(t.dst));
  all(m.ipv6_src, !t.ipv6_src.is_zero()), all(m.ipv6_dst, !t.ipv6_dst.is_zero());
  all(m.tos, t.tos), all(m.ttl, true);
  all(m.tp_src, static_cast<bool>(t.tp_src)), all(m.tp_dst, static_cast<bool>(t.tp_dst));
  base_.tunnel = flow_.tunnel;
  emit({std::move(set)});
}

void Translator::send_tunnel(const PortView& port) {
  FlowTunnel outer = flow_.tunnel;
  be32 mark = flow_.pkt_mark;
  if (enter_tunnel(*port.tunnel)) {
    effect(PatchTraffic{bridge_->id, port.ofport, false});
    if (traced()) detail("output to kernel tunnel");
    commit();
    commit_tunnel();
    emit({OdpOutput{port.odp}});
  }
  flow_.tunnel = outer;
  flow_.pkt_mark = mark;
}

}  // namespace sluice
