// SPDX-License-Identifier: Apache-2.0
// See kernel_device.h.
#include "datapath/kernel/kernel_device.h"

#include "datapath/link.h"

namespace sluice {

KernelDevice::KernelDevice(std::string name, std::string type) : name_(std::move(name)), type_(std::move(type)) {
  refresh_state();
  read_link_settings(name_, state_);
  state_.link_resets = 0;
}

NetdevStats KernelDevice::stats() const {
  auto link = read_link(name_);
  return link ? link->stats : NetdevStats{};
}

void KernelDevice::refresh_state() {
  auto link = read_link(name_);
  NetdevState fresh = link ? link->state : state_;
  if (!link) {
    fresh.admin_up = fresh.link_up = false;
    fresh.ifindex = 0;
  }
  if (fresh.link_up != state_.link_up) state_.link_resets++;
  bool other_device = fresh.ifindex != state_.ifindex && fresh.ifindex;
  update_state(state_, fresh);
  if (other_device) read_link_settings(name_, state_);
}

int KernelDevice::set_mac(const MacAddr& mac) {
  int error = set_link_mac(name_, mac);
  refresh_state();
  return error;
}

int KernelDevice::set_mtu(int mtu) {
  int error = set_link_mtu(name_, mtu);
  refresh_state();
  return error;
}

int KernelDevice::set_admin_up(bool up) {
  int error = set_link_up(name_, up);
  refresh_state();
  return error;
}

}  // namespace sluice
