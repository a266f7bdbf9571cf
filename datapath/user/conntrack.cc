// SPDX-License-Identifier: Apache-2.0
// See conntrack.h.
#include "datapath/user/conntrack.h"

#include <algorithm>

#include <xxhash.h>

namespace sluice {
namespace {

/// How long connections live after a packet.
Duration usual_timeout(CtPhase phase) {
  switch (phase) {
    case CtPhase::kTcpSynSent: case CtPhase::kTcpSynRecv: case CtPhase::kTcpClose: return seconds(30);
    case CtPhase::kTcpEstablished: return seconds(24 * 60 * 60);
    case CtPhase::kTcpFinWait: return seconds(15 * 60);
    case CtPhase::kTcpTimeWait: return seconds(45);
    case CtPhase::kUdpMultiple: case CtPhase::kIcmpReply: return seconds(30);
    default: return seconds(60);
  }
}
constexpr Duration kOtherBothWays = seconds(60);   // of protocols without ports; else they are as UDP

CtPhase phase_of(const TrackedConnection& c) {
  if (c.tcp) return c.tcp->phase();
  if (is_icmp(c.orig)) return c.seen_reply ? CtPhase::kIcmpReply : CtPhase::kIcmpFirst;
  return c.seen_reply ? CtPhase::kUdpMultiple : c.seen_more ? CtPhase::kUdpSingle : CtPhase::kUdpFirst;
}

void tell(Packet& p, const ConnKey* orig, uint8_t state, uint16_t zone) {
  p.ct_state = static_cast<uint8_t>(state | kCtTrk);
  p.ct_zone = zone;
  p.has_ct_tuple = orig != nullptr;
  if (orig) p.ct_tuple = tuple_of(*orig);
}

}  // namespace

size_t Conntrack::KeyHash::operator()(const ConnKey& k) const { return XXH3_64bits_withSeed(&k, sizeof k, seed); }

Conntrack::Conntrack(uint64_t seed) : hash_{seed}, shards_(kShards, Table(0, hash_)), random_state_(seed | 1) {}

/// By what both directions have alike.
Conntrack::Table& Conntrack::shard(const ConnKey& k) {
  uint64_t words[4];
  std::memcpy(words, k.src.b.data(), 16);
  std::memcpy(words + 2, k.dst.b.data(), 16);
  uint64_t both[2] = {words[0] + words[2], words[1] + words[3] + k.zone + (uint64_t{k.proto} << 16) + (uint64_t{k.src_port.raw()} + k.dst_port.raw()) * 0x9e3779b97f4a7c15};
  return shards_[XXH3_64bits_withSeed(both, sizeof both, hash_.seed) % kShards];
}

Conntrack::Ref Conntrack::find(const ConnKey& key, Time now) {
  Table& table = shard(key);
  ConnKey bare = key;
  bare.icmp_code = 0;
  auto it = table.find(bare);
  if (it == table.end()) return {};
  if (it->second.connection->ends > now) return it->second;
  end(it->second.connection);
  return {};
}

/// The connection that an earlier action in the same zone found: the packet may have been rewritten since.
Conntrack::Ref Conntrack::held_by(const Packet& p, uint16_t zone, Time now) {
  if (!p.ct_serial || p.ct_zone != zone || !(p.ct_state & kCtTrk) || p.ct_slot >= slots_.size()) return {};
  TrackedConnection* c = &slots_[p.ct_slot];
  if (c->serial != p.ct_serial || c->ends <= now) return {};
  return {c, (p.ct_state & kCtRpl) != 0};
}

void Conntrack::track(Packet& p, const OdpCt& action, Time now) {
  TrackedPacket t;
  Untrackable why = read_conn_key(p, action.zone, t);
  if (why != Untrackable::kNo) {
    (why == Untrackable::kFragment ? counters_.fragments : counters_.invalid)++;
    p.clear_ct();
    return tell(p, nullptr, kCtInv, action.zone);
  }
  Ref found = held_by(p, action.zone, now);
  bool again = found.connection != nullptr;
  uint8_t state = again ? p.ct_state & (kCtNew | kCtEst | kCtRel | kCtRpl) : 0;
  p.clear_ct();
  if (!again) found = find(t.key, now);
  if (found.connection && action.force && found.is_reply && !t.is_error) {
    end(found.connection);
    found = {};
    state = 0;
  }
  if (t.is_error) {
    if (!found.connection) return counters_.invalid++, tell(p, nullptr, kCtInv, action.zone);
    state = static_cast<uint8_t>(kCtRel | (found.is_reply ? kCtRpl : 0));
  } else if (found.connection && !again && !update(found, t, now, state)) {
    counters_.invalid++;
    return tell(p, nullptr, kCtInv, action.zone);
  }
  if (!found.connection) {
    auto tcp = t.key.proto == kProtoTcp ? parse_tcp({t.l4.header, t.l4.length}) : std::nullopt;
    bool can_begin = t.key.proto != kProtoTcp || (tcp && TcpTrack::can_begin(*tcp));
    bool is_answer = is_icmp(t.key) && (t.key.icmp_type == 0 || t.key.icmp_type == 129 || (t.key.proto == kProtoIcmp && t.key.icmp_type % 2 == 0 && t.key.icmp_type >= 14));
    if (!can_begin || is_answer) return counters_.invalid++, tell(p, nullptr, kCtInv, action.zone);
    state = kCtNew;
    if (action.commit) found = {commit(t, action, now), false};
    if (action.commit && !found.connection) return tell(p, nullptr, kCtInv, action.zone);
  }
  const ConnKey& orig = found.connection ? found.connection->orig : t.key;
  if (TrackedConnection* c = found.connection) {
    if (action.nat && (c->src_nat || c->dst_nat)) state |= translate_packet(p, t, *c, found.is_reply);
    if (action.commit) {
      c->mark = (c->mark & ~action.mark_mask) | (action.mark & action.mark_mask);
      for (size_t i = 0; i < c->label.size(); i++) c->label[i] = static_cast<uint8_t>((c->label[i] & ~action.label_mask[i]) | (action.label[i] & action.label_mask[i]));
    }
    p.ct_mark = c->mark;
    p.ct_label = c->label;
    p.ct_slot = c->slot;
    p.ct_serial = c->serial;
  }
  tell(p, &orig, state, action.zone);
}

Duration Conntrack::timeout_of(const TrackedConnection& c) const {
  CtPhase phase = phase_of(c);
  if (!settings_.zones.empty())
    if (auto zone = settings_.zones.find(c.orig.zone); zone != settings_.zones.end() && zone->second.timeouts)
      if (auto wanted = (*zone->second.timeouts)[static_cast<size_t>(phase)]) return seconds(*wanted);
  return phase == CtPhase::kUdpMultiple && c.orig.proto != kProtoUdp ? kOtherBothWays : usual_timeout(phase);
}

/// What the packet says of its connection; false: it can't be part of it.
bool Conntrack::update(Ref& found, const TrackedPacket& t, Time now, uint8_t& state) {
  TrackedConnection& c = *found.connection;
  bool is_new = false;
  if (c.tcp) {
    auto segment = parse_tcp({t.l4.header, t.l4.length});
    if (!segment) return false;
    switch (c.tcp->track(*segment, found.is_reply, check_sequence_)) {
      case TcpVerdict::kInvalid: return false;
      case TcpVerdict::kOpening: is_new = true; break;
      case TcpVerdict::kValid: break;
      case TcpVerdict::kReused:
        end(&c);
        found = {};
        return true;
    }
  }
  c.seen_reply |= found.is_reply;
  c.seen_more = true;
  if (!c.tcp) is_new = !c.seen_reply;
  c.ends = now + timeout_of(c);
  state = static_cast<uint8_t>((is_new ? kCtNew : kCtEst) | (found.is_reply ? kCtRpl : 0));
  return true;
}

bool Conntrack::has_room(uint16_t zone) {
  if (size_ >= max_connections_) return counters_.full++, false;
  Zone& z = zones_[zone];
  uint32_t limit = z.limit.value_or(default_limit_);
  if (limit && z.count >= limit) return counters_.zone_full++, false;
  return true;
}

TrackedConnection* Conntrack::commit(const TrackedPacket& t, const OdpCt& action, Time now) {
  if (!has_room(t.key.zone)) return nullptr;
  TrackedConnection* c = take_slot();
  c->orig = t.key;
  c->reply = reverse(t.key);
  c->helper = action.helper;
  if (t.key.proto == kProtoTcp) c->tcp.emplace(*parse_tcp({t.l4.header, t.l4.length}));
  bool fits = !action.nat || !(action.nat->src || action.nat->dst) || choose_translation(*c, *action.nat);
  c->ends = now + timeout_of(*c);
  ConnKey orig = c->orig, reply = c->reply;
  orig.icmp_code = reply.icmp_code = 0;
  if (fits && shard(reply).contains(reply)) fits = orig == reply;
  if (!fits) {
    counters_.nat_exhausted++;
    slots_.give(c->slot);
    *c = TrackedConnection{.slot = c->slot};
    return nullptr;
  }
  shard(orig)[orig] = {c, false};
  if (orig != reply) shard(reply)[reply] = {c, true};
  size_++;
  if (size_ == 1) next_sweep_ = now + kSweepInterval;
  zones_[orig.zone].count++;
  return c;
}

void Conntrack::end(TrackedConnection* c) {
  ConnKey orig = c->orig, reply = c->reply;
  orig.icmp_code = reply.icmp_code = 0;
  shard(orig).erase(orig);
  shard(reply).erase(reply);
  auto zone = zones_.find(orig.zone);
  if (zone != zones_.end() && --zone->second.count == 0 && !zone->second.limit) zones_.erase(zone);
  uint32_t slot = c->slot;
  *c = TrackedConnection{.slot = slot};
  slots_.give(slot);
  size_--;
}

TrackedConnection* Conntrack::take_slot() {
  uint32_t slot = slots_.take();
  TrackedConnection* c = &slots_[slot];
  c->slot = slot;
  c->serial = next_serial_++;
  if (!next_serial_) next_serial_ = 1;
  return c;
}

bool Conntrack::run(Time now) {
  if (!size_ || now < next_sweep_) return false;
  for (size_t n = 0; n < kSweepSlice; n++, sweep_at_++) {
    if (sweep_at_ >= slots_.size()) {
      sweep_at_ = 0;
      next_sweep_ = now + kSweepInterval;
      return false;
    }
    TrackedConnection& c = slots_[sweep_at_];
    if (c.serial && c.ends <= now) end(&c);
  }
  return true;
}

// --- for people ---

CtEntry Conntrack::describe(const TrackedConnection& c, Time now) const {
  CtEntry e{.orig = tuple_of(c.orig), .reply = tuple_of(c.reply), .icmp_id_orig = c.orig.src_port.host(), .icmp_id_reply = c.reply.src_port.host(), .parent = {}, .zone = c.orig.zone,
            .mark = c.mark, .label = c.label, .helper = c.helper, .timeout = c.ends - now};
  if (c.tcp) e.tcp_orig = c.tcp->state(false), e.tcp_reply = c.tcp->state(true), e.tcp_liberal = c.tcp->liberal();
  return e;
}

void Conntrack::dump(std::optional<uint16_t> zone, Time now, const std::function<bool(const CtEntry&)>& visit) const {
  for (size_t i = 0; i < slots_.size(); i++) {
    const TrackedConnection& c = slots_[i];
    if (!c.serial || c.ends <= now || (zone && c.orig.zone != *zone)) continue;
    if (!visit(describe(c, now))) return;
  }
}

size_t Conntrack::flush(std::optional<uint16_t> zone, Time now, const std::function<bool(const CtEntry&)>& which) {
  size_t n = 0;
  for (size_t i = 0; i < slots_.size(); i++) {
    TrackedConnection& c = slots_[i];
    if (!c.serial || (zone && c.orig.zone != *zone) || (which && !which(describe(c, now)))) continue;
    end(&c);
    n++;
  }
  return n;
}

CtStats Conntrack::stats() const {
  CtStats s = counters_;
  s.connections = size_;
  s.max_connections = max_connections_;
  s.tcp_sequence_check = check_sequence_;
  return s;
}

std::vector<CtZoneLimit> Conntrack::limits() const {
  std::vector<CtZoneLimit> all{{-1, default_limit_, 0}};
  for (auto& [id, zone] : zones_)
    if (zone.limit) all.push_back({id, *zone.limit, zone.count});
  return all;
}

void Conntrack::set_limit(int32_t zone, uint32_t limit) {
  if (zone < 0) default_limit_ = limit;
  else zones_[static_cast<uint16_t>(zone)].limit = limit;
}

bool Conntrack::del_limit(uint16_t zone) {
  auto it = zones_.find(zone);
  if (it == zones_.end() || !it->second.limit) return false;
  it->second.limit.reset();
  if (!it->second.count) zones_.erase(it);
  return true;
}

void Conntrack::configure(const CtSettings& settings) {
  CtLimitChanges changes = limit_changes(settings_, settings);
  for (const CtZoneLimit& l : changes.set) set_limit(l.zone, l.limit);
  for (uint16_t zone : changes.removed) del_limit(zone);
  settings_ = settings;
}

}  // namespace sluice
