// SPDX-License-Identifier: Apache-2.0
// OpenFlow versions and flow formats.  A flow format ("protocol") is a version plus, for 1.0, the choice between the fixed match
// and NXM and whether flow-mods carry a table id in their command.  Sets of both are bit masks.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::ofp {

enum class Version : uint8_t { k10 = 1, k11, k12, k13, k14, k15 };
inline constexpr std::array kVersions{Version::k10, Version::k11, Version::k12, Version::k13, Version::k14, Version::k15};

/// Bit v set = version v, as in the hello bitmap (OF1.3.5 7.5.1).
using VersionSet = uint32_t;
constexpr VersionSet version_bit(Version v) { return 1u << static_cast<int>(v); }
inline constexpr VersionSet kAllVersions = 0x7e;

constexpr bool is_valid_version(unsigned v) { return v >= 1 && v <= 6; }
std::string_view version_name(Version v);                        // "OpenFlow13"
std::optional<Version> parse_version(std::string_view name);     // "OpenFlow13"
std::string format_versions(VersionSet set);                     // "OpenFlow10, OpenFlow13" in ascending order
std::optional<VersionSet> parse_versions(std::string_view list);  // names separated by commas or spaces; nothing if one is unknown

enum Protocol : uint32_t {
  kOf10 = 1 << 0,      // 1.0, fixed match
  kOf10Tid = 1 << 1,   // the same, table id in the command (NXT_FLOW_MOD_TABLE_ID)
  kNxm = 1 << 2,       // 1.0, NXM match
  kNxmTid = 1 << 3,
  kOf11 = 1 << 4,
  kOxm12 = 1 << 5,
  kOxm13 = 1 << 6,
  kOxm14 = 1 << 7,
  kOxm15 = 1 << 8,
};
using ProtocolSet = uint32_t;
inline constexpr ProtocolSet kOf10Any = kOf10 | kOf10Tid;
inline constexpr ProtocolSet kNxmAny = kNxm | kNxmTid;
inline constexpr ProtocolSet kOxmAny = kOxm12 | kOxm13 | kOxm14 | kOxm15;
inline constexpr ProtocolSet kAllProtocols = (1 << 9) - 1;

Version protocol_version(Protocol p);
/// All formats of a version (four for 1.0).
ProtocolSet version_protocols(Version v);
ProtocolSet versions_protocols(VersionSet set);
VersionSet protocols_versions(ProtocolSet set);
/// "NXM,OXM", "OpenFlow10+table_id", "any", "none"; shortest words first found.
std::string format_protocols(ProtocolSet set);
/// One of those words ("OpenFlow10", "NXM+table_id", "OXM", "OXM-OpenFlow12", "any", "OpenFlow13"...).
std::optional<ProtocolSet> parse_protocol(std::string_view word);
std::optional<ProtocolSet> parse_protocols(std::string_view list);

}  // namespace sluice::ofp
