// SPDX-License-Identifier: Apache-2.0
// Kinds of tunnels.  All tunnels of one kind and UDP port share one device and one port of the datapath.
#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>

namespace sluice {

enum class TunnelKind : uint8_t { kVxlan, kGeneve, kGre, kIp6Gre, kErspan, kIp6Erspan };

struct TunnelKindRow {
  TunnelKind kind;
  std::string_view type;        // of Interface
  std::string_view device;      // is called so, with the UDP port behind it
  uint16_t default_port;        // IANA's; 0: not over UDP
};
inline constexpr TunnelKindRow kTunnelKinds[] = {
    {TunnelKind::kVxlan, "vxlan", "vxlan_sys", 4789},
    {TunnelKind::kGeneve, "geneve", "genev_sys", 6081},
    {TunnelKind::kGre, "gre", "gre_sys", 0},
    {TunnelKind::kIp6Gre, "ip6gre", "ip6gre_sys", 0},
    {TunnelKind::kErspan, "erspan", "erspan_sys", 0},
    {TunnelKind::kIp6Erspan, "ip6erspan", "ip6erspan_sys", 0},
};
inline bool is_erspan(TunnelKind kind) { return kind == TunnelKind::kErspan || kind == TunnelKind::kIp6Erspan; }
inline const TunnelKindRow& tunnel_kind(TunnelKind kind) { return kTunnelKinds[static_cast<size_t>(kind)]; }
/// Of options:exts of a VXLAN tunnel.
inline constexpr std::string_view kGbpExtension = "gbp";
/// Null: that is no type of tunnel.
inline const TunnelKindRow* find_tunnel_kind(std::string_view type) {
  auto* row = std::ranges::find(kTunnelKinds, type, &TunnelKindRow::type);
  return row == std::end(kTunnelKinds) ? nullptr : row;
}
/// As Open vSwitch names it: vxlan_sys_4789, gre_sys.
inline std::string tunnel_device_name(TunnelKind kind, uint16_t port) {
  return std::string(tunnel_kind(kind).device) + (port ? "_" + std::to_string(port) : "");
}

}  // namespace sluice
