// SPDX-License-Identifier: Apache-2.0
// See prefix_trie.h.
#include "ofproto/prefix_trie.h"

#include <algorithm>
#include <bit>

namespace sluice {

/// How many first bits key and the node's prefix share, at most the prefix's length.
unsigned PrefixTrie::common(const Node& n, Key key) {
  Key differ = n.prefix ^ key;
  auto high = static_cast<uint64_t>(differ >> 64);
  int same = high ? std::countl_zero(high) : 64 + std::countl_zero(static_cast<uint64_t>(differ));
  return std::min(static_cast<unsigned>(same), n.length);
}

uint32_t PrefixTrie::make(Key prefix, unsigned length, uint32_t count) {
  Node node{prefix, {kNone, kNone}, count, length};
  if (free_ == kNone) {
    nodes_.push_back(node);
    return static_cast<uint32_t>(nodes_.size() - 1);
  }
  uint32_t n = free_;
  free_ = nodes_[n].child[0];
  nodes_[n] = node;
  return n;
}

void PrefixTrie::insert(Key key, unsigned length) {
  if (state_ != State::kept) return;
  if (nodes_.capacity() < nodes_.size() + 3) nodes_.reserve(nodes_.size() * 2 + 4);   // links stay where they are
  if (nodes_.empty()) nodes_.emplace_back();
  uint32_t* link = &root_;
  while (*link != kNone) {
    Node& n = nodes_[*link];
    unsigned same = std::min(common(n, key), length);
    if (same < n.length) {
      uint32_t fork = make(key & first_bits(same), same, 0);
      nodes_[fork].child[bit(n.prefix, same)] = *link;
      *link = fork;
    } else if (same == length) {
      break;
    } else {
      link = &n.child[bit(key, same)];
    }
  }
  if (*link == kNone) *link = make(key, length, 0);
  if (nodes_[*link].count++ || ++size_ <= kMostPrefixes) return;
  clear();
  state_ = State::overflowed;
}

/// Takes a node that has at most one child out of its place.
void PrefixTrie::drop(uint32_t* link) {
  uint32_t n = *link;
  *link = nodes_[n].child[nodes_[n].child[0] == kNone];
  nodes_[n].child[0] = free_;
  free_ = n;
}

void PrefixTrie::erase(Key key, unsigned length) {
  if (state_ != State::kept) return;
  uint32_t *link = &root_, *above = nullptr;
  while (nodes_[*link].length < length) {
    above = link;
    link = &nodes_[*link].child[bit(key, nodes_[*link].length)];
  }
  if (--nodes_[*link].count) return;
  size_--;
  auto parts = [&](uint32_t n) { return nodes_[n].child[0] != kNone && nodes_[n].child[1] != kNone; };
  if (parts(*link)) return;
  drop(link);
  if (above && nodes_[*above].count == 0 && !parts(*above)) drop(above);
}

PrefixTrie::Found PrefixTrie::find(Key value) const {
  Found found;
  for (uint32_t at = root_; at != kNone;) {
    const Node& n = nodes_[at];
    unsigned same = common(n, value);
    found.bits = same;
    if (same < n.length) {
      found.bits++;
      break;
    }
    if (n.count) found.lengths |= Key{1} << (n.length - 1);
    if (n.child[0] == kNone && n.child[1] == kNone) break;
    found.bits++;
    at = n.child[bit(value, same)];
  }
  return found;
}

}  // namespace sluice
