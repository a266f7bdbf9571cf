// SPDX-License-Identifier: Apache-2.0
// A generic netlink family of openvswitch.ko that not every kernel has: its number is asked for at the first request.
#pragma once

#include <cstdint>
#include <expected>

#include "datapath/kernel/genl_socket.h"

namespace sluice {

class OptionalFamily {
 public:
  /// name: static.
  OptionalFamily(GenlSocket& socket, const char* name, uint8_t version) : socket_(socket), name_(name), version_(version) {}
  /// Errors: errno; EOPNOTSUPP: the module has no such family.
  std::expected<GenlMessage, int> transact(int dp_ifindex, uint8_t command, const GenlSocket::Write& write);
  /// The module was unloaded: its families have other numbers when it is back.
  void forget() { number_ = 0; }

 private:
  GenlSocket& socket_;
  const char* name_;
  uint8_t version_;
  uint16_t number_ = 0;
};

}  // namespace sluice
