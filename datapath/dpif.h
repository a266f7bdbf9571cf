// SPDX-License-Identifier: Apache-2.0
// Dpif: the seam between a bridge's brain and what forwards packets (openvswitch.ko, the userspace datapath).
// One Dpif per datapath type serves all bridges of that type.  All calls from the control thread.
//
// A cached flow (megaflow) is stamped with the generation of the pipeline that it came from (`FlowPut::generation`).  The brain publishes the
// current generation with set_generation(); a packet that meets an older stamp is handed up as UpcallKind::kStale instead of being forwarded, so that
// after a barrier reply no packet is forwarded by an old decision.  (A kernel can't compare stamps: there the brain has looked at all megaflows before it replies.)
#pragma once

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "datapath/ct_entry.h"
#include "datapath/ct_settings.h"
#include "datapath/flow.h"
#include "datapath/meter.h"
#include "datapath/netdev.h"
#include "datapath/odp_action.h"
#include "datapath/packet.h"
#include "lib/time.h"

namespace sluice {

using Ufid = std::array<uint8_t, 16>;
/// A ufid is a hash itself.
struct UfidHash {
  size_t operator()(const Ufid& u) const {
    size_t h;
    std::memcpy(&h, u.data(), sizeof h);
    return h;
  }
};

struct FlowStats {
  uint64_t packets = 0, bytes = 0;
  Time used = Time::min();   // Time::min(): never
  uint16_t tcp_flags = 0;    // all that were seen, or-ed
};

struct Megaflow {
  Ufid ufid{};
  Flow key{};                // as it was put: bits outside of the mask mean nothing
  Flow mask{};
  OdpActions actions;
  FlowStats stats;
  uint64_t generation = 0;
  uint64_t cookie = 0;       // the brain's handle to what the flow came from (its effects)
};

/// What a sweep over all megaflows needs of each; the rest by Dpif::flow_get().
struct FlowHead {
  Ufid ufid{};
  FlowStats stats;
  uint64_t generation = 0, cookie = 0;
};

enum class UpcallKind : uint8_t {
  kMiss,     // no megaflow matches
  kAction,   // an OdpUserspace action: `cookie` and `reason` are those of the action
  kStale,    // a megaflow matches whose generation is old: `flow` is that megaflow
};

struct Upcall {
  UpcallKind kind;
  Packet packet;                 // owned by the receiver of the upcall
  Flow key;                      // in datapath terms (in_port is an OdpPort)
  uint64_t cookie = 0;
  SlowReason reason = SlowReason::kNone;
  const Megaflow* flow = nullptr;  // kStale only; valid during the call, statistics included
};

class UpcallHandler {
 public:
  virtual ~UpcallHandler() = default;
  /// Handles one packet completely: translates, applies effects, installs or replaces a megaflow, executes the actions.
  virtual void upcall(Upcall upcall, Time now) = 0;
  /// True if nothing that changed since the megaflow's generation concerns it: it may be stamped anew, without an upcall.
  virtual bool still_holds(const FlowHead&) { return false; }
  /// A megaflow ended (idle, deleted, flushed, replaced by flow_put): its final statistics must be pushed.  Called before it is freed.
  virtual void flow_removed(const Megaflow& flow, Time now) = 0;
};

struct DpifStats { uint64_t hit = 0, missed = 0, lost = 0, flows = 0, masks = 0, mask_hit = 0, cache_hit = 0; };

struct DpPort {
  OdpPort port;
  std::string name;
  std::string type;
};

class Dpif {
 public:
  virtual ~Dpif() = default;
  virtual const std::string& type() const = 0;   // "system", "netdev"
  virtual const std::string& name() const = 0;   // "ovs-system", "ovs-netdev"
  /// True if packets are forwarded by the kernel.
  virtual bool is_kernel() const { return false; }
  /// What it can: lines of dpif/show-dp-features.
  virtual std::vector<std::pair<std::string, std::string>> features() const = 0;
  /// nullptr: the brain leaves.  What forwards without us (the kernel) goes on with the ports and flows that it has.
  virtual void set_upcall_handler(UpcallHandler* handler) = 0;

  /// Opens the device and adds it.  Error: the text of Interface.error.
  virtual std::expected<OdpPort, std::string> port_add(const NetdevSpec& spec, std::optional<OdpPort> wanted) = 0;
  virtual void port_del(OdpPort port) = 0;
  virtual std::vector<DpPort> ports() const = 0;
  /// The device of a port, for state and settings; nullptr if there is none.  Never used to send or receive.
  virtual Netdev* netdev(OdpPort port) = 0;

  /// All that was wanted has been added: ports of earlier times that nobody wants are deleted; flows of earlier times show in flow_dump() with cookie 0.
  virtual void settle(Time) {}

  struct FlowPut {
    const Flow& key;         // of the packet, bits outside the mask included: a datapath may narrow the mask to them
    const Flow& mask;
    const OdpActions& actions;
    uint64_t generation;
    uint64_t cookie;
  };
  /// Adds or replaces (same masked key and mask; statistics of the old one are handed to flow_removed first).  Returns why the datapath can't have such a flow (kNone:
  /// it can): then the brain puts it with OdpUserspace of that reason as its only action, and does for each packet what is to be done.
  virtual SlowReason flow_put(const FlowPut& put, Time now) = 0;
  /// The flow was translated again with the same outcome: its stamp becomes `generation`.  Statistics stay.
  virtual void flow_refresh(const Ufid& ufid, uint64_t generation) = 0;
  /// The flow does something else from now on; its statistics go on.  False: the datapath can't, or has no such flow; nothing has changed then.
  virtual bool flow_modify(const Ufid& ufid, const OdpActions& actions, uint64_t generation) = 0;
  /// A flow of earlier times (cookie 0) does what the brain would have it do: it is the brain's from now on.
  virtual void flow_adopt(const Ufid&, uint64_t, uint64_t) {}
  virtual void flow_del(const Ufid& ufid, Time now) = 0;
  /// Several at once, which a kernel does with less effort.
  virtual void flows_del(std::span<const Ufid> ufids, Time now) {
    for (const Ufid& u : ufids) flow_del(u, now);
  }
  virtual void flow_flush(Time now) = 0;
  /// Calls `visit` for each megaflow (statistics current) until it returns false; the flow may be deleted inside.  `from` resumes a sliced dump: the value that the last
  /// slice returned; 0 begins; returns 0 at the end.
  virtual uint64_t flow_dump(uint64_t from, size_t most, const std::function<bool(const Megaflow&)>& visit) = 0;
  enum class Statistics : uint8_t {
    kCurrent,   // the datapath is asked
    kLastHeard  // it is not: only what the brain put or adopted is visited, with the statistics of the last time
  };
  /// The same, cheaper: without what flow_get() tells.
  virtual uint64_t flow_heads(uint64_t from, size_t most, Statistics statistics, const std::function<bool(const FlowHead&)>& visit) = 0;
  /// False if there is none of that ufid.
  virtual bool flow_get(const Ufid& ufid, Statistics statistics, Megaflow& out) = 0;
  /// Only key and mask.
  virtual bool flow_match(const Ufid& ufid, Flow& key, Flow& mask) const = 0;
  virtual DpifStats stats() const = 0;

  virtual void set_generation(uint64_t generation, Time now) = 0;
  /// Runs `actions` on the packet now.
  virtual void execute(Packet packet, const OdpActions& actions, Time now) = 0;
  /// Flows that were put and packets that were executed until now may have waited to be handed over together: they do no longer.
  virtual void complete(Time) {}

  // --- meters (OdpMeter) ---

  virtual DpMeterFeatures meter_features() const { return {}; }
  /// Makes it or changes it; its statistics begin anew.  0 or errno (EFBIG: too many).
  virtual int meter_set(uint32_t /*id*/, const DpMeter&, Time) { return EOPNOTSUPP; }
  virtual void meter_del(uint32_t /*id*/) {}
  virtual std::optional<DpMeterStats> meter_stats(uint32_t /*id*/) { return std::nullopt; }

  // --- connection tracking (OdpCt) ---

  /// Calls `visit` for each connection (of one zone) until it returns false.
  virtual void ct_dump(std::optional<uint16_t> /*zone*/, Time, const std::function<bool(const CtEntry&)>&) {}
  /// Ends the connections (of one zone) that `which` is true for; how many those were.
  virtual size_t ct_flush(std::optional<uint16_t> /*zone*/, Time, const std::function<bool(const CtEntry&)>& /*which*/) { return 0; }
  /// Nothing: the datapath has no such numbers.
  virtual std::optional<CtStats> ct_stats() const { return std::nullopt; }
  virtual bool ct_set_max_connections(uint64_t) { return false; }
  virtual bool ct_set_tcp_sequence_check(bool) { return false; }
  /// The default (zone -1) first, then the zones that have a limit of their own.
  virtual std::vector<CtZoneLimit> ct_limits() const { return {}; }
  virtual bool ct_set_limit(int32_t /*zone*/, uint32_t /*limit*/) { return false; }
  virtual bool ct_del_limit(uint16_t /*zone*/) { return false; }
  /// All that the configuration says of zones: what it says no more is as if it had never been said.
  virtual void ct_configure(const CtSettings&) {}
  /// OdpCt::timeout of a new connection, which may depend on its protocol; nothing: in that zone it needs none.
  virtual std::optional<std::string> ct_timeout_policy(uint16_t /*zone*/, bool /*ipv6*/, uint8_t /*proto*/) const { return std::nullopt; }

  /// Receives and forwards what is there, within a bounded quantum; true if more may be waiting.
  virtual bool run(Time now) = 0;
  /// When run() has something to do by itself.
  virtual Time deadline(Time now) const = 0;
};

}  // namespace sluice
