// SPDX-License-Identifier: Apache-2.0
// See in_use.h.
#include "datapath/kernel/in_use.h"

#include <algorithm>
#include <fstream>
#include <sstream>

#include <linux/netlink.h>

namespace sluice {

bool has_netlink_socket(std::string_view table, std::span<const uint32_t> addresses, uint32_t group) {
  uint32_t group_bit = group >= 1 && group <= 32 ? uint32_t{1} << (group - 1) : 0;
  std::istringstream lines{std::string(table)};
  std::string line, kernel_address;
  std::getline(lines, line);   // headings: sk Eth Pid Groups ...
  while (std::getline(lines, line)) {
    std::istringstream words(line);
    unsigned protocol = 0;
    uint32_t address = 0, groups = 0;
    if (!(words >> kernel_address >> protocol >> address >> std::hex >> groups) || protocol != NETLINK_GENERIC || !address) continue;
    if (groups & group_bit || std::ranges::find(addresses, address) != addresses.end()) return true;
  }
  return false;
}

bool is_in_use(const KernelDp& dp, const std::vector<Vport>& ports, uint32_t vport_group) {
  std::vector<uint32_t> addresses = dp.cpu_pids;
  for (const Vport& v : ports) addresses.insert(addresses.end(), v.upcall_pids.begin(), v.upcall_pids.end());
  std::ifstream file("/proc/net/netlink");
  std::stringstream table;
  table << file.rdbuf();
  return has_netlink_socket(table.str(), addresses, vport_group);
}

}  // namespace sluice
