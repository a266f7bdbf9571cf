// SPDX-License-Identifier: Apache-2.0
// Group-mods (OF1.3.5 6.7, 7.3.4.3; buckets by OF1.5.1) and what is told of groups.
#include <algorithm>

#include "ofproto/bridge_ports.h"
#include "ofproto/openflow/action_walk.h"
#include "ofproto/switch_impl.h"

namespace sluice {

using ofp::Error;
using ofp::GroupCommand;
using Outcome = std::expected<void, Error>;

namespace {

bool names_group(const ofp::Actions& actions, uint32_t id) { return ofp::outputs_to_group(actions, id); }

Outcome check(const BridgeView& v, const ofp::GroupMod& mod, std::vector<ofp::Bucket>& buckets) {
  if (mod.group_id > ofp::OFPG_MAX) return std::unexpected(Error::OFPGMFC_INVALID_GROUP);
  if (mod.type == ofp::GroupType::kIndirect && buckets.size() != 1) return std::unexpected(Error::OFPGMFC_INVALID_GROUP);
  for (ofp::Bucket& b : buckets) {
    if (mod.type == ofp::GroupType::kFastFailover && b.watch_port == OFPP_NONE && b.watch_group == ofp::OFPG_ANY) return std::unexpected(Error::OFPGMFC_INVALID_GROUP);
    ofp::ActionCheck c{.version = ofp::Version::k13, .table_id = ofp::kTableAll, .n_tables = kFlowTables, .tlv = &v.tlv, .any_packet = true};
    if (auto ok = ofp::check_actions(b.actions, {}, c); !ok) return ok;
  }
  return {};   // groups in a circle too, as with Open vSwitch, which does not claim to check chains: a translation that follows them ends (kMaxDepth)
}

std::vector<GroupBucket> fresh(std::vector<ofp::Bucket> buckets) {
  std::vector<GroupBucket> out;
  for (ofp::Bucket& b : buckets) {
    if (b.bucket_id >= ofp::OFPG15_BUCKET_MAX) b.bucket_id = static_cast<uint32_t>(out.size());
    out.push_back({std::move(b)});
  }
  return out;
}

Outcome insert_buckets(Group& g, const ofp::GroupMod& mod, std::vector<ofp::Bucket> buckets) {
  for (const ofp::Bucket& b : buckets)
    if (std::ranges::any_of(g.buckets, [&](const GroupBucket& old) { return old.bucket.bucket_id == b.bucket_id; })) return std::unexpected(Error::OFPGMFC_BUCKET_EXISTS);
  auto at = g.buckets.end();
  if (mod.command_bucket_id == ofp::OFPG15_BUCKET_FIRST) {
    at = g.buckets.begin();
  } else if (mod.command_bucket_id < ofp::OFPG15_BUCKET_MAX) {
    at = std::ranges::find_if(g.buckets, [&](const GroupBucket& b) { return b.bucket.bucket_id == mod.command_bucket_id; });
    if (at == g.buckets.end()) return std::unexpected(Error::OFPGMFC_UNKNOWN_BUCKET);
    ++at;
  }
  auto added = fresh(std::move(buckets));
  g.buckets.insert(at, added.begin(), added.end());
  return {};
}

Outcome remove_bucket(Group& g, uint32_t id) {
  if (id == ofp::OFPG15_BUCKET_ALL) {
    g.buckets.clear();
  } else if (id == ofp::OFPG15_BUCKET_FIRST) {
    if (!g.buckets.empty()) g.buckets.erase(g.buckets.begin());
  } else if (id == ofp::OFPG15_BUCKET_LAST) {
    if (!g.buckets.empty()) g.buckets.pop_back();
  } else if (!std::erase_if(g.buckets, [&](const GroupBucket& b) { return b.bucket.bucket_id == id; })) {
    return std::unexpected(Error::OFPGMFC_UNKNOWN_BUCKET);
  }
  return {};
}

/// Flows that lead to a group end with it.
void remove_group(Bridge::Impl& b, uint32_t id, Time now) {
  const ofp::MiniMatch all;
  for (Rule* r : b.view.tables->select({.match = all, .table = ofp::kTableAll, .strict_priority = {}, .out_group = id})) b.view.tables->remove(r, RuleEnd::kGroupDelete, now);
  b.view.groups.erase(id);
  for (auto& [other, g] : b.view.groups)
    if (std::erase_if(g.buckets, [&](const GroupBucket& x) { return names_group(x.bucket.actions, id); })) plan_selection(g);
}

}  // namespace

namespace {

Outcome change_groups(Bridge::Impl& b, const ofp::GroupMod& mod, Time now) {
  auto& groups = b.view.groups;
  auto it = groups.find(mod.group_id);
  std::vector<ofp::Bucket> buckets = mod.buckets;
  GroupCommand command = mod.command;
  if (command == GroupCommand::kAddOrModify) command = it == groups.end() ? GroupCommand::kAdd : GroupCommand::kModify;
  switch (command) {
    case GroupCommand::kAdd:
      if (auto ok = check(b.view, mod, buckets); !ok) return ok;
      if (it != groups.end()) return std::unexpected(Error::OFPGMFC_GROUP_EXISTS);
      groups[mod.group_id] = {.id = mod.group_id, .type = mod.type, .buckets = fresh(std::move(buckets)), .selection = mod.selection, .created = now, .modified = now};
      return {};
    case GroupCommand::kModify:
      if (auto ok = check(b.view, mod, buckets); !ok) return ok;
      if (it == groups.end()) return std::unexpected(Error::OFPGMFC_UNKNOWN_GROUP);
      it->second.type = mod.type;
      it->second.buckets = fresh(std::move(buckets));
      it->second.selection = mod.selection;
      it->second.modified = now;
      return {};
    case GroupCommand::kDelete:
      if (mod.group_id == ofp::OFPG_ALL) {
        while (!groups.empty()) remove_group(b, groups.begin()->first, now);
      } else if (it != groups.end()) {
        remove_group(b, mod.group_id, now);
      }
      return {};
    case GroupCommand::kInsertBucket:
      if (it == groups.end()) return std::unexpected(Error::OFPGMFC_UNKNOWN_GROUP);
      return insert_buckets(it->second, mod, std::move(buckets));
    case GroupCommand::kRemoveBucket:
      if (it == groups.end()) return std::unexpected(Error::OFPGMFC_UNKNOWN_GROUP);
      return remove_bucket(it->second, mod.command_bucket_id);
    case GroupCommand::kAddOrModify: break;
  }
  return std::unexpected(Error::OFPGMFC_BAD_COMMAND);
}

}  // namespace

Outcome apply_group_mod(Bridge::Impl& b, const ofp::GroupMod& mod, Time now) {
  Outcome done = change_groups(b, mod, now);
  if (auto it = b.view.groups.find(mod.group_id); done && it != b.view.groups.end()) plan_selection(it->second);
  return done;
}

std::vector<ofp::GroupDesc> Bridge::group_descs(uint32_t id) const {
  std::vector<ofp::GroupDesc> out;
  for (auto& [n, g] : impl_->view.groups) {
    if (id != ofp::OFPG_ALL && id != n) continue;
    ofp::GroupDesc d{.type = g.type, .group_id = n, .buckets = {}, .selection = g.selection};
    for (const GroupBucket& b : g.buckets) d.buckets.push_back(b.bucket);
    out.push_back(std::move(d));
  }
  return out;
}

std::vector<ofp::GroupStats> Bridge::group_stats(uint32_t id, Time now) const {
  impl_->owner.impl_->push_all();
  std::vector<ofp::GroupStats> out;
  for (auto& [n, g] : impl_->view.groups) {
    if (id != ofp::OFPG_ALL && id != n) continue;
    const ofp::MiniMatch all;
    Duration age = now - g.created;
    ofp::GroupStats s{.group_id = n, .ref_count = static_cast<uint32_t>(impl_->view.tables->select({.match = all, .table = ofp::kTableAll, .strict_priority = {}, .out_group = n}).size()),
                      .packet_count = g.packets, .byte_count = g.bytes, .duration_sec = whole_seconds(age), .duration_nsec = nanoseconds_below(age), .buckets = {}};
    for (const GroupBucket& b : g.buckets) s.buckets.push_back({b.packets, b.bytes});
    out.push_back(std::move(s));
  }
  return out;
}

ofp::GroupFeatures Bridge::group_features() const {
  ofp::GroupFeatures f{.types = 0xf, .capabilities = ofp::OFPGFC_SELECT_WEIGHT | ofp::OFPGFC_SELECT_LIVENESS | ofp::OFPGFC_CHAINING};
  f.max_groups.fill(ofp::OFPG_MAX);
  f.actions.fill(switch_action_bits());
  return f;
}

}  // namespace sluice
