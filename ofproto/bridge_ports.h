// SPDX-License-Identifier: Apache-2.0
// What files of the bridge need of each other.
#pragma once

#include "ofproto/bridge_impl.h"
#include "ofproto/switch.h"

namespace sluice {

/// The number that was asked for if it is free, else the lowest that was never used, else the lowest free one; OFPP_NONE: none left.
OfpPort allocate_ofport(Bridge::Impl& b, const InterfaceSettings& s);
/// Lets translation see a working interface.
void show_in_view(Bridge::Impl& b, const InterfaceRecord& r);
void hide_from_view(Bridge::Impl& b, OfpPort ofport);
/// Gives back what a working interface has of the datapath.
void leave_datapath(Switch::Impl& sw, const Bridge::Impl& b, const InterfaceRecord& r);
/// After any change of a group's buckets or selection.
void plan_selection(Group& group);
/// After any change of ports or mirrors.
void resolve_mirrors(BridgeView& v);
/// OFPPS_* bits.
uint32_t port_state(const Bridge::Impl& b, const InterfaceRecord& r);
ofp::PortDesc describe_port(const Bridge::Impl& b, const InterfaceRecord& r);

// --- group_table.cc ---
std::expected<void, ofp::Error> apply_group_mod(Bridge::Impl& b, const ofp::GroupMod& mod, Time now);
// --- bridge_stats.cc ---
/// Kinds of actions that the switch does, as bits of features messages (feature_bits.h).
uint64_t switch_action_bits();

}  // namespace sluice
