// SPDX-License-Identifier: Apache-2.0
// NORMAL: the bridge as a learning switch with VLANs, ports being access, trunk, native or dot1q-tunnel ports.
#include <fmt/core.h>

#include "ofproto/translator.h"

namespace sluice {
namespace {

constexpr be16 kVidBits{0x0fff}, kPcpBits{0xe000}, kPresent{kVlanPresent};

/// Where packets are that came in by no port: in all VLANs, and no address is learned from them.
const L2Port& nowhere() {
  static const L2Port port;
  return port;
}

}  // namespace

/// 802.1D 7.12.6 and kin: addresses that a bridge must not forward.
bool is_reserved(const MacAddr& mac) {
  constexpr uint64_t kBridgeGroup = 0x0180c2000000;
  // Vendors' discovery, spanning tree and link protocols, as Open vSwitch's other_config:forward-bpdu lists them.
  constexpr uint64_t kOthers[] = {0x00e02b000000, 0x00e02b000004, 0x00e02b000006, 0x01000c000000, 0x01000ccccccc, 0x01000ccccccd,
                                  0x01000ccdcdcd, 0x01000cccccc0, 0x01000cccccc1, 0x01000cccccc2, 0x01000cccccc3, 0x01000cccccc4,
                                  0x01000cccccc5, 0x01000cccccc6, 0x01000cccccc7};
  uint64_t v = mac.to_u64();
  if ((v & ~0xfull) == kBridgeGroup) return true;
  for (uint64_t o : kOthers)
    if (v == o) return true;
  return false;
}

bool carries(const PortSettings& s, uint16_t vlan) {
  switch (s.vlan_mode) {
    case VlanMode::kAccess: return vlan == s.tag;
    case VlanMode::kTrunk: return s.trunks[vlan];
    case VlanMode::kNativeTagged:
    case VlanMode::kNativeUntagged: return vlan == s.tag || s.trunks[vlan];
    case VlanMode::kDot1qTunnel: return vlan == s.tag;
  }
  return false;
}

void Translator::normal() {
  const PortView* in_port = bridge_->port(OfpPort{flow_.in_port.host()});
  const L2Port* in = in_port ? bridge_->l2_port(in_port->port) : nullptr;
  if (flow_.in_port == be32(OFPP_NONE.value) || flow_.in_port == be32(OFPP_CONTROLLER.value)) in = &nowhere();
  if (!in) return warning("no input bundle, dropping");
  MacAddr src = p_.get<&Flow::eth_src>(), dst = p_.get<&Flow::eth_dst>();
  p_.get_bits<&Flow::vlan_tci>(kVidBits | kPresent);
  if (flow_.eth_type == be16(0x8100) && !(flow_.vlan_tci & kPresent)) return warning("dropping packet with partial VLAN tag");
  if (in->is_mirror_output) return warning(fmt::format("dropping packet received on port {}, which is reserved exclusively for mirroring", in->settings.name));
  Tags tags;
  if (!input_tags(*in, tags)) return;
  if (!bridge_->settings.forward_bpdu && is_reserved(dst)) return detail("packet has reserved destination MAC, dropping");

  bool floods = bridge_->settings.flood_vlans[tags.vlan];
  if (!floods && !src.is_multicast() && in->id != kNoPort) {
    effect(LearnMac{bridge_->id, src, tags.vlan, in->id});
    if (traced() && input_.effects_follow && bridge_->macs.would_learn(src, tags.vlan, in->id))
      detail(fmt::format("learned that {} is on port {} in VLAN {}", format(src), in->settings.name, tags.vlan));
  }
  const MacEntry* entry = floods || dst.is_multicast() ? nullptr : bridge_->macs.lookup(dst, tags.vlan);
  const L2Port* out = entry ? bridge_->l2_port(entry->port) : nullptr;
  if (!out) {
    detail("no learned MAC for destination, flooding");
    return normal_flood(*in, tags);
  }
  if (out == in) return detail("learned port is input port, dropping");
  if (out->settings.is_protected && in->settings.is_protected) return warning("learned port is protected, dropping");
  if (!carries(out->settings, tags.vlan)) return warning("learned port does not carry the VLAN, dropping");
  detail("forwarding to learned port");
  normal_output(*out, tags);
}

/// The VLAN that the packet is in, or false if its port does not let it in.
bool Translator::input_tags(const L2Port& in, Tags& tags) {
  const PortSettings& s = in.settings;
  const uint16_t vid = (flow_.vlan_tci & kVidBits).host();
  if (flow_.vlan_tci & kPresent) {
    p_.get_bits<&Flow::vlan_tci>(kPcpBits);
    p_.mark<&Flow::vlan_tpid>();
    p_.mark<&Flow::vlan2_tci>();
    p_.mark<&Flow::vlan2_tpid>();
  }
  if (tags_of(in, tags)) return true;
  switch (s.vlan_mode) {
    case VlanMode::kAccess:
      warning(fmt::format("dropping VLAN {} tagged packet received on port {} configured as VLAN {} access port", vid, s.name, s.tag));
      break;
    case VlanMode::kDot1qTunnel:
      warning(fmt::format("dropping VLAN {} packet received on port {} not configured for that customer VLAN", vid, s.name));
      break;
    case VlanMode::kNativeTagged:
    case VlanMode::kNativeUntagged:
    case VlanMode::kTrunk:
      warning(fmt::format("dropping VLAN {} packet received on port {} not configured for trunking VLAN {}", vid, s.name, vid));
  }
  return false;
}

/// The VLAN of a packet that a port received or is to send; what is read is not marked.  False: none of the port's.
bool Translator::tags_of(const L2Port& port, Tags& tags) const {
  const PortSettings& s = port.settings;
  const bool tagged = static_cast<bool>(flow_.vlan_tci & kPresent);
  const uint16_t vid = (flow_.vlan_tci & kVidBits).host();
  if (tagged) tags = {.vlan = vid, .pcp = flow_.vlan_tci & kPcpBits, .tpid = flow_.vlan_tpid, .inner_tci = flow_.vlan2_tci, .inner_tpid = flow_.vlan2_tpid};
  if (s.vlan_mode == VlanMode::kAccess) return tags.vlan = s.tag, !vid;
  if (s.vlan_mode == VlanMode::kDot1qTunnel) {
    // Whatever tag it has is the customer's.
    tags = {.vlan = s.tag, .pcp = tags.pcp, .tpid = be16(s.qinq_8021q ? 0x8100 : 0x88a8), .inner_tci = flow_.vlan_tci, .inner_tpid = tagged ? flow_.vlan_tpid : be16()};
    return s.cvlans[vid];
  }
  if (!vid && s.vlan_mode != VlanMode::kTrunk) tags.vlan = s.tag;
  return carries(s, tags.vlan);
}

void Translator::normal_flood(const L2Port& in, const Tags& tags) {
  for (const auto& [id, out] : bridge_->l2_ports) {
    if (id == in.id || out.is_mirror_output || !carries(out.settings, tags.vlan) || (in.settings.is_protected && out.settings.is_protected)) continue;
    bool floods = false;
    for (OfpPort m : out.members)
      if (const PortView* p = bridge_->port(m)) floods |= !(p->config & ofp::OFPPC_NO_FLOOD) && p->may_forward();
    if (floods) normal_output(out, tags);
  }
}

void Translator::normal_output(const L2Port& out, const Tags& tags) {
  if (out.members.empty()) return;
  const PortSettings& s = out.settings;
  // A customer's frame without tag is in VLAN 0 of theirs.
  if (s.vlan_mode == VlanMode::kDot1qTunnel && !s.cvlans[(tags.inner_tci & kVidBits).host()]) return;
  bool outer = !(s.vlan_mode == VlanMode::kAccess || s.vlan_mode == VlanMode::kDot1qTunnel || (s.vlan_mode == VlanMode::kNativeUntagged && tags.vlan == s.tag));
  uint16_t vid = outer ? tags.vlan : 0;
  bool priority_tag = (s.priority_tags == PriorityTags::kIfNonzero && tags.pcp) || s.priority_tags == PriorityTags::kAlways;
  Flow saved = flow_;
  flow_.vlan2_tci = flow_.vlan2_tpid = be16();
  if (vid || (priority_tag && !tags.inner_tci)) {
    flow_.vlan_tci = be16(vid) | tags.pcp | kPresent;
    flow_.vlan_tpid = tags.tpid ? tags.tpid : be16(0x8100);
    flow_.vlan2_tci = tags.inner_tci;
    flow_.vlan2_tpid = tags.inner_tpid;
  } else {
    flow_.vlan_tci = tags.inner_tci;
    flow_.vlan_tpid = tags.inner_tpid;
  }
  send(out.members.front());
  flow_ = saved;
}

}  // namespace sluice
