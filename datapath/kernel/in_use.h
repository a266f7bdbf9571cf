// SPDX-License-Identifier: Apache-2.0
// Whether another daemon is at work on a datapath of the kernel: then the sockets that its upcalls go to are open.  Sockets of one that died are gone.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "datapath/kernel/vport.h"

namespace sluice {

/// True if one of these netlink addresses is in `table`, the text of /proc/net/netlink (addresses of generic netlink alone count).
bool has_netlink_socket(std::string_view table, std::span<const uint32_t> addresses);
bool is_in_use(const KernelDp& dp, const std::vector<Vport>& ports);

}  // namespace sluice
