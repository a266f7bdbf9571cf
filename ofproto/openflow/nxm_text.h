// SPDX-License-Identifier: Apache-2.0
// NXM and OXM TLVs as text: "NXM_OF_ETH_TYPE(0800), NXM_OF_IP_SRC_W(0a000000/ff000000)", for those who want to see the wire.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "lib/bytes.h"
#include "ofproto/openflow/match.h"

namespace sluice::ofp {

/// The TLVs, "<any>" if there are none.  A header that is unknown, or what follows one that is broken, is shown as hex digits.
std::string format_nxm(ByteView tlvs);
/// The match as NXM would have it; empty if it is.
std::string format_nxm(const Match& m, const TlvTable* tlv);
/// The inverse: a header is a name or 8 (experimenter: 16) hex digits.  The lengths in the text are taken as they are.
std::expected<Bytes, std::string> parse_nxm(std::string_view text);

/// The fixed match of 1.0 (kOf10MatchSize bytes) as it is, what has no prerequisite and so no meaning included: "arp,in_port=1,dl_vlan=65535,...".
std::string format_of10_match(ByteView match, const NameMap* ports);

}  // namespace sluice::ofp
