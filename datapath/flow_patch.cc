// SPDX-License-Identifier: Apache-2.0
// See flow_patch.h.
#include "datapath/flow_patch.h"

#include <algorithm>

namespace sluice {

FlowPatch::FlowPatch(const Flow& value, const Flow& mask) {
  auto v = value.words(), m = mask.words();
  for (size_t i = 0; i < kFlowWords; i++)
    if (v[i] | m[i]) words_.push_back({i, v[i], m[i]});
}

void FlowPatch::put_bytes(size_t offset, const void* value, const void* mask, size_t size) {
  auto* v = static_cast<const uint8_t*>(value);
  auto* m = static_cast<const uint8_t*>(mask);
  while (size) {
    const size_t within = offset % 8, n = std::min(size, 8 - within);
    Word word{offset / 8, 0, 0};
    std::memcpy(reinterpret_cast<uint8_t*>(&word.value) + within, v, n);
    std::memcpy(reinterpret_cast<uint8_t*>(&word.mask) + within, m, n);
    offset += n, size -= n, v += n, m += n;
    if (!(word.value | word.mask)) continue;
    auto place = std::ranges::lower_bound(words_, word.at, {}, &Word::at);
    if (place == words_.end() || place->at != word.at) words_.insert(place, word);
    else place->value |= word.value, place->mask |= word.mask;
  }
}

Flow FlowPatch::value() const {
  Flow f{};
  for (const Word& w : words_) f.words()[w.at] = w.value;
  return f;
}

Flow FlowPatch::mask() const {
  Flow f{};
  for (const Word& w : words_) f.words()[w.at] = w.mask;
  return f;
}

}  // namespace sluice
