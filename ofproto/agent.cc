// SPDX-License-Identifier: Apache-2.0
// See agent.h.
#include "ofproto/agent.h"

#include <fmt/core.h>

#include <algorithm>

#include "lib/log.h"

namespace sluice {
namespace {

Log log("ofproto"), log_rconn("rconn"), log_bridge("bridge");

/// The message that carries `pin` to a session in the format that it asked for.
ofp::Message packet_in_message(const OfConnection& c, ofp::PacketIn pin) {
  constexpr ofp::MessageType kTypes[] = {ofp::MessageType::OFPT_PACKET_IN, ofp::MessageType::NXT_PACKET_IN, ofp::MessageType::NXT_PACKET_IN2};
  return {.type = kTypes[static_cast<size_t>(c.session().packet_in_format)], .version = c.version(), .xid = 0, .body = std::move(pin)};
}

Controllers::Options with_tlv(Controllers::Options options, const Bridge& bridge) {
  options.tlv = &bridge.tlv();
  return options;
}

}  // namespace

Agent::Agent(Loop& loop, Bridge& bridge, Controllers::Options options)
    : loop_(loop), bridge_(bridge),
      controllers_(loop, with_tlv(std::move(options), bridge),
                   {.on_message = [this](OfConnection& c, ofp::Message& m, ByteView raw) { handle(c, m, raw); },
                    .on_ready = [this](OfConnection&) { update_miss_to_controller(); },
                    .on_closed = [this](OfConnection& c) { closed(c); },
                    .log = [this](std::string_view text) { log_rconn.info("{}<->{}", bridge_.name(), text); },
                    .log_error = [this](std::string_view text) { log_bridge.err("bridge {}: {}", bridge_.name(), text); }}) {
  bridge_.set_events(this);
}

Agent::~Agent() { bridge_.set_events(nullptr); }

void Agent::configure(const std::vector<ControllerSettings>& controllers, uint32_t versions, FailMode fail_mode) {
  controllers_.configure(controllers, versions);
  bool has_primary = controllers_.has_primary();
  // The first primary controller finds an empty switch, and leaving the last one empties it too, as a change of fail mode without one does.
  if (!configured_ || has_primary != had_primary_ || (!has_primary && fail_mode != fail_mode_)) {
    bridge_.flush_flows(now());
    fail_open_ = false;
  }
  configured_ = true;
  had_primary_ = has_primary;
  fail_mode_ = fail_mode;
  bridge_.set_normal_by_default(!has_primary && fail_mode == FailMode::kStandalone, now());
  update_fail_mode(now());
}

bool Agent::run(Time now) {
  update_fail_mode(now);
  bool more = controllers_.run(now);
  expire_bundles(now);
  flush_monitors();  // of timeouts and learned flows
  update_miss_to_controller();
  return more;
}

Time Agent::deadline() const {
  Time soonest = kNever;
  for (auto& [c, bundles] : bundles_)
    if (Time oldest = bundles.oldest_use(); oldest != kNever) soonest = std::min(soonest, oldest + bundle_idle_);
  auto lost = controllers_.primary_lost_since();
  if (fail_mode_ != FailMode::kStandalone || fail_open_ || !lost) return soonest;
  return std::min(soonest, *lost + kFailOpenProbes * controllers_.probe_interval());
}

void Agent::expire_bundles(Time now) {
  for (auto& [c, bundles] : bundles_)
    for (const OpenBundle& bundle : bundles.expire(now - bundle_idle_)) c->send_error(ofp::Error::OFPBFC_TIMEOUT, bundle.opened_by);
}

/// A standalone bridge that has been without any primary controller for three probe intervals forwards by itself until one is back.
void Agent::update_fail_mode(Time now) {
  bool open = fail_mode_ == FailMode::kStandalone && controllers_.primary_lost_since() && now >= *controllers_.primary_lost_since() + kFailOpenProbes * controllers_.probe_interval();
  if (open == fail_open_) return;
  fail_open_ = open;
  if (open)
    log.warn("{}: could not connect to a controller for {} seconds, failing open", bridge_.name(), to_seconds(now - *controllers_.primary_lost_since()));
  else
    log.warn("{}: no longer in fail-open mode", bridge_.name());
  bridge_.set_fail_open(open, now);
}

void Agent::handle(OfConnection& c, ofp::Message& m, ByteView raw) {
  requester_ = &c;
  requester_xid_ = m.xid;
  handle_message(*this, c, m, raw);
  requester_ = nullptr;
  flush_monitors();
}

void Agent::closed(OfConnection& c) {
  bundles_.erase(&c);
  if (monitors_.erase(&c)) monitors_changed();
}

// --- flow monitors ---

void Agent::monitors_changed() {
  std::erase_if(monitors_, [](auto& m) { return m.second.empty(); });
  bridge_.watch_flows(!monitors_.empty());
}

void Agent::flow_changed(const FlowChange& change) {
  for (auto& [c, m] : monitors_) m.report(change, c == requester_ ? std::optional(requester_xid_) : std::nullopt);
}

void Agent::flush_monitors() {
  for (auto& [c, m] : monitors_) {
    m.flush(*c);
    m.resume_if_drained(*c, bridge_);
  }
}

/// Packets that no flow matches come up only if a session wants them, which ends with OpenFlow 1.3 (OF1.3.5 5.4).
void Agent::update_miss_to_controller() {
  bool wanted = false;
  controllers_.for_each([&](OfConnection& c) {
    wanted |= c.version() < ofp::Version::k13 && c.wants(ofp::kAsyncPacketIn, static_cast<unsigned>(ofp::PacketInReason::kNoMatch));
  });
  bridge_.set_miss_to_controller(wanted, now());
}

bool Agent::set_role(OfConnection& c, const ofp::RoleMessage& request) {
  bool exclusive = request.role == ofp::Role::kPrimary || request.role == ofp::Role::kSecondary;
  if (exclusive && request.have_generation_id) {
    if (generation_id_ && static_cast<int64_t>(request.generation_id - *generation_id_) < 0) return false;
    generation_id_ = request.generation_id;
  }
  if (request.role == ofp::Role::kNoChange) return true;
  if (request.role == ofp::Role::kPrimary)
    controllers_.for_each([&](OfConnection& other) {
      if (&other != &c && other.session().role == ofp::Role::kPrimary) {
        other.session().role = ofp::Role::kSecondary;
        if (other.version() >= ofp::Version::k13)
          other.send({.type = other.version() >= ofp::Version::k14 ? ofp::MessageType::OFPT_ROLE_STATUS : ofp::MessageType::ONFT_ROLE_STATUS, .version = other.version(),
                      .body = ofp::RoleStatus{.role = ofp::Role::kSecondary, .reason = 0, .generation_id = generation_id_.value_or(UINT64_MAX)}});
      }
    });
  c.session().role = request.role;
  return true;
}

void Agent::forward_request(OfConnection& from, const ofp::GroupMod& mod) {
  constexpr unsigned kGroupMod = 0;  // the reason
  controllers_.for_each([&](OfConnection& c) {
    bool asked = c.session().async.wants(ofp::kAsyncRequestForward, kGroupMod, c.session().role == ofp::Role::kSecondary);
    if (&c == &from || !asked) return;
    ofp::Version v = c.version();
    ofp::RequestForward body;
    ofp::Message request{.type = v == ofp::Version::k10 ? ofp::MessageType::NXT_GROUP_MOD : ofp::MessageType::OFPT_GROUP_MOD, .version = v, .body = mod};
    if (!ofp::encode(request, body.message, c.session().codec)) return;
    c.send({.type = v >= ofp::Version::k14 ? ofp::MessageType::OFPT_REQUESTFORWARD : v == ofp::Version::k13 ? ofp::MessageType::ONFT_REQUESTFORWARD : ofp::MessageType::NXT_REQUESTFORWARD,
            .version = v, .body = std::move(body)});
  });
}

void Agent::packet_in(const PacketInEvent& event) {
  controllers_.for_each([&](OfConnection& c) {
    bool v13 = c.version() >= ofp::Version::k13;
    auto reason = event.packet.reason;
    if (event.is_table_miss && v13 && reason == ofp::PacketInReason::kAction) reason = ofp::PacketInReason::kNoMatch;
    // Before 1.4 whatever actions send has one reason.
    bool later = reason == ofp::PacketInReason::kActionSet || reason == ofp::PacketInReason::kGroup || reason == ofp::PacketInReason::kPacketOut;
    auto wanted = later && c.version() < ofp::Version::k14 ? ofp::PacketInReason::kAction : reason;
    if (!c.wants(ofp::kAsyncPacketIn, static_cast<unsigned>(wanted)) || event.controller_id != c.session().controller_id) return;
    // A miss without a table-miss entry drops the packet from 1.3 on (OF1.3.5 5.4).
    if (event.is_implicit_miss && v13) return;
    // Nothing is buffered, so the packet goes whole, whatever max_len and miss_send_len say (OF1.3.5 7.4.1).
    ofp::PacketIn pin = event.packet;
    pin.reason = reason;
    c.send_async(packet_in_message(c, std::move(pin)));
  });
}

void Agent::flow_removed(const ofp::FlowRemoved& event) {
  controllers_.for_each([&](OfConnection& c) {
    if (!c.wants(ofp::kAsyncFlowRemoved, static_cast<unsigned>(event.reason))) return;
    bool nicira = c.session().nxm_flow_format && c.version() <= ofp::Version::k11;
    c.send({.type = nicira ? ofp::MessageType::NXT_FLOW_REMOVED : ofp::MessageType::OFPT_FLOW_REMOVED, .version = c.version(), .xid = 0, .body = event});
  });
}

void Agent::table_status(const ofp::TableStatus& status) {
  controllers_.for_each([&](OfConnection& c) {
    if (c.version() >= ofp::Version::k14 && c.wants(ofp::kAsyncTableStatus, status.reason))
      c.send({.type = ofp::MessageType::OFPT_TABLE_STATUS, .version = c.version(), .xid = 0, .body = status});
  });
}

void Agent::port_status(ofp::PortReason reason, const ofp::PortDesc& port, bool only_live) {
  controllers_.for_each([&](OfConnection& c) {
    if (only_live && c.version() == ofp::Version::k10) return;
    if (c.wants(ofp::kAsyncPortStatus, static_cast<unsigned>(reason)))
      c.send({.type = ofp::MessageType::OFPT_PORT_STATUS, .version = c.version(), .xid = 0, .body = ofp::PortStatus{.reason = reason, .port = port}});
  });
}

}  // namespace sluice
