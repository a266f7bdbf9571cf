// SPDX-License-Identifier: Apache-2.0
// Whole flows as text: what `ofctl add-flow` takes and `dump-flows` prints (spec/flow-syntax.md).
// Strict: a value out of range, a misspelt word, a field that would be dropped is an error that names the token and its limits.
// TextNames::compat: as lenient as Open vSwitch (values cut, fields without prerequisite dropped with a warning).
#pragma once

#include <expected>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "ofproto/openflow/flow_mod.h"

namespace sluice {
struct OdpKeyMask;   // datapath/odp_text.h
}

namespace sluice::ofp {

struct ParsedFlow {
  FlowMod flow;
  ProtocolSet usable = kAllProtocols;    // formats that can express all of it
  std::vector<std::string> warnings;     // for stderr: "normalization changed ofp_match, details:"...
};

/// One flow.  command: what the line is for; nothing: the line may begin with add|modify|modify_strict|delete|delete_strict (files;
/// default add).  Delete needs no actions=; the others do.
std::expected<ParsedFlow, std::string> parse_flow(std::string_view text, std::optional<FlowModCommand> command,
                                                  const TextNames& names = {});
struct ParsedFilter {
  FlowFilter filter;
  ProtocolSet usable = kAllProtocols;
  std::optional<uint16_t> priority;
  std::vector<std::string> warnings;
};
/// What dump-flows and dump-aggregate take: match keys, table, cookie, out_port, out_group.
std::expected<ParsedFilter, std::string> parse_flow_filter(std::string_view text, const TextNames& names = {});
/// A packet's flow ("in_port=1,tcp,nw_src=..."), for traces and packet-outs.
std::expected<Flow, std::string> parse_exact_flow(std::string_view text, const TextNames& names = {});
/// Which packets are meant, by an OpenFlow match with a datapath's ports: the filter of the dpctl commands.
std::expected<OdpKeyMask, std::string> parse_packet_filter(std::string_view text, const std::map<uint32_t, std::string>& port_names);

/// " cookie=0x0, duration=1.5s, table=0, n_packets=0, ..., MATCH actions=ACTIONS" without newline; show_stats false: the form of --no-stats.
void format_flow_stats(const FlowStats& stats, std::string& out, const TextNames& names = {}, bool show_stats = true);
/// As `ofp-print` shows a flow-mod's body: "ADD table:1 priority=5,ip cookie:0x1 actions=...".
/// as_sent: its match as it was sent, instead of in the usual form.
void format_flow_mod(const FlowMod& mod, std::string& out, const TextNames& names = {}, std::string_view as_sent = {});
/// "1", "5.500", "0.0000005": nothing, milliseconds, or as many of 9 decimals as say something.
void format_duration(uint32_t sec, uint32_t nsec, std::string& out);
/// "send_flow_rem check_overlap " (each word with a space).
void format_flow_flags(uint16_t flags, std::string& out);

}  // namespace sluice::ofp
