// SPDX-License-Identifier: Apache-2.0
// The numbers of messages.def, and the reverse look-up as arrays made at compile time.
#include "ofproto/openflow/message_ids.h"

#include <algorithm>

namespace sluice::ofp {
namespace {

constexpr std::array<int8_t, 6> kNone = {-1, -1, -1, -1, -1, -1};

constexpr MessageId kIds[] = {
#define PLAIN(name, body, a, b, c, d, e, f, sender) {WireKind::kPlain, false, {a, b, c, d, e, f}, 0, 0, 0, 0},
#define NICIRA(name, body, subtype, first, last, sender) {WireKind::kExperimenter, false, kNone, first, last, kNiciraVendor, subtype},
#define ONF(name, body, type, sender) {WireKind::kExperimenter, false, kNone, 4, 4, kOnfVendor, type},
#define STATS(name, req, rep, number, first, last) \
  {WireKind::kStats, false, kNone, first, last, 0, number}, {WireKind::kStats, true, kNone, first, last, 0, number},
#define NXSTATS(name, req, rep, subtype, first, last)                            \
  {WireKind::kExperimenterStats, false, kNone, first, last, kNiciraVendor, subtype}, \
      {WireKind::kExperimenterStats, true, kNone, first, last, kNiciraVendor, subtype},
#define ONFSTATS(name, req, rep, type) \
  {WireKind::kExperimenterStats, false, kNone, 4, 4, kOnfVendor, type}, {WireKind::kExperimenterStats, true, kNone, 4, 4, kOnfVendor, type},
#include "ofproto/openflow/messages.def"
};
static_assert(std::size(kIds) == kMessageTypes);

constexpr uint8_t kNoRow = static_cast<uint8_t>(kMessageTypes);
static_assert(kMessageTypes < 255);
constexpr unsigned kVersions = 6, kPlainTypes = 36, kStatsNumbers = 18;

struct Reverse {
  uint8_t plain[kVersions][kPlainTypes];
  uint8_t stats[kVersions][2][kStatsNumbers];
};

constexpr Reverse make_reverse() {
  Reverse r{};
  for (auto& row : r.plain) for (auto& x : row) x = kNoRow;
  for (auto& v : r.stats) for (auto& row : v) for (auto& x : row) x = kNoRow;
  for (uint8_t i = 0; i < kMessageTypes; i++) {
    for (unsigned v = 0; v < kVersions; v++) {
      const MessageId& id = kIds[i];
      if (!id.exists(static_cast<Version>(v + 1))) continue;
      if (id.kind == WireKind::kPlain) r.plain[v][id.types[v]] = i;
      if (id.kind == WireKind::kStats) r.stats[v][id.reply][id.number] = i;
    }
  }
  return r;
}
constexpr Reverse kReverse = make_reverse();

/// Rows of experimenters by vendor and number: a hash table in which a row stands at its place or at one of the next.
constexpr size_t kPlaces = 256;
constexpr size_t place_of(uint32_t vendor, uint32_t number) { return ((vendor ^ number * 0x9e3779b1u) * 0x85ebca6bu) >> 24; }
constexpr bool is_experimenter(const MessageId& id) { return id.kind == WireKind::kExperimenter || id.kind == WireKind::kExperimenterStats; }
static_assert(std::ranges::count_if(kIds, is_experimenter) < static_cast<ptrdiff_t>(kPlaces) / 2);
constexpr auto kExperimenters = [] {
  std::array<uint8_t, kPlaces> t{};
  t.fill(kNoRow);
  for (uint8_t i = 0; i < kMessageTypes; i++) {
    if (!is_experimenter(kIds[i])) continue;
    size_t at = place_of(kIds[i].vendor, kIds[i].number);
    while (t[at] != kNoRow) at = (at + 1) % kPlaces;
    t[at] = i;
  }
  return t;
}();

std::optional<MessageType> row(uint8_t i) {
  if (i == kNoRow) return std::nullopt;
  return static_cast<MessageType>(i);
}

}  // namespace

const MessageId& message_id(MessageType type) { return kIds[static_cast<size_t>(type)]; }

std::optional<MessageType> find_plain(Version v, uint8_t header_type) {
  if (header_type >= kPlainTypes) return std::nullopt;
  return row(kReverse.plain[static_cast<unsigned>(v) - 1][header_type]);
}

std::optional<MessageType> find_stats(Version v, bool reply, uint16_t number) {
  if (number >= kStatsNumbers) return std::nullopt;
  return row(kReverse.stats[static_cast<unsigned>(v) - 1][reply][number]);
}

std::optional<MessageType> find_experimenter(Version v, WireKind kind, bool reply, uint32_t vendor, uint32_t number) {
  for (size_t at = place_of(vendor, number); kExperimenters[at] != kNoRow; at = (at + 1) % kPlaces) {
    const MessageId& id = kIds[kExperimenters[at]];
    if (id.number == number && id.vendor == vendor && id.kind == kind && id.reply == reply && id.exists(v)) return static_cast<MessageType>(kExperimenters[at]);
  }
  return std::nullopt;
}

}  // namespace sluice::ofp
