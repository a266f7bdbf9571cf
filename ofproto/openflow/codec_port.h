// SPDX-License-Identifier: Apache-2.0
// Codec: the port structure of each version, for the messages that contain ports.
#pragma once

#include "lib/bytes.h"
#include "ofproto/openflow/error.h"
#include "ofproto/openflow/port.h"
#include "ofproto/openflow/port_messages.h"
#include "ofproto/openflow/version.h"

namespace sluice::ofp {

/// Reads 2 or 4 bytes; `bad` if the number is none.
Status read_port(ByteReader& r, Version v, Error bad, OfpPort& out);
void write_port(ByteWriter& w, Version v, OfpPort p);

Status decode_port(ByteReader& r, Version v, PortDesc& out);
void encode_port(ByteWriter& w, Version v, const PortDesc& port);
/// Bytes of the port structure.
size_t port_size(Version v);

uint32_t port_features_from_wire10(uint32_t wire);
uint32_t port_features_to_wire10(uint32_t features);
/// The fastest of the features in kbit/s, 0 if none.
uint32_t speed_kbps(uint32_t features);

}  // namespace sluice::ofp
