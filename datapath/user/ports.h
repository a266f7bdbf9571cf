// SPDX-License-Identifier: Apache-2.0
// The ports of a userspace datapath: devices by number, which of them have packets, and what waits to be sent in this burst.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "datapath/dpif.h"
#include "datapath/netdev.h"

namespace sluice {

struct UserPort {
  UserPort(OdpPort no, std::unique_ptr<Netdev> d, PacketPool& pool) : number(no), device(std::move(d)), to_send(pool) {}
  OdpPort number;
  std::unique_ptr<Netdev> device;
  PacketBatch to_send;
};

class UserPorts {
 public:
  explicit UserPorts(PacketPool& pool);
  ~UserPorts();

  std::optional<OdpPort> choose_number(const std::string& name, bool dummy_numbers) const;
  /// REQUIRES: `number` is free and at most kMostPorts.
  void add(OdpPort number, std::unique_ptr<Netdev> device);
  void remove(OdpPort number);
  UserPort* find(OdpPort number) const { return number.value < by_number_.size() ? by_number_[number.value].get() : nullptr; }
  std::vector<DpPort> list() const;

  /// Appends the ports that may have packets.
  void poll(Time now, std::vector<UserPort*>& ready);
  Time next_packet(Time now) const;
  int wait_fd() const { return epoll_; }

  /// Gives one reference of `p` to the port's output of this burst; drops if there is no such port.
  __attribute__((always_inline)) void send(uint32_t number, Packet* p) {
    UserPort* port = number < by_number_.size() ? by_number_[number].get() : nullptr;
    if (!port) [[unlikely]] return pool_.give(p);
    if (port->to_send.empty()) sending_.push_back(port);
    port->to_send.add_owned(p);
  }
  /// Hands what send() collected to the devices.
  void flush(Time now);

  static constexpr uint32_t kMostPorts = UINT16_MAX;

 private:
  PacketPool& pool_;
  std::vector<std::unique_ptr<UserPort>> by_number_;
  std::vector<UserPort*> self_polled_;   // devices without a descriptor
  std::vector<UserPort*> sending_;
  int epoll_;
};

}  // namespace sluice
