// SPDX-License-Identifier: Apache-2.0
// Actions and instructions from the wire: whatever decodes can be checked, printed and encoded; what was encoded decodes to the same actions and is a fixed
// point; its text reads back to the same bytes.
// Input: byte 0 is the version, the rest the list.
#include <vector>

#include "ofproto/openflow/action_walk.h"
#include "tests/fuzz/fuzz.h"

using namespace sluice;
using namespace sluice::ofp;

namespace {

TlvTable tlv(true);   // grows with each input anew

Bytes bytes_of(const Actions& a, Version v) {
  return written([&](ByteWriter& w) { require(encode_instructions(a, w, v, &tlv).has_value()); });
}

/// What text has one spelling for: the length of what goes to a port or a register's, a controller action without arguments, forms that could as well be others.
Actions spelled_once(Actions list) {
  for_each_action(list, [](Action& a) {
    if (auto* o = std::get_if<Output>(&a.v); o && o->port != OFPP_CONTROLLER) o->max_len = 0;
    if (auto* c = a.as<Controller>(); c && *c == Controller{.max_len = c->max_len}) a = Output{OFPP_CONTROLLER, c->max_len};
    if (auto* o = std::get_if<OutputReg>(&a.v)) o->max_len = kNoBufferLen;
    if (auto* l = std::get_if<Learn>(&a.v)) l->as_learn2 = false;
    if (auto* r = std::get_if<Resubmit>(&a.v)) r->old_form = false;
    if (auto* m = std::get_if<Move>(&a.v)) m->as_onf = false;
  });
  return list;
}

/// A load of a field that a load has no room for goes as the other.
Actions set_in_one_form(Actions list) {
  for_each_action(list, [](Action& a) {
    if (auto* f = std::get_if<SetField>(&a.v)) f->form = {};
  });
  return list;
}

std::vector<size_t> kinds(Actions list) {
  std::vector<size_t> all;
  for_each_action(list, [&](Action& a) { all.push_back(a.v.index()); });
  return all;
}

/// Part of a field that a match asks for as a whole: the text is Open vSwitch's, which it does not read itself; neither do we.
bool sets_part_of_whole(const Actions& list) {
  return any_action(list, [](const Action& a) {
    auto* s = a.as<SetField>();
    return s && field(s->field).maskable == Maskable::kNo && s->mask != FieldValue::ones(field(s->field), s->mask.size());
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  tlv = TlvTable(true);
  Version v = kVersions[data[0] % kVersions.size()];
  const TextNames names{.tlv = &tlv};
  auto actions = decode_instructions(ByteReader(ByteView(data + 1, size - 1)), v, &tlv);
  if (!actions) return 0;
  std::string text;
  format_actions(*actions, text, names);
  (void)usable_protocols(*actions);
  MiniMatch any;
  ActionCheck check{.version = v, .tlv = &tlv};
  if (!check_actions(*actions, any, check)) return 0;
  Bytes once;
  ByteWriter w(once);
  if (!encode_instructions(*actions, w, v, &tlv)) return 0;
  auto back = decode_instructions(ByteReader(once), v, &tlv);
  require(back.has_value());
  require(check_actions(*back, any, check).has_value());
  // Some go by the name of others that come to the same: then the text's bytes are the judge.
  if (kinds(*back) == kinds(*actions)) require(set_in_one_form(*back) == set_in_one_form(*actions));
  require(bytes_of(*back, v) == once);

  if (v == Version::k15 && text.find("meter:") != text.npos) return 0;   // an action like others there, but text has it in its place among instructions
  if (sets_part_of_whole(*actions)) return 0;
  auto said = parse_actions(text, names);
  require(said.has_value());
  (void)check_actions(said->actions, any, check);
  require(bytes_of(said->actions, v) == bytes_of(spelled_once(*actions), v));
  return 0;
}
