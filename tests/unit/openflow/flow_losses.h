// SPDX-License-Identifier: Apache-2.0
// What a flow loses on its way into text or bytes and back: the oracle of property tests and of the fuzz target of flows.
// Functions return what is lost, "" if nothing is.
#pragma once

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <string>

#include "ofproto/openflow/action_walk.h"
#include "ofproto/openflow/codec.h"
#include "ofproto/openflow/flow_text.h"
#include "ofproto/openflow/text.h"

namespace sluice::ofp {

/// What asks for an EtherType asks for frames, whether it says so or not.
inline Match without_implied(Match m) {
  if (m.mask.eth_type && !m.value.packet_type) m.mask.packet_type = {};
  return m;
}

/// Printed, parsed and printed again.
inline std::string lost_in_text(const FlowMod& flow, const TextNames& names) {
  std::string match, actions, again;
  format_actions(flow.actions, actions, names);
  format_match(flow.match.expand(), match, names.ports, names.tlv, flow.priority);
  std::string text = match + (match.empty() ? "" : ",") + "actions=" + actions;
  auto back = parse_flow(text, FlowModCommand::kAdd, names);
  if (!back) return text + ": " + back.error();
  format_actions(back->flow.actions, again, names);
  if (again != actions) return actions + " became " + again;
  if (!(without_implied(back->flow.match.expand()) == without_implied(flow.match.expand()))) return match + " became " + format_match(back->flow.match.expand());
  return back->flow.priority == flow.priority ? "" : "priority";
}

/// A set_field whose mask has several runs of ones as one for each run, of 64 bits at most: old versions send them as loads.
inline void split_masks(Actions& list) {
  Actions out;
  for (Action& a : list) {
    if (Actions* inner = nested(a)) split_masks(*inner);
    const auto* s = a.as<SetField>();
    if (!s) {
      out.push_back(std::move(a));
      continue;
    }
    bool part = s->mask != FieldValue::ones(field(s->field), s->mask.size());
    unsigned bits = static_cast<unsigned>(s->mask.size() * 8), n;
    if (s->field == FieldId::kVlanVid && part) bits = 12;   // that there is a tag goes without saying
    for (unsigned i = 0; i < bits; i += std::max(n, 1u)) {
      for (n = 0; i + n < bits && n < 64 && s->mask.bit(i + n);) n++;
      if (!n) continue;
      SetField run{s->field, FieldValue(s->value.size()), FieldValue(s->mask.size()), s->form};
      copy_bits(s->value.bytes(), i, run.value.bytes(), i, n);
      run.mask.set_bits(i, n);
      run.flow_has_vlan = s->flow_has_vlan;
      out.push_back(std::move(run));
    }
  }
  list = std::move(out);
}

/// The actions in the version that has most forms; empty if it can't have them.
inline Bytes actions_in_15(const FlowMod& f, const TlvTable* tlv) {
  Actions a = f.actions;
  split_masks(a);
  ActionCheck check{.version = Version::k15, .tlv = tlv};
  (void)check_actions(a, f.match, check);
  Bytes b;
  ByteWriter w(b);
  if (!encode_instructions(a, w, Version::k15, tlv)) b.clear();
  return b;
}

/// A set_field without a bit leaves nothing behind where it goes as loads, not even an empty list.
inline bool sets_nothing(const Actions& list) {
  return any_action(list, [](const Action& a) { return a.as<SetField>() && a.as<SetField>()->mask.is_zero(); });
}

/// A format's flow-mod, of a flow that the format is said to express.
inline std::string lost_in_format(const ParsedFlow& p, Version v, MessageType type, std::string_view text, const TlvTable* tlv) {
  const FlowMod& flow = p.flow;
  auto lost = [&](std::string_view what) { return fmt::format("{} {} of {}", version_name(v), what, text); };
  CodecOptions codec{.tlv = tlv, .flow_mod_table_id = v == Version::k10};
  Bytes b, twice;
  if (auto ok = encode({.type = type, .version = v, .xid = 1, .body = flow}, b, codec); !ok) return lost(error_name(ok.error()));
  auto m = decode(b, codec);
  if (!m && v < Version::k13 && text.find("decap") != text.npos) return {};  // sent, not understood
  if (!m) return lost(error_name(m.error()));
  const auto& back = std::get<FlowMod>(m->body);
  if (back.command != flow.command) return lost("command");
  if (back.priority != flow.priority) return lost("priority");
  if (back.idle_timeout != flow.idle_timeout || back.hard_timeout != flow.hard_timeout) return lost("a timeout");
  if (back.table_id != (flow.table_id != kTableAll ? flow.table_id : back.table_id ? kTableAll : 0)) return lost("table");
  auto said = [](uint64_t cookie) { return cookie == UINT64_MAX ? 0 : cookie; };   // all ones: none is given
  if (said(back.new_cookie) != said(flow.new_cookie) || back.cookie != flow.cookie || back.cookie_mask != flow.cookie_mask) return lost("cookie");
  uint16_t implied = v < Version::k12 ? OFPFF_RESET_COUNTS : 0;
  if ((back.flags | implied) != (flow.flags | implied)) return lost("flags");
  if (back.importance != flow.importance) return lost("importance");
  if (back.out_port != flow.out_port || back.out_group != flow.out_group) return lost("out_port or out_group");
  Match sent = without_implied(flow.match.expand()), got = without_implied(back.match.expand());
  if (!(sent.value.vlan_tci & be16(kVlanPresent)) && (sent.mask.vlan_tci & be16(kVlanPresent))) sent.mask.vlan_tci = got.mask.vlan_tci;  // no tag, in 1.0's words
  if (v < Version::k15 && !sent.value.packet_type) sent.mask.packet_type = got.mask.packet_type;   // there all packets are frames
  if (!(sent == got)) return lost("match (" + format_match(got) + ")");
  bool as_set_field = v > Version::k10 && text.find("load:") != text.npos;   // what was a load to a field with a long number
  if (!encode(*m, twice, codec) || (b != twice && !as_set_field && !sets_nothing(flow.actions))) return lost("bytes");
  // Other actions that come to the same, in old versions.
  bool says_otherwise = std::ranges::any_of(std::array{"goto_table", "nw_ttl", "nw_tos", "ecn", "xxreg", "decap"}, [&](const char* w) { return text.find(w) != text.npos; });
  if (!says_otherwise && actions_in_15(back, tlv) != actions_in_15(flow, tlv)) return lost("actions (" + format_actions(back.actions) + ")");
  return {};
}

/// As a flow-mod of each format.  One that is not said to express the flow refuses it, or sends all of it nevertheless.
inline std::string lost_on_the_wire(const ParsedFlow& p, std::string_view said, const TlvTable* tlv) {
  const std::string text = to_lower(said);   // words may be in capitals
  for (Version v : kVersions)
    for (MessageType type : {MessageType::OFPT_FLOW_MOD, MessageType::NXT_FLOW_MOD}) {
      bool nxt = type == MessageType::NXT_FLOW_MOD;
      if (nxt && v != Version::k10) continue;
      ProtocolSet formats = v == Version::k10 ? (nxt ? kNxmAny : kOf10Any) : version_protocols(v);
      if (p.usable & formats) {
        if (std::string lost = lost_in_format(p, v, type, text, tlv); !lost.empty()) return lost;
        continue;
      }
      Bytes b;
      CodecOptions codec{.tlv = tlv, .flow_mod_table_id = v == Version::k10};
      if (!encode({.type = type, .version = v, .xid = 1, .body = p.flow}, b, codec)) continue;   // refused
      if (std::string lost = lost_in_format(p, v, type, text, tlv); !lost.empty()) return "sent by a version that is said not to have it: " + lost;
    }
  return {};
}

}  // namespace sluice::ofp
