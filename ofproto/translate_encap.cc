// SPDX-License-Identifier: Apache-2.0
// encap, decap, and what becomes of the packet's type (OF1.5.1 7.2.3.11): which headers it begins with.
//
// A header that was put in front is pending until something is sent, so that what is set in it afterwards goes into the same datapath action.
#include <fmt/core.h>

#include <algorithm>

#include "datapath/ethertype.h"
#include "datapath/nsh.h"
#include "ofproto/openflow/action_words.h"
#include "ofproto/translator.h"

namespace sluice {
namespace {

constexpr uint8_t kDefaultTtl = 63, kDefaultIndex = 255, kMplsTtl = 64;

std::string type_text(uint32_t type) { return fmt::format("({},{:#x})", type >> 16, type & 0xffff); }

/// The headers that a new one hides.
void forget_headers(Flow& f) {
  f.eth_dst = f.eth_src = {};
  f.eth_type = f.vlan_tci = f.vlan_tpid = f.vlan2_tci = f.vlan2_tpid = {};
  f.nw_src = f.nw_dst = {};
  f.nw_frag = f.nw_proto = f.nw_tos = f.nw_ttl = 0;
  f.tp_src = f.tp_dst = f.tcp_flags = {};
  f.ipv6_src = f.ipv6_dst = f.nd_target = {};
  f.ipv6_label = f.nd_reserved = f.pbb_isid = {};
  f.ipv6_exthdr = {};
  f.arp_sha = f.arp_tha = {};
  f.nd_options_type = f.pbb_uca = 0;
  std::ranges::fill(f.mpls_lse, be32());
  f.nsh_flags = f.nsh_mdtype = f.nsh_np = f.nsh_ttl = 0;
  f.nsh_path = {};
  std::ranges::fill(f.nsh_context, be32());
}

Bytes options_of(const ofp::Encap& e) {
  Bytes out;
  ByteWriter w(out);
  for (const ofp::EncapNshTlv& t : e.nsh_tlvs) {
    w.u16(t.tlv_class);
    w.u8(t.type);
    w.u8(static_cast<uint8_t>(t.data.size()));
    w.bytes(t.data);
    w.pad(0, 4);
  }
  return out;
}

}  // namespace

/// The copy of the packet that is under way ends here.
Translator::Then Translator::refuse_type(std::string why) {
  if (trace_) trace_->add(TraceKind::kAction, "Dropping packet" + std::move(why));
  fail(TranslateError::kUnsupportedPacketType);
  return Then::kStopList;
}

template <>
Translator::Then Translator::act(const ofp::Encap& e) {
  uint32_t type = flow_.packet_type.host();
  switch (e.packet_type) {
    case kPacketTypeEthernet:
      if (type == kPacketTypeEthernet) return refuse_type(" as encap(ethernet) is not supported for packet type ethernet.");
      if (type >> 16 != 1) return refuse_type(" as encap(ethernet) is not supported for packet type " + type_text(type));
      commit();
      pending_ = {Pending::kEthernet, {}};
      break;
    case ofp::kPacketTypeNsh: return encap_nsh(e);
    default: return encap_mpls(be16(static_cast<uint16_t>(e.packet_type)));
  }
  flow_.packet_type = be32(kPacketTypeEthernet);
  return Then::kGoOn;
}

Translator::Then Translator::encap_nsh(const ofp::Encap& e) {
  uint32_t type = flow_.packet_type.host();
  auto inside = nsh_protocol_of(type);
  if (!inside) return refuse_type(" as encap(nsh) is not supported for packet type " + type_text(type));
  Bytes options = options_of(e);
  if (options.size() > kMaxNshMetadata) return refuse_type(" as the properties of encap(nsh) do not fit into a header");
  commit();
  forget_headers(flow_);
  flow_.packet_type = be32(ofp::kPacketTypeNsh);
  flow_.eth_type = kEthNsh;
  flow_.nsh_ttl = kDefaultTtl;
  flow_.nsh_mdtype = e.nsh_md_type.value_or(kNshMd1);
  flow_.nsh_np = *inside;
  flow_.nsh_path = be32(kDefaultIndex);
  was_mpls_ = false;
  pending_ = {Pending::kNsh, std::move(options)};
  return Then::kGoOn;
}

Translator::Then Translator::encap_mpls(be16 eth_type) {
  bool stacks = flow_.packet_type && flow_.is_mpls();   // another label on those that the packet begins with
  if (stacks) {
    p_.mark<&Flow::mpls_lse>();
    if (flow_.mpls_lse[kMplsLabels - 1]) return fail(TranslateError::kTooManyLabels), Then::kStopList;
  }
  commit();
  Flow inner = flow_;
  forget_headers(flow_);
  if (stacks) std::copy(inner.mpls_lse, inner.mpls_lse + kMplsLabels - 1, flow_.mpls_lse + 1);
  flow_.mpls_lse[0] = be32((stacks ? 0 : kMplsBottom) | kMplsTtl);
  flow_.packet_type = be32(bare_packet_type(eth_type));
  flow_.eth_type = eth_type;
  was_mpls_ = false;
  pending_ = {Pending::kMpls, {}};
  return Then::kGoOn;
}

template <>
Translator::Then Translator::act(const ofp::Decap& d) {
  uint32_t type = flow_.packet_type.host();
  if (type == kPacketTypeEthernet) return decap_ethernet();
  if (type == ofp::kPacketTypeNsh) return decap_nsh();
  if (type >> 16 == 1 && flow_.is_mpls()) return decap_mpls(d.packet_type);
  return refuse_type(" as the decap() does not support packet type " + type_text(type));
}

Translator::Then Translator::decap_ethernet() {
  if (p_.has_vlan()) return refuse_type(", cannot decap Ethernet if VLAN is present.");
  if (flow_.eth_type.host() < kLeastEtherType) return refuse_type(", cannot decap Ethernet without an EtherType.");
  commit();
  emit({OdpPopEth{}});
  for (Flow* f : {&flow_, &base_}) {
    f->eth_dst = f->eth_src = {};
    f->packet_type = be32(bare_packet_type(f->eth_type));
  }
  begin_structure();
  return Then::kGoOn;
}

/// What is inside is seen when the packet comes back.
void Translator::uncover(uint32_t type, OdpAction pop) {
  commit();
  emit(std::move(pop));
  flow_.packet_type = be32(type);
  if (type >> 16 == 1) flow_.eth_type = be16(static_cast<uint16_t>(type));
  base_ = flow_;
  begin_structure();
  freezing_ = true;
}

Translator::Then Translator::decap_nsh() {
  auto inside = packet_type_after_nsh(p_.get<&Flow::nsh_np>());
  if (!inside) return refuse_type(fmt::format(" as the decap() does not support NSH next protocol {}", flow_.nsh_np));
  uncover(*inside, {OdpPopNsh{}});
  return Then::kGoOn;
}

Translator::Then Translator::decap_mpls(uint32_t new_type) {
  out_.mask.mpls_lse[0] |= be32(kMplsBottom);
  if (!(flow_.mpls_lse[0] & be32(kMplsBottom))) new_type = flow_.packet_type.host();   // another label
  bool known = new_type == kPacketTypeEthernet || new_type >> 16 == 1;
  if (!known) return refuse_type(" as nothing says what is inside of MPLS: decap(packet_type(ns=N,type=N)) does");
  uncover(new_type, {OdpPopMpls{new_type == kPacketTypeEthernet ? kEthTeb : be16(static_cast<uint16_t>(new_type))}});
  return Then::kGoOn;
}

template <>
Translator::Then Translator::act(const ofp::DecNshTtl&) {
  if (!p_.has(ofp::FieldId::kNshTtl)) return Then::kGoOn;
  uint8_t ttl = p_.get<&Flow::nsh_ttl>();
  if (ttl > 1) {
    flow_.nsh_ttl = static_cast<uint8_t>(ttl - 1);
    return Then::kGoOn;
  }
  warning("NSH decrement TTL exception");
  to_controller({.reason = ofp::PacketInReason::kInvalidTtl});
  return Then::kStopList;
}

/// The header that is pending, with what was set in it.
void Translator::commit_encap() {
  Pending pending = std::exchange(pending_, {});
  switch (pending.header) {
    case Pending::kNone: return;
    case Pending::kEthernet: emit({OdpPushEth{flow_.eth_src, flow_.eth_dst}}); break;
    case Pending::kMpls: emit({OdpAddMpls{flow_.mpls_lse[0], flow_.eth_type}}); break;
    case Pending::kNsh: {
      OdpPushNsh push = nsh_of(flow_);
      if (push.mdtype != kNshMd1) push.metadata = std::move(pending.options);
      emit({std::move(push)});
      break;
    }
  }
  if (pending.header == Pending::kEthernet) {
    base_.eth_src = flow_.eth_src, base_.eth_dst = flow_.eth_dst;
  } else {
    forget_headers(base_);
    base_.nsh_flags = flow_.nsh_flags, base_.nsh_mdtype = flow_.nsh_mdtype, base_.nsh_np = flow_.nsh_np, base_.nsh_ttl = flow_.nsh_ttl;
    base_.nsh_path = flow_.nsh_path;
    std::ranges::copy(flow_.nsh_context, base_.nsh_context);
    std::ranges::copy(flow_.mpls_lse, base_.mpls_lse);
    base_.eth_type = flow_.eth_type;
  }
  base_.packet_type = flow_.packet_type;
  begin_structure();
}

// --- what a part of the pipeline did to the packet, and the rest must not see ---

Translator::Structure Translator::structure() {
  undo();
  if (pending_.header != Pending::kNone) commit();
  return {structure_, odp_->size(), base_};
}

void Translator::return_to(const Structure& before) {
  end_copy();
  if (structure_ != before.id) undo_ = {odp_, before};
}

/// One copy of the packet is done, others go on.
void Translator::end_copy() {
  pending_ = {};
  if (out_.error == TranslateError::kUnsupportedPacketType) out_.error = TranslateError::kNone;
}

/// Headers that are gone can't be set: what was done since is done to a clone.
void Translator::undo() {
  if (!undo_.before || undo_.list != odp_) return;
  Structure before = *std::exchange(undo_.before, std::nullopt);
  auto from = odp_->begin() + static_cast<ptrdiff_t>(before.at);
  OdpClone clone{{std::make_move_iterator(from), std::make_move_iterator(odp_->end())}};
  odp_->erase(from, odp_->end());
  odp_->push_back({std::move(clone)});
  base_ = before.base;
  structure_ = before.id;
}

}  // namespace sluice
