// SPDX-License-Identifier: Apache-2.0
// Groups (OF1.3.5 5.6): each bucket runs on a copy of the packet, as an action set.
#include <fmt/core.h>

#include <algorithm>

#include "ofproto/translator.h"

namespace sluice {

void Translator::run_group(uint32_t id) {
  auto it = bridge_->groups.find(id);
  if (it == bridge_->groups.end()) return warning("output to nonexistent group");
  if (!may_go_on(true)) return;
  const Group& group = it->second;
  depth_++;
  bool outer = std::exchange(in_group_, true);
  switch (group.type) {
    case ofp::GroupType::kAll:
      for (size_t i = 0; i < group.buckets.size() && out_.error == TranslateError::kNone; i++) run_bucket(group, i);
      if (group.buckets.empty()) effect(GroupHit{bridge_->id, group.id, UINT32_MAX});
      break;
    case ofp::GroupType::kIndirect:
      if (!group.buckets.empty()) run_bucket(group, 0);
      break;
    case ofp::GroupType::kFastFailover:
    case ofp::GroupType::kSelect: {
      if (group.type == ofp::GroupType::kSelect && wants_hash(group)) {   // comes back with one
        hash_ = OdpHash{group.selection.method.empty() ? pipeline_.max_hash_algorithm : 0, static_cast<uint32_t>(group.selection.param)};
        freezing_ = redo_ = true;
        break;
      }
      size_t i = group.type == ofp::GroupType::kSelect ? select_bucket(group) : first_live(group);
      if (i == SIZE_MAX) {
        detail("no live bucket");
        break;
      }
      detail(fmt::format("using bucket {}", i));
      run_bucket(group, i);
      break;
    }
  }
  in_group_ = outer;
  depth_--;
}

void Translator::run_bucket(const Group& group, size_t index) {
  effect(GroupHit{bridge_->id, group.id, static_cast<uint32_t>(index)});
  Structure before = structure();
  Flow flow = flow_;
  auto set = std::exchange(action_set_, group.buckets[index].bucket.actions);
  auto stack = stack_;
  size_t stack_bytes = stack_bytes_;
  if (trace_) trace_->open(TraceKind::kBucket, fmt::format("bucket {}", index));
  bool was_mpls = was_mpls_;
  run_action_set_of(Which::kBucket);
  finish_freezing();
  was_mpls_ = was_mpls;
  if (trace_) trace_->close();
  return_to(before);
  flow_ = flow;
  action_set_ = std::move(set);
  stack_ = std::move(stack);
  stack_bytes_ = stack_bytes;
  exit_ = false;   // ends only the bucket
}

bool Translator::is_live(OfpPort port) const {
  const PortView* p = bridge_->port(port);
  return p && !(p->config & ofp::OFPPC_PORT_DOWN) && !(p->state & ofp::OFPPS_LINK_DOWN);
}

size_t Translator::first_live(const Group& group) const {
  auto live = std::ranges::find_if(group.buckets, [&](const GroupBucket& b) { return is_bucket_live(b.bucket); });
  return live == group.buckets.end() ? SIZE_MAX : static_cast<size_t>(live - group.buckets.begin());
}

/// Watching nothing is alive (as Open vSwitch has it; the text of OpenFlow leaves it open).
bool Translator::is_bucket_live(const ofp::Bucket& bucket) const {
  unsigned looks = kMaxLivenessLooks;
  return is_bucket_live(bucket, looks);
}

bool Translator::is_bucket_live(const ofp::Bucket& bucket, unsigned& looks) const {
  bool watches_port = bucket.watch_port != OFPP_NONE, watches_group = bucket.watch_group != ofp::OFPG_ANY;
  if (!watches_port && !watches_group) return true;
  if (watches_port && is_live(bucket.watch_port)) return true;
  if (!watches_group || !looks) return false;
  looks--;
  auto it = bridge_->groups.find(bucket.watch_group);
  return it != bridge_->groups.end() && std::ranges::any_of(it->second.buckets, [&](const GroupBucket& b) { return is_bucket_live(b.bucket, looks); });
}

}  // namespace sluice
