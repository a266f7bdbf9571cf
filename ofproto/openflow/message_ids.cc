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

/// Of experimenters: sorted by everything but versions.
struct ExperimenterKey {
  uint64_t key;
  uint8_t row;
};
constexpr uint64_t experimenter_key(WireKind kind, bool reply, uint32_t vendor, uint32_t number) {
  return static_cast<uint64_t>(vendor) << 32 ^ static_cast<uint64_t>(number) << 3 ^ static_cast<uint64_t>(kind) << 1 ^ static_cast<uint64_t>(reply);
}
constexpr bool is_experimenter(const MessageId& id) { return id.kind == WireKind::kExperimenter || id.kind == WireKind::kExperimenterStats; }
constexpr auto make_experimenters() {
  constexpr size_t n = static_cast<size_t>(std::ranges::count_if(kIds, is_experimenter));
  std::array<ExperimenterKey, n> t{};
  size_t k = 0;
  for (uint8_t i = 0; i < kMessageTypes; i++)
    if (const MessageId& id = kIds[i]; is_experimenter(id)) t[k++] = {experimenter_key(id.kind, id.reply, id.vendor, id.number), i};
  std::ranges::sort(t, {}, &ExperimenterKey::key);
  return t;
}
constexpr auto kExperimenters = make_experimenters();

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
  uint64_t key = experimenter_key(kind, reply, vendor, number);
  for (auto it = std::ranges::lower_bound(kExperimenters, key, {}, &ExperimenterKey::key); it != kExperimenters.end() && it->key == key; ++it) {
    const MessageId& id = kIds[it->row];   // the key does not hold all of them
    if (id.kind == kind && id.reply == reply && id.vendor == vendor && id.number == number && id.exists(v)) return static_cast<MessageType>(it->row);
  }
  return std::nullopt;
}

}  // namespace sluice::ofp
