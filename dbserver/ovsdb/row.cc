// SPDX-License-Identifier: Apache-2.0
// Building row versions: unchanged columns are copied from the base version, changed ones from the builder's buffer.
#include "dbserver/ovsdb/row.h"

#include <new>

namespace sluice::ovsdb {

void RowPtr::destroy(const Row* r) {
  r->~Row();
  ::operator delete(const_cast<Row*>(r));
}

void RowBuilder::start(const TableSchema& table, const uint32_t* base_ends, const char* base_data) {
  base_ends_ = base_ends;
  base_data_ = base_data;
  changes_.clear();
  values_ = nullptr;
  slots_.resize(table.columns.size());
  std::memset(slots_.data(), 0xff, slots_.size() * sizeof(Slot));  // kUnset
}

void RowBuilder::set(const ColumnSchema& c, DatumRef d) {
  size_t from = changes_.size();
  changes_.append(d.bytes());
  set_from_buffer(c, from);
}

DatumRef RowBuilder::get(const ColumnSchema& c) const {
  std::string_view b = bytes(c.index);
  return {reinterpret_cast<const uint8_t*>(b.data()), static_cast<uint32_t>(b.size()), c.type.key.type, c.type.value.type};
}

RowPtr RowBuilder::build(const Uuid& uuid, const Uuid& version) {
  const size_t n = slots_.size();
  uint32_t total = 0, base_from = 0;
  for (size_t i = 0; i < n; i++) {
    const uint32_t base_end = base_ends_[i], size = slots_[i].size;
    total += size != kUnset ? size : base_end - base_from;
    base_from = base_end;
  }
  Row* row = new (::operator new(sizeof(Row) + n * sizeof(uint32_t) + total)) Row;
  row->uuid_ = uuid;
  row->version_ = version;
  row->columns_ = static_cast<uint32_t>(n);
  uint32_t* ends = reinterpret_cast<uint32_t*>(row + 1);
  char* const begin = reinterpret_cast<char*>(ends + n);
  const char* const changes = values().data();
  uint32_t at = 0;
  base_from = 0;
  for (size_t i = 0; i < n; i++) {
    const Slot s = slots_[i];
    const uint32_t base_end = base_ends_[i], size = s.size != kUnset ? s.size : base_end - base_from;
    if (size) copy_short(begin + at, s.size != kUnset ? changes + s.offset : base_data_ + base_from, size);
    base_from = base_end;
    ends[i] = at += size;
  }
  return RowPtr(row);
}

}  // namespace sluice::ovsdb
