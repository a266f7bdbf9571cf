// SPDX-License-Identifier: Apache-2.0
// One attribute of a datapath key between Flow and netlink, by the tables of odp_fields.h; shared by odp_key.cc and odp_actions.cc.
#pragma once

#include "datapath/kernel/odp_netlink.h"
#include "datapath/odp_fields.h"

namespace sluice {

/// Null: one that we don't know.
const OdpAttribute* find_odp_attribute(uint16_t type);
/// Fills in the payload_size() bytes of an attribute's payload (not of kNested), which are zero.
void put_payload(const OdpAttribute& a, const Flow& f, bool is_mask, uint8_t* to);
/// The mask of a tunnel needs the key that it is for, whose options it has as many bytes of.
void put_attribute(const OdpAttribute& a, const Flow& f, bool is_mask, AttrWriter& out, const Flow* key = nullptr);
/// Reads an attribute into `f`, whose parts are zero.  False if it is malformed; `complete` becomes false if it holds more than Flow does.
bool take_attribute(const OdpAttribute& a, const Attr& attr, bool is_mask, Flow& f, bool& complete);
size_t payload_size(const OdpAttribute& a);

}  // namespace sluice
