// SPDX-License-Identifier: Apache-2.0
// The difference between the running and the wanted configuration as a list of steps, in the order in which they can be done.  A step is a value:
// printed, the list is a dry run; applied (vswitchd.h), it is the reconfiguration.  What stays the same has no step.
//
// Order: what goes comes first, so that names and numbers are free for what comes; bridges before their interfaces, interfaces before the ports that
// use them; controllers last, so that they find a bridge that is complete.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "vswitchd/config.h"

namespace sluice {

struct RemoveBridge { std::string bridge; };
struct AddBridge { BridgeSettings settings; };
struct ConfigureBridge { BridgeSettings settings; };
struct RemovePort { std::string bridge, port; };
struct RemoveInterface { std::string bridge, interface; };
struct AddInterface { std::string bridge; InterfaceSettings settings; };
struct ChangeInterface { std::string bridge; InterfaceSettings settings; };
struct SetPort { std::string bridge; PortSettings settings; };
struct SetControllers { std::string bridge; std::vector<ControllerSettings> controllers; ofp::VersionSet versions; FailMode fail_mode; };
struct SetTls { TlsConfig tls; };

using Step = std::variant<SetTls, RemoveBridge, RemovePort, RemoveInterface, AddBridge, ConfigureBridge, AddInterface, ChangeInterface, SetPort, SetControllers>;

std::vector<Step> plan(const Config& running, const Config& wanted);
/// One line: "br0: add interface eth0 (system)".
std::string format(const Step& step);

}  // namespace sluice
