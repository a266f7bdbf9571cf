// SPDX-License-Identifier: Apache-2.0
// Whether a rule's actions fit its match, its table and the version.  The match is followed through the list: push_mpls makes the
// rest of the list act on MPLS, pop_vlan removes the tag, and so on.
#include <optional>
#include <variant>

#include "lib/log.h"
#include "ofproto/openflow/action.h"
#include "ofproto/openflow/group_messages.h"
#include "ofproto/openflow/port.h"

namespace sluice::ofp {
namespace {

constexpr size_t kMaxVlanTags = 2;
Log log_actions("ofp_actions");
LogLimit limit(1, 5);

class Checker {
 public:
  Checker(const MiniMatch& m, const ActionCheck& c) : given_(m), c_(c) {}

  Status list(Actions& actions, unsigned depth) {
    if (depth > c_.max_depth) return fail(Error::OFPBAC_TOO_MANY);
    unsigned was = depth_;
    depth_ = depth;
    for (Action& a : actions)
      if (auto ok = std::visit(*this, a.v); !ok) return ok;
    depth_ = was;
    return {};
  }

  // --- Output ---
  Status operator()(Output& o) { return out_port(o.port, false); }
  Status operator()(OutputReg& o) { return check_source(o.src, packet(), c_.tlv); }
  Status operator()(OutputTrunc& o) {
    bool set = o.port == OFPP_NORMAL || o.port == OFPP_FLOOD || o.port == OFPP_ALL || o.port == OFPP_CONTROLLER || o.port == OFPP_TABLE ||
               o.port == OFPP_NONE;
    if (set) return fail(Error::OFPBAC_BAD_OUT_PORT);
    if (o.max_len < 14) return fail(Error::OFPBAC_BAD_ARGUMENT);  // an Ethernet header
    return out_port(o.port, false);
  }
  Status operator()(Enqueue& e) {
    if (e.port.value < c_.max_ports || e.port == OFPP_IN_PORT || e.port == OFPP_LOCAL) return {};
    return fail(Error::OFPBAC_BAD_OUT_PORT);
  }
  Status operator()(SetQueue&) { return {}; }
  Status operator()(PopQueue&) { return {}; }
  Status operator()(Group& g) { return g.group <= OFPG_MAX ? Status() : fail(Error::OFPBAC_BAD_OUT_GROUP); }
  Status operator()(Controller&) { return {}; }
  Status operator()(Bundle& b) {
    for (OfpPort p : b.members) {
      bool ok = p.value < c_.max_ports || p == OFPP_NONE || p == OFPP_LOCAL;
      if (!ok) return fail(Error::OFPBAC_BAD_OUT_PORT);
    }
    if (b.dst.field == FieldId::kNone) return {};
    if (b.dst.n_bits < 16) return fail(Error::OFPBAC_BAD_ARGUMENT);
    return check_destination(b.dst, packet(), c_.tlv);
  }

  // --- VLAN ---
  Status operator()(SetVlanVid& s) {
    if (s.vid > 0xfff) return fail(Error::OFPBAC_BAD_ARGUMENT);
    return vlan_field(s);
  }
  Status operator()(SetVlanPcp& s) {
    if (s.pcp > 7) return fail(Error::OFPBAC_BAD_ARGUMENT);
    return vlan_field(s);
  }
  Status operator()(StripVlan&) {
    if (auto ok = soft_outside_set(has_tag()); !ok) return ok;
    if (tags_) tags_--;
    match().value.vlan_tci = {};
    match().mask.vlan_tci = {};
    return {};
  }
  Status operator()(PushVlan& p) {
    if (p.ethertype != 0x8100 && p.ethertype != 0x88a8) return fail(Error::OFPBAC_BAD_ARGUMENT);
    if (tags_ + (tags_ == 0 && has_tag()) >= kMaxVlanTags) return fail(Error::OFPBAC_BAD_TAG);
    tags_++;
    tag();
    return {};
  }

  // --- MPLS, PBB, TTL ---
  Status operator()(SetMplsLabel& s) { return s.label <= 0xfffff ? soft(Prereq::kMpls) : fail(Error::OFPBAC_BAD_ARGUMENT); }
  Status operator()(SetMplsTc& s) { return s.tc <= 7 ? soft(Prereq::kMpls) : fail(Error::OFPBAC_BAD_ARGUMENT); }
  Status operator()(SetMplsTtl&) { return soft_outside_set(has(Prereq::kMpls)); }
  Status operator()(DecMplsTtl&) { return soft_outside_set(has(Prereq::kMpls)); }
  Status operator()(PushMpls& p) {
    if (p.ethertype != 0x8847 && p.ethertype != 0x8848) return fail(Error::OFPBAC_BAD_ARGUMENT);
    if (auto ok = soft(Prereq::kEthernet); !ok) return ok;
    return become(p.ethertype);
  }
  Status operator()(PopMpls& p) {
    if (auto ok = soft_outside_set(has(Prereq::kMpls) && has(Prereq::kEthernet)); !ok) return ok;
    return become(p.ethertype);
  }
  Status operator()(PushPbb& p) {
    if (p.ethertype != 0x88e7) return fail(Error::OFPBAC_BAD_ARGUMENT);
    return become(p.ethertype);
  }
  Status operator()(PopPbb&) { return soft(Prereq::kPbb); }
  Status operator()(CopyTtlOut&) { return {}; }
  Status operator()(CopyTtlIn&) { return {}; }
  Status operator()(DecTtl&) { return soft_outside_set(has(Prereq::kIp)); }
  Status operator()(DecNshTtl&) { return hard(has(Prereq::kNsh)); }

  // --- Fields ---
  Status operator()(SetEthSrc&) { return soft(Prereq::kEthernet); }
  Status operator()(SetEthDst&) { return soft(Prereq::kEthernet); }
  Status operator()(SetIpSrc&) { return soft(Prereq::kIpv4); }
  Status operator()(SetIpDst&) { return soft(Prereq::kIpv4); }
  Status operator()(SetIpTos& s) { return s.tos & 3 ? fail(Error::OFPBAC_BAD_ARGUMENT) : soft(Prereq::kIp); }
  Status operator()(SetIpEcn& s) { return s.ecn > 3 ? fail(Error::OFPBAC_BAD_ARGUMENT) : soft(Prereq::kIp); }
  Status operator()(SetIpTtl&) { return soft_outside_set(has(Prereq::kIp)); }
  Status operator()(SetL4Src& s) { return l4(s); }
  Status operator()(SetL4Dst& s) { return l4(s); }
  Status operator()(SetTunnel&) { return {}; }
  Status operator()(SetField& s) {
    const Field& f = field(s.field);
    if (f.access == Access::kReadOnly) return fail(Error::OFPBAC_BAD_SET_ARGUMENT);
    bool in_tag = s.field == FieldId::kVlanVid || s.field == FieldId::kVlanPcp;
    // The prerequisite of a tag's fields is a tag.
    bool tagged = in_tag ? has_tag() || c_.any_packet : has(f.prereq);
    if (!tagged) {
      log_actions.warn(limit, "set_field {} lacks correct prerequisites", f.name);
      return fail(Error::OFPBAC_MATCH_INCONSISTENT);
    }
    s.flow_has_vlan = has_tag();
    if (!is_value_valid(s.field, s.value, c_.tlv)) return fail(Error::OFPBAC_BAD_SET_ARGUMENT);
    if (s.field == FieldId::kVlanTci && (s.value.u64() & kVlanPresent)) tag();
    // set_field ...->vlan_vid means a tag: bit 12 must be said (OF1.3.5 7.2.3.8).
    bool whole_vid = s.field == FieldId::kVlanVid && s.form == SetField::Form::kSetField && s.mask.u64() == 0x1fff;
    if (whole_vid && !(s.value.u64() & kVlanPresent)) return fail(Error::OFPBAC_BAD_SET_ARGUMENT);
    return {};
  }
  Status operator()(Move& mv) {
    if (mv.src.n_bits != mv.dst.n_bits) return fail(Error::OFPBAC_BAD_ARGUMENT);
    if (auto ok = check_source(mv.src, packet(), c_.tlv); !ok) return ok;
    return check_destination(mv.dst, packet(), c_.tlv);
  }
  Status operator()(StackPush& s) { return check_source(s.src, packet(), c_.tlv); }
  Status operator()(StackPop& s) { return check_destination(s.dst, packet(), c_.tlv); }
  Status operator()(DeleteField& d) { return is_tun_metadata(d.field) ? Status() : fail(Error::OFPBAC_BAD_SET_ARGUMENT); }

  // --- Control ---
  Status operator()(Resubmit& r) {
    if (r.in_port.value >= c_.max_ports && !is_port_valid(r.in_port)) return fail(Error::OFPBAC_BAD_OUT_PORT);
    if (r.ct) return hard(has(Prereq::kCt));
    return {};
  }
  Status operator()(Clone& c) {
    Match saved = match();
    unsigned tags = tags_;
    auto ok = list(c.actions, depth_ + 1);
    match() = saved;
    tags_ = tags;
    return ok;
  }
  Status operator()(Exit&) { return {}; }
  Status operator()(Note&) { return {}; }
  Status operator()(Conjunction& c) {
    bool ok = c.n_clauses >= 2 && c.n_clauses <= kMaxConjunctionClauses && c.clause < c.n_clauses;
    return ok ? Status() : fail(Error::NXBAC_BAD_CONJUNCTION);
  }
  Status operator()(Multipath& mp) {
    if (mp.n_links == 0 || mp.n_links > kMaxMultipathLinks) return fail(Error::OFPBAC_BAD_ARGUMENT);
    if (mp.dst.n_bits < 32 && mp.n_links - 1 > (uint64_t{1} << mp.dst.n_bits) - 1) return fail(Error::OFPBAC_BAD_ARGUMENT);
    return check_destination(mp.dst, packet(), c_.tlv);
  }
  Status operator()(FinTimeout&) { return soft(Prereq::kTcp); }
  Status operator()(Learn& l) {
    if (l.table == kTableAll) return fail(Error::OFPBAC_BAD_ARGUMENT);
    Match learned;  // of the flow that will be learned: what earlier specs match on
    for (LearnSpec& s : l.specs) {
      if (s.src.field != FieldId::kNone)
        if (auto ok = check_source(s.src, packet(), c_.tlv); !ok) return ok;
      if (s.kind == LearnSpec::Kind::kMatch) {
        if (auto ok = check_source(s.dst, &learned, c_.tlv); !ok) return ok;
        if (!is_value_possible(s)) return fail(Error::OFPBAC_BAD_SET_ARGUMENT);
        learn_match(s, learned);
      } else if (s.kind == LearnSpec::Kind::kLoad) {
        if (auto ok = check_destination(s.dst, &learned, c_.tlv); !ok) return ok;
      }
    }
    return l.result_dst.field == FieldId::kNone ? Status() : check_destination(l.result_dst, packet(), c_.tlv);
  }
  Status operator()(Sample& s) {
    if (s.probability == 0) return fail(Error::OFPBAC_BAD_ARGUMENT);
    for (Subfield* f : {&s.obs_domain_src, &s.obs_point_src})
      if (f->field != FieldId::kNone)
        if (auto ok = check_source(*f, packet(), c_.tlv); !ok) return ok;
    return {};
  }
  Status operator()(CheckPktLarger& c) { return check_destination(c.dst, packet(), c_.tlv); }

  // --- Connection tracking ---
  Status operator()(Ct& ct) {
    if (!has(Prereq::kIp)) return fail(Error::OFPBAC_MATCH_INCONSISTENT);
    if (ct.alg == 21 && !has(Prereq::kTcp)) return fail(Error::OFPBAC_MATCH_INCONSISTENT);
    if (ct.alg == 69 && !has(Prereq::kUdp)) return fail(Error::OFPBAC_MATCH_INCONSISTENT);
    if (ct.alg && ct.alg != 21 && ct.alg != 69) return fail(Error::OFPBAC_BAD_ARGUMENT);
    if (ct.force && !ct.commit) return fail(Error::OFPBAC_BAD_ARGUMENT);
    if (ct.zone_src.field != FieldId::kNone) {
      if (ct.zone_src.n_bits != 16) return fail(Error::OFPBAC_BAD_SET_LEN);
      if (auto ok = check_source(ct.zone_src, packet(), c_.tlv); !ok) return ok;
    }
    bool nat = false;
    for (Action& a : ct.actions) {
      if (auto* n = a.as<Nat>()) {
        if (nat) return fail(Error::OFPBAC_TOO_MANY);
        nat = true;
        if ((n->src || n->dst) && !ct.commit) return fail(Error::OFPBAC_BAD_ARGUMENT);
        if ((n->ipv4_min && !has(Prereq::kIpv4)) || (n->ipv6_min && !has(Prereq::kIpv6)))
          return fail(Error::OFPBAC_MATCH_INCONSISTENT);
        continue;
      }
      if (!ct.commit || !allowed_in_ct(a)) return fail(Error::OFPBAC_BAD_ARGUMENT);
      if (auto ok = std::visit(*this, a.v); !ok) return ok;
    }
    return {};
  }
  Status operator()(Nat&) { return fail(Error::OFPBAC_BAD_TYPE); }  // only in ct
  Status operator()(CtClear&) { return {}; }

  // --- Encapsulation ---
  Status operator()(Encap& e) {
    uint16_t type = static_cast<uint16_t>(e.packet_type);
    match().mask.packet_type = be32(UINT32_MAX);
    match().value.packet_type = be32(e.packet_type);
    if (e.packet_type >> 16 == 1) {
      match().value.eth_type = be16(type);
      match().mask.eth_type = be16(0xffff);
    }
    return {};
  }
  Status operator()(Decap&) {
    // What is inside is not known.
    match().mask.packet_type = {}, match().value.packet_type = {};
    match().mask.eth_type = {}, match().value.eth_type = {};
    return {};
  }
  Status operator()(DebugRecirc&) { return {}; }
  Status operator()(DebugSlow&) { return {}; }

  // --- Instructions ---
  Status operator()(Meter& mt) { return mt.meter_id && mt.meter_id <= OFPM_MAX ? Status() : fail(meter_error()); }
  Status operator()(ClearActions&) { return {}; }
  Status operator()(WriteActions& w) {
    Match saved = match();
    unsigned tags = tags_;
    in_set_ = true;
    auto ok = list(w.actions, depth_ + 1);
    in_set_ = false;
    match() = saved;
    tags_ = tags;
    return ok;
  }
  Status operator()(WriteMetadata&) { return {}; }
  Status operator()(GotoTable& g) {
    if (c_.version == Version::k10) return {};  // resubmit there
    bool ok = c_.table_id == kTableAll ? g.table != kTableAll : g.table > c_.table_id;
    return ok && g.table < c_.n_tables ? Status() : fail(Error::OFPBIC_BAD_TABLE_ID);
  }

 private:
  const MiniMatch& given_;
  std::optional<Match> match_;     // as earlier actions have changed it; made when the first one asks
  const ActionCheck& c_;
  unsigned depth_ = 0;
  unsigned tags_ = 0;  // pushed by this list
  bool in_set_ = false;  // within write_actions

  Match& match() { return match_ ? *match_ : match_.emplace(given_.expand()); }
  const Match* packet() { return c_.any_packet ? nullptr : &match(); }
  bool has(Prereq p) { return c_.any_packet || has_prereq(p, match()); }
  Error meter_error() const { return c_.version >= Version::k15 ? Error::OFPBAC_BAD_METER : Error::OFPMMFC_INVALID_METER; }
  static Status hard(bool ok) { return ok ? Status() : fail(Error::OFPBAC_MATCH_INCONSISTENT); }
  Status soft(bool ok) {
    if (ok || c_.any_packet) return {};
    if (c_.usable) {
      *c_.usable &= kOf10Any | kNxmAny;
      return {};
    }
    return c_.version == Version::k10 ? Status() : fail(Error::OFPBAC_MATCH_INCONSISTENT);
  }
  /// What an action set does to a packet depends on all tables before: there only what would become a set_field needs its prerequisite now.
  Status soft_outside_set(bool ok) { return soft(ok || in_set_); }
  Status soft(Prereq p) { return soft(has(p)); }

  bool has_tag() { return bool(match().value.vlan_tci & be16(kVlanPresent)); }
  void tag() {
    match().value.vlan_tci |= be16(kVlanPresent);
    match().mask.vlan_tci |= be16(kVlanPresent);
  }
  template <typename T>
  Status vlan_field(T& s) {
    s.flow_has_vlan = has_tag();
    if (auto ok = soft(Prereq::kEthernet); !ok) return ok;
    if (!s.flow_has_vlan && !s.push_if_needed)
      if (auto ok = soft(false); !ok) return ok;
    tag();
    return {};
  }
  template <typename T>
  Status l4(T& s) {
    bool ok = has(Prereq::kTcp) || has(Prereq::kUdp) || has(Prereq::kSctp);
    s.flow_ip_proto = ok ? match().value.nw_proto : 0;
    return soft(ok);
  }
  /// The packet's outermost type after a push or pop.
  Status become(uint16_t eth_type) {
    match().value.eth_type = be16(eth_type);
    match().mask.eth_type = be16(0xffff);
    match().value.nw_proto = 0;
    match().mask.nw_proto = 0;
    return {};
  }
  Status out_port(OfpPort p, bool) {
    if (p.value < c_.max_ports) return {};
    switch (p.value) {
      case OFPP_IN_PORT.value: case OFPP_TABLE.value: case OFPP_NORMAL.value: case OFPP_FLOOD.value: case OFPP_ALL.value:
      case OFPP_CONTROLLER.value: case OFPP_LOCAL.value: return {};
      default: return fail(Error::OFPBAC_BAD_OUT_PORT);
    }
  }
  static bool allowed_in_ct(const Action& a) {
    auto mark_or_label = [](FieldId f) { return f == FieldId::kCtMark || f == FieldId::kCtLabel; };
    if (auto* s = a.as<SetField>()) return mark_or_label(s->field);
    if (auto* mv = a.as<Move>()) return mark_or_label(mv->dst.field);
    return false;
  }
  /// Of a whole field: no text says another, and no packet has it.
  bool is_value_possible(const LearnSpec& s) const {
    if (s.src.field != FieldId::kNone || !s.dst.is_whole()) return true;
    FieldValue v(wire_bytes_of(s.dst.field, c_.tlv));
    copy_bits(s.immediate.bytes(), 0, v.bytes(), 0, s.n_bits);
    return is_value_valid(s.dst.field, v, c_.tlv);
  }
  void learn_match(const LearnSpec& s, Match& learned) {
    if (is_tun_metadata(s.dst.field)) return;
    FieldValue v = learned.get(s.dst.field), k = learned.get_mask(s.dst.field);
    FieldValue from = s.src.field == FieldId::kNone ? s.immediate : read_subfield(s.src, match().value, c_.tlv);
    if (s.dst.ofs + s.n_bits > v.size() * 8u || from.size() * 8u < s.n_bits) return;
    copy_bits(from.bytes(), 0, v.bytes(), s.dst.ofs, s.n_bits);
    k.set_bits(s.dst.ofs, s.n_bits);
    learned.set(s.dst.field, v, k);
  }
};

/// Instructions once each and in order; conjunction alone or with notes.
Status check_shape(const Actions& actions, const ActionCheck& c) {
  constexpr int kRank[] = {0, 6, 5, 4, 2, 3, 1};  // by instruction_type()
  int last = 0;
  bool conjunction = false, other = false;
  for (const Action& a : actions) {
    uint16_t type = instruction_type(a);
    bool meter_action = type == 6 && c.version >= Version::k15;
    int rank = meter_action ? 2 : kRank[type];
    if (type != 4 && !meter_action && rank == last) return fail(Error::OFPBIC_DUP_INST);
    if (rank < last) return fail(Error::OFPBAC_UNSUPPORTED_ORDER);
    last = rank;
    conjunction |= a.as<Conjunction>() != nullptr;
    other |= !a.as<Conjunction>() && !a.as<Note>();
  }
  if (conjunction && other) return fail(Error::NXBAC_BAD_CONJUNCTION);
  return {};
}

}  // namespace

Status check_actions(Actions& actions, const MiniMatch& match, const ActionCheck& check) {
  if (auto ok = check_shape(actions, check); !ok) return ok;
  return Checker(match, check).list(actions, 0);
}

}  // namespace sluice::ofp
