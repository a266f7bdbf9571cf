// SPDX-License-Identifier: Apache-2.0
// Interfaces and ports of a bridge: devices, OpenFlow numbers, patch peers, states.
#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "lib/log.h"
#include "ofproto/bridge_ports.h"
#include "ofproto/openflow/port.h"
#include "ofproto/switch_impl.h"

namespace sluice {
namespace {

Log log("bridge");

bool is_free(const Bridge::Impl& b, uint32_t n) { return !b.by_number.contains(n); }

/// An interface that has `wanted` without having asked for it; nullptr if it is free, or held by one that did.
const InterfaceRecord* accidental_holder(const Bridge::Impl& b, std::optional<uint32_t> wanted) {
  auto it = wanted ? b.by_number.find(*wanted) : b.by_number.end();
  if (it == b.by_number.end()) return nullptr;
  const InterfaceRecord& r = b.interfaces.at(it->second);
  return r.settings.ofport_request == wanted || r.ofport == OFPP_LOCAL ? nullptr : &r;
}

/// The number that it asked for is not the one it has, and can be had.
bool moves(const Bridge::Impl& b, const InterfaceRecord& r, const InterfaceSettings& s) {
  auto wanted = s.ofport_request;
  if (!r.works() || !wanted || *wanted < 1 || *wanted >= kMaxPorts || r.ofport == OFPP_LOCAL || r.ofport == OfpPort{*wanted}) return false;
  return is_free(b, *wanted) || accidental_holder(b, wanted);
}

std::string unusable_patch(const InterfaceSettings& s) {
  if (s.patch_peer.empty()) return fmt::format("{}: patch type requires valid 'peer' argument", s.device.name);
  if (s.patch_peer == s.device.name) return fmt::format("{}: patch peer must not be self", s.device.name);
  return "";
}

}  // namespace

OfpPort allocate_ofport(Bridge::Impl& b, const InterfaceSettings& s) {
  if (s.device.name == b.view.name) return OFPP_LOCAL;
  if (s.ofport_request && *s.ofport_request >= 1 && *s.ofport_request < kMaxPorts && is_free(b, *s.ofport_request)) return OfpPort{*s.ofport_request};
  // A number that meant another port a moment ago would confuse controllers: new ones first.
  for (bool again : {false, true})
    for (uint32_t n = 1; n < kMaxPorts; n++)
      if (is_free(b, n) && (again || !b.used_numbers.contains(n))) return OfpPort{n};
  return OFPP_NONE;
}

void show_in_view(Bridge::Impl& b, const InterfaceRecord& r) {
  PortView& p = b.view.ports[r.ofport.value];
  p.ofport = r.ofport;
  p.odp = r.odp;
  p.name = r.settings.device.name;
  p.is_patch = r.is_patch();
  p.tunnel = r.tunnel;
  p.is_internal = r.settings.device.type == "internal" || r.ofport == OFPP_LOCAL;
  b.by_number[r.ofport.value] = p.name;
  for (auto& [id, port] : b.view.l2_ports) {
    const auto& names = port.settings.interfaces;
    if (std::ranges::find(names, p.name) == names.end()) continue;
    p.port = id;
    if (std::ranges::find(port.members, r.ofport) == port.members.end()) port.members.push_back(r.ofport);
    std::ranges::sort(port.members);
  }
}

void hide_from_view(Bridge::Impl& b, OfpPort ofport) {
  b.view.ports.erase(ofport.value);
  b.by_number.erase(ofport.value);
  for (auto& [id, port] : b.view.l2_ports) std::erase(port.members, ofport);
}

uint32_t port_state(const Bridge::Impl& b, const InterfaceRecord& r) {
  if (r.is_patch()) return ofp::OFPPS_LIVE;
  const Netdev* dev = b.owner.dpif().netdev(r.odp);
  auto view = b.view.ports.find(r.ofport.value);
  bool down = view != b.view.ports.end() && (view->second.config & ofp::OFPPC_PORT_DOWN);
  if (dev && !dev->state().link_up) return ofp::OFPPS_LINK_DOWN;
  return down ? 0 : ofp::OFPPS_LIVE;
}

ofp::PortDesc describe_port(const Bridge::Impl& b, const InterfaceRecord& r) {
  ofp::PortDesc d{.port_no = r.ofport, .hw_addr = {}, .name = r.settings.device.name};
  const PortView* view = b.view.port(r.ofport);
  if (view) d.config = view->config, d.state = view->state;
  const Netdev* dev = r.has_device() ? b.owner.dpif().netdev(r.odp) : nullptr;
  if (!dev) {
    // A patch or tunnel port's address is made up, but always the same.
    uint64_t h = std::hash<std::string>()(b.view.name + "/" + d.name);
    d.hw_addr = MacAddr::from_u64((h & 0xfcffffffffff) | 0x020000000000);
    return d;
  }
  const NetdevState& s = dev->state();
  d.hw_addr = s.mac;
  d.curr = s.features;
  d.advertised = s.advertised;
  d.supported = s.supported;
  d.peer = s.peer;
  d.curr_speed_kbps = static_cast<uint32_t>(s.link_speed_bps / 1000);
  d.max_speed_kbps = d.curr_speed_kbps;
  return d;
}

// --- tunnels ---

std::expected<OdpPort, std::string> Switch::Impl::hold_vport(const NetdevSpec& spec) {
  auto it = vports.find(spec.name);
  if (it == vports.end()) {
    auto odp = dpif.port_add(spec, std::nullopt);
    if (!odp) return std::unexpected(odp.error());
    it = vports.emplace(spec.name, Vport{*odp}).first;
  }
  it->second.users++;
  return it->second.odp;
}

void Switch::Impl::release_vport(const std::string& name) {
  auto it = vports.find(name);
  if (it == vports.end() || --it->second.users) return;
  dpif.port_del(it->second.odp);
  vports.erase(it);
}

namespace {

/// As Open vSwitch: first the change itself, with a port that is not live, then what has become of the port.
void tell_change(Bridge::Impl& b, ofp::PortReason reason, const InterfaceRecord& r, uint32_t old_state) {
  if (!b.events) return;
  ofp::PortDesc port = describe_port(b, r);
  uint32_t state = std::exchange(port.state, old_state & ~uint32_t{ofp::OFPPS_LIVE});
  b.events->port_status(reason, port, false);
  if (port.state == state) return;
  bool only_live = (std::exchange(port.state, state) ^ state) == ofp::OFPPS_LIVE;
  b.events->port_status(ofp::PortReason::kModify, port, only_live);
}

/// Fills in the record's tunnel and datapath port; the error, or "".
std::string open_tunnel(Switch::Impl& sw, InterfaceRecord& r) {
  auto settings = parse_tunnel(r.settings.device);
  if (!settings) return settings.error();
  for (auto& [odp, places] : sw.pipeline.tunnels)
    for (auto& t : places)
      if (same_tunnel_match(*t.settings, *settings)) return fmt::format("could not add network device {} to ofproto (File exists)", r.settings.device.name);
  for (auto& [odp, places] : sw.pipeline.tunnels)
    for (auto& t : places)
      if (t.settings->gbp != settings->gbp && t.settings->vport().name == settings->vport().name)
        return fmt::format("{}: VXLAN-GBP, and non-VXLAN-GBP tunnels can't be configured on the same dst_port", r.settings.device.name);
  auto odp = sw.hold_vport(settings->vport());
  if (!odp) return odp.error();
  r.odp = *odp;
  r.tunnel = std::make_shared<const TunnelSettings>(*settings);
  return "";
}

void close_tunnel(Switch::Impl& sw, const Bridge::Impl& b, const InterfaceRecord& r) {
  auto& places = sw.pipeline.tunnels[r.odp.value];
  std::erase_if(places, [&](auto& t) { return t.place.bridge == &b.view && t.place.port == r.ofport; });
  if (places.empty()) sw.pipeline.tunnels.erase(r.odp.value);
  sw.release_vport(r.tunnel->vport().name);
}

/// Other options, the same OpenFlow port.  False: it must go and come again.
bool change_tunnel(Switch::Impl& sw, Bridge::Impl& b, InterfaceRecord& r, const InterfaceSettings& settings) {
  InterfaceRecord changed = r;
  changed.settings = settings;
  close_tunnel(sw, b, r);
  bool ok = open_tunnel(sw, changed).empty();
  if (!ok && !open_tunnel(sw, r).empty()) return false;
  if (ok) r = changed;
  sw.pipeline.tunnels[r.odp.value].push_back({{&b.view, r.ofport}, r.tunnel});
  show_in_view(b, r);
  return ok;
}

}  // namespace

void leave_datapath(Switch::Impl& sw, const Bridge::Impl& b, const InterfaceRecord& r) {
  if (r.tunnel) return close_tunnel(sw, b, r);
  if (r.is_patch()) return;
  sw.pipeline.by_odp.erase(r.odp.value);
  sw.dpif.port_del(r.odp);
}

// --- configuration ---

void Bridge::add_interface(const InterfaceSettings& settings, Time now) {
  Switch::Impl& sw = *impl_->owner.impl_;
  InterfaceRecord& r = impl_->interfaces[settings.device.name];
  if (r.works()) return;
  r = {.settings = settings, .error = {}, .created = now};
  if (r.is_patch()) r.error = unusable_patch(settings);
  if (!r.error.empty()) return sw.config_changed(*impl_, now);
  std::optional<InterfaceSettings> displaced;
  if (const InterfaceRecord* holder = accidental_holder(*impl_, settings.ofport_request)) {
    displaced = holder->settings;
    remove_interface(displaced->device.name, now);
  }
  OfpPort ofport = allocate_ofport(*impl_, settings);
  if (ofport == OFPP_NONE) {
    r.error = "no OpenFlow port number is free";
    return sw.config_changed(*impl_, now);
  }
  if (find_tunnel_kind(settings.device.type)) {
    if (auto why = open_tunnel(sw, r); !why.empty()) {
      r.error = why;
      log.warn("{}", r.error);
      return sw.config_changed(*impl_, now);
    }
    sw.pipeline.tunnels[r.odp.value].push_back({{&impl_->view, ofport}, r.tunnel});
  } else if (!r.is_patch()) {
    auto odp = sw.dpif.port_add(settings.device, std::nullopt);
    if (!odp) {
      r.error = odp.error();
      log.warn("{}", r.error);
      return sw.config_changed(*impl_, now);
    }
    r.odp = *odp;
    sw.pipeline.by_odp[odp->value] = {&impl_->view, ofport};
    if (ofport == OFPP_LOCAL && impl_->view.settings.hwaddr)
      if (Netdev* dev = sw.dpif.netdev(r.odp)) dev->set_mac(*impl_->view.settings.hwaddr);
  }
  r.ofport = ofport;
  if (ofport != OFPP_LOCAL) impl_->used_numbers[ofport.value] = true;
  show_in_view(*impl_, r);
  impl_->view.ports[ofport.value].state = port_state(*impl_, r);
  if (const Netdev* dev = r.is_patch() ? nullptr : sw.dpif.netdev(r.odp)) r.seen_changes = dev->state().changes;
  sw.fit_mtus(*impl_);
  sw.resolve_patches(now);
  sw.config_changed(*impl_, now);
  log.info("bridge {}: added interface {} on port {}", name(), settings.device.name, ofp::port_to_of10(ofport));
  tell_change(*impl_, ofp::PortReason::kAdd, r, 0);
  if (displaced) add_interface(*displaced, now);
}

namespace {

/// Gives a number that is free now, or held by one that did not ask for it, to an interface that did.
void serve_waiting(Bridge& bridge, Bridge::Impl& b, OfpPort number, Time now) {
  for (auto& [name, waiting] : b.interfaces)
    if (waiting.settings.ofport_request == number.value && moves(b, waiting, waiting.settings)) {
      InterfaceSettings s = waiting.settings;
      return bridge.change_interface(s, now);
    }
}

}  // namespace

void Bridge::change_interface(const InterfaceSettings& settings, Time now) {
  auto it = impl_->interfaces.find(settings.device.name);
  if (it == impl_->interfaces.end()) return add_interface(settings, now);
  InterfaceRecord& r = it->second;
  Switch::Impl& sw = *impl_->owner.impl_;
  bool same_kind = r.works() && r.settings.device.type == settings.device.type && !moves(*impl_, r, settings) && (!r.is_patch() || unusable_patch(settings).empty());
  if (same_kind && r.tunnel && settings.device != r.settings.device && change_tunnel(sw, *impl_, r, settings)) {
    sw.config_changed(*impl_, now);
    return;
  }
  Netdev* dev = same_kind && r.has_device() ? sw.dpif.netdev(r.odp) : nullptr;
  bool done = same_kind && (r.is_patch() || settings.device == r.settings.device || (dev && dev->reconfigure(settings.device)));
  if (!done) {
    remove_interface(settings.device.name, now);
    return add_interface(settings, now);
  }
  if (dev && settings.device.mac && settings.device.mac != r.settings.device.mac) dev->set_mac(*settings.device.mac);
  if (dev && settings.device.mtu && settings.device.mtu != r.settings.device.mtu) dev->set_mtu(*settings.device.mtu);
  r.settings = settings;
  sw.fit_mtus(*impl_);
  sw.resolve_patches(now);
  sw.config_changed(*impl_, now);
  if (r.works()) serve_waiting(*this, *impl_, r.ofport, now);
}

void Bridge::remove_interface(const std::string& name, Time now) {
  auto it = impl_->interfaces.find(name);
  if (it == impl_->interfaces.end()) return;
  Switch::Impl& sw = *impl_->owner.impl_;
  InterfaceRecord r = it->second;
  if (r.works()) {
    log.info("bridge {}: deleted interface {} on port {}", this->name(), name, ofp::port_to_of10(r.ofport));
    if (impl_->events) impl_->events->port_status(ofp::PortReason::kDelete, describe_port(*impl_, r), false);
    hide_from_view(*impl_, r.ofport);
    leave_datapath(sw, *impl_, r);
  }
  impl_->interfaces.erase(it);
  sw.fit_mtus(*impl_);
  sw.resolve_patches(now);
  sw.config_changed(*impl_, now);
  if (r.works()) serve_waiting(*this, *impl_, r.ofport, now);
}

void Bridge::set_port(const PortSettings& settings, Time now) {
  auto [it, is_new] = impl_->port_ids.try_emplace(settings.name, impl_->next_port);
  if (is_new) impl_->next_port++;
  L2Port& port = impl_->view.l2_ports[it->second];
  bool vlans_change = !is_new && (port.settings.tag != settings.tag || port.settings.vlan_mode != settings.vlan_mode || port.settings.trunks != settings.trunks);
  port.id = it->second;
  port.settings = settings;
  port.members.clear();
  if (vlans_change) impl_->view.macs.flush_port(port.id);
  for (const std::string& name : settings.interfaces)
    if (auto r = impl_->interfaces.find(name); r != impl_->interfaces.end() && r->second.works()) show_in_view(*impl_, r->second);
  resolve_mirrors(impl_->view);
  impl_->owner.impl_->config_changed(*impl_, now);
}

void Bridge::remove_port(const std::string& name, Time now) {
  auto it = impl_->port_ids.find(name);
  if (it == impl_->port_ids.end()) return;
  impl_->view.macs.flush_port(it->second);
  for (auto& [n, p] : impl_->view.ports)
    if (p.port == it->second) p.port = kNoPort;
  impl_->view.l2_ports.erase(it->second);
  impl_->port_ids.erase(it);
  resolve_mirrors(impl_->view);
  impl_->owner.impl_->config_changed(*impl_, now);
}

/// Finds each patch port's peer, which may be in another bridge and may come and go.
void Switch::Impl::resolve_patches(Time now) {
  std::map<std::string, std::pair<Bridge::Impl*, InterfaceRecord*>> patches;
  for (auto& [id, b] : by_id)
    for (auto& [name, r] : b->interfaces)
      if (r.is_patch() && r.works()) patches[name] = {b, &r};
  for (auto& [name, place] : patches) {
    auto [b, r] = place;
    PortView& view = b->view.ports[r->ofport.value];
    auto peer = patches.find(r->settings.patch_peer);
    bool mutual = peer != patches.end() && peer->second.second->settings.patch_peer == name;
    BridgeId bridge = mutual ? peer->second.first->view.id : 0;
    OfpPort port = mutual ? peer->second.second->ofport : OFPP_NONE;
    if (view.peer_bridge == bridge && view.peer_port == port) continue;
    view.peer_bridge = bridge;
    view.peer_port = port;
    config_changed(*b, now);
  }
}

bool Switch::Impl::has_patch(const std::string& name) const {
  return std::ranges::any_of(by_id, [&](auto& bridge) {
    auto r = bridge.second->interfaces.find(name);
    return r != bridge.second->interfaces.end() && r->second.is_patch() && r->second.works();
  });
}

/// Notices what devices did by themselves: links that went up or down.
void Switch::Impl::check_ports(Time now) {
  if (now < next_port_check) return;
  next_port_check = now + kPortInterval;
  for (auto& [id, b] : by_id) {
    bool any = false;
    for (auto& [name, r] : b->interfaces) {
      Netdev* dev = r.works() && !r.is_patch() ? dpif.netdev(r.odp) : nullptr;
      if (!dev || dev->state().changes == r.seen_changes) continue;
      any = true;
      r.seen_changes = dev->state().changes;
      b->view.ports[r.ofport.value].state = port_state(*b, r);
      config_changed(*b, now);
      if (b->events) b->events->port_status(ofp::PortReason::kModify, describe_port(*b, r), false);
    }
    if (any) fit_mtus(*b);
  }
}

MirrorStatistics Bridge::mirror_statistics(const Uuid& id) const {
  auto it = impl_->mirrored.find(id);
  return it == impl_->mirrored.end() ? MirrorStatistics{} : MirrorStatistics{it->second.packets, it->second.bytes};
}

std::optional<InterfaceStatus> Bridge::interface_status(const std::string& name) const {
  auto it = impl_->interfaces.find(name);
  if (it == impl_->interfaces.end()) return std::nullopt;
  const InterfaceRecord& r = it->second;
  InterfaceStatus s{.name = name, .type = r.settings.device.type, .ofport = r.ofport, .error = r.error, .state = {}, .stats = {}};
  if (r.is_patch()) {
    s.state.admin_up = s.state.link_up = r.works();
    if (r.works() && !impl_->owner.impl_->has_patch(r.settings.patch_peer)) s.error = fmt::format("No usable peer '{}' exists in '{}' datapath.", r.settings.patch_peer, impl_->view.settings.datapath_type.empty() ? "system" : impl_->view.settings.datapath_type);
    if (r.works()) s.state.mac = describe_port(*impl_, r).hw_addr;
    s.stats = {.rx_packets = r.patch.rx_packets, .rx_bytes = r.patch.rx_bytes, .tx_packets = r.patch.tx_packets, .tx_bytes = r.patch.tx_bytes};
  } else if (const Netdev* dev = r.works() ? impl_->owner.dpif().netdev(r.odp) : nullptr) {
    s.state = dev->state();
    s.stats = dev->stats();
    // It was deleted or renamed under us: the OpenFlow port stays, without a link, until a device of that name is there again.
    if (!s.state.ifindex && impl_->owner.dpif().is_kernel()) {
      s.ofport = OFPP_NONE;
      s.error = fmt::format("could not open network device {} (No such device)", name);
    }
    if (r.tunnel) s.stats = {.rx_packets = r.patch.rx_packets, .rx_bytes = r.patch.rx_bytes, .tx_packets = r.patch.tx_packets, .tx_bytes = r.patch.tx_bytes};
    if (r.tunnel) s.state.mac = describe_port(*impl_, r).hw_addr;
  }
  return s;
}

// --- OpenFlow's view ---

std::vector<ofp::PortDesc> Bridge::port_descs() const {
  std::vector<ofp::PortDesc> all;
  for (auto& [number, name] : impl_->by_number) all.push_back(describe_port(*impl_, impl_->interfaces.at(name)));  // LOCAL has the highest number
  return all;
}

bool Bridge::has_port(OfpPort port) const { return impl_->by_number.contains(port.value); }

std::expected<std::vector<ofp::PortStats>, ofp::Error> Bridge::port_stats(OfpPort port, Time now) const {
  impl_->owner.impl_->push_all();
  std::vector<ofp::PortStats> all;
  for (auto& [number, name] : impl_->by_number) {
    if (port != OFPP_NONE && number != port.value) continue;
    const InterfaceRecord& r = impl_->interfaces.at(name);
    NetdevStats n = interface_status(name)->stats;
    ofp::PortStats s{.port_no = r.ofport, .rx_packets = n.rx_packets, .tx_packets = n.tx_packets, .rx_bytes = n.rx_bytes, .tx_bytes = n.tx_bytes,
                     .rfc2819 = std::vector<uint64_t>(ofp::kRfc2819Counters, ofp::kUnknownCounter)};
    if (n.tells_losses) {
      s.rx_dropped = n.rx_dropped, s.tx_dropped = n.tx_dropped;
      s.rx_errors = n.rx_errors, s.tx_errors = n.tx_errors;
    }
    for (const auto& [counter, value] : n.custom) s.custom.push_back({counter, value});
    s.rx_frame_err = n.rx_frame_err.value_or(ofp::kUnknownCounter);
    s.rx_over_err = n.rx_over_err.value_or(ofp::kUnknownCounter);
    s.rx_crc_err = n.rx_crc_err.value_or(ofp::kUnknownCounter);
    s.collisions = n.collisions.value_or(ofp::kUnknownCounter);
    Duration age = now - r.created;
    s.duration_sec = whole_seconds(age);
    s.duration_nsec = nanoseconds_below(age);
    all.push_back(std::move(s));
  }
  return all;
}

std::expected<std::vector<OfpPort>, ofp::Error> Bridge::queues(const ofp::QueueRequest& request) const {
  if (request.port_no != OFPP_NONE && !has_port(request.port_no)) return std::unexpected(ofp::Error::OFPQOFC_BAD_PORT);
  if (request.queue_id != ofp::OFPQ_ALL && request.queue_id != 0) return std::unexpected(ofp::Error::OFPQOFC_BAD_QUEUE);
  std::vector<OfpPort> all;
  for (auto& [number, name] : impl_->by_number)
    if ((request.port_no == OFPP_NONE || request.port_no.value == number) && !impl_->interfaces.at(name).is_patch()) all.push_back(OfpPort{number});
  return all;
}

std::expected<void, ofp::Error> Bridge::port_mod(const ofp::PortMod& mod, Time now) {
  InterfaceRecord* r = impl_->by_ofport(mod.port_no);
  if (!r) return std::unexpected(ofp::Error::OFPPMFC_BAD_PORT);
  if (describe_port(*impl_, *r).hw_addr != mod.hw_addr) return std::unexpected(ofp::Error::OFPPMFC_BAD_HW_ADDR);
  constexpr uint32_t kCanChange = ofp::OFPPC_PORT_DOWN | ofp::OFPPC_NO_RECV | ofp::OFPPC_NO_RECV_STP | ofp::OFPPC_NO_FLOOD | ofp::OFPPC_NO_FWD | ofp::OFPPC_NO_PACKET_IN;
  PortView& view = impl_->view.ports[mod.port_no.value];
  uint32_t mask = mod.mask & kCanChange, config = (view.config & ~mask) | (mod.config & mask);
  if (config == view.config) return {};
  uint32_t changed = config ^ view.config, old_state = view.state;
  view.config = config;
  if (changed & ofp::OFPPC_PORT_DOWN)
    if (Netdev* dev = r->has_device() ? impl_->owner.dpif().netdev(r->odp) : nullptr) {
      dev->set_admin_up(!(config & ofp::OFPPC_PORT_DOWN));
      r->seen_changes = dev->state().changes;
    }
  view.state = port_state(*impl_, *r);
  impl_->owner.impl_->config_changed(*impl_, now);
  tell_change(*impl_, ofp::PortReason::kModify, *r, old_state);
  return {};
}

}  // namespace sluice
