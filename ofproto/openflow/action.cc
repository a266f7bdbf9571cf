// SPDX-License-Identifier: Apache-2.0
// Names and simple questions about actions.
#include "ofproto/openflow/action.h"

#include <array>

#include "ofproto/openflow/action_walk.h"

namespace sluice::ofp {
namespace {

// In the order of Action::Variant.
constexpr std::string_view kNames[] = {
    "output", "controller", "group", "set_field", "resubmit", "goto_table", "output_reg", "output_trunc", "enqueue", "set_queue", "pop_queue",
    "bundle", "set_vlan_vid", "set_vlan_pcp", "pop_vlan", "push_vlan", "set_mpls_label", "set_mpls_tc", "set_mpls_ttl", "dec_mpls_ttl",
    "push_mpls", "pop_mpls", "push_pbb", "pop_pbb", "copy_ttl_out", "copy_ttl_in", "dec_ttl", "dec_nsh_ttl", "mod_dl_src", "mod_dl_dst",
    "mod_nw_src", "mod_nw_dst", "mod_nw_tos", "mod_nw_ecn", "mod_nw_ttl", "mod_tp_src", "mod_tp_dst", "set_tunnel", "move", "push", "pop",
    "delete_field", "clone", "exit", "note", "conjunction", "multipath", "fin_timeout", "learn", "sample", "check_pkt_larger", "ct", "nat",
    "ct_clear", "encap", "decap", "debug_recirc", "debug_slow", "meter", "clear_actions", "write_actions", "write_metadata",
};
static_assert(std::size(kNames) == std::variant_size_v<Action::Variant>);

}  // namespace

Action::Action() noexcept = default;
Action::Action(const Action&) = default;
Action::Action(Action&&) noexcept = default;
Action& Action::operator=(const Action&) = default;
Action& Action::operator=(Action&&) noexcept = default;
Action::~Action() = default;
bool operator==(const Action& a, const Action& b) { return a.v == b.v; }
bool operator==(const Clone& a, const Clone& b) { return a.actions == b.actions; }
bool operator==(const WriteActions& a, const WriteActions& b) { return a.actions == b.actions; }
bool operator==(const Ct& a, const Ct& b) {
  return a.commit == b.commit && a.force == b.force && a.zone_src == b.zone_src && a.zone == b.zone && a.recirc_table == b.recirc_table &&
         a.alg == b.alg && a.actions == b.actions;
}

std::string_view action_name(const Action& a) { return kNames[a.v.index()]; }

bool is_instruction(const Action& a) { return instruction_type(a) != 4; }

uint16_t instruction_type(const Action& a) {
  if (a.as<GotoTable>()) return 1;
  if (a.as<WriteMetadata>()) return 2;
  if (a.as<WriteActions>()) return 3;
  if (a.as<ClearActions>()) return 5;
  if (a.as<Meter>()) return 6;
  return 4;
}

bool outputs_to_port(const Actions& actions, OfpPort port) {
  return any_action(actions, [&](const Action& a) {
    if (auto* o = a.as<Output>()) return o->port == port;
    if (auto* o = a.as<OutputTrunc>()) return o->port == port;
    if (auto* o = a.as<Enqueue>()) return o->port == port;
    return port == OFPP_CONTROLLER && a.as<Controller>();
  });
}

bool outputs_to_group(const Actions& actions, uint32_t group) {
  return any_action(actions, [&](const Action& a) {
    auto* g = a.as<Group>();
    return g && g->group == group;
  });
}

}  // namespace sluice::ofp
