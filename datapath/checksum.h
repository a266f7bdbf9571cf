// SPDX-License-Identifier: Apache-2.0
// The Internet checksum (RFC 1071), incremental updates (RFC 1624), and the offloads that need it: partial checksums and segmentation.
#pragma once

#include <cstdint>

#include "datapath/packet_batch.h"
#include "lib/bytes.h"

namespace sluice {

/// One's complement sum of the bytes as big-endian 16-bit words (an odd last byte is the high half), added to `sum`; fold it with checksum_fold().
uint32_t checksum_add(uint32_t sum, ByteView bytes);
/// Folds to 16 bits and complements: the value of a checksum field, host order.
uint16_t checksum_fold(uint32_t sum);
/// The complete checksum over bytes; 0 for bytes that hold a right checksum.
inline uint16_t checksum(ByteView bytes) { return checksum_fold(checksum_add(0, bytes)); }
/// The sum of the pseudo header.  `addresses`: source and destination, 8 or 32 bytes.
uint32_t pseudo_header_sum(ByteView addresses, uint8_t proto, uint32_t length);
/// The field's new value when the 16-bit word `from` becomes `to` (RFC 1624 eqn. 3), all in host order.
uint16_t checksum_update16(uint16_t field, uint16_t from, uint16_t to);
/// The same for a run of bytes of even length at an even place.
uint16_t checksum_update(uint16_t field, ByteView from, ByteView to);
/// CRC32c (SCTP, RFC 9260 appendix A).
uint32_t crc32c(ByteView bytes);

/// Writes IPv4 header checksum at p (header of ihl*4 bytes).
void write_ipv4_checksum(uint8_t* header, size_t length);
/// Writes the L4 checksum (TCP, UDP, ICMP, ICMPv6, SCTP) of a complete packet whose l3 and l4 are set; nothing if the protocol has none.
void write_l4_checksum(Packet& packet);

/// Completes a partial checksum in place (needs_csum becomes false).  Nothing if there is none.
void complete_checksum(Packet& packet);
/// Makes of each GSO packet its segments (checksums complete) and completes partial checksums, for devices that take plain frames only.
void complete_offloads(PacketBatch& batch);

}  // namespace sluice
