// SPDX-License-Identifier: Apache-2.0
// An interpreter of OpenFlow tables that is as plain as can be, written from the specification (OF1.3.5 5, spec/actions.md) without a look at the
// translator: whole packets go from action to action, each output is a copy.  The oracle of translate().
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <vector>

#include "ofproto/openflow/action.h"
#include "ofproto/openflow/match.h"

namespace sluice {

struct NaiveRule {
  uint8_t table;
  int priority;
  ofp::Match match;
  ofp::Actions actions;
};

/// A packet that left: where, and how it looked.
struct Departure {
  uint32_t port;
  Flow packet;
  friend bool operator==(const Departure&, const Departure&) = default;
};

class NaiveSwitch {
 public:
  std::vector<NaiveRule> rules;
  std::map<uint32_t, std::vector<ofp::Actions>> groups;   // of type all
  unsigned ports = 4;                                     // 1..ports

  /// The packets that `packet` becomes.
  std::vector<Departure> run(const Flow& packet) {
    out_.clear();
    set_.clear();
    packet_ = packet;
    resubmits_ = 0;
    lookup(0, 0);
    std::vector<ofp::Action> set = std::move(set_);
    set_.clear();
    run_set(set, 0);
    return out_;
  }

 private:
  /// in_port: the lookup is as if the packet had come in there.
  void lookup(uint8_t table, int depth, std::optional<uint32_t> in_port = {}) {
    const NaiveRule* best = nullptr;
    be32 real = packet_.in_port;
    if (in_port) packet_.in_port = be32(*in_port);
    for (const NaiveRule& r : rules)
      if (r.table == table && r.match.matches(packet_) && (!best || r.priority > best->priority)) best = &r;
    packet_.in_port = real;
    if (best) list(best->actions, table, depth);
  }

  /// One list; dec_ttl on a dying packet ends it.
  void list(const ofp::Actions& actions, uint8_t table, int depth) {
    for (const ofp::Action& a : actions)
      if (!one(a, table, depth)) return;
  }

  void leave(uint32_t port) {
    if (port >= 1 && port <= ports) out_.push_back({port, packet_});
  }

  bool tagged() const { return packet_.vlan_tci.host() & kVlanPresent; }

  bool one(const ofp::Action& a, uint8_t table, int depth) {
    if (auto* o = a.as<ofp::Output>()) {
      if (o->port == OFPP_IN_PORT)
        leave(packet_.in_port.host());
      else if (o->port.value != packet_.in_port.host())
        leave(o->port.value);
    } else if (auto* s = a.as<ofp::SetField>()) {
      if (exists(s->field)) ofp::set_field_masked(s->field, s->value, s->mask, packet_);
    } else if (auto* m = a.as<ofp::Move>()) {
      if (exists(m->src.field) && exists(m->dst.field)) ofp::write_subfield(m->dst, ofp::read_subfield(m->src, packet_), packet_);
    } else if (auto* p = a.as<ofp::PushVlan>()) {
      uint16_t tci = packet_.vlan_tci.host() | kVlanPresent;
      packet_.vlan2_tci = packet_.vlan_tci;
      packet_.vlan2_tpid = packet_.vlan_tpid;
      packet_.vlan_tci = be16(tci);
      packet_.vlan_tpid = be16(p->ethertype);
    } else if (a.as<ofp::StripVlan>()) {
      packet_.vlan_tci = packet_.vlan2_tci;
      packet_.vlan_tpid = packet_.vlan2_tpid;
      packet_.vlan2_tci = packet_.vlan2_tpid = be16();
    } else if (auto* v = a.as<ofp::SetVlanVid>()) {
      if (tagged() || v->push_if_needed) {
        if (!tagged()) packet_.vlan_tpid = be16(0x8100);
        packet_.vlan_tci = be16(static_cast<uint16_t>((packet_.vlan_tci.host() & 0xe000) | v->vid | kVlanPresent));
      }
    } else if (a.as<ofp::DecTtl>()) {
      if (!packet_.is_ip()) return true;
      if (packet_.nw_ttl <= 1) return false;
      packet_.nw_ttl--;
    } else if (auto* r = a.as<ofp::Resubmit>()) {
      if (depth > 60 || ++resubmits_ > 1000) return true;
      uint8_t next = r->table == ofp::kTableAll ? table : r->table;
      lookup(next, depth + 1, r->in_port == OFPP_IN_PORT ? std::optional<uint32_t>() : r->in_port.value);
    } else if (auto* g = a.as<ofp::GotoTable>()) {
      lookup(g->table, depth);
    } else if (auto* w = a.as<ofp::WriteMetadata>()) {
      packet_.metadata = be64((packet_.metadata.host() & ~w->mask) | (w->value & w->mask));
    } else if (auto* w = a.as<ofp::WriteActions>()) {
      for (const ofp::Action& b : w->actions) set_.push_back(b);
    } else if (a.as<ofp::ClearActions>()) {
      set_.clear();
    } else if (auto* g = a.as<ofp::Group>()) {
      for (const ofp::Actions& bucket : groups[g->group]) {
        Flow before = packet_;
        run_set(bucket, depth + 1);
        packet_ = before;
      }
    } else if (auto* c = a.as<ofp::Clone>()) {
      Flow before = packet_;
      auto set = std::move(set_);
      set_.clear();
      list(c->actions, table, depth + 1);
      packet_ = before;
      set_ = std::move(set);
    }
    return true;
  }

  /// pop, push, TTL, sets in order, then group, else output.
  void run_set(const std::vector<ofp::Action>& set, int depth) {
    auto last = [&]<typename T>(std::type_identity<T>) -> const ofp::Action* {
      auto it = std::find_if(set.rbegin(), set.rend(), [](const ofp::Action& a) { return a.as<T>() != nullptr; });
      return it == set.rend() ? nullptr : &*it;
    };
    ofp::Actions order;
    auto take = [&](const ofp::Action* a) { return a && (order.push_back(*a), true); };
    take(last(std::type_identity<ofp::StripVlan>{}));
    take(last(std::type_identity<ofp::PushVlan>{}));
    take(last(std::type_identity<ofp::DecTtl>{}));
    for (const ofp::Action& a : set)
      if (a.as<ofp::SetField>() || a.as<ofp::Move>() || a.as<ofp::SetVlanVid>()) order.push_back(a);
    if (!take(last(std::type_identity<ofp::Group>{}))) take(last(std::type_identity<ofp::Output>{}));
    list(order, 0, depth);
  }

  bool exists(ofp::FieldId f) const {
    switch (ofp::field(f).prereq) {
      case ofp::Prereq::kIpv4: return packet_.eth_type == be16(0x0800);
      case ofp::Prereq::kIp: return packet_.is_ip();
      case ofp::Prereq::kTcp: return packet_.is_ip() && packet_.nw_proto == 6;
      case ofp::Prereq::kUdp: return packet_.is_ip() && packet_.nw_proto == 17;
      case ofp::Prereq::kVlan: return tagged();
      default: return true;
    }
  }

  Flow packet_{};
  std::vector<ofp::Action> set_;
  std::vector<Departure> out_;
  unsigned resubmits_ = 0;
};

}  // namespace sluice
