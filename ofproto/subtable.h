// SPDX-License-Identifier: Apache-2.0
// Subtable: the classifier's rules that have one mask, compared in stages; and what is known of their prefixes and L4 ports.
#pragma once

#include <array>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "ofproto/classifier.h"
#include "ofproto/mix.h"
#include "ofproto/prefix_field.h"

namespace sluice {

/// Of one field, which prefixes the table's rules ask for, since a packet's was first looked for.
struct Classifier::Tracked {
  ofp::FieldId id;
  PrefixField field;
  PrefixTrie trie;
};

/// The prefixes that one flow has of those that are tracked; each is looked up when it is first needed.
class Classifier::Prefixes {
 public:
  Prefixes(const Classifier& classifier, const Flow& flow) : classifier_(classifier), flow_(flow) {}
  /// No rule asks for the field's first `length` bits as they are.
  bool lacks(size_t i, unsigned length) {
    const Tracked& t = classifier_.tracked_[i];
    if (t.trie.is_idle()) classifier_.start_tracking(i);
    if (t.trie.overflowed()) return false;
    if (!found_[i]) found_[i] = t.trie.find(t.field.of(flow_));
    return !found_[i]->has(length);
  }
  /// Marks the bits that lacks() looked at.
  void mark(size_t i, Flow& mask) const { classifier_.tracked_[i].field.add_to(mask, PrefixTrie::first_bits(found_[i]->bits)); }

 private:
  const Classifier& classifier_;
  const Flow& flow_;
  std::array<std::optional<PrefixTrie::Found>, kMostPrefixFields> found_;
};

struct Classifier::Subtable {
  struct Piece {
    uint8_t word;       // of Flow
    uint8_t position;   // in the MiniMatches of this mask
    uint64_t mask;
  };
  struct PrefixUse {
    uint8_t length = 0; // the mask's; 0: not tracked, for it is wild or no prefix
    uint8_t stage = 0;
  };
  struct Avalanched {
    using is_avalanching = void;
    size_t operator()(uint64_t h) const { return h; }
  };
  template <typename T>
  using ByHash = boost::unordered_flat_map<uint64_t, T, Avalanched>;

  ofp::MiniMatch sample;          // any match with this mask
  uint64_t mask_hash;
  std::vector<Piece> pieces;      // in the order of stages
  std::array<uint8_t, kStages> ends{};
  std::array<PrefixUse, kMostPrefixFields> prefixes;         // of the table's tracked fields
  PrefixTrie::Key ports_mask = 0; // of tp_src and tp_dst
  mutable PrefixTrie ports;       // since a packet's were first looked for
  std::array<ByHash<uint32_t>, kStages - 1> stage_hashes;    // hash of the values so far -> number of rules
  ByHash<Rule*> chains;
  std::map<int, uint32_t> priorities;
  std::pair<const int, uint32_t>* last_priority = nullptr;   // counted last; null: none

  Subtable(const ofp::MiniMatch& match, uint64_t mask_hash);

  int max_priority() const { return priorities.empty() ? INT32_MIN : priorities.rbegin()->first; }
  bool stage_counts(unsigned s) const {  // a stage whose hash tells something that the next one does not
    return ends[s] > (s ? ends[s - 1] : 0) && ends[s] < pieces.size();
  }
  void count_priority(int priority);
  void uncount_priority(int priority);
  void count_stages(const std::array<uint64_t, kStages - 1>& stages, bool add);
  void use_prefixes(const std::vector<Tracked>& tracked);
  /// Counts the rule's prefixes in what is tracked, and its ports.
  void count_prefixes(const ofp::MiniMatch& match, std::vector<Tracked>& tracked, bool add);
  /// Counts the prefixes of all rules in what was just started.
  void count_all(size_t i, Tracked& tracked) const;

  Place place(const ofp::MiniMatch& m);
  /// The chain of the flow's hash, or null; marks what was looked at.
  Rule* find_chain(const Flow& flow, Flow* mask, Prefixes& flow_prefixes) const;

 private:
  unsigned ports_length() const;
  bool lacks_prefix(unsigned stage, Flow& mask, Prefixes& flow_prefixes) const;
  void unwildcard(Flow& mask, size_t end) const {
    auto words = mask.words();
    for (size_t i = 0; i < end; i++) words[pieces[i].word] |= pieces[i].mask;
  }
  void unwildcard_but_ports(const Flow& flow, Flow& mask) const;
  void start_ports() const;
  template <typename Fn>
  void for_each_rule(Fn fn) const {
    for (auto& [hash, chain] : chains)
      for (const Rule* r = chain; r; r = r->next) fn(r->match);
  }
};

}  // namespace sluice
