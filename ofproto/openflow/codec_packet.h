// SPDX-License-Identifier: Apache-2.0
// Codec: what the forms of packet-in share.
#pragma once

#include "ofproto/openflow/codec_body.h"

namespace sluice::ofp {

Status decode_packet_in_reason(uint8_t wire, PacketIn& m);
uint8_t packet_in_reason_to_wire(PacketInReason reason, Version v);

Status decode_packet_in2(ByteReader& r, const BodyContext& ctx, PacketIn& m);
Status encode_packet_in2(ByteWriter& w, const BodyContext& ctx, const PacketIn& m);

}  // namespace sluice::ofp
