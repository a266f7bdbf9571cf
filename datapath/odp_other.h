// SPDX-License-Identifier: Apache-2.0
// Text of OdpOther: datapath actions that only openvswitch.ko does.  Names and layouts stand in one table (odp_other.cc); an action of a newer kernel that is
// not in it is shown by its number and bytes, "action99(0a0b)", and can't be written.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "datapath/odp_action.h"

namespace sluice {

std::string format_other_action(const OdpOther& action);
/// "push_eth(src=...,dst=...)" by its name and what is in the parentheses; nothing if the name is not in the table, or the rest is wrong.
std::optional<OdpOther> parse_other_action(std::string_view name, std::string_view body);
/// True if the table has the type.
bool is_known_other(uint16_t type);

}  // namespace sluice
