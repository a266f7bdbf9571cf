// SPDX-License-Identifier: Apache-2.0
// Header edits of datapath actions.  All keep checksums right (incrementally; partial ones stay partial) and do nothing where a header isn't there or is cut.
// REQUIRES: the packet's l3 and l4 are those of extract(); they stay so.
#pragma once

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
/// Where the EtherType after all VLAN tags is, or 0 if the frame is cut before.
size_t ether_type_at(const Packet& packet);
void push_vlan(Packet& packet, be16 tpid, be16 tci);
void pop_vlan(Packet& packet);
void push_mpls(Packet& packet, be32 lse, be16 eth_type);
void pop_mpls(Packet& packet, be16 eth_type);

}  // namespace sluice
