// SPDX-License-Identifier: Apache-2.0
// Keeps megaflows true and accounts for them: statistics are pushed to what the megaflow came from, idle ones go, those of an old generation are translated again.
// Two walks over all megaflows, cut into slices: the sweep asks the datapath for statistics, every kSweepInterval or somewhat more; revalidation, whenever the generation has grown, goes by what
// is known and asks nothing.  Packets do not wait for them: one that meets an old megaflow is handed up (upcall.cc), where the datapath can tell.
#include <algorithm>
#include <utility>

#include "ofproto/switch_impl.h"

namespace sluice {
namespace {

/// Learned flows are not compared: they count as others.
bool same_effects(const Effects& a, const Effects& b) {
  return std::ranges::equal(a, b, [](const Effect& x, const Effect& y) {
    return x.index() == y.index() && std::visit([&]<typename T>(const T& value) {
      if constexpr (std::is_same_v<T, LearnFlow>) return false;
      else return value == std::get<T>(y);
    }, x);
  });
}

}  // namespace

void Switch::flow_removed(const Megaflow& flow, Time now) {
  impl_->push(flow.cookie, flow.stats);
  Origin* o = impl_->origins.find(flow.cookie);
  if (!o) return;   // of earlier times
  impl_->release(o->held, now);
  impl_->origins.remove(flow.cookie);
  if (impl_->megaflows) impl_->megaflows--;
}

void Switch::settle(Time now) {
  if (impl_->settled) return;
  impl_->settled = true;
  impl_->dpif.settle(now);
  impl_->adopting = impl_->dpif.is_kernel();
  impl_->orphan_passes = kMaxOrphanPasses;
  impl_->sweep_from = 0;
  impl_->next_sweep = now;
}

// --- statistics ---

/// Tells the effects what the megaflow has done since they were last told.
void Switch::Impl::push(uint64_t cookie, const FlowStats& stats) {
  Origin* o = origins.find(cookie);
  if (!o || stats.packets == o->packets) return;
  uint64_t packets = stats.packets - o->packets, bytes = stats.bytes - o->bytes;
  o->packets = stats.packets;
  o->bytes = stats.bytes;
  apply(o->effects, packets, bytes, stats.tcp_flags, stats.used);
}

bool Switch::Impl::push_all() {
  if (dpif.is_kernel() && megaflows > kMostPushed) return false;
  uint64_t hits = dpif.stats().hit;
  if (hits == pushed_at_hits) return true;
  pushed_at_hits = hits;
  dpif.flow_heads(0, SIZE_MAX, Dpif::Statistics::kCurrent, [&](const FlowHead& f) { return push(f.cookie, f.stats), true; });
  return true;
}

/// One slice of a sweep: statistics are pushed, idle megaflows go, those of earlier times are adopted or go.  True if more is to be done at once.
bool Switch::Impl::sweep(Time now) {
  if (!sweep_from) {
    if (now < next_sweep || (!megaflows && !adopting)) return false;
    sweep_began = now;
  }
  std::vector<Ufid> gone, strange;
  sweep_from = dpif.flow_heads(sweep_from, adopting ? kSweepSlice : packets_wait ? kBusyHeadsSlice : kHeadsSlice, Dpif::Statistics::kCurrent, [&](const FlowHead& f) {
    push(f.cookie, f.stats);
    Origin* o = origins.find(f.cookie);
    Time used = std::max(f.stats.used, o ? o->created : Time::min());
    if (used + options.max_idle <= now) gone.push_back(f.ufid);
    else if (!o) strange.push_back(f.ufid);
    return true;
  });
  for (const Ufid& u : strange)
    if (!is_still_right(u, now)) gone.push_back(u);
  dpif.flows_del(gone, now);
  if (sweep_from) return true;
  if (std::exchange(saw_orphan, false)) return orphan_passes--, true;   // from the beginning
  adopting = false;
  pushed_until = sweep_began;
  // Where a sweep takes long (many megaflows, a busy daemon), packets that come up go first.
  next_sweep = now + std::clamp((now - sweep_began) * kSweepRest, kSweepInterval, kLongestSweepInterval);
  return false;
}

// --- revalidation ---

/// True if the effect would bring a host back from where it has been seen since.
bool Switch::Impl::is_outdated(const Effect& e) const {
  auto* l = std::get_if<LearnMac>(&e);
  auto bridge = l ? by_id.find(l->bridge) : by_id.end();
  if (bridge == by_id.end()) return false;
  const MacTable& macs = bridge->second->view.macs;
  return macs.lookup(l->mac, l->vlan) && macs.would_learn(l->mac, l->vlan, l->port);
}

/// True if a flow that packets are to learn is not there: the next one is to come up.
bool Switch::Impl::must_learn(const Effects& effects) const {
  return std::ranges::any_of(effects, [&](const Effect& e) {
    auto* l = std::get_if<LearnFlow>(&e);
    auto bridge = l ? by_id.find(l->bridge) : by_id.end();
    return bridge != by_id.end() && !bridge->second->view.tables->table(l->flow->table_id).rules.find(l->flow->match, l->flow->priority);
  });
}

bool Switch::Impl::still_holds(const FlowHead& flow) {
  const Origin* o = origins.find(flow.cookie);
  auto fetch = [&](Flow& key, Flow& mask) {
    if (!dpif.flow_match(flow.ufid, key, mask)) return false;
    if (const Pipeline::Place* place = pipeline.place(key)) key.in_port = be32(place->port.value);
    return true;
  };
  return o && !changes.may_concern(flow.generation, o->effects, fetch);
}

/// The megaflow does something else from now on, if the datapath can.
bool Switch::Impl::modify(const Ufid& ufid, const Translation& t) {
  return why_slow(t) == SlowReason::kNone && dpif.flow_modify(ufid, t.actions, generation);
}

bool Switch::still_holds(const FlowHead& flow) { return impl_->still_holds(flow); }

/// Translates a megaflow again.  Its stamp is the current generation then; false: it does something else by now, or its mask is too wide.
bool Switch::Impl::is_still_right(const Ufid& ufid, Time now) {
  Megaflow f;
  if (!dpif.flow_get(ufid, Dpif::Statistics::kLastHeard, f)) return true;
  if (!f.cookie && f.key.recirc_id && orphan_passes && !pipeline.recircs.find(f.key.recirc_id.host())) return saw_orphan = true;   // who sends packets there comes first
  Translation t = translate(pipeline, {.key = f.key});
  Held held = hold(t, now);
  bool wide = covers(f.mask, t.mask);   // it asks for all that decides now
  Origin* o = origins.find(f.cookie);
  // Packets that it has counted teach no more; the next one is to come up.
  bool has_moved = o && std::erase_if(o->effects, [&](const Effect& e) { return is_outdated(e); });
  bool same = t.actions == f.actions;
  if (!wide || (!o && (f.cookie || !same)) || has_moved || must_learn(t.effects)) return release(held, now), false;
  if (!o) return adopt(f, t, std::move(held), now), true;
  if (!same || !same_effects(o->effects, t.effects)) {
    // Until now its packets were those of the old effects.
    if (dpif.flow_get(ufid, Dpif::Statistics::kCurrent, f)) push(f.cookie, f.stats);
    o = origins.find(f.cookie);
  }
  bool done = o && (same ? dpif.flow_refresh(ufid, generation), true : modify(ufid, t));
  o = origins.find(f.cookie);   // a datapath that changed its mind has ended the megaflow
  if (done && o) std::swap(o->held, held), o->effects = std::move(t.effects);
  release(held, now);
  return done;
}

/// One slice of the megaflows of an old generation; true if more is to be done at once.
bool Switch::Impl::revalidate(Time now) {
  if (valid_generation == generation) return false;
  if (!revalidate_from) revalidation_generation = generation;
  std::vector<Ufid> old, gone;
  revalidate_from = dpif.flow_heads(revalidate_from, kHeadsSlice, Dpif::Statistics::kLastHeard, [&](const FlowHead& f) {
    if (f.generation == generation) return true;
    if (still_holds(f)) dpif.flow_refresh(f.ufid, generation);
    else old.push_back(f.ufid);
    return old.size() < kSweepSlice;
  });
  for (const Ufid& u : old)
    if (!is_still_right(u, now)) gone.push_back(u);
  dpif.flows_del(gone, now);
  if (!revalidate_from) valid_generation = revalidation_generation;
  return valid_generation != generation;
}

bool Switch::Impl::in_force(uint64_t wanted, Time now) {
  dpif.complete(now);
  if (!dpif.is_kernel() || options.restore_wait || sweep_paused) return true;   // others compare stamps
  while (valid_generation < wanted && megaflows <= kRevalidatedAtOnce) revalidate(now);
  return valid_generation >= wanted && !adopting;
}

/// A flow that the datapath has from earlier times does what it should: from here on its packets count for the rules.
void Switch::Impl::adopt(const Megaflow& flow, Translation& t, Held held, Time now) {
  Origin origin{.effects = std::move(t.effects), .held = std::move(held), .packets = flow.stats.packets, .bytes = flow.stats.bytes, .created = now};
  if (const Pipeline::Place* place = pipeline.place(flow.key)) origin.bridge = place->bridge->id;
  count_megaflow();
  dpif.flow_adopt(flow.ufid, generation, origins.add(std::move(origin)));
}

/// Ends what has timed out: flows, MAC entries.
bool Switch::Impl::expire(Time now) {
  Time due = kNever;
  for (auto& [id, b] : by_id) due = std::min({due, b->view.tables->deadline(), b->view.macs.deadline()});
  if (due > now) return false;
  if (!push_all() && pushed_until < due) {   // who has forwarded packets is not idle
    next_sweep = std::min(next_sweep, now);
    return false;
  }
  for (auto& [id, b] : by_id) {
    if (b->staged) continue;
    b->view.tables->expire(now);
    b->check_vacancy();
    b->view.macs.expire(now);
    changed(*b, now);
  }
  return true;
}

void Switch::revalidate_now(Time now) {
  Impl& d = *impl_;
  d.push_all();
  while (d.revalidate(now)) {}
  d.next_sweep = std::min(d.next_sweep, now);
  while (d.sweep(now)) {}
}

void Switch::pause_revalidation(bool paused) { impl_->sweep_paused = paused; }
void Switch::set_flow_limit(size_t limit) { impl_->options.flow_limit = limit; }

void Switch::enable_megaflows(bool enabled, Time now) {
  impl_->exact_flows = !enabled;
  purge(now);
}

SlowReason Switch::put_by_hand(const Flow& key, const Flow& mask, const OdpActions& actions, Time now) {
  Origin origin{.effects = {}, .held = {}, .created = now};
  if (const Pipeline::Place* place = impl_->pipeline.place(OdpPort{key.in_port.host()})) origin.bridge = place->bridge->id;
  impl_->count_megaflow();
  return impl_->dpif.flow_put({.key = key, .mask = mask, .actions = actions, .generation = impl_->generation, .cookie = impl_->origins.add(std::move(origin))}, now);
}

void Switch::purge(Time now) { impl_->dpif.flow_flush(now); }

}  // namespace sluice
