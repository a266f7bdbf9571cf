// SPDX-License-Identifier: Apache-2.0
// Turns the difference between the packet as actions made it (flow_) and as the datapath has it (base_) into datapath actions, as few as do.
#include <algorithm>
#include <array>
#include <span>

#include "datapath/ethertype.h"
#include "ofproto/translator.h"

namespace sluice {
namespace {

/// Collects the members that differ.
class Difference {
 public:
  Difference(OdpSet& set, Flow& base, const Flow& flow, const Flow& mask) : set_(set), base_(base), flow_(flow), mask_(mask) {}
  template <auto M>
  void member() {
    differ(base_.*M, flow_.*M, mask_.*M);
  }
  /// One of an array.
  template <typename T, size_t N>
  void element(T (Flow::*array)[N], size_t i) {
    differ((base_.*array)[i], (flow_.*array)[i], (mask_.*array)[i]);
  }
  bool any() const { return !set_.fields.words().empty(); }
  /// What does not differ is set too, if it was asked about.
  void and_asked() { all_ = any(); }

 private:
  template <typename T>
  void differ(T& base, const T& flow, const T& asked) {
    if (base == flow && !all_) return;
    T value = flow, mask = asked;
    auto bytes = [](auto& member) { return reinterpret_cast<uint8_t*>(&member); };
    for (size_t i = 0; i < sizeof value; i++) {
      bytes(mask)[i] |= static_cast<uint8_t>(bytes(base)[i] ^ bytes(value)[i]);
      bytes(value)[i] &= bytes(mask)[i];
    }
    set_.fields.put(static_cast<size_t>(bytes(base) - bytes(base_)), value, mask);
    base = flow;
  }
  OdpSet& set_;
  Flow& base_;
  const Flow& flow_;
  const Flow& mask_;
  bool all_ = false;
};

}  // namespace

template <typename Fn>
bool Translator::commit_set(OdpSetKind kind, Fn diff) {
  OdpSet set{.kind = kind};
  Difference d(set, base_, flow_, out_.mask);
  diff(d);
  const bool any = d.any();
  if (any) emit({std::move(set)});
  return any;
}

void Translator::commit() {
  undo();
  commit_encap();
  commit_set(OdpSetKind::kEthernet, [](Difference& d) {
    d.member<&Flow::eth_src>();
    d.member<&Flow::eth_dst>();
  });
  commit_mpls();
  if (flow_.eth_type == be16(0x0800)) {
    commit_set(OdpSetKind::kIpv4, [](Difference& d) {
      d.member<&Flow::nw_src>();
      d.member<&Flow::nw_dst>();
      d.member<&Flow::nw_tos>();
      d.member<&Flow::nw_ttl>();
    });
  } else if (flow_.eth_type == be16(0x86dd)) {
    commit_set(OdpSetKind::kIpv6, [](Difference& d) {
      d.member<&Flow::ipv6_src>();
      d.member<&Flow::ipv6_dst>();
      d.member<&Flow::ipv6_label>();
      d.member<&Flow::nw_tos>();
      d.member<&Flow::nw_ttl>();
    });
  } else if (flow_.is_arp()) {
    commit_set(OdpSetKind::kArp, [](Difference& d) {
      d.member<&Flow::nw_src>();
      d.member<&Flow::nw_dst>();
      d.member<&Flow::nw_proto>();
      d.member<&Flow::arp_sha>();
      d.member<&Flow::arp_tha>();
    });
  }
  if (flow_.is_ip() && !(flow_.nw_frag & kFragLater)) {
    constexpr std::pair<uint8_t, OdpSetKind> kL4[] = {{6, OdpSetKind::kTcp}, {17, OdpSetKind::kUdp}, {132, OdpSetKind::kSctp}, {1, OdpSetKind::kIcmp}, {58, OdpSetKind::kIcmpv6}};
    bool is_nd = flow_.nw_proto == 58 && (flow_.tp_src == be16(135) || flow_.tp_src == be16(136));
    if (is_nd)
      commit_set(OdpSetKind::kNd, [](Difference& d) {
        d.member<&Flow::nd_target>();
        d.member<&Flow::arp_sha>();
        d.member<&Flow::arp_tha>();
      });
    for (auto [proto, kind] : kL4)
      if (flow_.nw_proto == proto)
        commit_set(kind, [](Difference& d) {
          d.member<&Flow::tp_src>();
          d.member<&Flow::tp_dst>();
        });
  }
  if (flow_.eth_type == kEthNsh)
    commit_set(OdpSetKind::kNsh, [](Difference& d) {
      auto members = [&] {
        d.member<&Flow::nsh_flags>();
        d.member<&Flow::nsh_ttl>();
        d.member<&Flow::nsh_path>();
        for (size_t i = 0; i < std::size(Flow{}.nsh_context); i++) d.element(&Flow::nsh_context, i);
      };
      members();
      d.and_asked();   // as Open vSwitch shows it
      members();
    });
  commit_vlan();
  commit_set(OdpSetKind::kSkbPriority, [](Difference& d) { d.member<&Flow::skb_priority>(); });
  commit_set(OdpSetKind::kSkbMark, [](Difference& d) { d.member<&Flow::pkt_mark>(); });
}

namespace {

/// Outermost first.
std::span<const be32> labels_of(const Flow& f) {
  size_t n = 0;
  while (f.is_mpls() && n < kMplsLabels && f.mpls_lse[n]) n++;
  return {f.mpls_lse, n};
}

/// How many both have innermost.
size_t same_innermost(const auto& have, const auto& want) {
  size_t n = 0;
  while (n < have.size() && n < want.size() && have[have.size() - 1 - n] == want[want.size() - 1 - n]) n++;
  return n;
}

}  // namespace

/// Pops labels until only those are left that both have innermost, then pushes the others.  If only the outermost differs, it is changed in place.
void Translator::commit_mpls() {
  const size_t have = labels_of(base_).size(), want = labels_of(flow_).size(), same = same_innermost(labels_of(base_), labels_of(flow_));
  bool same_type = base_.eth_type == flow_.eth_type;
  base_.packet_type = flow_.packet_type;
  if (have == same && want == same && same_type) return;
  if (!have && !want) {   // a label that is pushed and popped again, with another type
    emit({OdpPushMpls{be32(kMplsBottom), kEthMpls}});
    emit({OdpPopMpls{flow_.eth_type}});
  } else if (have && have == want && same == have - 1 && same_type) {
    OdpSet set{.kind = OdpSetKind::kMpls};
    be32 mask = out_.mask.mpls_lse[0] | (flow_.mpls_lse[0] ^ base_.mpls_lse[0]);
    set.fields.put(offsetof(Flow, mpls_lse), flow_.mpls_lse[0] & mask, mask);
    emit({std::move(set)});
  } else {
    for (size_t left = have; left-- > same;) emit({OdpPopMpls{left == 0 && want ? kEthIpv4 : (left == same && want == same) || flow_.is_mpls() ? flow_.eth_type : base_.eth_type}});
    if (want > same) p_.mark<&Flow::mpls_lse>();   // those of the packet itself may be among them
    for (size_t i = want - same; i-- > 0;) emit({OdpPushMpls{flow_.mpls_lse[i], flow_.eth_type}});
  }
  std::ranges::copy(flow_.mpls_lse, base_.mpls_lse);
  base_.eth_type = flow_.eth_type;
}

/// Pops tags until only those are left that both have innermost, then pushes the others.
void Translator::commit_vlan() {
  struct Tag {
    be16 tpid, tci;
    bool operator==(const Tag&) const = default;
  };
  auto tags = [](const Flow& f) {
    std::vector<Tag> t;  // outermost first
    if (f.vlan_tci) t.push_back({f.vlan_tpid, f.vlan_tci});
    if (f.vlan_tci && f.vlan2_tci) t.push_back({f.vlan2_tpid, f.vlan2_tci});
    return t;
  };
  auto have = tags(base_), want = tags(flow_);
  if (have == want) return;
  const size_t same = same_innermost(have, want);
  p_.mark<&Flow::vlan_tci>();
  p_.mark<&Flow::vlan_tpid>();
  // If only the outer tag changed, it does not matter whether there is an inner one.
  bool same_inner = flow_.vlan2_tci == base_.vlan2_tci && flow_.vlan2_tpid == base_.vlan2_tpid && base_.vlan_tci && flow_.vlan_tci;
  if (!same_inner && (have.size() > 1 || want.size() > 1)) p_.mark<&Flow::vlan2_tci>(), p_.mark<&Flow::vlan2_tpid>();
  for (size_t i = 0; i < have.size() - same; i++) emit({OdpPopVlan{}});
  for (size_t i = want.size() - same; i-- > 0;) emit({OdpPushVlan{want[i].tpid, want[i].tci}});
  base_.vlan_tpid = flow_.vlan_tpid;
  base_.vlan_tci = flow_.vlan_tci;
  base_.vlan2_tpid = flow_.vlan2_tpid;
  base_.vlan2_tci = flow_.vlan2_tci;
}

}  // namespace sluice
