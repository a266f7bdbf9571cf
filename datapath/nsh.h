// SPDX-License-Identifier: Apache-2.0
// The network service header (RFC 8300): reading it into a key, and writing it.
#pragma once

#include <cstdint>
#include <optional>

#include "datapath/flow.h"
#include "datapath/odp_action.h"
#include "lib/bytes.h"

namespace sluice {

inline constexpr size_t kNshBaseBytes = 8;         // base header and service path header
inline constexpr size_t kNshContextBytes = 16;     // of MD type 1
inline constexpr size_t kMaxNshMetadata = 244;     // of MD type 2: the header counts words in 6 bits
inline constexpr uint8_t kNshMd1 = 1, kNshMd2 = 2;
inline constexpr uint8_t kNshFlagBits = 3, kNshMaxTtl = 63;

/// Bytes of the header at the front; 0: it is cut, of another version, or of a length that its MD type can't have.
size_t nsh_bytes(ByteView bytes);
/// REQUIRES: nsh_bytes() is not 0.
void read_nsh(const uint8_t* header, Flow& key);
/// The header that a key has; a key has no metadata but that of MD type 1.
OdpPushNsh nsh_of(const Flow& key);
inline size_t nsh_bytes(const OdpPushNsh& nsh) { return kNshBaseBytes + nsh.metadata.size(); }
/// nsh_bytes() of them.
void write_nsh(const OdpPushNsh& nsh, uint8_t* to);
/// Sets the bits of the mask in a header that is there.  REQUIRES: nsh_bytes() is not 0.
void set_nsh(uint8_t* header, const Flow& value, const Flow& mask);

/// What follows a header with this next protocol, as a packet type; nothing: it is none that we know.
std::optional<uint32_t> packet_type_after_nsh(uint8_t next_protocol);
std::optional<uint8_t> nsh_protocol_of(uint32_t packet_type);

}  // namespace sluice
