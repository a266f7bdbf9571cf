// SPDX-License-Identifier: Apache-2.0
// A key with its mask as text, from the attributes themselves: what is there, in the order in which the kernel tells it, and what we don't know in hexadecimal.
#pragma once

#include <optional>
#include <string>

#include "datapath/odp_text.h"
#include "lib/bytes.h"

namespace sluice {

/// No mask: all bits of `key` matter.  An attribute that is not in the mask is wildcarded.
std::string format_odp_netlink_key(ByteView key, std::optional<ByteView> mask, const OdpTextOptions& options);

}  // namespace sluice
