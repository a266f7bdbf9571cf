// SPDX-License-Identifier: Apache-2.0
// What actions become in each version (spec/flow-syntax.md section 4, "Per-version canonical printing"): the old one-field actions
// are set_field from 1.2 on, set_field is an old action or loads before.
#include <algorithm>

#include "ofproto/openflow/action_io.h"

namespace sluice::ofp {
namespace {

SetField set_whole(FieldId f, FieldValue value) {
  FieldValue mask = FieldValue::ones(field(f), value.size());
  return {f, std::move(value), std::move(mask)};
}
SetField set_whole(FieldId f, uint64_t v) { return set_whole(f, FieldValue(field(f).wire_bytes, v)); }

FieldId l4_field(uint8_t proto, bool src) {
  switch (proto) {
    case 17: return src ? FieldId::kUdpSrc : FieldId::kUdpDst;
    case 132: return src ? FieldId::kSctpSrc : FieldId::kSctpDst;
    default: return src ? FieldId::kTcpSrc : FieldId::kTcpDst;
  }
}

/// The one-field actions of 1.0 and 1.1 as set_field.  Nothing for other actions.
std::optional<SetField> as_set_field(const Action& a) {
  if (auto* s = a.as<SetEthSrc>()) return set_whole(FieldId::kEthSrc, s->mac.to_u64());
  if (auto* s = a.as<SetEthDst>()) return set_whole(FieldId::kEthDst, s->mac.to_u64());
  if (auto* s = a.as<SetIpSrc>()) return set_whole(FieldId::kIpSrc, s->ip.host());
  if (auto* s = a.as<SetIpDst>()) return set_whole(FieldId::kIpDst, s->ip.host());
  if (auto* s = a.as<SetIpTos>()) return set_whole(FieldId::kIpDscp, s->tos >> 2);
  if (auto* s = a.as<SetIpEcn>()) return set_whole(FieldId::kNwEcn, s->ecn);
  if (auto* s = a.as<SetL4Src>()) return set_whole(l4_field(s->flow_ip_proto, true), s->port);
  if (auto* s = a.as<SetL4Dst>()) return set_whole(l4_field(s->flow_ip_proto, false), s->port);
  if (auto* s = a.as<SetTunnel>()) return set_whole(FieldId::kTunId, s->id);
  if (auto* s = a.as<SetMplsLabel>()) return set_whole(FieldId::kMplsLabel, s->label);
  if (auto* s = a.as<SetMplsTc>()) return set_whole(FieldId::kMplsTc, s->tc);
  return std::nullopt;
}

/// set_field of a whole field as the action that 1.0 or 1.1 has for it.
std::optional<Action> as_old_action(const SetField& s, Version v) {
  if (!(s.mask == FieldValue::ones(field(s.field), s.mask.size()))) return std::nullopt;
  uint64_t n = s.value.u64();
  bool of11 = v == Version::k11;
  switch (s.field) {
    case FieldId::kVlanVid: return SetVlanVid{static_cast<uint16_t>(n & 0xfff), false, s.flow_has_vlan};
    case FieldId::kVlanPcp: case FieldId::kDlVlanPcp: return SetVlanPcp{static_cast<uint8_t>(n), false, s.flow_has_vlan};
    case FieldId::kEthSrc: return SetEthSrc{MacAddr::from_u64(n)};
    case FieldId::kEthDst: return SetEthDst{MacAddr::from_u64(n)};
    case FieldId::kIpSrc: return SetIpSrc{be32(static_cast<uint32_t>(n))};
    case FieldId::kIpDst: return SetIpDst{be32(static_cast<uint32_t>(n))};
    case FieldId::kNwTos: return SetIpTos{static_cast<uint8_t>(n)};
    case FieldId::kIpDscp: return SetIpTos{static_cast<uint8_t>(n << 2)};
    case FieldId::kNwEcn: return of11 ? std::optional<Action>(SetIpEcn{static_cast<uint8_t>(n)}) : std::nullopt;
    case FieldId::kTcpSrc: case FieldId::kUdpSrc: return SetL4Src{static_cast<uint16_t>(n), 0};
    case FieldId::kTcpDst: case FieldId::kUdpDst: return SetL4Dst{static_cast<uint16_t>(n), 0};
    default: return std::nullopt;  // in 1.1 mpls_label and mpls_tc go as loads, as Open vSwitch sends them
  }
}

/// One load a run of ones of the mask, cut to 64 bits.
void as_loads(const SetField& s, Actions& out) {
  unsigned bits = std::min<unsigned>(static_cast<unsigned>(s.mask.size() * 8), field(s.field).bits);   // a VLAN ID's, without "there is a tag"
  for (unsigned i = 0; i < bits;) {
    if (!s.mask.bit(i)) {
      i++;
      continue;
    }
    unsigned n = 0;
    while (i + n < bits && n < 64 && s.mask.bit(i + n)) n++;
    SetField load{s.field, FieldValue(s.value.size()), FieldValue(s.mask.size()), SetField::Form::kLoad};
    copy_bits(s.value.bytes(), i, load.value.bytes(), i, n);
    load.mask.set_bits(i, n);
    out.push_back(std::move(load));
    i += n;
  }
}

bool has_short_header(FieldId f) {
  const WireId* id = wire_id_of(f, Version::k10);
  return id && !id->header.is_experimenter() && !is_tun_metadata(f);  // options have no fixed length: load2
}

Status lower_set_field(const SetField& s, Version v, Actions& out) {
  bool whole_field = s.mask == FieldValue::ones(field(s.field), s.mask.size());
  if (v >= Version::k15) {
    SetField copy = s;
    copy.form = SetField::Form::kSetField;
    out.push_back(std::move(copy));
  } else if (s.form == SetField::Form::kLoad) {
    auto run = mask_run(s.field, s.mask);
    if (run && run->n_bits > 64 && has_short_header(s.field)) as_loads(s, out);
    else out.push_back(s);
  } else if (v >= Version::k12 && whole_field) {
    out.push_back(s);
  } else if (auto old = v < Version::k12 ? as_old_action(s, v) : std::nullopt) {
    out.push_back(std::move(*old));
  } else if (has_short_header(s.field)) {
    as_loads(s, out);
  } else {
    SetField copy = s;
    copy.form = SetField::Form::kLoad;  // load2, which has the whole TLV
    out.push_back(std::move(copy));
  }
  return {};
}

void lower_vlan(const Action& a, Version v, Actions& out) {
  auto* vid = a.as<SetVlanVid>();
  auto* pcp = a.as<SetVlanPcp>();
  if (v == Version::k10) return out.push_back(a);
  bool push = vid ? vid->push_if_needed && !vid->flow_has_vlan : pcp->push_if_needed && !pcp->flow_has_vlan;
  if (push) out.push_back(PushVlan{});
  if (v == Version::k11) return out.push_back(a);
  out.push_back(vid ? set_whole(FieldId::kVlanVid, vid->vid | kVlanPresent) : set_whole(FieldId::kVlanPcp, pcp->pcp));
}

}  // namespace

std::optional<Subfield> mask_run(FieldId f, const FieldValue& mask) {
  unsigned bits = static_cast<unsigned>(mask.size() * 8), first = 0;
  while (first < bits && !mask.bit(first)) first++;
  unsigned n = 0;
  while (first + n < bits && mask.bit(first + n)) n++;
  for (unsigned i = first + n; i < bits; i++)
    if (mask.bit(i)) return std::nullopt;
  if (n == 0) return std::nullopt;
  return Subfield{f, static_cast<uint16_t>(first), static_cast<uint16_t>(n)};
}

bool may_lower(const Action& a) {
  static constexpr size_t kKinds[] = {kKind<SetField>,  kKind<SetVlanVid>, kKind<SetVlanPcp>,   kKind<SetEthSrc>, kKind<SetEthDst>, kKind<SetIpSrc>,
                               kKind<SetIpDst>,  kKind<SetIpTos>,   kKind<SetIpEcn>,     kKind<SetIpTtl>,  kKind<SetL4Src>,  kKind<SetL4Dst>,
                               kKind<SetTunnel>, kKind<SetMplsLabel>, kKind<SetMplsTc>, kKind<Enqueue>,   kKind<GotoTable>};
  static constexpr uint64_t kSet = [] {
    uint64_t set = 0;
    for (size_t k : kKinds) set |= uint64_t{1} << k;
    return set;
  }();
  static_assert(std::variant_size_v<Action::Variant> <= 64);
  return kSet >> a.v.index() & 1;
}

Status lower_action(const Action& a, Version v, Actions& out) {
  if (auto* s = a.as<SetField>()) return lower_set_field(*s, v, out);
  if (a.as<SetVlanVid>() || a.as<SetVlanPcp>()) {
    lower_vlan(a, v, out);
    return {};
  }
  if (v >= Version::k12) {
    if (auto s = as_set_field(a)) return lower_set_field(*s, v, out);
  }
  if (v >= Version::k11) {
    if (auto* e = a.as<Enqueue>()) {
      out.push_back(SetQueue{e->queue});
      out.push_back(Output{e->port, kNoBufferLen});
      out.push_back(PopQueue{});
      return {};
    }
  }
  if (v == Version::k10) {
    if (auto* g = a.as<GotoTable>()) {
      out.push_back(Resubmit{OFPP_IN_PORT, g->table});
      return {};
    }
    if (auto* s = a.as<SetIpEcn>()) return lower_set_field(set_whole(FieldId::kNwEcn, s->ecn), v, out);
    if (auto* s = a.as<SetIpTtl>()) return lower_set_field(set_whole(FieldId::kNwTtl, s->ttl), v, out);
  }
  out.push_back(a);
  return {};
}

}  // namespace sluice::ofp
