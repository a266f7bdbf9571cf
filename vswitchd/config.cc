// SPDX-License-Identifier: Apache-2.0
// See config.h.
#include "vswitchd/config.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>

#include "ofproto/classifier.h"
#include "ofproto/openflow/text.h"
#include "ofproto/openflow/version.h"
#include "vswitchd/schema_rows.h"

namespace sluice {
namespace {

using ovsdb::DatumRef;

/// An integer of a string map, within its range; `fallback` if it is missing or no number.
int64_t get_int(DatumRef map, std::string_view key, int64_t fallback, int64_t least, int64_t most) {
  std::string_view text = map.get(key);
  int64_t v = fallback;
  bool hex = text.starts_with("0x");
  if (hex) text.remove_prefix(2);
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), v, hex ? 16 : 10);
  if (error != std::errc() || end != text.data() + text.size()) return fallback;
  return std::clamp(v, least, most);
}

bool get_bool(DatumRef map, std::string_view key, bool fallback) {
  std::string_view text = map.get(key);
  return fallback ? text != "false" : text == "true";
}

std::map<std::string, std::string> to_map(DatumRef d) {
  std::map<std::string, std::string> m;
  for (size_t i = 0, n = d.size(); i < n; i++) m.emplace(d.key(i).string(), d.value(i).string());
  return m;
}

VlanSet to_vlans(const std::vector<int64_t>& list, bool all_if_empty) {
  VlanSet set;
  for (int64_t v : list)
    if (v >= 0 && v < 4096) set.set(static_cast<size_t>(v));
  return list.empty() && all_if_empty ? VlanSet().set() : set;
}

/// 16 hex digits, or 0x and a number; 0 if it is neither.
uint64_t parse_datapath_id(std::string_view text) {
  uint64_t id = 0;
  bool prefixed = text.starts_with("0x");
  if (prefixed) text.remove_prefix(2);
  if (!prefixed && text.size() != 16) return 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id, 16);
  return error == std::errc() && end == text.data() + text.size() ? id : 0;
}

InterfaceConfig read_interface(const schema::Interface& row, const BridgeSettings& bridge) {
  InterfaceConfig c{.row = row.uuid(), .settings = {}};
  NetdevSpec& device = c.settings.device;
  device.name = row.name();
  device.type = row.type().empty() ? "system" : row.type();
  if (device.name == bridge.name) device.type = "internal";
  device.options = to_map(row.options());
  if (auto mac = row.mac()) device.mac = parse_mac(*mac);
  if (auto mtu = row.mtu_request()) device.mtu = static_cast<int>(*mtu);
  if (auto wanted = row.ofport_request()) c.settings.ofport_request = static_cast<uint32_t>(*wanted);
  if (device.type == "patch") c.settings.patch_peer = row.options().get("peer");
  if (bridge.hwaddr && device.name == bridge.name) device.mac = bridge.hwaddr;
  return c;
}

PortSettings read_port(const schema::Port& row) {
  PortSettings p{.name = std::string(row.name())};
  auto tag = row.tag();
  auto mode = row.vlan_mode();
  p.vlan_mode = !mode               ? (tag ? VlanMode::kAccess : VlanMode::kTrunk)
                : *mode == "access" ? VlanMode::kAccess
                : *mode == "trunk"  ? VlanMode::kTrunk
                : *mode == "native-tagged"   ? VlanMode::kNativeTagged
                : *mode == "native-untagged" ? VlanMode::kNativeUntagged
                                             : VlanMode::kDot1qTunnel;
  p.tag = static_cast<uint16_t>(tag.value_or(0));
  p.trunks = to_vlans(row.trunks(), true);
  if (p.vlan_mode == VlanMode::kNativeTagged || p.vlan_mode == VlanMode::kNativeUntagged) p.trunks.reset(0).set(p.tag);
  p.cvlans = to_vlans(row.cvlans(), true);
  p.qinq_8021q = row.other_config().get("qinq-ethtype") == "802.1q";
  p.is_protected = row.protected_();
  std::string_view tags = row.other_config().get("priority-tags");
  p.priority_tags = tags == "always" ? PriorityTags::kAlways : tags == "if-nonzero" || tags == "true" ? PriorityTags::kIfNonzero : PriorityTags::kNever;
  return p;
}

ControllerConfig read_controller(const schema::Controller& row) {
  ControllerConfig c{.row = row.uuid(), .settings = {.target = std::string(row.target())}};
  if (auto type = row.type()) c.settings.service = *type == "service";
  c.settings.max_backoff = milliseconds(row.max_backoff().value_or(8000));
  if (auto probe = row.inactivity_probe()) c.settings.probe_interval = *probe > 0 ? milliseconds(std::max<int64_t>(*probe, 1000)) : Duration{};
  c.settings.async_messages = row.enable_async_messages().value_or(true);
  c.settings.dscp = static_cast<int>(get_int(row.other_config(), "dscp", 48, 0, 63));
  return c;
}

MirrorSettings read_mirror(const ovsdb::Replica& replica, const schema::Mirror& row) {
  MirrorSettings m{.id = row.uuid(), .select_all = row.select_all()};
  auto names = [&](const std::vector<Uuid>& ports) {
    std::vector<std::string> out;
    for (const Uuid& p : ports)
      if (auto port = schema::get<schema::Port>(replica, p)) out.emplace_back(port->name());
    return out;
  };
  m.in_ports = names(row.select_src_port());
  m.out_ports = names(row.select_dst_port());
  m.vlans = to_vlans(row.select_vlan(), false);
  if (auto port = row.output_port() ? schema::get<schema::Port>(replica, *row.output_port()) : std::nullopt) m.output_port = port->name();
  m.output_vlan = static_cast<uint16_t>(row.output_vlan().value_or(0));
  if (auto n = row.snaplen(); n && *n < UINT16_MAX) m.snaplen = static_cast<uint16_t>(*n);
  m.filter = row.filter().value_or("");
  return m;
}

/// Flow_Table, prefixes.
std::optional<std::vector<ofp::FieldId>> read_prefixes(const schema::Flow_Table& table, std::string_view bridge, std::vector<std::string>& problems) {
  std::vector<ofp::FieldId> fields;
  for (std::string_view name : table.prefixes()) {
    if (name == "none") return std::vector<ofp::FieldId>();
    const ofp::Field* field = ofp::field_by_name(name);
    if (!field || !Classifier::is_prefix_field(field->id))
      problems.push_back(fmt::format("bridge {}: 'prefixes' with {} field: {}", bridge, field ? "incompatible" : "unknown", name));
    else if (std::ranges::find(fields, field->id) == fields.end())
      fields.push_back(field->id);
  }
  return fields.empty() ? std::nullopt : std::optional(std::move(fields));
}

BridgeSettings read_bridge_settings(const ovsdb::Replica& replica, const schema::Bridge& row, std::vector<std::string>& problems) {
  BridgeSettings s{.name = std::string(row.name()), .datapath_type = std::string(row.datapath_type())};
  DatumRef other = row.other_config();
  s.datapath_id = parse_datapath_id(other.get("datapath-id"));
  s.hwaddr = parse_mac(other.get("hwaddr"));
  s.fail_mode = row.fail_mode() == "secure" ? FailMode::kSecure : FailMode::kStandalone;
  ofp::VersionSet versions = 0;
  for (std::string_view name : row.protocols())
    if (auto v = ofp::parse_version(name)) versions |= ofp::version_bit(*v);
  s.versions = versions ? versions : ofp::kAllVersions;
  s.mac_aging_s = static_cast<uint32_t>(get_int(other, "mac-aging-time", 300, 15, 3600));
  s.mac_table_size = static_cast<uint32_t>(get_int(other, "mac-table-size", 8192, 10, 1000000));
  s.forward_bpdu = get_bool(other, "forward-bpdu", false);
  s.flood_vlans = to_vlans(row.flood_vlans(), false);
  s.dp_desc = other.get("dp-desc");
  s.serial = other.get("dp-sn");
  for (auto [number, uuid] : row.flow_tables())
    if (auto table = schema::get<schema::Flow_Table>(replica, uuid); table && number >= 0 && number <= 254) {
      FlowTableSettings& t = s.flow_tables[static_cast<uint8_t>(number)];
      t.name = table->name().value_or("");
      if (auto limit = table->flow_limit()) t.flow_limit = static_cast<uint32_t>(std::min<int64_t>(*limit, UINT32_MAX));
      t.evict = table->overflow_policy() == "evict";
      t.prefixes = read_prefixes(*table, s.name, problems);
      for (std::string_view group : table->groups())
        if (auto field = ofp::parse_subfield(group)) t.groups.push_back(*field);
    }
  for (const Uuid& uuid : row.mirrors())
    if (auto mirror = schema::get<schema::Mirror>(replica, uuid)) s.mirrors.push_back(read_mirror(replica, *mirror));
  return s;
}

BridgeConfig read_bridge(const ovsdb::Replica& replica, const schema::Bridge& row, std::vector<std::string>& problems) {
  BridgeConfig b{.row = row.uuid(), .settings = read_bridge_settings(replica, row, problems)};
  for (const Uuid& uuid : row.ports()) {
    auto port = schema::get<schema::Port>(replica, uuid);
    if (!port) continue;
    PortConfig p{.row = uuid, .settings = read_port(*port)};
    for (const Uuid& i : port->interfaces()) {
      auto interface = schema::get<schema::Interface>(replica, i);
      if (!interface || interface->name().empty()) continue;
      std::string name(interface->name());
      if (!b.interfaces.emplace(name, read_interface(*interface, b.settings)).second) {
        problems.push_back(fmt::format("interface {} is in several ports of bridge {}", name, b.settings.name));
        continue;
      }
      p.settings.interfaces.push_back(name);
    }
    if (p.settings.interfaces.empty()) {
      problems.push_back(fmt::format("bridge {}: port {} has no interfaces", b.settings.name, p.settings.name));
      continue;
    }
    std::ranges::sort(p.settings.interfaces);
    b.ports.emplace(p.settings.name, std::move(p));
  }
  for (const Uuid& uuid : row.controller())
    if (auto controller = schema::get<schema::Controller>(replica, uuid)) b.controllers.push_back(read_controller(*controller));
  // A bridge without a row for its local port has one all the same.
  if (!b.interfaces.contains(b.settings.name)) {
    InterfaceConfig local{.row = {}, .settings = {.device = {.name = b.settings.name, .type = "internal", .options = {}, .mac = b.settings.hwaddr, .mtu = {}}, .ofport_request = {}, .patch_peer = {}}};
    b.interfaces.emplace(b.settings.name, local);
    b.ports.emplace(b.settings.name, PortConfig{.row = {}, .settings = {.name = b.settings.name, .interfaces = {b.settings.name}}});
  }
  return b;
}

CtTimeouts read_timeouts(const schema::CT_Timeout_Policy& row) {
  CtTimeouts timeouts;
  for (auto& [name, wanted] : row.timeouts())
    if (auto phase = std::ranges::find(kCtPhaseNames, name); phase != std::end(kCtPhaseNames)) timeouts[static_cast<size_t>(phase - kCtPhaseNames)] = static_cast<uint32_t>(wanted);
  return timeouts;
}

CtSettings read_tracking(const ovsdb::Replica& replica, const schema::Datapath& row) {
  CtSettings s;
  auto limit_of = [](std::optional<int64_t> n) { return n ? std::optional(static_cast<uint32_t>(*n)) : std::nullopt; };
  s.default_limit = limit_of(row.ct_zone_default_limit());
  for (auto& [id, uuid] : row.ct_zones()) {
    auto zone = schema::get<schema::CT_Zone>(replica, uuid);
    if (!zone) continue;
    CtZoneSettings& z = s.zones[static_cast<uint16_t>(id)];
    z.limit = limit_of(zone->limit());
    if (auto policy = zone->timeout_policy() ? schema::get<schema::CT_Timeout_Policy>(replica, *zone->timeout_policy()) : std::nullopt) z.timeouts = read_timeouts(*policy);
  }
  return s;
}

}  // namespace

Config read_config(const ovsdb::Replica& replica) {
  Config c;
  auto root = schema::only<schema::Open_vSwitch>(replica);
  if (!root) return c;
  c.root = root->uuid();
  c.next_cfg = root->next_cfg();
  DatumRef other = root->other_config();
  c.stats_interval_ms = get_int(other, "stats-update-interval", 5000, 5000, INT32_MAX);
  c.max_idle_ms = get_int(other, "max-idle", 10000, 500, INT32_MAX);
  c.flow_limit = get_int(other, "flow-limit", 1 << 20, 1, INT32_MAX);
  c.bundle_idle_s = get_int(other, "bundle-idle-timeout", 10, 1, INT32_MAX);
  c.flow_restore_wait = get_bool(other, "flow-restore-wait", false);
  c.datapath_fallback = get_bool(other, "datapath-fallback", true);
  if (auto ssl = root->ssl() ? schema::get<schema::SSL>(replica, *root->ssl()) : std::nullopt) {
    c.tls.private_key = ssl->private_key();
    c.tls.certificate = ssl->certificate();
    c.tls.ca_cert = ssl->ca_cert();
    c.tls.bootstrap_ca_cert = ssl->bootstrap_ca_cert();
  }
  for (auto& [type, uuid] : root->datapaths())
    if (auto datapath = schema::get<schema::Datapath>(replica, uuid)) c.tracking[std::string(type)] = read_tracking(replica, *datapath);
  for (const Uuid& uuid : root->bridges()) {
    auto bridge = schema::get<schema::Bridge>(replica, uuid);
    if (!bridge || bridge->name().empty()) continue;
    std::string name(bridge->name());
    if (name.find_first_of("/\\") != std::string::npos) {
      c.problems.push_back(fmt::format("ignoring bridge with invalid name \"{}\": names may not contain slashes", name));
      continue;
    }
    c.bridges.emplace(name, read_bridge(replica, *bridge, c.problems));
  }
  return c;
}

}  // namespace sluice
