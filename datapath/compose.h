// SPDX-License-Identifier: Apache-2.0
// Builds a frame from a Flow: the inverse of extract(), with right lengths and checksums.
#pragma once

#include <cstddef>

#include "datapath/flow.h"
#include "datapath/packet.h"
#include "lib/bytes.h"

namespace sluice {

inline constexpr size_t kComposePayload = 64;  // bytes after the L4 header unless the caller says otherwise

/// The frame of `flow`, such that extract() of it gives the packet fields of `flow` again as far as a frame can carry them.  Metadata (in_port, marks,
/// tunnel) go to the packet too.  TCP, UDP, ICMP, SCTP are followed by `payload`.
Packet compose(const Flow& flow, ByteView payload);
/// The same with kComposePayload bytes 0, 1, 2, ... or, if `size` is not 0, with zeros until the frame has that size (or no payload if it is longer).
Packet compose(const Flow& flow, size_t size = 0);

}  // namespace sluice
