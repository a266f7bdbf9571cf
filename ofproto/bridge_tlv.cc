// SPDX-License-Identifier: Apache-2.0
// A bridge's TLV table: which Geneve options its flows see as tun_metadata fields.
#include "ofproto/flow_table.h"
#include "ofproto/openflow/action_fields.h"
#include "ofproto/switch_impl.h"

namespace sluice {
namespace {

using ofp::TlvTable;

/// Bit N: a flow or a group names tun_metadataN.
uint64_t options_in_use(const BridgeView& v) {
  uint64_t used = 0;
  auto action = [&](ofp::FieldId f) {
    if (ofp::is_tun_metadata(f)) used |= uint64_t{1} << (f - ofp::FieldId::kTunMetadata0);
  };
  v.tables->for_each_action_list([&](const ofp::Actions& actions) { ofp::for_each_field(actions, action); });
  for (const auto& [id, group] : v.groups)
    for (const GroupBucket& b : group.buckets) ofp::for_each_field(b.bucket.actions, action);
  constexpr size_t kWord = offsetof(Flow, tun_present) / 8;
  for (unsigned t = 0; t < kFlowTables; t++)
    v.tables->table(t).rules.for_each([&](const Rule* r) {
      if (r->match.map().bits[kWord / 64] >> kWord % 64 & 1) used |= r->match.expand().mask.tun_present.host();
      return true;
    });
  return used;
}

}  // namespace

/// All or nothing.  As with Open vSwitch, a deletion goes by the field's number alone, and of a field without a mapping it does nothing.
std::expected<void, ofp::Error> Bridge::tlv_table_mod(const ofp::TlvTableMod& mod, Time now) {
  TlvTable next = impl_->view.tlv;
  auto remove = [&](uint64_t fields) -> std::expected<void, ofp::Error> {
    for (unsigned i = 0; i < TlvTable::kFields; i++)
      if (!next.find(i)) fields &= ~(uint64_t{1} << i);
    if (fields && fields & options_in_use(impl_->view)) return std::unexpected(ofp::Error::NXTTMFC_INVALID_TLV_DEL);
    for (unsigned i = 0; i < TlvTable::kFields; i++)
      if (fields >> i & 1) next.remove(i);
    return {};
  };
  std::expected<void, ofp::Error> done;
  uint64_t named = 0;
  switch (mod.command) {
    case ofp::TlvTableCommand::kAdd:
      for (const ofp::TlvMap& m : mod.maps)
        if (auto ok = next.add(m.option_class, m.option_type, m.option_len, m.index); !ok) return std::unexpected(ok.error());
      break;
    case ofp::TlvTableCommand::kDelete:
      for (const ofp::TlvMap& m : mod.maps) named |= uint64_t{1} << m.index;
      done = remove(named);
      break;
    case ofp::TlvTableCommand::kClear: done = remove(UINT64_MAX); break;
  }
  if (!done) return done;
  impl_->view.tlv = next;
  impl_->tlv_changes++;
  impl_->owner.impl_->config_changed(*impl_, now);
  return {};
}

ofp::TlvTableReply Bridge::tlv_table() const {
  ofp::TlvTableReply reply{.max_option_space = kTunMetadataBytes, .max_fields = TlvTable::kFields, .maps = {}};
  for (unsigned i = 0; i < TlvTable::kFields; i++)
    if (const TlvTable::Entry* e = tlv().find(i)) reply.maps.push_back({e->option_class, e->option_type, e->length, static_cast<uint16_t>(i)});
  return reply;
}

const TlvTable& Bridge::tlv() const { return impl_->view.tlv; }
uint64_t Bridge::tlv_changes() const { return impl_->tlv_changes; }

}  // namespace sluice
