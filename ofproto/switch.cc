// SPDX-License-Identifier: Apache-2.0
// See switch.h.  Packets: upcall.cc; megaflows: revalidate.cc; ports: ports.cc; texts: switch_text.cc.
#include "ofproto/switch.h"

#include <algorithm>

#include "ofproto/ct_support.h"
#include "ofproto/switch_impl.h"

namespace sluice {

Switch::Switch(Dpif& dpif, SwitchOptions options, uint64_t seed) : impl_(std::make_unique<Impl>(*this, dpif, options, seed)) {
  limit_to_tracker(impl_->limits, dpif);
  dpif.set_upcall_handler(this);
  dpif.set_generation(impl_->generation, Time{});
}

Switch::~Switch() {
  impl_->dpif.set_upcall_handler(nullptr);   // first: a kernel keeps the ports of bridges that only their daemon leaves
  impl_->bridges.clear();
}

Bridge& Switch::add_bridge(const BridgeSettings& settings, Time now) {
  auto& slot = impl_->bridges[settings.name];
  slot = std::make_unique<Bridge>(*this, settings, now);
  return *slot;
}

void Switch::remove_bridge(const std::string& name, Time now) {
  auto it = impl_->bridges.find(name);
  if (it == impl_->bridges.end()) return;
  impl_->push_all();
  it->second->remove_meters(now);
  impl_->bridges.erase(it);
  impl_->resolve_patches(now);
  impl_->changes.everything(++impl_->generation);
  impl_->dpif.set_generation(impl_->generation, now);
}

Bridge* Switch::find(const std::string& name) {
  auto it = impl_->bridges.find(name);
  return it == impl_->bridges.end() ? nullptr : it->second.get();
}

std::vector<Bridge*> Switch::bridges() {
  std::vector<Bridge*> all;
  for (auto& [name, bridge] : impl_->bridges) all.push_back(bridge.get());
  return all;
}

Dpif& Switch::dpif() { return impl_->dpif; }
const Dpif& Switch::dpif() const { return impl_->dpif; }
std::vector<std::pair<std::string, std::string>> Switch::features() const { return impl_->limits.applied_to(impl_->dpif.features()); }

void Switch::limit_feature(const std::string& title, const std::string& value, Time now) {
  for (auto& [name, by_itself] : impl_->dpif.features())
    if (name == title) impl_->limits.set(title, value, by_itself);
  limit_to_tracker(impl_->limits, impl_->dpif);
  purge(now);
}

void Switch::configure_tracking(const CtSettings& settings, Time now) {
  impl_->dpif.ct_configure(settings);
  impl_->changes.everything(++impl_->generation);   // its actions may name timeouts
  impl_->dpif.set_generation(impl_->generation, now);
}

void Switch::set_options(const SwitchOptions& options) { impl_->options = options; }

bool Switch::run(Time now) {
  if (impl_->options.restore_wait) return false;
  bool more = impl_->packets_wait = impl_->dpif.run(now);
  impl_->doorkeeper.turned(more, now);
  more |= !impl_->sweep_paused && impl_->revalidate(now);
  impl_->expire(now);
  impl_->check_ports(now);
  impl_->pipeline.recircs.run(now);
  impl_->specs.run(now);
  more |= !impl_->sweep_paused && impl_->sweep(now);
  return more;
}

Time Switch::deadline(Time now) const {
  if (impl_->options.restore_wait) return kNever;
  bool sweeps = !impl_->sweep_paused;
  if (sweeps && (impl_->sweep_from || (impl_->megaflows && impl_->valid_generation != impl_->generation))) return now;
  Time t = std::min({impl_->dpif.deadline(now), impl_->pipeline.recircs.deadline(), impl_->specs.deadline()});
  for (auto& [id, b] : impl_->by_id) t = std::min({t, b->view.tables->deadline(), b->view.macs.deadline()});
  if (sweeps && (impl_->megaflows || impl_->adopting)) t = std::min(t, impl_->next_sweep);
  return t;
}

}  // namespace sluice
