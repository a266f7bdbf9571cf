// SPDX-License-Identifier: Apache-2.0
// Meters of a datapath: how fast packets may be, and what a meter has seen.  Who measures drops what is above a band's rate (OF1.3.5 5.7).
#pragma once

#include <cstdint>
#include <vector>

namespace sluice {

struct DpMeterBand {
  uint32_t rate = 0;           // kbit/s, or packets/s; more is dropped
  uint32_t burst = 0;          // kbit, or packets; 0: what the rate is in a second
  friend bool operator==(const DpMeterBand&, const DpMeterBand&) = default;
};

struct DpMeter {
  bool in_packets = false;     // else in kbit
  std::vector<DpMeterBand> bands;
  friend bool operator==(const DpMeter&, const DpMeter&) = default;
};

struct DpMeterCounter {
  uint64_t packets = 0, bytes = 0;
  friend bool operator==(const DpMeterCounter&, const DpMeterCounter&) = default;
};

struct DpMeterStats {
  DpMeterCounter in;
  std::vector<DpMeterCounter> bands;   // what each has dropped
  friend bool operator==(const DpMeterStats&, const DpMeterStats&) = default;
};

struct DpMeterFeatures {
  uint32_t max_meters = 0;     // ids are below it; 0: there are no meters
  uint8_t max_bands = 0;
  friend bool operator==(const DpMeterFeatures&, const DpMeterFeatures&) = default;
};

}  // namespace sluice
