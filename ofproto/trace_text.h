// SPDX-License-Identifier: Apache-2.0
// Flows as ofproto/trace prints them.
#pragma once

#include <string>

#include "datapath/flow.h"
#include "ofproto/openflow/field.h"

namespace sluice {

/// Every field that the packet has: "tcp,in_port=1,vlan_tci=0x0000,dl_src=...".
std::string format_flow_line(const Flow& flow, const ofp::TlvTable* tlv = nullptr);
/// The match of the megaflow: "recirc_id=0,eth,tcp,in_port=1,nw_frag=no".
std::string format_megaflow_line(const Flow& key, const Flow& mask, const ofp::TlvTable* tlv = nullptr);

}  // namespace sluice
