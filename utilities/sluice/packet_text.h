// SPDX-License-Identifier: Apache-2.0
// Packets as people write them in scenarios, and as they are shown when they are not what was expected.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "datapath/flow.h"
#include "lib/bytes.h"
#include "ofproto/openflow/match.h"

namespace sluice::cli {

/// A text that stands for one frame: hex digits (blanks and dots between them are fine), an odp flow ("eth(...),eth_type(...),..."), or an OpenFlow
/// match ("tcp,nw_src=10.0.0.1,..."); the latter two are composed with right lengths and checksums and, unless given, an IP TTL of 64.
/// "len N" at the end: the frame's size.
std::expected<Bytes, std::string> parse_frame(std::string_view text);

/// True if the text is hex digits, so that parse_frame() takes it as the frame's bytes.
bool is_hex(std::string_view text);

/// What a packet must look like, by an OpenFlow match or an odp flow.  Fields that the text does not name may be anything.
struct PacketPattern {
  ofp::Match match;
  std::string text;
  bool matches(ByteView frame) const;
};
std::expected<PacketPattern, std::string> parse_pattern(std::string_view text);

/// "tcp,dl_src=...,tp_dst=80", and behind it a remark on each checksum that is wrong.
std::string describe(ByteView frame);
/// The text of describe() and the frame's hex digits below it, each line with `indent` before it.
std::string show_frame(ByteView frame, std::string_view indent);
/// In which fields `got` is not as wanted: "nw_ttl is 63, not 64; ..."; bytes if no field tells.
std::string differences(const PacketPattern& want, ByteView got);
std::string differences(ByteView want, ByteView got);

}  // namespace sluice::cli
