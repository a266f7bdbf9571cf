// SPDX-License-Identifier: Apache-2.0
// What a datapath can, as people and programs are told of it: dpif/show-dp-features and dpif/set-dp-features, Datapath.capabilities, the log.
#pragma once

#include <expected>
#include <map>
#include <string>

#include "datapath/dpif.h"
#include "ofproto/switch.h"

namespace sluice {

/// Column capabilities: names as Open vSwitch has them.
std::map<std::string, std::string> datapath_capabilities(const Switch& sw);
/// Lines "NAME (Title) : [run time]:V, [boot time]:V", of one name or of all ("").  The error is that of dpif/set-dp-features.
std::expected<std::string, std::string> list_datapath_features(const Switch& sw, const std::string& name);
/// dpif/set-dp-features with a value: a feature can be lowered, and be had again.  The answer; empty: done.
std::string set_datapath_feature(Switch& sw, const std::string& name, const std::string& value, Time now);
void log_datapath_features(const Dpif& dpif);

}  // namespace sluice
