// SPDX-License-Identifier: Apache-2.0
// The devices behind tunnel ports of a userspace datapath: they give a tunnel a port number.  There is no way for packets yet:
// what is sent is counted as dropped.
#pragma once

#include "datapath/netdev.h"

namespace sluice {

/// Of all kinds.
void add_tunnel_devices(NetdevFactory& factory);

}  // namespace sluice
