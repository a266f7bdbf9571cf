// SPDX-License-Identifier: Apache-2.0
// See status.h.
#include "vswitchd/status.h"

#include <fmt/core.h>

#include "lib/program.h"
#include "vswitchd/dp_features.h"
#include "vswitchd/schema_rows.h"

namespace sluice {
namespace {

using schema::BridgeColumn;
using schema::ControllerColumn;
using schema::InterfaceColumn;
using schema::Open_vSwitchColumn;

std::optional<std::string> text_if(bool known, std::string text) { return known ? std::optional(std::move(text)) : std::nullopt; }

std::map<std::string, int64_t> statistics_of(const NetdevStats& s) {
  std::map<std::string, int64_t> m;
  auto put = [&](const char* name, uint64_t v) { m[name] = static_cast<int64_t>(v); };
  put("rx_packets", s.rx_packets), put("rx_bytes", s.rx_bytes), put("tx_packets", s.tx_packets), put("tx_bytes", s.tx_bytes);
  if (s.tells_losses) put("rx_dropped", s.rx_dropped), put("rx_errors", s.rx_errors), put("tx_dropped", s.tx_dropped), put("tx_errors", s.tx_errors);
  auto put_if = [&](const char* name, const std::optional<uint64_t>& v) {
    if (v) put(name, *v);
  };
  put_if("rx_frame_err", s.rx_frame_err), put_if("rx_over_err", s.rx_over_err), put_if("rx_crc_err", s.rx_crc_err);
  put_if("rx_missed_errors", s.rx_missed_errors), put_if("collisions", s.collisions);
  for (const auto& [name, v] : s.custom) put(name.c_str(), v);
  return m;
}

/// The columns of an interface that is not there, or not there yet.
void write_failed(ovsdb::ClientTransaction& txn, const Uuid& row, const std::string& error) {
  set(txn, row, InterfaceColumn::ofport, int64_t{-1});
  set(txn, row, InterfaceColumn::error, text_if(!error.empty(), error));
  for (InterfaceColumn c : {InterfaceColumn::admin_state, InterfaceColumn::link_state, InterfaceColumn::duplex, InterfaceColumn::ifindex, InterfaceColumn::link_speed,
                            InterfaceColumn::mac_in_use, InterfaceColumn::mtu, InterfaceColumn::link_resets, InterfaceColumn::status, InterfaceColumn::statistics})
    clear(txn, row, c);
}

void write_interface(ovsdb::ClientTransaction& txn, const Uuid& row, const InterfaceStatus& s, bool statistics) {
  if (s.ofport == OFPP_NONE) return write_failed(txn, row, s.error);
  bool is_patch = s.type == "patch";
  set(txn, row, InterfaceColumn::ofport, static_cast<int64_t>(s.ofport == OFPP_LOCAL ? 65534 : s.ofport.value));
  set(txn, row, InterfaceColumn::error, text_if(!s.error.empty(), s.error));
  set(txn, row, InterfaceColumn::admin_state, text_if(true, s.state.admin_up ? "up" : "down"));
  set(txn, row, InterfaceColumn::link_state, text_if(true, s.state.link_up ? "up" : "down"));
  set(txn, row, InterfaceColumn::duplex, text_if(s.state.full_duplex.has_value(), s.state.full_duplex.value_or(false) ? "full" : "half"));
  set(txn, row, InterfaceColumn::ifindex, std::optional<int64_t>(s.state.ifindex));
  set(txn, row, InterfaceColumn::link_speed, s.state.link_speed_bps ? std::optional(static_cast<int64_t>(s.state.link_speed_bps)) : std::nullopt);
  set(txn, row, InterfaceColumn::mac_in_use, text_if(true, format(s.state.mac)));
  set(txn, row, InterfaceColumn::mtu, is_patch ? std::nullopt : std::optional<int64_t>(s.state.mtu));
  set(txn, row, InterfaceColumn::link_resets, std::optional<int64_t>(static_cast<int64_t>(s.state.link_resets)));
  set(txn, row, InterfaceColumn::status, s.state.status);
  if (statistics) set(txn, row, InterfaceColumn::statistics, statistics_of(s.stats));
}

std::string_view role_name(ofp::Role role) {
  return role == ofp::Role::kPrimary ? "master" : role == ofp::Role::kSecondary ? "slave" : "other";
}

}  // namespace

void StatusWriter::root(const Config& config, const std::vector<std::string>& datapath_types, const std::vector<std::string>& interface_types) {
  set(txn, config.root, Open_vSwitchColumn::cur_cfg, config.next_cfg);
  set(txn, config.root, Open_vSwitchColumn::ovs_version, std::optional(std::string(kCompatVersion)));
  set(txn, config.root, Open_vSwitchColumn::datapath_types, datapath_types);
  set(txn, config.root, Open_vSwitchColumn::iface_types, interface_types);
  set(txn, config.root, Open_vSwitchColumn::dpdk_initialized, false);
  set(txn, config.root, Open_vSwitchColumn::dpdk_version, std::optional(std::string("none")));
}

void StatusWriter::bridge(const BridgeConfig& config, const Bridge* bridge, const std::string& datapath_version, const std::string& fallback) {
  set(txn, config.row, BridgeColumn::datapath_id, text_if(bridge, bridge ? fmt::format("{:016x}", bridge->datapath_id()) : ""));
  set(txn, config.row, BridgeColumn::datapath_version, bridge ? datapath_version : "");
  std::map<std::string, std::string> status;
  if (!fallback.empty()) status["datapath_fallback"] = fallback;
  set(txn, config.row, BridgeColumn::status, status);
  if (bridge && statistics) mirrors(config, *bridge);
  for (const auto& [name, interface] : config.interfaces) {
    if (interface.row.is_zero()) continue;
    auto status = bridge ? bridge->interface_status(name) : std::nullopt;
    status ? write_interface(txn, interface.row, *status, statistics) : write_failed(txn, interface.row, "");
  }
}

void StatusWriter::mirrors(const BridgeConfig& config, const Bridge& bridge) {
  for (const MirrorSettings& m : config.settings.mirrors) {
    MirrorStatistics s = bridge.mirror_statistics(m.id);
    set(txn, m.id, schema::MirrorColumn::statistics, std::map<std::string, int64_t>{{"tx_bytes", static_cast<int64_t>(s.bytes)}, {"tx_packets", static_cast<int64_t>(s.packets)}});
  }
}

void StatusWriter::datapaths(const Datapaths& datapaths) {
  auto root = schema::only<schema::Open_vSwitch>(replica);
  if (!root) return;
  for (auto& [type, row] : root->datapaths())
    if (const Switch* sw = datapaths.opened(std::string(type))) set(txn, row, schema::DatapathColumn::capabilities, datapath_capabilities(*sw));
}

void StatusWriter::controllers(const BridgeConfig& config, const std::vector<ControllerStatus>& status) {
  for (const ControllerConfig& c : config.controllers)
    for (const ControllerStatus& s : status) {
      if (s.target != c.settings.target) continue;
      set(txn, c.row, ControllerColumn::is_connected, s.is_connected);
      set(txn, c.row, ControllerColumn::role, text_if(s.role.has_value(), std::string(role_name(s.role.value_or(ofp::Role::kEqual)))));
      // The seconds count up: once in a statistics interval is enough for them.
      auto row = schema::get<schema::Controller>(replica, c.row);
      auto state = s.status.find("state");
      bool changed = !row || row->status().get("state") != (state == s.status.end() ? "" : state->second) || row->is_connected() != s.is_connected;
      if (statistics || changed) set(txn, c.row, ControllerColumn::status, s.status);
    }
}

}  // namespace sluice
