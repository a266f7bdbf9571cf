// SPDX-License-Identifier: Apache-2.0
// Tracked connections as dump-conntrack prints them, and the tuples by which flush-conntrack chooses.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "datapath/ct_entry.h"

namespace sluice {

/// more: ids and both TCP states; statistics: the time until it ends.
std::string format_connection(const CtEntry& e, bool more, bool statistics);
/// "tcp", "udp", ... in capitals for statistics.
std::string protocol_name(const CtEntry& e);
/// One TCP state for both ends, as it was of use to people: the further one.
CtTcpState tcp_state_of(const CtEntry& e);

/// What a tuple asks of one direction; what is not given matches all.
struct TuplePattern {
  std::optional<be32> nw_src, nw_dst;
  std::optional<Ipv6Addr> ipv6_src, ipv6_dst;
  std::optional<uint8_t> proto;
  std::optional<uint16_t> tp_src, tp_dst, icmp_type, icmp_code, icmp_id;
  bool matches(const CtTuple& t, uint16_t id) const;
  /// All that names one connection is there.
  bool is_whole() const { return (nw_src || ipv6_src) && (nw_dst || ipv6_dst) && proto && ((tp_src && tp_dst) || icmp_id); }
};
/// The error is that of the command.
std::expected<TuplePattern, std::string> parse_tuple(std::string_view text);

}  // namespace sluice
