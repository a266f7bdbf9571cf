// SPDX-License-Identifier: Apache-2.0
// Packets that the kernel hands up, and those that we hand to it.
#include <algorithm>
#include <cerrno>

#include "datapath/edits.h"
#include "datapath/kernel/kernel_impl.h"

namespace sluice {
namespace {

void take_metadata(const Flow& key, Packet& p) {
  p.in_port = OdpPort{key.in_port.host()};
  p.recirc_id = key.recirc_id.host();
  p.dp_hash = key.dp_hash.host();
  p.pkt_mark = key.pkt_mark.host();
  p.skb_priority = key.skb_priority.host();
  p.ct_mark = key.ct_mark.host();
  p.ct_zone = key.ct_zone.host();
  p.ct_state = key.ct_state;
  std::copy(std::begin(key.ct_label), std::end(key.ct_label), p.ct_label.begin());
  if (key.tunnel.dst || !key.tunnel.ipv6_dst.is_zero()) p.tunnel = std::make_unique<FlowTunnel>(key.tunnel);
}

Flow metadata_of(const Packet& p) {
  Flow key{};
  key.in_port = be32(p.in_port.value);
  key.recirc_id = be32(p.recirc_id);
  key.dp_hash = be32(p.dp_hash);
  key.pkt_mark = be32(p.pkt_mark);
  key.skb_priority = be32(p.skb_priority);
  key.ct_mark = be32(p.ct_mark);
  key.ct_zone = be16(p.ct_zone);
  key.ct_state = p.ct_state;
  std::ranges::copy(p.ct_label, key.ct_label);
  if (p.tunnel) key.tunnel = *p.tunnel;
  return key;
}

}  // namespace

/// Some of what waits; true if there is more.
bool KernelDatapath::Impl::take_upcalls(GenlSocket& socket, uint64_t& lost_count, Time at) {
  for (unsigned i = 0; i < kUpcallsPerTurn; i++) {
    auto m = socket.receive();
    if (!m && m.error() == ENOBUFS) {
      lost_count++;
      continue;
    }
    if (!m) return false;
    if (handler) upcall(*m, at);
  }
  return true;
}

void KernelDatapath::Impl::upcall(const GenlMessage& m, Time at) {
  Attrs attrs(m.attrs);
  auto packet = attrs.find(OVS_PACKET_ATTR_PACKET);
  auto key_attr = attrs.find(OVS_PACKET_ATTR_KEY);
  if (m.family != families.packet || !packet || !key_attr) return;
  auto key = decode_odp_key(key_attr->data);
  if (!key) return kernel_log.warn("{}: an upcall that can't be read: {}", name, key.error());
  Upcall u{.kind = m.command == OVS_PACKET_CMD_ACTION ? UpcallKind::kAction : UpcallKind::kMiss, .packet = Packet::from(packet->data), .key = {}};
  take_metadata(key->flow, u.packet);
  extract(u.packet, u.key, features.vlan_tags);
  if (u.kind == UpcallKind::kAction) {
    auto userdata = attrs.find(OVS_PACKET_ATTR_USERDATA);
    auto why = userdata ? decode_userdata(userdata->data) : std::nullopt;
    if (!why) return;
    u.cookie = why->cookie;
    u.reason = why->reason;
  }
  handler->upcall(std::move(u), at);
}

void KernelDatapath::execute(Packet packet, const OdpActions& actions, Time now) {
  impl_->now = now;
  if (actions.empty() || !impl_->dp.ifindex) return;
  if (kernel_can_do(actions)) return impl_->queue_execute(packet, actions);
  Flow offsets;
  extract(packet, offsets);
  impl_->execute_slowly(std::move(packet), actions);
}

void KernelDatapath::Impl::queue_execute(const Packet& packet, const OdpActions& actions) {
  if (actions.empty()) return;
  Flow key = metadata_of(packet);
  size_t begun = pending.size();
  bool fits = true;
  add_request(pending, {families.packet, OVS_PACKET_CMD_EXECUTE, OVS_PACKET_VERSION}, 0, batch.next_seq(), dp.ifindex, [&](AttrWriter& w) {
    w.put(OVS_PACKET_ATTR_PACKET, packet.view());
    size_t nested = w.begin(OVS_PACKET_ATTR_KEY);
    encode_odp_metadata(key, w);
    w.end(nested);
    nested = w.begin(OVS_PACKET_ATTR_ACTIONS);
    fits = encode_odp_actions(actions, upcall_pid(key.in_port), features, w) == ActionTrouble::kNone;
    w.end(nested);
    fits &= w.ok();
  });
  if (!fits) pending.resize(begun);
  if (pending.size() > kBatchBytes) flush();
}

/// What the kernel can't do is done here, in between it does its part.
void KernelDatapath::Impl::execute_slowly(Packet packet, const OdpActions& actions) {
  OdpActions batch_of;   // for the packet as it is now
  auto hand_over = [&] {
    queue_execute(packet, batch_of);
    batch_of.clear();
  };
  for (const OdpAction& a : actions) {
    auto edit = [&](auto fn) { hand_over(), fn(); };
    if (auto* set = std::get_if<OdpSet>(&a.v); set && set->kind != OdpSetKind::kTunnel) edit([&] { set_fields(packet, *set); });
    else if (auto* push = std::get_if<OdpPushVlan>(&a.v)) edit([&] { push_vlan(packet, push->tpid, push->tci); });
    else if (std::holds_alternative<OdpPopVlan>(a.v)) edit([&] { pop_vlan(packet); });
    else if (auto* label = std::get_if<OdpPushMpls>(&a.v)) edit([&] { push_mpls(packet, label->lse, label->eth_type); });
    else if (auto* pop = std::get_if<OdpPopMpls>(&a.v)) edit([&] { pop_mpls(packet, pop->eth_type); });
    else if (auto* clone = std::get_if<OdpClone>(&a.v); clone && !kernel_can_do(clone->actions)) edit([&] { execute_slowly(packet.copy(), clone->actions); });
    else batch_of.push_back(a);
  }
  hand_over();
}

}  // namespace sluice
