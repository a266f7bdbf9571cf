// SPDX-License-Identifier: Apache-2.0
// --color: marks the parts of a printed flow for terminals, in the colors of Open vSwitch (SGR sequences, ECMA-48 8.3.117).
#pragma once

#include <string>
#include <string_view>

namespace sluice::ofctl {

/// A line of a flow dump; other lines come back as they are.
std::string color_flow(std::string_view line);
/// All lines of a text.
std::string color_flows(std::string_view text);

}  // namespace sluice::ofctl
