// SPDX-License-Identifier: Apache-2.0
// Type "gen": hands out the frames of a pcap file (options:pcap=FILE) for ever, in bursts copied to hot buffers, and counts and recycles what is
// sent to it.  Measures the datapath alone.  Options: rss=true|false, rate=PPS (0: as fast as polled), count=N (0: no end).
#pragma once

#include <string>
#include <vector>

#include "datapath/netdev.h"

namespace sluice {

class GenDevice;

/// The gen devices that are open, for gen/stats.  REQUIRES: outlives the devices.
class GenDevices {
 public:
  /// "NAME rx N tx N txbytes N ns MONOTONIC win N min X p10 X p50 X" lines of all devices, or of the one named; "" if it does not exist.
  std::string stats_text(const std::string& name, Time now);

 private:
  friend class GenDevice;
  std::vector<GenDevice*> devices_;
};

void add_gen_devices(NetdevFactory& factory, GenDevices& devices);

}  // namespace sluice
