// SPDX-License-Identifier: Apache-2.0
// The inside of a Switch; shared by switch*.cc, upcall.cc, revalidate.cc and bridge*.cc only.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "datapath/feature_limits.h"
#include "ofproto/bridge_impl.h"
#include "ofproto/change_log.h"
#include "ofproto/doorkeeper.h"
#include "ofproto/pipeline.h"
#include "ofproto/switch.h"
#include "ofproto/translate.h"

namespace sluice {

inline constexpr size_t kSweepSlice = 256;                     // megaflows translated again before others have their turn
inline constexpr size_t kHeadsSlice = 2048;                    // megaflows looked at,
inline constexpr size_t kBusyHeadsSlice = 256;                 // while packets wait for us
inline constexpr size_t kRevalidatedAtOnce = 1024;             // so many do not wait for their slices if a barrier does
inline constexpr size_t kMostPushed = 16384;                   // megaflows of a kernel that are asked for statistics when somebody wants some
inline constexpr Duration kSweepInterval = milliseconds(500);  // between sweeps for idle megaflows, at least,
inline constexpr int kSweepRest = 16;                          // and so many times as long as the last one took,
inline constexpr Duration kLongestSweepInterval = seconds(3);  // but no longer
inline constexpr unsigned kMaxOrphanPasses = 8;                // as deep as recirculations follow each other in a datapath
inline constexpr size_t kMostLingering = 65536;                 // packet-ins that nobody holds, kept for kRecircLinger
inline constexpr Duration kPortInterval = milliseconds(500);   // between looks at the state of devices

/// What datapath actions refer to by number: it stays while they are there.
struct Held {
  std::vector<uint64_t> packet_ins;   // cookies of PacketInSpecs
  std::vector<uint32_t> recircs;      // ids of Pipeline::recircs
};

/// What a megaflow came from.  Its id is the megaflow's cookie.
struct Origin {
  Effects effects;
  Held held;
  BridgeId bridge = 0;
  uint64_t packets = 0, bytes = 0;    // of its statistics, what the effects have been told
  Time created{};
  uint32_t next_free = 0;
  bool in_use = false;
};

class Origins {
 public:
  Origins() : slots_(1) {}
  uint64_t add(Origin origin);
  Origin* find(uint64_t id) { return id && id < slots_.size() && slots_[id].in_use ? &slots_[id] : nullptr; }
  void remove(uint64_t id);

 private:
  std::vector<Origin> slots_;
  uint32_t free_ = 0;
};

/// Packet-in parameters that datapath actions refer to by a cookie, counted by users.  Equal ones have one cookie, so that equal translations have equal datapath actions.
class PacketInSpecs {
 public:
  /// The cookie: a new number, for parameters that nobody holds.
  uint64_t hold(const PacketInSpec& spec, RecircTable& numbers);
  void release(const std::vector<uint64_t>& cookies);
  /// The same after kRecircLinger, for packets that are on their way.
  void release_later(const std::vector<uint64_t>& cookies, Time now);
  void run(Time now);
  Time deadline() const { return lingering_.empty() ? kNever : lingering_.front().first; }
  const PacketInSpec* find(uint64_t cookie) const {
    auto it = specs_.find(cookie);
    return it == specs_.end() ? nullptr : &it->second.spec;
  }

 private:
  struct Entry {
    PacketInSpec spec;
    uint64_t hash = 0;
    uint32_t users = 0;
  };
  boost::unordered_flat_map<uint64_t, Entry> specs_;        // by cookie
  boost::unordered_flat_map<uint64_t, uint64_t> by_hash_;   // cookies
  std::deque<std::pair<Time, std::vector<uint64_t>>> lingering_;   // by time
};

inline constexpr size_t kMaxPauses = 4096;   // packets that wait for controllers; the oldest gives way

/// A packet that a controller has been given by controller(pause).
struct Pause {
  FrozenPtr state;
  Packet packet;                 // with what the datapath knew of it
};

/// Continuations: what a controller gets is a number and a secret of this process, so that it resumes only what it was given.
class Pauses {
 public:
  explicit Pauses(uint64_t secret) : secret_(secret) {}
  std::vector<uint8_t> add(Pause pause);
  std::optional<Pause> take(ByteView continuation);

 private:
  uint64_t secret_, next_ = 1;
  std::map<uint64_t, Pause> waiting_;
  std::deque<uint64_t> order_;
};

struct Switch::Impl {
  Switch& self;
  Dpif& dpif;
  SwitchOptions options;
  Pipeline pipeline;
  std::map<std::string, std::unique_ptr<Bridge>> bridges;
  std::map<BridgeId, Bridge::Impl*> by_id;
  BridgeId next_bridge = 1;
  uint64_t generation = 1;
  ChangeLog changes;                        // that made it grow
  Origins origins;
  PacketInSpecs specs;
  std::set<uint32_t> meter_ids;             // of the datapath's meters, of all bridges
  Pauses pauses;
  struct Vport { OdpPort odp; unsigned users = 0; };
  std::map<std::string, Vport> vports;      // of tunnels, by name
  size_t megaflows = 0;
  uint64_t pushed_at_hits = UINT64_MAX;     // dpif hits when statistics were last pushed
  // The revalidation under way, from there on; all megaflows are at least of generation `valid_generation`, and of `revalidation_generation` when it is done.
  uint64_t revalidate_from = 0, valid_generation = 1, revalidation_generation = 1;
  // The sweep for statistics under way, and when it, and the last whole one, began.
  uint64_t sweep_from = 0;
  Time sweep_began{}, pushed_until = Time::min();
  bool settled = false, adopting = false;   // adopting: no sweep has seen all megaflows of earlier times yet
  unsigned orphan_passes = 0;               // sweeps that leave flows of earlier times alone whose recirculation nobody has asked for yet
  bool saw_orphan = false;
  bool sweep_paused = false;
  bool exact_flows = false;                 // megaflows match all of the packet
  FeatureLimits limits;
  bool packets_wait = false;                // the datapath had more than it could hand up at once
  Doorkeeper doorkeeper;                    // of a kernel: what its megaflows cost is known
  Time next_sweep{}, next_port_check{};
  uint64_t dropped_upcalls = 0;

  Impl(Switch& s, Dpif& d, SwitchOptions o, uint64_t seed) : self(s), dpif(d), options(o), pauses(seed) { 
    pipeline.recircs = RecircTable(d.is_kernel());
    if (d.is_kernel()) pipeline.max_hash_algorithm = 0, pipeline.tc_queues = true, pipeline.names_timeouts = &d;
  }

  // --- upcall.cc ---
  struct Taken {
    Translation t;
    std::optional<Translation> own;   // what the packet itself does, if that is something else
  };
  Taken take_packet(const Upcall& upcall, Time now);
  void miss(Upcall& upcall, Time now);
  void slow_path(Upcall& upcall, Time now);
  void packet_in(Upcall& upcall, Time now);
  /// The translation's actions get their numbers; it must be released.
  Held hold(Translation& t, Time now);
  void release(const Held& held, Time now);
  bool is_worth_a_megaflow(const Flow& key, const Flow& mask);
  /// kNone: the datapath may have a megaflow that does what the translation says.
  SlowReason why_slow(const Translation& t) const { return t.slow != SlowReason::kNone ? t.slow : limits.refuse(t.mask, t.actions); }
  void install(Translation& t, Held held, const Flow& key, Time now);
  /// One more; with the first one, changes of flow entries begin to matter one by one.
  void count_megaflow();
  void apply(const Effects& effects, uint64_t packets, uint64_t bytes, uint16_t tcp_flags, Time used);
  void learn_flow(const LearnFlow& l, Time used);
  /// Runs actions of a translation that no megaflow holds.
  void execute_once(Packet packet, Translation& t, Time now);
  /// After something in the bridge may have changed: packets must not be forwarded by old decisions.
  void changed(Bridge::Impl& bridge, Time now);
  void config_changed(Bridge::Impl& bridge, Time now) {
    bridge.config_generation++;
    bridge.status_changes++;
    changed(bridge, now);
  }

  // --- revalidate.cc ---
  void push(uint64_t cookie, const FlowStats& stats);
  void adopt(const Megaflow& flow, Translation& t, Held held, Time now);
  /// True: the counters of rules, groups, MAC entries are exact now.  False: there are too many megaflows to ask for; they are those of the last sweep.
  bool push_all();
  bool is_outdated(const Effect& effect) const;
  bool must_learn(const Effects& effects) const;
  /// True if no change since its generation can concern the megaflow.
  bool still_holds(const FlowHead& flow);
  bool is_still_right(const Ufid& ufid, Time now);
  bool modify(const Ufid& ufid, const Translation& t);
  bool revalidate(Time now);
  bool sweep(Time now);
  /// True once no packet is forwarded by decisions of before this generation.
  bool in_force(uint64_t wanted, Time now);
  bool expire(Time now);

  // --- ports.cc ---
  /// The datapath's port for tunnels like this, shared by all of them.
  std::expected<OdpPort, std::string> hold_vport(const NetdevSpec& spec);
  void release_vport(const std::string& name);
  void resolve_patches(Time now);
  bool has_patch(const std::string& name) const;  // that works, in any bridge
  void check_ports(Time now);
  void fit_mtus(Bridge::Impl& bridge);   // mtu.cc
};

}  // namespace sluice
