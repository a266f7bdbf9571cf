// SPDX-License-Identifier: Apache-2.0
// Compiling actions.
#include "datapath/user/program.h"

#include <algorithm>

#include "datapath/user/hash.h"

namespace sluice {
namespace {

static_assert(std::variant_size_v<decltype(OdpAction::v)> == static_cast<size_t>(OpCode::kOther) + 1, "OpCode follows the order of the variant");

const OdpActions* nested_actions(const OdpAction& a) {
  if (auto* clone = std::get_if<OdpClone>(&a.v)) return &clone->actions;
  if (auto* sample = std::get_if<OdpSample>(&a.v)) return &sample->actions;
  if (auto* check = std::get_if<OdpCheckPktLen>(&a.v)) return &check->greater;
  return nullptr;
}

uint32_t argument(const OdpAction& a) {
  if (auto* output = std::get_if<OdpOutput>(&a.v)) return output->port.value;
  if (auto* trunc = std::get_if<OdpTrunc>(&a.v)) return trunc->max_len;
  if (auto* recirc = std::get_if<OdpRecirc>(&a.v)) return recirc->id;
  if (auto* meter = std::get_if<OdpMeter>(&a.v)) return meter->id;
  if (auto* ct = std::get_if<OdpCt>(&a.v)) return ct->zone;
  if (auto* check = std::get_if<OdpCheckPktLen>(&a.v)) return check->length;
  if (auto* pop = std::get_if<OdpTunnelPop>(&a.v)) return pop->tunnel_port.value;
  return 0;
}

/// Rough is enough: equal actions have equal hashes, and get() compares.
uint64_t hash_actions(const OdpActions& actions) {
  WordHash hash(HashSeed(1));
  for (const OdpAction& a : actions) {
    hash.add(uint64_t{a.v.index()} << 32 | argument(a));
    if (auto* set = std::get_if<OdpSet>(&a.v))
      for (const FlowPatch::Word& w : set->fields.words()) hash.add(w.value);
  }
  return hash.value();
}

}  // namespace

Program::Program(OdpActions actions) : actions_(std::move(actions)) {
  ops_.reserve(actions_.size());
  for (const OdpAction& a : actions_) {
    Op op{static_cast<OpCode>(a.v.index()), false, argument(a), &a};
    if (const OdpActions* inner = nested_actions(a)) {
      nested_.push_back(std::make_unique<Program>(*inner));
      op.nested = nested_.back().get();
    }
    if (auto* check = std::get_if<OdpCheckPktLen>(&a.v)) {
      nested_.push_back(std::make_unique<Program>(check->less_or_equal));
      op.otherwise = nested_.back().get();
    }
    if (auto* set = std::get_if<OdpSet>(&a.v)) {
      edits_.push_back(std::make_unique<FieldEdit>(FieldEdit::of(*set)));
      op.edit = edits_.back().get();
    }
    ops_.push_back(op);
    if (op.code == OpCode::kDrop) break;
  }
  if (!ops_.empty()) ops_.back().last = true;
  bool outputs = std::ranges::all_of(ops_, [](const Op& op) { return op.code == OpCode::kOutput; });
  kind_ = ops_.empty() || ops_.front().code == OpCode::kDrop ? ProgramKind::kDrop
          : !outputs                                         ? ProgramKind::kGeneral
          : ops_.size() == 1                                 ? ProgramKind::kOutput
                                                             : ProgramKind::kOutputs;
}

std::shared_ptr<const Program> ProgramCache::get(const OdpActions& actions) {
  uint64_t hash = hash_actions(actions);
  auto [from, to] = programs_.equal_range(hash);
  for (auto it = from; it != to; ++it)
    if (auto program = it->second.lock(); program && program->actions() == actions) return program;
  if (programs_.size() >= sweep_at_) sweep();
  auto program = std::make_shared<const Program>(actions);
  programs_.emplace(hash, program);
  return program;
}

void ProgramCache::sweep() {
  std::erase_if(programs_, [](auto& entry) { return entry.second.expired(); });
  sweep_at_ = std::max<size_t>(1024, programs_.size() * 2);
}

}  // namespace sluice
