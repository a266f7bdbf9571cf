// SPDX-License-Identifier: Apache-2.0
// Flow text: any bytes give a flow or an error; what was accepted prints to a text that reads back to the same flow, and is sent whole in each version that it
// is said to be usable in.
#include <algorithm>
#include <array>

#include "ofproto/openflow/action_walk.h"
#include "ofproto/openflow/codec.h"
#include "ofproto/openflow/flow_text.h"
#include "tests/fuzz/fuzz.h"

using namespace sluice;
using namespace sluice::ofp;

namespace {

const TlvTable kTlv(true);
const FlowTextOptions kOptions{{nullptr, nullptr, &kTlv}};

void same_in_text(const FlowMod& flow) {
  std::string match, actions, again;
  format_actions(flow.actions, actions, kOptions.names);
  format_match(flow.match.expand(), match, nullptr, &kTlv, flow.priority);
  auto back = parse_flow(match + (match.empty() ? "" : ",") + "actions=" + actions, FlowModCommand::kAdd, kOptions);
  require(back.has_value());
  format_actions(back->flow.actions, again, kOptions.names);
  require(again == actions);
  require(back->flow.match == flow.match && back->flow.priority == flow.priority);
}

/// A set_field whose mask has several runs of ones as one for each run, of 64 bits at most: old versions send them as loads.
void split_masks(Actions& list) {
  Actions out;
  for (Action& a : list) {
    if (Actions* inner = nested(a)) split_masks(*inner);
    const auto* s = a.as<SetField>();
    if (!s) {
      out.push_back(std::move(a));
      continue;
    }
    unsigned bits = static_cast<unsigned>(s->mask.size() * 8), n;
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

/// The actions in the version that has most forms.
Bytes in_15(const FlowMod& f) {
  Actions a = f.actions;
  split_masks(a);
  ActionCheck check{.version = Version::k15, .tlv = &kTlv};
  (void)check_actions(a, f.match, check);
  return written([&](ByteWriter& w) { require(encode_instructions(a, w, Version::k15, &kTlv).has_value()); });
}

/// As a flow-mod of each version, whose parts are the same.
void same_on_the_wire(const ParsedFlow& p, std::string_view text) {
  // Other actions that come to the same, in old versions.
  bool says_otherwise = std::ranges::any_of(std::array{"goto_table", "ecn", "ECN", "xxreg", "XXREG", "decap"}, [&](const char* w) { return text.find(w) != text.npos; });
  const FlowMod& flow = p.flow;
  for (Version v : kVersions) {
    bool plain = p.usable & version_protocols(v) & ~kNxmAny;
    if (!plain && !(p.usable & version_protocols(v))) continue;
    MessageType type = plain ? MessageType::OFPT_FLOW_MOD : MessageType::NXT_FLOW_MOD;
    CodecOptions codec{.tlv = &kTlv, .flow_mod_table_id = v == Version::k10};
    Bytes b;
    require(encode({.type = type, .version = v, .xid = 1, .body = flow}, b, codec).has_value());
    auto m = decode(b, codec);
    if (!m && v < Version::k13 && text.find("decap") != text.npos) continue;  // sent, not understood
    require(m.has_value());
    const auto& back = std::get<FlowMod>(m->body);
    require(back.priority == flow.priority && back.idle_timeout == flow.idle_timeout && back.hard_timeout == flow.hard_timeout);
    require(back.table_id == (flow.table_id != kTableAll ? flow.table_id : back.table_id ? kTableAll : 0));
    require(back.new_cookie == flow.new_cookie && back.cookie == flow.cookie && back.cookie_mask == flow.cookie_mask);
    uint16_t implied = v < Version::k12 ? OFPFF_RESET_COUNTS : 0;
    require((back.flags | implied) == (flow.flags | implied) && back.importance == flow.importance && back.out_port == flow.out_port && back.out_group == flow.out_group);
    Match sent = flow.match.expand(), got = back.match.expand();
    if (!(sent.value.vlan_tci & be16(kVlanPresent)) && (sent.mask.vlan_tci & be16(kVlanPresent))) sent.mask.vlan_tci = got.mask.vlan_tci;  // no tag, in 1.0's words
    if (v < Version::k15 && !sent.value.packet_type) sent.mask.packet_type = got.mask.packet_type;   // there all packets are frames
    require(sent == got);
    Bytes twice;
    require(encode(*m, twice, codec).has_value());
    require(b == twice);
    if (!says_otherwise) require(in_15(back) == in_15(flow));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > 4096) return 0;
  std::string_view text = as_text(data, size);
  (void)parse_flow_filter(text, kOptions);
  (void)parse_exact_flow(text, kOptions);
  auto p = parse_flow(text, FlowModCommand::kAdd, kOptions);
  if (!p) return 0;
  same_in_text(p->flow);
  same_on_the_wire(*p, text);
  return 0;
}
