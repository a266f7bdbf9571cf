// SPDX-License-Identifier: Apache-2.0
// See classifier.h.
#include "ofproto/classifier.h"

#include <algorithm>

#include "ofproto/subtable.h"

namespace sluice {
namespace {

uint64_t hash_mask(const ofp::MiniMatch& m) {
  uint64_t h = mix(m.map().bits[0], m.map().bits[1]);
  for (uint64_t w : m.masks()) h = mix(h, w);
  return h;
}

/// True if all bits of `part` are in `whole`.
bool covers(const ofp::MiniMatch& whole, const ofp::MiniMatch& part) {
  for (unsigned k = 0; k < 2; k++)
    if (part.map().bits[k] & ~whole.map().bits[k]) return false;
  size_t i = 0, j = 0;
  bool all = true;
  const auto& pm = part.map();
  whole.map().for_each([&](unsigned word) {
    uint64_t has = whole.masks()[i++];
    if (pm.bits[word / 64] >> word % 64 & 1) all &= (part.masks()[j++] & ~has) == 0;
  });
  return all;
}

}  // namespace

/// Conjunctive rules that a flow met, to be put together after the search.
struct Classifier::Soft {
  std::vector<const Rule*> rules;
};

Classifier::Classifier() { track_prefixes(kDefaultPrefixFields); }
Classifier::~Classifier() = default;

Classifier::Subtable* Classifier::find_subtable(const ofp::MiniMatch& match) const {
  if (last_found_ && last_found_->sample.same_mask(match)) return last_found_;
  auto it = by_mask_.find(hash_mask(match));
  if (it == by_mask_.end()) return nullptr;
  for (Subtable* s : it->second)
    if (s->sample.same_mask(match)) return last_found_ = s;
  return nullptr;
}

Classifier::Subtable* Classifier::add_subtable(const ofp::MiniMatch& match) {
  order_.push_back(std::make_unique<Subtable>(match, hash_mask(match)));
  Subtable* s = order_.back().get();
  s->use_prefixes(tracked_);
  by_mask_[s->mask_hash].push_back(s);
  return s;
}

void Classifier::drop_subtable(Subtable* s) {
  if (last_found_ == s) last_found_ = nullptr;
  auto& same = by_mask_[s->mask_hash];
  std::erase(same, s);
  if (same.empty()) by_mask_.erase(s->mask_hash);
  order_.erase(std::ranges::find(order_, s, &std::unique_ptr<Subtable>::get));
}

/// Restores the order after the highest priority of one subtable changed.
void Classifier::reorder(Subtable* subtable) {
  auto at = std::ranges::find(order_, subtable, &std::unique_ptr<Subtable>::get);
  int p = subtable->max_priority();
  for (; at != order_.begin() && (*(at - 1))->max_priority() < p; --at) std::swap(*at, *(at - 1));
  for (; at + 1 != order_.end() && (*(at + 1))->max_priority() > p; ++at) std::swap(*at, *(at + 1));
}

Classifier::Place Classifier::locate(const ofp::MiniMatch& match) const {
  Subtable* s = find_subtable(match);
  return s ? s->place(match) : Place{};
}

Rule* Classifier::find(const Place& place, const ofp::MiniMatch& match, int priority) const {
  if (!place.subtable) return nullptr;
  auto it = place.subtable->chains.find(place.hash);
  if (it == place.subtable->chains.end()) return nullptr;
  for (Rule* r = it->second; r && r->priority >= priority; r = r->next)
    if (r->priority == priority && r->match == match) return r;
  return nullptr;
}

Rule* Classifier::find(const ofp::MiniMatch& match, int priority) const { return find(locate(match), match, priority); }

void Classifier::insert(Rule* rule, const Place& place) {
  Subtable* s = place.subtable;
  if (!s) return insert(rule, add_subtable(rule->match)->place(rule->match));
  s->count_stages(place.stages, true);
  s->count_prefixes(rule->match, tracked_, true);
  Rule** at = &s->chains[place.hash];
  while (*at && (*at)->priority >= rule->priority) at = &(*at)->next;
  rule->next = *at;
  *at = rule;
  int before = s->max_priority();
  s->count_priority(rule->priority);
  if (rule->priority > before) reorder(s);
  size_++;
  conjunctive_ += rule->actions && rule->actions->conjunctive;
}

void Classifier::insert(Rule* rule) { insert(rule, locate(rule->match)); }

void Classifier::remove(Rule* rule) {
  Place place = locate(rule->match);
  Subtable* s = place.subtable;
  s->count_stages(place.stages, false);
  s->count_prefixes(rule->match, tracked_, false);
  auto chain = s->chains.find(place.hash);
  Rule** at = &chain->second;
  while (*at != rule) at = &(*at)->next;
  *at = rule->next;
  rule->next = nullptr;
  if (!chain->second) s->chains.erase(chain);
  s->uncount_priority(rule->priority);
  size_--;
  conjunctive_ -= rule->actions && rule->actions->conjunctive;
  if (size_ <= PrefixTrie::kMostPrefixes / 2) retry_overflowed(*s);
  if (s->priorities.empty()) return drop_subtable(s);
  if (s->max_priority() < rule->priority) reorder(s);
}

// --- prefixes ---

bool Classifier::is_prefix_field(ofp::FieldId f) {
  using enum ofp::FieldId;
  constexpr std::array kFields = {kTunId, kTunSrc, kTunDst, kTunIpv6Src, kTunIpv6Dst, kIpSrc, kIpDst, kIpv6Src, kIpv6Dst};
  return std::ranges::find(kFields, f) != kFields.end();
}

void Classifier::track_prefixes(std::span<const ofp::FieldId> fields) {
  if (std::ranges::equal(fields, tracked_, {}, {}, &Tracked::id)) return;
  tracked_.clear();
  for (ofp::FieldId id : fields) {
    const ofp::Place& place = ofp::field(id).place;
    tracked_.push_back({id, PrefixField(place.offset, place.bytes), {}});
  }
  for (auto& s : order_) s->use_prefixes(tracked_);
}

/// At the first packet whose prefixes matter, and after there were too many: once for many changes.
void Classifier::start_tracking(size_t i) const {
  tracked_[i].trie.start();
  for (const auto& s : order_) s->count_all(i, tracked_[i]);
}

/// What was too much may fit now.
void Classifier::retry_overflowed(Subtable& s) {
  for (Tracked& t : tracked_)
    if (t.trie.overflowed()) t.trie.clear();
  if (s.ports.overflowed()) s.ports.clear();
}

void Classifier::set_actions(Rule* rule, ActionList* actions) {
  conjunctive_ -= rule->actions && rule->actions->conjunctive;
  conjunctive_ += actions && actions->conjunctive;
  rule->actions = actions;
}

const Rule* Classifier::lookup(const Flow& flow, Flow* mask) const {
  if (!conjunctive_) return search(flow, mask, nullptr);
  Soft soft;
  const Rule* hard = search(flow, mask, &soft);
  return soft.rules.empty() ? hard : satisfy(flow, mask, soft, hard);
}

const Rule* Classifier::search(const Flow& flow, Flow* mask, Soft* soft) const {
  const Rule* best = nullptr;
  Prefixes prefixes(*this, flow);
  for (const auto& s : order_) {
    int least = best ? best->priority : INT32_MIN;
    if (best && s->max_priority() <= least) break;
    for (const Rule* r = s->find_chain(flow, mask, prefixes); r && r->priority > least; r = r->next) {
      if (!r->match.matches(flow)) continue;
      if (r->actions && r->actions->conjunctive) {
        if (soft) soft->rules.push_back(r);
        continue;
      }
      best = r;
      break;
    }
  }
  return best;
}

/// The rule that the highest complete conjunction leads to, unless a plain rule is higher.
const Rule* Classifier::satisfy(const Flow& flow, Flow* mask, Soft& soft, const Rule* hard) const {
  std::ranges::stable_sort(soft.rules, std::ranges::greater{}, &Rule::priority);
  for (size_t i = 0; i < soft.rules.size();) {
    int priority = soft.rules[i]->priority;
    if (hard && priority <= hard->priority) break;
    std::map<uint32_t, std::pair<uint64_t, unsigned>> clauses;  // id -> clauses met, number of them
    for (; i < soft.rules.size() && soft.rules[i]->priority == priority; i++)
      for (const ofp::Action& a : soft.rules[i]->actions->actions)
        if (auto* c = a.as<ofp::Conjunction>()) {
          auto& [met, n] = clauses[c->id];
          met |= uint64_t{1} << c->clause;
          n = c->n_clauses;
        }
    for (auto& [id, state] : clauses) {
      if (static_cast<unsigned>(__builtin_popcountll(state.first)) < state.second) continue;
      Flow with_id = flow;
      with_id.conj_id = be32(id);
      const Rule* r = search(with_id, mask, nullptr);
      if (r && r->match.expand().mask.conj_id) return r;
    }
  }
  return hard;
}

bool Classifier::has_overlap(const ofp::MiniMatch& match, int priority) const {
  for (const auto& s : order_) {
    if (s->max_priority() < priority) break;
    if (!s->priorities.contains(priority)) continue;
    for (auto& [h, chain] : s->chains)
      for (const Rule* r = chain; r && r->priority >= priority; r = r->next)
        if (r->priority == priority && r->match.overlaps(match)) return true;
  }
  return false;
}

void Classifier::for_each_inside(const ofp::MiniMatch& general, const std::function<bool(Rule*)>& visit) const {
  std::vector<Rule*> found;
  for (const auto& s : order_) {
    if (!covers(s->sample, general)) continue;
    auto take = [&](Rule* r) {
      for (; r; r = r->next)
        if (r->match.is_inside(general)) found.push_back(r);
    };
    if (s->sample.same_mask(general)) {
      if (auto it = s->chains.find(s->place(general).hash); it != s->chains.end()) take(it->second);
    } else {
      for (auto& [h, chain] : s->chains) take(chain);
    }
  }
  for (Rule* r : found)
    if (!visit(r)) return;
}

}  // namespace sluice
