// SPDX-License-Identifier: Apache-2.0
// How fields are found in Flow and plain ones (field.h) copied to and from the wire: computed from the tables of fields and wire ids at compile
// time, for the paths that see millions.  Up to 8 bytes a field is a masked load or store of one word, 16 bytes are two.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>

#include "ofproto/openflow/field.h"

namespace sluice::ofp {

struct WirePlan {
  uint64_t ones = 0;         // the field's bits in a word loaded from `offset` (all ones for 16 bytes; 0: it has no place, as tun_metadata)
  uint16_t offset = 0;       // in Flow
  uint8_t bytes = 0;         // on the wire
  Prereq prereq{};
  bool plain = false;
  bool maskable = false;
  bool decides = false;      // prerequisites of other fields depend on it
};
extern const std::array<WirePlan, kFieldCount> kWirePlans;

/// The plain field of a header without experimenter; kNone: none, or one that is not plain.
extern const std::array<std::array<FieldId, 128>, 4> kPlainFields;
inline FieldId plain_field(uint32_t header) {
  if (header & 0x7ffe0000) return FieldId::kNone;    // of the classes 0, 1, 0x8000, 0x8001
  return kPlainFields[(header >> 30 & 2) | (header >> 16 & 1)][header >> 9 & 0x7f];
}

/// Headers of a plain field as they are on the wire.
struct OxmHead {
  uint32_t exact = 0, masked = 0, experimenter = 0;
  uint8_t size = 0;          // 4 or 8
};
/// [version][field]
extern const std::array<std::array<OxmHead, kFieldCount>, 7> kOxmHeads;

inline uint64_t load_word(const void* p) {
  uint64_t v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
inline void store_word(void* p, uint64_t v) { std::memcpy(p, &v, sizeof v); }
/// n <= 8 bytes as load_word would have them, and nothing behind them.
inline uint64_t load_bytes(const uint8_t* p, size_t n) {
  auto load = [p]<typename T>(T) {
    T v;
    std::memcpy(&v, p, sizeof v);
    return v;
  };
  switch (n) {
    case 1: return *p;
    case 2: return load(uint16_t{});
    case 4: return load(uint32_t{});
    case 8: return load(uint64_t{});
    default: break;
  }
  uint64_t v = 0;
  std::memcpy(&v, p, n);
  return v;
}

}  // namespace sluice::ofp
