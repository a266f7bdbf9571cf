// SPDX-License-Identifier: Apache-2.0
// The dpctl/ commands: texts of datapaths and their flows, and flows put, fetched and deleted by hand.  A flow that is put so and is not what the brain would have
// there lasts until the next sweep.
#pragma once

#include <string>
#include <vector>

#include "lib/unixctl.h"
#include "ofproto/switch.h"

namespace sluice {

/// words: "[TYPE@]NAME" of datapaths; none: all.
UnixctlText dpctl_show(const std::vector<Switch*>& switches, const std::vector<std::string>& words, bool statistics);
enum class DpctlPut { kAdd, kModify, kModifyOrAdd };
/// words: [DP] FLOW ACTIONS.
UnixctlText dpctl_put_flow(const std::vector<Switch*>& switches, const std::vector<std::string>& words, DpctlPut how, Time now);
/// words: [DP] ufid:UFID, or [DP] FLOW.
UnixctlText dpctl_get_flow(const std::vector<Switch*>& switches, const std::vector<std::string>& words, bool more, bool names, Time now);
UnixctlText dpctl_del_flow(const std::vector<Switch*>& switches, const std::vector<std::string>& words, bool statistics, Time now);
UnixctlText dpctl_dump_flows(const std::vector<Switch*>& switches, const std::vector<std::string>& words, bool more, bool names, Time now);

}  // namespace sluice
