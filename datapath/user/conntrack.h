// SPDX-License-Identifier: Apache-2.0
// Conntrack: the connection tracker of a userspace datapath.
//
// A connection is found by two keys, that of its original direction and that of its answers (which differ by more than the order of their ends if addresses are translated).  The
// keys are spread over kShards tables by a seeded hash of what both directions have alike, so that a worker can own a shard; connections themselves are in slots that never move, and a
// slot's serial tells an old handle from a new one.
// Limits: max_connections in all, a limit for each zone, kNatTries for a free pair of address and port.  What is refused is counted (CtStats).
// Connections end lazily when a packet finds them too old, and by run(), a bounded number at a time.  Thread: the datapath's.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "datapath/ct_entry.h"
#include "datapath/ct_settings.h"
#include "datapath/odp_action.h"
#include "datapath/user/conn_key.h"
#include "datapath/user/slabs.h"
#include "datapath/user/tcp_track.h"
#include "lib/time.h"

namespace sluice {

struct TrackedConnection {
  ConnKey orig, reply;
  uint32_t slot = 0, serial = 0;     // serial 0: free
  bool seen_reply = false, seen_more = false;   // answers; packets after the first
  bool src_nat = false, dst_nat = false;
  uint32_t mark = 0;
  std::array<uint8_t, 16> label{};
  std::optional<TcpTrack> tcp;
  Time ends{};
  std::string helper;
};

class Conntrack {
 public:
  static constexpr size_t kShards = 16;
  static constexpr uint64_t kDefaultMaxConnections = 3'000'000;
  static constexpr unsigned kNatTries = 512;
  static constexpr size_t kSweepSlice = 1024;           // slots looked at in one run()
  static constexpr Duration kSweepInterval = seconds(1);

  explicit Conntrack(uint64_t seed);

  /// Does the action: the packet gets what its connection says.  REQUIRES: its layers are known.
  void track(Packet& packet, const OdpCt& action, Time now);
  /// Ends connections that are too old; true if there is more to do at once.
  bool run(Time now);
  Time deadline() const { return size_ ? next_sweep_ : kNever; }

  void dump(std::optional<uint16_t> zone, Time now, const std::function<bool(const CtEntry&)>& visit) const;
  size_t flush(std::optional<uint16_t> zone, Time now, const std::function<bool(const CtEntry&)>& which);
  CtStats stats() const;
  void set_max_connections(uint64_t n) { max_connections_ = n; }
  void set_tcp_sequence_check(bool on) { check_sequence_ = on; }
  std::vector<CtZoneLimit> limits() const;
  void set_limit(int32_t zone, uint32_t limit);
  bool del_limit(uint16_t zone);
  /// Limits that change, and the timeouts; a connection has its zone's from its next packet on.
  void configure(const CtSettings& settings);

 private:
  struct Ref { TrackedConnection* connection = nullptr; bool is_reply = false; };
  struct KeyHash {
    uint64_t seed;
    size_t operator()(const ConnKey& k) const;
  };
  using Table = boost::unordered_flat_map<ConnKey, Ref, KeyHash>;
  struct Zone { uint32_t count = 0; std::optional<uint32_t> limit; };

  Table& shard(const ConnKey& key);
  Ref find(const ConnKey& key, Time now);
  Ref held_by(const Packet& packet, uint16_t zone, Time now);
  bool update(Ref& found, const TrackedPacket& t, Time now, uint8_t& state);
  TrackedConnection* commit(const TrackedPacket& t, const OdpCt& action, Time now);
  bool has_room(uint16_t zone);
  void end(TrackedConnection* c);
  TrackedConnection* take_slot();
  Duration timeout_of(const TrackedConnection& c) const;
  CtEntry describe(const TrackedConnection& c, Time now) const;

  // --- conn_nat.cc ---
  bool choose_translation(TrackedConnection& c, const OdpNat& nat);
  bool choose_port(ConnKey& reply, bool of_source, const OdpNat& nat, uint64_t start);
  bool is_free(const ConnKey& reply);
  uint64_t random();

  KeyHash hash_;
  std::vector<Table> shards_;
  Slabs<TrackedConnection> slots_;
  size_t size_ = 0, sweep_at_ = 0;
  Time next_sweep_{};
  uint32_t next_serial_ = 1;
  uint64_t max_connections_ = kDefaultMaxConnections;
  bool check_sequence_ = true;
  uint32_t default_limit_ = 0;
  std::map<uint16_t, Zone> zones_;
  CtSettings settings_;
  CtStats counters_;
  uint64_t random_state_;
};

/// Rewrites the packet as its connection translates it; ct_state bits of what was done.
uint8_t translate_packet(Packet& packet, const TrackedPacket& tracked, const TrackedConnection& connection, bool is_reply);

}  // namespace sluice
