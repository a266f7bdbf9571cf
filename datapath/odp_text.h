// SPDX-License-Identifier: Apache-2.0
// Text of datapath flows and actions, as dpctl/dump-flows, ofproto/trace and netdev-dummy/receive print and read it (spec/flow-syntax.md section 9).
#pragma once

#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "datapath/dpif.h"
#include "datapath/flow.h"
#include "datapath/odp_action.h"
#include "lib/time.h"

namespace sluice {

struct OdpTextOptions {
  bool verbose = false;                                    // -m: wildcarded attributes too, and ufid
  bool packet_type = true;                                 // false: as the kernel has it, which tells it by whether there is an Ethernet header
  uint32_t upcall_pid = 0;                                 // of OdpUserspace: a kernel's flows say whose socket it is
  std::function<std::string(OdpPort)> port_name;           // --names; empty: numbers
  std::function<std::optional<OdpPort>(std::string_view)> port_number;  // for parsing names
};

/// "recirc_id(0),in_port(1),eth(src=..,dst=..),eth_type(0x0800),ipv4(...)".
std::string format_odp_key(const Flow& key, const Flow& mask, const OdpTextOptions& options = {});
struct OdpAttribute;
/// One attribute: "eth(src=..)"; "" if nothing of it matters and options.verbose is not set.
std::string format_odp_attribute(const OdpAttribute& attribute, const Flow& key, const Flow& mask, const OdpTextOptions& options);
/// A key without mask: all of it.
std::string format_odp_key(const Flow& key, const OdpTextOptions& options = {});
/// "drop" if empty.
std::string format_odp_actions(const OdpActions& actions, const OdpTextOptions& options = {});
/// One line of dpctl/dump-flows: "[ufid:..., ]KEY, packets:N, bytes:N, used:1.234s|never[, flags:S.], actions:...".
std::string format_megaflow(const Megaflow& flow, Time now, const OdpTextOptions& options = {});
/// "packets:N, bytes:N, used:1.234s|never[, flags:S.]".
std::string format_stats(const FlowStats& stats, Time now);
/// "df|key": the flags of a tunnel; or, if not all are asked about, "+df-csum".
std::string format_tunnel_flags(const FlowTunnel& key, const FlowTunnel& mask);
std::string format_ufid(const Ufid& ufid);
/// "ufid:..." or the bare text; nothing if it is none.
std::optional<Ufid> parse_ufid(std::string_view text);

struct OdpKeyMask {
  Flow key, mask;
  std::optional<Ufid> ufid;    // in front of it
  uint64_t given = 0;          // bit N: OVS_KEY_ATTR N was there
};
/// A key with masks (fields not given are wildcarded); the error text is for people.
std::expected<OdpKeyMask, std::string> parse_odp_key(std::string_view text, const OdpTextOptions& options = {});
std::expected<OdpActions, std::string> parse_odp_actions(std::string_view text, const OdpTextOptions& options = {});
/// True if the text looks like an odp flow ("in_port(1),eth(...)") rather than an OpenFlow match or hex.
bool looks_like_odp_key(std::string_view text);

/// The packet of netdev-dummy/receive: hex digits of a frame, or an odp flow (composed, grown to `size` if not 0).  in_port is that of the flow, else none.
std::expected<Packet, std::string> parse_packet(std::string_view text, size_t size = 0, const OdpTextOptions& options = {});

}  // namespace sluice
