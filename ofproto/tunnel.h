// SPDX-License-Identifier: Apache-2.0
// Tunnel interfaces: what their options say, which of them a packet that came out of a tunnel is of, and what a packet that goes into one gets.
//
// All tunnels of one kind and UDP port share one port of the datapath (vxlan_sys_4789): packets are told apart by addresses and key.
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "datapath/flow.h"
#include "datapath/netdev.h"
#include "datapath/port_no.h"
#include "datapath/tunnel_kind.h"

namespace sluice {

struct TunnelSettings {
  TunnelKind kind = TunnelKind::kVxlan;
  /// Nothing: whatever the packet has ("flow").
  struct Address { bool flow = false; bool v6 = false; be32 ip; Ipv6Addr ip6{}; friend bool operator==(const Address&, const Address&) = default; };
  struct Key { bool present = false, flow = false; uint64_t value = 0; friend bool operator==(const Key&, const Key&) = default; };
  Address remote, local;        // local: zero address and not flow: any
  Key in_key, out_key;
  uint16_t dst_port = 0;
  uint8_t tos = 0, ttl = 64;
  bool tos_inherit = false, ttl_inherit = false, df = true, csum = false;
  uint32_t egress_mark = 0;
  bool sets_mark = false;
  bool gbp = false;             // VXLAN: packets have a group policy, which is tun_gbp_id and tun_gbp_flags
  /// What ERSPAN's header says besides; nothing: as the packet has it ("flow").
  struct Erspan {
    std::optional<uint8_t> version = uint8_t{0}, direction = uint8_t{0}, hardware = uint8_t{0};
    std::optional<uint32_t> index = 0u;
    bool is_fixed() const { return version && (*version == 1 ? index.has_value() : direction && hardware); }
    friend bool operator==(const Erspan&, const Erspan&) = default;
  };
  Erspan erspan;
  friend bool operator==(const TunnelSettings&, const TunnelSettings&) = default;

  const TunnelKindRow& row() const { return tunnel_kind(kind); }
  /// The device that the datapath has for all tunnels of the kind.
  NetdevSpec vport() const;
  /// "key=5, remote_ip=1.1.1.1": what is not default, as dpif/show has it.
  std::string options_text() const;
  /// "vxlan: ::->1.1.1.1, key=0x5, legacy_l2, dp port=4789, ttl=64", as ofproto/list-tunnels has it.
  std::string describe(OdpPort odp) const;
};
/// The error is that of the Interface row.
std::expected<TunnelSettings, std::string> parse_tunnel(const NetdevSpec& spec);

/// How well a received packet's tunnel fits: 0 not at all, the higher the more of it is said by the settings.
unsigned tunnel_fit(const TunnelSettings& settings, const FlowTunnel& packet);
/// Two that a packet could not be told to be of.
bool same_tunnel_match(const TunnelSettings& a, const TunnelSettings& b);

}  // namespace sluice
