// SPDX-License-Identifier: Apache-2.0
// Geneve options between the datapath's form of a key (as on the wire, datapath/geneve.h) and that of a bridge's tables (tun_metadata0..63, each where the bridge's
// TlvTable has it).  Options that the table doesn't map are unknown to the bridge: it doesn't see them and doesn't hand them on.
#pragma once

#include "datapath/geneve.h"
#include "ofproto/openflow/field.h"

namespace sluice {

/// From the datapath's form to the tables'.
void options_to_fields(Flow& key, const ofp::TlvTable& table);
/// And back, in the order of the fields; false: they are more than a header can count, and the key is as it was.
bool fields_to_options(Flow& key, const ofp::TlvTable& table);
/// A mask over fields becomes one over the options of `key`, which has the datapath's form.
void mask_to_options(Flow& mask, const Flow& key, const ofp::TlvTable& table);
/// The reverse, for people: `asked` are the fields that it asks for.
void options_to_mask(Flow& mask, be64 asked, const Flow& key, const ofp::TlvTable& table);

}  // namespace sluice
