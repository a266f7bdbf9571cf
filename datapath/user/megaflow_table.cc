// SPDX-License-Identifier: Apache-2.0
// Tuple space search with a bound.
#include "datapath/user/megaflow_table.h"

#include <algorithm>
#include <cstddef>

#include <xxhash.h>

namespace sluice {
namespace {

constexpr uint64_t kSortEvery = 1 << 16;  // lookups between two sortings of the subtables
constexpr size_t kFirstSlots = 16;

/// The parts of Flow that a mask takes whole when it is made exact: each begins where the one before ends.
constexpr size_t kBlocks[] = {0,
                              offsetof(Flow, ipv6_src) / 8,
                              offsetof(Flow, arp_sha) / 8,
                              offsetof(Flow, mpls_lse) / 8,
                              offsetof(Flow, nsh_flags) / 8,
                              offsetof(Flow, metadata) / 8,
                              offsetof(Flow, ct_mark) / 8,
                              offsetof(Flow, tunnel) / 8,
                              offsetof(Flow, tun_metadata) / 8,
                              kFlowWords};

bool same_words(std::span<const uint64_t> a, std::span<const uint64_t> b) { return std::memcmp(a.data(), b.data(), a.size_bytes()) == 0; }

}  // namespace

Subtable::Subtable(const Flow& mask, const HashSeed& seed) : mask_(mask), seed_(seed), slots_(kFirstSlots) {
  auto words = mask.words();
  for (size_t i = 0; i < kFlowWords; i++)
    if (words[i]) words_.push_back({static_cast<uint16_t>(i), words[i]});
}

uint32_t Subtable::hash(const Flow& key) const {
  auto k = key.words();
  WordHash h(seed_);
  for (const Word& w : words_) h.add(k[w.at] & w.mask);
  return static_cast<uint32_t>(h.value());
}

void Subtable::compact(const Flow& key, uint64_t* to) const {
  auto k = key.words();
  for (const Word& w : words_) *to++ = k[w.at];
}

Flow Subtable::expand(const uint64_t* from) const {
  Flow key{};
  for (const Word& w : words_) key.words()[w.at] = *from++;
  return key;
}

bool Subtable::matches(const Flow& key, const uint64_t* words) const {
  auto k = key.words();
  uint64_t diff = 0;
  for (const Word& w : words_) diff |= (k[w.at] ^ *words++) & w.mask;
  return diff == 0;
}

UserFlow* Subtable::find(const Flow& key) const {
  uint32_t h = hash(key);
  size_t mask = slots_.size() - 1;
  for (size_t i = h & mask; slots_[i].flow; i = (i + 1) & mask)
    if (slots_[i].hash == h && matches(key, slots_[i].flow->key.get())) return slots_[i].flow;
  return nullptr;
}

void Subtable::place(UserFlow* flow) {
  size_t mask = slots_.size() - 1, i = flow->hash & mask;
  while (slots_[i].flow) i = (i + 1) & mask;
  slots_[i] = {flow, flow->hash};
}

void Subtable::insert(UserFlow* flow) {
  if ((size_ + 1) * 2 > slots_.size()) {
    std::vector<Slot> old(slots_.size() * 2);
    old.swap(slots_);
    for (const Slot& s : old)
      if (s.flow) place(s.flow);
  }
  place(flow);
  size_++;
}

void Subtable::erase(UserFlow* flow) {
  size_t mask = slots_.size() - 1, hole = flow->hash & mask;
  while (slots_[hole].flow != flow) hole = (hole + 1) & mask;
  // Moves later ones of the run back, so that no mark of the deleted one is needed.
  for (size_t i = (hole + 1) & mask; slots_[i].flow; i = (i + 1) & mask) {
    if (((i - slots_[i].hash) & mask) < ((i - hole) & mask)) continue;
    slots_[hole] = slots_[i];
    hole = i;
  }
  slots_[hole] = {};
  size_--;
}

MegaflowTable::MegaflowTable(uint64_t seed) : seed_(seed) {}
MegaflowTable::~MegaflowTable() = default;

UserFlow* MegaflowTable::find(const Flow& key, uint64_t& masks_tried) {
  if (++lookups_ % kSortEvery == 0) sort_subtables();
  for (auto& subtable : subtables_) {
    masks_tried++;
    if (UserFlow* flow = subtable->find(key)) {
      subtable->hits++;
      return flow;
    }
  }
  return nullptr;
}

void MegaflowTable::sort_subtables() {
  std::ranges::stable_sort(subtables_, [](auto& a, auto& b) { return a->hits > b->hits; });
  for (auto& s : subtables_) s->hits /= 2;
}

UserFlow* MegaflowTable::find(const Ufid& ufid) const {
  auto it = by_ufid_.find(ufid);
  return it == by_ufid_.end() ? nullptr : it->second;
}

Subtable* MegaflowTable::subtable_of(const Flow& mask) const {
  for (auto& s : subtables_)
    if (same_words(s->mask().words(), mask.words())) return s.get();
  return nullptr;
}

Flow MegaflowTable::exact_mask(const Flow& mask) const {
  Flow exact{};
  auto from = mask.words();
  auto to = exact.words();
  for (size_t b = 0; b + 1 < std::size(kBlocks); b++) {
    bool any = std::any_of(from.begin() + kBlocks[b], from.begin() + kBlocks[b + 1], [](uint64_t w) { return w != 0; });
    if (any || b == 0) std::fill(to.begin() + kBlocks[b], to.begin() + kBlocks[b + 1], UINT64_MAX);
  }
  return exact;
}

MegaflowTable::Place MegaflowTable::place(const Flow& key, const Flow& mask) {
  Place place{mask, {}, nullptr};
  if (subtables_.size() >= kMaxMasks && !subtable_of(mask)) place.mask = exact_mask(mask);
  uint64_t words[2 * kFlowWords];
  size_t n = 0;
  for (size_t i = 0; i < kFlowWords; i++) {
    uint64_t m = place.mask.words()[i];
    if (!m) continue;
    words[n++] = m;
    words[n++] = (key.words()[i] & m) ^ i;
  }
  XXH128_hash_t h = XXH3_128bits_withSeed(words, n * 8, seed_.s[0]);
  std::memcpy(place.ufid.data(), &h, sizeof place.ufid);
  place.existing = find(place.ufid);
  return place;
}

UserFlow* MegaflowTable::slot(size_t index) {
  UserFlow& flow = slots_[index];
  return flow.subtable ? &flow : nullptr;
}

UserFlow* MegaflowTable::new_slot() {
  uint32_t index = slots_.take();
  UserFlow& flow = slots_[index];
  flow.index = index;
  return &flow;
}

void MegaflowTable::note_mask(const Flow& mask) {
  FastKey merged = fast_mask_;
  merged.merge(FastKey::of(mask));
  if (merged == fast_mask_) return;
  fast_mask_ = merged;
  mask_epoch_++;
}

UserFlow* MegaflowTable::insert(const Flow& key, const Place& place) {
  Subtable* subtable = subtable_of(place.mask);
  if (!subtable) {
    subtables_.push_back(std::make_unique<Subtable>(place.mask, seed_));
    subtable = subtables_.back().get();
    note_mask(place.mask);
  }
  UserFlow* flow = new_slot();
  flow->ufid = place.ufid;
  flow->subtable = subtable;
  flow->key = std::make_unique_for_overwrite<uint64_t[]>(subtable->words());
  subtable->compact(key, flow->key.get());
  flow->hash = subtable->hash(key);
  subtable->insert(flow);
  by_ufid_.emplace(flow->ufid, flow);
  return flow;
}

void MegaflowTable::erase(UserFlow* flow) {
  Subtable* subtable = flow->subtable;
  subtable->erase(flow);
  by_ufid_.erase(flow->ufid);
  uint32_t index = flow->index, serial = flow->serial + 1;
  *flow = UserFlow{};
  flow->serial = serial;
  slots_.give(index);
  if (subtable->size() == 0) std::erase_if(subtables_, [&](auto& s) { return s.get() == subtable; });
}

void MegaflowTable::describe(const UserFlow& flow, Megaflow& out) const {
  out.ufid = flow.ufid;
  out.mask = flow.subtable->mask();
  out.key = flow.subtable->expand(flow.key.get());
  out.actions = flow.program->actions();
  out.stats = {flow.packets, flow.bytes, flow.used, flow.tcp_flags};
  out.generation = flow.generation;
  out.cookie = flow.cookie;
}

}  // namespace sluice
