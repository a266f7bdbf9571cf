// SPDX-License-Identifier: Apache-2.0
// Bridge: life, settings, changes of flows, groups and tables, packet-out.  Ports: ports.cc; statistics: bridge_stats.cc; texts: bridge_text.cc.
#include "ofproto/bridge.h"

#include <algorithm>
#include <utility>

#include "ofproto/bridge_ports.h"
#include "ofproto/ct_support.h"
#include "ofproto/openflow/action_walk.h"
#include "ofproto/switch_impl.h"
#include "ofproto/tunnel_options.h"

namespace sluice {

using ofp::Error;
using ofp::Version;
using Outcome = std::expected<void, Error>;

ofp::FlowRemovedReason wire_reason(RuleEnd end) {
  switch (end) {
    case RuleEnd::kIdleTimeout: return ofp::FlowRemovedReason::kIdleTimeout;
    case RuleEnd::kHardTimeout: return ofp::FlowRemovedReason::kHardTimeout;
    case RuleEnd::kGroupDelete: return ofp::FlowRemovedReason::kGroupDelete;
    case RuleEnd::kMeterDelete: return ofp::FlowRemovedReason::kMeterDelete;
    case RuleEnd::kEviction: return ofp::FlowRemovedReason::kEviction;
    case RuleEnd::kDelete: break;
  }
  return ofp::FlowRemovedReason::kDelete;
}

namespace {

void tell_removed(Bridge::Impl& b, const FlowChange& change) {
  const Rule& r = change.rule;
  if (!(r.flags & ofp::OFPFF_SEND_FLOW_REM)) return;
  Duration age = change.now - r.created;
  b.events->flow_removed({.match = r.match.expand(), .cookie = r.cookie, .priority = static_cast<uint16_t>(r.priority), .reason = wire_reason(change.reason),
                          .table_id = r.table, .duration_sec = whole_seconds(age), .duration_nsec = nanoseconds_below(age), .idle_timeout = r.idle_timeout, .hard_timeout = r.hard_timeout,
                          .packet_count = r.packets, .byte_count = r.bytes});
}

}  // namespace

Bridge::Bridge(Switch& owner, const BridgeSettings& settings, Time now) : impl_(std::make_unique<Impl>(owner)) {
  Switch::Impl& sw = *owner.impl_;
  Impl& b = *impl_;
  b.view.id = sw.next_bridge++;
  b.view.name = settings.name;
  b.view.tables = std::make_unique<FlowTables>([this](const FlowChange& change) {
    if (!impl_->events) return;
    if (change.kind == FlowChange::Kind::kRemoved) tell_removed(*impl_, change);
    impl_->events->flow_changed(change);
  });
  sw.pipeline.bridges[b.view.id] = &b.view;
  sw.by_id[b.view.id] = &b;
  configure(settings, now);
}

Bridge::~Bridge() {
  Switch::Impl& sw = *impl_->owner.impl_;
  impl_->events = nullptr;
  for (auto& [name, r] : impl_->interfaces)
    if (r.works()) leave_datapath(sw, *impl_, r);
  sw.pipeline.bridges.erase(impl_->view.id);
  sw.by_id.erase(impl_->view.id);
}

const std::string& Bridge::name() const { return impl_->view.name; }
void Bridge::set_events(BridgeEvents* events) { impl_->events = events; }
void Bridge::watch_flows(bool on) { impl_->view.tables->set_watched(on); }
const Rule* Bridge::find_rule(RuleId id) const { return impl_->view.tables->find(id); }

void Bridge::for_each_rule(const std::function<void(const Rule&)>& visit) const {
  for (unsigned t = 0; t < kFlowTables; t++)
    impl_->view.tables->table(t).rules.for_each([&](Rule* r) {
      if (!r->is_hidden()) visit(*r);
      return true;
    });
}
const BridgeSettings& Bridge::settings() const { return impl_->view.settings; }
uint64_t Bridge::status_changes() const { return impl_->status_changes; }

uint64_t Bridge::datapath_id() const {
  if (impl_->view.settings.datapath_id) return impl_->view.settings.datapath_id;
  const InterfaceRecord* local = impl_->by_ofport(OFPP_LOCAL);
  return local ? describe_port(*impl_, *local).hw_addr.to_u64() : 0;
}

void Bridge::configure(const BridgeSettings& settings, Time now) {
  BridgeView& v = impl_->view;
  bool new_hwaddr = settings.hwaddr != v.settings.hwaddr;
  v.settings = settings;
  resolve_mirrors(v);
  std::erase_if(impl_->mirrored, [&](auto& m) { return std::ranges::none_of(settings.mirrors, [&](auto& s) { return s.id == m.first; }); });
  v.macs.configure(settings.mac_table_size, seconds(settings.mac_aging_s));
  for (unsigned t = 0; t < kFlowTables; t++) {
    auto it = settings.flow_tables.find(static_cast<uint8_t>(t));
    FlowTable& table = v.tables->table(t);
    table.settings = it == settings.flow_tables.end() ? FlowTableSettings{} : it->second;
    table.rules.track_prefixes(table.settings.prefixes ? std::span<const ofp::FieldId>(*table.settings.prefixes) : Classifier::kDefaultPrefixFields);
    if (!table.settings.name.empty()) table.openflow_name.clear();
    v.tables->fit_limit(table, now);
  }
  const InterfaceRecord* local = impl_->by_ofport(OFPP_LOCAL);
  if (new_hwaddr && settings.hwaddr && local)
    if (Netdev* dev = impl_->owner.dpif().netdev(local->odp)) dev->set_mac(*settings.hwaddr);
  impl_->owner.impl_->config_changed(*impl_, now);
}

// --- fail mode ---

void Bridge::set_normal_by_default(bool on, Time now) {
  impl_->normal_by_default = on;
  const ofp::MiniMatch all;
  if (on) {
    ofp::FlowMod mod{.command = ofp::FlowModCommand::kAdd, .match = all, .priority = 0, .table_id = 0, .actions = {ofp::Output{OFPP_NORMAL}}};
    mod.new_cookie = 0;
    if (!impl_->view.tables->table(0).rules.find(all, 0)) (void)impl_->view.tables->apply(std::move(mod), {}, now);
  } else if (Rule* r = impl_->view.tables->table(0).rules.find(all, 0)) {
    if (r->actions->actions == ofp::Actions{ofp::Output{OFPP_NORMAL}}) impl_->view.tables->remove(r, RuleEnd::kDelete, now);
  }
  impl_->owner.impl_->changed(*impl_, now);
}

void Bridge::set_fail_open(bool on, Time now) {
  if (impl_->fail_open == on) return;
  impl_->fail_open = on;
  if (on)
    impl_->view.tables->add_hidden(0, {}, kFailOpenPriority, {ofp::Output{OFPP_NORMAL}}, now);
  else
    impl_->view.tables->remove_hidden(0, {}, kFailOpenPriority);
  impl_->owner.impl_->changed(*impl_, now);
}

void Bridge::flush_flows(Time now) {
  impl_->view.tables->clear(now);
  impl_->view.groups.clear();
  remove_meters(now);
  if (impl_->normal_by_default) set_normal_by_default(true, now);
  impl_->owner.impl_->config_changed(*impl_, now);
}

void Bridge::set_miss_to_controller(bool on, Time now) {
  if (impl_->view.miss_to_controller == on) return;
  impl_->view.miss_to_controller = on;
  impl_->owner.impl_->config_changed(*impl_, now);
}

ofp::Fragments Bridge::fragments() const { return impl_->view.fragments; }

void Bridge::set_fragments(ofp::Fragments fragments, Time now) {
  if (impl_->view.fragments == fragments) return;
  impl_->view.fragments = fragments;
  impl_->owner.impl_->config_changed(*impl_, now);
}

// --- flows ---

namespace {

/// Groups that the actions name must exist (OFPBAC_BAD_OUT_GROUP).
bool groups_exist(const BridgeView& v, const ofp::Actions& actions) {
  return !ofp::any_action(actions, [&](const ofp::Action& a) {
    auto* g = a.as<ofp::Group>();
    return g && !v.groups.contains(g->group);
  });
}

Outcome check(const BridgeView& v, ofp::Actions& actions, const ofp::MiniMatch& match, uint8_t table, Version version) {
  ofp::ActionCheck c{.version = version, .table_id = table, .n_tables = kFlowTables, .tlv = &v.tlv};
  if (auto ok = ofp::check_actions(actions, match, c); !ok) return ok;
  if (!groups_exist(v, actions)) return std::unexpected(Error::OFPBAC_BAD_OUT_GROUP);
  for (const ofp::Action& a : actions)
    if (auto* m = a.as<ofp::Meter>(); m && !v.meters.contains(m->meter_id)) return std::unexpected(Error::OFPMMFC_INVALID_METER);
  return {};
}

}  // namespace

Outcome Bridge::flow_mod(ofp::FlowMod& mod, Version version, Time now) {
  bool deletes = mod.command == ofp::FlowModCommand::kDelete || mod.command == ofp::FlowModCommand::kDeleteStrict;
  if (mod.flags & ofp::kFlowEmergency) return std::unexpected(Error::OFPFMFC_TABLE_FULL);
  if (mod.table_id == kHiddenTable) return std::unexpected(Error::OFPBRC_EPERM);
  if (!deletes && mod.table_id == ofp::kTableAll && version >= Version::k11 && mod.command == ofp::FlowModCommand::kAdd)
    return std::unexpected(Error::OFPFMFC_BAD_TABLE_ID);
  FlowTables::ModSemantics semantics{.modify_adds = version <= Version::k11, .add_resets = version <= Version::k11};
  Switch::Impl& sw = *impl_->owner.impl_;
  if (deletes) {
    sw.push_all();   // notices of removal carry exact counters
  } else {
    uint8_t table = mod.table_id == ofp::kTableAll ? 0 : mod.table_id;
    if (auto ok = check(impl_->view, mod.actions, mod.match, table, version); !ok) return ok;
    if (!sw.limits.empty())
      if (auto ok = check_ct_support(sw.limits, mod.actions, mod.match.expand().mask); !ok) return ok;
    if (mod.flags & ofp::OFPFF_RESET_COUNTS) sw.push_all();
  }
  Outcome done = impl_->view.tables->apply(std::move(mod), semantics, now);
  if (!impl_->staged) impl_->check_vacancy();
  sw.changed(*impl_, now);
  return done;
}

uint64_t Bridge::generation_to_wait_for() const { return impl_->owner.impl_->generation; }
bool Bridge::in_force(uint64_t generation, Time now) { return impl_->owner.impl_->in_force(generation, now); }

Outcome Bridge::table_mod(const ofp::TableMod& mod, Version version, Time now) {
  if (mod.table_id == kHiddenTable) return std::unexpected(Error::OFPTMFC_EPERM);
  for (unsigned t = 0; t < kFlowTables; t++) {
    if (mod.table_id != ofp::kTableAll && mod.table_id != t) continue;
    FlowTable& table = impl_->view.tables->table(t);
    if (mod.eviction) table.openflow_evict = *mod.eviction;
    if (mod.vacancy_events) {
      table.vacancy_events = *mod.vacancy_events;
      impl_->watches_vacancy |= *mod.vacancy_events;
      table.vacancy_down = mod.vacancy_down, table.vacancy_up = mod.vacancy_up;
      table.is_short = table.vacancy() < table.vacancy_up;   // OF1.4.0 7.3.4.1: then the next event is that there is room
    }
    if (version == Version::k11 || version == Version::k12) table.miss = mod.miss_config;
  }
  impl_->owner.impl_->config_changed(*impl_, now);
  return {};
}

Outcome Bridge::set_table_name(uint8_t number, const std::string& name) {
  if (number >= kFlowTables) return std::unexpected(Error::OFPTFFC_BAD_TABLE);
  FlowTable& table = impl_->view.tables->table(number);
  if (table.name() == name) return {};
  if (!table.settings.name.empty()) return std::unexpected(Error::OFPTFFC_EPERM);
  table.openflow_name = name;
  return {};
}

namespace {

ofp::TableDesc describe(const FlowTable& t, uint8_t number) {
  return {.table_id = number, .eviction = t.evicts(), .eviction_flags = ofp::OFPTMPEF_OTHER | ofp::OFPTMPEF_IMPORTANCE | ofp::OFPTMPEF_LIFETIME,
          .vacancy_events = t.vacancy_events, .vacancy_down = t.vacancy_down, .vacancy_up = t.vacancy_up, .vacancy = t.vacancy()};
}

}  // namespace

std::vector<ofp::TableDesc> Bridge::table_descs() const {
  std::vector<ofp::TableDesc> all;
  for (uint8_t t = 0; t < kVisibleTables; t++) all.push_back(describe(impl_->view.tables->table(t), t));
  return all;
}

/// OF1.4.0 7.4.5: once it falls below vacancy_down, and then once it rises above vacancy_up.
void Bridge::Impl::check_vacancy() {
  if (!watches_vacancy) return;   // as mostly: this is for each flow-mod
  for (uint8_t n = 0; n < kFlowTables; n++) {
    FlowTable& t = view.tables->table(n);
    if (!t.vacancy_events) continue;
    uint8_t vacancy = t.vacancy();
    bool is_short = t.is_short ? vacancy <= t.vacancy_up : vacancy < t.vacancy_down;
    if (is_short == std::exchange(t.is_short, is_short) || !events) continue;
    events->table_status({.reason = is_short ? ofp::OFPTR_VACANCY_DOWN : ofp::OFPTR_VACANCY_UP, .desc = describe(t, n)});
  }
}

void Bridge::Impl::send(StagedPacket& p, Time now) {
  Switch::Impl& sw = *owner.impl_;
  sw.apply(p.translation.effects, 1, p.packet.size(), p.tcp_flags, now);
  sw.execute_once(std::move(p.packet), p.translation, now);
}

Outcome Bridge::packet_out(const ofp::PacketOut& out, Version version, Time now) {
  if (out.buffer_id != ofp::kNoBuffer) return std::unexpected(Error::OFPBRC_BUFFER_UNKNOWN);
  OfpPort in_port{out.metadata.value.in_port.host()};
  bool real = in_port.value < OFPP_MAX || in_port == OFPP_LOCAL;
  if (!real && in_port != OFPP_NONE && in_port != OFPP_CONTROLLER) return std::unexpected(Error::OFPBRC_BAD_PORT);
  Packet packet = Packet::from(out.data);
  packet.packet_type = out.metadata.value.packet_type.host();
  TranslateInput input{.key = {}, .bridge = &impl_->view};
  extract(packet, input.key);
  input.packet_size = packet.size();
  ofp::Actions actions = out.actions;
  ofp::Match match;
  match.value = input.key;
  std::memset(static_cast<void*>(&match.mask), 0xff, sizeof match.mask);
  if (auto ok = check(impl_->view, actions, ofp::MiniMatch(match), ofp::kTableAll, version); !ok) return ok;
  const PortView* port = impl_->view.port(in_port);
  packet.in_port = port && !port->is_patch ? port->odp : kOdpNone;
  // Metadata of OpenFlow 1.5, in_port included.
  auto key = input.key.words();
  auto value = out.metadata.value.words(), mask = out.metadata.mask.words();
  for (size_t i = 0; i < kFlowWords; i++) key[i] = (key[i] & ~mask[i]) | value[i];
  fields_to_options(input.key, impl_->view.tlv);
  input.key.in_port = be32(in_port.value);
  input.actions = &actions;
  StagedPacket staged{std::move(packet), translate(impl_->owner.impl_->pipeline, input), input.key.tcp_flags.host()};
  if (impl_->staged) impl_->staged_packets.push_back(std::move(staged));
  else impl_->send(staged, now);
  return {};
}

Outcome Bridge::resume(const ofp::PacketIn& message, Time now) {
  Switch::Impl& sw = *impl_->owner.impl_;
  auto pause = sw.pauses.take(message.continuation);
  if (!pause) return std::unexpected(Error::NXR_STALE);
  FrozenState state = *pause->state;
  // What the controller has changed of the metadata counts.
  const Flow& value = message.metadata.value;
  state.metadata = value.metadata;
  std::ranges::copy(value.reg, state.reg);
  Flow options = value;
  if (fields_to_options(options, impl_->view.tlv)) state.options.assign(geneve_options(options).begin(), geneve_options(options).end());
  Packet packet = Packet::from(message.data);
  Packet& old = pause->packet;
  static_cast<PacketMetadata&>(packet) = old;
  if (old.has_ct_tuple) packet.ct_tuple = old.ct_tuple;
  packet.tunnel = std::move(old.tunnel);
  TranslateInput input{.key = {}, .resume = std::make_shared<const FrozenState>(std::move(state))};
  extract(packet, input.key);
  input.packet_size = packet.size();
  Translation t = translate(sw.pipeline, input);
  sw.apply(t.effects, 1, packet.size(), input.key.tcp_flags.host(), now);
  sw.execute_once(std::move(packet), t, now);
  return {};
}

// --- groups ---

Outcome Bridge::group_mod(const ofp::GroupMod& mod, Time now) {
  Switch::Impl& sw = *impl_->owner.impl_;
  sw.push_all();
  auto done = apply_group_mod(*impl_, mod, now);
  if (done) sw.config_changed(*impl_, now);
  return done;
}

// --- bundles ---

std::unique_ptr<Bridge::Stage> Bridge::stage() {
  impl_->staged = true;
  impl_->staged_groups = impl_->view.groups;
  impl_->view.tables->open_stage();
  return std::make_unique<Stage>();
}

void Bridge::commit(std::unique_ptr<Stage>, Time now) {
  impl_->staged = false;
  impl_->staged_groups.clear();
  impl_->view.tables->commit_stage(now);
  impl_->check_vacancy();
  impl_->owner.impl_->changed(*impl_, now);
  for (StagedPacket& p : std::exchange(impl_->staged_packets, {})) impl_->send(p, now);
}

void Bridge::roll_back(std::unique_ptr<Stage>, Time now) {
  impl_->view.groups = std::move(impl_->staged_groups);
  impl_->staged_groups.clear();
  impl_->staged_packets.clear();
  impl_->view.tables->roll_back_stage();
  impl_->staged = false;
  impl_->owner.impl_->config_changed(*impl_, now);
}

}  // namespace sluice
