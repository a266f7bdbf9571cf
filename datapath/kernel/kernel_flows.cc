// SPDX-License-Identifier: Apache-2.0
// Flows of the kernel datapath.  Puts are sent in batches, without waiting; what came of them is looked at after the batch.
#include <algorithm>
#include <cerrno>
#include <cstring>

#include <xxhash.h>

#include "datapath/kernel/kernel_impl.h"
#include "datapath/odp_fields.h"
#include "datapath/odp_text.h"

namespace sluice {
namespace {

constexpr uint32_t kTerse = OVS_UFID_F_OMIT_KEY | OVS_UFID_F_OMIT_MASK | OVS_UFID_F_OMIT_ACTIONS;   // answers of ufid and statistics only

constexpr size_t kUsualSpec = 384;   // bytes: key, mask and actions of a TCP flow

LogLimit put_limit(5, 10);

/// Of key and mask as the kernel gets them, and the same in each run of the daemon.  A flow that meets another of the same ufid is not installed.
Ufid make_ufid(ByteView key_and_mask) {
  XXH128_hash_t h = XXH3_128bits(key_and_mask.data(), key_and_mask.size());
  Ufid u;
  std::memcpy(u.data(), &h, sizeof h);
  return u;
}

ByteView part(const KernelFlow& flow, uint16_t type) {
  auto a = Attrs(flow.spec).find(type);
  return a ? a->data : ByteView{};
}

std::optional<Ufid> ufid_of(const GenlMessage& m) {
  auto a = Attrs(m.attrs).find(OVS_FLOW_ATTR_UFID);
  return a ? a->as<Ufid>() : std::nullopt;
}

FlowStats statistics_of(const GenlMessage& m) {
  FlowStats s;
  for (Attr a : Attrs(m.attrs)) {
    if (a.type == OVS_FLOW_ATTR_STATS)
      if (auto v = a.as<ovs_flow_stats>()) s.packets = v->n_packets, s.bytes = v->n_bytes;
    if (a.type == OVS_FLOW_ATTR_TCP_FLAGS) s.tcp_flags = a.as<uint8_t>().value_or(0);
    if (a.type == OVS_FLOW_ATTR_USED)  // ms of the clock that Time is of
      if (auto v = a.as<uint64_t>()) s.used = Time(milliseconds(static_cast<int64_t>(*v)));
  }
  return s;
}

}  // namespace

/// kNone, or why the kernel can't hold it.
SlowReason KernelDatapath::Impl::encode_flow(const FlowPut& put, KernelFlow& flow) {
  bool slow = put.actions.size() == 1 && std::holds_alternative<OdpUserspace>(put.actions[0].v);
  flow.spec.reserve(kUsualSpec);
  if (!shapes.encode(put.key, put.mask, features, flow.spec) && !slow) return SlowReason::kMatch;
  flow.generation = put.generation;
  flow.cookie = put.cookie;
  flow.ufid = make_ufid(flow.spec);
  AttrWriter w(flow.spec);
  ActionTrouble trouble = w.nest(OVS_FLOW_ATTR_ACTIONS, [&] { return encode_odp_actions(put.actions, upcall_pid(put.key.in_port), features, w); });
  return w.ok() && trouble == ActionTrouble::kNone ? SlowReason::kNone : SlowReason::kAction;
}

SlowReason KernelDatapath::flow_put(const FlowPut& put, Time now) {
  Impl& d = *impl_;
  d.now = now;
  auto flow = std::make_unique<KernelFlow>();
  if (SlowReason why = d.encode_flow(put, *flow); why != SlowReason::kNone) return why;
  bool can = d.dp.ifindex != 0;
  KernelFlow* old = d.flows.find(flow->ufid);
  if (can && old && old->spec == flow->spec) {  // several packets of one flow came up before it was there
    KernelFlow& f = *old;
    if (Megaflow ended; d.describe(f, ended)) d.handler->flow_removed(ended, now);
    f.packets_before += f.stats.packets, f.bytes_before += f.stats.bytes;
    f.stats.packets = f.stats.bytes = 0;
    f.generation = put.generation, f.cookie = put.cookie;
    return SlowReason::kNone;
  }
  if (old) {
    auto same = [&](uint16_t type) { return std::ranges::equal(part(*old, type), part(*flow, type)); };
    can = can && same(OVS_FLOW_ATTR_KEY) && same(OVS_FLOW_ATTR_MASK);  // else two flows of one ufid
    if (can) flow_del(flow->ufid, now);
  }
  if (!can) {
    Megaflow refused{.ufid = flow->ufid, .key = put.key, .mask = put.mask, .actions = put.actions, .stats = {}, .generation = put.generation, .cookie = put.cookie};
    if (d.handler) d.handler->flow_removed(refused, now);
    return SlowReason::kNone;
  }
  d.put(OVS_FLOW_CMD_NEW, d.flows.add(std::move(flow)));
  return SlowReason::kNone;
}

void KernelDatapath::Impl::put(uint8_t command, const KernelFlow& flow) {
  uint32_t seq = batch.next_seq();
  add_request(pending, flow_command(command), command == OVS_FLOW_CMD_NEW ? NLM_F_CREATE : 0, seq, dp.ifindex, [&](AttrWriter& w) {
    w.value(OVS_FLOW_ATTR_UFID, flow.ufid);
    pending.insert(pending.end(), flow.spec.begin(), flow.spec.end());
  });
  pending_puts.emplace_back(seq, flow.ufid);
  if (pending.size() > kBatchBytes) flush();
}

/// Sends what waits, and looks at what the kernel did not like.
void KernelDatapath::Impl::flush() {
  direct.flush();   // before their flows are there: packets that follow do not overtake them
  if (pending.empty()) return;
  Bytes requests;
  requests.swap(pending);
  std::vector<std::pair<uint32_t, Ufid>> puts;
  puts.swap(pending_puts);
  std::vector<Ufid> failed, there;   // there: one that overlaps is there still, its sweep is under way
  if (int error = batch.send(requests)) {
    kernel_log.warn(put_limit, "{}: requests are lost: {}", name, std::strerror(error));
    for (auto& [seq, ufid] : puts) failed.push_back(ufid);
  }
  batch.take_errors([&](uint32_t seq, int error) {
    auto put = std::ranges::find(puts, seq, &std::pair<uint32_t, Ufid>::first);
    if (put == puts.end()) return kernel_log.dbg("{}: a packet was not sent: {}", name, std::strerror(error));
    if (error == EEXIST) return there.push_back(put->second);
    failed.push_back(put->second);
    Megaflow flow;
    if (KernelFlow* f = flows.find(put->second); f && describe(*f, flow))
      kernel_log.warn(put_limit, "{}: the kernel does not take a flow ({}): {}, actions:{}", name, std::strerror(error), format_odp_key(flow.key, flow.mask), format_odp_actions(flow.actions));
  });
  if (requests.capacity() > pending.capacity() && pending.empty()) requests.clear(), pending.swap(requests);
  for (const Ufid& ufid : there) end_flow(ufid, now);
  if (!failed.empty()) delete_flows(failed, now);   // one that could not be modified does what it did
}

// --- records ---

void KernelDatapath::Impl::take_statistics(KernelFlow& flow, const GenlMessage& m) const {
  flow.stats = statistics_of(m);
  flow.stats.packets -= std::min(flow.stats.packets, flow.packets_before);
  flow.stats.bytes -= std::min(flow.stats.bytes, flow.bytes_before);
}

bool KernelDatapath::Impl::read_match(const KernelFlow& flow, Flow& key, Flow& mask) const {
  if (shapes.decode(flow.spec, key, mask)) return true;
  auto read_key = decode_odp_key(part(flow, OVS_FLOW_ATTR_KEY));
  if (!read_key) return false;
  auto read_mask = decode_odp_mask(part(flow, OVS_FLOW_ATTR_MASK), read_key->flow);
  if (!read_mask) return false;
  key = read_key->flow;
  mask = read_mask->flow;
  return true;
}

bool KernelDatapath::Impl::describe(const KernelFlow& flow, Megaflow& out) const {
  auto actions = decode_odp_actions(part(flow, OVS_FLOW_ATTR_ACTIONS));
  if (!actions || !read_match(flow, out.key, out.mask)) return false;
  out.ufid = flow.ufid;
  out.actions = std::move(actions->actions);
  out.stats = flow.stats;
  out.generation = flow.generation;
  out.cookie = flow.cookie;
  return true;
}

/// Forgets the record and tells the brain.
void KernelDatapath::Impl::end_flow(const Ufid& ufid, Time at) {
  auto flow = flows.take(ufid);
  if (Megaflow ended; flow && handler && describe(*flow, ended)) handler->flow_removed(ended, at);
}

void KernelDatapath::Impl::delete_flows(std::span<const Ufid> ufids, Time at) {
  flush();
  for (size_t from = 0; from < ufids.size() && dp.ifindex; from += kDeletesAtOnce) {
    size_t count = std::min(kDeletesAtOnce, ufids.size() - from);
    Bytes requests;
    uint32_t first_seq = 0;
    for (size_t i = 0; i < count; i++) {
      uint32_t seq = control.next_seq();
      if (i == 0) first_seq = seq;
      add_request(requests, flow_command(OVS_FLOW_CMD_DEL), NLM_F_ACK | NLM_F_ECHO, seq, dp.ifindex, [&](AttrWriter& w) {
        w.value(OVS_FLOW_ATTR_UFID, ufids[from + i]);
        w.value(OVS_FLOW_ATTR_UFID_FLAGS, kTerse);
      });
    }
    control.transact_many(requests, first_seq, count, [&](uint32_t, const GenlMessage& m) {
      auto ufid = ufid_of(m);
      if (KernelFlow* f = ufid ? flows.find(*ufid) : nullptr) take_statistics(*f, m);
    }, [](uint32_t, int) {});
  }
  for (const Ufid& u : ufids) end_flow(u, at);
}

void KernelDatapath::flow_del(const Ufid& ufid, Time now) { impl_->delete_flows({&ufid, 1}, now); }
void KernelDatapath::flows_del(std::span<const Ufid> ufids, Time now) { impl_->delete_flows(ufids, now); }

void KernelDatapath::flow_flush(Time now) {
  std::vector<Ufid> all;
  for (size_t i = 0; i < impl_->flows.slots(); i++)
    if (KernelFlow* f = impl_->flows.slot(i)) all.push_back(f->ufid);
  impl_->delete_flows(all, now);
  if (impl_->dp.ifindex) (void)impl_->control.transact(impl_->flow_command(OVS_FLOW_CMD_DEL), impl_->dp.ifindex, 0, [](AttrWriter&) {});
}

void KernelDatapath::flow_refresh(const Ufid& ufid, uint64_t generation) {
  if (KernelFlow* f = impl_->flows.find(ufid)) f->generation = generation;
}

bool KernelDatapath::flow_modify(const Ufid& ufid, const OdpActions& actions, uint64_t generation) {
  Impl& d = *impl_;
  KernelFlow* f = d.flows.find(ufid);
  Flow key, mask;
  if (!f || !d.dp.ifindex || !d.read_match(*f, key, mask)) return false;
  Bytes spec;
  AttrWriter w(spec);
  for (uint16_t type : {OVS_FLOW_ATTR_KEY, OVS_FLOW_ATTR_MASK}) w.put(type, part(*f, type));
  ActionTrouble trouble = w.nest(OVS_FLOW_ATTR_ACTIONS, [&] { return encode_odp_actions(actions, d.upcall_pid(key.in_port), d.features, w); });
  if (!w.ok() || trouble != ActionTrouble::kNone) return false;
  f->spec = std::move(spec);
  f->generation = generation;
  d.put(OVS_FLOW_CMD_SET, *f);
  return true;
}

void KernelDatapath::flow_adopt(const Ufid& ufid, uint64_t generation, uint64_t cookie) {
  if (KernelFlow* f = impl_->flows.find(ufid)) f->generation = generation, f->cookie = cookie;
}

// --- dumps ---

/// A flow that is not ours.  It can be adopted, and has a record now; or else (null) it is deleted, since it forwards by rules that nobody knows.
const KernelFlow* KernelDatapath::Impl::foreign_flow(const GenlMessage& m) {
  auto ufid = ufid_of(m);
  std::expected<GenlMessage, int> reply = m;   // it says all, if the dump is not terse
  if (!Attrs(m.attrs).find(OVS_FLOW_ATTR_KEY) || !Attrs(m.attrs).find(OVS_FLOW_ATTR_ACTIONS))
    reply = control.transact(flow_command(OVS_FLOW_CMD_GET), dp.ifindex, 0, [&](AttrWriter& w) {
      if (ufid) w.value(OVS_FLOW_ATTR_UFID, *ufid);
      else if (auto key = Attrs(m.attrs).find(OVS_FLOW_ATTR_KEY)) w.put(OVS_FLOW_ATTR_KEY, key->data);
    });
  if (!reply) return nullptr;
  auto flow = std::make_unique<KernelFlow>();
  AttrWriter spec(flow->spec);
  for (uint16_t type : {OVS_FLOW_ATTR_KEY, OVS_FLOW_ATTR_MASK, OVS_FLOW_ATTR_ACTIONS}) {
    auto a = Attrs(reply->attrs).find(type);
    spec.put(type, a ? a->data : ByteView{});
  }
  take_statistics(*flow, *reply);
  auto actions = decode_odp_actions(part(*flow, OVS_FLOW_ATTR_ACTIONS));
  // Its upcalls go to a socket that is no more.
  bool usable = ufid && actions && actions->complete && !actions->has_userspace;
  if (usable) {
    flow->ufid = *ufid;
    Megaflow readable;
    if (describe(*flow, readable)) return &flows.add(std::move(flow));
  }
  (void)control.transact(flow_command(OVS_FLOW_CMD_DEL), dp.ifindex, 0, [&](AttrWriter& w) {
    if (ufid) w.value(OVS_FLOW_ATTR_UFID, *ufid);
    else w.put(OVS_FLOW_ATTR_KEY, part(*flow, OVS_FLOW_ATTR_KEY));
  });
  return nullptr;
}

/// Records with their statistics of now; those of earlier times too, once all is settled.  As Dpif::flow_dump().
uint64_t KernelDatapath::Impl::dump_flows(uint64_t from, size_t most, const std::function<bool(const KernelFlow&)>& visit) {
  flush();
  if (!dp.ifindex) return 0;
  if (from == 0) {
    auto socket = GenlSocket::open();
    // The first one after all is settled meets flows of earlier times.
    bool terse = !settled || seen_foreign;
    if (!socket || socket->begin_dump(flow_command(OVS_FLOW_CMD_GET), dp.ifindex, [&](AttrWriter& w) { if (terse) w.value(OVS_FLOW_ATTR_UFID_FLAGS, kTerse); })) return 0;
    seen_foreign |= settled;
    from = next_dump++;
    dumps[from] = std::make_unique<GenlSocket>(std::move(*socket));
    if (dumps.size() > kMostDumps) dumps.erase(dumps.begin());
  }
  auto dump = dumps.find(from);
  if (dump == dumps.end()) return 0;
  std::unique_ptr<GenlSocket> socket = std::move(dump->second);
  dumps.erase(dump);
  size_t visited = 0;
  bool go_on = true;
  auto step = GenlSocket::DumpStep::kMore;
  while (step == GenlSocket::DumpStep::kMore && visited < most && go_on)
    step = socket->dump_step([&](const GenlMessage& m) {
      auto ufid = ufid_of(m);
      KernelFlow* ours = ufid ? flows.find(*ufid) : nullptr;
      if (ours) take_statistics(*ours, m);
      const KernelFlow* f = ours || !settled ? ours : foreign_flow(m);
      if (!f) return;
      visited++;
      if (go_on) go_on = visit(*f);
    });
  if (step != GenlSocket::DumpStep::kMore) return 0;
  dumps[from] = std::move(socket);
  return from;
}

uint64_t KernelDatapath::flow_dump(uint64_t from, size_t most, const std::function<bool(const Megaflow&)>& visit) {
  Megaflow megaflow;
  return impl_->dump_flows(from, most, [&](const KernelFlow& f) { return !impl_->describe(f, megaflow) || visit(megaflow); });
}

uint64_t KernelDatapath::flow_heads(uint64_t from, size_t most, Statistics statistics, const std::function<bool(const FlowHead&)>& visit) {
  Impl& d = *impl_;
  if (statistics == Statistics::kCurrent) return d.dump_flows(from, most, [&](const KernelFlow& f) { return visit(f.head()); });
  for (; from < d.flows.slots(); from++) {
    KernelFlow* f = d.flows.slot(from);
    if (!f) continue;
    if (most-- == 0) return from;
    if (!visit(f->head())) return from + 1 < d.flows.slots() ? from + 1 : 0;
  }
  return 0;
}

bool KernelDatapath::flow_get(const Ufid& ufid, Statistics statistics, Megaflow& out) {
  Impl& d = *impl_;
  KernelFlow* f = d.flows.find(ufid);
  if (!f) return false;
  if (statistics == Statistics::kCurrent) {
    d.flush();
    auto reply = d.control.transact(d.flow_command(OVS_FLOW_CMD_GET), d.dp.ifindex, 0, [&](AttrWriter& w) {
      w.value(OVS_FLOW_ATTR_UFID, ufid);
      w.value(OVS_FLOW_ATTR_UFID_FLAGS, kTerse);
    });
    f = d.flows.find(ufid);
    if (!f) return false;
    if (reply) d.take_statistics(*f, *reply);
  }
  return d.describe(*f, out);
}

bool KernelDatapath::flow_match(const Ufid& ufid, Flow& key, Flow& mask) const {
  const KernelFlow* f = impl_->flows.find(ufid);
  return f && impl_->read_match(*f, key, mask);
}

}  // namespace sluice
