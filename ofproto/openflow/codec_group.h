// SPDX-License-Identifier: Apache-2.0
// Codec: what the group messages share.
#pragma once

#include "ofproto/openflow/codec_body.h"

namespace sluice::ofp {

/// Buckets with ids and properties: 1.5 and the Nicira messages.
bool has_buckets15(const BodyContext& ctx);

/// The fields of a selection method: a list of headers and, where only some bits are hashed, a mask; never a value.
Status decode_group_fields(ByteView bytes, const TlvTable* tlv, std::vector<GroupField>& out);
void encode_group_fields(ByteWriter& w, const std::vector<GroupField>& fields, Version version);

}  // namespace sluice::ofp
