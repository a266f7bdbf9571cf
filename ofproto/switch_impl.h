// SPDX-License-Identifier: Apache-2.0
// The inside of a Switch; shared by switch*.cc, upcall.cc, revalidate.cc and bridge*.cc only.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "ofproto/bridge_impl.h"
#include "ofproto/pipeline.h"
#include "ofproto/switch.h"
#include "ofproto/translate.h"

namespace sluice {

inline constexpr size_t kSweepSlice = 256;                     // megaflows looked at before others have their turn
inline constexpr Duration kSweepInterval = milliseconds(500);  // between sweeps for idle megaflows
inline constexpr unsigned kMaxOrphanPasses = 8;                // as deep as recirculations follow each other in a datapath
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

/// Packet-in parameters that datapath actions refer to, counted by users.
class PacketInSpecs {
 public:
  void hold(const std::vector<PacketInSpec>& specs, std::vector<uint64_t>& cookies);
  void release(const std::vector<uint64_t>& cookies);
  const PacketInSpec* find(uint64_t cookie) const {
    auto it = specs_.find(cookie);
    return it == specs_.end() ? nullptr : &it->second.spec;
  }

 private:
  struct Entry {
    PacketInSpec spec;
    uint32_t users = 0;
  };
  boost::unordered_flat_map<uint64_t, Entry> specs_;
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
  Origins origins;
  PacketInSpecs specs;
  size_t megaflows = 0;
  uint64_t pushed_at_hits = UINT64_MAX;     // dpif hits when statistics were last pushed
  // The sweep under way.
  uint64_t sweep_from = 0, swept_generation = 1, sweep_generation = 1;
  unsigned orphan_passes = 0;               // sweeps that leave flows of earlier times alone whose recirculation nobody has asked for yet
  bool saw_orphan = false;
  bool sweeping = false, settled = false, sweep_paused = false;
  bool exact_flows = false;                 // megaflows match all of the packet
  Time next_sweep{}, next_port_check{};
  uint64_t dropped_upcalls = 0;

  Impl(Switch& s, Dpif& d, SwitchOptions o) : self(s), dpif(d), options(o) { pipeline.recircs = RecircTable(d.is_kernel()); }

  // --- upcall.cc ---
  Translation take_packet(const Upcall& upcall, Time now);
  void miss(Upcall& upcall, Time now);
  void slow_path(Upcall& upcall, Time now);
  void packet_in(Upcall& upcall, Time now);
  /// The translation's actions get their numbers; it must be released.
  Held hold(Translation& t, Time now);
  void release(const Held& held, Time now);
  void install(Translation& t, Held held, const Flow& key, Time now);
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
  void push(const Megaflow& flow);
  void revalidate(const Megaflow& flow, Time now);
  void adopt(const Megaflow& flow, Translation& t, Held held, Time now);
  void push_all();
  bool sweep(Time now);
  bool expire(Time now);

  // --- ports.cc ---
  void resolve_patches(Time now);
  bool has_patch(const std::string& name) const;  // that works, in any bridge
  void check_ports(Time now);
};

}  // namespace sluice
