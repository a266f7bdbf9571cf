// SPDX-License-Identifier: Apache-2.0
// KernelDevice: the network interface behind a port of openvswitch.ko.  The kernel moves its packets; this only tells of it and sets it.
#pragma once

#include <string>

#include "datapath/netdev.h"

namespace sluice {

class KernelDevice final : public Netdev {
 public:
  KernelDevice(std::string name, std::string type);
  const std::string& name() const override { return name_; }
  const std::string& type() const override { return type_; }
  void receive(Time, PacketBatch&) override {}
  void send(Time, PacketBatch& packets) override { packets.clear(); }
  NetdevStats stats() const override;
  const NetdevState& state() const override { return state_; }
  void refresh_state() override;
  int set_mac(const MacAddr& mac) override;
  int set_mtu(int mtu) override;
  int set_admin_up(bool up) override;
  bool reconfigure(const NetdevSpec&) override { return true; }

 private:
  std::string name_, type_;
  NetdevState state_;
};

}  // namespace sluice
