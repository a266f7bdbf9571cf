// SPDX-License-Identifier: Apache-2.0
// Devices for tests: frames come from netdev-dummy/receive (or a pcap file) and are counted, and written to a pcap file on request, when sent.
//
// Types "dummy", "dummy-internal", "dummy-pmd".  Options: pcap=FILE (received and sent), rxq_pcap=FILE, tx_pcap=FILE.
// MAC addresses are aa:55:aa:55:00:NN in the order of opening.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "datapath/netdev.h"

namespace sluice {

class DummyDevice;

/// The dummy devices that are open, by name.  REQUIRES: outlives the devices.
class DummyDevices {
 public:
  DummyDevice* find(const std::string& name) const;
  std::vector<DummyDevice*> all() const;

 private:
  friend class DummyDevice;
  std::map<std::string, DummyDevice*> by_name_;
  uint32_t opened_ = 0;
};

class DummyDevice : public Netdev {
 public:
  /// Puts a frame into the receive queue; false if the device is down or the queue full (counted as dropped).
  virtual bool inject(Packet packet) = 0;
  /// netdev-dummy/set-admin-state.
  virtual void set_link(bool up) = 0;
};

void add_dummy_devices(NetdevFactory& factory, DummyDevices& devices);
/// --enable-dummy=system: "system" devices are dummies; =override: "tap" and "internal" too.
void override_with_dummies(NetdevFactory& factory, DummyDevices& devices, bool system_only);

}  // namespace sluice
