// SPDX-License-Identifier: Apache-2.0
// Ports of a userspace datapath.
#include "datapath/user/ports.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include <sys/epoll.h>
#include <unistd.h>

namespace sluice {

UserPorts::UserPorts(PacketPool& pool) : pool_(pool), epoll_(epoll_create1(EPOLL_CLOEXEC)) {}

UserPorts::~UserPorts() {
  if (epoll_ >= 0) close(epoll_);
}

/// Open vSwitch's test datapath: the first number in the name, bridges from 100 on; else, and otherwise, the lowest free one.
std::optional<OdpPort> UserPorts::choose_number(const std::string& name, bool dummy_numbers) const {
  auto digits = std::ranges::find_if(name, [](unsigned char c) { return std::isdigit(c); });
  if (dummy_numbers && digits != name.end()) {
    uint32_t n = 0;
    std::from_chars(&*digits, name.data() + name.size(), n);
    n = std::min(n, kMostPorts) + (name.starts_with("br") ? 100 : 0);
    if (n > 0 && n <= kMostPorts && !find(OdpPort{n})) return OdpPort{n};
  }
  for (uint32_t n = 1; n <= kMostPorts; n++)
    if (!find(OdpPort{n})) return OdpPort{n};
  return std::nullopt;
}

void UserPorts::add(OdpPort number, std::unique_ptr<Netdev> device) {
  if (number.value >= by_number_.size()) by_number_.resize(number.value + 1);
  int fd = device->rx_fd();
  auto port = std::make_unique<UserPort>(number, std::move(device), pool_);
  if (fd >= 0) {
    epoll_event event{.events = EPOLLIN, .data = {.ptr = port.get()}};
    epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
  } else {
    self_polled_.push_back(port.get());
  }
  by_number_[number.value] = std::move(port);
}

void UserPorts::remove(OdpPort number) {
  UserPort* port = find(number);
  if (!port) return;
  if (int fd = port->device->rx_fd(); fd >= 0) epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
  std::erase(self_polled_, port);
  std::erase(sending_, port);
  by_number_[number.value].reset();
}

std::vector<DpPort> UserPorts::list() const {
  std::vector<DpPort> all;
  for (auto& port : by_number_)
    if (port) all.push_back({port->number, port->device->name(), port->device->type()});
  return all;
}

void UserPorts::poll(Time now, std::vector<UserPort*>& ready) {
  epoll_event events[64];
  int n = epoll_wait(epoll_, events, std::size(events), 0);
  for (int i = 0; i < n; i++) ready.push_back(static_cast<UserPort*>(events[i].data.ptr));
  for (UserPort* port : self_polled_)
    if (port->device->has_packets(now)) ready.push_back(port);
}

Time UserPorts::next_packet(Time now) const {
  Time next = kNever;
  for (UserPort* port : self_polled_) {
    if (port->device->has_packets(now)) return now;
    next = std::min(next, port->device->next_packet());
  }
  return next;
}

void UserPorts::flush(Time now) {
  for (UserPort* port : sending_) port->device->send(now, port->to_send);
  sending_.clear();
}

}  // namespace sluice
