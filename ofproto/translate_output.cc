// SPDX-License-Identifier: Apache-2.0
// Output: to ports of the bridge, reserved ports, controllers, and through patch ports into other bridges.
#include <fmt/core.h>
#include <xxhash.h>

#include <utility>

#include "ofproto/translator.h"

namespace sluice {

void Translator::output(OfpPort port, uint16_t controller_max_len, bool in_port_too) {
  if (port == OFPP_IN_PORT) return send(OfpPort{flow_.in_port.host()});
  if (port == OFPP_TABLE) return lookup(0, MissIs::kPolicy);
  if (port == OFPP_NORMAL) return normal();
  if (port == OFPP_FLOOD) return flood(true);
  if (port == OFPP_ALL) return flood(false);
  if (port == OFPP_NONE) return;
  if (port == OFPP_CONTROLLER) {
    auto reason = in_group_ ? ofp::PacketInReason::kGroup : in_action_set_ ? ofp::PacketInReason::kActionSet : ofp::PacketInReason::kAction;
    if (input_.actions && !rule_) reason = ofp::PacketInReason::kPacketOut;
    return to_controller({.max_len = controller_max_len, .controller_id = 0, .reason = reason, .pause = false, .userdata = {}, .meter_id = 0});
  }
  if (port.value == flow_.in_port.host() && !in_port_too) return warning("skipping output to input port");
  send(port);
}

/// FLOOD and ALL: the local port, then by number.
void Translator::flood(bool respect_no_flood) {
  auto one = [&](const PortView& p) {
    if (p.ofport.value == flow_.in_port.host() || (respect_no_flood && (p.config & ofp::OFPPC_NO_FLOOD)) || !p.may_forward()) return;
    send(p.ofport);
  };
  if (const PortView* local = bridge_->port(OFPP_LOCAL)) one(*local);
  for (const auto& [number, port] : bridge_->ports)
    if (port.ofport != OFPP_LOCAL) one(port);
}

void Translator::send(OfpPort number) {
  const PortView* port = bridge_->port(number);
  if (!port) return warning("Nonexistent output port");
  if (port->config & ofp::OFPPC_NO_FWD) return warning("OFPPC_NO_FWD set, skipping output");
  if (port->is_patch) {
    send_patch(*port);
  } else if (!may_carry()) {
    return;
  } else {
    commit();
    if (snaplen_) emit({OdpTrunc{snaplen_}});
    if (port->tunnel) send_tunnel(*port);
    else emit({OdpOutput{port->odp}});
  }
  if (bridge_->mirrors.empty()) return;
  if (const L2Port* l2 = bridge_->l2_port(port->port)) mirror(*l2, l2->mirrors_out);
}

void Translator::send_truncated(OfpPort port, uint32_t max_len) {
  if (port == OFPP_IN_PORT) port = OfpPort{flow_.in_port.host()};
  const PortView* p = bridge_->port(port);
  if (!p) return warning("Nonexistent output port");
  if (p->is_patch) return send_patch(*p);
  if (!may_carry()) return;
  commit();
  emit({OdpTrunc{max_len}});
  if (p->tunnel) return send_tunnel(*p);
  emit({OdpOutput{p->odp}});
}

/// Links carry frames; only bridges know of packets without an Ethernet header.
bool Translator::may_carry() {
  if (!flow_.packet_type) return true;
  warning("Trying to send non-Ethernet packet through legacy L2 port. Dropping packet.");
  return false;
}

/// The packet goes on in the peer's bridge; what that does to it is not seen here.
void Translator::send_patch(const PortView& port) {
  const BridgeView* peer = pipeline_.bridge(port.peer_bridge);
  const PortView* in = peer ? peer->port(port.peer_port) : nullptr;
  if (!in) return warning("Nonexistent patch port peer");
  if (!may_go_on(true)) return;
  effect(PatchTraffic{bridge_->id, port.ofport, false});
  effect(PatchTraffic{peer->id, in->ofport, true});
  depth_++;
  Structure before = structure();
  Flow flow = flow_;
  auto stack = std::exchange(stack_, {});
  size_t stack_bytes = std::exchange(stack_bytes_, 0);
  auto set = std::exchange(action_set_, {});
  const BridgeView* bridge = bridge_;
  go_to(peer);
  const Rule* rule = std::exchange(rule_, nullptr);
  uint8_t table = table_;
  bool exit = exit_, in_set = std::exchange(in_action_set_, false), in_group = std::exchange(in_group_, false);
  bool was_mpls = was_mpls_;
  uint32_t mirrored = std::exchange(mirrored_, 0);
  const Rule* first_rule = std::exchange(first_rule_, nullptr);
  flow_.in_port = be32(in->ofport.value);
  flow_.metadata = be64();
  std::ranges::fill(flow_.reg, be32());
  flow_.actset_output = be32(OFPP_UNSET.value);
  forget_tunnel(flow_);
  enter_bridge(in);
  mirrored_ = mirrored;
  first_rule_ = first_rule;
  return_to(before);
  was_mpls_ = was_mpls;
  flow_ = flow;
  stack_ = std::move(stack);
  stack_bytes_ = stack_bytes;
  action_set_ = std::move(set);
  go_to(bridge);
  rule_ = rule;
  table_ = table;
  exit_ = exit;
  in_action_set_ = in_set;
  in_group_ = in_group;
  depth_--;
}

namespace {

/// What a tunnel packet is told by, or what actions have set for the next tunnel.
void put_tunnel(const FlowTunnel& t, ofp::Match& m) {
  auto put = [](const auto& from, auto& value, auto& mask) {
    const std::decay_t<decltype(from)> nothing{};
    if (from == nothing) return;
    value = from;
    std::memset(static_cast<void*>(&mask), 0xff, sizeof mask);
  };
  FlowTunnel &v = m.value.tunnel, &k = m.mask.tunnel;
  put(t.id, v.id, k.id);
  put(t.src, v.src, k.src), put(t.dst, v.dst, k.dst);
  put(t.ipv6_src, v.ipv6_src, k.ipv6_src), put(t.ipv6_dst, v.ipv6_dst, k.ipv6_dst);
}

}  // namespace

void Translator::to_controller(const ofp::Controller& c, bool is_implicit_miss, FrozenPtr pause) {
  PacketInSpec spec{.bridge = bridge_->id, .reason = c.reason, .table = table_, .is_implicit_miss = is_implicit_miss,
                    .is_table_miss = rule_ && rule_->priority == 0 && rule_->match.map().count() == 0, .pause = c.pause,
                    .controller_id = c.controller_id, .max_len = c.max_len,
                    .rule_cookie = is_implicit_miss ? 0 : rule_ ? rule_->cookie : thawed_cookie_.value_or(UINT64_MAX),
                    .in_port = OfpPort{flow_.in_port.host()}, .userdata = c.userdata, .metadata = {}};
  spec.frozen = std::move(pause);
  auto& m = spec.metadata;
  m.set_in_port(spec.in_port);
  if (flow_.packet_type) m.value.packet_type = flow_.packet_type, m.mask.packet_type = ~be32();
  if (flow_.metadata) m.value.metadata = flow_.metadata, m.mask.metadata = ~be64();
  put_tunnel(flow_.tunnel, m);
  if ((m.value.tun_present = m.mask.tun_present = flow_.tun_present)) {
    std::memcpy(m.value.tun_metadata, flow_.tun_metadata, sizeof m.value.tun_metadata);
    std::memset(m.mask.tun_metadata, 0xff, sizeof m.mask.tun_metadata);
  }
  for (unsigned i = 0; i < kRegs; i++)
    if (flow_.reg[i]) m.value.reg[i] = flow_.reg[i], m.mask.reg[i] = ~be32();
  // What the tracker said is told, and each packet says it itself (upcall.cc): reading it here would make megaflows narrower.
  if (!ct_forgotten_) m.value.ct_state = m.mask.ct_state = kCtTrk;
  commit();
  OdpPacketIn shown{.rule_cookie = spec.rule_cookie, .controller_id = spec.controller_id, .reason = static_cast<uint8_t>(spec.reason), .continuation = spec.pause, .dont_send = !input_.effects_follow};
  OdpAction up{OdpUserspace{SlowReason::kController, out_.packet_ins.size() + 1, c.max_len, shown}};
  // Its own meter, or that of all packet-ins: it drops this copy alone.
  auto meter = bridge_->meters.find(c.meter_id ? c.meter_id : ofp::OFPM_CONTROLLER);
  if (meter == bridge_->meters.end()) emit(std::move(up));
  else emit({OdpSample{UINT32_MAX, {{OdpMeter{meter->second.dp_id}}, std::move(up)}}});
  out_.packet_ins.push_back(std::move(spec));
}

uint64_t hash_of(const PacketInSpec& s) {
  struct Fixed {
    uint64_t rule_cookie;
    uint32_t bridge, in_port;
    uint16_t controller_id, max_len;
    uint8_t reason, table, miss, pause;  // miss: 1 implicit, 2 table-miss entry
  } fixed{s.rule_cookie, s.bridge, s.in_port.value, s.controller_id, s.max_len, static_cast<uint8_t>(s.reason), s.table,
          static_cast<uint8_t>(s.is_implicit_miss + 2 * s.is_table_miss), s.pause};
  uint64_t h = XXH3_64bits(&fixed, sizeof fixed);
  h = XXH3_64bits_withSeed(s.userdata.data(), s.userdata.size(), h);
  if (s.frozen) h ^= s.frozen->hash();
  h = XXH3_64bits_withSeed(&s.metadata.value, sizeof s.metadata.value, h);
  return h ? h : 1;
}

}  // namespace sluice
