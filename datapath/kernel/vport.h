// SPDX-License-Identifier: Apache-2.0
// What the kernel says of its datapath and of its ports, and the requests about them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <linux/openvswitch.h>

#include "datapath/dpif.h"
#include "datapath/kernel/genl_socket.h"

namespace sluice {

struct KernelDp {
  int ifindex = 0;             // names it in all requests
  std::string name;
  DpifStats stats;
  uint32_t features = 0;       // OVS_DP_F_*
  std::vector<uint32_t> cpu_pids;        // where upcalls go, by CPU; empty: each port says
  std::optional<uint32_t> masks_cache;   // its size; nothing: the kernel has none
};

struct Vport {
  OdpPort port;
  uint32_t type = OVS_VPORT_TYPE_UNSPEC;
  std::string name;
  int ifindex = 0;
  std::vector<uint32_t> upcall_pids;   // netlink addresses
};

std::optional<KernelDp> decode_datapath(const GenlMessage& m);
std::optional<Vport> decode_vport(const GenlMessage& m);

/// The requests, by one socket.  Errors: errno.
class VportRequests {
 public:
  VportRequests(GenlSocket& socket, const GenlFamilies& families) : socket_(socket), families_(families) {}
  /// Finds it by name, or makes it.  cpu_pids: where upcalls of each CPU go; empty: each port says.  (Kernels before 5.15 refuse the former, or don't say that they do it.)
  std::expected<KernelDp, int> open_datapath(const std::string& name, const std::vector<uint32_t>& cpu_pids);
  std::expected<KernelDp, int> create_datapath(const std::string& name);   // EEXIST if it is there
  std::expected<KernelDp, int> find_datapath(const std::string& name);     // ENODEV if it is not
  std::expected<KernelDp, int> get_datapath(int dp_ifindex);
  int set_masks_cache(const KernelDp& dp, uint32_t size);
  int delete_datapath(int dp_ifindex);
  std::expected<Vport, int> add(int dp_ifindex, const std::string& name, uint32_t type, std::optional<OdpPort> port, uint32_t upcall_pid);
  int set_upcall_pid(int dp_ifindex, OdpPort port, uint32_t upcall_pid);
  int remove(int dp_ifindex, OdpPort port);
  std::expected<std::vector<Vport>, int> list(int dp_ifindex);

 private:
  GenlSocket& socket_;
  const GenlFamilies& families_;
};

}  // namespace sluice
