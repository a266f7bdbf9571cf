// SPDX-License-Identifier: Apache-2.0
// The meters of the userspace datapath: a token bucket for each band.
//
// A bucket holds as much as the band's burst and begins full; a packet takes what it is long (kbit) or one (packets).  It is dropped, and counted, by the band of the
// highest rate among those whose bucket has too little; the other buckets are as if it had not come.
// Threads: the datapath's.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "datapath/meter.h"
#include "lib/time.h"

namespace sluice {

class UserMeters {
 public:
  static constexpr DpMeterFeatures kFeatures{.max_meters = 1 << 18, .max_bands = 8};

  /// Makes it or changes it: statistics begin anew.  0 or errno.
  int set(uint32_t id, const DpMeter& meter, Time now);
  void remove(uint32_t id) { meters_.erase(id); }
  std::optional<DpMeterStats> stats(uint32_t id) const;
  /// True if the packet may pass.  A meter that is not there lets all pass.
  bool pass(uint32_t id, size_t packet_size, Time now);

 private:
  struct Bucket {
    uint64_t rate = 0, burst = 0;     // tokens a second; tokens that it can hold
    uint64_t tokens = 0, part = 0;    // part: of a token, in 1/1e9
  };
  struct Meter {
    DpMeter config;
    DpMeterStats stats;
    std::vector<Bucket> buckets;
    Time filled{};
  };
  static void fill(Meter& m, Time now);
  std::map<uint32_t, Meter> meters_;
};

}  // namespace sluice
