// SPDX-License-Identifier: Apache-2.0
// The inside of a KernelDatapath; shared by kernel_datapath.cc, kernel_ports.cc, kernel_flows.cc and kernel_packets.cc only.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <vector>

#include "datapath/kernel/ct_timeouts.h"
#include "datapath/kernel/direct_output.h"
#include "datapath/kernel/flow_records.h"
#include "datapath/kernel/flow_shapes.h"
#include "datapath/kernel/genl_socket.h"
#include "datapath/kernel/kernel_datapath.h"
#include "datapath/kernel/kernel_device.h"
#include "datapath/kernel/meters.h"
#include "datapath/kernel/odp_netlink.h"
#include "datapath/kernel/upcall_handlers.h"
#include "datapath/kernel/vport.h"
#include "datapath/kernel/zone_limits.h"
#include "lib/log.h"

namespace sluice {

inline constexpr int kPortBuffer = 1 << 20;              // bytes that may wait in the socket of a port,
inline constexpr int kCpuBuffer = 8 << 20;               // of a handler, if it has the packets of CPUs
inline constexpr size_t kBatchBytes = 32 * 1024;         // of requests that are sent at once
inline constexpr size_t kUpcallsAtOnce = 64;             // before the flows and packets of these are sent
inline constexpr unsigned kTurnsPerRun = 2;
inline constexpr size_t kMostDirect = 8;                 // outputs of a packet that is sent directly
inline constexpr size_t kDeletesAtOnce = 64;
inline constexpr size_t kMostDumps = 4;                  // under way at a time; an older one that nobody went on with ends
inline constexpr Duration kHealthInterval = seconds(1);  // between looks whether the datapath is still there

struct KernelPort {
  OdpPort number;
  uint32_t vport_type = OVS_VPORT_TYPE_NETDEV;
  std::shared_ptr<GenlSocket> upcalls;   // null: each CPU has one
  std::unique_ptr<KernelDevice> device;
  bool made_link = false;     // a tunnel's device, which goes with the port
  int ifindex = 0;            // of the interface that is attached; another may have the name meanwhile
  bool attached = true;       // false: its interface has gone; it is attached again when one of that name comes
  /// Packets that go out of it go out of the interface as they are.
  bool is_plain() const { return attached && vport_type == OVS_VPORT_TYPE_NETDEV && !made_link; }
};

struct KernelDatapath::Impl {
  std::string name;
  GenlFamilies families;
  GenlSocket control, batch, notices;
  std::unique_ptr<UpcallHandlers> handlers;
  bool wants_cpus = true;                  // upcalls by CPU, if the kernel can
  std::vector<uint32_t> cpu_pids;          // sockets of the handlers, for each CPU; empty: each port has its own
  std::shared_ptr<GenlSocket> strays;      // then, of packets that came from no port of ours
  UniqueFd links, epoll;                   // links: rtnetlink's group LINK
  KernelFeatures features;
  std::vector<std::pair<std::string, std::string>> feature_text;
  VportRequests vports{control, families};
  MeterRequests meters{control};
  DpMeterFeatures meter_features;
  CtTimeoutPolicies timeouts;
  CtSettings ct_settings;
  std::map<uint32_t, DpMeter> meter_configs;   // of ours: set again when the module comes back
  KernelDp dp;                             // ifindex 0: there is none now
  std::map<uint32_t, KernelPort> ports;
  std::vector<Vport> found;                // of earlier times, not claimed yet
  bool settled = false, more = false;
  bool seen_foreign = false;               // a dump has gone over the flows of earlier times
  Time next_health{};
  UpcallHandler* handler = nullptr;
  uint64_t generation = 0;
  Time now{};                              // of the last call that said it

  FlowRecords flows;
  FlowShapes shapes;                       // for `features`
  DirectOutput direct;
  Bytes pending;                           // requests for `batch` that are not sent yet
  std::vector<std::pair<uint32_t, Ufid>> pending_puts;
  std::map<uint64_t, std::unique_ptr<GenlSocket>> dumps;
  uint64_t next_dump = 1;
  uint64_t overflows = 0, unreadable = 0, dropped = 0, refused = 0;  // as logged

  // --- kernel_datapath.cc ---
  std::expected<void, int> connect();
  std::expected<void, int> open_datapath();
  void lost_datapath();
  void check_health();
  void set_zone_limits(const CtLimitChanges& changes);
  int make_sockets();
  uint32_t port_pid(const KernelPort& port) const { return port.upcalls ? port.upcalls->pid() : 0; }
  void warn_of_losses();

  // --- kernel_ports.cc ---
  std::expected<Vport, int> attach(const std::string& device, uint32_t type, std::optional<OdpPort> wanted, uint32_t pid);
  bool watch(int fd, uint64_t tag, bool add = true);
  void take_notices();
  void take_link_events();
  void detach_renamed();
  void reattach();
  uint32_t upcall_pid(be32 in_port) const;

  // --- kernel_flows.cc ---
  GenlCommand flow_command(uint8_t command) const { return {families.flow, command, OVS_FLOW_VERSION}; }
  SlowReason encode_flow(const FlowPut& put, KernelFlow& flow);
  /// Adds a command that makes or changes the flow to what is sent next.
  void put(uint8_t command, const KernelFlow& flow);
  void take_statistics(KernelFlow& flow, const GenlMessage& m) const;
  bool read_match(const KernelFlow& flow, Flow& key, Flow& mask) const;
  bool describe(const KernelFlow& flow, Megaflow& out) const;
  void end_flow(const Ufid& ufid, Time now);
  void delete_flows(std::span<const Ufid> ufids, Time now);
  const KernelFlow* foreign_flow(const GenlMessage& m);
  uint64_t dump_flows(uint64_t from, size_t most, const std::function<bool(const KernelFlow&)>& visit);
  void flush();

  // --- kernel_packets.cc ---
  bool take_upcalls(Time now);
  bool send_directly(const Packet& packet, const OdpActions& actions);
  void queue_execute(const Packet& packet, const OdpActions& actions);
  void execute_slowly(Packet packet, const OdpActions& actions);
};

extern Log kernel_log;

/// Tags of epoll.
inline constexpr uint64_t kNoticesTag = 1, kLinksTag = 2, kUpcallsTag = 3;

}  // namespace sluice
