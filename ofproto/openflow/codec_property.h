// SPDX-License-Identifier: Apache-2.0
// Properties, the TLVs of 1.4+ (OF1.4.0 7.2.2) and of the Nicira messages that imitate them: u16 type, u16 length without the
// padding to 8 bytes, then for type 0xffff a u32 experimenter and a u32 type of its own.
#pragma once

#include <cstdint>

#include "lib/bytes.h"
#include "ofproto/openflow/error.h"

namespace sluice::ofp {

struct Property {
  uint16_t type = 0;
  uint32_t experimenter = 0, exp_type = 0;  // type 0xffff
  ByteView whole;                           // with its header, without padding
  ByteReader value{{}};                     // after type and length (and experimenter, exp_type)
  bool is_experimenter() const { return type == 0xffff; }
};

/// Takes the next property off r.
Result<Property> next_property(ByteReader& r);
/// The error for a property that the receiver does not know.
Error unknown_property(const Property& p);

/// Writes a property's head, and on close() its length and padding.
class PropertyWriter {
 public:
  PropertyWriter(ByteWriter& w, uint16_t type) : w_(w), start_(w.size()) {
    w.u16(type);
    w.u16(0);
  }
  void close() {
    w_.patch_u16(start_ + 2, static_cast<uint16_t>(w_.size() - start_));
    w_.pad(start_, 8);
  }

 private:
  ByteWriter& w_;
  size_t start_;
};

/// A property of type and one u32, 8 bytes.
inline void put_property_u32(ByteWriter& w, uint16_t type, uint32_t value) {
  w.u16(type);
  w.u16(8);
  w.u32(value);
}

}  // namespace sluice::ofp
