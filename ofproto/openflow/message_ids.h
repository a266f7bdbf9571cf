// SPDX-License-Identifier: Apache-2.0
// Numbers of messages on the wire: from a type to its numbers, and back.  Derived from messages.def; inside of the codec.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "ofproto/openflow/message.h"

namespace sluice::ofp {

inline constexpr uint32_t kNetronomeVendor = 0x0000154d, kNetronomeVendorOfOld = 0x00001540,  // a slip of Open vSwitch 2.4, still met
                           kIntelVendor = 0x0000aa01;
inline constexpr uint8_t kExperimenterType = 4;
inline constexpr uint16_t kExperimenterStats = 0xffff;

enum class WireKind : uint8_t { kPlain, kStats, kExperimenter, kExperimenterStats };

struct MessageId {
  WireKind kind;
  bool reply;                           // of a multipart
  std::array<int8_t, 6> types;          // kPlain: header type per version, -1 = none
  uint8_t first, last;                  // others: versions
  uint32_t vendor;                      // experimenter kinds
  uint32_t number;                      // multipart number, or the experimenter's type

  constexpr bool exists(Version v) const {
    unsigned n = static_cast<unsigned>(v);
    return kind == WireKind::kPlain ? types[n - 1] >= 0 : n >= first && n <= last;
  }
  /// The type byte of the header.  REQUIRES: exists(v).
  constexpr uint8_t header_type(Version v) const {
    if (kind == WireKind::kPlain) return static_cast<uint8_t>(types[static_cast<unsigned>(v) - 1]);
    if (kind == WireKind::kExperimenter) return kExperimenterType;
    return static_cast<uint8_t>((v == Version::k10 ? 16 : 18) + (reply ? 1 : 0));
  }
  constexpr bool multipart() const { return kind == WireKind::kStats || kind == WireKind::kExperimenterStats; }
};

const MessageId& message_id(MessageType type);

std::optional<MessageType> find_plain(Version v, uint8_t header_type);
std::optional<MessageType> find_stats(Version v, bool reply, uint16_t number);
/// Experimenter messages and multiparts.
std::optional<MessageType> find_experimenter(Version v, WireKind kind, bool reply, uint32_t vendor, uint32_t number);

}  // namespace sluice::ofp
