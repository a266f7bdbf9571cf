// SPDX-License-Identifier: Apache-2.0
// Life of the kernel datapath: opened, watched, made again after the module was unloaded.
#include "datapath/kernel/kernel_datapath.h"

#include <cerrno>
#include <cstring>

#include <linux/rtnetlink.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/sysinfo.h>

#include "datapath/kernel/ct_netlink.h"
#include "datapath/kernel/in_use.h"
#include "datapath/kernel/kernel_impl.h"
#include "datapath/kernel/probe.h"

namespace sluice {

Log kernel_log("dpif");

namespace {

std::string explain(int error) {
  if (error == ENOENT) return "the kernel module openvswitch is not there (try: modprobe openvswitch)";
  if (error == EPERM || error == EACCES) return "no permission to use the kernel module openvswitch (it takes CAP_NET_ADMIN)";
  if (error == EBUSY) return "another daemon is at work on the kernel datapath (is an ovs-vswitchd running?)";
  return fmt::format("the kernel module openvswitch does not answer ({})", std::strerror(error));
}

UniqueFd open_link_socket() {
  UniqueFd fd(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE));
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = RTMGRP_LINK;
  if (fd && bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address)) fd.reset();
  return fd;
}

}  // namespace

KernelDatapath::KernelDatapath(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
KernelDatapath::~KernelDatapath() = default;

KernelDatapath::Options::Options() : handler_threads(usual_handler_threads()), per_cpu_upcalls(handler_threads > 0) {}

std::expected<std::unique_ptr<KernelDatapath>, std::string> KernelDatapath::open(const Options& options) {
  auto impl = std::make_unique<Impl>();
  impl->name = options.name;
  impl->wants_cpus = options.per_cpu_upcalls;
  auto handlers = UpcallHandlers::start(options.handler_threads);
  if (!handlers) return std::unexpected(explain(handlers.error()));
  impl->handlers = std::move(*handlers);
  impl->epoll.reset(epoll_create1(EPOLL_CLOEXEC));
  impl->links = open_link_socket();
  impl->direct.open();
  if (auto connected = impl->connect(); !connected) return std::unexpected(explain(connected.error()));
  impl->watch(impl->handlers->fd(), kUpcallsTag);
  if (impl->links) impl->watch(impl->links.get(), kLinksTag);
  return std::unique_ptr<KernelDatapath>(new KernelDatapath(std::move(impl)));
}

/// Sockets, families, the datapath, and what it has of earlier times.
std::expected<void, int> KernelDatapath::Impl::connect() {
  for (GenlSocket* s : {&control, &batch, &notices}) {
    auto opened = GenlSocket::open();
    if (!opened) return std::unexpected(opened.error());
    *s = std::move(*opened);
  }
  auto resolved = GenlFamilies::resolve(control);
  if (!resolved) return std::unexpected(resolved.error());
  families = *resolved;
  if (auto there = vports.find_datapath(name)) {
    auto list = vports.list(there->ifindex);
    if (is_in_use(*there, list ? *list : std::vector<Vport>{}, families.vport_group)) return std::unexpected(EBUSY);
  }
  notices.join(families.vport_group);
  watch(notices.fd(), kNoticesTag);
  if (int error = make_sockets()) return std::unexpected(error);
  if (auto opened = open_datapath(); !opened) return opened;
  if (auto all = vports.list(dp.ifindex)) found = std::move(*all);
  std::erase_if(found, [](const Vport& v) { return v.port == kOdpLocal; });
  meters.forget();
  meter_features = meters.features(dp.ifindex);
  for (auto& [id, meter] : meter_configs) (void)meters.set(dp.ifindex, id, meter);
  set_zone_limits(limit_changes({}, ct_settings));
  ProbeResult probed = probe_kernel(control, families, dp.ifindex);
  features = probed.features;
  shapes.forget();
  handlers->set_direct(!wants_cpus);
  handlers->set_format(families.packet, features.vlan_tags);
  std::string line;
  for (auto& [feature, value] : probed.text) line += (line.empty() ? "" : ", ") + feature + ": " + value;
  if (feature_text != probed.text) kernel_log.info("{}: {}", name, line);
  feature_text = std::move(probed.text);
  return {};
}

/// Sockets that packets of each CPU may be sent to; they stay for all time.
int KernelDatapath::Impl::make_sockets() {
  if (!wants_cpus || !cpu_pids.empty()) return 0;
  std::vector<uint32_t> pids;
  for (size_t i = 0; i < handlers->size(); i++) {
    auto socket = handlers->add_socket(kCpuBuffer);
    if (!socket) return socket.error();
    pids.push_back((*socket)->pid());
  }
  for (size_t cpu = 0; cpu < static_cast<size_t>(get_nprocs_conf()); cpu++) cpu_pids.push_back(pids[cpu % pids.size()]);
  return 0;
}

/// Makes the datapath, also anew where it was deleted with its last port.
std::expected<void, int> KernelDatapath::Impl::open_datapath() {
  if (dp.ifindex) return {};
  auto datapath = wants_cpus ? vports.open_datapath(name, cpu_pids) : std::unexpected(EOPNOTSUPP);
  if (wants_cpus && (!datapath ? datapath.error() == EOPNOTSUPP || datapath.error() == EINVAL : datapath->cpu_pids != cpu_pids)) wants_cpus = false, cpu_pids.clear();
  if (!wants_cpus) datapath = vports.open_datapath(name, {});
  if (!datapath) return std::unexpected(datapath.error());
  dp = *datapath;
  kernel_log.info("{}: upcalls {}", name, wants_cpus ? fmt::format("of {} CPUs to {} handlers", cpu_pids.size(), handlers->size()) : "of each port to a socket of its own");
  if (!wants_cpus && !strays)
    if (auto socket = handlers->add_socket(kPortBuffer)) strays = *socket;
  // A packet that we executed and that comes up again is of the local port if it is of none: that of a packet-out with in_port=CONTROLLER, or of a port that has gone.
  if (strays)
    if (int error = vports.set_upcall_pid(dp.ifindex, kOdpLocal, strays->pid())) kernel_log.warn("{}: packets that come from no port will be lost ({})", name, std::strerror(error));
  return {};
}

const std::string& KernelDatapath::type() const {
  static const std::string kType = "system";
  return kType;
}
const std::string& KernelDatapath::name() const { return impl_->name; }
std::vector<std::pair<std::string, std::string>> KernelDatapath::features() const { return impl_->feature_text; }
int KernelDatapath::wait_fd() const { return impl_->epoll.get(); }
DpMeterFeatures KernelDatapath::meter_features() const { return impl_->meter_features; }

int KernelDatapath::meter_set(uint32_t id, const DpMeter& meter, Time) {
  if (!impl_->open_datapath()) return ENODEV;
  if (int error = impl_->meters.set(impl_->dp.ifindex, id, meter)) return error;
  impl_->meter_configs[id] = meter;
  return 0;
}

void KernelDatapath::meter_del(uint32_t id) {
  impl_->meter_configs.erase(id);
  if (impl_->dp.ifindex) (void)impl_->meters.remove(impl_->dp.ifindex, id);
}

std::optional<DpMeterStats> KernelDatapath::meter_stats(uint32_t id) {
  impl_->flush();
  auto stats = impl_->dp.ifindex ? impl_->meters.get(impl_->dp.ifindex, id) : std::unexpected(ENODEV);
  return stats ? std::optional(*stats) : std::nullopt;
}

// The kernel's tracker is no part of the datapath: a socket for the while is enough.
void KernelDatapath::ct_dump(std::optional<uint16_t> zone, Time, const std::function<bool(const CtEntry&)>& visit) {
  if (auto ct = CtNetlink::open()) ct->dump(zone, visit);
}

size_t KernelDatapath::ct_flush(std::optional<uint16_t> zone, Time, const std::function<bool(const CtEntry&)>& which) {
  auto ct = CtNetlink::open();
  return ct ? ct->flush(zone, which).value_or(0) : 0;
}

void KernelDatapath::Impl::set_zone_limits(const CtLimitChanges& changes) {
  if (!dp.ifindex || (changes.set.empty() && changes.removed.empty())) return;
  ZoneLimitRequests requests(control);
  int error = changes.set.empty() ? 0 : requests.set(dp.ifindex, changes.set);
  if (!error && !changes.removed.empty()) error = requests.remove(dp.ifindex, changes.removed);
  if (error) kernel_log.warn("{}: the kernel does not take limits of connection tracking zones ({})", name, std::strerror(error));
}

void KernelDatapath::ct_configure(const CtSettings& settings) {
  Impl& d = *impl_;
  d.set_zone_limits(limit_changes(d.ct_settings, settings));
  if (int error = d.timeouts.configure(settings)) kernel_log.warn("{}: the kernel does not take timeouts of connection tracking zones ({})", d.name, std::strerror(error));
  d.ct_settings = settings;
}

std::optional<std::string> KernelDatapath::ct_timeout_policy(uint16_t zone, bool ipv6, uint8_t proto) const { return impl_->timeouts.name(zone, ipv6, proto); }

void KernelDatapath::set_upcall_handler(UpcallHandler* handler) { impl_->handler = handler; }
void KernelDatapath::set_generation(uint64_t generation, Time now) { impl_->generation = generation, impl_->now = now; }

void KernelDatapath::complete(Time now) {
  impl_->now = now;
  impl_->flush();
}

DpifStats KernelDatapath::stats() const {
  impl_->flush();
  auto dp = impl_->dp.ifindex ? impl_->vports.get_datapath(impl_->dp.ifindex) : std::unexpected(ENODEV);
  DpifStats s = dp ? dp->stats : DpifStats{};
  s.lost += impl_->handlers->lost();
  return s;
}

// --- the loop ---

bool KernelDatapath::run(Time now) {
  Impl& d = *impl_;
  d.now = now;
  d.flush();
  if (now >= d.next_health) {
    d.next_health = now + kHealthInterval;
    d.check_health();
    d.warn_of_losses();
    d.timeouts.delete_unused();
  }
  epoll_event events[4];
  int n = epoll_wait(d.epoll.get(), events, std::size(events), 0);
  for (int i = 0; i < n; i++) {
    if (events[i].data.u64 == kNoticesTag) d.take_notices();
    if (events[i].data.u64 == kLinksTag) d.take_link_events();
  }
  d.more = d.take_upcalls(now);
  d.flush();
  return d.more;
}

Time KernelDatapath::deadline(Time now) const {
  const Impl& d = *impl_;
  return d.more || !d.pending.empty() || !d.direct.is_empty() ? now : d.ports.empty() ? kNever : d.next_health;
}

void KernelDatapath::Impl::check_health() {
  if (ports.empty()) return;
  if (dp.ifindex) {
    auto there = vports.get_datapath(dp.ifindex);
    if (there || there.error() == EINTR || there.error() == ENOBUFS) return;
    kernel_log.warn("{}: the kernel datapath is gone ({}): module unloaded, or deleted by another", name, std::strerror(there.error()));
    lost_datapath();
  }
  std::vector<Vport> none;
  if (auto again = connect(); !again) return;   // the module may come back
  kernel_log.info("{}: the kernel datapath is back, attaching {} ports", name, ports.size());
  found.clear();
  reattach();
}

/// The kernel has forgotten all of it.
void KernelDatapath::Impl::lost_datapath() {
  dp.ifindex = 0;
  pending.clear();
  pending_puts.clear();
  dumps.clear();
  for (size_t i = 0; i < flows.slots(); i++)
    if (KernelFlow* f = flows.slot(i)) end_flow(Ufid(f->ufid), now);
  for (auto& [number, port] : ports) port.attached = false, port.device->refresh_state();
}

}  // namespace sluice
