// SPDX-License-Identifier: Apache-2.0
// Where every field is in Flow, as a constant for tables that are computed at compile time (tun_metadata: nowhere).
#pragma once

#include <array>
#include <cstddef>

#include "ofproto/openflow/field.h"

namespace sluice::ofp {

#define AT(member, byte, bytes, shift, bits) Place{uint16_t(offsetof(Flow, member) + byte), bytes, shift, bits}
inline constexpr std::array<Place, kFieldCount> kFieldPlaces = [] {
  std::array<Place, kFieldCount> t{};
  [[maybe_unused]] auto many = [&](FieldId id, int count, int stride, Place p) {
    for (int i = 0; i < count; i++, p.offset = static_cast<uint16_t>(p.offset + stride)) t[static_cast<size_t>(id) + i] = p;
  };
#define SLUICE_FIELD(id, name, alias, place, ...) t[static_cast<size_t>(FieldId::id)] = place;
#define SLUICE_FIELDS(id, count, name, alias, stride, place, ...) many(FieldId::id, count, stride, place);
#include "ofproto/openflow/fields.def"
#undef SLUICE_FIELD
#undef SLUICE_FIELDS
  return t;
}();
#undef AT

}  // namespace sluice::ofp
