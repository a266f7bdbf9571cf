// SPDX-License-Identifier: Apache-2.0
// messages.def as a constant array.
#include "ofproto/openflow/message.h"

#include "ofproto/openflow/message_ids.h"

namespace sluice::ofp {

Body::Body() noexcept = default;
Body::Body(const Body&) = default;
Body::Body(Body&&) noexcept = default;
Body& Body::operator=(const Body&) = default;
Body& Body::operator=(Body&&) noexcept = default;
Body::~Body() = default;

namespace {

constexpr Sender C = Sender::kController, S = Sender::kSwitch, B = Sender::kBoth;

constexpr MessageInfo kInfo[] = {
#define PLAIN(name, body, a, b, c, d, e, f, sender) {#name, sender, false, false},
#define NICIRA(name, body, subtype, first, last, sender) {#name, sender, false, false},
#define ONF(name, body, type, sender) {#name, sender, false, false},
#define STATS(name, ...) {#name " request", C, true, false}, {#name " reply", S, true, true},
#define NXSTATS STATS
#define ONFSTATS STATS
#include "ofproto/openflow/messages.def"
};
static_assert(std::size(kInfo) == kMessageTypes);

}  // namespace

const MessageInfo& info(MessageType type) { return kInfo[static_cast<size_t>(type)]; }
bool exists(MessageType type, Version version) { return message_id(type).exists(version); }

}  // namespace sluice::ofp
