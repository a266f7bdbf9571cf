// SPDX-License-Identifier: Apache-2.0
// TlvTable: which Geneve option is which tun_metadata field, and where its bytes are in Flow::tun_metadata (first fit).
#include <algorithm>

#include "ofproto/openflow/field.h"

namespace sluice::ofp {

std::optional<uint16_t> TlvTable::allocate(unsigned length) const {
  if (!length) return uint16_t{0};
  std::array<bool, kTunMetadataBytes> busy{};
  for (const Entry& e : entries_)
    if (e.length) std::fill_n(busy.begin() + e.offset, e.length, true);
  unsigned run = 0;
  for (unsigned i = 0; i < kTunMetadataBytes; i++) {
    run = busy[i] ? 0 : run + 1;
    if (run == length) return static_cast<uint16_t>(i + 1 - length);
  }
  return std::nullopt;
}

Status TlvTable::add(uint16_t option_class, uint8_t option_type, unsigned length, unsigned index) {
  if (length > kMaxFieldBytes || length % 4) return fail(Error::NXTTMFC_BAD_OPT_LEN);
  if (index >= kFields) return fail(Error::NXTTMFC_BAD_FIELD_IDX);
  if (find(index)) return fail(Error::NXTTMFC_ALREADY_MAPPED);
  if (index_of(option_class, option_type) >= 0) return fail(Error::NXTTMFC_DUP_ENTRY);
  auto offset = allocate(length);
  if (!offset) return fail(Error::NXTTMFC_TABLE_FULL);
  entries_[index] = {option_class, option_type, static_cast<uint8_t>(length), *offset, true};
  used_ += length;
  count_++;
  return {};
}

void TlvTable::remove(unsigned index) {
  if (!find(index)) return;
  used_ -= entries_[index].length;
  count_--;
  entries_[index] = {};
}

void TlvTable::clear() {
  entries_ = {};
  used_ = count_ = 0;
}

int TlvTable::index_of(uint16_t option_class, uint8_t option_type) const {
  for (unsigned i = 0; i < kFields; i++)
    if (entries_[i].is_mapped && entries_[i].option_class == option_class && entries_[i].option_type == option_type) return static_cast<int>(i);
  return -1;
}

const TlvTable::Entry* TlvTable::find_or_grow(unsigned index, unsigned length) const {
  if (const Entry* e = find(index)) return e;
  if (!grows_ || index >= kFields || length == 0 || length > kMaxFieldBytes) return nullptr;
  constexpr unsigned kUsualLength = 16;  // later words about the same option may be longer
  unsigned room = std::max(length, kUsualLength);
  auto offset = allocate(room);
  if (!offset) offset = allocate(room = length);
  if (!offset) return nullptr;
  entries_[index] = {0, 0, static_cast<uint8_t>(room), *offset, true};
  used_ += room;
  count_++;
  return &entries_[index];
}

}  // namespace sluice::ofp
