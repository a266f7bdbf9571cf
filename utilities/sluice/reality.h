// SPDX-License-Identifier: Apache-2.0
// What a scenario asks of the world when its ports are real devices and time passes by itself: which devices to make, and whether it can be played at all.
// Decided by properties of its steps, never by its name.
#pragma once

#include <optional>
#include <set>
#include <string>

#include "utilities/sluice/scenario.h"

namespace sluice::cli {

inline constexpr Duration kMaxRealTime = seconds(6);  // of all "+" lines of one scenario

/// Why it can't be played in real time with real devices: "needs 1 h of time", "uses netdev-dummy/", "has no packets".  Nothing: it can.
std::optional<std::string> needs_test_world(const Scenario& scenario);

/// What it asks of the kernel that not all kernels have, by the names of Datapath.capabilities: {"ct_zone"}.
std::set<std::string> kernel_needs(const Scenario& scenario);

/// All ports that packets come in at or out of, bridges' own too.
std::set<std::string> mentioned_ports(const Scenario& scenario);

/// Devices that must be there before the switch adds them: ports with packets, or of "add-port", that the switch does not make itself.
std::set<std::string> devices_to_make(const Scenario& scenario);

}  // namespace sluice::cli
