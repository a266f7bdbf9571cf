// SPDX-License-Identifier: Apache-2.0
// Inside of message_text: one format_body per body struct.  It appends to a text that ends with "NAME (xid=0x1):", so a body on the
// same line begins with a space, one below with a newline; a newline at the end is added if there is none.
#pragma once

#include <fmt/core.h>

#include <string>

#include "lib/text.h"
#include "ofproto/openflow/message_text.h"

namespace sluice::ofp {

struct TextContext {
  const Message& message;
  const PrintOptions& options;
  Version version() const { return message.version; }
  MessageType type() const { return message.type; }
  const TextNames& names() const { return options.names; }
};

/// "1s", "5.500s", "0.000001s".
void add_duration(std::string& out, uint32_t sec, uint32_t nsec);
/// Names of the set bits, joined by spaces; "0" if none.  Bits without a name as one hex number.
struct BitName { uint32_t bit; std::string_view name; };
void add_bits(std::string& out, uint32_t bits, std::span<const BitName> names, std::string_view separator = " ");
/// "0x1f"; "0" for zero.
inline std::string hex_or_zero(uint64_t v) { return v ? fmt::format("{:#x}", v) : "0"; }
/// A counter, "?" if it is unknown (all ones).
std::string counter(uint64_t v);
std::string_view packet_in_reason_name(PacketInReason r);
std::string_view flow_removed_reason_name(FlowRemovedReason r);
void add_match(std::string& out, const TextContext& ctx, const Match& m, int priority = kDefaultPriority);

#define BODY(T) void format_body(std::string&, const TextContext&, const T&);
#include "ofproto/openflow/bodies.def"
inline void format_body(std::string&, const TextContext&, const Empty&) {}

}  // namespace sluice::ofp
