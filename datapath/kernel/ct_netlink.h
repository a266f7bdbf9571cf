// SPDX-License-Identifier: Apache-2.0
// The kernel's connection tracker, by nfnetlink's subsystem CTNETLINK: connections are listed and ended.  It is one for all datapaths of a network namespace.
// Errors are errno values.  Threads: the owner's.
#pragma once

#include <expected>
#include <functional>
#include <optional>

#include "datapath/ct_entry.h"
#include "datapath/kernel/nf_netlink.h"

namespace sluice {

class CtNetlink {
 public:
  static std::expected<CtNetlink, int> open();
  /// Calls `visit` for each connection (of one zone) until it returns false.
  int dump(std::optional<uint16_t> zone, const std::function<bool(const CtEntry&)>& visit);
  /// Ends the connections (of one zone) that `which` (null: all) is true for; how many those were.
  std::expected<size_t, int> flush(std::optional<uint16_t> zone, const std::function<bool(const CtEntry&)>& which);

 private:
  explicit CtNetlink(NfNetlink socket) : socket_(std::move(socket)) {}
  int remove(const CtEntry* entry);   // null: all
  NfNetlink socket_;
};

/// A connection of the attributes of its message; nothing if it has no tuples.
std::optional<CtEntry> decode_connection(ByteView attrs);
/// What names it.
void encode_connection_name(const CtEntry& e, AttrWriter& out);

}  // namespace sluice
