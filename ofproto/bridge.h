// SPDX-License-Identifier: Apache-2.0
// Bridge: one OpenFlow switch: ports, flow tables, groups, MAC table.  The agent (agent.h) gives it what OpenFlow sessions ask, vswitchd what the
// configuration says; the Switch (switch.h) that owns it gives it packets.
// Threads: the control thread; translation reads what it holds through the Pipeline.
#pragma once

#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lib/time.h"
#include "ofproto/openflow/message.h"
#include "ofproto/settings.h"

namespace sluice {

class Switch;
struct FlowChange;
struct FlowCursor;
struct Rule;
using RuleId = uint64_t;

/// A packet for the controllers.  packet.data is the whole frame; sessions cut it to max_len.
struct PacketInEvent {
  ofp::PacketIn packet;
  uint16_t controller_id = 0;     // only sessions with this id get it
  uint16_t max_len = UINT16_MAX;  // bytes
  bool is_implicit_miss = false;  // no flow matched, not even a table-miss entry
  bool is_table_miss = false;     // the table-miss entry did: to sessions of 1.3 and later that is no match, to older ones an action
};

/// What happens in a bridge that OpenFlow sessions may want to hear of.
class BridgeEvents {
 public:
  virtual ~BridgeEvents() = default;
  virtual void packet_in(const PacketInEvent& event) = 0;
  virtual void flow_removed(const ofp::FlowRemoved& event) = 0;
  virtual void flow_changed(const FlowChange& change) = 0;  // removed ones; all kinds while watch_flows(true)
  /// only_live: nothing but that it lives or not, which 1.0 has no word for.
  virtual void port_status(ofp::PortReason reason, const ofp::PortDesc& port, bool only_live) = 0;
  virtual void table_status(const ofp::TableStatus&) {}
};

/// An interface as the status columns and appctl show it.
struct InterfaceStatus {
  std::string name, type;
  OfpPort ofport = OFPP_NONE;     // OFPP_NONE: it could not be set up, see error
  std::string error;
  NetdevState state;
  NetdevStats stats;
};

struct MirrorStatistics { uint64_t packets = 0, bytes = 0; };

class Bridge {
 public:
  Bridge(Switch& owner, const BridgeSettings& settings, Time now);
  ~Bridge();
  Bridge(const Bridge&) = delete;
  Bridge& operator=(const Bridge&) = delete;

  const std::string& name() const;
  uint64_t datapath_id() const;               // configured, or made from the local port's MAC
  void set_events(BridgeEvents* events);      // nullptr: none; outlives the calls
  void watch_flows(bool on);
  /// Rules that OpenFlow can see.
  void for_each_rule(const std::function<void(const Rule&)>& visit) const;
  const Rule* find_rule(RuleId id) const;     // nullptr: gone

  // --- configuration (vswitchd) ---
  void configure(const BridgeSettings& settings, Time now);
  const BridgeSettings& settings() const;
  /// Opens the device, gives it an OpenFlow port number.  A failure is kept as the interface's status (error, ofport none) and retried by configuring again.
  /// The interface named as the bridge is the local port.
  void add_interface(const InterfaceSettings& settings, Time now);
  void change_interface(const InterfaceSettings& settings, Time now);
  void remove_interface(const std::string& name, Time now);
  /// Adds or changes a port; its interfaces must have been added.
  void set_port(const PortSettings& settings, Time now);
  void remove_port(const std::string& name, Time now);
  MirrorStatistics mirror_statistics(const Uuid& id) const;
  std::optional<InterfaceStatus> interface_status(const std::string& name) const;
  /// Counts changes that status columns show (link states, errors, ...), so that an unchanged bridge costs nothing to report.
  uint64_t status_changes() const;

  // --- fail mode (agent) ---
  /// A flow `priority=0 actions=NORMAL` in table 0, as a bridge without controllers has.
  void set_normal_by_default(bool on, Time now);
  /// A hidden flow above all others that forwards as NORMAL.
  void set_fail_open(bool on, Time now);
  /// Packets that no flow matches go to the controllers (set while a session of OpenFlow 1.2 or less is there), else they are dropped.
  void set_miss_to_controller(bool on, Time now);
  void flush_flows(Time now);                 // flows, groups and meters; set_normal_by_default's flow comes back if on

  // --- OpenFlow requests (agent); an error has changed nothing ---
  ofp::FeaturesReply features() const;
  ofp::DescReply description() const;
  ofp::Fragments fragments() const;
  void set_fragments(ofp::Fragments fragments, Time now);
  /// The version decides what modify of nothing means, and which errors exist.
  std::expected<void, ofp::Error> flow_mod(ofp::FlowMod& mod, ofp::Version version, Time now);  // takes its actions
  /// What was changed until now is of this generation; in_force(it): no packet is forwarded any more as before.
  uint64_t generation_to_wait_for() const;
  bool in_force(uint64_t generation, Time now);
  std::expected<void, ofp::Error> group_mod(const ofp::GroupMod& mod, Time now);
  /// Which Geneve options are tun_metadata fields.  A field that a flow, or a group, names keeps its option.
  std::expected<void, ofp::Error> tlv_table_mod(const ofp::TlvTableMod& mod, Time now);
  ofp::TlvTableReply tlv_table() const;
  const ofp::TlvTable& tlv() const;
  uint64_t tlv_changes() const;
  std::expected<void, ofp::Error> port_mod(const ofp::PortMod& mod, Time now);
  std::expected<void, ofp::Error> table_mod(const ofp::TableMod& mod, ofp::Version version, Time now);
  /// OFPTFFC_EPERM if the configuration gives it another.
  std::expected<void, ofp::Error> set_table_name(uint8_t table, const std::string& name);
  /// A packet that waits for a controller goes on, as the controller has changed it.
  std::expected<void, ofp::Error> resume(const ofp::PacketIn& message, Time now);
  void flush_connections(const ofp::CtFlush& which, Time now);  // of the datapath's tracker
  std::expected<void, ofp::Error> packet_out(const ofp::PacketOut& out, ofp::Version version, Time now);
  /// One slice of the answer (FlowTables::visit); true: there is more.
  bool flow_stats(const ofp::FlowStatsRequest& request, FlowCursor& at, Time now, const std::function<void(const ofp::FlowStatsHead&, const Rule&)>& visit);
  std::expected<ofp::AggregateStats, ofp::Error> aggregate(const ofp::FlowStatsRequest& request, Time now);
  std::vector<ofp::TableStats> table_stats() const;
  std::vector<ofp::TableFeatures> table_features() const;
  std::vector<ofp::TableDesc> table_descs() const;
  std::vector<ofp::PortDesc> port_descs() const;               // by number, LOCAL last
  bool has_port(OfpPort port) const;
  std::expected<std::vector<ofp::PortStats>, ofp::Error> port_stats(OfpPort port, Time now) const;  // OFPP_NONE: all
  /// The ports of which a queue is meant.  There is one on each that is a device, the default queue 0, of which nothing is known.
  std::expected<std::vector<OfpPort>, ofp::Error> queues(const ofp::QueueRequest& request) const;
  std::vector<ofp::GroupDesc> group_descs(uint32_t group_id) const;                                  // OFPG_ALL: all
  std::vector<ofp::GroupStats> group_stats(uint32_t group_id, Time now) const;
  ofp::GroupFeatures group_features() const;
  std::expected<void, ofp::Error> meter_mod(const ofp::MeterMod& mod, Time now);
  std::expected<std::vector<ofp::MeterConfig>, ofp::Error> meter_configs(uint32_t meter_id) const;   // OFPM_ALL: all
  std::expected<std::vector<ofp::MeterStats>, ofp::Error> meter_stats(uint32_t meter_id, Time now) const;
  ofp::MeterFeatures meter_features() const;

  // --- bundles: between stage() and commit() or roll_back() requests change tables that packets do not see yet, and packet-outs wait ---
  struct Stage {
    virtual ~Stage() = default;
  };
  std::unique_ptr<Stage> stage();
  void commit(std::unique_ptr<Stage> stage, Time now);
  void roll_back(std::unique_ptr<Stage> stage, Time now);

  // --- appctl texts; spec/unixctl.md ---
  std::string dump_flows(Time now) const;     // bridge/dump-flows: hidden flows too
  std::string fdb_show(Time now) const;
  void fdb_flush(Time now);

  struct Impl;  // internal to ofproto

 private:
  friend class Switch;
  void remove_meters(Time now);
  friend std::expected<std::string, std::string> trace_command(const std::vector<Switch*>& switches, const std::vector<std::string>& args, Time now);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice
