// SPDX-License-Identifier: Apache-2.0
// See vswitchd.h.
#include "vswitchd/vswitchd.h"

#include <fmt/core.h>

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "lib/log.h"
#include "vswitchd/status.h"

namespace sluice {
namespace {

Log log("bridge");
constexpr Duration kStatusInterval = milliseconds(100);  // between looks for changed states

template <class... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};

}  // namespace

Vswitchd::Vswitchd(Loop& loop, Datapaths& datapaths, ovsdb::Replica& replica, Options options)
    : loop_(loop), datapaths_(datapaths), replica_(replica), options_(std::move(options)), tls_(options_.tls) {
  running_.tls = options_.tls;
}

Vswitchd::~Vswitchd() { agents_.clear(); }

bool Vswitchd::run(Time now) {
  bool more = datapaths_.run(now);
  for (auto& [name, agent] : agents_) more |= agent->run(now);
  report_contention();
  if (!replica_.has_contents() || (!replica_.has_lock() && !configured_)) return more;
  if (replica_.seqno() != seen_) reconfigure(now);
  if (devices_changed_) retry_failed_interfaces(now);
  if (now >= next_status_ || status_wanted_) {
    bool statistics = now >= next_statistics_;
    if (statistics) next_statistics_ = now + milliseconds(running_.stats_interval_ms);
    next_status_ = now + kStatusInterval;
    write_status(now, statistics);
  }
  return more;
}

void Vswitchd::report_contention() {
  bool before = std::exchange(contended_, replica_.lock_contended());
  if (contended_ && !before) log.err("another ovs-vswitchd process is running, disabling this process (pid {}) until it goes away", getpid());
}

Time Vswitchd::deadline(Time now) const {
  Time soonest = datapaths_.deadline(now);
  for (auto& [name, agent] : agents_) soonest = std::min(soonest, agent->deadline());
  if (configured_) soonest = std::min(soonest, next_status_);
  return soonest;
}

void Vswitchd::reconfigure(Time now) {
  seen_ = replica_.seqno();
  replica_.take_changes();
  Config wanted = read_config(replica_);
  wanted.flow_restore_wait &= !configured_ || running_.flow_restore_wait;   // of a start only: who has begun to forward goes on
  for (const std::string& problem : wanted.problems) log.warn("{}", problem);
  if (wanted.max_idle_ms != running_.max_idle_ms || wanted.flow_limit != running_.flow_limit || wanted.flow_restore_wait != running_.flow_restore_wait || !configured_)
    datapaths_.set_options({.max_idle = milliseconds(wanted.max_idle_ms), .flow_limit = static_cast<size_t>(wanted.flow_limit), .restore_wait = wanted.flow_restore_wait});
  datapaths_.allow_fallback(wanted.datapath_fallback);
  datapaths_.configure_tracking(wanted.tracking);
  for (const Step& step : plan(running_, wanted)) {
    log.dbg("{}", format(step));
    apply(step, now);
  }
  for (auto& [name, agent] : agents_) agent->set_bundle_idle(seconds(wanted.bundle_idle_s));
  if (wanted.stats_interval_ms != running_.stats_interval_ms) next_statistics_ = now + milliseconds(wanted.stats_interval_ms);
  running_ = std::move(wanted);
  log_datapath_ids();
  configured_ = true;
  if (!running_.flow_restore_wait)
    for (Switch* sw : datapaths_.all()) sw->settle(now);
  status_wanted_ = true;
}

void Vswitchd::log_datapath_ids() {
  for (auto& [name, config] : running_.bridges) {
    Bridge* bridge = datapaths_.find_bridge(name);
    if (!bridge) continue;
    uint64_t& known = datapath_ids_[name];
    if (std::exchange(known, bridge->datapath_id()) != bridge->datapath_id()) log.info("bridge {}: using datapath ID {:016x}", name, bridge->datapath_id());
  }
}

void Vswitchd::apply(const Step& step, Time now) {
  // A bridge that could not be made (unknown datapath type) has no Bridge: its steps do nothing.
  auto with = [&](const std::string& name, auto fn) {
    if (Bridge* b = datapaths_.find_bridge(name)) fn(*b);
  };
  auto device = [&](const std::string& bridge, InterfaceSettings s) {
    auto* b = datapaths_.find_bridge(bridge);
    if (b && s.device.type == "internal" && b->settings().datapath_type == options_.dummy_type && !options_.dummy_type.empty()) s.device.type = "dummy-internal";
    return s;
  };
  std::visit(Overloaded{
                 [&](const SetTls& s) { tls_.set_config(s.tls); },
                 [&](const RemoveBridge& s) { remove_bridge(s.bridge, now); },
                 [&](const AddBridge& s) { add_bridge(s.settings, now); },
                 [&](const ConfigureBridge& s) { with(s.settings.name, [&](Bridge& b) { b.configure(s.settings, now); }); },
                 [&](const RemovePort& s) { with(s.bridge, [&](Bridge& b) { b.remove_port(s.port, now); }); },
                 [&](const RemoveInterface& s) { with(s.bridge, [&](Bridge& b) { b.remove_interface(s.interface, now); }); },
                 [&](const AddInterface& s) { with(s.bridge, [&](Bridge& b) { b.add_interface(device(s.bridge, s.settings), now); }); },
                 [&](const ChangeInterface& s) { with(s.bridge, [&](Bridge& b) { b.change_interface(device(s.bridge, s.settings), now); }); },
                 [&](const SetPort& s) { with(s.bridge, [&](Bridge& b) { b.set_port(s.settings, now); }); },
                 [&](const SetControllers& s) {
                   if (auto it = agents_.find(s.bridge); it != agents_.end()) it->second->configure(s.controllers, s.versions, s.fail_mode);
                 },
             },
             step);
}

void Vswitchd::add_bridge(const BridgeSettings& settings, Time now) {
  auto sw = datapaths_.get(settings.datapath_type);
  if (!sw) {
    log.err("failed to create bridge {}: {}", settings.name, sw.error());
    return;
  }
  Bridge& bridge = (*sw)->add_bridge(settings, now);
  Controllers::Options options{.bridge = settings.name, .run_dir = options_.run_dir, .versions = settings.versions, .tls = &tls_};
  agents_[settings.name] = std::make_unique<Agent>(loop_, bridge, std::move(options));
}

void Vswitchd::remove_bridge(const std::string& name, Time now) {
  agents_.erase(name);
  datapath_ids_.erase(name);
  for (Switch* sw : datapaths_.all()) sw->remove_bridge(name, now);
}

void Vswitchd::remove_all() {
  for (auto& [name, bridge] : running_.bridges) remove_bridge(name, loop_.now());
  running_.bridges.clear();
}

void Vswitchd::retry_failed_interfaces(Time now) {
  devices_changed_ = false;
  status_wanted_ = true;
  for (auto& [name, config] : running_.bridges) {
    Bridge* b = datapaths_.find_bridge(name);
    if (!b) continue;
    for (auto& [interface, i] : config.interfaces) {
      auto status = b->interface_status(interface);
      if (status && !status->error.empty()) apply(AddInterface{name, i.settings}, now);
    }
  }
}

bool Vswitchd::reconnect(const std::string& bridge) {
  if (!bridge.empty() && !agents_.contains(bridge)) return false;
  for (auto& [name, agent] : agents_)
    if (bridge.empty() || name == bridge) agent->reconnect();
  return true;
}

std::string Vswitchd::dry_run() const {
  std::string out;
  if (!replica_.has_contents()) return out;
  for (const Step& step : plan(running_, read_config(replica_))) out += format(step) + "\n";
  return out;
}

void Vswitchd::write_status(Time now, bool statistics) {
  bool everything = std::exchange(status_wanted_, false) || statistics;
  if (status_in_flight_) {
    status_wanted_ = true;
    return;
  }
  if (!replica_.is_live() || !replica_.has_lock()) {
    written_.clear();  // the server that comes back may have lost the ephemeral columns
    return;
  }
  ovsdb::ClientTransaction txn = replica_.transaction();
  StatusWriter writer{txn, replica_, statistics};
  writer.root(running_, datapaths_.types(), options_.interface_types);
  if (everything) writer.datapaths(datapaths_);
  for (auto& [name, config] : running_.bridges) {
    Bridge* bridge = datapaths_.find_bridge(name);
    auto agent = agents_.find(name);
    uint64_t changes = bridge ? bridge->status_changes() : 0;
    auto known = written_.find(name);
    if (everything || known == written_.end() || known->second != changes) 
      writer.bridge(config, bridge, datapaths_.version(config.settings.datapath_type), datapaths_.fallback_reason(config.settings.datapath_type));
    written_[name] = changes;
    if (agent != agents_.end()) writer.controllers(config, agent->second->controller_status(now));
  }
  if (txn.empty()) return;
  status_in_flight_ = true;
  replica_.commit(std::move(txn), [this](ovsdb::ClientTransaction&, const ovsdb::CommitOutcome& outcome) {
    status_in_flight_ = false;
    if (!outcome.ok()) {
      status_wanted_ = outcome.status == ovsdb::CommitStatus::try_again;
      written_.clear();
      log.warn("writing status to the database: {} {}", ovsdb::commit_status_name(outcome.status), outcome.error_text);
    }
  });
}

}  // namespace sluice
