// SPDX-License-Identifier: Apache-2.0
// NfNetlink: a socket to nfnetlink, which has a subsystem for each part of netfilter.  Errors are errno values.  Threads: the owner's.
#pragma once

#include <expected>
#include <functional>

#include "datapath/kernel/netlink_attr.h"
#include "lib/files.h"

namespace sluice {

class NfNetlink {
 public:
  /// subsystem: NFNL_SUBSYS_*.
  static std::expected<NfNetlink, int> open(uint8_t subsystem);
  using Write = std::function<void(AttrWriter&)>;
  /// 0 or what the kernel says.
  int request(uint8_t command, uint16_t flags, uint8_t family, const Write& write);
  /// Calls for the attributes of each object, and tells whether things changed meanwhile: some may be missing or there twice.
  std::expected<bool, int> dump(uint8_t command, const std::function<void(ByteView)>& visit);

 private:
  int send(uint8_t command, uint16_t flags, uint8_t family, const Write& write);
  int receive(const std::function<void(const nlmsghdr*)>& visit);
  UniqueFd fd_;
  uint8_t subsystem_ = 0;
  uint32_t seq_ = 0;
};

}  // namespace sluice
