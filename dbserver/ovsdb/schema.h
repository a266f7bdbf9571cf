// SPDX-License-Identifier: Apache-2.0
// Database schemas (RFC 7047 3.2, with OVS's additions), immutable once parsed.  Columns of a table are in the order of their names; _uuid
// and _version are columns too, but apart from the others, and live in the row's header.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "dbserver/ovsdb/error.h"
#include "dbserver/ovsdb/types.h"

namespace sluice::ovsdb {

inline constexpr uint16_t kUuidColumn = 0xffff, kVersionColumn = 0xfffe;
bool is_id(std::string_view s);  // [A-Za-z_][A-Za-z0-9_]*

/// A name as it begins a member of a JSON object: "name":
class MemberName {
 public:
  MemberName() = default;
  explicit MemberName(std::string_view id) : text_(",\"" + std::string(id) + "\":") {}  // REQUIRES: needs no escapes
  /// With the comma that is in front of all members but the first.
  std::string_view at(bool first) const { return std::string_view(text_).substr(first); }

 private:
  std::string text_;
};

struct ColumnSchema {
  std::string name;
  MemberName json_name;
  uint16_t index = 0;  // in TableSchema::columns, or kUuidColumn, kVersionColumn
  bool is_mutable = true, persistent = true;
  ColumnType type;
  Datum default_value;
  bool default_allowed = true;  // by the type's constraints
  Json to_json() const;
};

/// All columns at their defaults, laid out as in a row (row.h).
struct DefaultRow {
  std::vector<uint32_t> ends;
  std::string bytes;
};

struct TableSchema {
  std::string name;
  MemberName json_name;
  uint16_t index = 0;  // in DatabaseSchema::tables
  bool is_root = false;           // after the rule "no table is root = all are"
  bool declared_root = false;     // as written
  uint32_t max_rows = kUnlimited;
  std::vector<ColumnSchema> columns;            // by name
  DefaultRow default_row;
  ColumnSchema uuid_column, version_column;
  std::vector<std::vector<uint16_t>> indexes;  // columns of each, as declared

  const ColumnSchema* find(std::string_view name) const;  // also _uuid and _version; nullptr if there is none
  const ColumnSchema& column(uint16_t i) const { return i == kUuidColumn ? uuid_column : i == kVersionColumn ? version_column : columns[i]; }
  Json to_json(bool with_root) const;
};

struct DatabaseSchema {
  std::string name, version, cksum;
  std::vector<TableSchema> tables;  // by name

  const TableSchema* find(std::string_view name) const;
  Json to_json() const;
  static Result<std::shared_ptr<const DatabaseSchema>> from_json(const Json& j);
  static Result<std::shared_ptr<const DatabaseSchema>> from_file(const std::string& path);
};

/// "x.y.z" against "x.y.z": -1, 0, 1; nullopt if either is no version.
std::optional<int> compare_versions(std::string_view a, std::string_view b);
bool is_version(std::string_view s);

}  // namespace sluice::ovsdb
