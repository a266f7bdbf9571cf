// SPDX-License-Identifier: Apache-2.0
// FlowPatch: some bits of a Flow and what they are to be, as set() has them.  Only words with any are kept: a Flow with its mask would take 1.8 kB.
// Invariant: words are in order, and none has neither value nor mask; so equal patches have equal words.
#pragma once

#include <span>
#include <vector>

#include "datapath/flow.h"

namespace sluice {

class FlowPatch {
 public:
  struct Word {
    uint64_t at, value, mask;   // at: which of Flow::words()
    friend bool operator==(const Word&, const Word&) = default;
  };
  FlowPatch() = default;
  FlowPatch(const Flow& value, const Flow& mask);
  /// Adds bits at a member's place: put(offsetof(Flow, nw_src), value, mask).
  template <typename T>
  void put(size_t offset, const T& value, const T& mask) { put_bytes(offset, &value, &mask, sizeof(T)); }

  std::span<const Word> words() const { return words_; }
  Flow value() const;
  Flow mask() const;
  friend bool operator==(const FlowPatch&, const FlowPatch&) = default;

 private:
  void put_bytes(size_t offset, const void* value, const void* mask, size_t size);
  std::vector<Word> words_;
};

}  // namespace sluice
