// SPDX-License-Identifier: Apache-2.0
// The Open_vSwitch database in C++ types, all of it derived from schema.def.
//
//   schema::Bridge br(table, row);  br.name() -> std::string_view;  br.fail_mode() -> std::optional<std::string_view>;  br.ports() -> std::vector<Uuid>
//   schema::BridgeColumn::name      the column's number, for writing (schema_rows.h)
// A row object is a view: it shares the row's version, which never changes; string_views live as long as the object.
// Plain values; no thread rules.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "dbserver/ovsdb/row.h"
#include "dbserver/ovsdb/schema.h"

namespace sluice::schema {

inline constexpr std::string_view kDatabase = "Open_vSwitch", kVersion = "8.8.0", kChecksum = "2823623553 27869";
inline constexpr unsigned kEphemeral = 1, kImmutable = 2, kReported = 4;

enum class TableId : uint16_t {
#define TABLE(name, root, max_rows, index) name,
#include "vswitchd/schema.def"
};

#define TABLE(name, root, max_rows, index) enum class name##Column : uint16_t {
#define COLUMN(table, name, type, flags, effect) name,
#define END_TABLE(name) };
#include "vswitchd/schema.def"

/// A row of the table of the tables, for whoever prints or checks the schema.
struct ColumnInfo {
  std::string_view table, name, type;
  unsigned flags;
  std::string_view effect;
};
struct TableInfo {
  std::string_view name;
  bool is_root;
  unsigned max_rows;  // 0 = unlimited
  std::string_view index;
};
inline constexpr TableInfo kTables[] = {
#define TABLE(name, root, max_rows, index) {#name, root, max_rows, index},
#include "vswitchd/schema.def"
};
inline constexpr ColumnInfo kColumns[] = {
#define COLUMN(table, name, type, flags, effect) {#table, #name, type, flags, effect},
#define COLUMN_AS(table, identifier, name, type, flags, effect) {#table, #name, type, flags, effect},
#include "vswitchd/schema.def"
};

/// The schema as an object.  main() makes it once and hands it on.
std::shared_ptr<const ovsdb::DatabaseSchema> make_vswitch_schema();
/// The kColumns row flags of a column ("reported" and so on).
unsigned column_flags(const ovsdb::TableSchema& t, const ovsdb::ColumnSchema& c);

// What C++ reads from a column of a type.
enum class Kind : uint8_t { scalar, optional, set, map };
enum class Basic : uint8_t { string, integer, boolean, uuid };

constexpr Basic basic_of(std::string_view type) {
  return type.starts_with("string") ? Basic::string : type.starts_with("integer") ? Basic::integer : type.starts_with("boolean") ? Basic::boolean : Basic::uuid;
}
constexpr Kind kind_of(std::string_view type) {
  if (type.contains("=>")) return Kind::map;
  size_t brace = type.rfind('{');
  bool count = type.ends_with('}') && type[brace + 1] >= '0' && type[brace + 1] <= '9';
  return type.ends_with('?') ? Kind::optional : type.ends_with('*') || type.ends_with('+') || count ? Kind::set : Kind::scalar;
}
constexpr Basic value_of(std::string_view type) {  // of a map
  size_t arrow = type.find("=> ");
  return arrow == type.npos ? Basic::string : basic_of(type.substr(arrow + 3));
}

template <Basic b>
auto atom_as(ovsdb::AtomRef a) {
  if constexpr (b == Basic::string) return a.string();
  if constexpr (b == Basic::integer) return a.integer();
  if constexpr (b == Basic::boolean) return a.boolean();
  if constexpr (b == Basic::uuid) return Uuid(a.uuid());
}

/// Maps are read as pairs in the order of their keys, or, of strings to strings, as a DatumRef, which has get(key, missing).
template <Kind kind, Basic key, Basic value>
auto datum_as(ovsdb::DatumRef d) {
  using Key = decltype(atom_as<key>({}));
  if constexpr (kind == Kind::scalar) {
    return d.empty() ? Key{} : atom_as<key>(d.key(0));
  } else if constexpr (kind == Kind::optional) {
    return d.empty() ? std::optional<Key>() : std::optional<Key>(atom_as<key>(d.key(0)));
  } else if constexpr (kind == Kind::set) {
    std::vector<Key> out;
    for (size_t i = 0, n = d.size(); i < n; i++) out.push_back(atom_as<key>(d.key(i)));
    return out;
  } else if constexpr (key == Basic::string && value == Basic::string) {
    return d;
  } else {
    std::vector<std::pair<Key, decltype(atom_as<value>({}))>> out;
    for (size_t i = 0, n = d.size(); i < n; i++) out.emplace_back(atom_as<key>(d.key(i)), atom_as<value>(d.value(i)));
    return out;
  }
}

class RowView {
 public:
  RowView(const ovsdb::TableSchema& table, ovsdb::RowPtr row) : table_(&table), row_(std::move(row)) {}
  const Uuid& uuid() const { return row_->uuid(); }
  const ovsdb::RowPtr& row() const { return row_; }
  const ovsdb::TableSchema& table() const { return *table_; }
  ovsdb::DatumRef raw(uint16_t column) const { return row_->get(table_->columns[column]); }

 private:
  const ovsdb::TableSchema* table_;
  ovsdb::RowPtr row_;
};

#define TABLE(name, root, max_rows, index)             \
  class name : public RowView {                        \
   public:                                             \
    static constexpr TableId kTable = TableId::name;   \
    using Column = name##Column;                       \
    using RowView::RowView;
#define COLUMN(table, name, type, flags, effect) \
  auto name() const { return datum_as<kind_of(type), basic_of(type), value_of(type)>(raw(static_cast<uint16_t>(table##Column::name))); }
#define END_TABLE(name) };
#include "vswitchd/schema.def"

}  // namespace sluice::schema
