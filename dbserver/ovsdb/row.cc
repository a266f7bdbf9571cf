// SPDX-License-Identifier: Apache-2.0
// Building row versions: unchanged columns are copied from the base version, changed ones from the builder's buffer.
#include "dbserver/ovsdb/row.h"

#include <new>

namespace sluice::ovsdb {

void RowPtr::destroy(const Row* r) {
  r->~Row();
  ::operator delete(const_cast<Row*>(r));
}

void RowBuilder::start(const TableSchema& table, const Row* base) {
  table_ = &table;
  base_ = base;
  changes_.clear();
  slots_.assign(table.columns.size(), {0, kUnset});
}

void RowBuilder::set(const ColumnSchema& c, DatumRef d) {
  if (c.index >= slots_.size()) return;
  slots_[c.index] = {static_cast<uint32_t>(changes_.size()), static_cast<uint32_t>(d.bytes().size())};
  changes_.append(d.bytes());
}

DatumRef RowBuilder::get(const ColumnSchema& c) const {
  std::string_view b = bytes(c.index);
  return {reinterpret_cast<const uint8_t*>(b.data()), static_cast<uint32_t>(b.size()), c.type.key.type, c.type.value.type};
}

RowPtr RowBuilder::build(const Uuid& uuid, const Uuid& version) {
  size_t size = 0, n = slots_.size();
  parts_.resize(n);
  for (size_t i = 0; i < n; i++) {
    std::string_view part = bytes(i);
    parts_[i] = part;
    size += part.size();
  }
  Row* row = new (::operator new(sizeof(Row) + n * 4 + size)) Row;
  row->uuid_ = uuid;
  row->version_ = version;
  row->columns_ = static_cast<uint32_t>(n);
  uint32_t* ends = reinterpret_cast<uint32_t*>(row + 1);
  char *begin = reinterpret_cast<char*>(ends + n), *p = begin;
  for (std::string_view part : parts_) {
    copy_short(p, part.data(), part.size());
    p += part.size();
    *ends++ = static_cast<uint32_t>(p - begin);
  }
  return RowPtr(row);
}

}  // namespace sluice::ovsdb
