// SPDX-License-Identifier: Apache-2.0
// Finding out what this kernel's openvswitch.ko can: each feature is tried with a flow that is deleted again (OVS_FLOW_ATTR_PROBE keeps the kernel from logging it).
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "datapath/kernel/genl_socket.h"
#include "datapath/kernel/odp_netlink.h"

namespace sluice {

struct ProbeResult {
  KernelFeatures features;
  std::vector<std::pair<std::string, std::string>> text;   // as dpif/show-dp-features tells it
};

ProbeResult probe_kernel(GenlSocket& socket, const GenlFamilies& families, int dp_ifindex);

}  // namespace sluice
