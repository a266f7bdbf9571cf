// SPDX-License-Identifier: Apache-2.0
// `sluice test --accept`: writes what commands really printed in place of what the scenario expected.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "utilities/sluice/player.h"

namespace sluice::cli {

/// The file's text with new expectations ("|" and "!" lines) below the commands named.  Comments between stay.
std::string accept_outputs(std::string_view text, const std::vector<NewOutput>& outputs);

}  // namespace sluice::cli
