// SPDX-License-Identifier: Apache-2.0
// Taking properties apart.
#include "ofproto/openflow/codec_property.h"

namespace sluice::ofp {

Result<Property> next_property(ByteReader& r) {
  constexpr size_t kHead = 4, kExperimenterHead = 12, kAlign = 8;
  if (r.remaining() < kHead) return fail(Error::OFPBPC_BAD_LEN);
  Property p;
  const uint8_t* start = r.position();
  size_t length = load_be<uint16_t>(start + 2);
  size_t padded = (length + kAlign - 1) / kAlign * kAlign;
  if (length < kHead || padded > r.remaining()) return fail(Error::OFPBPC_BAD_LEN);
  p.type = load_be<uint16_t>(start);
  p.whole = r.bytes(padded).first(length);
  p.value = ByteReader(p.whole.subspan(kHead));
  if (!p.is_experimenter()) return p;
  if (length < kExperimenterHead) return fail(Error::OFPBPC_BAD_LEN);
  p.experimenter = p.value.u32();
  p.exp_type = p.value.u32();
  return p;
}

Error unknown_property(const Property& p) {
  return p.is_experimenter() ? Error::OFPBPC_BAD_EXPERIMENTER : Error::OFPBPC_BAD_TYPE;
}

}  // namespace sluice::ofp
