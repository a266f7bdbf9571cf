// SPDX-License-Identifier: Apache-2.0
// Network devices of the kernel that send packets through tunnels, with the outer headers told by each packet ("external metadata").  One device serves all tunnels of its
// protocol and destination port; in the datapath it is a port as any other.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>

#include "datapath/netdev.h"
#include "datapath/tunnel_kind.h"

namespace sluice {

struct TunnelLink {
  TunnelKind kind;
  uint16_t dst_port = 0;       // UDP; 0: the protocol has none
  bool gbp = false;            // VXLAN with a group policy
  std::string device() const { return tunnel_device_name(kind, dst_port); }
};

/// Nothing if it isn't a tunnel, or not one that the kernel has such devices for.  options: dst_port, exts.
std::optional<TunnelLink> tunnel_link(const NetdevSpec& spec);
/// The type of tunnel whose device has that name; empty: none.
std::string tunnel_type_of(const std::string& device);
/// Makes the device, up, of the largest MTU; one of that name that is there is taken (false).  Errno; EOPNOTSUPP: the kernel has no such devices.
std::expected<bool, int> make_tunnel_link(const TunnelLink& tunnel);
int delete_link(const std::string& name);

}  // namespace sluice
