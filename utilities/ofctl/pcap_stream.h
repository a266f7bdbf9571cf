// SPDX-License-Identifier: Apache-2.0
// Capture files: their frames, and the OpenFlow messages of the TCP connections in them.
#pragma once

#include <expected>
#include <functional>
#include <span>
#include <string>

#include "lib/bytes.h"

namespace sluice::ofctl {

/// The error is why the file cannot be read.
std::expected<void, std::string> each_frame(const std::string& path, const std::function<void(ByteView frame)>& fn);
/// Connections of the ports of OpenFlow, and of more_ports.  direction: "10.0.0.1.6633 > 10.0.0.2.4000:".  Segments count in the order of the file; a gap ends a connection's stream.
std::expected<void, std::string> each_openflow_message(const std::string& path, std::span<const uint16_t> more_ports,
                                                       const std::function<void(std::string_view direction, ByteView message)>& fn);

}  // namespace sluice::ofctl
