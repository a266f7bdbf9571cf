// SPDX-License-Identifier: Apache-2.0
// The table of the configuration schema: its order, and what is derived from it.
#include "vswitchd/schema.h"

#include <gtest/gtest.h>

#include <map>

#include "vswitchd/schema_rows.h"

namespace sluice::schema {
namespace {

TEST(Schema, TablesAndColumnsAreInOrderSoThatPositionsAreNumbers) {
  auto s = make_vswitch_schema();
  ASSERT_EQ(s->tables.size(), std::size(kTables));
  for (size_t i = 0; i < s->tables.size(); i++) EXPECT_EQ(s->tables[i].name, kTables[i].name);
  std::map<std::string, size_t> next;
  for (const ColumnInfo& c : kColumns) {
    const ovsdb::TableSchema* t = s->find(c.table);
    ASSERT_TRUE(t) << c.table;
    size_t position = next[std::string(c.table)]++;
    ASSERT_LT(position, t->columns.size());
    EXPECT_EQ(t->columns[position].name, c.name) << c.table;
    EXPECT_FALSE(c.effect.empty()) << c.table << "." << c.name;
  }
  EXPECT_EQ(std::size(kTables), 19u);
  EXPECT_EQ(std::size(kColumns), 190u);
}

TEST(Schema, TypesSayWhatCppReads) {
  auto s = make_vswitch_schema();
  for (const ColumnInfo& c : kColumns) {
    const ovsdb::ColumnType& type = s->find(c.table)->find(c.name)->type;
    Kind kind = type.is_map() ? Kind::map : type.is_optional_scalar() ? Kind::optional : type.is_scalar() ? Kind::scalar : Kind::set;
    EXPECT_EQ(kind_of(c.type), kind) << c.table << "." << c.name;
    ovsdb::AtomType key = type.key.type;
    Basic basic = key == ovsdb::AtomType::string    ? Basic::string
                  : key == ovsdb::AtomType::integer ? Basic::integer
                  : key == ovsdb::AtomType::boolean ? Basic::boolean
                                                    : Basic::uuid;
    EXPECT_EQ(basic_of(c.type), basic) << c.table << "." << c.name;
  }
}

TEST(Schema, ConstraintsAreThoseThatTheTextSays) {
  auto s = make_vswitch_schema();
  EXPECT_EQ(s->find("Port")->find("tag")->type.to_json().to_string(),
            R"({"key":{"maxInteger":4095,"minInteger":0,"type":"integer"},"min":0})");
  EXPECT_EQ(s->find("Mirror")->find("output_port")->type.to_json().to_string(), R"({"key":{"refTable":"Port","refType":"weak","type":"uuid"},"min":0})");
  EXPECT_EQ(s->find("Bridge")->find("flow_tables")->type.to_json().to_string(),
            R"({"key":{"maxInteger":254,"minInteger":0,"type":"integer"},"max":"unlimited","min":0,"value":{"refTable":"Flow_Table","type":"uuid"}})");
  EXPECT_FALSE(s->find("Interface")->find("name")->is_mutable);
  EXPECT_FALSE(s->find("Interface")->find("statistics")->persistent);
  EXPECT_TRUE(s->find("Open_vSwitch")->is_root);
  EXPECT_EQ(s->find("Open_vSwitch")->max_rows, 1u);
}

TEST(Schema, ItsJsonReadsBackAsItself) {
  auto s = make_vswitch_schema();
  auto again = ovsdb::DatabaseSchema::from_json(*Json::parse(s->to_json().to_pretty_string()));
  ASSERT_TRUE(again);
  EXPECT_EQ((*again)->to_json().to_string(), s->to_json().to_string());
}

TEST(Schema, RowsReadTyped) {
  auto s = make_vswitch_schema();
  const ovsdb::TableSchema& t = table_of(*s, TableId::Port);
  ovsdb::RowBuilder b;
  b.start(t);
  b.set(*t.find("name"), to_datum("p"));
  b.set(*t.find("tag"), to_datum(5));
  b.set(*t.find("trunks"), to_datum(std::vector<int64_t>{1, 2}));
  b.set(*t.find("other_config"), to_datum(std::map<std::string, std::string>{{"k", "v"}}));
  Port p(t, b.build({1, 2}, {}));
  EXPECT_EQ(p.name(), "p");
  EXPECT_EQ(p.tag(), 5);
  EXPECT_EQ(p.vlan_mode(), std::nullopt);
  EXPECT_EQ(p.trunks(), (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(p.other_config().get("k"), "v");
  EXPECT_FALSE(p.protected_());
}

}  // namespace
}  // namespace sluice::schema
