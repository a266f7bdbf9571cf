// SPDX-License-Identifier: Apache-2.0
// The table printer, all formats and cell styles.
#include "dbserver/ovsdb/table_text.h"

#include <gtest/gtest.h>

namespace sluice::ovsdb {
namespace {

using Format = TableStyle::Format;
using Cells = TableStyle::Cells;

const ColumnType& string_type() {
  static const ColumnType t = *ColumnType::from_json("string");
  return t;
}
const ColumnType& set_type() {
  static const ColumnType t = *ColumnType::from_json(*Json::parse(R"({"key":"integer","min":0,"max":"unlimited"})"));
  return t;
}

TextTable sample() {
  TextTable t("T table");
  t.add_column("name");
  t.add_column("set");
  t.add_row();
  t.add(Datum::scalar("b c"), string_type());
  t.add(Datum(AtomType::integer), set_type());
  t.add_row();
  t.add(Datum::scalar("a"), string_type());
  t.add(Datum::set(AtomType::integer, {2, 1}), set_type());
  return t;
}

std::string text(const TextTable& t, Format f, Cells c = Cells::string, bool headings = true) {
  return t.format({.format = f, .cells = c, .headings = headings}, true);
}

TEST(TextTable, Formats) {
  TextTable t = sample();
  EXPECT_EQ(text(t, Format::table), "T table\nname  set\n----- ------\n\"b c\" []\na     [1, 2]\n");
  EXPECT_EQ(text(t, Format::list, Cells::bare), "T table\nname                : b c\nset                 : \n\nname                : a\nset                 : 1 2\n");
  EXPECT_EQ(text(t, Format::csv), "T table\nname,set\n\"\"\"b c\"\"\",[]\na,\"[1, 2]\"\n");
  EXPECT_EQ(text(t, Format::json), "{\"caption\":\"T table\",\"data\":[[\"b c\",[\"set\",[]]],[\"a\",[\"set\",[1,2]]]],\"headings\":[\"name\",\"set\"]}\n");
  EXPECT_EQ(text(t, Format::csv, Cells::json, false), "T table\n\"\"\"b c\"\"\",\"[\"\"set\"\",[]]\"\n\"\"\"a\"\"\",\"[\"\"set\"\",[1,2]]\"\n");
}

TEST(TextTable, SortsByValuesAndSeparatesTables) {
  TextTable t = sample();
  t.set_caption("");
  t.sort();
  EXPECT_EQ(text(t, Format::list, Cells::bare, false), "a\n1 2\n\nb c\n\n");
  EXPECT_EQ(t.format({.format = Format::csv}, false).front(), '\n');
  EXPECT_EQ(t.format({.format = Format::json}, false).front(), '{');
}

TEST(TextTable, HtmlIsEscaped) {
  TextTable t;
  t.add_column("<a>");
  t.add_row();
  t.add(std::string("\"&"));
  EXPECT_EQ(text(t, Format::html), "<table border=1>\n  <tr>\n    <th>&lt;a&gt;</th>\n  </tr>\n  <tr>\n    <td>&quot;&amp;</td>\n  </tr>\n</table>\n");
}

}  // namespace
}  // namespace sluice::ovsdb
