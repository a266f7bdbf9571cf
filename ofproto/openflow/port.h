// SPDX-License-Identifier: Apache-2.0
// OpenFlow port numbers on the wire of 1.0 (16 bits) and 1.1+ (32 bits), and their names as text.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "datapath/port_no.h"
#include "ofproto/openflow/error.h"
#include "ofproto/openflow/name_map.h"

namespace sluice::ofp {

/// 0xff00..0xfff7 mean nothing.
constexpr std::optional<OfpPort> port_from_of10(uint16_t n) {
  if (n < 0xff00) return OfpPort{n};
  if (n >= 0xfff7) return OfpPort{0xffff0000u | n};
  return std::nullopt;
}
constexpr uint16_t port_to_of10(OfpPort p) { return static_cast<uint16_t>(p.value); }
/// A number below 0xff00 or a reserved one; others do not fit into 16 bits.
constexpr bool is_port_valid(OfpPort p) { return p.value < 0xff00 || p.value >= OFPP_UNSET.value; }
/// OFPBAC_BAD_OUT_PORT for a number that is_port_valid() denies.
Result<OfpPort> port_from_of11(uint32_t n);

/// "LOCAL", "p1" (with names), "5".
std::string format_port(OfpPort p, const NameMap* names = nullptr);
void format_port(OfpPort p, std::string& out, const NameMap* names = nullptr);
/// Number, reserved name without regard to case, or a name of the map (quoted or not).
std::optional<OfpPort> parse_port(std::string_view text, const NameMap* names = nullptr);
/// "LOCAL" of OFPP_LOCAL; empty for other than reserved numbers.
std::string_view reserved_port_name(OfpPort p);

}  // namespace sluice::ofp
