// SPDX-License-Identifier: Apache-2.0
// Words in the text of actions, indexed by their enums.
#pragma once

#include <cstdint>
#include <string_view>

#include "ofproto/openflow/text.h"

namespace sluice::ofp {

inline constexpr std::string_view kReasonNames[] = {"no_match", "action", "invalid_ttl", "action_set", "group", "packet_out"};
inline constexpr std::string_view kHashFieldNames[] = {"eth_src", "symmetric_l4", "symmetric_l3l4", "symmetric_l3l4+udp",
                                                       "nw_src",  "nw_dst",       "symmetric_l3"};
inline constexpr std::string_view kBundleAlgorithmNames[] = {"active_backup", "hrw"};
inline constexpr std::string_view kMultipathAlgorithmNames[] = {"modulo_n", "hash_threshold", "hrw", "iter_hash"};
struct EncapName {
  uint32_t packet_type;
  std::string_view name;
};
inline constexpr uint32_t kPacketTypeNsh = 0x1894f;
inline constexpr EncapName kEncapNames[] = {{0, "ethernet"}, {kPacketTypeNsh, "nsh"}, {0x18847, "mpls"}, {0x18848, "mpls_mc"}};

}  // namespace sluice::ofp
