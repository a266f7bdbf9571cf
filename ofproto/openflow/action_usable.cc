// SPDX-License-Identifier: Apache-2.0
// Which flow formats can express actions.
#include "ofproto/openflow/action.h"

namespace sluice::ofp {
namespace {

constexpr ProtocolSet kFrom11 = kOf11 | kOxmAny;
constexpr ProtocolSet kFrom13 = kOxm13 | kOxm14 | kOxm15;

/// What can set the whole of a field: where the fixed match has the field, its old action (or load) will do.
ProtocolSet set_field_protocols(const SetField& s) {
  if (s.form == SetField::Form::kLoad) return kAllProtocols;
  const Field& f = field(s.field);
  ProtocolSet set = kNxmAny | kOxmAny;
  if (!(s.mask == FieldValue::ones(f, s.mask.size()))) return set;
  if (f.of10 != Fixed::kNo) set |= kOf10Any;
  if (f.of11 != Fixed::kNo) set |= kOf11;
  return set;
}

ProtocolSet of_action(const Action& a) {
  if (auto* s = a.as<SetField>()) return set_field_protocols(*s);
  if (a.as<PushVlan>() || a.as<CopyTtlIn>() || a.as<CopyTtlOut>() || a.as<ClearActions>()) return kFrom11;
  if (a.as<PushPbb>() || a.as<PopPbb>() || a.as<Encap>() || a.as<Meter>() || a.as<DecNshTtl>()) return kFrom13;
  if (a.as<WriteMetadata>()) return kNxmAny | kFrom11;
  if (auto* w = a.as<WriteActions>()) return kFrom11 & usable_protocols(w->actions);
  if (auto* c = a.as<Clone>()) return usable_protocols(c->actions);
  if (auto* ct = a.as<Ct>()) return usable_protocols(ct->actions);
  return kAllProtocols;
}

}  // namespace

ProtocolSet usable_protocols(const Actions& actions) {
  ProtocolSet set = kAllProtocols;
  for (const Action& a : actions) set &= of_action(a);
  return set;
}

}  // namespace sluice::ofp
