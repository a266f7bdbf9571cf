// SPDX-License-Identifier: Apache-2.0
// Text of the datapath actions that put headers in front of a packet and take them away: push_eth, pop_eth, push_nsh, pop_nsh, add_mpls; and of NSH in keys.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "datapath/flow.h"
#include "datapath/odp_action.h"

namespace sluice {

std::string format_encap(const OdpPushEth& push);
std::string format_encap(const OdpPushNsh& push);
std::string format_encap(const OdpAddMpls& add);
/// Nothing if it is none of these, or its body can't be read.
std::optional<OdpAction> parse_encap_action(std::string_view name, std::string_view body);

/// "flags=0,ttl=63,mdtype=1,np=3,spi=0x1234,si=255,c1=0x1": what of it matters.
std::string format_nsh_key(const Flow& key, const Flow& mask);

}  // namespace sluice
