// SPDX-License-Identifier: Apache-2.0
// Translator: one translation under way; inside of translate().  Its methods are in files by theme:
// translate.cc tables and action lists, translate_actions.cc single actions, translate_output.cc ports, normal.cc, mirror.cc, translate_group.cc, select_group.cc, translate_freeze.cc, translate_ct.cc,
// translate_encap.cc, commit.cc, translate_learn.cc.
//
// Invariants: 1. flow_ is the packet as the next action sees it, base_ the packet as the datapath has it after the actions written so far: commit() writes the
// actions that make base_ equal to flow_, and happens as late as possible (before an output).  2. All reads of flow_ that decide something go through p_.
#pragma once

#include <string>

#include "datapath/geneve.h"
#include "ofproto/probe.h"
#include "ofproto/translate.h"

namespace sluice {

/// Of NORMAL (normal.cc): addresses that a bridge must not forward; a Port is in the VLAN.
bool is_reserved(const MacAddr& mac);
bool carries(const PortSettings& s, uint16_t vlan);

class Translator {
 public:
  Translator(const Pipeline& pipeline, const TranslateInput& input, TraceTree* trace);
  Translation run();

 private:
  using Actions = ofp::Actions;

  // --- translate.cc ---
  void receive();
  void enter_bridge(const PortView* in_port);
  enum class MissIs : uint8_t { kSilent, kPolicy };   // resubmit: nothing happens; table 0 and goto: the table's policy
  /// Looks the packet up, as if it came in at in_port if that is given, and does what the rule says (with its real in_port).
  void lookup(uint8_t table, MissIs miss, std::optional<be32> in_port = std::nullopt, bool by_ct = false);
  const Rule* find_rule(uint8_t table);
  const Rule* find_rule_as(uint8_t table, const Flow& seen, Flow& mask);
  uint64_t modified(const Flow& seen) const;
  const Rule* find_bare(uint8_t table);
  void miss(uint8_t table);
  void run_rule(const Rule& rule, uint8_t table);
  void run_actions(const Actions& actions);
  enum class Which : uint8_t { kRule, kBucket };
  void run_action_set_of(Which which);
  void run_action_set() { run_action_set_of(Which::kRule); }
  bool fail(TranslateError e);
  /// Tables, ports, options are those of this bridge from here on.
  void go_to(const BridgeView* bridge) {
    bridge_ = bridge;
    p_.set_tlv(tlv());
  }
  const ofp::TlvTable* tlv() const { return bridge_ ? &bridge_->tlv : nullptr; }
  bool stopped() const { return exit_ || freezing_ || out_.error != TranslateError::kNone; }
  void finish();

  // --- translate_actions.cc ---
  enum class Then : uint8_t { kGoOn, kStopList };
  Then run_action(const ofp::Action& action, bool is_last);
  template <typename T>
  Then act(const T& action);
  bool may_go_on(bool deeper);
  void resubmit(const ofp::Resubmit& r);
  void set_queue(uint32_t queue);
  void set_field(ofp::FieldId field, const ofp::FieldValue& value, const ofp::FieldValue& mask);
  void set_subfield(const ofp::Subfield& dst, const ofp::FieldValue& value);
  void set_subfield(const ofp::Subfield& dst, uint64_t value);
  void tell_subfield(const ofp::Subfield& s);
  void set_vlan(be16 bits, be16 value, bool push_if_needed);
  void push_vlan(be16 tpid);
  void pop_vlan();
  void set_eth_type(be16 eth_type);
  void push_mpls(be16 eth_type);
  void pop_mpls(be16 eth_type);
  Then dec_ttl(const std::vector<uint16_t>& controllers);
  void clone(const Actions& actions, bool is_last);
  void write_actions(const Actions& actions);

  // --- translate_freeze.cc ---
  /// The packet comes back to `table` with what it has now; here it goes on.
  void fork_to(uint8_t table);
  bool must_recirculate_before(const ofp::Action& action);
  /// Of a list that stops for a recirculation, what is left; called by each list on the way out.
  void freeze_rest(const Actions& actions, size_t from);
  /// At the end of what goes on for itself (a bridge's pipeline, a bucket, a clone): the packet goes back to the datapath if something asked for that.
  void finish_freezing();
  void thaw(const FrozenState& state);
  FrozenState snapshot() const;
  void check_pkt_larger(const ofp::CheckPktLarger& c, const Actions& rest);

  // --- translate_ct.cc ---
  void track(const ofp::Ct& c);
  void clear_ct();
  const Rule* find_rule_by_ct(uint8_t table);

  // --- translate_encap.cc ---
  struct Pending {
    enum Header : uint8_t { kNone, kEthernet, kNsh, kMpls } header = kNone;
    Bytes options;             // of an NSH with MD type 2
  };
  /// Which headers the packet begins with, and where in odp_ that was.  Headers that were put in front or taken away since can't be had back by setting fields.
  struct Structure {
    unsigned id = 0;
    size_t at = 0;
    Flow base;
  };
  Then refuse_type(std::string why);
  Then encap_nsh(const ofp::Encap& e);
  Then encap_mpls(be16 eth_type);
  Then decap_ethernet();
  Then decap_nsh();
  Then decap_mpls(uint32_t new_type);
  void uncover(uint32_t type, OdpAction pop);
  void commit_encap();
  void begin_structure() { structure_ = ++structures_; }
  /// Around what runs on a copy of the packet: the caller puts flow_ back by itself, what follows is done to the packet as it was.
  Structure structure();
  void return_to(const Structure& before);
  void end_copy();
  void undo();

  // --- translate_hash.cc ---
  uint32_t hash_fields(ofp::HashFields fields, uint32_t basis);
  uint32_t symmetric_hash(uint32_t basis, bool l2, bool l4, bool udp);
  unsigned multipath_link(const ofp::Multipath& m);
  OfpPort bundle_member(const ofp::Bundle& b);
  bool is_live(OfpPort port) const;

  // --- translate_output.cc ---
  void output(OfpPort port, uint16_t controller_max_len, bool in_port_too = false);
  void flood(bool respect_no_flood);
  void send(OfpPort port);
  bool may_carry();
  void send_patch(const PortView& port);
  void send_truncated(OfpPort port, uint32_t max_len);
  void to_controller(const ofp::Controller& c, bool is_implicit_miss = false, FrozenPtr pause = nullptr);

  // --- translate_tunnel.cc ---
  bool receive_tunnel(const PortView& in);
  bool enter_tunnel(const TunnelSettings& s);
  void enter_kind(const TunnelSettings& s, FlowTunnel& t);
  void send_tunnel(const PortView& port);
  bool take_options(const TunnelSettings& to);
  void commit_tunnel(const TunnelSettings& to);

  // --- normal.cc ---
  /// A packet inside of the bridge: its VLAN, and the tag that it has within that.
  struct Tags {
    uint16_t vlan = 0;
    be16 pcp;                  // bits of the tci
    be16 tpid;                 // of the outer tag, 0 if it had none
    be16 inner_tci, inner_tpid;
  };
  void normal();
  bool input_tags(const L2Port& in, Tags& tags);
  void normal_flood(const L2Port& in, const Tags& tags);
  bool tags_of(const L2Port& port, Tags& tags) const;
  void normal_output(const L2Port& out, const Tags& tags);

  // --- mirror.cc ---
  void mirror(const L2Port& port, uint32_t mirrors);
  void send_mirrored(const Mirror& m, const Tags& tags);

  // --- translate_group.cc ---
  void run_group(uint32_t id);
  void run_bucket(const Group& group, size_t index);
  bool is_bucket_live(const ofp::Bucket& bucket) const;
  bool is_bucket_live(const ofp::Bucket& bucket, unsigned& looks) const;   // looks: how many watched groups may still be asked
  size_t first_live(const Group& group) const;                             // SIZE_MAX: none

  // --- select_group.cc ---
  bool wants_hash(const Group& group) const;
  size_t select_bucket(const Group& group);
  size_t select_by_fields(const Group& group);
  uint32_t group_hash(const Group& group);

  // --- translate_learn.cc ---
  void learn(const ofp::Learn& l);
  bool would_find_learned(uint8_t table, const Rule* found) const;

  // --- commit.cc ---
  void commit();
  void commit_vlan();
  void commit_mpls();
  template <typename Fn>
  bool commit_set(OdpSetKind kind, Fn diff);

  // --- trace ---
  bool traced() const { return trace_ != nullptr; }
  void detail(std::string text) { if (trace_) trace_->add(TraceKind::kDetail, std::move(text)); }
  void warning(std::string text) { if (trace_) trace_->add(TraceKind::kWarning, std::move(text)); }
  void error(std::string text) { if (trace_) trace_->add(TraceKind::kError, std::move(text)); }

  void effect(Effect e) { out_.effects.push_back(std::move(e)); }
  void emit(OdpAction action);

  const Pipeline& pipeline_;
  const TranslateInput& input_;
  TraceTree* trace_;
  Translation out_;
  Flow flow_, base_;
  Probe p_;
  OdpActions* odp_;                 // where actions go: out_.actions, or the inside of a clone
  const BridgeView* bridge_ = nullptr;
  const Rule* rule_ = nullptr;      // whose actions are running
  const Rule* first_rule_ = nullptr;   // of the bridge; it stands for the action set
  uint32_t mirrored_ = 0;           // mirrors of the bridge that have the packet
  uint32_t snaplen_ = 0;            // what is sent is cut to it; 0: not
  uint8_t table_ = 0;
  std::optional<be32> came_in_;     // in_port as the first bridge counts ports; nothing after a recirculation
  uint64_t seen_modified_ = 0;      // of the last lookup
  unsigned depth_ = 0, resubmits_ = 0;
  size_t odp_count_ = 0;
  bool exit_ = false;
  bool freezing_ = false;                    // lists are on their way out, leaving what is left of them in rest_
  bool has_learned_ = false;
  bool redo_ = false;                        // the action that stopped is done again
  std::optional<OdpHash> hash_;              // what the packet comes back with
  std::vector<FrozenState::Rest> rest_;
  const ofp::Controller* pause_ = nullptr;   // who gets the packet meanwhile; null: the datapath
  bool tracked_;                             // the datapath knows a connection of the packet: by ct, or it came with one
  bool ct_forgotten_ = false;                // actions cleared what the tracker said
  Pending pending_;
  unsigned structure_ = 0, structures_ = 0;
  struct { OdpActions* list = nullptr; std::optional<Structure> before; } undo_;
  bool was_mpls_ = false;                    // the last label known was popped: what follows is not parsed
  std::optional<uint64_t> thawed_cookie_;    // of the rule whose actions go on
  bool in_action_set_ = false, in_group_ = false;
  Actions action_set_;
  using Pushed = FrozenState::Pushed;
  std::vector<Pushed> stack_;
  size_t stack_bytes_ = 0;
};

}  // namespace sluice
