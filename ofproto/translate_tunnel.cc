// SPDX-License-Identifier: Apache-2.0
// Tunnel ports in a translation: what a packet gets that goes into a tunnel, and what is looked at of one that came out of it.
#include <fmt/core.h>

#include "datapath/odp_fields.h"
#include "ofproto/translator.h"
#include "ofproto/tunnel.h"
#include "ofproto/tunnel_options.h"

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
  if ((flow_.tunnel.tos & kEcn) != kEcnCe || !p_.is_ip()) return true;
  uint8_t inner = p_.get_bits<&Flow::nw_tos>(kEcn);
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
    t.src = v6 || s.local.v6 ? be32() : s.local.ip;
    t.ipv6_src = v6 && s.local.v6 ? s.local.ip6 : Ipv6Addr{};
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
  enter_kind(s, t);
  return true;
}

/// What the tunnel's own kind of header says, and nothing of another's.
void Translator::enter_kind(const TunnelSettings& s, FlowTunnel& t) {
  if (s.gbp || (is_erspan(s.kind) && !s.erspan.is_fixed())) p_.mark<&Flow::tunnel>();
  if (s.gbp) t.dp_flags |= be16(kTunnelGbp);
  else t.gbp_id = {}, t.gbp_flags = 0;
  if (!is_erspan(s.kind)) {
    t.erspan_ver = t.erspan_dir = t.erspan_hwid = 0;
    t.erspan_idx = {};
    return;
  }
  t.erspan_ver = s.erspan.version.value_or(t.erspan_ver);
  t.erspan_idx = t.erspan_ver == 1 ? be32(s.erspan.index.value_or(t.erspan_idx.host())) : be32();
  t.erspan_dir = t.erspan_ver == 2 ? s.erspan.direction.value_or(t.erspan_dir) : uint8_t{0};
  t.erspan_hwid = t.erspan_ver == 2 ? s.erspan.hardware.value_or(t.erspan_hwid) : uint8_t{0};
}

/// base_ has its options as the datapath has them: they may come from several bridges.
void Translator::commit_tunnel(const TunnelSettings& to) {
  Flow value{}, mask{};
  value.tunnel = flow_.tunnel;
  if (to.kind == TunnelKind::kGeneve && flow_.tun_present) {
    value.tun_present = flow_.tun_present;
    std::memcpy(value.tun_metadata, flow_.tun_metadata, sizeof flow_.tun_metadata);
    fields_to_options(value, bridge_->tlv);
    mask.tun_present = be64(UINT64_MAX);
    std::memset(mask.tun_metadata, 0xff, geneve_options(value).size());
  }
  bool same_options = value.tun_present == base_.tun_present && std::memcmp(value.tun_metadata, base_.tun_metadata, sizeof base_.tun_metadata) == 0;
  if (same_options && std::memcmp(&flow_.tunnel, &base_.tunnel, sizeof flow_.tunnel) == 0) return;
  FlowTunnel& m = mask.tunnel;
  auto all = [](auto& member, bool on) { if (on) std::memset(static_cast<void*>(&member), 0xff, sizeof member); };
  const FlowTunnel& t = flow_.tunnel;
  all(m.id, (t.dp_flags.host() & kTunnelKey) != 0);
  all(m.src, static_cast<bool>(t.src)), all(m.dst, static_cast<bool>(t.dst));
  all(m.ipv6_src, !t.ipv6_src.is_zero()), all(m.ipv6_dst, !t.ipv6_dst.is_zero());
  all(m.tos, t.tos), all(m.ttl, true);
  all(m.tp_src, static_cast<bool>(t.tp_src)), all(m.tp_dst, static_cast<bool>(t.tp_dst));
  all(m.gbp_id, (t.dp_flags.host() & kTunnelGbp) != 0), all(m.gbp_flags, (t.dp_flags.host() & kTunnelGbp) != 0);
  all(m.erspan_ver, t.erspan_ver), all(m.erspan_idx, t.erspan_ver == 1), all(m.erspan_dir, t.erspan_ver == 2), all(m.erspan_hwid, t.erspan_ver == 2);
  base_.tunnel = flow_.tunnel;
  base_.tun_present = value.tun_present;
  std::memcpy(base_.tun_metadata, value.tun_metadata, sizeof base_.tun_metadata);
  emit({OdpSet{OdpSetKind::kTunnel, {value, mask}}});
}

/// The packet goes with the options that it has; false: they are too many.
bool Translator::take_options(const TunnelSettings& to) {
  if (to.kind != TunnelKind::kGeneve || !flow_.tun_present) return true;
  for (int i = 0; i < static_cast<int>(ofp::TlvTable::kFields); i++)
    if (flow_.tun_present & be64(uint64_t{1} << i)) p_.mark(ofp::FieldId::kTunMetadata0 + i);
  Flow key{};
  key.tun_present = flow_.tun_present;
  return fields_to_options(key, bridge_->tlv);
}

void Translator::send_tunnel(const PortView& port) {
  FlowTunnel outer = flow_.tunnel;
  be32 mark = flow_.pkt_mark;
  if (!take_options(*port.tunnel)) {
    warning("the tunnel's options do not fit into a header, dropping");
  } else if (enter_tunnel(*port.tunnel)) {
    effect(PatchTraffic{bridge_->id, port.ofport, false});
    if (traced()) detail("output to kernel tunnel");
    commit();
    commit_tunnel(*port.tunnel);
    emit({OdpOutput{port.odp}});
  }
  flow_.tunnel = outer;
  flow_.pkt_mark = mark;
}

}  // namespace sluice
