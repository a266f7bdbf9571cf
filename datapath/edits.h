// SPDX-License-Identifier: Apache-2.0
// Header edits of datapath actions.  All keep checksums right (incrementally; partial ones stay partial) and do nothing where a header isn't there or is cut.
// REQUIRES: the packet's l3 and l4 are those of extract(); they stay so.
#pragma once

#include "datapath/odp_action.h"
#include "datapath/packet.h"

namespace sluice {

void set_fields(Packet& packet, const OdpSet& set);
void push_vlan(Packet& packet, be16 tpid, be16 tci);
void pop_vlan(Packet& packet);
void push_mpls(Packet& packet, be32 lse, be16 eth_type);
void pop_mpls(Packet& packet, be16 eth_type);

}  // namespace sluice
