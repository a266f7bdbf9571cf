// SPDX-License-Identifier: Apache-2.0
// DirectOutput: packets that do nothing but leave by network devices are sent through a packet socket: half of the work that OVS_PACKET_CMD_EXECUTE is for the kernel,
// with the same outcome (the device's queue, its counters, what listens there).  They wait to be sent together.
// Threads: the control thread.
#pragma once

#include <vector>

#include "datapath/packet.h"
#include "lib/bytes.h"
#include "lib/files.h"

namespace sluice {

class DirectOutput {
 public:
  static constexpr size_t kMost = 64;        // frames that wait
  /// Without CAP_NET_RAW, it stays closed.
  void open();
  bool is_open() const { return static_cast<bool>(fd_); }
  /// False: it has something that a packet socket would not keep.
  static bool can_send(const Packet& packet) { return packet.size() >= 14 && !packet.packet_type && !packet.pkt_mark && !packet.skb_priority && !packet.mru && !packet.offload.needs_csum && !packet.offload.gso_type; }
  /// REQUIRES: is_open().
  void add(ByteView frame, int ifindex);
  bool is_empty() const { return waiting_.empty(); }
  /// Sends what waits.
  void flush();
  /// Frames that the kernel refused: the device is down or has gone, they are too long, its queue is full.
  uint64_t refused() const { return refused_; }

 private:
  struct Frame { size_t at, size; int ifindex; };
  UniqueFd fd_;
  Bytes bytes_;
  std::vector<Frame> waiting_;
  uint64_t refused_ = 0;
};

}  // namespace sluice
