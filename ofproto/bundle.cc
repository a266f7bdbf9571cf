// SPDX-License-Identifier: Apache-2.0
// The states of bundles (OF1.4.0 7.3.9); see bundle.h.
#include "ofproto/bundle.h"

#include <algorithm>
#include <utility>

namespace sluice {

using ofp::Error;

namespace {
constexpr size_t kFirstPiece = 1024, kPiece = 64 << 10;   // bytes of messages that are kept together
constexpr size_t kQuoted = 64;   // bytes of the message that opened a bundle, for the error at its end (OF1.4.0 7.5.4: at least so many)
}  // namespace

std::unexpected<Error> Bundles::end(Map::iterator it, Error error) {
  memory_ -= it->second.memory;
  bundles_.erase(it);
  return std::unexpected(error);
}

std::expected<Bundles::Map::iterator, Error> Bundles::find(uint32_t id, uint16_t flags) {
  auto it = bundles_.find(id);
  if (it == bundles_.end()) return std::unexpected(Error::OFPBFC_BAD_ID);
  if (it->second.flags != flags) return end(it, Error::OFPBFC_BAD_FLAGS);
  return it;
}

Bundles::Outcome Bundles::open(uint32_t id, uint16_t flags, ByteView by, Time now) {
  auto [it, is_new] = bundles_.try_emplace(id);
  if (!is_new) return end(it, Error::OFPBFC_BAD_ID);    // OF1.4.0 7.3.9.2: opening an open one discards it
  if (bundles_.size() > kMaxBundles) return end(it, Error::OFPBFC_OUT_OF_BUNDLES);
  it->second.flags = flags;
  it->second.used = now;
  it->second.opened_by.assign(by.begin(), by.begin() + static_cast<ptrdiff_t>(std::min(by.size(), kQuoted)));
  return {};
}

Bundles::Outcome Bundles::close(uint32_t id, uint16_t flags, Time now) {
  auto it = find(id, flags);
  if (!it) return std::unexpected(it.error());
  if ((*it)->second.closed) return end(*it, Error::OFPBFC_BUNDLE_CLOSED);
  (*it)->second.closed = true;
  (*it)->second.used = now;
  return {};
}

Bundles::Outcome Bundles::discard(uint32_t id, uint16_t flags) {
  auto bundle = take(id, flags);
  return bundle ? Outcome() : std::unexpected(bundle.error());
}

std::expected<OpenBundle, Error> Bundles::take(uint32_t id, uint16_t flags) {
  auto it = find(id, flags);
  if (!it) return std::unexpected(it.error());
  OpenBundle bundle = std::move((*it)->second);
  memory_ -= bundle.memory;
  bundles_.erase(*it);
  return bundle;
}

std::expected<OpenBundle*, Error> Bundles::to_fill(uint32_t id, uint16_t flags, ByteView by, Time now) {
  auto it = find(id, flags);
  if (!it && it.error() == Error::OFPBFC_BAD_ID) {
    if (auto opened = open(id, flags, by, now); !opened) return std::unexpected(opened.error());
    it = find(id, flags);
  }
  if (!it) return std::unexpected(it.error());
  if ((*it)->second.closed) return end(*it, Error::OFPBFC_BUNDLE_CLOSED);
  if (memory_ > kMaxBundleBytes) return end(*it, Error::OFPBFC_MSG_TOO_MANY);
  (*it)->second.used = now;
  return &(*it)->second;
}

std::vector<OpenBundle> Bundles::expire(Time unused_since) {
  std::vector<OpenBundle> ended;
  for (auto it = bundles_.begin(); it != bundles_.end();) {
    auto next = std::next(it);
    if (it->second.used <= unused_since) {
      memory_ -= it->second.memory;
      ended.push_back(std::move(it->second));
      bundles_.erase(it);
    }
    it = next;
  }
  return ended;
}

Time Bundles::oldest_use() const {
  Time oldest = kNever;
  for (auto& [id, bundle] : bundles_) oldest = std::min(oldest, bundle.used);
  return oldest;
}

void Bundles::keep(OpenBundle& bundle, BundledMessage& message, ByteView raw) {
  size_t memory = raw.size() + sizeof message + (message.flow_mod ? message.flow_mod->actions.size() * sizeof(ofp::Action) : 0);
  if (bundle.bytes.empty() || bundle.bytes.back().size() + raw.size() > bundle.bytes.back().capacity())
    bundle.bytes.emplace_back().reserve(std::max(raw.size(), bundle.bytes.size() == 1 ? kFirstPiece : kPiece));
  Bytes& piece = bundle.bytes.back();
  message.raw = ByteView(piece.data() + piece.size(), raw.size());
  piece.insert(piece.end(), raw.begin(), raw.end());
  bundle.memory += memory;
  memory_ += memory;
}

}  // namespace sluice
