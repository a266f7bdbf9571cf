// SPDX-License-Identifier: Apache-2.0
// Connection tracking in a translation: ct(), ct_clear, and lookups by a connection's original direction.
#include <fmt/core.h>

#include <utility>

#include "datapath/ethertype.h"
#include "ofproto/translator.h"

namespace sluice {
namespace {

OdpNat odp_nat(const ofp::Nat& n) {
  OdpNat nat{.src = n.src, .dst = n.dst, .persistent = n.persistent, .hash = n.hash, .random = n.random};
  if (n.ipv4_min) {
    nat.family = 4;
    be32 high = n.ipv4_max.value_or(*n.ipv4_min);
    std::memcpy(nat.ip_min.b.data(), &*n.ipv4_min, 4);
    std::memcpy(nat.ip_max.b.data(), &high, 4);
  } else if (n.ipv6_min) {
    nat.family = 6;
    nat.ip_min = *n.ipv6_min;
    nat.ip_max = n.ipv6_max.value_or(*n.ipv6_min);
  }
  nat.port_min = n.port_min.value_or(0);
  nat.port_max = n.port_max.value_or(nat.port_min);
  return nat;
}

std::string helper_name(uint16_t alg) { return alg == 21 ? "ftp" : alg == 69 ? "tftp" : ""; }

void clear(Flow& f) {
  f.ct_state = 0;
  f.ct_zone = {};
  f.ct_mark = {};
  std::memset(f.ct_label, 0, sizeof f.ct_label);
  f.ct_nw_proto = 0;
  f.ct_nw_src = f.ct_nw_dst = {};
  f.ct_ipv6_src = f.ct_ipv6_dst = {};
  f.ct_tp_src = f.ct_tp_dst = {};
}

/// The connection's original direction in place of the packet's own headers, and back.
void swap_tuple(Flow& f) {
  std::swap(f.nw_src, f.ct_nw_src);
  std::swap(f.nw_dst, f.ct_nw_dst);
  std::swap(f.ipv6_src, f.ct_ipv6_src);
  std::swap(f.ipv6_dst, f.ct_ipv6_dst);
  std::swap(f.nw_proto, f.ct_nw_proto);
  std::swap(f.tp_src, f.ct_tp_src);
  std::swap(f.tp_dst, f.ct_tp_dst);
}

}  // namespace

void Translator::track(const ofp::Ct& c) {
  tracked_ = true;
  if (!p_.is_ip()) return;
  uint16_t zone = c.zone;
  if (c.zone_src.field != ofp::FieldId::kNone) {
    p_.mark(c.zone_src);
    zone = static_cast<uint16_t>(ofp::read_subfield_u64(c.zone_src, flow_, tlv()));
  }
  commit();
  OdpCt ct{.commit = c.commit, .force = c.force, .zone = zone, .helper = helper_name(c.alg), .timeout = {}, .nat = {}};
  if (c.commit && pipeline_.names_timeouts) {
    if (auto name = pipeline_.names_timeouts->ct_timeout_policy(zone, flow_.eth_type == kEthIpv6, flow_.nw_proto)) {
      p_.mark<&Flow::nw_proto>();
      ct.timeout = std::move(*name);
    }
  }
  // What exec sets is what its actions mark, beginning with nothing.
  auto [mark, label_mask] = std::pair(std::exchange(out_.mask.ct_mark, be32()), std::to_array(out_.mask.ct_label));
  std::memset(out_.mask.ct_label, 0, sizeof out_.mask.ct_label);
  if (c.actions.empty() && traced()) trace_->add(TraceKind::kAction, "drop");
  for (const ofp::Action& a : c.actions)
    if (auto* nat = a.as<ofp::Nat>()) ct.nat = odp_nat(*nat);
  run_actions(c.actions);
  ct.mark_mask = std::exchange(out_.mask.ct_mark, mark).host();
  ct.mark = flow_.ct_mark.host() & ct.mark_mask;
  for (size_t i = 0; i < ct.label.size(); i++) {
    ct.label_mask[i] = out_.mask.ct_label[i];
    ct.label[i] = flow_.ct_label[i] & ct.label_mask[i];
    out_.mask.ct_label[i] = label_mask[i];
  }
  std::optional<OdpNat> nat = ct.nat;
  emit({std::move(ct)});
  if (c.recirc_table != ofp::kTableAll) {
    detail(fmt::format("A clone of the packet is forked to recirculate. The forked pipeline will be resumed at table {}.", c.recirc_table));
    fork_to(c.recirc_table);
    if (traced()) out_.tracked.push_back({out_.frozen.size() - 1, base_, zone, nat});
  }
  detail("Sets the packet to an untracked state, and clears all the conntrack fields.");
  ct_forgotten_ = true;
  clear(flow_);
  clear(base_);
}

void Translator::clear_ct() {
  ct_forgotten_ = true;
  commit();
  emit({OdpCtClear{}});
  clear(flow_);
  clear(base_);
}

const Rule* Translator::find_rule_by_ct(uint8_t table) {
  if (!p_.is_ip() || !p_.get<&Flow::ct_nw_proto>()) {
    error("resubmit(ct) with non-tracked or non-IP packet!");
    return nullptr;
  }
  Flow seen = flow_, mask{};
  swap_tuple(seen);
  const Rule* rule = find_rule_as(table, seen, mask);
  swap_tuple(mask);
  for (size_t i = 0; i < kFlowWords; i++) out_.mask.words()[i] |= mask.words()[i];
  return rule;
}

}  // namespace sluice
