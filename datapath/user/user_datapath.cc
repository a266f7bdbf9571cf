// SPDX-License-Identifier: Apache-2.0
// The forwarding loop, and the flow table operations of the brain.
#include "datapath/user/user_datapath.h"

#include <algorithm>
#include <array>
#include <utility>

#include "datapath/odp_text.h"
#include "datapath/user/executor.h"
#include "datapath/user/flow_cache.h"
#include "datapath/user/megaflow_table.h"
#include "datapath/user/ports.h"
#include "lib/log.h"

namespace sluice {
namespace {

constexpr unsigned kMaxSampleNesting = 10;  // what is promised; there is no limit but that of all actions
enum class Has : uint8_t { kNo, kYes, kNumber };
struct Feature { const char* title; Has has; unsigned number = 0; };
Log log("dpif_netdev");   // Open vSwitch's name for it

constexpr unsigned kBurstsPerPort = 8;  // in one run(), so that no port and no flood keeps the loop

}  // namespace

struct UserDatapath::Impl final : PacketExits {
  Impl(UserDatapathSettings s, NetdevFactory& f)
      : settings(std::move(s)), factory(f), ports(pool), flows(settings.seed), cache(settings.seed), connections(settings.seed), executor(pool, ports, connections, meters, *this, settings.seed) {}

  void receive(UserPort& port, Time now);
  void forward(PacketBatch& batch, UserPort& port, Time now);
  void hit(UserFlow& flow, Packet* p, uint16_t tcp_flags, Time now, unsigned depth);
  void run_program(UserFlow& flow, Packet* p, Time now, unsigned depth);
  void forward_slowly(Packet* p, Time now, unsigned depth);
  void to_brain(UpcallKind kind, Packet* p, const Flow& key, const UserFlow* flow, Time now);
  void remember(Packet& p, UserFlow* flow);
  void recirculate(Packet* packet, unsigned depth, Time now) override;
  void to_user(Packet* packet, const OdpUserspace& why, Time now) override;
  void end_flow(UserFlow* flow, Time now);
  template <typename Visit>
  uint64_t each_flow(uint64_t from, size_t most, const Visit& visit);
  void set_program(UserFlow& flow, const OdpActions& actions, uint64_t generation_of);

  UserDatapathSettings settings;
  NetdevFactory& factory;
  PacketPool pool;                    // outlives everything that holds packets
  UserPorts ports;
  MegaflowTable flows;
  FlowCache cache;
  ProgramCache programs;
  Conntrack connections;
  UserMeters meters;
  Executor executor;
  UpcallHandler* handler = nullptr;
  uint64_t generation = 0;
  DpifStats stats;
  PacketBatch batch{pool};            // of receive()
  std::vector<UserPort*> ready;
  bool more = false;                  // run() left packets waiting
  unsigned nesting = 0;               // > 0: whoever began flushes
  unsigned recirc_depth = 0;          // of the packet under way, when the brain executes actions in an upcall
};

UserDatapath::UserDatapath(UserDatapathSettings settings, NetdevFactory& factory) : impl_(std::make_unique<Impl>(std::move(settings), factory)) {}
UserDatapath::~UserDatapath() = default;

const std::string& UserDatapath::type() const { return impl_->settings.type; }
const std::string& UserDatapath::name() const { return impl_->settings.name; }
void UserDatapath::set_upcall_handler(UpcallHandler* handler) { impl_->handler = handler; }
std::vector<std::pair<std::string, std::string>> UserDatapath::features() const {
  using enum Has;
  constexpr Feature kFeatures[] = {
      {"Masked set action", kYes}, {"Tunnel push pop", kNo}, {"Ufid", kYes}, {"Truncate action", kYes}, {"Clone action", kYes}, {"Sample nesting", kNumber, kMaxSampleNesting},
      {"Conntrack eventmask", kYes}, {"Conntrack clear", kYes}, {"Max dp_hash algorithm", kNumber, 1}, {"Check pkt length action", kYes}, {"Conntrack timeout policy", kNo},
      {"Explicit Drop action", kYes}, {"Optimized Balance TCP mode", kNo}, {"Conntrack all-zero IP SNAT", kNo}, {"MPLS Label add", kYes}, {"Max VLAN headers", kNumber, 2},
      {"Max MPLS depth", kNumber, kMplsLabels}, {"Recirc", kYes}, {"CT state", kYes}, {"CT zone", kYes}, {"CT mark", kYes}, {"CT label", kYes}, {"CT state NAT", kYes},
      {"CT orig tuple", kYes}, {"CT orig tuple for IPv6", kYes}, {"IPv6 ND Extension", kYes}};
  std::vector<std::pair<std::string, std::string>> all;
  for (const Feature& f : kFeatures) all.emplace_back(f.title, f.has == kNumber ? std::to_string(f.number) : f.has == kYes ? "Yes" : "No");
  return all;
}
int UserDatapath::wait_fd() const { return impl_->ports.wait_fd(); }

// --- packets ---

bool UserDatapath::run(Time now) {
  Impl& d = *impl_;
  d.more = false;
  d.ready.clear();
  d.ports.poll(now, d.ready);
  for (UserPort* port : d.ready) d.receive(*port, now);
  return d.connections.run(now) || d.more;
}

void UserDatapath::Impl::receive(UserPort& port, Time now) {
  for (unsigned i = 0; i < kBurstsPerPort; i++) {
    port.device->receive(now, batch);
    size_t n = batch.size();
    if (!n) return;
    nesting++;
    forward(batch, port, now);
    nesting--;
    ports.flush(now);
    if (n < kBurst) return;
  }
  more = true;
}

/// Three passes over the burst, so that the memory that one packet waits for is fetched while others are worked on.
void UserDatapath::Impl::forward(PacketBatch& batch, UserPort& port, Time now) {
  struct Lookup { FastKey key; uint64_t hash; uint16_t tcp_flags; bool simple; FlowCache::Found found; };
  Lookup lookups[kBurst];
  size_t n = batch.size();
  Packet** packets = batch.raw();
  const uint32_t epoch = flows.mask_epoch();
  const FastKey mask = flows.fast_mask();
  for (size_t i = 0; i < n; i++) {
    Lookup& l = lookups[i];
    packets[i]->in_port = port.number;
    l.simple = fast_key(*packets[i], port.number.value, l.key);
    if (!l.simple) continue;
    l.tcp_flags = l.key.tcp_flags().host();
    l.key.mask(mask);
    l.hash = cache.hash(l.key);
    cache.prefetch(l.hash);
  }
  for (size_t i = 0; i < n; i++) {
    Lookup& l = lookups[i];
    l.found = l.simple ? cache.find(l.key, l.hash, epoch) : FlowCache::Found{};
    __builtin_prefetch(l.found.flow);
  }
  uint64_t hits = 0;
  for (size_t i = 0; i < n; i++) {
    const Lookup& l = lookups[i];
    UserFlow* flow = l.found.flow;
    if (flow && flow->serial == l.found.serial && flow->generation == generation) [[likely]] {
      hits++;
      hit(*flow, packets[i], l.tcp_flags, now, 0);
    } else {
      forward_slowly(packets[i], now, 0);
    }
  }
  stats.hit += hits;
  stats.cache_hit += hits;
  batch.forget();
}

/// Counts the packet and does what the flow says.  The program may end the flow (an upcall inside), so nothing is read of it afterwards.
inline void UserDatapath::Impl::hit(UserFlow& flow, Packet* p, uint16_t tcp_flags, Time now, unsigned depth) {
  flow.packets++;
  flow.bytes += p->size();
  flow.used = now;
  flow.tcp_flags |= tcp_flags;
  if (flow.kind == ProgramKind::kOutput) [[likely]] return ports.send(flow.port, p);
  run_program(flow, p, now, depth);
}

void UserDatapath::Impl::run_program(UserFlow& flow, Packet* p, Time now, unsigned depth) {
  if (flow.kind == ProgramKind::kDrop) return pool.give(p);
  if (flow.kind == ProgramKind::kOutputs) {
    for (const Op& op : flow.program->ops()) {
      if (!op.last) PacketPool::share(p);
      ports.send(op.arg, p);
    }
    return;
  }
  auto program = flow.program;
  executor.run(*program, p, now, depth);
}

void UserDatapath::Impl::forward_slowly(Packet* p, Time now, unsigned depth) {
  Flow key;
  extract(*p, key);
  UserFlow* flow = flows.find(key, stats.mask_hit);
  if (!flow) {
    stats.missed++;
    if (log.enabled(LogLevel::dbg)) log.dbg("{}: miss upcall:\n{}", settings.name, format_odp_key(key));
    return to_brain(UpcallKind::kMiss, p, key, nullptr, now);
  }
  stats.hit++;
  if (flow->generation != generation) {
    if (!handler || !handler->still_holds(flow->head())) return to_brain(UpcallKind::kStale, p, key, flow, now);
    flow->generation = generation;
  }
  if (depth == 0) remember(*p, flow);
  hit(*flow, p, key.tcp_flags.host(), now, depth);
}

void UserDatapath::Impl::recirculate(Packet* packet, unsigned depth, Time now) {
  unsigned outer = std::exchange(recirc_depth, depth);
  forward_slowly(packet, now, depth);
  recirc_depth = outer;
}

void UserDatapath::Impl::remember(Packet& p, UserFlow* flow) {
  FastKey key;
  if (p.has_metadata() || !fast_key(p, p.in_port.value, key)) return;
  key.mask(flows.fast_mask());
  cache.insert(key, cache.hash(key), flows.mask_epoch(), flow);
}

void UserDatapath::Impl::to_brain(UpcallKind kind, Packet* p, const Flow& key, const UserFlow* flow, Time now) {
  if (!handler) {
    stats.lost++;
    return pool.give(p);
  }
  p = pool.writable(p);
  Upcall upcall{.kind = kind, .packet = pool.release(p), .key = key};
  if (!flow) return handler->upcall(std::move(upcall), now);
  Megaflow megaflow;
  flows.describe(*flow, megaflow);
  upcall.flow = &megaflow;
  handler->upcall(std::move(upcall), now);
}

void UserDatapath::Impl::to_user(Packet* p, const OdpUserspace& why, Time now) {
  if (!handler) {
    stats.lost++;
    return pool.give(p);
  }
  p = pool.writable(p);
  Upcall upcall{.kind = UpcallKind::kAction, .packet = pool.release(p), .key = {}, .cookie = why.cookie, .reason = why.reason};
  extract(upcall.packet, upcall.key);
  handler->upcall(std::move(upcall), now);
}

void UserDatapath::inject(Packet packet, Time now) {
  Impl& d = *impl_;
  d.nesting++;
  d.forward_slowly(d.pool.adopt(std::move(packet)), now, 0);
  if (--d.nesting == 0) d.ports.flush(now);
}

void UserDatapath::execute(Packet packet, const OdpActions& actions, Time now) {
  Impl& d = *impl_;
  if (actions.empty()) return;
  Flow offsets;
  extract(packet, offsets);
  auto program = d.programs.get(actions);
  d.nesting++;
  d.executor.run(*program, d.pool.adopt(std::move(packet)), now, d.recirc_depth);
  if (--d.nesting == 0) d.ports.flush(now);
}

Time UserDatapath::deadline(Time now) const { return impl_->more ? now : std::min(impl_->ports.next_packet(now), impl_->connections.deadline()); }

// --- ports ---

std::expected<OdpPort, std::string> UserDatapath::port_add(const NetdevSpec& spec, std::optional<OdpPort> wanted) {
  Impl& d = *impl_;
  for (const DpPort& port : d.ports.list())
    if (port.name == spec.name) return std::unexpected(open_error(spec.name, EEXIST));
  if (wanted && (wanted->value > UserPorts::kMostPorts || d.ports.find(*wanted))) wanted.reset();
  if (!wanted) wanted = d.ports.choose_number(spec.name, d.settings.dummy_numbers);
  if (!wanted) return std::unexpected(open_error(spec.name, EFBIG));
  auto device = d.factory.open(spec);
  if (!device) return std::unexpected(device.error());
  d.ports.add(*wanted, std::move(*device));
  return *wanted;
}

void UserDatapath::port_del(OdpPort port) { impl_->ports.remove(port); }
std::vector<DpPort> UserDatapath::ports() const { return impl_->ports.list(); }

Netdev* UserDatapath::netdev(OdpPort port) {
  UserPort* p = impl_->ports.find(port);
  return p ? p->device.get() : nullptr;
}

// --- flows ---

void UserDatapath::Impl::set_program(UserFlow& flow, const OdpActions& actions, uint64_t generation_of) {
  flow.program = programs.get(actions);
  flow.kind = flow.program->kind();
  flow.port = flow.kind == ProgramKind::kOutput ? flow.program->port() : 0;
  flow.generation = generation_of;
}

void UserDatapath::Impl::end_flow(UserFlow* flow, Time now) {
  if (!handler) return;
  Megaflow megaflow;
  flows.describe(*flow, megaflow);
  handler->flow_removed(megaflow, now);
}

SlowReason UserDatapath::flow_put(const FlowPut& put, Time now) {
  Impl& d = *impl_;
  MegaflowTable::Place place = d.flows.place(put.key, put.mask);
  if (place.existing) d.end_flow(place.existing, now);
  else place.existing = d.flows.insert(put.key, place);
  UserFlow& flow = *place.existing;
  flow.packets = flow.bytes = 0;
  flow.used = Time::min();
  flow.tcp_flags = 0;
  flow.cookie = put.cookie;
  d.set_program(flow, put.actions, put.generation);
  if (log.enabled(LogLevel::dbg)) {
    std::string ufid = format_ufid(place.ufid);
    log.dbg("flow_add: {} mega_{} {}, actions:{}", ufid, ufid, format_odp_key(put.key, place.mask), format_odp_actions(put.actions));
  }
  return SlowReason::kNone;
}

void UserDatapath::flow_refresh(const Ufid& ufid, uint64_t generation) {
  if (UserFlow* flow = impl_->flows.find(ufid)) flow->generation = generation;
}

bool UserDatapath::flow_modify(const Ufid& ufid, const OdpActions& actions, uint64_t generation) {
  UserFlow* flow = impl_->flows.find(ufid);
  if (flow) impl_->set_program(*flow, actions, generation);
  return flow;
}

void UserDatapath::flow_del(const Ufid& ufid, Time now) {
  UserFlow* flow = impl_->flows.find(ufid);
  if (!flow) return;
  impl_->end_flow(flow, now);
  impl_->flows.erase(flow);
}

void UserDatapath::flow_flush(Time now) {
  for (size_t i = 0; i < impl_->flows.slots(); i++) {
    UserFlow* flow = impl_->flows.slot(i);
    if (!flow) continue;
    impl_->end_flow(flow, now);
    impl_->flows.erase(flow);
  }
}

/// Calls `visit` for each flow from a slot on, as Dpif::flow_dump() says.
template <typename Visit>
uint64_t UserDatapath::Impl::each_flow(uint64_t from, size_t most, const Visit& visit) {
  for (; from < flows.slots(); from++) {
    UserFlow* flow = flows.slot(from);
    if (!flow) continue;
    if (most-- == 0) return from;
    if (!visit(*flow)) return from + 1 < flows.slots() ? from + 1 : 0;
  }
  return 0;
}

uint64_t UserDatapath::flow_dump(uint64_t from, size_t most, const std::function<bool(const Megaflow&)>& visit) {
  Megaflow megaflow;
  return impl_->each_flow(from, most, [&](const UserFlow& flow) {
    impl_->flows.describe(flow, megaflow);
    return visit(megaflow);
  });
}

uint64_t UserDatapath::flow_heads(uint64_t from, size_t most, Statistics, const std::function<bool(const FlowHead&)>& visit) {
  return impl_->each_flow(from, most, [&](const UserFlow& f) { return visit(f.head()); });
}

bool UserDatapath::flow_get(const Ufid& ufid, Statistics, Megaflow& out) {
  const UserFlow* flow = impl_->flows.find(ufid);
  if (flow) impl_->flows.describe(*flow, out);
  return flow;
}

bool UserDatapath::flow_match(const Ufid& ufid, Flow& key, Flow& mask) const {
  const UserFlow* flow = impl_->flows.find(ufid);
  if (flow) mask = flow->subtable->mask(), key = flow->subtable->expand(flow->key.get());
  return flow;
}

DpifStats UserDatapath::stats() const {
  DpifStats s = impl_->stats;
  s.flows = impl_->flows.size();
  s.masks = impl_->flows.masks();
  return s;
}

// --- connections ---

void UserDatapath::ct_dump(std::optional<uint16_t> zone, Time now, const std::function<bool(const CtEntry&)>& visit) { impl_->connections.dump(zone, now, visit); }
size_t UserDatapath::ct_flush(std::optional<uint16_t> zone, Time now, const std::function<bool(const CtEntry&)>& which) { return impl_->connections.flush(zone, now, which); }
std::optional<CtStats> UserDatapath::ct_stats() const { return impl_->connections.stats(); }
bool UserDatapath::ct_set_max_connections(uint64_t n) { return impl_->connections.set_max_connections(n), true; }
bool UserDatapath::ct_set_tcp_sequence_check(bool on) { return impl_->connections.set_tcp_sequence_check(on), true; }
std::vector<CtZoneLimit> UserDatapath::ct_limits() const { return impl_->connections.limits(); }
bool UserDatapath::ct_set_limit(int32_t zone, uint32_t limit) { return impl_->connections.set_limit(zone, limit), true; }
void UserDatapath::ct_configure(const CtSettings& settings) { impl_->connections.configure(settings); }
bool UserDatapath::ct_del_limit(uint16_t zone) { return impl_->connections.del_limit(zone); }

DpMeterFeatures UserDatapath::meter_features() const { return UserMeters::kFeatures; }
int UserDatapath::meter_set(uint32_t id, const DpMeter& meter, Time now) { return impl_->meters.set(id, meter, now); }
void UserDatapath::meter_del(uint32_t id) { impl_->meters.remove(id); }
std::optional<DpMeterStats> UserDatapath::meter_stats(uint32_t id) { return impl_->meters.stats(id); }

void UserDatapath::set_generation(uint64_t generation, Time) { impl_->generation = generation; }

}  // namespace sluice
