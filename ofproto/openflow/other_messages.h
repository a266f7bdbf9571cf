// SPDX-License-Identifier: Apache-2.0
// The rest: switch description, and the Nicira messages about TLV tables, connection tracking and IPFIX.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lib/address.h"
#include "lib/bytes.h"

namespace sluice::ofp {

/// OF1.3.5 7.3.5.1
struct DescReply { std::string mfr_desc, hw_desc, sw_desc, serial_num, dp_desc; };

/// NXT_TLV_TABLE_*: Geneve options to tun_metadata fields.
enum class TlvTableCommand : uint16_t { kAdd, kDelete, kClear };
struct TlvMap {
  uint16_t option_class = 0;
  uint8_t option_type = 0, option_len = 0;  // length in bytes: a multiple of 4, 4..124
  uint16_t index = 0;            // 0..63
};
struct TlvTableMod {
  TlvTableCommand command = TlvTableCommand::kAdd;
  std::vector<TlvMap> maps;
};
struct TlvTableReply {
  uint32_t max_option_space = 0;
  uint16_t max_fields = 0;
  std::vector<TlvMap> maps;
};

/// One direction of a connection in NXT_CT_FLUSH; IPv4 as v4-mapped IPv6; an empty optional is not compared.
struct CtTuple {
  std::optional<Ipv6Addr> src, dst;
  std::optional<uint16_t> src_port, dst_port, icmp_id;
  std::optional<uint8_t> icmp_type, icmp_code;
};
struct CtFlush {
  uint8_t ip_proto = 0;          // 0: any
  CtTuple original, reply;
  std::optional<uint16_t> zone;
  std::optional<uint32_t> mark, mark_mask;
  std::optional<Ipv6Addr> labels, labels_mask;  // 16 bytes
};

/// NXST_IPFIX_BRIDGE and NXST_IPFIX_FLOW: counters in the order of the wire.
struct IpfixStats {
  uint64_t total_flows = 0, current_flows = 0, pkts = 0, ipv4_pkts = 0, ipv6_pkts = 0, error_pkts = 0, ipv4_error_pkts = 0, ipv6_error_pkts = 0, tx_pkts = 0, tx_errors = 0;
  uint32_t collector_set_id = 0;  // flow only
};
struct IpfixStatsReply { std::vector<IpfixStats> entries; };

}  // namespace sluice::ofp
