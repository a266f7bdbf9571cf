// SPDX-License-Identifier: Apache-2.0
// DpctlDatapath: a datapath as the dpctl commands see it, and DpctlSource: which datapaths there are.
// Two implementations: openvswitch.ko over netlink (kernel_datapath.h), with or without a daemon, and a Dpif of this process (dpif_datapath.h).
// Errors are errno values, 0 means done; what a datapath doesn't have is EOPNOTSUPP.  Threads: the caller's.
#pragma once

#include <cerrno>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "datapath/dpif.h"
#include "datapath/odp_text.h"

namespace sluice {

struct DpctlPort {
  OdpPort port;
  std::string name, type;
  std::vector<std::pair<std::string, std::string>> options;
};

/// A flow as it is shown.
struct DpctlFlow {
  std::optional<Ufid> ufid;
  std::string key, actions;   // as text
  Flow flow{}, mask{};        // what `key` says
  FlowStats stats;
};

enum class DpctlPut : uint8_t { kCreate, kModify, kCreateOrModify };

struct DpctlCache { std::string name; uint32_t size; };

class DpctlDatapath {
 public:
  virtual ~DpctlDatapath() = default;
  virtual std::string type() const = 0;
  virtual std::string name() const = 0;
  virtual bool is_kernel() const = 0;
  virtual int destroy() = 0;

  virtual std::expected<DpifStats, int> stats() = 0;
  virtual std::vector<DpctlCache> caches() { return {}; }
  virtual int set_cache_size(const std::string&, uint32_t) { return EOPNOTSUPP; }

  virtual std::expected<std::vector<DpctlPort>, int> ports() = 0;
  virtual std::optional<NetdevStats> port_stats(const DpctlPort& port) = 0;
  /// Can a device of this type and name be had?
  virtual int can_open(const NetdevSpec& spec) = 0;
  virtual int port_add(const NetdevSpec& spec, std::optional<OdpPort> wanted) = 0;
  virtual int port_del(OdpPort port) = 0;

  struct Put {
    const OdpKeyMask& key;
    const OdpActions& actions;
    DpctlPut how = DpctlPut::kCreateOrModify;
    bool clear = false;         // statistics
  };
  /// `old` becomes the statistics that the flow had.
  virtual int flow_put(const Put& put, FlowStats& old, Time now) = 0;
  virtual int flow_del(const OdpKeyMask& key, FlowStats& old, Time now) = 0;
  virtual std::expected<DpctlFlow, int> flow_get(const Ufid& ufid, const OdpTextOptions& text) = 0;
  virtual int flow_flush(Time now) = 0;
  virtual int flow_dump(const OdpTextOptions& text, const std::function<void(const DpctlFlow&)>& visit) = 0;

  // The connection tracker.
  virtual int ct_dump(std::optional<uint16_t> /*zone*/, Time, const std::function<void(const CtEntry&)>&) { return 0; }
  /// `which` null: all.  ENOENT: it is true for none.
  virtual int ct_flush(std::optional<uint16_t> /*zone*/, Time, const std::function<bool(const CtEntry&)>& which) { return which ? EOPNOTSUPP : 0; }
  virtual std::optional<CtStats> ct_stats() { return std::nullopt; }   // nothing: it has no such numbers
  virtual int ct_set_max_connections(uint32_t) { return EOPNOTSUPP; }
  virtual int ct_set_tcp_sequence_check(bool) { return EOPNOTSUPP; }
  /// Of these zones, or of all that have a limit of their own; zone -1, of the others, is always among them.
  virtual std::expected<std::vector<CtZoneLimit>, int> zone_limits(const std::vector<uint16_t>&) { return std::unexpected(EOPNOTSUPP); }
  virtual int set_zone_limits(const std::vector<CtZoneLimit>&) { return EOPNOTSUPP; }
  virtual int del_zone_limits(const std::vector<uint16_t>&) { return EOPNOTSUPP; }
};

class DpctlSource {
 public:
  virtual ~DpctlSource() = default;
  /// "TYPE@NAME" of each, sorted.
  virtual std::vector<std::string> names() = 0;
  virtual std::expected<std::unique_ptr<DpctlDatapath>, int> open(const std::string& type, const std::string& name) = 0;
  virtual std::expected<std::unique_ptr<DpctlDatapath>, int> create(const std::string& type, const std::string& name) = 0;
};

}  // namespace sluice
