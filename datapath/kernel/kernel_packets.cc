// SPDX-License-Identifier: Apache-2.0
// Packets that the kernel hands up, and those that we hand to it.
#include <algorithm>
#include <cerrno>

#include "datapath/edits.h"
#include "datapath/kernel/kernel_impl.h"

namespace sluice {

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
  copy_metadata(key->flow, u.packet);
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
  Flow key{};
  copy_metadata(packet, key);
  size_t begun = pending.size();
  bool fits = true;
  add_request(pending, {families.packet, OVS_PACKET_CMD_EXECUTE, OVS_PACKET_VERSION}, 0, batch.next_seq(), dp.ifindex, [&](AttrWriter& w) {
    w.put(OVS_PACKET_ATTR_PACKET, packet.view());
    w.nest(OVS_PACKET_ATTR_KEY, [&] { encode_odp_metadata(key, w); });
    fits = w.nest(OVS_PACKET_ATTR_ACTIONS, [&] { return encode_odp_actions(actions, upcall_pid(key.in_port), features, w); }) == ActionTrouble::kNone;
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
