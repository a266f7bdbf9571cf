// SPDX-License-Identifier: Apache-2.0
// Names as people give them: tables and columns in any case and abbreviated, records by what identifies them, COLUMN[:KEY][OPERATOR VALUE] arguments.
// Everything throws Failure with the text for the user.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "utilities/vsctl/command.h"

namespace sluice::vsctl {

const TableSchema& match_table(const View& view, std::string_view text);
/// Also "_uuid" if with_uuid.
const ColumnSchema& match_column(const TableSchema& t, std::string_view text, bool with_uuid);
/// "a,b c" or, if empty, all: _uuid, then the others by name.
std::vector<const ColumnSchema*> match_columns(const TableSchema& t, const std::string* text);

/// A record by uuid, its beginning, "@symbol", or the rules of its table.
std::optional<RowId> find_record(Context& ctx, const TableSchema& t, std::string_view id);
/// The same; throws if there is none, unless --if-exists is given.
std::optional<RowId> record(Context& ctx, const TableSchema& t, std::string_view id);

enum class Relation : uint8_t { none, eq, ne, lt, gt, le, ge, set_eq, set_ne, set_lt, set_gt, set_le, set_ge, in, not_in };
struct ColumnArgument {
  const ColumnSchema* column = nullptr;
  std::optional<std::string> key;  // as text
  Relation relation = Relation::none;
  std::string value;               // as text
};
enum class WantedValue : uint8_t { no, equals, relation };
/// wanted `equals`: COLUMN[:KEY]=VALUE; `relation`: with any operator; `no`: COLUMN[:KEY] alone.
ColumnArgument parse_column_argument(const TableSchema& t, std::string_view text, WantedValue wanted);

/// Carries out COLUMN[:KEY]=VALUE.  `fresh`: the row is new, so immutable columns may be set.
void set_column(Context& ctx, const RowId& row, const std::string& argument, bool fresh);

/// Whether the row satisfies COLUMN[:KEY] OPERATOR VALUE.
bool satisfies(Context& ctx, const RowId& row, const ColumnArgument& condition);

/// The text of a value as a datum; throws the parser's text.
Datum parse_value(Context& ctx, std::string_view text, const ovsdb::ColumnType& type);
ovsdb::Atom parse_key(Context& ctx, std::string_view text, const ovsdb::BaseType& type);

}  // namespace sluice::vsctl
