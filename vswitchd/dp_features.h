// SPDX-License-Identifier: Apache-2.0
// What a datapath can, as people and programs are told of it: dpif/show-dp-features and dpif/set-dp-features, Datapath.capabilities, the log.
#pragma once

#include <expected>
#include <map>
#include <string>

#include "datapath/dpif.h"

namespace sluice {

/// Column capabilities: names as Open vSwitch has them.
std::map<std::string, std::string> datapath_capabilities(const Dpif& dpif);
/// Lines "NAME (Title) : [run time]:V, [boot time]:V", of one name or of all ("").  The error is that of dpif/set-dp-features.
std::expected<std::string, std::string> list_datapath_features(const Dpif& dpif, const std::string& name);
/// dpif/set-dp-features with a value.  What a datapath can is found out, not chosen: only what is so already can be asked for.
std::string set_datapath_feature(const Dpif& dpif, const std::string& name, const std::string& value);
void log_datapath_features(const Dpif& dpif);

}  // namespace sluice
