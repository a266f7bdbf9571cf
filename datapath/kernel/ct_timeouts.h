// SPDX-License-Identifier: Apache-2.0
// CtTimeoutPolicies: the timeouts of zones as objects of the kernel (nfnetlink's subsystem CTNETLINK_TIMEOUT), one for each protocol, which ct actions name.  They are of the
// network namespace, not of a datapath, and stay while a flow names them: what is wanted no more is deleted once that is over.
// Threads: the control thread.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

#include "datapath/ct_settings.h"
#include "datapath/kernel/nf_netlink.h"

namespace sluice {

class CtTimeoutPolicies {
 public:
  /// 0 or errno: some of them could not be had, and the kernel would refuse flows that name them.
  int configure(const CtSettings& settings);
  /// Of a connection of this protocol; "": the kernel has none for it.  Nothing: the zone has no timeouts.
  std::optional<std::string> name(uint16_t zone, bool ipv6, uint8_t proto) const;
  /// Deletes of the others those that no flow names any more.
  void delete_unused();
  bool has_unused() const { return !unused_.empty(); }

 private:
  NfNetlink* socket();
  int make(uint16_t zone, const CtTimeouts& timeouts);
  void find_those_of_earlier_times();
  std::optional<NfNetlink> socket_;
  std::map<uint16_t, CtTimeouts> zones_;
  std::set<std::string> unused_;
};

}  // namespace sluice
