// SPDX-License-Identifier: Apache-2.0
// See rule.h.
#include "ofproto/rule.h"

#include <algorithm>
#include <utility>

#include "ofproto/mix.h"
#include "ofproto/openflow/action_walk.h"

namespace sluice {
namespace {

uint64_t hash_bytes(uint64_t h, ByteView bytes) {
  for (uint8_t b : bytes) h = mix(h, b);
  return h;
}

/// Tells apart the common actions well and all by kind: equality decides.
uint64_t hash_action(uint64_t h, const ofp::Action& a) {
  h = mix(h, a.v.index());
  if (auto* o = a.as<ofp::Output>()) return mix(h, o->port.value);
  if (auto* s = a.as<ofp::SetField>()) return hash_bytes(mix(h, static_cast<uint64_t>(s->field)), s->value.bytes());
  if (auto* r = a.as<ofp::Resubmit>()) return mix(mix(h, r->table), r->in_port.value);
  if (auto* g = a.as<ofp::GotoTable>()) return mix(h, g->table);
  if (auto* g = a.as<ofp::Group>()) return mix(h, g->group);
  if (auto* m = a.as<ofp::WriteMetadata>()) return mix(h, m->value);
  if (auto* s = a.as<ofp::SetEthDst>()) return mix(h, s->mac.to_u64());
  if (auto* s = a.as<ofp::SetEthSrc>()) return mix(h, s->mac.to_u64());
  if (auto* s = a.as<ofp::SetIpSrc>()) return mix(h, s->ip.raw());
  if (auto* s = a.as<ofp::SetIpDst>()) return mix(h, s->ip.raw());
  if (auto* s = a.as<ofp::SetVlanVid>()) return mix(h, s->vid);
  if (auto* s = a.as<ofp::SetL4Dst>()) return mix(h, s->port);
  if (auto* s = a.as<ofp::SetL4Src>()) return mix(h, s->port);
  if (auto* c = a.as<ofp::Conjunction>()) return mix(mix(h, c->id), c->clause);
  if (auto* n = a.as<ofp::Note>()) return hash_bytes(h, n->data);
  if (auto* inner = ofp::nested(a))
    for (const ofp::Action& b : *inner) h = hash_action(h, b);
  return h;
}

bool is_conjunctive(const ofp::Actions& actions) {
  bool any = false;
  for (const ofp::Action& a : actions) {
    if (a.as<ofp::Conjunction>())
      any = true;
    else if (!a.as<ofp::Note>())
      return false;
  }
  return any;
}

}  // namespace

ActionPool::~ActionPool() {
  for (auto& [hash, lists] : lists_)
    for (ActionList* list : lists) delete list;
}

ActionList* ActionPool::share(ofp::Actions&& actions) {
  uint64_t h = actions.size();
  for (const ofp::Action& a : actions) h = hash_action(h, a);
  auto& same = lists_[h];
  for (ActionList* list : same)
    if (list->actions == actions) return hold(list);
  auto list = std::make_unique<ActionList>();
  list->conjunctive = is_conjunctive(actions);
  list->actions = std::move(actions);
  list->actions.shrink_to_fit();
  list->hash = h;
  list->users = 1;
  same.push_back(list.get());
  return list.release();
}

void ActionPool::release(ActionList* list) {
  if (!list || --list->users) return;
  note_learned(list->actions);
  auto it = lists_.find(list->hash);
  std::erase(it->second, list);
  if (it->second.empty()) lists_.erase(it);
  delete list;
}

namespace {

/// Calls fn(LearnedFlows) for each learn action that takes its flows with it.
template <typename Fn>
void for_each_owned(const ofp::Actions& actions, const Fn& fn) {
  ofp::for_each_action(actions, [&](const ofp::Action& a) {
    if (auto* l = a.as<ofp::Learn>(); l && l->delete_learned) fn(LearnedFlows{l->table, l->cookie});
  });
}

}  // namespace

void ActionPool::note_learned(const ofp::Actions& actions) {
  for_each_owned(actions, [&](LearnedFlows l) { orphans_.push_back(l); });
}

std::vector<LearnedFlows> ActionPool::take_orphans() {
  if (orphans_.empty()) return {};
  auto gone = std::exchange(orphans_, {});
  std::ranges::sort(gone);
  gone.erase(std::ranges::unique(gone).begin(), gone.end());
  for_each([&](const ofp::Actions& actions) { for_each_owned(actions, [&](LearnedFlows l) { std::erase(gone, l); }); });
  return gone;
}

Rule* RuleTable::make() {
  if (!free_) {
    uint32_t first = slots();
    slabs_.push_back(std::make_unique<Rule[]>(kSlab));
    Rule* slab = slabs_.back().get();
    for (uint32_t i = kSlab; i-- > 0;) {
      slab[i].id = uint32_t{table_} << kRuleSlotBits | (first + i);
      slab[i].table = table_;
      slab[i].next = free_;
      free_ = &slab[i];
    }
  }
  Rule* rule = free_;
  free_ = rule->next;
  rule->next = nullptr;
  renew(rule);
  return rule;
}

void RuleTable::free(Rule* rule) {
  rule->match = {};
  rule->live = rule->fresh = false;
  rule->next = free_;
  free_ = rule;
}

}  // namespace sluice
