// SPDX-License-Identifier: Apache-2.0
// Select groups: which bucket gets a packet.
//
// By the datapath's hash (dp_hash, the default): the packet goes back to the datapath, comes again with a hash, and a few bits of that choose: one megaflow for each of
// these values, however many connections there are.  By fields (selection method "hash", or weights that the few bits can't express): the translation hashes them itself.
#include <bit>

#include <fmt/core.h>
#include <xxhash.h>

#include "lib/log.h"
#include "ofproto/bridge_ports.h"
#include "ofproto/translator.h"

namespace sluice {
namespace {

Log log("ofproto_dpif");   // Open vSwitch's name for it

constexpr uint32_t kFewestValues = 16, kMostValues = 256;

/// Shares hash values out to buckets by weight (Webster's method): each value goes to the bucket that is furthest behind.
std::vector<uint16_t> share_out(const std::vector<GroupBucket>& buckets, uint32_t values) {
  std::vector<uint16_t> owner;
  std::vector<uint32_t> got(buckets.size());
  while (owner.size() < values) {
    size_t best = 0;
    auto claim = [&](size_t i) { return buckets[i].bucket.weight / (2.0 * got[i] + 1); };
    for (size_t i = 1; i < buckets.size(); i++)
      if (claim(i) > claim(best)) best = i;
    got[best]++;
    owner.push_back(static_cast<uint16_t>(best));
  }
  return owner;
}

}  // namespace

void plan_selection(Group& g) {
  g.by_hash.clear();
  if (g.type != ofp::GroupType::kSelect) return;
  log.dbg("Constructing select group {}", g.id);
  if (g.selection.method == "hash") {
    log.dbg("Selection method specified: hash.");
    if (g.selection.fields.empty()) log.dbg("No hash fields. Falling back to default hash method.");
    return;
  }
  log.dbg("{}", g.selection.method.empty() ? "No selection method specified. Trying dp_hash." : "Selection method specified: dp_hash.");
  auto fall_back = [](std::string why) {
    log.dbg("  {}", why);
    log.dbg("Falling back to default hash method.");
  };
  if (g.buckets.empty()) return fall_back("Don't apply dp_hash method without buckets.");
  uint64_t total = 0, least = UINT64_MAX;
  for (const GroupBucket& b : g.buckets)
    if (b.bucket.weight) total += b.bucket.weight, least = std::min<uint64_t>(least, b.bucket.weight);
  if (!total || g.buckets.size() > kMostValues) return fall_back(total ? "Too many buckets." : "No bucket has a weight.");
  log.dbg("  Minimum weight: {}, total weight: {}", least, total);
  uint64_t values = std::max<uint64_t>(kFewestValues, std::bit_ceil((total + least - 1) / least));
  if (values > kMostValues) return fall_back(fmt::format("Too many hash values required: {}", values));
  log.dbg("  Using {} hash values:", values);
  g.by_hash = share_out(g.buckets, static_cast<uint32_t>(values));
  for (size_t i = 0; i < g.buckets.size(); i++) {
    uint32_t weight = g.buckets[i].bucket.weight;
    log.dbg("  Bucket {}: weight={}, target={:.2f} hits={}", i, weight, static_cast<double>(weight) * static_cast<double>(values) / static_cast<double>(total), std::ranges::count(g.by_hash, i));
  }
  log.dbg("Use dp_hash with {} hash values using algorithm {}.", values, g.selection.method.empty() ? 1 : 0);
}

bool Translator::wants_hash(const Group& group) const { return !group.by_hash.empty() && !flow_.dp_hash; }

size_t Translator::select_bucket(const Group& group) {
  if (group.by_hash.empty()) return select_by_fields(group);
  const uint32_t mask = static_cast<uint32_t>(group.by_hash.size()) - 1;
  const uint32_t value = p_.get_bits<&Flow::dp_hash>(be32(mask)).host();
  for (uint32_t i = 0; i <= mask; i++) {   // the next live one takes over
    size_t bucket = group.by_hash[(value + i) & mask];
    if (is_bucket_live(group.buckets[bucket].bucket)) return bucket;
  }
  return SIZE_MAX;
}

uint32_t Translator::group_hash(const Group& group) {
  uint32_t basis = static_cast<uint32_t>(group.selection.param) ^ group.id;
  if (group.selection.fields.empty()) return symmetric_hash(basis, true, true, true);
  for (const ofp::GroupField& f : group.selection.fields) {
    if (!p_.has(f.field)) continue;
    p_.mark(f.field, &f.mask);
    ofp::FieldValue value = ofp::get_field(f.field, flow_, tlv());
    for (size_t i = 0; i < value.size() && i < f.mask.size(); i++) value.bytes()[i] &= f.mask.bytes()[i];
    basis = static_cast<uint32_t>(XXH3_64bits_withSeed(value.bytes().data(), value.size(), basis));
  }
  return basis;
}

/// Weighted rendezvous hashing: a bucket that comes or goes moves only its own share of the flows.
size_t Translator::select_by_fields(const Group& group) {
  uint32_t basis = group_hash(group);
  size_t best = SIZE_MAX;
  uint64_t best_score = 0;
  for (size_t i = 0; i < group.buckets.size(); i++) {
    const ofp::Bucket& b = group.buckets[i].bucket;
    if (!b.weight || !is_bucket_live(b)) continue;
    uint64_t id = b.bucket_id < ofp::OFPG15_BUCKET_MAX ? b.bucket_id : i;
    uint64_t h = (id * 0x9e3779b97f4a7c15ull) ^ basis;
    h = (h ^ h >> 33) * 0xff51afd7ed558ccdull;
    h = (h ^ h >> 33) * 0xc4ceb9fe1a85ec53ull;
    uint64_t score = ((h ^ h >> 33) & 0xffff) * b.weight;
    if (best == SIZE_MAX || score > best_score) best = i, best_score = score;
  }
  return best;
}

}  // namespace sluice
