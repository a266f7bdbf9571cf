// SPDX-License-Identifier: Apache-2.0
// KernelDatapath: openvswitch.ko forwards; we add its ports, install its flows, and take the packets that it hands up.
//
// Invariants: 1. For each flow that we put into the kernel there is a record here, with what the brain wants to know again.  A flow without a record is another's, or of
//                an earlier run of ours: it is left alone until settle(), then offered to the brain, which adopts or deletes it.
//             2. Packets that come up wait in a queue for each port, and each has its turn: a flood through one port overflows its own queue only.
//             3. Without an upcall handler the kernel is left as it is, so that traffic goes on while no daemon runs.
// The datapath is made with the first port and deleted with the last.
// Threads: the control thread; handlers (upcall_handlers.h) read and parse what comes up, if there are several CPUs.
#pragma once

#include <expected>
#include <memory>
#include <string>

#include "datapath/dpif.h"

namespace sluice {

class KernelDatapath final : public Dpif {
 public:
  struct Options {
    std::string name = "ovs-system";
    unsigned handler_threads;       // 0: the control thread reads upcalls by itself
    bool per_cpu_upcalls;           // where the kernel can; else, and if false, each port has a socket.  Without threads that is better: what floods one port overflows its
                                    // socket, in the kernel, and nobody reads it only to throw it away
    Options();
  };
  /// The error says what to do.
  static std::expected<std::unique_ptr<KernelDatapath>, std::string> open(const Options& options = {});
  ~KernelDatapath() override;

  const std::string& type() const override;
  const std::string& name() const override;
  bool is_kernel() const override { return true; }
  std::vector<std::pair<std::string, std::string>> features() const override;
  void set_upcall_handler(UpcallHandler* handler) override;

  std::expected<OdpPort, std::string> port_add(const NetdevSpec& spec, std::optional<OdpPort> wanted) override;
  void port_del(OdpPort port) override;
  std::vector<DpPort> ports() const override;
  Netdev* netdev(OdpPort port) override;
  void settle(Time now) override;

  SlowReason flow_put(const FlowPut& put, Time now) override;
  void flow_refresh(const Ufid& ufid, uint64_t generation) override;
  bool flow_modify(const Ufid& ufid, const OdpActions& actions, uint64_t generation) override;
  void flow_adopt(const Ufid& ufid, uint64_t generation, uint64_t cookie) override;
  void flow_del(const Ufid& ufid, Time now) override;
  void flows_del(std::span<const Ufid> ufids, Time now) override;
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

  void ct_dump(std::optional<uint16_t> zone, Time, const std::function<bool(const CtEntry&)>& visit) override;
  size_t ct_flush(std::optional<uint16_t> zone, Time, const std::function<bool(const CtEntry&)>& which) override;

  void set_generation(uint64_t generation, Time now) override;
  void ct_configure(const CtSettings& settings) override;
  std::optional<std::string> ct_timeout_policy(uint16_t zone, bool ipv6, uint8_t proto) const override;
  void execute(Packet packet, const OdpActions& actions, Time now) override;
  void complete(Time now) override;
  bool run(Time now) override;
  Time deadline(Time now) const override;
  /// Readable when run() has something to do.
  int wait_fd() const;

 private:
  struct Impl;
  explicit KernelDatapath(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice
