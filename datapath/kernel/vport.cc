// SPDX-License-Identifier: Apache-2.0
// See vport.h.
#include "datapath/kernel/vport.h"

#include <cerrno>
#include <span>

namespace sluice {

namespace {

std::vector<uint32_t> integers_of(const Attr& a) {
  std::vector<uint32_t> all(a.data.size() / sizeof(uint32_t));
  if (!all.empty()) std::memcpy(all.data(), a.data.data(), all.size() * sizeof(uint32_t));
  return all;
}

}  // namespace

std::optional<KernelDp> decode_datapath(const GenlMessage& m) {
  KernelDp dp{.ifindex = m.dp_ifindex, .name = {}, .stats = {}};
  for (Attr a : Attrs(m.attrs)) {
    if (a.type == OVS_DP_ATTR_NAME) dp.name = a.text();
    if (a.type == OVS_DP_ATTR_USER_FEATURES) dp.features = a.as<uint32_t>().value_or(0);
    if (a.type == OVS_DP_ATTR_PER_CPU_PIDS) dp.cpu_pids = integers_of(a);
    if (a.type == OVS_DP_ATTR_MASKS_CACHE_SIZE) dp.masks_cache = a.as<uint32_t>();
    if (a.type == OVS_DP_ATTR_STATS)
      if (auto s = a.as<ovs_dp_stats>()) dp.stats.hit = s->n_hit, dp.stats.missed = s->n_missed, dp.stats.lost = s->n_lost, dp.stats.flows = s->n_flows;
    if (a.type == OVS_DP_ATTR_MEGAFLOW_STATS)
      if (auto s = a.as<ovs_dp_megaflow_stats>()) dp.stats.mask_hit = s->n_mask_hit, dp.stats.masks = s->n_masks, dp.stats.cache_hit = s->n_cache_hit;
  }
  return dp.name.empty() ? std::nullopt : std::optional(dp);
}

std::optional<Vport> decode_vport(const GenlMessage& m) {
  Vport v;
  bool has_number = false;
  for (Attr a : Attrs(m.attrs)) {
    if (a.type == OVS_VPORT_ATTR_PORT_NO && a.as<uint32_t>()) v.port.value = *a.as<uint32_t>(), has_number = true;
    if (a.type == OVS_VPORT_ATTR_TYPE) v.type = a.as<uint32_t>().value_or(0);
    if (a.type == OVS_VPORT_ATTR_UPCALL_PID) v.upcall_pids = integers_of(a);
    if (a.type == OVS_VPORT_ATTR_NAME) v.name = a.text();
    if (a.type == OVS_VPORT_ATTR_IFINDEX) v.ifindex = static_cast<int>(a.as<uint32_t>().value_or(0));
  }
  return has_number && !v.name.empty() ? std::optional(v) : std::nullopt;
}

namespace {

GenlSocket::Write write_datapath(const std::string& name, std::span<const uint32_t> cpu_pids) {
  return [&name, cpu_pids](AttrWriter& w) {
    w.put(OVS_DP_ATTR_NAME, name);
    w.value(OVS_DP_ATTR_UPCALL_PID, uint32_t{0});
    w.value(OVS_DP_ATTR_USER_FEATURES, uint32_t{OVS_DP_F_UNALIGNED} | (cpu_pids.empty() ? OVS_DP_F_VPORT_PIDS : OVS_DP_F_DISPATCH_UPCALL_PER_CPU));
    if (!cpu_pids.empty()) w.put(OVS_DP_ATTR_PER_CPU_PIDS, cpu_pids.data(), cpu_pids.size_bytes());
  };
}

std::expected<KernelDp, int> datapath_of(const std::expected<GenlMessage, int>& reply) {
  if (!reply) return std::unexpected(reply.error());
  auto dp = decode_datapath(*reply);
  return dp ? std::expected<KernelDp, int>(*dp) : std::unexpected(EBADMSG);
}

}  // namespace

std::expected<KernelDp, int> VportRequests::create_datapath(const std::string& name) {
  return datapath_of(socket_.transact({families_.datapath, OVS_DP_CMD_NEW, OVS_DATAPATH_VERSION}, 0, NLM_F_ECHO, write_datapath(name, {})));
}

std::expected<KernelDp, int> VportRequests::find_datapath(const std::string& name) {
  return datapath_of(socket_.transact({families_.datapath, OVS_DP_CMD_GET, OVS_DATAPATH_VERSION}, 0, 0, [&](AttrWriter& w) { w.put(OVS_DP_ATTR_NAME, name); }));
}

int VportRequests::set_masks_cache(const KernelDp& dp, uint32_t size) {
  auto reply = socket_.transact({families_.datapath, OVS_DP_CMD_SET, OVS_DATAPATH_VERSION}, dp.ifindex, 0, [&](AttrWriter& w) {
    w.value(OVS_DP_ATTR_USER_FEATURES, dp.features);   // else they would be cleared
    w.value(OVS_DP_ATTR_MASKS_CACHE_SIZE, size);
  });
  return reply ? 0 : reply.error();
}

std::expected<KernelDp, int> VportRequests::open_datapath(const std::string& name, const std::vector<uint32_t>& cpu_pids) {
  auto write = write_datapath(name, cpu_pids);
  auto reply = socket_.transact({families_.datapath, OVS_DP_CMD_NEW, OVS_DATAPATH_VERSION}, 0, NLM_F_ECHO, write);
  if (!reply && (reply.error() == EEXIST || reply.error() == EBUSY))
    reply = socket_.transact({families_.datapath, OVS_DP_CMD_SET, OVS_DATAPATH_VERSION}, 0, NLM_F_ECHO, write);
  return datapath_of(reply);
}

std::expected<KernelDp, int> VportRequests::get_datapath(int dp_ifindex) {
  return datapath_of(socket_.transact({families_.datapath, OVS_DP_CMD_GET, OVS_DATAPATH_VERSION}, dp_ifindex, 0, [](AttrWriter&) {}));
}

int VportRequests::delete_datapath(int dp_ifindex) {
  auto reply = socket_.transact({families_.datapath, OVS_DP_CMD_DEL, OVS_DATAPATH_VERSION}, dp_ifindex, 0, [](AttrWriter&) {});
  return reply ? 0 : reply.error();
}

std::expected<Vport, int> VportRequests::add(int dp_ifindex, const std::string& name, uint32_t type, std::optional<OdpPort> port, uint32_t upcall_pid) {
  auto reply = socket_.transact({families_.vport, OVS_VPORT_CMD_NEW, OVS_VPORT_VERSION}, dp_ifindex, NLM_F_ECHO, [&](AttrWriter& w) {
    w.put(OVS_VPORT_ATTR_NAME, name);
    w.value(OVS_VPORT_ATTR_TYPE, type);
    if (port) w.value(OVS_VPORT_ATTR_PORT_NO, port->value);
    w.value(OVS_VPORT_ATTR_UPCALL_PID, upcall_pid);
  });
  if (!reply) return std::unexpected(reply.error());
  auto v = decode_vport(*reply);
  if (!v) return std::unexpected(EBADMSG);
  return *v;
}

int VportRequests::set_upcall_pid(int dp_ifindex, OdpPort port, uint32_t upcall_pid) {
  auto reply = socket_.transact({families_.vport, OVS_VPORT_CMD_SET, OVS_VPORT_VERSION}, dp_ifindex, 0, [&](AttrWriter& w) {
    w.value(OVS_VPORT_ATTR_PORT_NO, port.value);
    w.value(OVS_VPORT_ATTR_UPCALL_PID, upcall_pid);
  });
  return reply ? 0 : reply.error();
}

int VportRequests::remove(int dp_ifindex, OdpPort port) {
  auto reply = socket_.transact({families_.vport, OVS_VPORT_CMD_DEL, OVS_VPORT_VERSION}, dp_ifindex, 0, [&](AttrWriter& w) { w.value(OVS_VPORT_ATTR_PORT_NO, port.value); });
  return reply ? 0 : reply.error();
}

std::expected<std::vector<Vport>, int> VportRequests::list(int dp_ifindex) {
  std::vector<Vport> all;
  int error = socket_.dump({families_.vport, OVS_VPORT_CMD_GET, OVS_VPORT_VERSION}, dp_ifindex, [&] { all.clear(); }, [&](const GenlMessage& m) {
    if (auto v = decode_vport(m)) all.push_back(*v);
  });
  if (error) return std::unexpected(error);
  return all;
}

}  // namespace sluice
