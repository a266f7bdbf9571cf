// SPDX-License-Identifier: Apache-2.0
// Ports of the kernel datapath.
#include <cerrno>
#include <cstring>
#include <set>

#include <linux/rtnetlink.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "datapath/kernel/kernel_impl.h"
#include "datapath/kernel/tunnel_link.h"
#include "datapath/link.h"

namespace sluice {
namespace {

std::optional<uint32_t> vport_type(const std::string& type) {
  if (type == "system" || type.empty()) return OVS_VPORT_TYPE_NETDEV;
  if (type == "internal") return OVS_VPORT_TYPE_INTERNAL;
  return std::nullopt;
}

std::string type_name(uint32_t vport_type) { return vport_type == OVS_VPORT_TYPE_INTERNAL ? "internal" : "system"; }

/// The interface is missing, or the datapath doesn't want it.
std::string add_error(const std::string& name, int error) {
  if (error == ENODEV || error == ENOENT) return open_error(name, ENODEV);
  return fmt::format("could not add network device {} to ofproto ({})", name, std::strerror(error));
}

/// A tunnel's device, gone again unless a port keeps it.  One that stayed from an earlier run is ours as well, and stays.
class NewLink {
 public:
  ~NewLink() { if (!name_.empty()) delete_link(name_); }
  int make(const TunnelLink& tunnel) {
    auto made = make_tunnel_link(tunnel);
    if (made && *made) name_ = tunnel.device();
    return made ? 0 : made.error();
  }
  void keep() { name_.clear(); }

 private:
  std::string name_;
};

}  // namespace

bool KernelDatapath::Impl::watch(int fd, uint64_t tag, bool add) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = tag;
  return epoll_ctl(epoll.get(), add ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, fd, &event) == 0;
}

/// A port of that name of earlier times is taken over, with its number and the flows that name it.
std::expected<Vport, int> KernelDatapath::Impl::attach(const std::string& device, uint32_t type, std::optional<OdpPort> wanted, uint32_t pid) {
  auto old = std::ranges::find(found, device, &Vport::name);
  if (old != found.end()) {
    Vport v = *old;
    found.erase(old);
    if (v.type == type && !vports.set_upcall_pid(dp.ifindex, v.port, pid)) return v;
    vports.remove(dp.ifindex, v.port);
  }
  auto added = vports.add(dp.ifindex, device, type, wanted, pid);
  if (!added && added.error() == EBUSY && wanted) added = vports.add(dp.ifindex, device, type, std::nullopt, pid);  // the number is taken
  return added;
}

std::expected<OdpPort, std::string> KernelDatapath::port_add(const NetdevSpec& spec, std::optional<OdpPort> wanted) {
  Impl& d = *impl_;
  d.flush();
  auto tunnel = tunnel_link(spec);
  auto type = tunnel ? std::optional<uint32_t>(OVS_VPORT_TYPE_NETDEV) : vport_type(spec.type);
  std::string device = tunnel ? tunnel->device() : spec.name;
  if (!type) return std::unexpected(open_error(spec.name, EAFNOSUPPORT));
  for (auto& [number, port] : d.ports)
    if (port.device->name() == device) return std::unexpected(open_error(spec.name, EEXIST));
  NewLink link;
  if (tunnel)
    if (int error = link.make(*tunnel)) return std::unexpected(add_error(device, error));
  if (*type == OVS_VPORT_TYPE_NETDEV && !read_link(device)) return std::unexpected(open_error(device, ENODEV));
  if (!d.open_datapath()) return std::unexpected(add_error(spec.name, ENETDOWN));
  std::shared_ptr<GenlSocket> socket;
  if (d.cpu_pids.empty()) {
    auto made = d.handlers->add_socket(kPortBuffer);
    if (!made) return std::unexpected(add_error(spec.name, made.error()));
    socket = *made;
  }
  auto vport = d.attach(device, *type, wanted, socket ? socket->pid() : 0);
  if (!vport) {
    if (socket) d.handlers->remove_socket(socket);
    return std::unexpected(add_error(spec.name, vport.error()));
  }
  KernelPort port{.number = vport->port, .vport_type = *type, .upcalls = std::move(socket),
                  .device = std::make_unique<KernelDevice>(device, tunnel ? spec.type : type_name(*type)), .made_link = tunnel.has_value()};
  port.ifindex = port.device->state().ifindex;
  link.keep();
  if (*type == OVS_VPORT_TYPE_INTERNAL && spec.mac) port.device->set_mac(*spec.mac);
  if (spec.mtu) port.device->set_mtu(*spec.mtu);
  d.ports[vport->port.value] = std::move(port);
  return vport->port;
}

void KernelDatapath::port_del(OdpPort number) {
  Impl& d = *impl_;
  auto port = d.ports.find(number.value);
  if (!d.handler || port == d.ports.end()) return;
  d.flush();
  bool attached = port->second.attached;
  std::string link = port->second.made_link ? port->second.device->name() : "";
  if (port->second.upcalls) d.handlers->remove_socket(port->second.upcalls);
  d.ports.erase(port);
  if (d.ports.empty() && d.dp.ifindex && (d.settled || d.found.empty())) {
    flow_flush(d.now);
    d.vports.delete_datapath(d.dp.ifindex);
    d.dp.ifindex = 0;
  } else if (attached) {
    d.vports.remove(d.dp.ifindex, number);
  }
  if (!link.empty()) delete_link(link);
}

std::vector<DpPort> KernelDatapath::ports() const {
  std::vector<DpPort> all;
  if (impl_->dp.ifindex) all.push_back({kOdpLocal, impl_->name, "internal"});
  for (auto& [number, port] : impl_->ports) all.push_back({port.number, port.device->name(), port.device->type()});
  return all;
}

Netdev* KernelDatapath::netdev(OdpPort number) {
  auto port = impl_->ports.find(number.value);
  return port == impl_->ports.end() ? nullptr : port->second.device.get();
}

void KernelDatapath::settle(Time now) {
  Impl& d = *impl_;
  d.now = now;
  if (d.settled) return;
  d.settled = true;
  for (const Vport& v : d.found) {
    kernel_log.info("{}: deleting port {}, which nobody wants any more", d.name, v.name);
    d.vports.remove(d.dp.ifindex, v.port);
  }
  d.found.clear();
}

uint32_t KernelDatapath::Impl::upcall_pid(be32 in_port) const {
  if (!cpu_pids.empty()) return UINT32_MAX;   // the kernel looks at the CPU
  auto port = ports.find(in_port.host());
  auto& socket = port == ports.end() ? strays : port->second.upcalls;
  return socket ? socket->pid() : UINT32_MAX;
}

/// An interface that was deleted takes its vport along, which the kernel tells by this group.
void KernelDatapath::Impl::take_notices() {
  for (;;) {
    auto m = notices.receive();
    if (!m && m.error() == ENOBUFS) continue;
    if (!m) return;
    auto v = m->command == OVS_VPORT_CMD_DEL && m->dp_ifindex == dp.ifindex ? decode_vport(*m) : std::nullopt;
    auto port = v ? ports.find(v->port.value) : ports.end();
    if (port == ports.end() || port->second.device->name() != v->name) continue;
    kernel_log.info("{}: the interface of port {} has gone", name, v->name);
    port->second.attached = false;
    port->second.device->refresh_state();
  }
}

void KernelDatapath::Impl::take_link_events() {
  std::set<int> changed;
  bool all = false;
  alignas(nlmsghdr) char buffer[16384];
  for (;;) {
    ssize_t n = recv(links.get(), buffer, sizeof buffer, MSG_DONTWAIT);
    if (n < 0 && errno == ENOBUFS) {
      all = true;
      continue;
    }
    if (n <= 0) break;
    int left = static_cast<int>(n);
    for (auto* h = reinterpret_cast<const nlmsghdr*>(buffer); mnl_nlmsg_ok(h, left); h = mnl_nlmsg_next(h, &left))
      if (mnl_nlmsg_get_payload_len(h) >= sizeof(ifinfomsg)) changed.insert(static_cast<const ifinfomsg*>(mnl_nlmsg_get_payload(h))->ifi_index);
  }
  for (auto& [number, port] : ports)
    if (all || changed.contains(port.device->state().ifindex)) port.device->refresh_state();
  detach_renamed();
  reattach();
}

/// The kernel goes on with an interface that has another name now: the port is to be the one of its own name.
void KernelDatapath::Impl::detach_renamed() {
  for (auto& [number, port] : ports) {
    if (!port.attached || port.vport_type == OVS_VPORT_TYPE_INTERNAL || port.device->state().ifindex == port.ifindex) continue;
    kernel_log.info("{}: the interface of port {} has another name now, or has gone", name, port.device->name());
    if (dp.ifindex) vports.remove(dp.ifindex, port.number);
    port.attached = false;
  }
}

/// Ports whose interface had gone and is there again.
void KernelDatapath::Impl::reattach() {
  for (auto& [number, port] : ports) {
    if (port.attached || !dp.ifindex) continue;
    bool make = port.vport_type == OVS_VPORT_TYPE_INTERNAL;
    if (!make && !read_link(port.device->name())) continue;
    auto v = vports.add(dp.ifindex, port.device->name(), port.vport_type, port.number, port_pid(port));
    if (!v) continue;
    port.attached = true;
    port.device->refresh_state();
    port.ifindex = port.device->state().ifindex;
  }
}

}  // namespace sluice
