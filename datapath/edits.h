// SPDX-License-Identifier: Apache-2.0
// Header edits of datapath actions.  All keep checksums right (incrementally; partial ones stay partial) and do nothing where a header isn't there or is cut.
// REQUIRES: the packet's l3 and l4 are those of extract(); they stay so.
#pragma once

#include <optional>

#include "datapath/odp_action.h"
#include "datapath/packet.h"

namespace sluice {

/// An OdpSet ready to be applied many times.
struct FieldEdit {
  OdpSetKind kind;
  Flow value{}, mask{};
  static FieldEdit of(const OdpSet& set) { return {set.kind, set.fields.value(), set.fields.mask()}; }
};
void set_fields(Packet& packet, const FieldEdit& edit);
inline void set_fields(Packet& packet, const OdpSet& set) { set_fields(packet, FieldEdit::of(set)); }
void push_vlan(Packet& packet, be16 tpid, be16 tci);
void pop_vlan(Packet& packet);
void push_mpls(Packet& packet, be32 lse, be16 eth_type);
void pop_mpls(Packet& packet, be16 eth_type);
void add_mpls(Packet& packet, const OdpAddMpls& add);
void push_eth(Packet& packet, const OdpPushEth& push);
void pop_eth(Packet& packet);
void push_nsh(Packet& packet, const OdpPushNsh& push);
void pop_nsh(Packet& packet);

/// What follows the Ethernet header and its tags, or stands at the front of a packet without one.
struct HeaderPlace { be16 type; size_t at; };
std::optional<HeaderPlace> network_header(const Packet& packet);

}  // namespace sluice
