// SPDX-License-Identifier: Apache-2.0
// See change_log.h.
#include "ofproto/change_log.h"

#include <algorithm>

namespace sluice {
namespace {

constexpr size_t kMetadataWord = offsetof(Flow, metadata) / 8;
constexpr size_t kConjunctionWord = offsetof(Flow, conj_id) / 8;   // set by lookups themselves

/// Zero in each packet that comes.
constexpr bool is_register(size_t word) { return word >= offsetof(Flow, reg) / 8 && word < offsetof(Flow, ct_mark) / 8; }

/// True if the match rules out all packets of the megaflow, as this lookup saw them.
bool is_ruled_out(const ofp::MiniMatch& match, const TableLookup& lookup, const Flow& key, const Flow& mask) {
  bool out = false;
  size_t i = 0;
  match.map().for_each([&](size_t word) {
    uint64_t asked = match.masks()[i], wanted = match.values()[i];
    i++;
    uint64_t known = mask.words()[word], value = key.words()[word];
    if (word == kMetadataWord) std::memcpy(&value, &lookup.metadata, sizeof value), known = UINT64_MAX;
    else if (word == kConjunctionWord || word >= kComparedWords || (lookup.modified >> word & 1)) known = 0;
    else if (is_register(word)) known = UINT64_MAX;
    out |= ((value ^ wanted) & asked & known) != 0;
  });
  return out;
}

}  // namespace

void ChangeLog::everything(uint64_t generation) {
  entries_.clear();
  whole_since_ = generation;
}

void ChangeLog::add(uint64_t generation, BridgeId bridge, TableChange change) {
  if (entries_.size() == kMost) {
    whole_since_ = entries_.front().generation;
    entries_.pop_front();
  }
  entries_.push_back({generation, bridge, std::move(change)});
}

bool ChangeLog::may_concern(uint64_t generation, const Effects& effects, const Fetch& fetch) {
  if (generation < whole_since_) return true;
  bool fetched = false, looked = false;
  auto newer = std::ranges::find_if(entries_, [&](const Entry& e) { return e.generation > generation; });
  for (const Effect& effect : effects) {
    if (std::holds_alternative<LearnFlow>(effect)) return true;   // it may have to be learned again
    auto* counted = std::get_if<FlowsCounted>(&effect);
    if (counted && std::any_of(newer, entries_.end(), [&](const Entry& e) { return e.change.table == counted->table && e.bridge == counted->bridge; })) return true;
    auto* lookup = std::get_if<TableLookup>(&effect);
    if (!lookup) continue;
    looked = true;
    for (auto e = newer; e != entries_.end(); ++e) {
      if (e->change.table != lookup->table || e->bridge != lookup->bridge) continue;
      if (!std::exchange(fetched, true) && !fetch(key_, mask_)) return true;
      if (!is_ruled_out(e->change.match, *lookup, key_, mask_)) return true;
    }
  }
  return !looked;
}

}  // namespace sluice
