// SPDX-License-Identifier: Apache-2.0
// Executor: runs compiled action programs on packets.
//
// A packet belongs to the program that runs on it (one reference).  Outputs share it; who edits a shared packet gets a copy first.
#pragma once

#include <cstdint>

#include "datapath/dpif.h"
#include "datapath/user/conntrack.h"
#include "datapath/user/meters.h"
#include "datapath/user/ports.h"
#include "datapath/user/program.h"

namespace sluice {

/// Where packets go that leave the program otherwise than by an output.
class PacketExits {
 public:
  virtual ~PacketExits() = default;
  virtual void recirculate(Packet* packet, unsigned depth, Time now) = 0;
  virtual void to_user(Packet* packet, const OdpUserspace& why, Time now) = 0;
};

class Executor {
 public:
  Executor(PacketPool& pool, UserPorts& ports, Conntrack& connections, UserMeters& meters, PacketExits& exits, uint64_t seed)
      : pool_(pool), ports_(ports), connections_(connections), meters_(meters), exits_(exits), random_(seed | 1) {}
  /// Consumes one reference of `packet`.
  void run(const Program& program, Packet* packet, Time now, unsigned depth, size_t from = 0);

  static constexpr unsigned kMaxDepth = 8;  // of recirculation

 private:
  void run_segments(const Program& program, Packet* packet, Time now, unsigned depth, size_t from);
  Packet* step(const Op& op, Packet* packet, Time now, unsigned depth);
  Packet* edit(const Op& op, Packet* packet, Time now);
  void output(uint32_t port, Packet* packet);
  uint32_t random();

  PacketPool& pool_;
  UserPorts& ports_;
  Conntrack& connections_;
  UserMeters& meters_;
  PacketExits& exits_;
  uint64_t random_;
};

/// The value of OdpHash: never 0.
uint32_t packet_hash(const Flow& key, const OdpHash& hash);

}  // namespace sluice
