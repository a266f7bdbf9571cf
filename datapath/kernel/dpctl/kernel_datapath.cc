// SPDX-License-Identifier: Apache-2.0
// See kernel_datapath.h.
#include "datapath/kernel/dpctl/kernel_datapath.h"

#include <algorithm>

#include <fmt/core.h>
#include <net/if.h>

#include "datapath/kernel/ct_netlink.h"
#include "datapath/kernel/genl_socket.h"
#include "datapath/kernel/odp_netlink.h"
#include "datapath/kernel/odp_netlink_text.h"
#include "datapath/kernel/tunnel_link.h"
#include "datapath/kernel/vport.h"
#include "datapath/kernel/zone_limits.h"
#include "datapath/link.h"

namespace sluice {

struct KernelDpctlSource::Impl {
  GenlSocket socket;
  GenlFamilies families;
  int error = 0;
};

namespace {

struct VportType { std::string_view name; uint32_t type; };
constexpr VportType kVportTypes[] = {{"system", OVS_VPORT_TYPE_NETDEV}, {"internal", OVS_VPORT_TYPE_INTERNAL}, {"gre", OVS_VPORT_TYPE_GRE},
                                     {"vxlan", OVS_VPORT_TYPE_VXLAN}, {"geneve", OVS_VPORT_TYPE_GENEVE}};

std::optional<ByteView> find_part(const GenlMessage& m, uint16_t type) {
  auto a = Attrs(m.attrs).find(type);
  return a ? std::optional(a->data) : std::nullopt;
}

FlowStats stats_of(const GenlMessage& m) {
  FlowStats s;
  for (Attr a : Attrs(m.attrs)) {
    if (a.type == OVS_FLOW_ATTR_STATS)
      if (auto v = a.as<ovs_flow_stats>()) s.packets = v->n_packets, s.bytes = v->n_bytes;
    if (a.type == OVS_FLOW_ATTR_TCP_FLAGS) s.tcp_flags = a.as<uint8_t>().value_or(0);
    if (a.type == OVS_FLOW_ATTR_USED)
      if (auto v = a.as<uint64_t>()) s.used = Time(milliseconds(static_cast<int64_t>(*v)));
  }
  return s;
}

DpctlFlow flow_of(const GenlMessage& m, const OdpTextOptions& text) {
  DpctlFlow f{.ufid = {}, .key = {}, .actions = {}, .stats = stats_of(m)};
  if (auto ufid = Attrs(m.attrs).find(OVS_FLOW_ATTR_UFID)) f.ufid = ufid->as<Ufid>();
  auto key = find_part(m, OVS_FLOW_ATTR_KEY);
  if (key) {
    auto mask = find_part(m, OVS_FLOW_ATTR_MASK);
    f.key = format_odp_netlink_key(*key, mask, text);
    if (auto reading = decode_odp_key(*key)) f.flow = reading->flow;
    if (auto reading = mask ? decode_odp_mask(*mask, f.flow) : std::unexpected(std::string())) f.mask = reading->flow;
    if (!mask) std::memset(static_cast<void*>(&f.mask), 0xff, sizeof f.mask);
  }
  if (auto actions = find_part(m, OVS_FLOW_ATTR_ACTIONS))
    if (auto reading = decode_odp_actions(*actions)) {
      OdpTextOptions with_pid = text;
      with_pid.upcall_pid = reading->upcall_pid;
      f.actions = format_odp_actions(reading->actions, with_pid);
    }
  return f;
}

class KernelDpctl final : public DpctlDatapath {
 public:
  KernelDpctl(std::shared_ptr<GenlSocket> socket, const GenlFamilies& families, KernelDp dp)
      : socket_(std::move(socket)), families_(families), vports_(*socket_, families_), dp_(std::move(dp)) {}
  std::string type() const override { return "system"; }
  std::string name() const override { return dp_.name; }
  bool is_kernel() const override { return true; }
  int destroy() override { return vports_.delete_datapath(dp_.ifindex); }

  std::expected<DpifStats, int> stats() override {
    auto dp = vports_.get_datapath(dp_.ifindex);
    if (!dp) return std::unexpected(dp.error());
    return dp->stats;
  }
  std::vector<DpctlCache> caches() override {
    auto dp = vports_.get_datapath(dp_.ifindex);
    return dp && dp->masks_cache ? std::vector<DpctlCache>{{"masks-cache", *dp->masks_cache}} : std::vector<DpctlCache>{};
  }
  int set_cache_size(const std::string&, uint32_t size) override { return vports_.set_masks_cache(dp_, size ? std::bit_ceil(size) : 0); }

  std::expected<std::vector<DpctlPort>, int> ports() override;
  std::optional<NetdevStats> port_stats(const DpctlPort& port) override {
    auto link = read_link(port.name);
    return link ? std::optional(link->stats) : std::nullopt;
  }
  int can_open(const NetdevSpec& spec) override {
    if (spec.type == "internal") return 0;
    if (spec.type != "system" && !tunnel_link(spec)) return EAFNOSUPPORT;
    return spec.type == "system" && !if_nametoindex(spec.name.c_str()) ? ENODEV : 0;
  }
  int port_add(const NetdevSpec& spec, std::optional<OdpPort> wanted) override {
    auto tunnel = tunnel_link(spec);   // a device with the name of its kind, as the daemon makes it
    if (tunnel && !spec.options.contains("remote_ip")) return EINVAL;
    auto is_new = tunnel ? make_tunnel_link(*tunnel) : false;
    if (!is_new) return is_new.error();
    auto added = vports_.add(dp_.ifindex, tunnel ? tunnel->device() : spec.name, spec.type == "internal" ? OVS_VPORT_TYPE_INTERNAL : OVS_VPORT_TYPE_NETDEV, wanted, 0);
    if (!added && *is_new) delete_link(tunnel->device());
    return added ? 0 : added.error();
  }
  int port_del(OdpPort port) override {
    auto all = ports();
    int error = vports_.remove(dp_.ifindex, port);
    if (!error && all)
      for (const DpctlPort& p : *all)
        if (p.port == port && !tunnel_type_of(p.name).empty()) delete_link(p.name);
    return error;
  }

  int flow_put(const Put& put, FlowStats& old, Time now) override;
  int flow_del(const OdpKeyMask& key, FlowStats& old, Time now) override;
  std::expected<DpctlFlow, int> flow_get(const Ufid& ufid, const OdpTextOptions& text) override;
  int flow_flush(Time) override {
    auto done = request(OVS_FLOW_CMD_DEL, 0, [](AttrWriter&) {});
    return done ? 0 : done.error();
  }
  int flow_dump(const OdpTextOptions& text, const std::function<void(const DpctlFlow&)>& visit) override;

  int ct_dump(std::optional<uint16_t> zone, Time, const std::function<void(const CtEntry&)>& visit) override {
    auto ct = CtNetlink::open();
    return ct ? ct->dump(zone, [&](const CtEntry& e) { return visit(e), true; }) : ct.error();
  }
  int ct_flush(std::optional<uint16_t> zone, Time, const std::function<bool(const CtEntry&)>& which) override {
    auto ct = CtNetlink::open();
    auto ended = ct ? ct->flush(zone, which) : std::unexpected(ct.error());
    return !ended ? ended.error() : which && !*ended ? ENOENT : 0;
  }
  std::expected<std::vector<CtZoneLimit>, int> zone_limits(const std::vector<uint16_t>& zones) override;
  int set_zone_limits(const std::vector<CtZoneLimit>& limits) override;
  int del_zone_limits(const std::vector<uint16_t>& zones) override { return ZoneLimitRequests(*socket_).remove(dp_.ifindex, zones); }

 private:
  std::expected<GenlMessage, int> request(uint8_t command, uint16_t flags, const GenlSocket::Write& write) {
    return socket_->transact({families_.flow, command, OVS_FLOW_VERSION}, dp_.ifindex, flags, write);
  }
  std::shared_ptr<GenlSocket> socket_;
  GenlFamilies families_;
  VportRequests vports_;
  KernelDp dp_;
};

std::expected<std::vector<DpctlPort>, int> KernelDpctl::ports() {
  auto all = vports_.list(dp_.ifindex);
  if (!all) return std::unexpected(all.error());
  std::vector<DpctlPort> ports;
  for (const Vport& v : *all) {
    auto type = std::ranges::find(kVportTypes, v.type, &VportType::type);
    DpctlPort port{v.port, v.name, std::string(type == std::end(kVportTypes) ? "unknown" : type->name), {}};
    if (std::string tunnel = v.type == OVS_VPORT_TYPE_NETDEV ? tunnel_type_of(v.name) : ""; !tunnel.empty()) port.type = tunnel, port.options = {{"packet_type", "ptap"}};
    ports.push_back(std::move(port));
  }
  return ports;
}

int KernelDpctl::flow_put(const Put& put, FlowStats& old, Time) {
  uint8_t command = put.how == DpctlPut::kModify ? OVS_FLOW_CMD_SET : OVS_FLOW_CMD_NEW;
  uint16_t flags = NLM_F_ECHO;
  if (put.how != DpctlPut::kModify) flags |= NLM_F_CREATE;
  if (put.how == DpctlPut::kCreate) flags |= NLM_F_EXCL;
  ActionTrouble trouble = ActionTrouble::kNone;
  Bytes actions;
  AttrWriter actions_writer(actions);
  trouble = encode_odp_actions(put.actions, 0, {}, actions_writer);
  if (trouble != ActionTrouble::kNone) return trouble == ActionTrouble::kUnsupported ? EOPNOTSUPP : E2BIG;
  auto done = request(command, flags, [&](AttrWriter& w) {
    if (put.key.ufid) w.value(OVS_FLOW_ATTR_UFID, *put.key.ufid);
    w.nest(OVS_FLOW_ATTR_KEY, [&] { encode_given_odp_key(put.key, false, w); });
    w.nest(OVS_FLOW_ATTR_MASK, [&] { encode_given_odp_key(put.key, true, w); });
    w.put(OVS_FLOW_ATTR_ACTIONS, actions);
    if (put.clear) w.flag(OVS_FLOW_ATTR_CLEAR);
  });
  if (done) old = stats_of(*done);
  return done ? 0 : done.error();
}

int KernelDpctl::flow_del(const OdpKeyMask& key, FlowStats& old, Time) {
  auto done = request(OVS_FLOW_CMD_DEL, NLM_F_ECHO, [&](AttrWriter& w) {
    if (key.ufid) w.value(OVS_FLOW_ATTR_UFID, *key.ufid);
    else w.nest(OVS_FLOW_ATTR_KEY, [&] { encode_given_odp_key(key, false, w); });
  });
  if (done) old = stats_of(*done);
  return done ? 0 : done.error();
}

std::expected<DpctlFlow, int> KernelDpctl::flow_get(const Ufid& ufid, const OdpTextOptions& text) {
  auto reply = request(OVS_FLOW_CMD_GET, 0, [&](AttrWriter& w) { w.value(OVS_FLOW_ATTR_UFID, ufid); });
  if (!reply) return std::unexpected(reply.error());
  return flow_of(*reply, text);
}

int KernelDpctl::flow_dump(const OdpTextOptions& text, const std::function<void(const DpctlFlow&)>& visit) {
  std::vector<DpctlFlow> flows;   // a dump that is interrupted begins again
  int error = socket_->dump({families_.flow, OVS_FLOW_CMD_GET, OVS_FLOW_VERSION}, dp_.ifindex, [&] { flows.clear(); },
                            [&](const GenlMessage& m) { flows.push_back(flow_of(m, text)); });
  for (const DpctlFlow& f : flows) visit(f);
  return error;
}

std::expected<std::vector<CtZoneLimit>, int> KernelDpctl::zone_limits(const std::vector<uint16_t>& zones) {
  return ZoneLimitRequests(*socket_).get(dp_.ifindex, zones);
}

int KernelDpctl::set_zone_limits(const std::vector<CtZoneLimit>& limits) {
  return ZoneLimitRequests(*socket_).set(dp_.ifindex, limits);
}

}  // namespace

KernelDpctlSource::KernelDpctlSource() : impl_(std::make_shared<Impl>()) {
  auto socket = GenlSocket::open();
  if (socket) impl_->socket = std::move(*socket);
  auto families = socket ? GenlFamilies::resolve(impl_->socket) : std::unexpected(socket.error());
  if (families) impl_->families = *families;
  else impl_->error = families.error();
}
KernelDpctlSource::~KernelDpctlSource() = default;
int KernelDpctlSource::error() const { return impl_->error; }

std::vector<std::string> KernelDpctlSource::names() {
  std::vector<std::string> names;
  if (impl_->error) return names;
  impl_->socket.dump({impl_->families.datapath, OVS_DP_CMD_GET, OVS_DATAPATH_VERSION}, 0, [&] { names.clear(); }, [&](const GenlMessage& m) {
    if (auto dp = decode_datapath(m)) names.push_back("system@" + dp->name);
  });
  std::ranges::sort(names);
  return names;
}

std::expected<std::unique_ptr<DpctlDatapath>, int> KernelDpctlSource::open(const std::string& type, const std::string& name) {
  if (type != "system") return std::unexpected(type == "netdev" ? ENODEV : EAFNOSUPPORT);
  if (impl_->error) return std::unexpected(impl_->error);
  auto dp = VportRequests(impl_->socket, impl_->families).find_datapath(name);
  if (!dp) return std::unexpected(dp.error());
  return std::make_unique<KernelDpctl>(std::shared_ptr<GenlSocket>(impl_, &impl_->socket), impl_->families, *dp);
}

std::expected<std::unique_ptr<DpctlDatapath>, int> KernelDpctlSource::create(const std::string& type, const std::string& name) {
  if (type != "system") return std::unexpected(EAFNOSUPPORT);
  if (impl_->error) return std::unexpected(impl_->error);
  auto dp = VportRequests(impl_->socket, impl_->families).create_datapath(name);
  if (!dp) return std::unexpected(dp.error());
  return std::make_unique<KernelDpctl>(std::shared_ptr<GenlSocket>(impl_, &impl_->socket), impl_->families, *dp);
}

}  // namespace sluice
