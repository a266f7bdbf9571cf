// SPDX-License-Identifier: Apache-2.0
// What a bridge answers to OpenFlow's questions: features, description, flow, table statistics.
#include <algorithm>
#include <limits>

#include "ofproto/bridge_ports.h"
#include "ofproto/openflow/feature_bits.h"
#include "ofproto/switch_impl.h"

namespace sluice {

namespace {

constexpr size_t kStatsSlice = 2048;             // rules looked at in one go: a few milliseconds, some 100 kB

int32_t age_s(Time now, Time then) { return static_cast<int32_t>(std::clamp<int64_t>(to_seconds(now - then), 0, std::numeric_limits<int32_t>::max())); }

ofp::FlowStatsHead stats_of(const Rule& r, Time now) {
  Duration age = now - r.created;
  ofp::FlowStatsHead s;
  s.table_id = r.table;
  s.priority = static_cast<uint16_t>(std::min(r.priority, 65535));
  s.cookie = r.cookie;
  s.duration_sec = whole_seconds(age);
  s.duration_nsec = nanoseconds_below(age);
  s.idle_timeout = r.idle_timeout;
  s.hard_timeout = r.hard_timeout;
  s.importance = r.importance;
  s.flags = r.flags;
  s.idle_age = age_s(now, r.used);
  s.hard_age = age_s(now, r.modified);
  s.packet_count = r.packets;
  s.byte_count = r.bytes;
  return s;
}

/// `match`: that of the request, packed.
RuleFilter filter_of(const ofp::FlowStatsRequest& q, const ofp::MiniMatch& match) {
  return {.match = match, .table = q.table_id, .strict_priority = {}, .cookie = q.cookie, .cookie_mask = q.cookie_mask, .out_port = q.out_port, .out_group = q.out_group};
}

constexpr uint32_t instruction_bit(std::string_view name) {
  for (unsigned i = 0; i < ofp::kInstructionKindCount; i++)
    if (ofp::kInstructionKinds[i].name == name) return 1u << i;
  return 0;
}

}  // namespace

uint64_t switch_action_bits() {
  using ofp::action_bit;
  // What a version has no number for is not sent in it.
  uint64_t of_any_version = ofp::all_action_bits(ofp::Version::k10) | ofp::all_action_bits(ofp::Version::k11) | ofp::all_action_bits(ofp::Version::k13);
  return of_any_version & ~(action_bit("copy_ttl_out") | action_bit("copy_ttl_in") | action_bit("push_pbb") | action_bit("pop_pbb"));
}

ofp::FeaturesReply Bridge::features() const {
  ofp::FeaturesReply f{.datapath_id = datapath_id(), .n_buffers = 0, .n_tables = kVisibleTables};
  f.capabilities = ofp::OFPC_FLOW_STATS | ofp::OFPC_TABLE_STATS | ofp::OFPC_PORT_STATS | ofp::OFPC_GROUP_STATS | ofp::OFPC_QUEUE_STATS | ofp::OFPC_ARP_MATCH_IP |
                   ofp::OFPC_BUNDLES;  // and flow monitoring, but Open vSwitch does not say so
  f.actions = ofp::all_action_bits(ofp::Version::k10);
  f.ports = port_descs();
  return f;
}

ofp::DescReply Bridge::description() const {
  const BridgeSettings& s = impl_->view.settings;
  return {.mfr_desc = "Nicira, Inc.", .hw_desc = "Open vSwitch", .sw_desc = "3.1.0", .serial_num = s.serial.empty() ? "None" : s.serial,
          .dp_desc = s.dp_desc.empty() ? "None" : s.dp_desc};
}

bool Bridge::flow_stats(const ofp::FlowStatsRequest& request, FlowCursor& at, Time now, const std::function<void(const ofp::FlowStatsHead&, const Rule&)>& visit) {
  if (at.table == 0 && at.slot == 0) impl_->owner.impl_->push_all();
  ofp::MiniMatch match(request.match);
  return impl_->view.tables->visit(filter_of(request, match), at, kStatsSlice, [&](const Rule& r) { visit(stats_of(r, now), r); });
}

std::expected<ofp::AggregateStats, ofp::Error> Bridge::aggregate(const ofp::FlowStatsRequest& request, Time) {
  impl_->owner.impl_->push_all();
  ofp::AggregateStats sum;
  ofp::MiniMatch match(request.match);
  for (const Rule* r : impl_->view.tables->select(filter_of(request, match))) {
    sum.packet_count += r->packets;
    sum.byte_count += r->bytes;
    sum.flow_count++;
  }
  return sum;
}

std::vector<ofp::TableStats> Bridge::table_stats() const {
  impl_->owner.impl_->push_all();
  auto features = table_features();
  std::vector<ofp::TableStats> all;
  for (unsigned t = 0; t < kVisibleTables; t++) {
    const FlowTable& table = impl_->view.tables->table(t);
    all.push_back({.table_id = static_cast<uint8_t>(t), .active_count = static_cast<uint32_t>(table.rules.size()), .lookup_count = table.lookups,
                   .matched_count = table.matches, .features = std::move(features[t])});
  }
  return all;
}

std::vector<ofp::TableFeatures> Bridge::table_features() const {
  ofp::TableFeatures f;
  f.metadata_match = f.metadata_write = UINT64_MAX;
  for (const ofp::Field& field : ofp::all_fields()) {
    size_t i = static_cast<size_t>(field.id);
    f.match.set(i);
    f.wildcard.set(i);
    if (field.maskable != ofp::Maskable::kNo) f.mask.set(i);
    if (field.access == ofp::Access::kReadWrite) f.nonmiss.write.set_fields.set(i);
  }
  f.nonmiss.instructions = (1u << ofp::kInstructionKindCount) - 1;
  f.nonmiss.write.actions = switch_action_bits();
  f.nonmiss.apply = f.nonmiss.write;
  std::vector<ofp::TableFeatures> all;
  for (unsigned t = 0; t < kVisibleTables; t++) {
    const FlowTable& table = impl_->view.tables->table(t);
    f.table_id = static_cast<uint8_t>(t);
    f.name = table.name();
    f.miss_config = table.miss;
    f.max_entries = table.max_entries();
    f.capabilities = (table.evicts() ? ofp::OFPTC_EVICTION : 0) | (table.vacancy_events ? ofp::OFPTC_VACANCY_EVENTS : 0);
    f.nonmiss.next.reset();
    for (unsigned n = t + 1; n < kVisibleTables; n++) f.nonmiss.next.set(n);
    if (f.nonmiss.next.none()) f.nonmiss.instructions &= ~instruction_bit("goto_table");
    f.miss = f.nonmiss;
    all.push_back(f);
  }
  return all;
}

}  // namespace sluice
