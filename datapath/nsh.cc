// SPDX-License-Identifier: Apache-2.0
// See nsh.h.  RFC 8300 2.2: version (2 bits), O, U, TTL (6), length in words (6); unassigned (4), MD type (4); next protocol; then SPI (24) and SI (8).
#include "datapath/nsh.h"

#include <algorithm>
#include <cstring>

#include "datapath/ethertype.h"

namespace sluice {
namespace {

constexpr unsigned kVersionShift = 14, kFlagShift = 12, kTtlShift = 6, kLengthBits = 0x3f, kMdTypeBits = 0xf;

/// RFC 8300 11.2.5.
struct NextProtocol { uint8_t number; uint32_t packet_type; };
constexpr NextProtocol kNextProtocols[] = {{1, bare_packet_type(kEthIpv4)}, {2, bare_packet_type(kEthIpv6)}, {3, kPacketTypeEthernet},
                                           {4, bare_packet_type(kEthNsh)},  {5, bare_packet_type(kEthMpls)}};

uint16_t first_word(uint8_t flags, uint8_t ttl, size_t bytes) {
  return static_cast<uint16_t>((flags & kNshFlagBits) << kFlagShift | (ttl & kNshMaxTtl) << kTtlShift | (bytes / 4 & kLengthBits));
}

}  // namespace

size_t nsh_bytes(ByteView bytes) {
  if (bytes.size() < kNshBaseBytes) return 0;
  uint16_t first = load_be<uint16_t>(bytes.data());
  size_t length = (first & kLengthBits) * 4u;
  if (first >> kVersionShift != 0 || length < kNshBaseBytes || length > bytes.size()) return 0;
  if ((bytes[2] & kMdTypeBits) == kNshMd1 && length != kNshBaseBytes + kNshContextBytes) return 0;
  return length;
}

void read_nsh(const uint8_t* header, Flow& key) {
  uint16_t first = load_be<uint16_t>(header);
  key.nsh_flags = static_cast<uint8_t>(first >> kFlagShift & kNshFlagBits);
  key.nsh_ttl = static_cast<uint8_t>(first >> kTtlShift & kNshMaxTtl);
  key.nsh_mdtype = header[2] & kMdTypeBits;
  key.nsh_np = header[3];
  std::memcpy(&key.nsh_path, header + 4, sizeof key.nsh_path);
  if (key.nsh_mdtype == kNshMd1) std::memcpy(key.nsh_context, header + kNshBaseBytes, sizeof key.nsh_context);
}

OdpPushNsh nsh_of(const Flow& key) {
  OdpPushNsh nsh{.flags = static_cast<uint8_t>(key.nsh_flags & kNshFlagBits), .ttl = static_cast<uint8_t>(key.nsh_ttl & kNshMaxTtl), .mdtype = key.nsh_mdtype, .np = key.nsh_np,
                 .path = key.nsh_path, .metadata = {}};
  auto* context = reinterpret_cast<const uint8_t*>(key.nsh_context);
  if (nsh.mdtype == kNshMd1) nsh.metadata.assign(context, context + kNshContextBytes);
  return nsh;
}

void write_nsh(const OdpPushNsh& nsh, uint8_t* to) {
  store_be(to, first_word(nsh.flags, nsh.ttl, nsh_bytes(nsh)));
  to[2] = nsh.mdtype & kMdTypeBits;
  to[3] = nsh.np;
  std::memcpy(to + 4, &nsh.path, sizeof nsh.path);
  std::ranges::copy(nsh.metadata, to + kNshBaseBytes);
}

void set_nsh(uint8_t* header, const Flow& value, const Flow& mask) {
  auto merged = [](auto old, auto v, auto m) { return static_cast<decltype(old)>((old & ~m) | (v & m)); };
  Flow now{};
  read_nsh(header, now);
  size_t bytes = (load_be<uint16_t>(header) & kLengthBits) * 4u;
  store_be(header, first_word(merged(now.nsh_flags, value.nsh_flags, mask.nsh_flags), merged(now.nsh_ttl, value.nsh_ttl, mask.nsh_ttl), bytes));
  be32 path = merged(now.nsh_path, value.nsh_path, mask.nsh_path);
  std::memcpy(header + 4, &path, sizeof path);
  if (now.nsh_mdtype != kNshMd1) return;
  for (size_t i = 0; i < std::size(now.nsh_context); i++) now.nsh_context[i] = merged(now.nsh_context[i], value.nsh_context[i], mask.nsh_context[i]);
  std::memcpy(header + kNshBaseBytes, now.nsh_context, sizeof now.nsh_context);
}

std::optional<uint32_t> packet_type_after_nsh(uint8_t next_protocol) {
  auto* p = std::ranges::find(kNextProtocols, next_protocol, &NextProtocol::number);
  return p == std::end(kNextProtocols) ? std::nullopt : std::optional(p->packet_type);
}

std::optional<uint8_t> nsh_protocol_of(uint32_t packet_type) {
  auto* p = std::ranges::find(kNextProtocols, packet_type, &NextProtocol::packet_type);
  return p == std::end(kNextProtocols) ? std::nullopt : std::optional(p->number);
}

}  // namespace sluice
