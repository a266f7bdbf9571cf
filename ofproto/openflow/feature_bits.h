// SPDX-License-Identifier: Apache-2.0
// Sets of actions and of instructions as features replies state them: internal bits, names, and their numbers on the wire.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "ofproto/openflow/version.h"

namespace sluice::ofp {

/// One kind of action that a feature set may name.  `numbers`: action type in 1.0, 1.1, 1.2, 1.3, 1.4, 1.5; -1 = none.
struct ActionKind {
  std::string_view name;
  std::array<int8_t, 6> numbers;
};

/// Bit i of an action set stands for row i; the order is the one of printing.
inline constexpr ActionKind kActionKinds[] = {
    {"output", {0, 0, 0, 0, 0, 0}},
    {"group", {-1, 22, 22, 22, 22, 22}},
    {"enqueue", {11, -1, -1, -1, -1, -1}},
    {"set_field", {-1, -1, 25, 25, 25, 25}},
    {"set_vlan_vid", {1, 1, -1, -1, -1, -1}},
    {"set_vlan_pcp", {2, 2, -1, -1, -1, -1}},
    {"strip_vlan", {3, 18, 18, 18, 18, 18}},
    {"push_vlan", {-1, 17, 17, 17, 17, 17}},
    {"mod_dl_src", {4, 3, -1, -1, -1, -1}},
    {"mod_dl_dst", {5, 4, -1, -1, -1, -1}},
    {"mod_nw_src", {6, 5, -1, -1, -1, -1}},
    {"mod_nw_dst", {7, 6, -1, -1, -1, -1}},
    {"mod_nw_tos", {8, 7, -1, -1, -1, -1}},
    {"mod_nw_ecn", {-1, 8, -1, -1, -1, -1}},
    {"mod_nw_ttl", {-1, 23, 23, 23, 23, 23}},
    {"mod_tp_src", {9, 9, -1, -1, -1, -1}},
    {"mod_tp_dst", {10, 10, -1, -1, -1, -1}},
    {"dec_ttl", {-1, 24, 24, 24, 24, 24}},
    {"set_mpls_label", {-1, 13, -1, -1, -1, -1}},
    {"set_mpls_tc", {-1, 14, -1, -1, -1, -1}},
    {"set_mpls_ttl", {-1, 15, 15, 15, 15, 15}},
    {"dec_mpls_ttl", {-1, 16, 16, 16, 16, 16}},
    {"push_mpls", {-1, 19, 19, 19, 19, 19}},
    {"pop_mpls", {-1, 20, 20, 20, 20, 20}},
    {"set_queue", {-1, 21, 21, 21, 21, 21}},
    {"copy_ttl_out", {-1, 11, 11, 11, 11, 11}},
    {"copy_ttl_in", {-1, 12, 12, 12, 12, 12}},
    {"push_pbb", {-1, -1, -1, 26, 26, 26}},
    {"pop_pbb", {-1, -1, -1, 27, 27, 27}},
    {"copy_field", {-1, -1, -1, -1, -1, 28}},
    {"meter", {-1, -1, -1, -1, -1, 29}},
};
inline constexpr unsigned kActionKindCount = std::size(kActionKinds);

constexpr uint64_t action_bit(std::string_view name) {
  for (unsigned i = 0; i < kActionKindCount; i++)
    if (kActionKinds[i].name == name) return uint64_t{1} << i;
  return 0;
}

/// All that a version has a number for, but what the switch does not do may be masked out by the caller.
constexpr uint64_t all_action_bits(Version v) {
  uint64_t bits = 0;
  for (unsigned i = 0; i < kActionKindCount; i++)
    if (kActionKinds[i].numbers[static_cast<unsigned>(v) - 1] >= 0) bits |= uint64_t{1} << i;
  return bits;
}
constexpr uint64_t action_bits_from_wire(uint32_t wire, Version v) {
  uint64_t bits = 0;
  for (unsigned i = 0; i < kActionKindCount; i++) {
    int n = kActionKinds[i].numbers[static_cast<unsigned>(v) - 1];
    if (n >= 0 && (wire >> n & 1)) bits |= uint64_t{1} << i;
  }
  return bits;
}
constexpr uint32_t action_bits_to_wire(uint64_t bits, Version v) {
  uint32_t wire = 0;
  for (unsigned i = 0; i < kActionKindCount; i++) {
    int n = kActionKinds[i].numbers[static_cast<unsigned>(v) - 1];
    if (n >= 0 && (bits >> i & 1)) wire |= 1u << n;
  }
  return wire;
}

/// Instructions: bit i of a set stands for row i; `number` is the type of 1.1+ and, in table statistics of 1.1 and 1.2, the bit.
struct InstructionKind {
  std::string_view name;
  uint16_t number;
  Version first, last;
};
inline constexpr InstructionKind kInstructionKinds[] = {
    {"meter", 6, Version::k13, Version::k14},
    {"apply_actions", 4, Version::k11, Version::k15},
    {"clear_actions", 5, Version::k11, Version::k15},
    {"write_actions", 3, Version::k11, Version::k15},
    {"write_metadata", 2, Version::k11, Version::k15},
    {"goto_table", 1, Version::k11, Version::k15},
};
inline constexpr unsigned kInstructionKindCount = std::size(kInstructionKinds);

constexpr bool exists(const InstructionKind& kind, Version v) { return v >= kind.first && v <= kind.last; }
constexpr uint32_t instruction_bits_from_wire(uint32_t wire, Version v) {
  uint32_t bits = 0;
  for (unsigned i = 0; i < kInstructionKindCount; i++)
    if ((wire >> kInstructionKinds[i].number & 1) && exists(kInstructionKinds[i], v)) bits |= 1u << i;
  return bits;
}
constexpr uint32_t instruction_bits_to_wire(uint32_t bits, Version v) {
  uint32_t wire = 0;
  for (unsigned i = 0; i < kInstructionKindCount; i++)
    if ((bits >> i & 1) && exists(kInstructionKinds[i], v)) wire |= 1u << kInstructionKinds[i].number;
  return wire;
}

}  // namespace sluice::ofp
