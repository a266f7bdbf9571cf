// SPDX-License-Identifier: Apache-2.0
// UserDatapath: the datapath that polls its devices itself ("netdev", or "dummy" in tests).
//
// run() takes bursts from the devices that have packets, looks each packet up (exact-match cache, then the megaflow table) and runs the compiled action
// program of its flow; what has no flow, or a flow of an old generation, goes up to the brain.
// Invariants: 1. The statistics of a megaflow count every packet that it forwarded, once.  2. A flow pointer is valid until the next flow_del/put/flush.
//             3. Upcalls may call back everything but run() and port_del().
// Threads: all of it from the control thread, for now.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "datapath/dpif.h"
#include "datapath/netdev.h"

namespace sluice {

struct UserDatapathSettings {
  std::string type = "netdev";
  std::string name = "ovs-netdev";
  uint64_t seed = 0;              // of the hashes and of sample()
  bool dummy_numbers = false;     // ports are numbered by their names as Open vSwitch's test datapath does: "p3" is 3, "br0" is 100
};

class UserDatapath final : public Dpif {
 public:
  UserDatapath(UserDatapathSettings settings, NetdevFactory& factory);
  ~UserDatapath() override;

  const std::string& type() const override;
  const std::string& name() const override;
  std::vector<std::pair<std::string, std::string>> features() const override;
  void set_upcall_handler(UpcallHandler* handler) override;

  std::expected<OdpPort, std::string> port_add(const NetdevSpec& spec, std::optional<OdpPort> wanted) override;
  void port_del(OdpPort port) override;
  std::vector<DpPort> ports() const override;
  Netdev* netdev(OdpPort port) override;

  SlowReason flow_put(const FlowPut& put, Time now) override;
  void flow_refresh(const Ufid& ufid, uint64_t generation) override;
  bool flow_modify(const Ufid& ufid, const OdpActions& actions, uint64_t generation) override;
  void flow_del(const Ufid& ufid, Time now) override;
  void flow_flush(Time now) override;
  uint64_t flow_dump(uint64_t from, size_t most, const std::function<bool(const Megaflow&)>& visit) override;
  uint64_t flow_heads(uint64_t from, size_t most, Statistics statistics, const std::function<bool(const FlowHead&)>& visit) override;
  bool flow_get(const Ufid& ufid, Statistics statistics, Megaflow& out) override;
  bool flow_match(const Ufid& ufid, Flow& key, Flow& mask) const override;
  DpifStats stats() const override;

  DpMeterFeatures meter_features() const override;
  int meter_set(uint32_t id, const DpMeter& meter, Time now) override;
  void meter_del(uint32_t id) override;
  std::optional<DpMeterStats> meter_stats(uint32_t id) override;

  void set_generation(uint64_t generation, Time now) override;
  void execute(Packet packet, const OdpActions& actions, Time now) override;

  void ct_dump(std::optional<uint16_t> zone, Time now, const std::function<bool(const CtEntry&)>& visit) override;
  size_t ct_flush(std::optional<uint16_t> zone, Time now, const std::function<bool(const CtEntry&)>& which) override;
  std::optional<CtStats> ct_stats() const override;
  bool ct_set_max_connections(uint64_t n) override;
  bool ct_set_tcp_sequence_check(bool on) override;
  std::vector<CtZoneLimit> ct_limits() const override;
  void ct_configure(const CtSettings& settings) override;
  bool ct_set_limit(int32_t zone, uint32_t limit) override;
  bool ct_del_limit(uint16_t zone) override;

  bool run(Time now) override;
  Time deadline(Time now) const override;
  /// Readable when a device may have packets: the loop watches this one descriptor and calls run().
  int wait_fd() const;
  /// Processes one packet as if `packet.in_port` had received it.
  void inject(Packet packet, Time now);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice
