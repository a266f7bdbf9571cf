// SPDX-License-Identifier: Apache-2.0
// A Dpif of this process as dpctl sees it: the userspace datapath.
#pragma once

#include "datapath/kernel/dpctl/datapath.h"

namespace sluice {

class DpifDpctl final : public DpctlDatapath {
 public:
  struct Hooks {
    NetdevFactory* factory = nullptr;
    /// Installs a flow so that it stays until revalidation decides; null: into the datapath alone.
    std::function<SlowReason(const Flow& key, const Flow& mask, const OdpActions& actions, Time now)> put;
    std::function<void()> destroy;   // null: bridges use it, it stays
    std::string local_type;          // of port 0, which is the datapath's own
  };
  DpifDpctl(Dpif& dpif, Hooks hooks) : dpif_(dpif), hooks_(std::move(hooks)) {}

  std::string type() const override { return dpif_.type(); }
  std::string name() const override { return dpif_.name(); }
  bool is_kernel() const override { return dpif_.is_kernel(); }
  int destroy() override;
  std::expected<DpifStats, int> stats() override { return dpif_.stats(); }
  std::expected<std::vector<DpctlPort>, int> ports() override;
  std::optional<NetdevStats> port_stats(const DpctlPort& port) override;
  int can_open(const NetdevSpec& spec) override;
  int port_add(const NetdevSpec& spec, std::optional<OdpPort> wanted) override;
  int port_del(OdpPort port) override;
  int flow_put(const Put& put, FlowStats& old, Time now) override;
  int flow_del(const OdpKeyMask& key, FlowStats& old, Time now) override;
  std::expected<DpctlFlow, int> flow_get(const Ufid& ufid, const OdpTextOptions& text) override;
  int flow_flush(Time now) override;
  int flow_dump(const OdpTextOptions& text, const std::function<void(const DpctlFlow&)>& visit) override;

  int ct_dump(std::optional<uint16_t> zone, Time now, const std::function<void(const CtEntry&)>& visit) override;
  int ct_flush(std::optional<uint16_t> zone, Time now, const std::function<bool(const CtEntry&)>& which) override;
  std::optional<CtStats> ct_stats() override { return dpif_.ct_stats(); }
  int ct_set_max_connections(uint32_t n) override { return dpif_.ct_set_max_connections(n) ? 0 : EOPNOTSUPP; }
  int ct_set_tcp_sequence_check(bool on) override { return dpif_.ct_set_tcp_sequence_check(on) ? 0 : EOPNOTSUPP; }
  std::expected<std::vector<CtZoneLimit>, int> zone_limits(const std::vector<uint16_t>& zones) override;
  int set_zone_limits(const std::vector<CtZoneLimit>& limits) override;
  int del_zone_limits(const std::vector<uint16_t>& zones) override;

 private:
  /// The narrowest flow of which `is_it` is true.
  std::optional<Megaflow> find(const std::function<bool(const Megaflow&)>& is_it);
  Dpif& dpif_;
  Hooks hooks_;
};

}  // namespace sluice
