// SPDX-License-Identifier: Apache-2.0
// Tables as text, in five formats.
#include "dbserver/ovsdb/table_text.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstdlib>

#include "dbserver/ovsdb/value_json.h"
#include "dbserver/ovsdb/value_text.h"
#include "lib/program.h"

namespace sluice::ovsdb {
namespace {

using Format = TableStyle::Format;

struct FormatName {
  std::string_view name;
  Format format;
};
constexpr FormatName kFormats[] = {{"table", Format::table}, {"list", Format::list}, {"html", Format::html}, {"csv", Format::csv}, {"json", Format::json}};
struct CellsName {
  std::string_view name;
  TableStyle::Cells cells;
};
constexpr CellsName kCells[] = {{"string", TableStyle::Cells::string}, {"bare", TableStyle::Cells::bare}, {"json", TableStyle::Cells::json}};

std::string html_escape(std::string_view s) {
  std::string out;
  for (char c : s) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      default: out += c;
    }
  }
  return out;
}

/// RFC 4180.
std::string csv_quote(std::string_view s) {
  if (s.find_first_of("\n\",") == s.npos) return std::string(s);
  std::string out = "\"";
  for (char c : s) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + '"';
}

/// uuids become links to the row, or, in the column _uuid, what such links lead to.
std::string html_links(std::string_view s, bool target) {
  std::string out;
  while (!s.empty()) {
    if (uuid_prefix_length(s) == kUuidTextLength) {
      std::string_view uuid = s.substr(0, kUuidTextLength);
      out += fmt::format("<a {}{}\">{}</a>", target ? "name=\"" : "href=\"#", uuid, uuid.substr(0, 8));
      s.remove_prefix(kUuidTextLength);
      continue;
    }
    out += s[0];
    s.remove_prefix(1);
  }
  return out;
}

void html_row(std::string& out, const std::vector<std::string>& cells, std::string_view tag, const std::vector<std::string>& headings) {
  out += "  <tr>\n";
  for (size_t i = 0; i < cells.size(); i++) out += fmt::format("    <{}>{}</{}>\n", tag, html_links(html_escape(cells[i]), headings[i] == "_uuid"), tag);
  out += "  </tr>\n";
}

size_t display_width(std::string_view s) {
  return static_cast<size_t>(std::count_if(s.begin(), s.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

/// The first n characters.
std::string_view cut(std::string_view s, size_t n) {
  size_t i = 0;
  for (size_t seen = 0; i < s.size(); i++)
    if ((static_cast<unsigned char>(s[i]) & 0xc0) != 0x80 && seen++ == n) break;
  return s.substr(0, i);
}

void table_line(std::string& out, const std::vector<std::string>& cells, const std::vector<size_t>& widths) {
  std::string line;
  for (size_t i = 0; i < cells.size(); i++) {
    if (i) line += ' ';
    std::string_view text = cut(cells[i], widths[i]);
    line += text;
    line.append(widths[i] - display_width(text), ' ');
  }
  line.erase(line.find_last_not_of(' ') + 1);
  out += line + '\n';
}

}  // namespace

std::string_view table_options_help() {
  return R"(
Output formatting options:
  -f, --format=FORMAT         set output formatting to FORMAT
                              ("table", "html", "csv", or "json")
  -d, --data=FORMAT           set table cell output formatting to
                              FORMAT ("string", "bare", or "json")
  --no-headings               omit table heading row
  --pretty                    pretty-print JSON in output
  --bare                      equivalent to "--format=list --data=bare --no-headings"
)";
}

void add_table_options(Options& options, TableStyle& style) {
  options.add("format", 'f', Options::kRequired, [&](const char* arg) {
    auto it = std::find_if(std::begin(kFormats), std::end(kFormats), [&](const FormatName& f) { return f.name == arg; });
    if (it == std::end(kFormats)) fatal("unknown output format \"{}\"", arg);
    style.format = it->format;
  });
  options.add("data", 'd', Options::kRequired, [&](const char* arg) {
    auto it = std::find_if(std::begin(kCells), std::end(kCells), [&](const CellsName& c) { return c.name == arg; });
    if (it == std::end(kCells)) fatal("unknown data format \"{}\"", arg);
    style.cells = it->cells;
  });
  options.add("no-headings", 0, Options::kNone, [&](const char*) { style.headings = false; });
  options.add("pretty", 0, Options::kNone, [&](const char*) { style.pretty = true; });
  options.add("bare", 0, Options::kNone, [&](const char*) {
    style.format = Format::list;
    style.cells = TableStyle::Cells::bare;
    style.headings = false;
  });
  options.add("max-column-width", 0, Options::kRequired, [&](const char* arg) { style.max_column_width = std::strtoul(arg, nullptr, 10); });
}

std::string TextTable::cell_text(const Cell& c, TableStyle::Cells style) {
  if (auto* text = std::get_if<std::string>(&c.value)) return *text;
  if (auto* json = std::get_if<Json>(&c.value)) return json->is_null() ? "" : json->to_string();
  const Datum& d = std::get<Datum>(c.value);
  switch (style) {
    case TableStyle::Cells::string: return datum_to_text(d, *c.type);
    case TableStyle::Cells::bare: return datum_to_bare(d);
    case TableStyle::Cells::json: return datum_to_json(d).to_string();
  }
  return {};
}

Json TextTable::cell_json(const Cell& c) {
  if (auto* text = std::get_if<std::string>(&c.value)) return *text;
  if (auto* json = std::get_if<Json>(&c.value)) return *json;
  return datum_to_json(std::get<Datum>(c.value));
}

int TextTable::compare_cells(const Cell& a, const Cell& b) {
  auto sign = [](std::weak_ordering o) { return o < 0 ? -1 : o > 0 ? 1 : 0; };
  auto* x = std::get_if<Datum>(&a.value);
  auto* y = std::get_if<Datum>(&b.value);
  if (x && y && a.type == b.type) return sign(compare(x->ref(), y->ref()));
  return sign(cell_text(a, TableStyle::Cells::string) <=> cell_text(b, TableStyle::Cells::string));
}

void TextTable::sort() {
  std::vector<size_t> order;
  for (size_t i = 0; i < headings_.size(); i++)
    if (headings_[i] != "_uuid") order.push_back(i);
  for (size_t i = 0; i < headings_.size(); i++)
    if (headings_[i] == "_uuid") order.push_back(i);
  std::stable_sort(rows_.begin(), rows_.end(), [&](const std::vector<Cell>& a, const std::vector<Cell>& b) {
    for (size_t i : order)
      if (int c = i < a.size() && i < b.size() ? compare_cells(a[i], b[i]) : 0) return c < 0;
    return false;
  });
}

TextTable::Cells TextTable::texts(const std::vector<Cell>& row, const TableStyle& style) const {
  Cells out;
  for (const Cell& c : row) out.push_back(cell_text(c, style.cells));
  out.resize(headings_.size());
  return out;
}

/// Timestamp and caption on one line, as far as they are wanted.
std::string TextTable::title(const TableStyle& style) const {
  std::string out;
  if (style.timestamp && !timestamp_.empty()) out = timestamp_;
  if (!caption_.empty()) out += (out.empty() ? "" : " ") + caption_;
  return out;
}

std::string TextTable::format(const TableStyle& style, bool first) const {
  std::string out = first || style.format == Format::json || style.format == Format::html ? "" : "\n";
  switch (style.format) {
    case Format::table: return out + format_table(style);
    case Format::list: return out + format_list(style);
    case Format::html: return out + format_html(style);
    case Format::csv: return out + format_csv(style);
    case Format::json: return out + format_json(style);
  }
  return out;
}

std::string TextTable::format_table(const TableStyle& style) const {
  std::vector<Cells> lines;
  if (style.headings) lines.push_back(headings_);
  for (const auto& row : rows_) lines.push_back(texts(row, style));
  std::vector<size_t> widths(headings_.size());
  for (const Cells& line : lines)
    for (size_t i = 0; i < line.size(); i++) widths[i] = std::max(widths[i], display_width(line[i]));
  if (style.max_column_width)
    for (size_t i = 0; i < widths.size(); i++) widths[i] = std::min(widths[i], std::max(style.max_column_width, display_width(headings_[i])));
  std::string out = title(style);
  if (!out.empty()) out += '\n';
  for (size_t i = 0; i < lines.size(); i++) {
    table_line(out, lines[i], widths);
    if (i || !style.headings) continue;
    Cells rule;
    for (size_t w : widths) rule.push_back(std::string(w, '-'));
    table_line(out, rule, widths);
  }
  return out;
}

std::string TextTable::format_list(const TableStyle& style) const {
  std::string out = title(style);
  if (!out.empty()) out += '\n';
  for (size_t r = 0; r < rows_.size(); r++) {
    if (r) out += '\n';
    Cells cells = texts(rows_[r], style);
    for (size_t i = 0; i < cells.size(); i++) out += style.headings ? fmt::format("{:<20}: {}\n", headings_[i], cells[i]) : cells[i] + '\n';
  }
  return out;
}

std::string TextTable::format_html(const TableStyle& style) const {
  std::string out = "<table border=1>\n";
  if (std::string t = title(style); !t.empty()) out += fmt::format("    <caption>{}</caption>\n", html_escape(t));
  if (style.headings) html_row(out, headings_, "th", headings_);
  for (const auto& row : rows_) html_row(out, texts(row, style), "td", headings_);
  return out + "</table>\n";
}

std::string TextTable::format_csv(const TableStyle& style) const {
  std::string out = title(style);
  if (!out.empty()) out += '\n';
  auto line = [&](const Cells& cells) {
    for (size_t i = 0; i < cells.size(); i++) out += (i ? "," : "") + csv_quote(cells[i]);
    out += '\n';
  };
  if (style.headings) line(headings_);
  for (const auto& row : rows_) line(texts(row, style));
  return out;
}

std::string TextTable::format_json(const TableStyle& style) const {
  Json headings = Json::array(), data = Json::array();
  for (const std::string& h : headings_) headings.push_back(h);
  for (const auto& row : rows_) {
    Json cells = Json::array();
    for (const Cell& c : row) cells.push_back(cell_json(c));
    data.push_back(std::move(cells));
  }
  Json table = Json::object({{"headings", std::move(headings)}, {"data", std::move(data)}});
  if (!caption_.empty()) table.set("caption", caption_);
  if (style.timestamp && !timestamp_.empty()) table.set("time", timestamp_);
  return (style.pretty ? table.to_pretty_string() : table.to_string()) + '\n';
}

}  // namespace sluice::ovsdb
