// SPDX-License-Identifier: Apache-2.0
// The main line of a translation: received packet -> tables -> action lists -> action set.  See translate.h, translator.h.
#include "ofproto/translate.h"

#include <fmt/core.h>

#include <algorithm>

#include "datapath/ethertype.h"
#include "ofproto/openflow/match.h"
#include "ofproto/translator.h"
#include "ofproto/tunnel_options.h"

namespace sluice {

using ofp::Actions;

Translation translate(const Pipeline& pipeline, const TranslateInput& input, TraceTree* trace) { return Translator(pipeline, input, trace).run(); }

const char* describe(TranslateError e) {
  switch (e) {
    case TranslateError::kNone: return "OK";
    case TranslateError::kNoInPort: return "No input bundle";
    case TranslateError::kTooDeep: return "Recursion too deep";
    case TranslateError::kTooManyResubmits: return "Too many resubmits";
    case TranslateError::kStackTooDeep: return "Stack too deep";
    case TranslateError::kTooManyActions: return "Too many actions";
    case TranslateError::kInvalidTunnel: return "Invalid tunnel metadata";
    case TranslateError::kNoRecirculation: return "No recirculation context";
    case TranslateError::kTooManyLabels: return "Too many MPLS labels";
    case TranslateError::kUnsupportedPacketType: return "Unsupported packet type";
  }
  return "Unknown error";
}

Translator::Translator(const Pipeline& pipeline, const TranslateInput& input, TraceTree* trace)
    : pipeline_(pipeline), input_(input), trace_(trace), flow_(input.key), base_(), p_(flow_, out_.mask), odp_(&out_.actions), tracked_(input.resume || input.key.recirc_id || input.key.ct_state) {
  out_.effects.reserve(4);   // a look-up and a rule or two, mostly
}

Translation Translator::run() {
  // What each megaflow is exact about.
  p_.mark<&Flow::recirc_id>();
  p_.mark<&Flow::in_port>();
  p_.mark<&Flow::packet_type>();
  p_.mark<&Flow::eth_type>();
  if (flow_.is_ip()) p_.get_bits<&Flow::nw_frag>(static_cast<uint8_t>(kFragAny | kFragLater));

  FrozenPtr state = input_.resume;
  if (!state && flow_.recirc_id) {
    state = pipeline_.recircs.find(flow_.recirc_id.host());
    if (!state || !pipeline_.bridge(state->bridge)) return fail(TranslateError::kNoRecirculation), std::move(out_);
  }
  if (state) {
    thaw(*state);
    finish();
    return std::move(out_);
  }
  OfpPort in_port{flow_.in_port.host()};
  if (input_.bridge) {
    go_to(input_.bridge);
  } else if (const Pipeline::Place* place = pipeline_.place(flow_)) {
    go_to(place->bridge);
    in_port = place->port;
  } else {
    if (pipeline_.tunnels.contains(in_port.value)) p_.mark<&Flow::tunnel>();   // another packet may be of a tunnel
    out_.error = TranslateError::kNoInPort;
    return std::move(out_);
  }
  came_in_ = flow_.in_port = be32(in_port.value);
  flow_.actset_output = be32(OFPP_UNSET.value);
  options_to_fields(flow_, bridge_->tlv);
  base_ = flow_;
  forget_tunnel(base_);   // what a packet came through, it does not go out through
  receive();
  finish();
  return std::move(out_);
}

void Translator::receive() {
  const PortView* in = bridge_->port(OfpPort{flow_.in_port.host()});
  if (input_.actions) {
    if (trace_) trace_->open(TraceKind::kBridge, fmt::format("bridge(\"{}\")", bridge_->name));
    run_actions(*input_.actions);
    run_action_set();
    finish_freezing();
    if (trace_) trace_->close();
    return;
  }
  enter_bridge(in);
}

/// Table 0 and what comes of it, for a packet that arrives at bridge_.
void Translator::enter_bridge(const PortView* in) {
  if (trace_) trace_->open(TraceKind::kBridge, fmt::format("bridge(\"{}\")", bridge_->name));
  if (in && in->tunnel && !depth_ && !receive_tunnel(*in)) {
    // dropped
  } else if (in && (in->config & ofp::OFPPC_NO_RECV)) {
    warning("port has OFPPC_NO_RECV set, dropping");
  } else {
    if (const L2Port* l2 = in && !bridge_->mirrors.empty() ? bridge_->l2_port(in->port) : nullptr) mirror(*l2, l2->mirrors_in);
    lookup(0, MissIs::kPolicy);
    run_action_set();
    finish_freezing();
  }
  if (trace_) trace_->close();
}

/// The best rule for a packet that looks so.
const Rule* Translator::find_rule_as(uint8_t table, const Flow& seen, Flow& mask) {
  seen_modified_ = modified(seen);
  return bridge_->tables->lookup(table, seen, &mask);
}

/// Which words are not what the packet came with; in_port, as the bridge counts ports.
uint64_t Translator::modified(const Flow& seen) const {
  uint64_t words = 0;
  for_blocks<kComparedWords>([now = seen.words(), before = input_.key.words(), &words](size_t from, auto n) {
    uint64_t differs = 0;
    for (size_t i = 0; i < n; i++) differs |= now[from + i] ^ before[from + i];
    if (!differs) return;
    for (size_t i = from; i < from + n; i++) words |= uint64_t{now[i] != before[i]} << i;
  });
  bool same_port = came_in_ && seen.in_port == *came_in_ && seen.recirc_id == input_.key.recirc_id;
  return same_port ? words & ~uint64_t{1} : words | 1;
}

/// The best rule of the table for flow_, as the bridge's fragment mode lets it be seen (OF1.3.5 7.3.2).
const Rule* Translator::find_rule(uint8_t table) {
  if (flow_.packet_type) return find_bare(table);
  bool is_fragment = flow_.is_ip() && (flow_.nw_frag & kFragAny);
  if (!is_fragment || bridge_->fragments == ofp::Fragments::kNxMatch) return find_rule_as(table, flow_, out_.mask);
  Flow seen = flow_;   // without ports, which later fragments do not have
  seen.tp_src = seen.tp_dst = be16();
  return find_rule_as(table, seen, out_.mask);
}

/// A packet without an Ethernet header: matches of Ethernet types, and of tags or of their absence, mean frames.
const Rule* Translator::find_bare(uint8_t table) {
  Flow seen = flow_;
  seen.eth_type = be16(UINT16_MAX);
  seen.vlan_tci = be16(0x0fff);
  return find_rule_as(table, seen, out_.mask);
}

void Translator::lookup(uint8_t table, MissIs on_miss, std::optional<be32> in_port, bool by_ct) {
  uint8_t outer = std::exchange(table_, table);
  bool dropped_fragment = flow_.is_ip() && (flow_.nw_frag & kFragAny) && bridge_->fragments == ofp::Fragments::kDrop;
  be32 real_in_port = std::exchange(flow_.in_port, in_port.value_or(flow_.in_port));
  const Rule* rule = dropped_fragment ? nullptr : by_ct ? find_rule_by_ct(table) : find_rule(table);
  flow_.in_port = real_in_port;
  if (has_learned_) out_.sees_learned |= would_find_learned(table, rule);
  effect(TableLookup{bridge_->id, table, rule != nullptr, seen_modified_, flow_.metadata});
  if (rule) {
    run_rule(*rule, table);
  } else {
    if (trace_)
      trace_->open(TraceKind::kTable, dropped_fragment ? fmt::format("{:2}. Packets are IP fragments and the fragment handling mode is \"drop\".", table) : fmt::format("{:2}. No match.", table));
    if (on_miss == MissIs::kPolicy && !dropped_fragment)
      miss(table);
    else
      detail("drop");
    if (trace_) trace_->close();
  }
  table_ = outer;
}

void Translator::miss(uint8_t table) {
  const PortView* in = bridge_->port(OfpPort{flow_.in_port.host()});
  const ofp::TableMiss config = bridge_->tables->table(table).miss;
  if (config == ofp::TableMiss::kDrop) return detail("drop");
  if (config == ofp::TableMiss::kContinue) {   // in the last table too: to the controller
    if (table + 1u < kFlowTables - 1) return lookup(static_cast<uint8_t>(table + 1), MissIs::kPolicy);
  }
  bool wanted = config == ofp::TableMiss::kDefault ? bridge_->miss_to_controller : true;
  if (!wanted || (in && (in->config & ofp::OFPPC_NO_PACKET_IN))) return detail("drop");
  const Rule* outer = std::exchange(rule_, nullptr);
  detail("CONTROLLER");
  to_controller({.max_len = UINT16_MAX, .controller_id = 0, .reason = ofp::PacketInReason::kNoMatch, .pause = false, .userdata = {}, .meter_id = 0}, true);
  rule_ = outer;
}

void Translator::run_rule(const Rule& rule, uint8_t table) {
  effect(RuleHit{bridge_->id, rule.id});
  if (trace_) {
    std::string text = fmt::format("{:2}. ", table), match;
    ofp::format_match(rule.match.expand(), match, nullptr, tlv());
    if (!match.empty()) text += match + ", ";
    text += fmt::format("priority {}", rule.priority);
    if (rule.cookie) text += fmt::format(", cookie {:#x}", rule.cookie);
    trace_->open(TraceKind::kTable, std::move(text));
    if (rule.actions->actions.empty()) detail("drop");
  }
  const Rule* outer = std::exchange(rule_, &rule);
  if (!outer && !first_rule_) first_rule_ = &rule;
  bool in_group = std::exchange(in_group_, false);
  run_actions(rule.actions->actions);
  in_group_ = in_group;
  rule_ = outer;
  if (trace_) trace_->close();
}

void Translator::run_actions(const Actions& actions) {
  for (size_t i = 0; i < actions.size() && !stopped(); i++) {
    if (must_recirculate_before(actions[i])) {
      freezing_ = true;
      return freeze_rest(actions, i);
    }
    if (trace_) {
      std::string text;
      ofp::format_actions({actions[i]}, text);
      trace_->open(TraceKind::kAction, std::move(text));
    }
    Then then;
    if (auto* check = actions[i].as<ofp::CheckPktLarger>()) {
      check_pkt_larger(*check, {actions.begin() + static_cast<ptrdiff_t>(i) + 1, actions.end()});
      then = Then::kStopList;
    } else {
      then = run_action(actions[i], i + 1 == actions.size());
    }
    if (trace_) trace_->close();
    if (freezing_) return freeze_rest(actions, i + !std::exchange(redo_, false));
    if (then == Then::kStopList) return;
  }
}

namespace {

/// The set's actions in the order in which they run (OF1.3.5 5.10, with the extensions' places): of most kinds only the one written last.
Actions order_action_set(const Actions& set) {
  using namespace ofp;
  Actions out;
  auto last = [&]<typename T>(std::type_identity<T>) {
    for (auto a = set.rbegin(); a != set.rend(); ++a)
      if (a->template as<T>()) return out.push_back(*a), true;
    return false;
  };
  last(std::type_identity<StripVlan>{});
  last(std::type_identity<PopMpls>{});
  last(std::type_identity<Decap>{});
  last(std::type_identity<Encap>{});
  last(std::type_identity<PushMpls>{});
  last(std::type_identity<PushVlan>{});
  last(std::type_identity<DecTtl>{});
  last(std::type_identity<DecMplsTtl>{});
  last(std::type_identity<DecNshTtl>{});
  for (const Action& a : set) {
    bool sets = a.as<SetField>() || a.as<Move>() || a.as<SetEthSrc>() || a.as<SetEthDst>() || a.as<SetIpSrc>() || a.as<SetIpDst>() || a.as<SetIpTos>() ||
                a.as<SetIpEcn>() || a.as<SetIpTtl>() || a.as<SetL4Src>() || a.as<SetL4Dst>() || a.as<SetVlanVid>() || a.as<SetVlanPcp>() || a.as<SetMplsLabel>() ||
                a.as<SetMplsTc>() || a.as<SetMplsTtl>() || a.as<SetTunnel>();
    if (sets) out.push_back(a);
  }
  last(std::type_identity<SetQueue>{});
  bool has_output = last(std::type_identity<ofp::Group>{}) || last(std::type_identity<Output>{}) || last(std::type_identity<Resubmit>{}) ||
                    last(std::type_identity<CtClear>{}) || last(std::type_identity<Ct>{});
  if (!has_output) out.clear();  // nothing that it could have an effect on
  return out;
}

}  // namespace

void Translator::run_action_set_of(Which which) {
  if (action_set_.empty() || freezing_ || out_.error != TranslateError::kNone) return;
  Actions ordered = order_action_set(action_set_);
  action_set_.clear();
  exit_ = false;
  if (ordered.empty()) return;
  if (which == Which::kBucket) return run_actions(ordered);
  bool outer = std::exchange(in_action_set_, true);
  const Rule* rule = std::exchange(rule_, rule_ ? rule_ : first_rule_);
  if (trace_) trace_->reopen_and_open(TraceKind::kTable, "--. Executing action set:");
  run_actions(ordered);
  if (trace_) trace_->close();
  rule_ = rule;
  in_action_set_ = outer;
}

bool Translator::fail(TranslateError e) {
  if (out_.error == TranslateError::kNone) out_.error = e;
  return false;
}

void Translator::emit(OdpAction action) {
  if (++odp_count_ > kMaxOdpActions) {
    if (out_.error == TranslateError::kNone) error("resubmits yielded over 64 kB of actions");
    fail(TranslateError::kTooManyActions);
    return;
  }
  odp_->push_back(std::move(action));
}

namespace {

bool has_outcome(const OdpAction& a) {
  return std::holds_alternative<OdpOutput>(a.v) || std::holds_alternative<OdpUserspace>(a.v) || std::holds_alternative<OdpRecirc>(a.v) ||
         std::holds_alternative<OdpClone>(a.v) || std::holds_alternative<OdpSample>(a.v) || std::holds_alternative<OdpMeter>(a.v) ||
         std::holds_alternative<OdpTunnelPush>(a.v) || std::holds_alternative<OdpTunnelPop>(a.v) || std::holds_alternative<OdpCheckPktLen>(a.v) ||
         (std::holds_alternative<OdpCt>(a.v) && std::get<OdpCt>(a.v).commit);
}

}  // namespace

void Translator::finish() {
  if (out_.error != TranslateError::kNone) out_.actions.clear();
  while (!out_.actions.empty() && !has_outcome(out_.actions.back())) out_.actions.pop_back();  // changes that nobody sees
  out_.final_flow = flow_;
  // What the pipeline itself made is no part of the packet.
  Flow& m = out_.mask;
  m.metadata = be64();
  m.conj_id = m.actset_output = m.in_phy_port = be32();
  // Who asks for a tag asks whether there is one.
  if (m.vlan_tci) m.vlan_tci |= be16(kVlanPresent);
  if (m.vlan2_tci) m.vlan2_tci |= be16(kVlanPresent);
  std::ranges::fill(m.reg, be32());
  // What the packet has not, no other of its type has.
  const Flow& key = input_.key;
  if (!key.is_ip()) m.nw_frag = 0;
  if (key.is_ip() && (key.nw_frag & kFragLater)) m.tp_src = m.tp_dst = m.tcp_flags = be16();
  if (!key.is_mpls()) std::ranges::fill(m.mpls_lse, be32());
  if (key.eth_type != kEthNsh) m.nsh_flags = m.nsh_mdtype = m.nsh_np = m.nsh_ttl = 0, m.nsh_path = be32(), std::ranges::fill(m.nsh_context, be32());
  if (key.packet_type) m.eth_dst = m.eth_src = {}, m.vlan_tci = m.vlan_tpid = m.vlan2_tci = m.vlan2_tpid = be16();
  out_.options_asked = m.tun_present;
  if (bridge_) mask_to_options(m, input_.key, bridge_->tlv);
  if (!input_.key.tunnel.is_present()) forget_tunnel(m);   // which port it came in by says so
}

}  // namespace sluice
