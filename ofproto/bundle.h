// SPDX-License-Identifier: Apache-2.0
// OpenBundle: messages that a controller collects and commits as one (OF1.4.0 7.3.9).  Bundles: those that are open on one connection.
// What is wrong with a bundle as such ends it, as the specification says; a message that is wrong in itself is refused and the bundle stays.
// One that nothing is done with for a while ends too (OF1.4.0 7.3.9.1).
// Threads: the control thread.
#pragma once

#include <boost/container/deque.hpp>
#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <vector>

#include "lib/bytes.h"
#include "lib/time.h"
#include "ofproto/openflow/flow_mod.h"

namespace sluice {

inline constexpr size_t kMaxBundles = 64;               // open at once on one connection
inline constexpr size_t kMaxBundleBytes = 512u << 20;   // of memory, for all that waits on one connection

/// A message that waits.  Flow-mods, which come by the hundred thousand, wait decoded; others are decoded again by the commit.
struct BundledMessage {
  ByteView raw;                                         // in OpenBundle::bytes
  std::optional<ofp::FlowMod> flow_mod;
};

struct OpenBundle {
  uint16_t flags = 0;
  bool closed = false;
  Time used{};                                          // opened, filled or closed last
  Bytes opened_by;                                      // the message that did, for errors
  uint64_t tlv_changes = 0;                             // of the bridge when the first message was read
  size_t memory = 0;                                    // bytes that the messages take
  std::vector<Bytes> bytes;                             // of the messages, which stay where they are
  boost::container::deque<BundledMessage, void, boost::container::deque_options_t<boost::container::block_size<64u>>> messages;   // large ones: they stay too
};

class Bundles {
 public:
  using Outcome = std::expected<void, ofp::Error>;
  /// `by`: the message that asks for it.
  Outcome open(uint32_t id, uint16_t flags, ByteView by, Time now);
  Outcome close(uint32_t id, uint16_t flags, Time now);
  Outcome discard(uint32_t id, uint16_t flags);
  /// The bundle is no longer open: it is committed.
  std::expected<OpenBundle, ofp::Error> take(uint32_t id, uint16_t flags);
  /// The bundle that a message may be added to; opens one if there is none of this id.
  std::expected<OpenBundle*, ofp::Error> to_fill(uint32_t id, uint16_t flags, ByteView by, Time now);
  /// Adds a message, unless read(BundledMessage&), which may decode it, says what is wrong with it.
  template <typename Read>
  Outcome add(OpenBundle& bundle, ByteView raw, const Read& read) {
    BundledMessage& message = bundle.messages.emplace_back();
    Outcome good = read(message);
    if (good) keep(bundle, message, raw);
    else bundle.messages.pop_back();
    return good;
  }
  /// Ends those that have not been used since then, and returns them.
  std::vector<OpenBundle> expire(Time unused_since);
  /// When the one that has been left alone longest was used; kNever: there is none.
  Time oldest_use() const;

 private:
  using Map = std::map<uint32_t, OpenBundle>;
  void keep(OpenBundle& bundle, BundledMessage& message, ByteView raw);
  std::unexpected<ofp::Error> end(Map::iterator it, ofp::Error error);
  std::expected<Map::iterator, ofp::Error> find(uint32_t id, uint16_t flags);

  Map bundles_;
  size_t memory_ = 0;                                   // of all bundles
};

}  // namespace sluice
