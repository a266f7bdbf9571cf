// SPDX-License-Identifier: Apache-2.0
// The devices behind tunnel ports of a userspace datapath: they give a tunnel a port number.  Packets get in and out of tunnels by actions (OdpTunnelPush, OdpTunnelPop),
// never through the device.
#pragma once

#include "datapath/netdev.h"

namespace sluice {

/// vxlan, geneve, gre, ip6gre.
void add_tunnel_devices(NetdevFactory& factory);

}  // namespace sluice
