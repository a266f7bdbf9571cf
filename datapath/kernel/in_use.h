// SPDX-License-Identifier: Apache-2.0
// Whether another daemon is at work on a datapath of the kernel.  Then sockets of it are open: those that upcalls go to, or one that hears of ports (multicast group
// ovs_vport).  Either is enough: Open vSwitch has no upcall sockets yet when it is young.  Sockets of a daemon that died are gone.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "datapath/kernel/vport.h"

namespace sluice {

/// True if `table`, the text of /proc/net/netlink, has a socket of generic netlink with one of these addresses, or one that is in that multicast group (0: none; the table
/// shows the first 32).
bool has_netlink_socket(std::string_view table, std::span<const uint32_t> addresses, uint32_t group);
/// REQUIRES: we have not joined the group ourselves.
bool is_in_use(const KernelDp& dp, const std::vector<Vport>& ports, uint32_t vport_group);

}  // namespace sluice
