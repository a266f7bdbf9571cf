// SPDX-License-Identifier: Apache-2.0
// Texts of dpctl/show and dpctl/dump-flows (spec/flow-syntax.md section 9).
#pragma once

#include <string>
#include <vector>

#include "lib/unixctl.h"
#include "ofproto/switch.h"

namespace sluice {

/// words: "[TYPE@]NAME" of datapaths; none: all.
UnixctlText dpctl_show(const std::vector<Switch*>& switches, const std::vector<std::string>& words, bool statistics);
UnixctlText dpctl_dump_flows(const std::vector<Switch*>& switches, const std::vector<std::string>& words, bool more, bool names, Time now);

}  // namespace sluice
