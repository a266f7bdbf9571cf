// SPDX-License-Identifier: Apache-2.0
// Texts of appctl about bridges and their datapath (spec/unixctl.md).
#include <fmt/core.h>

#include <algorithm>

#include "datapath/odp_text.h"
#include "ofproto/bridge_ports.h"
#include "ofproto/switch_impl.h"

namespace sluice {

std::string Bridge::dump_flows(Time now) const {
  impl_->owner.impl_->push_all();
  const ofp::MiniMatch all;
  std::string out;
  for (const Rule* r : impl_->view.tables->select({.match = all, .table = ofp::kTableAll, .strict_priority = {}, .hidden_too = true})) {
    if (r->table) out += fmt::format("table_id={}, ", r->table);
    out += fmt::format("duration={}s, n_packets={}, n_bytes={}, ", to_seconds(now - r->created), r->packets, r->bytes);
    if (r->hard_timeout) out += fmt::format("hard_timeout={}, ", r->hard_timeout);
    if (r->idle_timeout) out += fmt::format("idle_timeout={}, ", r->idle_timeout);
    out += fmt::format("priority={}", r->priority);
    std::string match;
    ofp::format_match(r->match.expand(), match);
    if (!match.empty()) out += "," + match;
    out += ",actions=" + ofp::format_actions(r->actions->actions) + "\n";
  }
  return out;
}

std::string Bridge::fdb_show(Time now) const {
  impl_->owner.impl_->push_all();
  std::string out = " port  VLAN  MAC                Age\n";
  for (const MacEntry& e : impl_->view.macs.entries()) {   // least recently used first
    const L2Port* port = impl_->view.l2_port(e.port);
    std::string name = "?";
    if (port && !port->members.empty()) {
      OfpPort p = port->members.front();
      name = p == OFPP_LOCAL ? "LOCAL" : std::to_string(p.value);
    }
    out += fmt::format("{:>5}  {:>4}  {}  {}\n", name, e.vlan, format(e.mac), e.is_static ? "static" : fmt::format("{:>3}", to_seconds(now - e.used)));
  }
  return out;
}

void Bridge::fdb_flush(Time now) {
  impl_->view.macs.flush();
  impl_->owner.impl_->changed(*impl_, now);
}

std::string Switch::dpif_show() const {
  DpifStats stats = impl_->dpif.stats();
  std::string out = fmt::format("{}@{}: hit:{} missed:{}\n", impl_->dpif.type(), impl_->dpif.name(), stats.hit, stats.missed);
  auto dp_ports = impl_->dpif.ports();
  for (auto& [name, bridge] : impl_->bridges) {
    out += fmt::format("  {}:\n", name);
    std::vector<const InterfaceRecord*> all;
    for (auto& [n, r] : bridge->impl_->interfaces)
      if (r.works()) all.push_back(&r);
    std::ranges::sort(all, {}, [](const InterfaceRecord* r) { return r->settings.device.name; });
    for (const InterfaceRecord* r : all) {
      std::string odp = r->is_patch() ? "none" : std::to_string(r->odp.value);
      auto type = std::ranges::find(dp_ports, r->odp, &DpPort::port);
      std::string what = r->is_patch() ? fmt::format("patch: peer={}", r->settings.patch_peer) : r->tunnel ? fmt::format("{}: {}", r->tunnel->row().type, r->tunnel->options_text()) : type == dp_ports.end() ? r->settings.device.type : type->type;
      out += fmt::format("    {} {}/{}: ({})\n", r->settings.device.name, r->ofport.value == OFPP_LOCAL.value ? 65534 : r->ofport.value, odp, what);
    }
  }
  return out;
}

std::string Switch::dpif_dump_flows(const std::string& bridge, bool more, bool names, Time now) const {
  auto it = impl_->bridges.find(bridge);
  if (it == impl_->bridges.end()) return "";
  OdpTextOptions options{.verbose = more, .packet_type = !impl_->dpif.is_kernel()};
  if (names)
    options.port_name = [this](OdpPort p) {
      const Netdev* dev = impl_->dpif.netdev(p);
      return dev ? dev->name() : std::to_string(p.value);
    };
  BridgeId id = it->second->impl_->view.id;
  std::string out;
  impl_->dpif.flow_dump(0, SIZE_MAX, [&](const Megaflow& f) {
    const Pipeline::Place* place = impl_->pipeline.place(f.key);
    if (place && place->bridge->id == id) out += format_megaflow(f, now, options) + "\n";
    return true;
  });
  return out;
}

std::string Switch::list_tunnels() const {
  std::string out;
  for (auto& [odp, places] : impl_->pipeline.tunnels)
    for (const Pipeline::TunnelPlace& t : places) {
      const PortView* port = t.place.bridge->port(t.place.port);
      out += fmt::format("port {}: {} ({})\n", odp, port ? port->name : "?", t.settings->describe(OdpPort{odp}));
    }
  return out;
}

std::string Switch::upcall_show() const {
  DpifStats stats = impl_->dpif.stats();
  return fmt::format("{}@{}:\n  flows         : (current {}) (avg {}) (max {}) (limit {})\n  offloaded flows : 0\n  dump duration : 0ms\n  ufid enabled : true\n\n",
                     impl_->dpif.type(), impl_->dpif.name(), stats.flows, stats.flows, stats.flows, impl_->options.flow_limit);
}

}  // namespace sluice
