// SPDX-License-Identifier: Apache-2.0
// Packets that the kernel hands up, and those that we hand to it.
#include <algorithm>
#include <cerrno>

#include "datapath/edits.h"
#include "datapath/kernel/kernel_impl.h"

namespace sluice {

static LogLimit upcall_limit(1, 5);

/// Some of what waits, a few packets of each port in turn; true if there is more.
bool KernelDatapath::Impl::take_upcalls(Time at) {
  if (handlers->is_direct()) {
    bool more = true;
    for (unsigned turn = 0; turn < kTurnsPerRun && more; turn++) {
      more = handlers->read_each([&](Upcall&& u) {
        if (handler) handler->upcall(std::move(u), at);
      });
      flush();
    }
    return more;
  }
  bool more = handlers->poll();
  for (unsigned turn = 0; turn < kTurnsPerRun; turn++) {
    UpcallBatch batch = handlers->take(kUpcallsAtOnce);
    if (batch.empty()) return more;
    for (auto& u : batch)
      if (handler) handler->upcall(std::move(*u), at);
    flush();
  }
  return more || handlers->has_queued();
}

void KernelDatapath::Impl::warn_of_losses() {
  if (uint64_t n = handlers->overflows(); n != overflows) {
    overflows = n;
    kernel_log.warn(upcall_limit, "{}: lost packets: they came faster than handlers read them", name);
  }
  if (uint64_t n = handlers->lost(); n != dropped) {
    kernel_log.warn(upcall_limit, "{}: lost {} packets: the queues of their ports were full", name, n - dropped);
    dropped = n;
  }
  if (uint64_t n = direct.refused(); n != refused) {
    kernel_log.dbg("{}: {} packets were not sent: their devices are down, have gone, or are full", name, n - refused);
    refused = n;
  }
  if (uint64_t n = handlers->unreadable(); n != unreadable) {
    unreadable = n;
    kernel_log.warn(upcall_limit, "{}: an upcall that can't be read", name);
  }
}

void KernelDatapath::execute(Packet packet, const OdpActions& actions, Time now) {
  impl_->now = now;
  if (actions.empty() || !impl_->dp.ifindex || impl_->send_directly(packet, actions)) return;
  if (kernel_can_do(actions, impl_->features)) return impl_->queue_execute(packet, actions);
  Flow offsets;
  extract(packet, offsets);
  impl_->execute_slowly(std::move(packet), actions);
}

/// True if that was all to be done with it.
bool KernelDatapath::Impl::send_directly(const Packet& packet, const OdpActions& actions) {
  if (!direct.is_open() || actions.size() > kMostDirect || !DirectOutput::can_send(packet)) return false;
  int to[kMostDirect];
  size_t n = 0;
  for (const OdpAction& a : actions) {
    auto* output = std::get_if<OdpOutput>(&a.v);
    auto port = output ? ports.find(output->port.value) : ports.end();
    if (port == ports.end() || !port->second.is_plain()) return false;
    to[n++] = port->second.ifindex;
  }
  for (size_t i = 0; i < n; i++) direct.add(packet.view(), to[i]);
  return true;
}

void KernelDatapath::Impl::queue_execute(const Packet& packet, const OdpActions& actions) {
  if (actions.empty()) return;
  size_t begun = pending.size();
  bool fits = true;
  add_request(pending, {families.packet, OVS_PACKET_CMD_EXECUTE, OVS_PACKET_VERSION}, 0, batch.next_seq(), dp.ifindex, [&](AttrWriter& w) {
    w.put(OVS_PACKET_ATTR_PACKET, packet.view());
    w.nest(OVS_PACKET_ATTR_KEY, [&] { encode_odp_metadata(packet, w); });
    if (packet.mru) w.value(OVS_PACKET_ATTR_MRU, packet.mru);
    if (packet.kernel_hash) w.value(OVS_PACKET_ATTR_HASH, packet.kernel_hash);
    fits = w.nest(OVS_PACKET_ATTR_ACTIONS, [&] { return encode_odp_actions(actions, upcall_pid(be32(packet.in_port.value)), features, w); }) == ActionTrouble::kNone;
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
    else if (auto* add = std::get_if<OdpAddMpls>(&a.v)) edit([&] { add_mpls(packet, *add); });
    else if (auto* ethernet = std::get_if<OdpPushEth>(&a.v)) edit([&] { push_eth(packet, *ethernet); });
    else if (std::holds_alternative<OdpPopEth>(a.v)) edit([&] { pop_eth(packet); });
    else if (auto* service = std::get_if<OdpPushNsh>(&a.v)) edit([&] { push_nsh(packet, *service); });
    else if (std::holds_alternative<OdpPopNsh>(a.v)) edit([&] { pop_nsh(packet); });
    else if (auto* clone = std::get_if<OdpClone>(&a.v); clone && !kernel_can_do(clone->actions, features)) edit([&] { execute_slowly(packet.copy(), clone->actions); });
    else batch_of.push_back(a);
  }
  hand_over();
}

}  // namespace sluice
