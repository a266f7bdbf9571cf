// SPDX-License-Identifier: Apache-2.0
// Devices for tests: frames come from netdev-dummy/receive, what is sent is counted and vanishes.
//
// Types "dummy", "dummy-internal", "dummy-pmd".  Options name pcap files that record: rxq_pcap=FILE what is received, tx_pcap=FILE what is sent, pcap=FILE both.
// MAC addresses are aa:55:aa:55:00:NN in the order of opening.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "datapath/netdev.h"
#include "datapath/pcap_file.h"

namespace sluice {

class DummyDevice;

/// The dummy devices that are open, by name.  REQUIRES: outlives the devices.
class DummyDevices {
 public:
  DummyDevice* find(const std::string& name) const;
  std::vector<DummyDevice*> all() const;
  /// Called with each frame that a dummy device sends.
  void on_sent(std::function<void(const std::string& device, ByteView frame)> fn) { on_sent_ = std::move(fn); }

 private:
  friend class DummyDevice;
  std::map<std::string, DummyDevice*> by_name_;
  uint32_t opened_ = 0;  // ever: gives MAC addresses
  std::function<void(const std::string&, ByteView)> on_sent_;
};

class DummyDevice final : public Netdev {
 public:
  DummyDevice(const NetdevSpec& spec, DummyDevices& devices);
  ~DummyDevice() override;

  /// Puts a frame into the receive queue; false if the device is down or the queue full (counted as dropped).
  bool inject(Packet packet);
  /// Opens the files that the options name; an error text, or nothing.
  std::string open_files(const NetdevSpec& spec);

  const std::string& name() const override { return name_; }
  const std::string& type() const override { return type_; }
  bool has_packets(Time) const override { return !queue_.empty(); }
  void receive(Time now, PacketBatch& out) override;
  void send(Time now, PacketBatch& packets) override;
  NetdevStats stats() const override;
  const NetdevState& state() const override { return state_; }
  int set_mac(const MacAddr& mac) override;
  int set_mtu(int mtu) override;
  int set_admin_up(bool up) override;  // also netdev-dummy/set-admin-state
  bool reconfigure(const NetdevSpec& spec) override;

 private:
  std::string name_, type_;
  DummyDevices& devices_;
  NetdevState state_;
  NetdevStats stats_;
  std::deque<Packet> queue_;
  std::string rx_path_, tx_path_;
  std::shared_ptr<PcapWriter> rx_file_, tx_file_;  // one, if both go to the same file
};

void add_dummy_devices(NetdevFactory& factory, DummyDevices& devices);
/// --enable-dummy=system: "system" devices are dummies; =override: "tap" and "internal" too.
void override_with_dummies(NetdevFactory& factory, DummyDevices& devices, bool system_only);

}  // namespace sluice
