// SPDX-License-Identifier: Apache-2.0
// Recirculation: what of a translation goes on later, and going on with it (recirculation.h).
#include <fmt/core.h>

#include <algorithm>

#include "ofproto/translator.h"
#include "ofproto/tunnel_options.h"

namespace sluice {

FrozenState Translator::snapshot() const {
  FrozenState s;
  s.bridge = bridge_->id;
  s.in_port = OfpPort{flow_.in_port.host()};
  s.table = table_;
  s.metadata = flow_.metadata;
  std::ranges::copy(flow_.reg, s.reg);
  s.tunnel = flow_.tunnel;
  if (flow_.tun_present) {
    Flow key = flow_;
    if (fields_to_options(key, bridge_->tlv)) s.options.assign(geneve_options(key).begin(), geneve_options(key).end());
  }
  s.mirrored = mirrored_;
  s.stack = stack_;
  s.action_set = action_set_;
  return s;
}

void Translator::fork_to(uint8_t table) {
  FrozenState s = snapshot();
  s.table = table;
  s.looks_up = true;
  out_.frozen.push_back(std::make_shared<const FrozenState>(std::move(s)));
  emit({OdpRecirc{static_cast<uint32_t>(out_.frozen.size())}});
}

namespace {

/// What can be done without the headers after Ethernet, VLAN tags and metadata.
bool needs_inner_headers(const ofp::Action& action) {
  using namespace ofp;
  return std::visit([](const auto& a) {
    using T = std::decay_t<decltype(a)>;
    auto is_outer = [](FieldId f) { return field(f).prereq == Prereq::kNone || field(f).prereq == Prereq::kEthernet || field(f).prereq == Prereq::kVlan || field(f).prereq == Prereq::kInPort; };
    if constexpr (std::is_same_v<T, SetField>) return !is_outer(a.field);
    else if constexpr (std::is_same_v<T, Move>) return !is_outer(a.src.field) || !is_outer(a.dst.field);
    else if constexpr (std::is_same_v<T, StackPush>) return !is_outer(a.src.field);
    else if constexpr (std::is_same_v<T, StackPop>) return !is_outer(a.dst.field);
    else if constexpr (std::is_same_v<T, OutputReg>) return !is_outer(a.src.field);
    else if constexpr (std::is_same_v<T, Output>) return a.port == OFPP_TABLE || a.port == OFPP_NORMAL;
    return std::is_same_v<T, Resubmit> || std::is_same_v<T, GotoTable> || std::is_same_v<T, ofp::Group> || std::is_same_v<T, ofp::Bundle> || std::is_same_v<T, Multipath> ||
           std::is_same_v<T, ofp::Learn> || std::is_same_v<T, SetIpSrc> || std::is_same_v<T, SetIpDst> || std::is_same_v<T, SetIpTos> || std::is_same_v<T, SetIpEcn> ||
           std::is_same_v<T, SetIpTtl> || std::is_same_v<T, SetL4Src> || std::is_same_v<T, SetL4Dst> || std::is_same_v<T, DecTtl> || std::is_same_v<T, Ct> ||
           std::is_same_v<T, PushMpls> || std::is_same_v<T, PopMpls> || std::is_same_v<T, SetMplsLabel> || std::is_same_v<T, SetMplsTc> || std::is_same_v<T, SetMplsTtl> ||
           std::is_same_v<T, DecMplsTtl> || std::is_same_v<T, DecNshTtl>;
  }, action.v);
}

}  // namespace

bool Translator::must_recirculate_before(const ofp::Action& action) { return was_mpls_ && needs_inner_headers(action); }

void Translator::freeze_rest(const Actions& actions, size_t from) {
  if (from >= actions.size()) return;
  rest_.push_back({table_, rule_ ? rule_->cookie : thawed_cookie_.value_or(UINT64_MAX), {actions.begin() + static_cast<ptrdiff_t>(from), actions.end()}});
}

void Translator::finish_freezing() {
  if (!freezing_) return;
  freezing_ = false;
  FrozenState s = snapshot();
  s.rest = std::exchange(rest_, {});
  if (out_.error != TranslateError::kNone) return;
  commit();
  out_.frozen.push_back(std::make_shared<const FrozenState>(std::move(s)));
  if (const ofp::Controller* to = std::exchange(pause_, nullptr)) {
    to_controller(*to, false, out_.frozen.back());
  } else {
    if (auto hash = std::exchange(hash_, std::nullopt)) emit({*hash});
    emit({OdpRecirc{static_cast<uint32_t>(out_.frozen.size())}});
  }
}

/// Goes on: the rest of the lists, or a table; then the action set.
void Translator::thaw(const FrozenState& s) {
  go_to(pipeline_.bridge(s.bridge));
  if (!bridge_) return fail(TranslateError::kNoRecirculation), void();
  flow_.in_port = be32(s.in_port.value);
  flow_.actset_output = be32(OFPP_UNSET.value);
  flow_.metadata = s.metadata;
  std::ranges::copy(s.reg, flow_.reg);
  base_ = flow_;
  forget_tunnel(base_);
  flow_.tunnel = s.tunnel;
  set_geneve_options(flow_, s.options);
  options_to_fields(flow_, bridge_->tlv);
  mirrored_ = s.mirrored;
  table_ = s.table;
  stack_ = s.stack;
  for (const Pushed& p : stack_) stack_bytes_ += p.value.size() + 1;
  if (trace_) {
    trace_->open(TraceKind::kBridge, fmt::format("bridge(\"{}\")", bridge_->name));
    trace_->open(TraceKind::kThaw, "    thaw");
    trace_->add(TraceKind::kThaw, fmt::format("        Resuming from table {}", s.table));
  }
  if (!s.action_set.empty()) {
    if (trace_) trace_->add(TraceKind::kThaw, "        Restoring action set: " + ofp::format_actions(s.action_set));
    action_set_ = s.action_set;
  }
  if (trace_ && !s.rest.empty()) {
    Actions all;
    for (const auto& r : s.rest) all.insert(all.end(), r.actions.begin(), r.actions.end());
    trace_->add(TraceKind::kThaw, "        Restoring actions: " + ofp::format_actions(all));
  }
  if (trace_) trace_->close();
  for (size_t i = 0; i < s.rest.size() && !exit_; i++) {
    table_ = s.rest[i].table;
    thawed_cookie_ = s.rest[i].rule_cookie;
    run_actions(s.rest[i].actions);
    if (!freezing_) continue;
    rest_.insert(rest_.end(), s.rest.begin() + static_cast<ptrdiff_t>(i) + 1, s.rest.end());   // it stops again
    break;
  }
  if (s.looks_up && !stopped()) lookup(s.table, MissIs::kPolicy);
  run_action_set();
  finish_freezing();
  if (trace_) trace_->close();
}

/// Both ways are translated: the datapath knows a packet's length, a megaflow doesn't.
void Translator::check_pkt_larger(const ofp::CheckPktLarger& c, const Actions& rest) {
  commit();
  OdpCheckPktLen check{c.length, {}, {}};
  Flow flow = flow_, base = base_;
  auto stack = stack_;
  auto set = action_set_;
  size_t stack_bytes = stack_bytes_;
  bool was_mpls = was_mpls_;
  unsigned structure = structure_;
  OdpActions* outer = odp_;
  for (bool greater : {true, false}) {
    odp_ = greater ? &check.greater : &check.less_or_equal;
    set_subfield(c.dst, greater ? 1 : 0);
    run_actions(rest);
    finish_freezing();
    end_copy();
    undo_.before.reset();
    structure_ = structure;
    if (greater) {   // the other way begins where this one did
      flow_ = flow, base_ = base;
      stack_ = stack, stack_bytes_ = stack_bytes;
      action_set_ = set;
      was_mpls_ = was_mpls;
      exit_ = false;
    }
  }
  odp_ = outer;
  base_ = base;
  emit({std::move(check)});
}

}  // namespace sluice
