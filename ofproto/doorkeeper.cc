// SPDX-License-Identifier: Apache-2.0
// See doorkeeper.h.
#include "ofproto/doorkeeper.h"

namespace sluice {

void Doorkeeper::turned(bool packets_wait, Time now) {
  if (!packets_wait) {
    waiting_since_ = trial_began_ = kNever;
    overloaded_ = false;
    return;
  }
  if (waiting_since_ == kNever) waiting_since_ = now;
  overloaded_ = now - waiting_since_ >= kPatience && now >= rests_until_;
  if (!overloaded_) return;
  if (trial_began_ == kNever) trial_began_ = now, first_ = second_ = 0;
  if (now - trial_began_ < kTrial) return;
  if (second_ * 2 > first_) rests_until_ = now + kRest, overloaded_ = false;
  trial_began_ = kNever;
}

bool Doorkeeper::admits(uint64_t hash) {
  if (!overloaded_) return true;
  if (seen_.empty()) seen_.resize(kRemembered);
  uint32_t& place = seen_[hash % kRemembered];
  auto tag = static_cast<uint32_t>(hash >> 32 | 1);
  if (place == tag) {
    place = 0;
    second_++;
    return true;
  }
  place = tag;
  first_++;
  turned_away_++;
  return false;
}

}  // namespace sluice
