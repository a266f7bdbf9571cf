// SPDX-License-Identifier: Apache-2.0
// See link_monitor.h.
#include "vswitchd/link_monitor.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

namespace sluice {

LinkMonitor::LinkMonitor(Loop& loop, Callback<void()> on_change)
    : fd_(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE)), on_change_(std::move(on_change)) {
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = RTMGRP_LINK;
  if (!fd_ || bind(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    fd_.reset();
    return;
  }
  watch_ = loop.watch(fd_.get(), true, false, [this](bool, bool) { read(); }, "link monitor");
}

/// The messages are only a bell: they are drained, lost ones (ENOBUFS) ring as well.
void LinkMonitor::read() {
  char buffer[16384];
  while (recv(fd_.get(), buffer, sizeof buffer, MSG_DONTWAIT) > 0) {
  }
  on_change_();
}

}  // namespace sluice
