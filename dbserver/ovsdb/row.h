// SPDX-License-Identifier: Apache-2.0
// One version of a row: immutable, reference counted, one block of memory {header, end offsets of the columns, their encodings}.
// Shared freely between threads; a change makes a new version.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "dbserver/ovsdb/schema.h"
#include "dbserver/ovsdb/values.h"

namespace sluice::ovsdb {

class RowPtr;

class Row {
 public:
  const Uuid& uuid() const { return uuid_; }
  const Uuid& version() const { return version_; }
  DatumRef get(const ColumnSchema& c) const {
    if (c.index >= kVersionColumn) {
      const Uuid& u = c.index == kUuidColumn ? uuid_ : version_;
      return {reinterpret_cast<const uint8_t*>(&u), sizeof u, AtomType::uuid, AtomType::none};
    }
    uint32_t from = c.index ? ends()[c.index - 1] : 0;
    return {data() + from, ends()[c.index] - from, c.type.key.type, c.type.value.type};
  }
  size_t column_count() const { return columns_; }
  /// REQUIRES: of one table.
  bool same_content(const Row& o) const { return std::memcmp(ends(), o.ends(), columns_ * 4) == 0 && std::memcmp(data(), o.data(), data_size()) == 0; }
  /// Bytes of memory that this version takes.
  size_t bytes() const { return sizeof(Row) + columns_ * 4 + data_size(); }

 private:
  friend class RowPtr;
  friend class RowBuilder;
  Row() = default;
  const uint32_t* ends() const { return reinterpret_cast<const uint32_t*>(this + 1); }
  const uint8_t* data() const { return reinterpret_cast<const uint8_t*>(ends() + columns_); }
  size_t data_size() const { return columns_ ? ends()[columns_ - 1] : 0; }

  Uuid uuid_, version_;
  mutable std::atomic<uint32_t> references_{1};
  uint32_t columns_ = 0;
};

/// Shared ownership of a version.
class RowPtr {
 public:
  RowPtr() = default;
  RowPtr(const RowPtr& o) : row_(o.row_) {
    if (row_) row_->references_.fetch_add(1, std::memory_order_relaxed);
  }
  RowPtr(RowPtr&& o) noexcept : row_(std::exchange(o.row_, nullptr)) {}
  RowPtr& operator=(RowPtr o) noexcept {
    std::swap(row_, o.row_);
    return *this;
  }
  ~RowPtr() {
    if (row_ && row_->references_.fetch_sub(1, std::memory_order_acq_rel) == 1) destroy(row_);
  }
  const Row* get() const { return row_; }
  const Row* operator->() const { return row_; }
  const Row& operator*() const { return *row_; }
  explicit operator bool() const { return row_ != nullptr; }
  friend bool operator==(const RowPtr& a, const RowPtr& b) { return a.row_ == b.row_; }

 private:
  friend class RowBuilder;
  explicit RowPtr(const Row* adopted) : row_(adopted) {}
  static void destroy(const Row* r);
  const Row* row_ = nullptr;
};

/// Makes a version from defaults or an older version plus changes.  Reusable; one thread.
class RowBuilder {
 public:
  /// All columns at their defaults.
  void start(const TableSchema& table) { start(table, table.default_row.ends.data(), table.default_row.bytes.data()); }
  /// All columns as in `base` (which must live until build()).
  void start(const TableSchema& table, const Row& base) { start(table, base.ends(), reinterpret_cast<const char*>(base.data())); }
  /// Then set_from_buffer() is about these values, which must live until build(), and there is no set().
  void use_values(const ByteBuffer& values) { values_ = &values; }
  void set(const ColumnSchema& c, DatumRef d);  // copies
  /// The same without a copy: append the encoding to buffer(), then say where it began.
  ByteBuffer& buffer() { return changes_; }
  void set_from_buffer(const ColumnSchema& c, size_t from) {
    set_from_buffer(c, from, changes_.size() - from);
  }
  void set_from_buffer(const ColumnSchema& c, size_t from, size_t size) {
    if (c.index < slots_.size()) slots_[c.index] = {static_cast<uint32_t>(from), static_cast<uint32_t>(size)};
  }
  DatumRef get(const ColumnSchema& c) const;    // valid until the next set()
  bool is_set(const ColumnSchema& c) const { return slots_[c.index].size != kUnset; }
  RowPtr build(const Uuid& uuid, const Uuid& version);

 private:
  static constexpr uint32_t kUnset = UINT32_MAX;
  struct Slot {
    uint32_t offset, size;  // in the values; size kUnset: as in the base
  };
  void start(const TableSchema& table, const uint32_t* base_ends, const char* base_data);
  std::string_view bytes(size_t column) const {
    const Slot& s = slots_[column];
    if (s.size != kUnset) return {values().data() + s.offset, s.size};
    uint32_t from = column ? base_ends_[column - 1] : 0;
    return {base_data_ + from, base_ends_[column] - from};
  }
  const ByteBuffer& values() const { return values_ ? *values_ : changes_; }
  const uint32_t* base_ends_ = nullptr;
  const char* base_data_ = nullptr;
  std::vector<Slot> slots_;
  ByteBuffer changes_;
  const ByteBuffer* values_ = nullptr;  // instead
};

}  // namespace sluice::ovsdb
