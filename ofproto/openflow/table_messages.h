// SPDX-License-Identifier: Apache-2.0
// Flow tables in messages: statistics, features, descriptions, changes.
#pragma once

#include <bitset>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ofproto/openflow/field.h"

namespace sluice::ofp {

/// What a miss does (1.1 and 1.2 table config).
enum class TableMiss : uint8_t { kDefault, kController, kContinue, kDrop };

/// Kinds of actions and of instructions as bits of feature sets; numbers on the wire per version are in feature_bits.h.
using FieldSet = std::bitset<256>;   // index: field id
using TableSet = std::bitset<256>;

struct TableActionFeatures {
  uint64_t actions = 0;          // bits of ActionBit
  FieldSet set_fields;
  friend bool operator==(const TableActionFeatures&, const TableActionFeatures&) = default;
};
/// What can be done by an entry, or on a miss.
struct TableInstructionFeatures {
  TableSet next;
  uint32_t instructions = 0;     // bits of InstructionBit
  TableActionFeatures write, apply;
  friend bool operator==(const TableInstructionFeatures&, const TableInstructionFeatures&) = default;
};

inline constexpr uint32_t OFPTC_EVICTION = 1 << 2, OFPTC_VACANCY_EVENTS = 1 << 3;

struct TableFeatures {
  uint8_t table_id = 0;
  uint8_t command = 0;           // 1.5
  std::string name;
  uint64_t metadata_match = 0, metadata_write = 0;
  uint32_t capabilities = 0;     // OFPTC_* of 1.4+
  uint32_t max_entries = 0;
  TableMiss miss_config = TableMiss::kDefault;  // 1.1, 1.2
  TableInstructionFeatures nonmiss, miss;
  FieldSet match, mask, wildcard;  // matchable at all; with a mask; may be left out
  bool any_properties = true;    // false: a request that only sets the name
};
/// Request (setting the features) and reply.
struct TableFeaturesMessage { std::vector<TableFeatures> tables; };

/// Up to 1.2 table statistics carry the features too.
struct TableStats {
  uint8_t table_id = 0;
  uint32_t active_count = 0;
  uint64_t lookup_count = 0, matched_count = 0;
  TableFeatures features;        // 1.0-1.2 only
};
struct TableStatsReply { std::vector<TableStats> tables; };

inline constexpr uint32_t OFPTMPEF_OTHER = 1, OFPTMPEF_IMPORTANCE = 2, OFPTMPEF_LIFETIME = 4;

struct TableDesc {
  uint8_t table_id = 0;
  bool eviction = false;
  uint32_t eviction_flags = 0;   // OFPTMPEF_*
  bool vacancy_events = false;
  uint8_t vacancy_down = 0, vacancy_up = 0, vacancy = 0;  // %
};
struct TableDescReply { std::vector<TableDesc> tables; };

enum : uint8_t { OFPTR_VACANCY_DOWN = 3, OFPTR_VACANCY_UP = 4 };   // OF1.4.0 7.4.5
struct TableStatus {
  uint8_t reason = 0;
  TableDesc desc;
};

struct TableMod {
  uint8_t table_id = 0;          // 0xff: all
  TableMiss miss_config = TableMiss::kDefault;  // 1.1, 1.2
  // 1.4+; an empty optional leaves the setting as it is.
  std::optional<bool> eviction;
  std::optional<uint32_t> eviction_flags;
  std::optional<bool> vacancy_events;
  uint8_t vacancy_down = 0, vacancy_up = 0;
};

}  // namespace sluice::ofp
