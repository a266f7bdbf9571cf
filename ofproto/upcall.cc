// SPDX-License-Identifier: Apache-2.0
// A packet that the datapath hands up: translate, apply the effects, install the megaflow, execute the actions.
#include <algorithm>
#include <cstring>
#include <utility>

#include "ofproto/mix.h"
#include "ofproto/switch_impl.h"

namespace sluice {

void Switch::upcall(Upcall upcall, Time now) {
  switch (upcall.kind) {
    case UpcallKind::kMiss:
    case UpcallKind::kStale: return impl_->miss(upcall, now);
    case UpcallKind::kAction:
      return upcall.reason == SlowReason::kController ? impl_->packet_in(upcall, now) : impl_->slow_path(upcall, now);
  }
}

/// What the packet does, its effects applied, and what others like it will do.
Switch::Impl::Taken Switch::Impl::take_packet(const Upcall& upcall, Time now) {
  TranslateInput input{.key = upcall.key, .packet_size = upcall.packet.size()};
  uint16_t tcp_flags = upcall.key.tcp_flags.host();
  Translation t = translate(pipeline, input);
  uint64_t before = generation;
  apply(t.effects, 1, upcall.packet.size(), tcp_flags, now);
  if (generation == before) return {std::move(t), std::nullopt};
  // What it taught (its source's port, a flow that later lookups of its own found) may concern itself: then it does what is known now.
  // A flow that it was past already does not.
  bool past = !t.sees_learned && std::ranges::any_of(t.effects, [](const Effect& e) { return std::holds_alternative<LearnFlow>(e); });
  return {translate(pipeline, input), past ? std::optional(std::move(t)) : std::nullopt};
}

/// A packet of a megaflow that the datapath can't do: nothing is installed.
void Switch::Impl::slow_path(Upcall& upcall, Time now) {
  Taken taken = take_packet(upcall, now);
  execute_once(std::move(upcall.packet), taken.own ? *taken.own : taken.t, now);
}

void Switch::Impl::miss(Upcall& upcall, Time now) {
  Taken taken = take_packet(upcall, now);
  Translation& t = taken.t;
  auto forward = [&] {
    if (taken.own) execute_once(std::move(upcall.packet), *taken.own, now);
    else dpif.execute(std::move(upcall.packet), t.actions, now);
  };
  Held held = hold(t, now);
  if (upcall.flow) {
    push(upcall.flow->cookie, upcall.flow->stats);
    Ufid ufid = upcall.flow->ufid;
    Origin* origin = origins.find(upcall.flow->cookie);
    bool same = upcall.flow->actions == t.actions;
    if (origin && upcall.flow->mask == t.mask && (same || modify(ufid, t))) {
      std::swap(origin->held, held);
      release(held, now);
      origin->effects = std::move(t.effects);
      if (same) dpif.flow_refresh(ufid, generation);
      return forward();
    }
    dpif.flow_del(ufid, now);
  }
  if (megaflows < options.flow_limit && is_worth_a_megaflow(upcall.key, t.mask)) {
    install(t, std::move(held), upcall.key, now);
    forward();
  } else {
    forward();
    release(held, now);
  }
}

namespace {

uint64_t hash_under(const Flow& key, const Flow& mask) {
  uint64_t hash = 0;
  for (size_t i = 0; i < kFlowWords; i++)
    if (uint64_t bits = mask.words()[i]) hash = mix(hash, (key.words()[i] & bits) ^ i);
  return hash;
}

}  // namespace

bool Switch::Impl::is_worth_a_megaflow(const Flow& key, const Flow& mask) {
  return !doorkeeper.is_overloaded() || !dpif.is_kernel() || doorkeeper.admits(hash_under(key, mask));
}

Held Switch::Impl::hold(Translation& t, Time now) {
  Held held;
  for (const PacketInSpec& spec : t.packet_ins) held.packet_ins.push_back(specs.hold(spec, pipeline.recircs));
  if (t.frozen.empty() && t.packet_ins.empty()) return held;
  bool full = false;
  for_each_action(t.actions, [&](OdpAction& a) {
    if (auto* up = std::get_if<OdpUserspace>(&a.v); up && up->reason == SlowReason::kController) up->cookie = held.packet_ins[up->cookie - 1];
    auto* recirc = std::get_if<OdpRecirc>(&a.v);
    if (!recirc) return;
    uint32_t id = pipeline.recircs.hold(t.frozen[recirc->id - 1]);
    full |= !id;
    recirc->id = id;
    if (id) held.recircs.push_back(id);
  });
  if (full) {   // then nothing is forwarded, rather than half of it
    release(std::exchange(held, {}), now);
    t.actions.clear();
  }
  return held;
}

void Switch::Impl::release(const Held& held, Time now) {
  // A kernel hands up later what an action sends to controllers.
  if (dpif.is_kernel()) specs.release_later(held.packet_ins, now);
  else specs.release(held.packet_ins);
  for (uint32_t id : held.recircs) pipeline.recircs.release(id, now);
}

namespace {

/// All of the packet's headers.
Flow exact_mask(const Flow& key) {
  Flow mask;
  std::memset(static_cast<void*>(&mask), 0xff, sizeof mask);
  // What packets seldom have, and a datapath may not know.
  if (!key.tun_present) mask.tun_present = {}, std::memset(mask.tun_metadata, 0, sizeof mask.tun_metadata);
  if (!key.nsh_path) mask.nsh_flags = mask.nsh_mdtype = mask.nsh_np = mask.nsh_ttl = 0, mask.nsh_path = {}, std::ranges::fill(mask.nsh_context, be32());
  mask.nd_reserved = mask.pbb_isid = {};
  mask.nd_options_type = mask.pbb_uca = 0;
  mask.ipv6_exthdr = {};
  return mask;
}

}  // namespace

void Switch::Impl::count_megaflow() {
  if (megaflows++) return;
  for (auto& [id, b] : by_id)
    if (b->known_generation == b->generation()) b->view.tables->take_changes(true);
}

void Switch::Impl::install(Translation& t, Held held, const Flow& key, Time now) {
  if (exact_flows) t.mask = exact_mask(key);
  Origin origin;
  origin.held = std::move(held);
  origin.effects = std::move(t.effects);
  origin.effects.shrink_to_fit();
  origin.created = now;
  if (const Pipeline::Place* place = pipeline.place(key)) origin.bridge = place->bridge->id;
  uint64_t id = origins.add(std::move(origin));
  count_megaflow();
  SlowReason slow = why_slow(t);
  if (slow == SlowReason::kNone) slow = dpif.flow_put({.key = key, .mask = t.mask, .actions = t.actions, .generation = generation, .cookie = id}, now);
  if (slow == SlowReason::kNone) return;
  // Each of its packets comes up and has the effects by itself.
  if (Origin* o = origins.find(id)) o->effects = {};
  dpif.flow_put({.key = key, .mask = t.mask, .actions = {{OdpUserspace{slow}}}, .generation = generation, .cookie = id}, now);
}

void Switch::Impl::execute_once(Packet packet, Translation& t, Time now) {
  Held held = hold(t, now);
  dpif.execute(std::move(packet), t.actions, now);
  release(held, now);
}

namespace {

template <typename T>
void take_all(const T& from, T& value, T& mask) {
  std::memcpy(static_cast<void*>(&value), &from, sizeof from);
  std::memset(static_cast<void*>(&mask), 0xff, sizeof mask);
}

/// Sets what is not zero.
template <typename T>
void take(const T& from, T& value, T& mask) {
  if (std::memcmp(&from, &value, sizeof from) != 0) take_all(from, value, mask);   // the value was zero
}

/// What the connection tracker said of the packet.
void put_ct_metadata(const Flow& key, ofp::Match& m) {
  take(key.ct_state, m.value.ct_state, m.mask.ct_state);
  take(key.ct_zone, m.value.ct_zone, m.mask.ct_zone);
  take(key.ct_mark, m.value.ct_mark, m.mask.ct_mark);
  take(key.ct_label, m.value.ct_label, m.mask.ct_label);
  take(key.ct_nw_src, m.value.ct_nw_src, m.mask.ct_nw_src);
  take(key.ct_nw_dst, m.value.ct_nw_dst, m.mask.ct_nw_dst);
  take(key.ct_ipv6_src, m.value.ct_ipv6_src, m.mask.ct_ipv6_src);
  take(key.ct_ipv6_dst, m.value.ct_ipv6_dst, m.mask.ct_ipv6_dst);
  take(key.ct_nw_proto, m.value.ct_nw_proto, m.mask.ct_nw_proto);
  if (key.ct_nw_proto) take_all(key.ct_tp_src, m.value.ct_tp_src, m.mask.ct_tp_src), take_all(key.ct_tp_dst, m.value.ct_tp_dst, m.mask.ct_tp_dst);
  if (key.is_ip()) take_all(key.eth_type, m.value.eth_type, m.mask.eth_type);
}

}  // namespace

std::vector<uint8_t> Pauses::add(Pause pause) {
  if (order_.size() >= kMaxPauses) {
    waiting_.erase(order_.front());
    order_.pop_front();
  }
  uint64_t id = next_++;
  order_.push_back(id);
  waiting_.emplace(id, std::move(pause));
  std::vector<uint8_t> bytes(sizeof id + sizeof secret_);
  std::memcpy(bytes.data(), &id, sizeof id);
  std::memcpy(bytes.data() + sizeof id, &secret_, sizeof secret_);
  return bytes;
}

std::optional<Pause> Pauses::take(ByteView continuation) {
  uint64_t id, secret;
  if (continuation.size() != sizeof id + sizeof secret) return std::nullopt;
  std::memcpy(&id, continuation.data(), sizeof id);
  std::memcpy(&secret, continuation.data() + sizeof id, sizeof secret);
  auto it = waiting_.find(id);
  if (secret != secret_ || it == waiting_.end()) return std::nullopt;
  Pause pause = std::move(it->second);
  waiting_.erase(it);
  std::erase(order_, id);
  return pause;
}

void Switch::Impl::packet_in(Upcall& upcall, Time) {
  const PacketInSpec* spec = specs.find(upcall.cookie);
  auto bridge = spec ? by_id.find(spec->bridge) : by_id.end();
  if (bridge == by_id.end() || !bridge->second->events) {
    dropped_upcalls++;
    return;
  }
  PacketInEvent event{.controller_id = spec->controller_id, .max_len = spec->max_len, .is_implicit_miss = spec->is_implicit_miss, .is_table_miss = spec->is_table_miss};
  ofp::PacketIn& pin = event.packet;
  pin.total_len = static_cast<uint32_t>(upcall.packet.size());
  pin.reason = spec->reason;
  pin.table_id = spec->table;
  pin.cookie = spec->rule_cookie;
  pin.userdata = spec->userdata;
  pin.metadata = spec->metadata;
  if (upcall.key.pkt_mark) pin.metadata.value.pkt_mark = upcall.key.pkt_mark, pin.metadata.mask.pkt_mark = ~be32();
  if (std::exchange(pin.metadata.mask.ct_state, uint8_t{0})) {
    pin.metadata.value.ct_state = 0;
    if (upcall.key.ct_state) put_ct_metadata(upcall.key, pin.metadata);
  }
  if (spec->frozen) pin.continuation = pauses.add({spec->frozen, upcall.packet.copy()});
  ByteView frame = upcall.packet.view();
  pin.data.assign(frame.begin(), frame.end());
  bridge->second->events->packet_in(event);
}

// --- effects ---

void Switch::Impl::apply(const Effects& effects, uint64_t packets, uint64_t bytes, uint16_t tcp_flags, Time used) {
  constexpr uint16_t kFinOrRst = 5;
  Bridge::Impl* touched = nullptr;   // effects of one bridge come in runs
  for (const Effect& e : effects) {
    auto bridge_of = [&](BridgeId id) -> Bridge::Impl* {
      if (touched && touched->view.id == id) return touched;
      if (touched) changed(*touched, used);
      auto it = by_id.find(id);
      return touched = it == by_id.end() ? nullptr : it->second;
    };
    std::visit([&](const auto& x) {
      using T = std::decay_t<decltype(x)>;
      Bridge::Impl* b = bridge_of(x.bridge);
      if (!b) return;
      if constexpr (std::is_same_v<T, TableLookup>) {
        FlowTable& table = b->view.tables->table(x.table);
        table.lookups += packets;
        if (x.matched) table.matches += packets;
      } else if constexpr (std::is_same_v<T, RuleHit>) {
        if (Rule* r = b->view.tables->find(x.rule)) {
          r->packets += packets;
          r->bytes += bytes;
          if (packets) r->used = std::max(r->used, used);   // a trace counts none
        }
      } else if constexpr (std::is_same_v<T, GroupHit>) {
        auto g = b->view.groups.find(x.group);
        if (g == b->view.groups.end()) return;
        // Each packet counts once for the group, whichever buckets it went to.
        if (x.bucket == 0 || x.bucket >= g->second.buckets.size() || g->second.type != ofp::GroupType::kAll) g->second.packets += packets, g->second.bytes += bytes;
        if (x.bucket < g->second.buckets.size()) g->second.buckets[x.bucket].packets += packets, g->second.buckets[x.bucket].bytes += bytes;
      } else if constexpr (std::is_same_v<T, LearnMac>) {
        b->view.macs.learn(x.mac, x.vlan, x.port, used);
      } else if constexpr (std::is_same_v<T, PatchTraffic>) {
        if (InterfaceRecord* i = b->by_ofport(x.port)) {
          (x.received ? i->patch.rx_packets : i->patch.tx_packets) += packets;
          (x.received ? i->patch.rx_bytes : i->patch.tx_bytes) += bytes;
        }
      } else if constexpr (std::is_same_v<T, Mirrored>) {
        MirrorCounters& m = b->mirrored[x.mirror];
        m.packets += packets;
        m.bytes += bytes;
      } else if constexpr (std::is_same_v<T, LearnFlow>) {
        learn_flow(x, used);
      } else if constexpr (std::is_same_v<T, LowerTimeouts>) {
        if (tcp_flags & kFinOrRst)
          if (Rule* r = b->view.tables->find(x.rule)) b->view.tables->lower_timeouts(r, x.idle, x.hard);
      }
    }, e);
  }
  if (touched) changed(*touched, used);
}

void Switch::Impl::learn_flow(const LearnFlow& l, Time used) {
  FlowTables& tables = *by_id.at(l.bridge)->view.tables;
  if (l.limit) tables.keep_count({l.flow->table_id, l.flow->new_cookie});
  if (!tables.may_learn(*l.flow, l.limit)) return;
  tables.learn(*l.flow, used);
}

void Switch::Impl::changed(Bridge::Impl& bridge, Time now) {
  if (bridge.known_generation == bridge.generation() || bridge.staged) return;
  bridge.known_generation = bridge.generation();
  generation++;
  auto flows = bridge.view.tables->take_changes(megaflows > 0);
  if (std::exchange(bridge.known_others, bridge.other_generation()) != bridge.other_generation() || !flows) changes.everything(generation);
  else for (TableChange& c : *flows) changes.add(generation, bridge.view.id, std::move(c));
  dpif.set_generation(generation, now);
}

// --- origins, packet-in parameters ---

uint64_t Origins::add(Origin origin) {
  uint32_t slot = free_;
  if (slot) {
    free_ = slots_[slot].next_free;
    slots_[slot] = std::move(origin);
  } else {
    slot = static_cast<uint32_t>(slots_.size());
    slots_.push_back(std::move(origin));
  }
  slots_[slot].in_use = true;
  return slot;
}

void Origins::remove(uint64_t id) {
  if (!find(id)) return;
  slots_[id] = Origin{.next_free = free_};
  free_ = static_cast<uint32_t>(id);
}

uint64_t PacketInSpecs::hold(const PacketInSpec& spec, RecircTable& numbers) {
  uint64_t hash = hash_of(spec);
  auto known = by_hash_.find(hash);
  uint64_t cookie = known == by_hash_.end() ? numbers.new_number() : known->second;
  Entry& e = specs_[cookie];
  if (!e.users++) e.spec = spec, e.hash = hash, by_hash_[hash] = cookie;
  return cookie;
}

void PacketInSpecs::release_later(const std::vector<uint64_t>& cookies, Time now) {
  if (cookies.empty()) return;
  lingering_.emplace_back(now + kRecircLinger, cookies);
  if (lingering_.size() > kMostLingering) run(lingering_.front().first);
}

void PacketInSpecs::run(Time now) {
  for (; !lingering_.empty() && lingering_.front().first <= now; lingering_.pop_front()) release(lingering_.front().second);
}

void PacketInSpecs::release(const std::vector<uint64_t>& cookies) {
  for (uint64_t c : cookies) {
    auto it = specs_.find(c);
    if (it == specs_.end() || --it->second.users) continue;
    by_hash_.erase(it->second.hash);
    specs_.erase(it);
  }
}

}  // namespace sluice
