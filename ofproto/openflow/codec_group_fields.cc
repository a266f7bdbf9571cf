// SPDX-License-Identifier: Apache-2.0
// Codec: the field list of a group's selection method: OXM headers without mask bit whose "value" is the mask to hash under.
#include <algorithm>

#include "ofproto/openflow/codec_group.h"

namespace sluice::ofp {

Status decode_group_fields(ByteView bytes, const TlvTable* tlv, std::vector<GroupField>& out) {
  ByteReader r(bytes);
  while (r.remaining()) {
    auto header = read_wire_header(r);
    if (!header) return fail(Error::OFPBPC_BAD_LEN);
    if (header->has_mask()) return fail(Error::OFPBMC_BAD_MASK);
    const WireId* id = find_wire_id(*header);
    if (!id) return fail(Error::OFPBMC_BAD_FIELD);
    size_t length = header->length() - (header->is_experimenter() ? 4 : 0);
    ByteView bits = r.bytes(length);
    if (!r.ok() || length != wire_bytes_of(id->field, tlv)) return fail(Error::OFPBMC_BAD_LEN);
    if (std::ranges::any_of(out, [&](const GroupField& f) { return f.field == id->field; })) return fail(Error::OFPBMC_DUP_FIELD);
    GroupField& f = out.emplace_back(id->field, FieldValue(length));
    f.mask.assign(bits);
    mask_value(f.mask, FieldValue::ones(field(f.field), length));
    if (f.mask.is_zero()) return fail(Error::OFPBMC_BAD_MASK);
  }
  return {};
}

void encode_group_fields(ByteWriter& w, const std::vector<GroupField>& fields, Version version) {
  for (const GroupField& f : fields) {
    const WireId* id = wire_id_of(f.field, version);
    if (!id) continue;
    write_wire_header(w, id->header);
    w.bytes(f.mask.bytes());
  }
}

}  // namespace sluice::ofp
