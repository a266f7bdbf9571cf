// SPDX-License-Identifier: Apache-2.0
// The first check of a message: is it as long as one of its type can be?  Derived from message_lengths.def; inside of the codec.
#pragma once

#include "ofproto/openflow/error.h"
#include "ofproto/openflow/message.h"

namespace sluice::ofp {

/// OFPBRC_BAD_LEN, with a line in the log, unless a body of `body` bytes behind `headers` bytes is possible.
Status check_length(MessageType type, Version v, size_t headers, size_t body);

}  // namespace sluice::ofp
