// SPDX-License-Identifier: Apache-2.0
// ConnKey: one direction of a connection in a zone, the key of the tracker's tables, and how it is read out of a packet.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>

#include "datapath/l4.h"
#include "datapath/packet.h"

namespace sluice {

struct ConnKey {
  Ipv6Addr src{}, dst{};             // IPv4: the first four bytes
  be16 src_port, dst_port;           // ICMP: the identifier, in both
  uint16_t zone = 0;
  uint8_t proto = 0;
  bool ipv6 = false;
  uint8_t icmp_type = 0, icmp_code = 0;
  uint8_t pad[6]{};
  friend bool operator==(const ConnKey& a, const ConnKey& b) { return std::memcmp(&a, &b, sizeof a) == 0; }
};
static_assert(std::has_unique_object_representations_v<ConnKey> && sizeof(ConnKey) == 48);

inline bool is_icmp(const ConnKey& k) { return is_icmp(k.proto); }
/// The key of the answers: ends exchanged, and of a request the answer's type.
ConnKey reverse(const ConnKey& key);
/// As the original direction of a tracked packet has it.
CtTuple tuple_of(const ConnKey& key);

struct TrackedPacket {
  ConnKey key;
  L4 l4;
  bool is_error = false;             // ICMP about another packet: `key` is that of its answers, with which the error travels
};
enum class Untrackable : uint8_t { kNo, kInvalid, kFragment };
/// Reads the key.  REQUIRES: the packet's layers are known (extract()).
Untrackable read_conn_key(Packet& packet, uint16_t zone, TrackedPacket& out);

}  // namespace sluice
