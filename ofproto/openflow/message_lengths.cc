// SPDX-License-Identifier: Apache-2.0
// message_lengths.def as an array over type and version, made at compile time.
#include "ofproto/openflow/message_lengths.h"

#include "lib/log.h"

namespace sluice::ofp {
namespace {

Log log_messages("ofp_msgs");
LogLimit limit(1, 5);

constexpr uint16_t kExact = 0, kAnyMore = 1;
constexpr unsigned kVersions = 6;

struct Length {
  uint16_t least, step;
  constexpr bool allows(size_t n) const {
    if (step == kExact) return n == least;
    return n >= least && (n - least) % step == 0;
  }
};

struct Lengths {
  Length of[kMessageTypes][kVersions];
};

constexpr Lengths make_lengths() {
  Lengths all{};
  for (auto& versions : all.of)
    for (Length& l : versions) l = {0, kAnyMore};
#define LENGTH(name, first, last, least, step) \
  for (unsigned v = first; v <= last; v++) all.of[static_cast<size_t>(MessageType::name)][v - 1] = {least, step};
#include "ofproto/openflow/message_lengths.def"
  return all;
}
constexpr Lengths kLengths = make_lengths();

std::string expectation(const Length& l, size_t headers) {
  size_t least = headers + l.least;
  if (l.step == kExact) return fmt::format("expected length {}", least);
  if (l.step == kAnyMore) return fmt::format("expected length at least {} bytes", least);
  return fmt::format("must be exactly {} bytes or longer by an integer multiple of {} bytes", least, l.step);
}

}  // namespace

Status check_length(MessageType type, Version v, size_t headers, size_t body) {
  const Length& l = kLengths.of[static_cast<size_t>(type)][static_cast<unsigned>(v) - 1];
  if (l.allows(body)) [[likely]] return {};
  log_messages.warn(limit, "received {} with incorrect length {} ({})", info(type).name, headers + body, expectation(l, headers));
  return fail(Error::OFPBRC_BAD_LEN);
}

}  // namespace sluice::ofp
