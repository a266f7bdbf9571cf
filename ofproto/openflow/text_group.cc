// SPDX-License-Identifier: Apache-2.0
// Text of groups and meters.
#include <algorithm>

#include "ofproto/openflow/feature_bits.h"
#include "ofproto/openflow/port.h"
#include "ofproto/openflow/text_body.h"

namespace sluice::ofp {
namespace {

std::string_view type_name(GroupType t) {
  constexpr std::string_view kNames[] = {"all", "select", "indirect", "ff"};
  return kNames[static_cast<size_t>(t)];
}

std::string_view command_name(GroupCommand c) {
  switch (c) {
    case GroupCommand::kAdd: return "ADD";
    case GroupCommand::kModify: return "MOD";
    case GroupCommand::kDelete: return "DEL";
    case GroupCommand::kInsertBucket: return "INSERT_BUCKET";
    case GroupCommand::kRemoveBucket: return "REMOVE_BUCKET";
    case GroupCommand::kAddOrModify: return "ADD_OR_MOD";
  }
  return "?";
}

void add_command_bucket(std::string& out, uint32_t id) {
  switch (id) {
    case OFPG15_BUCKET_FIRST: out += "command_bucket_id:first,"; break;
    case OFPG15_BUCKET_LAST: out += "command_bucket_id:last,"; break;
    case OFPG15_BUCKET_ALL: out += "command_bucket_id:all,"; break;
    default: append(out, "command_bucket_id:{},", id);
  }
}

void add_selection(std::string& out, const GroupSelection& s) {
  if (s.method.empty()) return;
  append(out, ",selection_method={}", s.method);
  if (s.param) append(out, ",selection_method_param={}", s.param);
  if (s.fields.empty()) return;
  bool one = s.fields.size() == 1;
  out += one ? ",fields=" : ",fields(";
  std::string_view gap;
  std::vector<GroupField> fields = s.fields;
  std::ranges::sort(fields, {}, &GroupField::field);
  for (const GroupField& f : fields) {
    append(out, "{}{}", gap, field(f.field).name);
    gap = ",";
    if (f.mask == FieldValue::ones(field(f.field), f.mask.size())) continue;
    out += '=';
    format_value(f.field, f.mask, nullptr, out);
  }
  if (!one) out += ')';
}

void add_bucket(std::string& out, const Bucket& b, GroupType type, bool with_id, const TextNames& names) {
  out += ",bucket=";
  if (with_id && b.bucket_id != OFPG15_BUCKET_ALL) append(out, "bucket_id:{},", b.bucket_id);
  if (type == GroupType::kSelect ? b.weight != 1 : b.weight != 0) append(out, "weight:{},", b.weight);
  if (b.watch_port != OFPP_NONE) append(out, "watch_port:{},", format_port(b.watch_port, names.ports));
  if (b.watch_group != OFPG_ANY) append(out, "watch_group:{},", b.watch_group);
  out += "actions=";
  format_actions(b.actions, out, names);
}

bool has_bucket_ids(const TextContext& ctx) {
  return ctx.version() >= Version::k15 || ctx.type() == MessageType::NXT_GROUP_MOD || ctx.type() == MessageType::NXST_GROUP_DESC_REPLY;
}

constexpr BitName kMeterFlags[] = {{OFPMF_KBPS, "kbps"}, {OFPMF_PKTPS, "pktps"}, {OFPMF_BURST, "burst"}, {OFPMF_STATS, "stats"}};
constexpr BitName kBandTypes[] = {{2, "drop"}, {4, "dscp_remark"}};

std::string meter_name(uint32_t id) {
  switch (id) {
    case OFPM_SLOWPATH: return "slowpath";
    case OFPM_CONTROLLER: return "controller";
    case OFPM_ALL: return "all";
    default: return fmt::format("{}", id);
  }
}

}  // namespace

void format_group_desc(const GroupDesc& g, bool bucket_ids, std::string& out, const TextNames& names) {
  append(out, "group_id={},type={}", g.group_id, type_name(g.type));
  add_selection(out, g.selection);
  for (const Bucket& b : g.buckets) add_bucket(out, b, g.type, bucket_ids, names);
}

void format_group_mod(const GroupMod& m, Version v, std::string& out, const TextNames& names) {
  bool bucket_command = m.command == GroupCommand::kInsertBucket || m.command == GroupCommand::kRemoveBucket;
  bool ids = v >= Version::k15 || v == Version::k10;
  append(out, "{} ", command_name(m.command));
  if (!bucket_command) return format_group_desc({m.type, m.group_id, m.buckets, m.selection}, ids, out, names);
  add_command_bucket(out, m.command_bucket_id);
  append(out, "group_id={}", m.group_id);
  add_selection(out, m.selection);
  for (const Bucket& b : m.buckets) add_bucket(out, b, GroupType::kAll, ids, names);
}

void format_body(std::string& out, const TextContext& ctx, const GroupMod& m) {
  out += "\n ";
  format_group_mod(m, ctx.version(), out, ctx.names());
}

void format_body(std::string& out, const TextContext&, const GroupRequest& m) {
  if (m.group_id == OFPG_ALL) out += " group_id=ALL";
  else if (m.group_id == OFPG_ANY) out += " group_id=ANY";
  else append(out, " group_id={}", m.group_id);
}

void format_body(std::string& out, const TextContext& ctx, const GroupDescReply& m) {
  out += '\n';
  for (const GroupDesc& g : m.groups) {
    out += ' ';
    format_group_desc(g, has_bucket_ids(ctx), out, ctx.names());
    out += '\n';
  }
}

void format_body(std::string& out, const TextContext&, const GroupStatsReply& m) {
  out += '\n';
  for (const GroupStats& g : m.groups) {
    append(out, " group_id={},", g.group_id);
    if (g.duration_sec != UINT32_MAX) {
      out += "duration=";
      add_duration(out, g.duration_sec, g.duration_nsec);
      out += ',';
    }
    append(out, "ref_count={},packet_count={},byte_count={}", g.ref_count, g.packet_count, g.byte_count);
    for (size_t i = 0; i < g.buckets.size(); i++)
      if (g.buckets[i].packet_count != UINT64_MAX) append(out, ",bucket{}:packet_count={},byte_count={}", i, g.buckets[i].packet_count, g.buckets[i].byte_count);
    out += '\n';
  }
}

void format_body(std::string& out, const TextContext&, const GroupFeatures& m) {
  constexpr std::string_view kNames[] = {"all", "select", "indirect", "fast failover"};
  append(out, "\n Group table:\n    Types:  0x{:x}\n    Capabilities:  0x{:x}\n", m.types, m.capabilities);
  for (unsigned type = 0; type < kGroupTypes; type++) {
    if (!(m.types >> type & 1)) continue;
    append(out, "    {} group:\n       max_groups={:#x}\n       actions:", kNames[type], m.max_groups[type]);
    for (unsigned i = 0; i < kActionKindCount; i++)
      if (m.actions[type] >> i & 1) append(out, " {}", kActionKinds[i].name);
    if (!m.actions[type]) out += " (none)";
    out += '\n';
  }
}

void format_meter_config(const MeterConfig& m, std::string& out) {
  append(out, "meter={} ", meter_name(m.meter_id));
  if (m.flags) {
    add_bits(out, m.flags, kMeterFlags);
    out += ' ';
  }
  out += "bands=";
  for (const MeterBand& b : m.bands) {
    append(out, "\ntype={} rate={}", b.type == MeterBandType::kDrop ? "drop" : "dscp_remark", b.rate);
    if (m.flags & OFPMF_BURST) append(out, " burst_size={}", b.burst_size);
    if (b.type == MeterBandType::kDscpRemark) append(out, " prec_level={}", b.prec_level);
  }
  out += '\n';
}

void format_body(std::string& out, const TextContext&, const MeterMod& m) {
  constexpr std::string_view kCommands[] = {"ADD", "MOD", "DEL"};
  append(out, " {} ", kCommands[static_cast<size_t>(m.command)]);
  format_meter_config(m.meter, out);
}

void format_body(std::string& out, const TextContext&, const MeterRequest& m) { append(out, " meter={}", meter_name(m.meter_id)); }

void format_body(std::string& out, const TextContext&, const MeterConfigReply& m) {
  for (const MeterConfig& c : m.meters) {
    out += '\n';
    format_meter_config(c, out);
  }
}

void format_body(std::string& out, const TextContext&, const MeterStatsReply& m) {
  for (const MeterStats& s : m.meters) {
    out += '\n';
    append(out, "meter:{} flow_count:{} packet_in_count:{} byte_in_count:{} duration:", meter_name(s.meter_id), s.flow_count, s.packet_in_count,
        s.byte_in_count);
    add_duration(out, s.duration_sec, s.duration_nsec);
    out += " bands:\n";
    for (size_t i = 0; i < s.bands.size(); i++) append(out, "{}: packet_count:{} byte_count:{}\n", i, s.bands[i].packet_count, s.bands[i].byte_count);
  }
}

void format_body(std::string& out, const TextContext&, const MeterFeatures& m) {
  append(out, "\nmax_meter:{} max_bands:{} max_color:{}\nband_types: ", m.max_meters, m.max_bands, m.max_color);
  add_bits(out, m.band_types, kBandTypes);
  out += "\ncapabilities: ";
  add_bits(out, m.capabilities, kMeterFlags);
}

}  // namespace sluice::ofp
