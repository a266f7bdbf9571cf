// SPDX-License-Identifier: Apache-2.0
// See tunnel_options.h.
#include "ofproto/tunnel_options.h"

namespace sluice {
namespace {

using Entry = ofp::TlvTable::Entry;

be64 present_bit(unsigned index) { return be64(uint64_t{1} << index); }

/// Calls fn(option, index of its field, entry) for options that the table maps.  An option of another length than it is mapped with is as unknown as one of another type.
template <typename Fn>
void for_each_mapped(ByteView options, const ofp::TlvTable& table, Fn fn) {
  size_t at = 0;
  while (auto o = next_option(options, at)) {
    int index = table.index_of(o->option_class, o->type);
    if (index < 0) continue;
    const Entry* e = table.find(static_cast<unsigned>(index));
    if (e->length == o->size) fn(*o, static_cast<unsigned>(index), *e);
  }
}

}  // namespace

void options_to_fields(Flow& key, const ofp::TlvTable& table) {
  if (!key.tun_present) return;
  Flow fields{};
  ByteView options = geneve_options(key);
  for_each_mapped(options, table, [&](const GeneveOption& o, unsigned index, const Entry& e) {
    fields.tun_present |= present_bit(index);
    if (e.length) std::memcpy(fields.tun_metadata + e.offset, options.data() + o.data_at, e.length);
  });
  key.tun_present = fields.tun_present;
  std::memcpy(key.tun_metadata, fields.tun_metadata, sizeof key.tun_metadata);
}

bool fields_to_options(Flow& key, const ofp::TlvTable& table) {
  if (!key.tun_present) return true;
  Bytes options;
  ByteWriter w(options);
  for (unsigned i = 0; i < ofp::TlvTable::kFields; i++) {
    const Entry* e = table.find(i);
    if (!e || !(key.tun_present & present_bit(i))) continue;
    w.u16(e->option_class);
    w.u8(e->option_type);
    w.u8(e->length / 4);
    w.bytes(ByteView(key.tun_metadata + e->offset, e->length));
  }
  if (options.size() > kMaxGeneveBytes) return false;
  set_geneve_options(key, options);
  return true;
}

void mask_to_options(Flow& mask, const Flow& key, const ofp::TlvTable& table) {
  if (table.empty() && !mask.tun_present) return;
  Flow out{};
  ByteView options = geneve_options(key);
  // Which options there are may decide wherever some are known (an output to a tunnel hands them on).
  if (!table.empty()) {
    out.tun_present = be64(UINT64_MAX);
    size_t at = 0;
    while (auto o = next_option(options, at)) std::memset(out.tun_metadata + o->data_at - kGeneveOptionHeader, 0xff, kGeneveOptionHeader);
    for_each_mapped(options, table, [&](const GeneveOption& o, unsigned, const Entry& e) {
      if (e.length) std::memcpy(out.tun_metadata + o.data_at, mask.tun_metadata + e.offset, e.length);
    });
  }
  mask.tun_present = out.tun_present;
  std::memcpy(mask.tun_metadata, out.tun_metadata, sizeof mask.tun_metadata);
}

void options_to_mask(Flow& mask, be64 asked, const Flow& key, const ofp::TlvTable& table) {
  Flow out{};
  for_each_mapped(geneve_options(key), table, [&](const GeneveOption& o, unsigned index, const Entry& e) {
    if (e.length && asked & present_bit(index)) std::memcpy(out.tun_metadata + e.offset, mask.tun_metadata + o.data_at, e.length);
  });
  mask.tun_present = asked;
  std::memcpy(mask.tun_metadata, out.tun_metadata, sizeof mask.tun_metadata);
}

}  // namespace sluice
