// SPDX-License-Identifier: Apache-2.0
// Groups and meters in messages: changes, descriptions, statistics, features.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "datapath/port_no.h"
#include "ofproto/openflow/action.h"
#include "ofproto/openflow/flow_messages.h"
#include "ofproto/openflow/field.h"

namespace sluice::ofp {

enum class GroupType : uint8_t { kAll, kSelect, kIndirect, kFastFailover };
inline constexpr unsigned kGroupTypes = 4;
enum class GroupCommand : uint16_t { kAdd = 0, kModify = 1, kDelete = 2, kInsertBucket = 3, kRemoveBucket = 5, kAddOrModify = 0x8000 };
inline constexpr uint32_t OFPG15_BUCKET_MAX = 0xffffff00, OFPG15_BUCKET_FIRST = 0xfffffffd, OFPG15_BUCKET_LAST = 0xfffffffe, OFPG15_BUCKET_ALL = 0xffffffff;

struct Bucket {
  uint32_t bucket_id = OFPG15_BUCKET_ALL;  // ALL: none given (before 1.5 buckets have no number on the wire)
  uint16_t weight = 0;
  OfpPort watch_port = OFPP_NONE;
  uint32_t watch_group = OFPG_ANY;
  Actions actions;
};

/// A field that is hashed, under a mask of the field's wire bytes.
struct GroupField {
  FieldId field = FieldId::kNone;
  FieldValue mask;
};

/// How a select group selects (Netronome property, 1.5 and Nicira forms).  Empty method: the switch's choice.
struct GroupSelection {
  std::string method;            // "hash", "dp_hash", or empty
  uint64_t param = 0;
  std::vector<GroupField> fields;
};

struct GroupMod {
  GroupCommand command = GroupCommand::kAdd;
  GroupType type = GroupType::kAll;
  uint32_t group_id = 0;
  uint32_t command_bucket_id = OFPG15_BUCKET_ALL;
  std::vector<Bucket> buckets;
  GroupSelection selection;
};

struct GroupRequest { uint32_t group_id = OFPG_ALL; };

struct GroupDesc {
  GroupType type = GroupType::kAll;
  uint32_t group_id = 0;
  std::vector<Bucket> buckets;
  GroupSelection selection;
};
struct GroupDescReply { std::vector<GroupDesc> groups; };

struct BucketCounter { uint64_t packet_count = 0, byte_count = 0; };
struct GroupStats {
  uint32_t group_id = 0, ref_count = 0;
  uint64_t packet_count = 0, byte_count = 0;
  uint32_t duration_sec = UINT32_MAX, duration_nsec = UINT32_MAX;  // 1.3+
  std::vector<BucketCounter> buckets;
};
struct GroupStatsReply { std::vector<GroupStats> groups; };

inline constexpr uint32_t OFPGFC_SELECT_WEIGHT = 1, OFPGFC_SELECT_LIVENESS = 2, OFPGFC_CHAINING = 4, OFPGFC_CHAINING_CHECKS = 8;
struct GroupFeatures {
  uint32_t types = 0;            // bit = GroupType
  uint32_t capabilities = 0;     // OFPGFC_*
  std::array<uint32_t, kGroupTypes> max_groups{};
  std::array<uint64_t, kGroupTypes> actions{};  // bits of ActionBit
};

// Meters (OF1.3.5 7.3.4.4)
inline constexpr uint32_t OFPM_MAX = 0xffff0000, OFPM_SLOWPATH = 0xfffffffd, OFPM_CONTROLLER = 0xfffffffe, OFPM_ALL = 0xffffffff;
inline constexpr uint16_t OFPMF_KBPS = 1, OFPMF_PKTPS = 2, OFPMF_BURST = 4, OFPMF_STATS = 8;
enum class MeterCommand : uint16_t { kAdd, kModify, kDelete };
enum class MeterBandType : uint16_t { kDrop = 1, kDscpRemark = 2 };
struct MeterBand {
  MeterBandType type = MeterBandType::kDrop;
  uint32_t rate = 0, burst_size = 0;  // kbit/s or packets/s
  uint8_t prec_level = 0;        // kDscpRemark
};
struct MeterConfig {
  uint32_t meter_id = 0;
  uint16_t flags = 0;            // OFPMF_*
  std::vector<MeterBand> bands;
};
struct MeterMod {
  MeterCommand command = MeterCommand::kAdd;
  MeterConfig meter;
};
struct MeterRequest { uint32_t meter_id = OFPM_ALL; };
struct MeterConfigReply { std::vector<MeterConfig> meters; };
struct MeterStats {
  uint32_t meter_id = 0, flow_count = 0;
  uint64_t packet_in_count = 0, byte_in_count = 0;
  uint32_t duration_sec = 0, duration_nsec = 0;
  std::vector<BucketCounter> bands;
};
struct MeterStatsReply { std::vector<MeterStats> meters; };
struct MeterFeatures {
  uint32_t max_meters = 0;
  uint32_t band_types = 0;       // bit = MeterBandType
  uint32_t capabilities = 0;     // OFPMF_*
  uint8_t max_bands = 0, max_color = 0;
};

}  // namespace sluice::ofp
