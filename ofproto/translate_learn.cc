// SPDX-License-Identifier: Apache-2.0
// The learn action: makes a flow out of the packet; installing it is an effect.
#include <algorithm>

#include "ofproto/flow_table.h"
#include "ofproto/translator.h"

namespace sluice {

using namespace ofp;

/// True if a lookup would find a flow that this translation has learned, once that is there.
bool Translator::would_find_learned(uint8_t table, const Rule* found) const {
  return std::ranges::any_of(out_.effects, [&](const Effect& e) {
    auto* l = std::get_if<LearnFlow>(&e);
    return l && l->bridge == bridge_->id && l->flow->table_id == table && (!found || found->priority <= l->flow->priority) && l->flow->match.matches(flow_);
  });
}

void Translator::learn(const ofp::Learn& l) {
  if (l.table == kHiddenTable) return;
  auto mod = std::make_shared<FlowMod>();
  Match match;
  mod->command = FlowModCommand::kAdd;
  mod->priority = l.priority;
  mod->new_cookie = l.cookie;
  mod->table_id = l.table;
  mod->idle_timeout = l.idle_timeout;
  mod->hard_timeout = l.hard_timeout;
  mod->flags = l.send_flow_rem ? OFPFF_SEND_FLOW_REM : 0;
  for (const LearnSpec& spec : l.specs) {
    FieldValue value = spec.immediate;
    if (spec.src.field != FieldId::kNone) {
      p_.mark(spec.src);
      value = read_subfield(spec.src, flow_, tlv());
    }
    if (spec.kind == LearnSpec::Kind::kOutput) {
      if (value.size() == 2 && value.u64() >= 0xff00) {
        mod->actions.push_back(Output{OfpPort{static_cast<uint32_t>(value.u64() + OFPP_MAX - 0xff00)}});
      } else {
        mod->actions.push_back(Output{OfpPort{static_cast<uint32_t>(value.u64())}});
      }
      continue;
    }
    size_t size = wire_bytes_of(spec.dst.field, tlv());
    FieldValue whole(size), mask(size);
    copy_bits(value.bytes(), 0, whole.bytes(), spec.dst.ofs, spec.n_bits);
    mask.set_bits(spec.dst.ofs, spec.n_bits);
    if (spec.kind == LearnSpec::Kind::kMatch) {
      add_prereq(spec.dst.field, match);
      match.set(spec.dst.field, whole, mask, tlv());
    } else {
      mod->actions.push_back(SetField{.field = spec.dst.field, .value = whole, .mask = mask, .form = SetField::Form::kLoad, .flow_has_vlan = true});
    }
  }
  mod->match = MiniMatch(match);
  if (l.fin_idle_timeout || l.fin_hard_timeout) mod->actions.insert(mod->actions.begin(), FinTimeout{l.fin_idle_timeout, l.fin_hard_timeout});
  if (l.limit) effect(FlowsCounted{bridge_->id, mod->table_id});
  bool may = bridge_->tables->may_learn(*mod, l.limit);
  if (l.result_dst.field != FieldId::kNone) set_subfield(l.result_dst, may ? 1 : 0);
  if (!may) return;
  has_learned_ = true;
  if (!input_.effects_follow) warning("suppressing side effects, so learn action ignored");
  effect(LearnFlow{bridge_->id, std::move(mod), l.limit});
}

}  // namespace sluice
