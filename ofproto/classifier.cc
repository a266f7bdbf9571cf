// SPDX-License-Identifier: Apache-2.0
// See classifier.h.
#include "ofproto/classifier.h"

#include <algorithm>

namespace sluice {
namespace {

constexpr unsigned kStages = Classifier::kStages;

uint64_t mix(uint64_t h, uint64_t v) {
  unsigned __int128 m = static_cast<unsigned __int128>(h ^ 0x2d358dccaa6c78a5ull) * (v ^ 0x8bb84b93962eacc9ull);
  return static_cast<uint64_t>(m) ^ static_cast<uint64_t>(m >> 64);
}

/// The bytes of Flow that each stage compares: metadata, Ethernet to MPLS, IP, L4 and the like.
std::array<Flow, kStages> make_stages() {
  std::array<Flow, kStages> stages{};
  auto put = [&](unsigned stage, size_t from, size_t to) { std::memset(reinterpret_cast<uint8_t*>(&stages[stage]) + from, 0xff, to - from); };
  put(0, 0, offsetof(Flow, eth_dst));
  put(1, offsetof(Flow, eth_dst), offsetof(Flow, nw_src));
  put(2, offsetof(Flow, nw_src), offsetof(Flow, tp_src));
  put(3, offsetof(Flow, tp_src), offsetof(Flow, vlan_tpid));
  put(1, offsetof(Flow, vlan_tpid), offsetof(Flow, dp_hash));
  put(0, offsetof(Flow, dp_hash), offsetof(Flow, ipv6_src));
  put(2, offsetof(Flow, ipv6_src), offsetof(Flow, arp_sha));
  put(3, offsetof(Flow, arp_sha), offsetof(Flow, mpls_lse));
  put(1, offsetof(Flow, mpls_lse), offsetof(Flow, skb_priority));
  put(0, offsetof(Flow, skb_priority), offsetof(Flow, nsh_flags));
  put(3, offsetof(Flow, nsh_flags), offsetof(Flow, metadata));
  put(0, offsetof(Flow, metadata), sizeof(Flow));
  return stages;
}

struct Avalanched {
  using is_avalanching = void;
  size_t operator()(uint64_t h) const { return h; }
};

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

/// All rules with one mask.
struct Classifier::Subtable {
  struct Piece {
    uint8_t word;       // of Flow
    uint8_t position;   // in the MiniMatches of this mask
    uint64_t mask;
  };
  ofp::MiniMatch sample;          // any match with this mask
  uint64_t mask_hash;
  std::vector<Piece> pieces;      // in the order of stages
  std::array<uint8_t, kStages> ends{};
  std::array<boost::unordered_flat_map<uint64_t, uint32_t, Avalanched>, kStages - 1> stage_hashes;  // hash of the values so far -> number of rules
  boost::unordered_flat_map<uint64_t, Rule*, Avalanched> chains;
  std::map<int, uint32_t> priorities;
  std::pair<const int, uint32_t>* last_priority = nullptr;   // counted last; null: none

  explicit Subtable(const ofp::MiniMatch& match) : sample(match), mask_hash(hash_mask(match)) {
    static const std::array<Flow, kStages> stages = make_stages();
    for (unsigned s = 0; s < kStages; s++) {
      uint8_t position = 0;
      match.map().for_each([&](unsigned word) {
        uint64_t mask = match.masks()[position] & stages[s].words()[word];
        if (mask) pieces.push_back({static_cast<uint8_t>(word), position, mask});
        position++;
      });
      ends[s] = static_cast<uint8_t>(pieces.size());
    }
  }

  int max_priority() const { return priorities.empty() ? INT32_MIN : priorities.rbegin()->first; }
  bool stage_counts(unsigned s) const {  // a stage whose hash tells something that the next one does not
    return ends[s] > (s ? ends[s - 1] : 0) && ends[s] < pieces.size();
  }

  void count_priority(int priority) {
    if (!last_priority || last_priority->first != priority) last_priority = &*priorities.try_emplace(priority, 0).first;
    last_priority->second++;
  }
  void uncount_priority(int priority) {
    auto it = priorities.find(priority);
    if (--it->second) return;
    priorities.erase(it);
    last_priority = nullptr;
  }

  Place place(const ofp::MiniMatch& m) {
    Place p{.subtable = this};
    auto values = m.values();
    uint64_t h = 0;
    size_t i = 0;
    for (unsigned s = 0; s < kStages; s++) {
      for (; i < ends[s]; i++) h = mix(h, values[pieces[i].position] & pieces[i].mask);
      if (s < kStages - 1) p.stages[s] = h;
    }
    p.hash = h;
    return p;
  }

  void count_stages(const std::array<uint64_t, kStages - 1>& stages, bool add) {
    for (unsigned s = 0; s < kStages - 1; s++) {
      if (!stage_counts(s)) continue;
      if (add) {
        stage_hashes[s][stages[s]]++;
      } else if (auto it = stage_hashes[s].find(stages[s]); --it->second == 0) {
        stage_hashes[s].erase(it);
      }
    }
  }

  void unwildcard(Flow& mask, size_t end) const {
    auto words = mask.words();
    for (size_t i = 0; i < end; i++) words[pieces[i].word] |= pieces[i].mask;
  }

  /// The chain of the flow's hash, or null; marks what was looked at.
  Rule* find_chain(const Flow& flow, Flow* mask) const {
    auto words = flow.words();
    uint64_t h = 0;
    size_t i = 0;
    for (unsigned s = 0; s < kStages; s++) {
      for (; i < ends[s]; i++) h = mix(h, words[pieces[i].word] & pieces[i].mask);
      if (s < kStages - 1 && stage_counts(s) && !stage_hashes[s].contains(h)) {
        if (mask) unwildcard(*mask, i);
        return nullptr;
      }
    }
    if (mask) unwildcard(*mask, i);
    auto it = chains.find(h);
    return it == chains.end() ? nullptr : it->second;
  }
};

/// Conjunctive rules that a flow met, to be put together after the search.
struct Classifier::Soft {
  std::vector<const Rule*> rules;
};

Classifier::Classifier() = default;
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
  order_.push_back(std::make_unique<Subtable>(match));
  Subtable* s = order_.back().get();
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
  auto chain = s->chains.find(place.hash);
  Rule** at = &chain->second;
  while (*at != rule) at = &(*at)->next;
  *at = rule->next;
  rule->next = nullptr;
  if (!chain->second) s->chains.erase(chain);
  s->uncount_priority(rule->priority);
  size_--;
  conjunctive_ -= rule->actions && rule->actions->conjunctive;
  if (s->priorities.empty()) return drop_subtable(s);
  if (s->max_priority() < rule->priority) reorder(s);
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
  for (const auto& s : order_) {
    int least = best ? best->priority : INT32_MIN;
    if (best && s->max_priority() <= least) break;
    for (const Rule* r = s->find_chain(flow, mask); r && r->priority > least; r = r->next) {
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
