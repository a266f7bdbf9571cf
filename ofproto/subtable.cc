// SPDX-License-Identifier: Apache-2.0
// See subtable.h.
#include "ofproto/subtable.h"

#include <bit>
#include <cstring>

namespace sluice {
namespace {

constexpr unsigned kStages = Classifier::kStages;

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

constexpr PrefixField kPorts(offsetof(Flow, tp_src), 4);   // and tp_dst

}  // namespace

Classifier::Subtable::Subtable(const ofp::MiniMatch& match, uint64_t hash) : sample(match), mask_hash(hash), ports_mask(kPorts.of_mask(match)) {
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

void Classifier::Subtable::count_priority(int priority) {
  if (!last_priority || last_priority->first != priority) last_priority = &*priorities.try_emplace(priority, 0).first;
  last_priority->second++;
}

void Classifier::Subtable::uncount_priority(int priority) {
  auto it = priorities.find(priority);
  if (--it->second) return;
  priorities.erase(it);
  last_priority = nullptr;
}

void Classifier::Subtable::count_stages(const std::array<uint64_t, kStages - 1>& stages, bool add) {
  for (unsigned s = 0; s < kStages - 1; s++) {
    if (!stage_counts(s)) continue;
    if (add) {
      stage_hashes[s][stages[s]]++;
    } else if (auto it = stage_hashes[s].find(stages[s]); --it->second == 0) {
      stage_hashes[s].erase(it);
    }
  }
}

// --- prefixes ---

void Classifier::Subtable::use_prefixes(const std::vector<Tracked>& tracked) {
  prefixes = {};
  for (size_t i = 0; i < tracked.size(); i++) {
    PrefixTrie::Key mask = tracked[i].field.of_mask(sample);
    auto high = static_cast<uint64_t>(mask >> 64);
    int ones = ~high ? std::countl_one(high) : 64 + std::countl_one(static_cast<uint64_t>(mask));
    if (mask != PrefixTrie::first_bits(static_cast<unsigned>(ones))) continue;
    prefixes[i].length = static_cast<uint8_t>(ones);
    for (unsigned s = 0, k = 0; s < kStages; s++)
      for (; k < ends[s]; k++)
        if (pieces[k].word == tracked[i].field.word()) prefixes[i].stage = static_cast<uint8_t>(s);
  }
}

unsigned Classifier::Subtable::ports_length() const {
  return 32 - static_cast<unsigned>(std::countr_zero(static_cast<uint32_t>(ports_mask >> 96)));
}

void Classifier::Subtable::count_prefixes(const ofp::MiniMatch& match, std::vector<Tracked>& tracked, bool add) {
  auto count = [&](PrefixTrie& trie, const PrefixField& field, unsigned length) {
    if (!length || trie.is_idle()) return;
    add ? trie.insert(field.of_value(match), length) : trie.erase(field.of_value(match), length);
  };
  for (size_t i = 0; i < tracked.size(); i++) count(tracked[i].trie, tracked[i].field, prefixes[i].length);
  if (ports_mask) count(ports, kPorts, ports_length());
}

void Classifier::Subtable::count_all(size_t i, Tracked& tracked) const {
  if (!prefixes[i].length) return;
  for_each_rule([&](const ofp::MiniMatch& m) { tracked.trie.insert(tracked.field.of_value(m), prefixes[i].length); });
}

void Classifier::Subtable::start_ports() const {
  ports.start();
  for_each_rule([&](const ofp::MiniMatch& m) { ports.insert(kPorts.of_value(m), ports_length()); });
}

/// True if a field of this stage has a prefix that no rule of this mask asks for.
bool Classifier::Subtable::lacks_prefix(unsigned stage, Flow& mask, Prefixes& flow_prefixes) const {
  for (size_t i = 0; i < prefixes.size(); i++) {
    if (!prefixes[i].length || prefixes[i].stage != stage || !flow_prefixes.lacks(i, prefixes[i].length)) continue;
    flow_prefixes.mark(i, mask);
    return true;
  }
  return false;
}

// --- finding ---

Classifier::Place Classifier::Subtable::place(const ofp::MiniMatch& m) {
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

Rule* Classifier::Subtable::find_chain(const Flow& flow, Flow* mask, Prefixes& flow_prefixes) const {
  auto words = flow.words();
  uint64_t h = 0;
  size_t i = 0;
  for (unsigned s = 0; s < kStages; s++) {
    if (mask && lacks_prefix(s, *mask, flow_prefixes)) {
      unwildcard(*mask, i);
      return nullptr;
    }
    for (; i < ends[s]; i++) h = mix(h, words[pieces[i].word] & pieces[i].mask);
    if (s < kStages - 1 && stage_counts(s) && !stage_hashes[s].contains(h)) {
      if (mask) unwildcard(*mask, i);
      return nullptr;
    }
  }
  auto it = chains.find(h);
  if (it == chains.end()) {
    if (mask) unwildcard_but_ports(flow, *mask);
    return nullptr;
  }
  if (mask) unwildcard(*mask, i);
  return it->second;
}

/// No rule was found: of the ports, only the bits that tell them from all rules' count as looked at, if they do.
void Classifier::Subtable::unwildcard_but_ports(const Flow& flow, Flow& mask) const {
  if (ports_mask && ports.is_idle()) start_ports();
  if (!ports_mask || ports.overflowed()) return unwildcard(mask, pieces.size());
  auto words = mask.words();
  for (const Piece& p : pieces) words[p.word] |= p.word == kPorts.word() ? p.mask & ~kPorts.half_word() : p.mask;
  PrefixTrie::Found found = ports.find(kPorts.of(flow) & ports_mask);
  kPorts.add_to(mask, found.has(ports_length()) ? ports_mask : ports_mask & PrefixTrie::first_bits(found.bits));
}

}  // namespace sluice
