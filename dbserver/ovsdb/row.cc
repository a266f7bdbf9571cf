// SPDX-License-Identifier: Apache-2.0
// Building row versions: unchanged columns are copied from the base version, changed ones from the builder's buffer.
#include "dbserver/ovsdb/row.h"

#include <new>

namespace sluice::ovsdb {

void RowPtr::destroy(const Row* r) {
  r->~Row();
  ::operator delete(const_cast<Row*>(r));
}

void RowBuilder::start(const TableSchema& table) {
  table_ = &table;
  changes_.clear();
  slots_.resize(table.columns.size());
  for (size_t i = 0; i < slots_.size(); i++) {
    DatumRef d = table.columns[i].default_value.ref();
    slots_[i] = {d.data(), 0, static_cast<uint32_t>(d.bytes().size())};
  }
}

void RowBuilder::start(const TableSchema& table, const Row& base) {
  table_ = &table;
  changes_.clear();
  slots_.resize(table.columns.size());
  for (size_t i = 0; i < slots_.size(); i++) {
    DatumRef d = base.get(table.columns[i]);
    slots_[i] = {d.data(), 0, static_cast<uint32_t>(d.bytes().size())};
  }
}

void RowBuilder::set(const ColumnSchema& c, DatumRef d) {
  if (c.index >= slots_.size()) return;
  slots_[c.index] = {nullptr, static_cast<uint32_t>(changes_.size()), static_cast<uint32_t>(d.bytes().size())};
  changes_.append(d.bytes());
}

DatumRef RowBuilder::get(const ColumnSchema& c) const {
  const Slot& s = slots_[c.index];
  const uint8_t* p = s.data ? s.data : reinterpret_cast<const uint8_t*>(changes_.data()) + s.offset;
  return {p, s.size, c.type.key.type, c.type.value.type};
}

RowPtr RowBuilder::build(const Uuid& uuid, const Uuid& version) const {
  size_t size = 0;
  for (const Slot& s : slots_) size += s.size;
  Row* row = new (::operator new(sizeof(Row) + slots_.size() * 4 + size)) Row;
  row->uuid_ = uuid;
  row->version_ = version;
  row->columns_ = static_cast<uint32_t>(slots_.size());
  uint32_t* ends = reinterpret_cast<uint32_t*>(row + 1);
  uint8_t* p = reinterpret_cast<uint8_t*>(ends + slots_.size());
  uint32_t end = 0;
  for (size_t i = 0; i < slots_.size(); i++) {
    const Slot& s = slots_[i];
    const uint8_t* from = s.data ? s.data : reinterpret_cast<const uint8_t*>(changes_.data()) + s.offset;
    if (s.size) std::memcpy(p + end, from, s.size);
    ends[i] = end += s.size;
  }
  return RowPtr(row);
}

}  // namespace sluice::ovsdb
