// SPDX-License-Identifier: Apache-2.0
// Keeps megaflows true and accounts for them: statistics are pushed to what the megaflow came from, idle ones go, those of an old generation are translated again.
// A sweep over all megaflows is cut into slices.  Packets do not wait for it: one that meets an old megaflow is handed up (upcall.cc).
#include <algorithm>
#include <utility>

#include "ofproto/switch_impl.h"

namespace sluice {

void Switch::flow_removed(const Megaflow& flow, Time now) {
  impl_->push(flow);
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
  impl_->orphan_passes = kMaxOrphanPasses;
  impl_->sweeping = true;   // over flows of earlier times, though we have none
  impl_->sweep_from = 0;
  impl_->sweep_generation = impl_->generation;
}

/// Tells the effects what the megaflow has done since they were last told.
void Switch::Impl::push(const Megaflow& flow) {
  Origin* o = origins.find(flow.cookie);
  if (!o || flow.stats.packets == o->packets) return;
  uint64_t packets = flow.stats.packets - o->packets, bytes = flow.stats.bytes - o->bytes;
  o->packets = flow.stats.packets;
  o->bytes = flow.stats.bytes;
  apply(o->effects, packets, bytes, flow.stats.tcp_flags, flow.stats.used);
}

/// After this the counters of rules, groups, MAC entries are exact.
void Switch::Impl::push_all() {
  uint64_t hits = dpif.stats().hit;
  if (hits == pushed_at_hits) return;
  pushed_at_hits = hits;
  dpif.flow_dump(0, SIZE_MAX, [&](const Megaflow& flow) { return push(flow), true; });
}

/// One slice; true if more is to be done at once.
bool Switch::Impl::sweep(Time now) {
  if (!sweeping) {
    if (!megaflows || (swept_generation == generation && now < next_sweep)) return false;
    sweeping = true;
    sweep_from = 0;
    sweep_generation = generation;
  }
  std::vector<Ufid> idle;
  std::vector<Megaflow> stale;
  sweep_from = dpif.flow_dump(sweep_from, kSweepSlice, [&](const Megaflow& f) {
    push(f);
    Origin* o = origins.find(f.cookie);
    Time used = std::max(f.stats.used, o ? o->created : Time::min());
    if (used + options.max_idle <= now)
      idle.push_back(f.ufid);
    else if (!f.cookie && f.key.recirc_id && orphan_passes && !pipeline.recircs.find(f.key.recirc_id.host()))
      saw_orphan = true;
    else if (f.generation != generation)
      stale.push_back(f);
    return true;
  });
  for (const Ufid& u : idle) dpif.flow_del(u, now);
  for (const Megaflow& s : stale) revalidate(s, now);
  if (sweep_from) return true;
  if (std::exchange(saw_orphan, false)) return orphan_passes--, true;   // from the beginning
  sweeping = false;
  swept_generation = sweep_generation;
  next_sweep = now + kSweepInterval;
  return swept_generation != generation;
}

void Switch::Impl::revalidate(const Megaflow& s, Time now) {
  Translation t = translate(pipeline, {.key = s.key});
  Held held = hold(t, now);
  bool wider = true;   // the megaflow asks for all that decides now
  for (size_t i = 0; i < kFlowWords; i++) wider &= (t.mask.words()[i] & ~s.mask.words()[i]) == 0;
  Origin* o = origins.find(s.cookie);
  if (!wider || t.actions != s.actions || (!o && s.cookie)) {
    release(held, now);
    dpif.flow_del(s.ufid, now);
  } else if (!o) {
    adopt(s, t, std::move(held), now);
  } else {
    std::swap(o->held, held);
    release(held, now);
    o->effects = std::move(t.effects);
    dpif.flow_refresh(s.ufid, generation);
  }
}

/// A flow that the datapath has from earlier times does what it should: from here on its packets count for the rules.
void Switch::Impl::adopt(const Megaflow& flow, Translation& t, Held held, Time now) {
  Origin origin{.effects = std::move(t.effects), .held = std::move(held), .packets = flow.stats.packets, .bytes = flow.stats.bytes, .created = now};
  if (const Pipeline::Place* place = pipeline.place(OdpPort{flow.key.in_port.host()})) origin.bridge = place->bridge->id;
  megaflows++;
  dpif.flow_adopt(flow.ufid, generation, origins.add(std::move(origin)));
}

/// Ends what has timed out: flows, MAC entries.
bool Switch::Impl::expire(Time now) {
  bool due = std::ranges::any_of(by_id, [&](auto& b) { return std::min(b.second->view.tables->deadline(), b.second->view.macs.deadline()) <= now; });
  if (!due) return false;
  push_all();
  for (auto& [id, b] : by_id) {
    if (b->staged) continue;
    b->view.tables->expire(now);
    b->view.macs.expire(now);
    changed(*b, now);
  }
  return true;
}

void Switch::revalidate_now(Time now) {
  impl_->push_all();
  impl_->sweeping = false;
  impl_->next_sweep = now;
  while (impl_->sweep(now)) {}
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
  impl_->megaflows++;
  return impl_->dpif.flow_put({.key = key, .mask = mask, .actions = actions, .generation = impl_->generation, .cookie = impl_->origins.add(std::move(origin))}, now);
}

void Switch::purge(Time now) { impl_->dpif.flow_flush(now); }

}  // namespace sluice
