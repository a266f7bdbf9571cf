// SPDX-License-Identifier: Apache-2.0
// Groups, meters, TLV maps, packet-outs as command line tools write them (spec/flow-syntax.md 5-7).
#pragma once

#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "ofproto/openflow/group_messages.h"
#include "ofproto/openflow/other_messages.h"
#include "ofproto/openflow/packet_messages.h"
#include "ofproto/openflow/version.h"

namespace sluice::ofp {

struct ParsedGroup {
  GroupMod mod;
  ProtocolSet usable = kAllProtocols;
};
/// One group.  command: what the line is for; nothing: the line may begin with add|modify|add_or_mod|delete|insert_bucket|
/// remove_bucket (files; default add).
std::expected<ParsedGroup, std::string> parse_group(std::string_view text, std::optional<GroupCommand> command, const TextNames& names = {});

/// "meter=1 kbps burst bands=type=drop rate=1 burst_size=2".  For a delete or a query only meter= is allowed.
std::expected<MeterMod, std::string> parse_meter(std::string_view text, MeterCommand command);
/// "meter=1" of queries.
std::expected<uint32_t, std::string> parse_meter_id(std::string_view text);
inline constexpr ProtocolSet kMeterProtocols = kOxm13 | kOxm14 | kOxm15;

/// "{class=0xffff,type=0,len=4}->tun_metadata0,...".
std::expected<TlvTableMod, std::string> parse_tlv_maps(std::string_view text, TlvTableCommand command);

struct ParsedPacketOut {
  PacketOut out;
  ProtocolSet usable = kAllProtocols;
};
/// "in_port=1,packet=HEX,actions=...", with pipeline fields.
std::expected<ParsedPacketOut, std::string> parse_packet_out(std::string_view text, const TextNames& names = {});

/// A frame in hexadecimal digits, white space ignored.
std::expected<Bytes, std::string> parse_packet_hex(std::string_view text);

/// "zone=N" "ct_nw_src=..,ct_nw_proto=6" "reply tuple" of ct-flush.
std::expected<CtFlush, std::string> parse_ct_flush(std::span<const std::string> words);

/// "!"-prefixed words switch off; what `monitor watch:...` takes.
struct ParsedMonitor {
  FlowMonitor monitor;
  ProtocolSet usable = kAllProtocols;
};
std::expected<ParsedMonitor, std::string> parse_flow_monitor(std::string_view text, const TextNames& names = {});

}  // namespace sluice::ofp
