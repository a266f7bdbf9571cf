// SPDX-License-Identifier: Apache-2.0
// Devices of the kernel: network interfaces through packet sockets (type "system"), and tun/tap devices that we make ("tap", "internal").
#pragma once

#include "datapath/netdev.h"

namespace sluice {

/// Type "system".
void add_system_devices(NetdevFactory& factory);
/// Types "tap" and "internal" (which is a tap here, and says so in type()).
void add_tap_devices(NetdevFactory& factory);

}  // namespace sluice
