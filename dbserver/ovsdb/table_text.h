// SPDX-License-Identifier: Apache-2.0
// Tables as the tools print them (-f table, list, html, csv, json), with cells in one of three styles (-d string, bare, json).
// Plain values.  Output goes to a string: printing is the caller's.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "dbserver/ovsdb/types.h"
#include "dbserver/ovsdb/values.h"
#include "lib/json.h"
#include "lib/options.h"

namespace sluice::ovsdb {

struct TableStyle {
  enum class Format : uint8_t { table, list, html, csv, json };
  enum class Cells : uint8_t { string, bare, json };
  Format format = Format::table;
  Cells cells = Cells::string;
  bool headings = true, pretty = false, timestamp = false;
  size_t max_column_width = 0;  // of Format::table; 0 = unlimited
};

/// -f --format, -d --data, --no-headings, --pretty, --bare, --max-column-width.  A bad value ends the program.
void add_table_options(Options& options, TableStyle& style);
/// The lines on them for --help.
std::string_view table_options_help();

class TextTable {
 public:
  explicit TextTable(std::string caption = {}) : caption_(std::move(caption)) {}
  void add_column(std::string heading) { headings_.push_back(std::move(heading)); }
  void add_row() { rows_.emplace_back(); }
  // To the last row, from left to right.  Missing cells are empty, as is the text of a null.
  void add(std::string text) { rows_.back().push_back({std::move(text), nullptr}); }
  void add(Json json) { rows_.back().push_back({std::move(json), nullptr}); }
  /// `type` must outlive the table.
  void add(Datum datum, const ColumnType& type) { rows_.back().push_back({std::move(datum), &type}); }
  size_t row_count() const { return rows_.size(); }
  /// Rows in the order of their cells, from left to right, as values; a column _uuid comes last.
  void sort();
  void set_caption(std::string caption) { caption_ = std::move(caption); }
  /// A time to show above the table if style.timestamp: "2026-11-25 16:00:00.123".
  void set_timestamp(std::string text) { timestamp_ = std::move(text); }

  /// `first`: of the program's output; before another table comes an empty line.
  std::string format(const TableStyle& style, bool first) const;

 private:
  struct Cell {
    std::variant<std::string, Json, Datum> value;
    const ColumnType* type;
  };
  using Cells = std::vector<std::string>;
  static std::string cell_text(const Cell& c, TableStyle::Cells style);
  static Json cell_json(const Cell& c);
  static int compare_cells(const Cell& a, const Cell& b);
  std::string title(const TableStyle& style) const;
  Cells texts(const std::vector<Cell>& row, const TableStyle& style) const;
  std::string format_table(const TableStyle& style) const;
  std::string format_list(const TableStyle& style) const;
  std::string format_html(const TableStyle& style) const;
  std::string format_csv(const TableStyle& style) const;
  std::string format_json(const TableStyle& style) const;

  std::string caption_, timestamp_;
  std::vector<std::string> headings_;
  std::vector<std::vector<Cell>> rows_;
};

}  // namespace sluice::ovsdb
