// SPDX-License-Identifier: Apache-2.0
// What each action does to the packet under way; an overload of act() each.
#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "datapath/ethertype.h"
#include "ofproto/openflow/action_walk.h"
#include "ofproto/translator.h"

namespace sluice {

using namespace ofp;

namespace {

constexpr be16 kVidBits{0x0fff}, kPcpBits{0xe000}, kPresent{kVlanPresent};

/// Who changes such a field asks for the protocol too, as with Open vSwitch.
bool is_ip_header(FieldId f) {
  if (f == FieldId::kNwTos || f == FieldId::kIpDscp) return false;
  ofp::Prereq p = ofp::field(f).prereq;
  return p == ofp::Prereq::kIp || p == ofp::Prereq::kIpv4 || p == ofp::Prereq::kIpv6;
}

/// Packets go on as if it were not there.
template <typename T>
concept Passive = std::is_same_v<T, Note> || std::is_same_v<T, Conjunction> || std::is_same_v<T, Nat> || std::is_same_v<T, ofp::Sample>;

}  // namespace

/// An action that does nothing here, or that is not known here: a packet that should have been changed does not go on unchanged.
template <typename T>
Translator::Then Translator::act(const T&) {
  if (Passive<T>) return Then::kGoOn;
  error("this action is not supported: the packet is dropped");
  action_set_.clear();
  exit_ = true;
  return Then::kStopList;
}

// In translate_encap.cc.
template <>
Translator::Then Translator::act(const Encap& e);
template <>
Translator::Then Translator::act(const Decap& d);
template <>
Translator::Then Translator::act(const DecNshTtl& d);

// --- output ---

template <>
Translator::Then Translator::act(const Output& a) {
  output(a.port, a.max_len);
  return Then::kGoOn;
}
template <>
Translator::Then Translator::act(const OutputReg& a) {
  p_.mark(a.src);
  uint64_t port = read_subfield_u64(a.src, flow_, tlv());
  detail(fmt::format("output port is {}", port));
  // 16-bit numbers of OpenFlow 1.0 keep their meaning.
  if (port >= 0xff00 && port <= 0xffff) port += OFPP_MAX - 0xff00;
  if (port <= UINT32_MAX) output(OfpPort{static_cast<uint32_t>(port)}, a.max_len);
  return Then::kGoOn;
}
template <>
Translator::Then Translator::act(const OutputTrunc& a) {
  send_truncated(a.port, a.max_len);
  return Then::kGoOn;
}
template <>
Translator::Then Translator::act(const Controller& a) {
  if (a.pause) {
    pause_ = &a;
    freezing_ = true;
    return Then::kGoOn;
  }
  to_controller(a);
  return Then::kGoOn;
}
template <>
Translator::Then Translator::act(const Enqueue& a) {
  be32 before = flow_.skb_priority;
  set_queue(a.queue);
  output(a.port, 0);
  flow_.skb_priority = before;
  return Then::kGoOn;
}
template <>
Translator::Then Translator::act(const SetQueue& a) {
  set_queue(a.queue);
  return Then::kGoOn;
}
template <>
Translator::Then Translator::act(const PopQueue&) {
  p_.set<&Flow::skb_priority>(input_.key.skb_priority);
  return Then::kGoOn;
}
template <>
Translator::Then Translator::act(const ofp::Group& a) {
  run_group(a.group);
  return Then::kGoOn;
}
template <>
Translator::Then Translator::act(const ofp::Bundle& a) {
  OfpPort port = bundle_member(a);
  if (a.dst.field == FieldId::kNone)
    output(port, 0);
  else
    set_subfield(a.dst, port == OFPP_NONE ? 0xffff : port.value);
  return Then::kGoOn;
}

// --- control flow ---

template <>
Translator::Then Translator::act(const Resubmit& a) {
  resubmit(a);
  return Then::kGoOn;
}
template <>
Translator::Then Translator::act(const GotoTable& a) {
  lookup(a.table, MissIs::kPolicy);
  return Then::kGoOn;
}
template <>
Translator::Then Translator::act(const Exit&) {
  exit_ = true;
  return Then::kGoOn;
}
template <>
Translator::Then Translator::act(const ClearActions&) {
  action_set_.clear();
  flow_.actset_output = be32(OFPP_UNSET.value);
  return Then::kGoOn;
}
template <>
Translator::Then Translator::act(const WriteActions& a) {
  write_actions(a.actions);
  return Then::kGoOn;
}
template <>
Translator::Then Translator::act(const WriteMetadata& a) {
  flow_.metadata = (flow_.metadata & be64(~a.mask)) | be64(a.value & a.mask);
  p_.mark<&Flow::metadata>();
  return Then::kGoOn;
}
template <>
Translator::Then Translator::act(const ofp::Learn& a) {
  learn(a);
  return Then::kGoOn;
}
template <>
Translator::Then Translator::act(const FinTimeout& a) {
  if (rule_) effect(LowerTimeouts{bridge_->id, rule_->id, a.idle, a.hard});
  return Then::kGoOn;
}
template <>
Translator::Then Translator::act(const Multipath& a) {
  set_subfield(a.dst, multipath_link(a));
  return Then::kGoOn;
}

// --- fields ---

template <>
Translator::Then Translator::act(const SetField& a) {
  set_field(a.field, a.value, a.mask);
  return Then::kGoOn;
}
namespace {

/// Where in a Flow the subfield is, if it is whole bytes there that mean nothing else besides.
std::optional<Place> plain_bytes(const Subfield& s) {
  switch (s.field) {
    case FieldId::kNwTos: case FieldId::kInPort: case FieldId::kVlanTci: case FieldId::kDlVlan: case FieldId::kVlanVid: case FieldId::kDlVlanPcp: case FieldId::kVlanPcp: return std::nullopt;
    default: break;
  }
  if (is_tun_metadata(s.field)) return std::nullopt;
  const Place& place = ofp::field(s.field).place;
  if (place.shift || place.bits != place.bytes * 8u || s.ofs % 8 || s.n_bits % 8 || s.ofs + s.n_bits > place.bits) return std::nullopt;
  return Place{static_cast<uint16_t>(place.offset + place.bytes - (s.ofs + s.n_bits) / 8), static_cast<uint8_t>(s.n_bits / 8), 0, s.n_bits};
}

}  // namespace

template <>
Translator::Then Translator::act(const Move& a) {
  if (!p_.has(a.src.field) || !p_.has(a.dst.field)) {
    warning("unmet prerequisites, move ignored");
    return Then::kGoOn;
  }
  p_.mark(a.src);
  auto from = plain_bytes(a.src), to = plain_bytes(a.dst);
  if (from && to) {
    p_.mark(a.dst);
    auto* bytes = reinterpret_cast<uint8_t*>(&flow_);
    std::memmove(bytes + to->offset, bytes + from->offset, to->bytes);
  } else {
    set_subfield(a.dst, read_subfield(a.src, flow_, tlv()));
  }
  tell_subfield(a.dst);
  return Then::kGoOn;
}
template <>
Translator::Then Translator::act(const StackPush& a) {
  p_.mark(a.src);
  FieldValue v = read_subfield(a.src, flow_, tlv());
  stack_bytes_ += v.size() + 1;
  if (stack_bytes_ > kMaxStackBytes) {
    error("resubmits yielded over 64 kB of stack");
    fail(TranslateError::kStackTooDeep);
    return Then::kStopList;
  }
  stack_.push_back({std::move(v), a.src.n_bits});
  return Then::kGoOn;
}
template <>
Translator::Then Translator::act(const StackPop& a) {
  if (stack_.empty()) {
    error("attempting to pop from an empty stack.");
    return Then::kGoOn;
  }
  Pushed top = std::move(stack_.back());
  stack_.pop_back();
  stack_bytes_ -= top.value.size() + 1;
  // Wider destination: zeros on the left; narrower: the low bits.
  FieldValue v((a.dst.n_bits + 7) / 8);
  copy_bits(top.value.bytes(), 0, v.bytes(), 0, std::min<unsigned>(top.n_bits, a.dst.n_bits));
  set_subfield(a.dst, v);
  tell_subfield(a.dst);
  return Then::kGoOn;
}
template <>
Translator::Then Translator::act(const DeleteField& a) {
  if (!is_tun_metadata(a.field)) return Then::kGoOn;
  Place place = place_of(a.field, tlv());
  flow_.tun_present &= ~be64(uint64_t{1} << (a.field - FieldId::kTunMetadata0));
  std::memset(reinterpret_cast<uint8_t*>(&flow_) + place.offset, 0, place.bytes);
  return Then::kGoOn;
}
template <>
Translator::Then Translator::act(const SetEthSrc& a) {
  if (p_.has(FieldId::kEthSrc)) p_.set<&Flow::eth_src>(a.mac);
  return Then::kGoOn;
}
template <>
Translator::Then Translator::act(const SetEthDst& a) {
  if (p_.has(FieldId::kEthDst)) p_.set<&Flow::eth_dst>(a.mac);
  return Then::kGoOn;
}
template <>
Translator::Then Translator::act(const SetIpSrc& a) {
  if (p_.is_ipv4()) p_.set<&Flow::nw_src>(a.ip), p_.mark<&Flow::nw_proto>();
  return Then::kGoOn;
}
template <>
Translator::Then Translator::act(const SetIpDst& a) {
  if (p_.is_ipv4()) p_.set<&Flow::nw_dst>(a.ip), p_.mark<&Flow::nw_proto>();
  return Then::kGoOn;
}
template <>
Translator::Then Translator::act(const SetIpTos& a) {
  if (!p_.is_ip()) return Then::kGoOn;
  p_.get_bits<&Flow::nw_tos>(uint8_t{0xfc});
  p_.mark<&Flow::nw_proto>();
  flow_.nw_tos = static_cast<uint8_t>((flow_.nw_tos & 3) | (a.tos & 0xfc));
  return Then::kGoOn;
}
template <>
Translator::Then Translator::act(const SetIpEcn& a) {
  if (!p_.is_ip()) return Then::kGoOn;
  p_.get_bits<&Flow::nw_tos>(uint8_t{3});
  p_.mark<&Flow::nw_proto>();
  flow_.nw_tos = static_cast<uint8_t>((flow_.nw_tos & 0xfc) | (a.ecn & 3));
  return Then::kGoOn;
}
template <>
Translator::Then Translator::act(const SetIpTtl& a) {
  if (p_.is_ip()) p_.set<&Flow::nw_ttl>(a.ttl), p_.mark<&Flow::nw_proto>();
  return Then::kGoOn;
}
template <>
Translator::Then Translator::act(const SetL4Src& a) {
  if (p_.is_l4(6) || p_.is_l4(17) || p_.is_l4(132)) p_.set<&Flow::tp_src>(be16(a.port));
  return Then::kGoOn;
}
template <>
Translator::Then Translator::act(const SetL4Dst& a) {
  if (p_.is_l4(6) || p_.is_l4(17) || p_.is_l4(132)) p_.set<&Flow::tp_dst>(be16(a.port));
  return Then::kGoOn;
}
template <>
Translator::Then Translator::act(const SetTunnel& a) {
  flow_.tunnel.id = be64(a.id);
  return Then::kGoOn;
}

// --- tags, labels, TTL ---

template <>
Translator::Then Translator::act(const SetVlanVid& a) {
  set_vlan(kVidBits, be16(a.vid), a.push_if_needed);
  return Then::kGoOn;
}
template <>
Translator::Then Translator::act(const SetVlanPcp& a) {
  set_vlan(kPcpBits, be16(static_cast<uint16_t>(a.pcp << 13)), a.push_if_needed);
  return Then::kGoOn;
}
template <>
Translator::Then Translator::act(const StripVlan&) {
  pop_vlan();
  return Then::kGoOn;
}
template <>
Translator::Then Translator::act(const PushVlan& a) {
  push_vlan(be16(a.ethertype));
  return Then::kGoOn;
}
template <>
Translator::Then Translator::act(const PushMpls& a) {
  push_mpls(be16(a.ethertype));
  return Then::kGoOn;
}
template <>
Translator::Then Translator::act(const PopMpls& a) {
  pop_mpls(be16(a.ethertype));
  return Then::kGoOn;
}
template <>
Translator::Then Translator::act(const SetMplsLabel& a) {
  set_field(FieldId::kMplsLabel, FieldValue(4, a.label), FieldValue(4, 0xfffff));
  return Then::kGoOn;
}
template <>
Translator::Then Translator::act(const SetMplsTc& a) {
  set_field(FieldId::kMplsTc, FieldValue(1, a.tc), FieldValue(1, 7));
  return Then::kGoOn;
}
template <>
Translator::Then Translator::act(const SetMplsTtl& a) {
  set_field(FieldId::kMplsTtl, FieldValue(1, a.ttl), FieldValue(1, 0xff));
  return Then::kGoOn;
}
template <>
Translator::Then Translator::act(const DecTtl& a) { return dec_ttl(a.controller_ids); }
template <>
Translator::Then Translator::act(const DecMplsTtl&) {
  if (!p_.is_mpls()) return Then::kGoOn;
  p_.mark(FieldId::kMplsTtl);
  uint64_t ttl = flow_.mpls_lse[0].host() & 0xff;
  if (ttl > 1) {
    set_field(FieldId::kMplsTtl, FieldValue(1, ttl - 1), FieldValue(1, 0xff));
    return Then::kGoOn;
  }
  to_controller({.reason = ofp::PacketInReason::kInvalidTtl});
  return Then::kStopList;
}
template <>
Translator::Then Translator::act(const Ct& a) {
  track(a);
  return Then::kGoOn;
}
template <>
Translator::Then Translator::act(const CtClear&) {
  if (tracked_) clear_ct();
  tracked_ = false;
  return Then::kGoOn;
}
template <>
Translator::Then Translator::act(const DebugRecirc&) {
  freezing_ = true;
  return Then::kGoOn;
}
template <>
Translator::Then Translator::act(const DebugSlow&) {
  out_.slow = SlowReason::kAction;
  return Then::kGoOn;
}
template <>
Translator::Then Translator::act(const Meter& a) {
  auto meter = bridge_->meters.find(a.meter_id);
  if (meter == bridge_->meters.end()) return Then::kGoOn;
  commit();
  emit({OdpMeter{meter->second.dp_id}});
  begin_structure();   // a packet that it drops can't be had back
  return Then::kGoOn;
}

Translator::Then Translator::run_action(const Action& action, bool is_last) {
  if (auto* c = action.as<Clone>()) {
    clone(c->actions, is_last);
    return Then::kGoOn;
  }
  return std::visit([&](const auto& a) { return act(a); }, action.v);
}

// --- the longer ones ---

/// Resubmits, groups and patch ports are bounded in number, and in depth those that could go in circles.
bool Translator::may_go_on(bool deeper) {
  if (resubmits_ >= kMaxResubmits) {
    error(fmt::format("over {} resubmit actions", kMaxResubmits));
    fail(TranslateError::kTooManyResubmits);
    return false;
  }
  if (deeper && depth_ >= kMaxDepth) {
    error(fmt::format("over max translation depth {}", kMaxDepth));
    fail(TranslateError::kTooDeep);
    return false;
  }
  resubmits_++;
  return true;
}

void Translator::resubmit(const Resubmit& r) {
  uint8_t table = r.table == kTableAll ? table_ : r.table;
  // Going forward cannot loop.
  bool counts = table <= table_;
  if (!may_go_on(counts)) return;
  depth_ += counts;
  lookup(table, MissIs::kSilent, r.in_port == OFPP_IN_PORT ? flow_.in_port : be32(r.in_port.value), r.ct);
  depth_ -= counts;
}

/// In the datapath a queue is a packet's priority: with the kernel, the handle of the queue's class (tc(8)).
void Translator::set_queue(uint32_t queue) {
  constexpr uint32_t kQueues = 0xf000, kRoot = 1 << 16;
  if (pipeline_.tc_queues && queue >= kQueues) return warning(fmt::format("there is no queue {}", queue));
  p_.set<&Flow::skb_priority>(be32(pipeline_.tc_queues ? kRoot | (queue + 1) : queue));
}

void Translator::set_field(FieldId field, const FieldValue& value, const FieldValue& mask) {
  if (!p_.has(field)) {
    warning(fmt::format("unmet prerequisites for {}, set_field ignored", ofp::field(field).name));
    return;
  }
  p_.mark(field, &mask);
  if (is_ip_header(field)) p_.mark<&Flow::nw_proto>();
  bool had_tag = static_cast<bool>(flow_.vlan_tci & kPresent);
  set_field_masked(field, value, mask, flow_, tlv());
  bool has_tag = static_cast<bool>(flow_.vlan_tci & kPresent);
  if (!had_tag && has_tag) flow_.vlan_tpid = be16(0x8100);
  if (had_tag && !has_tag) flow_.vlan_tci |= kPresent, pop_vlan();
}

void Translator::set_subfield(const Subfield& dst, const FieldValue& value) {
  if (!p_.has(dst.field)) {
    warning(fmt::format("unmet prerequisites for {}, ignored", ofp::field(dst.field).name));
    return;
  }
  size_t size = wire_bytes_of(dst.field, tlv());
  FieldValue whole(size), mask(size);
  copy_bits(value.bytes(), 0, whole.bytes(), dst.ofs, dst.n_bits);
  mask.set_bits(dst.ofs, dst.n_bits);
  set_field(dst.field, whole, mask);
}

void Translator::set_subfield(const Subfield& dst, uint64_t value) {
  FieldValue v((dst.n_bits + 7u) / 8);
  v.set_u64(value);
  set_subfield(dst, v);
}

void Translator::tell_subfield(const Subfield& s) {
  if (!traced()) return;
  std::string value;
  if (s.is_whole())
    format_value(s.field, get_field(s.field, flow_, tlv()), nullptr, value);
  else
    value = fmt::format("{:#x}", read_subfield_u64(s, flow_, tlv()));
  detail(format_subfield(s) + " is now " + value);
}

void Translator::set_vlan(be16 bits, be16 value, bool push_if_needed) {
  p_.get_bits<&Flow::vlan_tci>(bits | kPresent);
  if (!(flow_.vlan_tci & kPresent)) {
    if (!push_if_needed || flow_.packet_type) return;
    flow_.vlan_tpid = be16(0x8100);
  }
  flow_.vlan_tci = (flow_.vlan_tci & ~bits) | value | kPresent;
}

void Translator::push_vlan(be16 tpid) {
  if (flow_.packet_type) return warning("a packet without an Ethernet header can't have a VLAN tag, push_vlan ignored");
  be16 tci;
  if (p_.has_vlan()) {
    p_.mark<&Flow::vlan_tpid>();
    p_.mark<&Flow::vlan2_tci>();
    p_.mark<&Flow::vlan2_tpid>();
    tci = p_.get<&Flow::vlan_tci>();
  }
  flow_.vlan2_tpid = flow_.vlan_tpid;
  flow_.vlan2_tci = flow_.vlan_tci;
  flow_.vlan_tpid = tpid;
  flow_.vlan_tci = tci | kPresent;
}

void Translator::pop_vlan() {
  if (!p_.has_vlan()) return;
  p_.mark<&Flow::vlan_tci>();
  p_.mark<&Flow::vlan_tpid>();
  flow_.vlan_tci = p_.get<&Flow::vlan2_tci>();
  flow_.vlan_tpid = p_.get<&Flow::vlan2_tpid>();
  flow_.vlan2_tci = flow_.vlan2_tpid = be16();
}

void Translator::push_mpls(be16 eth_type) {
  uint32_t lse;
  if (pending_.header != Pending::kNone) commit();
  if (p_.is_mpls()) {
    p_.mark<&Flow::mpls_lse>();
    if (flow_.mpls_lse[kMplsLabels - 1]) {
      error("MPLS push action can't be performed as it would have more MPLS LSEs than the 3 supported.");
      fail(TranslateError::kTooManyLabels);
      return;
    }
    lse = flow_.mpls_lse[0].host() & ~0x100u;
  } else {
    bool ip = p_.is_ip();
    uint32_t label = p_.is_ipv6() ? 2 : 0, tc = ip ? p_.get<&Flow::nw_tos>() >> 2 & 7u : 0, ttl = ip ? p_.get<&Flow::nw_ttl>() : 64u;
    lse = label << 12 | tc << 9 | kMplsBottom | (ttl ? ttl : 64);
    commit();   // what is below can't be changed any more
  }
  for (unsigned i = kMplsLabels - 1; i; i--) flow_.mpls_lse[i] = flow_.mpls_lse[i - 1];
  flow_.mpls_lse[0] = be32(lse);
  set_eth_type(eth_type);
}

/// A packet without an Ethernet header is of the type that follows.
void Translator::set_eth_type(be16 eth_type) {
  flow_.eth_type = eth_type;
  if (flow_.packet_type) flow_.packet_type = be32(bare_packet_type(eth_type));
}

void Translator::pop_mpls(be16 eth_type) {
  if (!p_.is_mpls()) return;
  if (pending_.header != Pending::kNone) commit();
  out_.mask.mpls_lse[0] |= be32(kMplsBottom);
  bool bottom = flow_.mpls_lse[0].host() & kMplsBottom;
  if (!bottom || is_mpls_type(eth_type)) p_.mark<&Flow::mpls_lse>();   // the next becomes the outermost
  if (!bottom && !flow_.mpls_lse[1]) {
    error("MPLS pop action can't be performed as it has more MPLS LSEs than the 3 supported.");
    fail(TranslateError::kTooManyLabels);
    return;
  }
  for (unsigned i = 0; i + 1 < kMplsLabels; i++) flow_.mpls_lse[i] = flow_.mpls_lse[i + 1];
  flow_.mpls_lse[kMplsLabels - 1] = be32();
  if (bottom || is_mpls_type(eth_type)) set_eth_type(eth_type);
  was_mpls_ = input_.key.is_mpls() && (!flow_.is_mpls() || !flow_.mpls_lse[0]);
}

Translator::Then Translator::dec_ttl(const std::vector<uint16_t>& controllers) {
  if (!p_.is_ip()) return Then::kGoOn;
  uint8_t ttl = p_.get<&Flow::nw_ttl>();
  p_.mark<&Flow::nw_proto>();
  if (ttl > 1) {
    flow_.nw_ttl = static_cast<uint8_t>(ttl - 1);
    return Then::kGoOn;
  }
  warning(p_.is_ipv4() ? "IPv4 decrement TTL exception" : "IPv6 decrement TTL exception");
  std::vector<uint16_t> ids = controllers.empty() ? std::vector<uint16_t>{0} : controllers;
  for (uint16_t id : ids) to_controller({.controller_id = id, .reason = ofp::PacketInReason::kInvalidTtl});
  return Then::kStopList;
}

namespace {

/// True if what the list does to the packet cannot be taken back by setting fields.
bool is_irreversible(const Actions& actions) {
  return any_action(actions, [](const Action& a) {
    return a.as<PushMpls>() || a.as<PopMpls>() || a.as<Ct>() || a.as<CtClear>() || a.as<Encap>() || a.as<Decap>() || a.as<DebugRecirc>() || a.as<Meter>() || a.as<Resubmit>() ||
           a.as<ofp::Group>();
  });
}

}  // namespace

void Translator::clone(const Actions& actions, bool is_last) {
  Flow flow = flow_;
  auto stack = stack_;
  size_t stack_bytes = stack_bytes_;
  Actions set = std::exchange(action_set_, {});
  bool apart = !is_last && is_irreversible(actions);
  OdpActions inner;
  if (apart) commit();
  Structure before = structure();
  OdpActions* outer = apart ? std::exchange(odp_, &inner) : odp_;
  bool was_mpls = was_mpls_;
  run_actions(actions);
  run_action_set();
  finish_freezing();
  was_mpls_ = was_mpls;
  if (apart) {
    end_copy();
    undo_.before.reset();
    odp_ = outer;
    if (!inner.empty()) emit({OdpClone{std::move(inner)}});
    base_ = before.base;
    structure_ = before.id;
  } else {
    return_to(before);
  }
  flow_ = flow;
  stack_ = std::move(stack);
  stack_bytes_ = stack_bytes;
  action_set_ = std::move(set);
  exit_ = false;
}

void Translator::write_actions(const Actions& actions) {
  for (const Action& a : actions) action_set_.push_back(a);
  // actset_output is what the set would output to (OF1.5.1 7.2.3.9).
  uint32_t output = OFPP_UNSET.value;
  for (const Action& a : action_set_)
    if (auto* o = a.as<Output>()) output = o->port.value;
  for (const Action& a : action_set_)
    if (a.as<ofp::Group>()) output = OFPP_UNSET.value;
  flow_.actset_output = be32(output);
  if (traced()) detail("action set is: " + format_actions(action_set_));
}

}  // namespace sluice
