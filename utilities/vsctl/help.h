// SPDX-License-Identifier: Apache-2.0
// What --help of vsctl prints.
#pragma once

#include <string>

namespace sluice::vsctl {

std::string help_text(const std::string& default_db);

}  // namespace sluice::vsctl
